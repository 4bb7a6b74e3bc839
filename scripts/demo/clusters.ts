import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, type KubeClient } from "../../src/kube/client.ts";
import { ownAccess } from "../../src/kube/own-access.ts";
import { type ControlPlane, startControlPlane } from "../../test/support/controlplane.ts";
import type { HubAccess } from "../../test/support/install.ts";
import { type CommandResult, createKubectl, type Kubectl } from "../../test/support/kubectl.ts";

/** A cluster of the demo. */
export interface DemoCluster {
  readonly name: string;
  /** Its control plane, when it is the demo's own. */
  readonly plane: ControlPlane | undefined;
  readonly client: KubeClient;
  /** What kubectl needs before the arguments to mean this cluster. */
  readonly contextFlags: readonly string[];
  /** A kubeconfig for Strata, as a TargetCluster has it. */
  readonly kubeconfig: string;
}

/** The hub, as something to install on. */
export interface DemoHub extends DemoCluster, HubAccess {}

/** Starts a control plane of real components. */
export async function ownCluster(name: string, isHub: boolean): Promise<DemoHub> {
  const plane = await startControlPlane({ name, audit: false });
  return {
    name,
    plane,
    client: await clientOf(plane.kubeconfigPath),
    contextFlags: isHub ? [] : ["--context", name],
    kubeconfig: plane.kubeconfig,
    dataDir: plane.dataDir,
    server: plane.server,
    caPem: plane.caPem,
    kubectlOk: plane.kubectlOk,
  };
}

/**
 * Somebody's cluster as the hub, and as the only target. Strata gets an account of its own there, since a person's
 * kubeconfig may hold what a TargetCluster refuses.
 *
 * @throws Error when something stands there that the demo would take for its own, and remove
 */
export async function givenCluster(
  name: string,
  { kubeconfigPath, folder }: { kubeconfigPath: string; folder: string },
): Promise<DemoHub> {
  const kubectl = createKubectl({ kubeconfigPath, cacheFolder: folder });
  const ok = okOf(kubectl);
  for (const namespace of ["strata-system", "acme"]) {
    const { code } = await kubectl(["get", "namespace", namespace]);
    if (code === 0)
      throw new Error(
        `the cluster of STRATA_KUBECONFIG has a namespace ${namespace} already: the demo makes it, and removes it at the end`,
      );
  }
  const view = JSON.parse(await ok(["config", "view", "--minify", "--flatten", "--raw", "-o", "json"]));
  const { server, "certificate-authority-data": ca = "" } = view.clusters[0].cluster;
  const caPem = Buffer.from(ca, "base64").toString();
  await ok(["create", "namespace", "acme"]);
  await ok(["create", "serviceaccount", "demo", "-n", "acme"]);
  await ok(["create", "clusterrolebinding", BINDING, "--clusterrole=cluster-admin", "--serviceaccount=acme:demo"]);
  const token = (await ok(["create", "token", "demo", "-n", "acme", "--duration=2h"])).trim();
  return {
    name,
    plane: undefined,
    client: await clientOf(kubeconfigPath),
    contextFlags: [],
    kubeconfig: kubeconfigFile([{ name, server, caPem, user: { token } }]),
    dataDir: folder,
    server,
    caPem,
    kubectlOk: ok,
  };
}

/** The binding by which the demo's account may do anything on somebody's cluster. */
export const BINDING = "strata-demo";

interface Entry {
  name: string;
  server: string;
  caPem: string;
  user: object;
}

/** One kubeconfig for people, with a context for each of the demo's own clusters; the first is the current one. */
export async function writeKubeconfig(folder: string, clusters: readonly DemoHub[]): Promise<string> {
  const path = join(folder, "kubeconfig");
  const entries = clusters.flatMap(({ name, server, caPem, plane }): Entry[] => {
    if (plane === undefined) return [];
    const encode = (pem: string): string => Buffer.from(pem).toString("base64");
    const { certPem, keyPem } = plane.admin;
    const user = { "client-certificate-data": encode(certPem), "client-key-data": encode(keyPem) };
    return [{ name, server, caPem, user }];
  });
  await writeFile(path, kubeconfigFile(entries), { mode: 0o600 });
  return path;
}

function kubeconfigFile(entries: readonly Entry[]): string {
  const data = (pem: string): object => ({ "certificate-authority-data": Buffer.from(pem).toString("base64") });
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: entries.map(({ name, server, caPem }) => ({ name, cluster: { server, ...(caPem && data(caPem)) } })),
    users: entries.map(({ name, user }) => ({ name, user })),
    contexts: entries.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
    "current-context": entries[0]?.name,
  };
  return `${JSON.stringify(kubeconfig, null, 2)}\n`;
}

async function clientOf(kubeconfigPath: string): Promise<KubeClient> {
  return connect(await ownAccess({ kubeconfigPath, env: {} }), { userAgent: "strata-demo" });
}

/** kubectl that throws, with its own words, when it fails. */
export function okOf(kubectl: Kubectl): HubAccess["kubectlOk"] {
  return async (args, options) => {
    const result: CommandResult = await kubectl(args, options);
    if (result.code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${result.code}: ${result.stderr}`);
    return result.stdout;
  };
}
