/**
 * `npm run bench`, second part: one chart of the size of kube-prometheus-stack, brought to Ready by Strata and by
 * `helm upgrade --install --wait`, with helm's own limits and without any, side by side in one run.
 */
import { startControlPlane } from "../test/support/controlplane.ts";
import { helm } from "../test/support/helm.ts";
import { temporaryFolder } from "../test/support/processes.ts";
import { startChartRepo } from "../test/support/registry.ts";
import { startStrata } from "../test/support/strata.ts";
import { measure, print, type Row } from "./measure.ts";
import { writeStack } from "./stack.ts";

const STACKS = ["warm", "strata", "helm", "helmfast"];
const STRATA = /^strata\//;
const HELM = /^Helm\//;
const UNLIMITED = ["--qps", "5000", "--burst-limit", "10000"];

const folder = await temporaryFolder("bench-charts");
for (const name of STACKS) await writeStack(folder.path, name);
await using repo = await startChartRepo(folder.path);
await using plane = await startControlPlane({ name: "bench-helm", nodes: 1 });
const strata = await startStrata(plane);

// Strata runs for months: what it asks of a cluster once is no part of one installation.
await measure(plane, { name: "warm", namespace: "warm", clusterWide: true }, () => byStrata("warm", "one"));

const install = (title: string) => [
  () =>
    measure(plane, { name: "Strata", namespace: "strata", clusterWide: true, who: STRATA }, () =>
      byStrata("strata", title),
    ),
  () => measure(plane, { name: "helm --wait", namespace: "helm", who: HELM }, () => byHelm("helm", title)),
  () =>
    measure(plane, { name: "helm --wait --qps 5000 --burst-limit 10000", namespace: "helmfast", who: HELM }, () =>
      byHelm("helmfast", title, UNLIMITED),
    ),
];
print("One chart with 10 CRDs and 122 objects, to Ready", await inTurn(install("one")));
print("The same chart, with another value in 38 objects", await inTurn(install("two")));
await strata.terminate();
await folder.remove();

async function inTurn(runs: readonly (() => Promise<Row>)[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const run of runs) rows.push(await run());
  return rows;
}

async function byStrata(name: string, title: string): Promise<void> {
  const layer = { name: "stack", helm: { repo: repo.url, chart: name, version: "1.0.0" }, values: { title } };
  const profile = {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "stack", namespace: name },
    spec: { clusterRefs: [{ name: "local" }], namespace: name, layers: [layer] },
  };
  await plane.kubectlOk(["apply", "--server-side", "-f", "-"], { input: JSON.stringify(profile) });
  await plane.kubectlOk(["wait", "-n", name, "sap/stack", "--for=condition=Ready", "--timeout=300s"]);
}

async function byHelm(name: string, title: string, limits: readonly string[] = []): Promise<void> {
  const chart = `${repo.url}/${name}-1.0.0.tgz`;
  const args = ["upgrade", "--install", "stack", chart, "-n", name, "--wait", "--set", `title=${title}`, ...limits];
  await helm(args, { home: plane.dataDir, kubeconfigPath: plane.kubeconfigPath });
}
