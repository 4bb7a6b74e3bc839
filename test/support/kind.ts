import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { createAuditLog } from "./audit.ts";
import type { ControlPlane, ControlPlaneOptions } from "./controlplane.ts";
import { flags } from "./controlplane-files.ts";
import { createHttpClient, type HttpClient } from "./http-client.ts";
import { type CommandResult, createKubectl, type Kubectl, runCommand } from "./kubectl.ts";
import { createNodes, nodesAreReady } from "./nodes.ts";
import { type Program, startProgram, temporaryFolder } from "./processes.ts";
import { toolPath } from "./tools.ts";
import { until } from "./waiting.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CONFIG = "test/e2e/kind.yaml";
const AUDIT_LOG = "/var/log/strata/audit.log";

/** What `npm run e2e:kind` tells the tests: the program, and a prefix by which it finds clusters that were left behind. */
export interface KindSettings {
  readonly program: string;
  readonly prefix: string;
}

/** Set by scripts/e2e-kind.mjs: control planes are then kind clusters. */
export function kindSettings(env: NodeJS.ProcessEnv): KindSettings | undefined {
  const { STRATA_E2E_KIND: program, STRATA_E2E_PREFIX: prefix = "strata-e2e" } = env;
  return program === undefined || program === "" ? undefined : { program, prefix };
}

/**
 * A kind cluster behind the face of the tests' own control plane. Unlike there, the controllers always run, certificates of
 * other users cannot be had (their kubeconfigs impersonate instead), and what the API server logs stays in the node.
 */
export async function startKindCluster(
  { program, prefix }: KindSettings,
  { nodes = 2, name = "plane" }: ControlPlaneOptions,
): Promise<ControlPlane> {
  const folder = await temporaryFolder(name);
  const cluster = `${prefix}-${name}-${randomBytes(3).toString("hex")}`;
  const kubeconfigPath = join(folder.path, "admin.kubeconfig");
  const programs: Program[] = [];
  let close = (): void => {};
  const stop = async (): Promise<void> => {
    close();
    await Promise.all(programs.map((one) => one.kill()));
    await succeeded(program, ["delete", "cluster", "--name", cluster, "--kubeconfig", kubeconfigPath]);
    await folder.remove();
  };
  try {
    const where = ["--name", cluster, "--kubeconfig", kubeconfigPath];
    await succeeded(program, ["create", "cluster", ...where, "--config", CONFIG, "--wait", "120s"]);
    const access = await readAccess(kubeconfigPath);
    const request = createHttpClient({ server: access.server, caPem: access.caPem, ...access.keys });
    close = () => request.close();
    const kubectl = createKubectl({ kubeconfigPath, cacheFolder: folder.path });
    const node = `${cluster}-control-plane`;
    // Its images do not exist: no pod of a test may land on the node that would really pull them.
    checked(["cordon"], await kubectl(["cordon", node]));
    await writeFile(join(folder.path, "kwok.kubeconfig"), access.kubeconfig, { mode: 0o600 });
    programs.push(startProgram({ name: "kwok", file: toolPath("kwok"), args: kwokFlags(), folder: folder.path }));
    programs.push(followAuditLog(node, folder.path));
    await createNodes(request, nodes);
    await until(() => nodesAreReady(request, nodes), { what: "fake nodes", programs });
    const about = { node, kubectl, request, folder: folder.path, kubeconfigPath, programs };
    return { ...face(access, about), stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop().catch(() => {}); // Why it did not start is what people must see.
    throw error;
  }
}

interface Access {
  readonly server: string;
  readonly caPem: string;
  readonly kubeconfig: string;
  readonly keys: { readonly certPem: string; readonly keyPem: string };
}

interface About {
  readonly node: string;
  readonly kubectl: Kubectl;
  readonly request: HttpClient;
  readonly folder: string;
  readonly kubeconfigPath: string;
  readonly programs: Program[];
}

function face(
  { server, caPem, kubeconfig, keys }: Access,
  { node, kubectl, request, folder, kubeconfigPath, programs }: About,
): Omit<ControlPlane, "stop" | typeof Symbol.asyncDispose> {
  const audit = createAuditLog({ folder, request });
  let answers = true;
  // The test goes on at once, as after a signal to a process of its own.
  const docker = (...args: string[]): Promise<string> => succeeded("docker", args);
  return {
    server,
    caPem,
    admin: { ...keys, kubeconfig },
    kubeconfig,
    kubeconfigPath,
    dataDir: folder,
    pids: () => programs.filter((one) => one.running()).map(({ pid }) => pid),
    log: (component) => (component === "kwok" ? (programs[0]?.log() ?? "") : ""),
    request,
    kubectl,
    kubectlOk: async (args, options) => checked(args, await kubectl(args, options)),
    auditEvents: () => audit.read({ complete: answers }),
    userKubeconfig: ({ user, groups = [] }) => impersonating(kubeconfig, user, groups),
    userCredentials: () => {
      throw new Error("a kind cluster's authority signs no certificates for tests: use userKubeconfig");
    },
    pauseApiServer: () => {
      answers = false;
      void docker("pause", node);
    },
    resumeApiServer: () => {
      answers = true;
      void docker("unpause", node);
    },
    stopApiServer: async () => {
      answers = false;
      await docker("kill", node);
    },
    startApiServer: async () => {
      await docker("start", node);
      await until(async () => (await request("GET", "/readyz")).status === 200, { what: "kind node", programs: [] });
      programs.push(followAuditLog(node, folder));
      answers = true;
    },
  };
}

/** Only root may read the log in the node. Its lines go to `<folder>/audit.log`, where the audit log is looked for. */
function followAuditLog(node: string, folder: string): Program {
  const args = ["exec", node, "tail", "-n", "+1", "-F", AUDIT_LOG];
  return startProgram({ name: "audit", file: "docker", args, folder });
}

function kwokFlags(): string[] {
  const only = ["--manage-all-nodes=false", "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake"];
  return [...flags.kwok().filter((flag) => !flag.startsWith("--manage-")), ...only];
}

interface KubeconfigFile {
  clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
  users: { user: { "client-certificate-data": string; "client-key-data": string } }[];
}

async function readAccess(path: string): Promise<Access> {
  const kubeconfig = await readFile(path, "utf8");
  const { clusters, users } = load(kubeconfig) as KubeconfigFile;
  const [cluster, user] = [clusters[0]!.cluster, users[0]!.user];
  const decoded = (text: string): string => Buffer.from(text, "base64").toString("utf8");
  return {
    server: cluster.server,
    caPem: decoded(cluster["certificate-authority-data"]),
    kubeconfig,
    keys: { certPem: decoded(user["client-certificate-data"]), keyPem: decoded(user["client-key-data"]) },
  };
}

function impersonating(kubeconfig: string, user: string, groups: readonly string[]): string {
  const file = load(kubeconfig) as KubeconfigFile;
  const users = file.users.map((one) => ({ ...one, user: { ...one.user, as: user, "as-groups": groups } }));
  return `${JSON.stringify({ ...file, users }, null, 2)}\n`;
}

async function succeeded(program: string, args: readonly string[]): Promise<string> {
  return checked([program, ...args], await runCommand(program, args, { cwd: ROOT }));
}

function checked(args: readonly string[], { code, stdout, stderr }: CommandResult): string {
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}
