import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ChartRepo, type Registry, startChartRepo, startRegistry } from "../../test/support/registry.ts";

const CHARTS = fileURLToPath(new URL("../../examples/charts", import.meta.url));

/** The example charts where charts come from: a Helm repository over HTTP, and an OCI registry. */
export interface ChartShelf extends AsyncDisposable {
  readonly repo: ChartRepo;
  readonly registry: Registry;
}

/** Serves database and shop (also the shop's next version) from the repository, and network from the registry. */
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
  await registry.pushCharts(overOci);
  const kept = opened.move();
  return { repo, registry, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
