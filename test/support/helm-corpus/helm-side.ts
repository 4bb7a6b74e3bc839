import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControlPlane } from "../controlplane.ts";
import { helm } from "../helm.ts";
import type { CorpusChart, Release, Step } from "./types.ts";
import { VERSIONS, versionOf } from "./write-charts.ts";

/** How many helm processes run at a time. */
const AT_ONCE = 3;

/** Does a step with all charts by the real helm; resolves with what went otherwise than the charts say, by chart. */
export async function helmStep(
  charts: readonly CorpusChart[],
  step: Step,
  { plane, repo }: { plane: ControlPlane; repo: string },
): Promise<Map<string, string>> {
  const problems = new Map<string, string>();
  const queue = [...charts];
  const work = async (): Promise<void> => {
    for (let chart = queue.shift(); chart !== undefined; chart = queue.shift()) {
      const problem = await attempt(chart, step, await argumentsOf(chart, step, { plane, repo }), plane);
      if (problem !== undefined) problems.set(chart.name, problem);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return problems;
}

/**
 * Kubernetes' aggregation controller may write a ClusterRole that is deleted together with those which it collects, and by that
 * bring it back, bare. Helm waits for it in vain, has done all else, and has forgotten the release.
 */
const BROUGHT_BACK = /^Error: helm uninstall .* ClusterRole\/\/\S+ still exists/s;

async function attempt(
  chart: CorpusChart,
  step: Step,
  args: readonly string[],
  plane: ControlPlane,
): Promise<string | undefined> {
  if (chart.onlyStrata && (step === "rollback" || step === "uninstall")) return undefined;
  const words = chart.onlyStrata?.helm ?? (chart.refused?.release === step ? chart.refused.helm : undefined);
  const settings = ["--namespace", chart.name, "--wait", "--timeout", "60s"];
  const said = await helm([...args, ...settings], { home: plane.dataDir, kubeconfigPath: plane.kubeconfigPath }).then(
    () => undefined,
    (error: unknown) => (BROUGHT_BACK.test(String(error)) ? undefined : String(error)),
  );
  if (words === undefined) return said && `helm fails: ${said}`;
  if (said === undefined) return `helm does it, and should say ${words}`;
  return words.test(said) ? undefined : `helm should say ${words}, and says: ${said}`;
}

async function argumentsOf(
  chart: CorpusChart,
  step: Step,
  { plane, repo }: { plane: ControlPlane; repo: string },
): Promise<string[]> {
  const release = chart.releaseName ?? chart.name;
  if (step === "uninstall") return ["uninstall", release];
  // What helm refused before it touched the cluster has no revision; what it went back to is then the first.
  if (step === "rollback") return ["rollback", release, chart.refused?.release === "upgrade" ? "1" : "2"];
  const values = join(plane.dataDir, `values-${chart.name}.json`);
  await writeFile(values, JSON.stringify(versionOf(chart, step).values));
  const url = `${repo}/${chart.name}-${VERSIONS[step]}.tgz`;
  // A profile says all values each time: what helm's users get by --reset-values.
  const verb = step === "install" ? ["install"] : ["upgrade", "--reset-values"];
  return [...verb, release, url, "--values", values];
}

/** The release that a rollback goes back to: the second, or the first when the second was refused. */
export function rollbackTarget({ refused }: CorpusChart): Release {
  return refused?.release === "upgrade" ? "install" : "upgrade";
}
