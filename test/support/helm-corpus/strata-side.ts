import type { ControlPlane } from "../controlplane.ts";
import { apply, condition, isReady, type Live, layerOf, pathOf, waitUntil } from "../stories.ts";
import { rollbackTarget } from "./helm-side.ts";
import type { CorpusChart, Release, Step } from "./types.ts";
import { VERSIONS, versionOf } from "./write-charts.ts";

const TENANT = "acme";

/** Does a step with all charts by Strata, one profile each; resolves with what went otherwise than the charts say, by chart. */
export async function strataStep(
  charts: readonly CorpusChart[],
  step: Step,
  { plane, repo }: { plane: ControlPlane; repo: string },
): Promise<Map<string, string>> {
  if (step === "uninstall") {
    await plane.kubectlOk(["delete", "--namespace", TENANT, "addonprofiles", "--all", "--timeout=120s"]);
    return new Map();
  }
  const profiles = charts.map((chart) => profileOf(chart, step === "rollback" ? rollbackTarget(chart) : step, repo));
  await apply(plane, ...profiles);
  const problems = new Map<string, string>();
  for (const chart of charts) {
    const problem = await problemOf(chart, step, plane);
    if (problem !== undefined) problems.set(chart.name, problem);
  }
  return problems;
}

function profileOf(chart: CorpusChart, release: Release, repo: string): object {
  const { name, releaseName = name } = chart;
  const { values } = versionOf(chart, release);
  const layer = {
    name,
    namespace: name,
    helm: { repo, chart: name, version: VERSIONS[release], releaseName, ...chart.source },
    ...(Object.keys(values).length > 0 && { values }),
    ...chart.layer,
  };
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name, namespace: TENANT },
    spec: { clusterRefs: [{ name: "local" }], allowMassPrune: true, layers: [layer] },
  };
}

/** Waits until the layer has come to where the chart says it comes. */
async function problemOf({ name, refused }: CorpusChart, step: Step, plane: ControlPlane): Promise<string | undefined> {
  const words = refused?.release === step ? refused.strata : undefined;
  const path = pathOf("strata.dev/v1alpha1", "addonprofiles", `${TENANT}/${name}`);
  const message = (object: Live): string => layerOf(object, name)?.message ?? "";
  const isThere = (object: Live): boolean =>
    words === undefined ? isReady(object) || needsSomebody(object) : isCurrent(object) && words.test(message(object));
  const told = await waitUntil(plane, path, { what: words ? `refused with ${words}` : "Ready", is: isThere }).catch(
    (error: unknown) => String(error),
  );
  if (typeof told === "string") return told;
  return words === undefined && !isReady(told) ? `Strata fails: ${message(told)}` : undefined;
}

function isCurrent(object: Live): boolean {
  return condition(object, "Ready")?.observedGeneration === object.metadata.generation;
}

function needsSomebody(object: Live): boolean {
  return isCurrent(object) && condition(object, "Stalled")?.status === "True";
}
