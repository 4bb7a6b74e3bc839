import { type AuditEvent, type AuditLog, createAuditLog } from "./audit.ts";
import { createAuthority } from "./certificates.ts";
import { type Credentials, credentialsFor, flags, type Plane, writeFiles } from "./controlplane-files.ts";
import { createHttpClient, type HttpClient } from "./http-client.ts";
import { kindSettings, startKindCluster } from "./kind.ts";
import { type CommandResult, createKubectl, type Kubectl } from "./kubectl.ts";
import { createNodes, nodesAreReady } from "./nodes.ts";
import { type Program, startProgram, temporaryFolder } from "./processes.ts";
import { toolPath } from "./tools.ts";
import { anyPort, until } from "./waiting.ts";

export interface ControlPlaneOptions {
  /** Run controller manager, scheduler and kwok, so that pods become Ready. Default: true. */
  readonly controllers?: boolean;
  /** Fake nodes, `node-0` to `node-<n-1>`; needs controllers. Default: 2. */
  readonly nodes?: number;
  /** Record every request. Default: true. */
  readonly audit?: boolean;
  /** How often the API server ends an HTTP/2 session with GOAWAY after a request, up to 0.02. Default: 0. */
  readonly goawayChance?: number;
  /** Part of the names of its folder and of its kubeconfig context. */
  readonly name?: string;
}

/** Whom a kubeconfig speaks for. */
export interface User {
  readonly user: string;
  readonly groups?: readonly string[];
}

/** A Kubernetes control plane of real components on 127.0.0.1, alone in its processes, port and folder. */
export interface ControlPlane extends AsyncDisposable {
  /** `https://127.0.0.1:<port>`; the same after a restart of the API server. */
  readonly server: string;
  readonly caPem: string;
  /** Certificate and key of a member of `system:masters`. */
  readonly admin: Credentials;
  readonly kubeconfig: string;
  readonly kubeconfigPath: string;
  readonly dataDir: string;
  /** The processes that run now. */
  pids(): number[];
  /** What a component has logged; for the sentence of a failing test. */
  log(component: Component): string;
  /** A JSON request as admin; does not throw on a status. */
  readonly request: HttpClient;
  /** Runs kubectl as admin; resolves with any exit code. */
  readonly kubectl: Kubectl;
  /** Runs kubectl as admin; throws when it fails, else resolves with its output. */
  kubectlOk(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** All requests so far, one event each, in order of arrival; those of running watches included. */
  auditEvents(): Promise<AuditEvent[]>;
  /** A kubeconfig of any user, by a fresh client certificate. */
  userKubeconfig(user: User): string;
  /** Certificate and key of any user. */
  userCredentials(user: User): Credentials;
  /** The API server stops answering, connections stay open (a network that has gone silent). */
  pauseApiServer(): void;
  resumeApiServer(): void;
  /** The API server dies at once, connections are reset. */
  stopApiServer(): Promise<void>;
  /** Starts it again with the same address and data; resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Kills all processes and removes the folder. */
  stop(): Promise<void>;
}

export type Component = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kwok";

/**
 * Starts a control plane; resolves when it serves, its nodes are Ready and pods can be created. Under `npm run e2e:kind` it
 * is a kind cluster.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const kind = kindSettings(process.env);
  if (kind !== undefined) return await startKindCluster(kind, options);
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnPort(await anyPort(), options);
    } catch (error) {
      // Between our choice of the port and the server's bind, somebody else may take it.
      if (attempt === 3 || !String(error).includes("address already in use")) throw error;
    }
  }
}

async function startOnPort(port: number, options: ControlPlaneOptions): Promise<ControlPlane> {
  const { controllers = true, nodes = 2, audit = true, goawayChance = 0, name = "plane" } = options;
  const folder = await temporaryFolder(name);
  const server = `https://127.0.0.1:${port}`;
  const authority = createAuthority("strata-test-ca");
  const plane: Plane = { name, server, port, folder: folder.path, authority, audit, goawayChance };
  const { admin, kubeconfigPath } = await writeFiles(plane);
  const request = createHttpClient({ server, caPem: plane.authority.certPem, ...admin });
  const components = createComponents(plane, request);
  const stop = async (): Promise<void> => {
    request.close();
    await components.kill();
    await folder.remove();
  };
  try {
    components.start("etcd");
    await components.startApiServer();
    if (controllers) await components.startControllers(nodes);
  } catch (error) {
    await stop();
    throw error;
  }

  const kubectl = createKubectl({ kubeconfigPath, cacheFolder: folder.path });
  const userCredentials = ({ user, groups = [] }: User): Credentials =>
    credentialsFor(plane, plane.authority.issue({ commonName: user, organizations: groups }));
  return {
    server,
    caPem: plane.authority.certPem,
    admin,
    kubeconfig: admin.kubeconfig,
    kubeconfigPath,
    dataDir: folder.path,
    pids: components.pids,
    log: (component) => components.get(component)?.log() ?? "",
    request,
    kubectl,
    kubectlOk: async (args, commandOptions) => succeeded(args, await kubectl(args, commandOptions)),
    userKubeconfig: (user) => userCredentials(user).kubeconfig,
    userCredentials,
    ...apiServerControls(components, createAuditLog({ folder: folder.path, request })),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Components {
  start(component: Component): void;
  startApiServer(): Promise<void>;
  startControllers(nodes: number): Promise<void>;
  get(component: Component): Program | undefined;
  pids(): number[];
  kill(): Promise<void>;
}

function createComponents(plane: Plane, request: HttpClient): Components {
  const programs = new Map<Component, Program>();
  const start = (component: Component): void => {
    const args = flags[component](plane);
    programs.set(component, startProgram({ name: component, file: toolPath(component), args, folder: plane.folder }));
  };
  const ready = (what: string, condition: () => Promise<boolean>): Promise<void> =>
    until(condition, { what, programs: [...programs.values()] });
  return {
    start,
    startApiServer: async () => {
      start("kube-apiserver");
      await ready("kube-apiserver", async () => (await request("GET", "/readyz")).status === 200);
    },
    startControllers: async (nodes) => {
      for (const component of ["kube-controller-manager", "kube-scheduler", "kwok"] as const) start(component);
      await createNodes(request, nodes);
      await ready("fake nodes", () => nodesAreReady(request, nodes));
      await ready("service account", () => podsCanBeCreated(request));
    },
    get: (component) => programs.get(component),
    pids: () => [...programs.values()].filter((program) => program.running()).map((program) => program.pid),
    kill: async () => void (await Promise.all([...programs.values()].map((program) => program.kill()))),
  };
}

type ApiServerControls = Pick<
  ControlPlane,
  "auditEvents" | "pauseApiServer" | "resumeApiServer" | "stopApiServer" | "startApiServer"
>;

function apiServerControls(components: Components, auditLog: AuditLog): ApiServerControls {
  let answers = true;
  return {
    auditEvents: () => auditLog.read({ complete: answers }),
    pauseApiServer: () => {
      answers = false;
      components.get("kube-apiserver")?.signal("SIGSTOP");
    },
    resumeApiServer: () => {
      answers = true;
      components.get("kube-apiserver")?.signal("SIGCONT");
    },
    stopApiServer: async () => {
      answers = false;
      await components.get("kube-apiserver")?.kill();
    },
    startApiServer: async () => {
      await components.startApiServer();
      answers = true;
    },
  };
}

// The controller manager creates the ServiceAccount without which no pod of the namespace is admitted.
async function podsCanBeCreated(request: HttpClient): Promise<boolean> {
  return (await request("GET", "/api/v1/namespaces/default/serviceaccounts/default")).status === 200;
}

function succeeded(args: readonly string[], { code, stdout, stderr }: CommandResult): string {
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}
