import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { createKubectl, type Kubectl } from "../../test/support/kubectl.ts";
import { temporaryFolder } from "../../test/support/processes.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../../test/support/strata.ts";
import { toolPath } from "../../test/support/tools.ts";
import { type ChartShelf, openChartShelf } from "./chart-shelf.ts";
import { BINDING, type DemoHub, givenCluster, okOf, ownCluster, writeKubeconfig } from "./clusters.ts";

const CRDS = fileURLToPath(new URL("../../config/crd", import.meta.url));

/** Everything that runs for the demo. */
export interface Stage extends AsyncDisposable {
  /** The files that commands name; a person would be here. */
  readonly folder: string;
  readonly kubeconfigPath: string;
  readonly hub: DemoHub;
  /** All clusters, the hub first. */
  readonly clusters: readonly DemoHub[];
  readonly kubectl: Kubectl;
  kubectlOk: DemoHub["kubectlOk"];
  readonly shelf: ChartShelf | undefined;
  /** The running Strata; another one after a restart. */
  strata: StrataProcess;
  readonly home: StrataHome;
}

export interface StageOptions {
  /** Names of the clusters, the hub's first. */
  names: readonly string[];
  charts: boolean;
  /** A kubeconfig of somebody's cluster: it is the hub, and there are no others. */
  given: string | undefined;
  signal: AbortSignal;
  /** Hears of each cluster that is up. */
  onUp: (cluster: DemoHub) => void;
}

/** Starts clusters, chart sources and Strata. What it has started is stopped when it fails, and at its disposal. */
export async function openStage({ names, charts, given, signal, onUp }: StageOptions): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const folder = await temporaryFolder("demo");
  opened.defer(folder.remove);
  const [hubName = "hub", ...targets] = names;
  const start = async (name: string): Promise<DemoHub> => {
    const cluster = await ownCluster(name, name === hubName);
    opened.defer(() => closeOwn(cluster));
    signal.throwIfAborted();
    onUp(cluster);
    return cluster;
  };
  const shelf = charts ? openChartShelf(folder.path).then((open) => opened.use(open)) : undefined;
  const clusters = given
    ? [await givenHub(hubName, { given, folder: folder.path, opened, onUp })]
    : await allOf([hubName, ...targets].map(start));
  const [hub] = clusters;
  if (hub === undefined) throw new Error("a demo needs a cluster");
  const kubeconfigPath = given ?? (await writeKubeconfig(folder.path, clusters));
  const kubectl = createKubectl({ kubeconfigPath, cacheFolder: folder.path });
  if (given !== undefined) opened.defer(() => uninstall(hub));
  const home = await prepareHub(hub);
  const strata = await home.start();
  const stage = {
    folder: folder.path,
    kubeconfigPath,
    hub,
    clusters,
    kubectl,
    kubectlOk: okOf(kubectl),
    shelf: await shelf,
    strata,
    home,
  };
  opened.defer(() => stage.strata.terminate());
  if (given !== undefined) opened.defer(() => takeBack(hub));
  const kept = opened.move();
  return Object.assign(stage, { [Symbol.asyncDispose]: () => kept.disposeAsync() });
}

/** The commands that lead a person's shell to where everything is. */
export function wayIn({ folder, kubeconfigPath }: Stage): string[] {
  return [`cd ${folder}`, `export KUBECONFIG=${kubeconfigPath}`, `export PATH=${dirname(toolPath("kubectl"))}:$PATH`];
}

/** Copies a file into the stage's folder, with some texts replaced. */
export async function bring(file: URL, path: string, replacements: Readonly<Record<string, string>>): Promise<void> {
  const text = await readFile(file, "utf8");
  const replaced = Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), text);
  await writeFile(path, replaced);
}

async function givenHub(
  name: string,
  {
    given,
    folder,
    opened,
    onUp,
  }: { given: string; folder: string; opened: AsyncDisposableStack; onUp: StageOptions["onUp"] },
): Promise<DemoHub> {
  const hub = await givenCluster(name, { kubeconfigPath: given, folder });
  opened.defer(async () => {
    const late = ["--ignore-not-found", "--wait=false"];
    await hub.kubectlOk(["delete", "namespace/acme", `clusterrolebinding/${BINDING}`, ...late]);
    await hub.client.close();
  });
  onUp(hub);
  return hub;
}

/** All or the first failure, and only when each has ended: whatever was started is known then, and can be stopped. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

async function closeOwn({ client, plane }: DemoHub): Promise<void> {
  await client.close();
  await plane?.stop();
}

/** While Strata still runs, so that what the profiles brought goes with them. */
async function takeBack({ kubectlOk }: DemoHub): Promise<void> {
  await kubectlOk(["delete", "clusterprofiles", "--all", "-n", "acme", "--timeout=2m"]);
  await kubectlOk(["delete", "targetclusters", "--all", "-n", "acme", "--timeout=1m"]);
}

/** Takes from somebody's cluster what prepareHub brought. */
async function uninstall({ kubectlOk }: DemoHub): Promise<void> {
  const late = ["--ignore-not-found", "--wait=false"];
  await kubectlOk(["delete", "-f", CRDS, ...late]);
  await kubectlOk(["delete", "namespace/strata-system", ...late]);
  const label = "app.kubernetes.io/part-of=strata";
  await kubectlOk(["delete", "clusterroles,clusterrolebindings", "-l", label, ...late]);
}
