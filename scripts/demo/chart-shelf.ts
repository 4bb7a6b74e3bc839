import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readPackFolder } from "../../src/cli/packs/pack-folder.ts";
import { PackPush } from "../../src/source/pack-push.ts";
import { LOOPBACK_NETWORKS } from "../../src/text/addresses.ts";
import { type ChartRepo, type Registry, startChartRepo, startRegistry } from "../../test/support/registry.ts";

const CHARTS = fileURLToPath(new URL("../../examples/charts", import.meta.url));
const PACKS = fileURLToPath(new URL("../../packs", import.meta.url));

/** The example charts where charts come from: a Helm repository over HTTP, and an OCI registry, which has packs too. */
export interface ChartShelf extends AsyncDisposable {
  readonly repo: ChartRepo;
  readonly registry: Registry;
}

/** Serves database and shop (also the shop's next version) from the repository, network and the pack hello from the registry. */
export async function openChartShelf(folder: string): Promise<ChartShelf> {
  const overHttp = join(folder, "charts-http");
  const overOci = join(folder, "charts-oci");
  await Promise.all([mkdir(overHttp), mkdir(overOci)]);
  await cp(join(CHARTS, "database"), join(overHttp, "database"), { recursive: true });
  await cp(join(CHARTS, "shop"), join(overHttp, "shop"), { recursive: true });
  await cp(join(CHARTS, "shop"), join(overHttp, "shop-next"), { recursive: true });
  await cp(join(CHARTS, "network"), join(overOci, "network"), { recursive: true });
  const chartFile = join(overHttp, "shop-next", "Chart.yaml");
  await writeFile(chartFile, (await readFile(chartFile, "utf8")).replace("version: 1.0.0", "version: 1.1.0"));
  await using opened = new AsyncDisposableStack();
  const repo = opened.use(await startChartRepo(overHttp));
  const registry = opened.use(await startRegistry());
  await Promise.all([registry.pushCharts(overOci), pushPack(registry.host)]);
  const kept = opened.move();
  return { repo, registry, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** `strata pack push packs/hello-1.0.0 oci://<host>/packs`. */
async function pushPack(host: string): Promise<void> {
  await using pusher = new PackPush({ plainHttp: [host], allowedNetworks: LOOPBACK_NETWORKS });
  const registry = { kind: "OCI" as const, url: `oci://${host}/packs` };
  const files = await readPackFolder(join(PACKS, "hello-1.0.0"));
  const pack = { registry, name: "hello", version: "1.0.0", files, replace: false };
  await pusher.push(pack, AbortSignal.timeout(30_000));
}
