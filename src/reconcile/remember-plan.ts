import type { DeploymentView } from "../plan/next-step.ts";
import { layerOf } from "../plan/pack-parts.ts";
import type { Step } from "../plan/step.ts";
import type { Plan, PlannedLayer } from "../plan/types.ts";
import type { DeploymentMemory } from "./memory.ts";

type Remembered = Pick<DeploymentMemory, "installed" | "conditions">;

/**
 * Keeps how conditions were answered, and each layer as it is while it is Ready, for the time when it is not known what it
 * should be. Of a layer that is skipped nothing is kept: should it come back, it is brought anew, in its turn.
 */
export function rememberPlan(memory: Remembered, plan: Plan, views: DeploymentView["layers"]): void {
  const { installed } = memory;
  memory.conditions = plan.conditions ?? memory.conditions;
  const owners = new Set(plan.layers.filter(({ state }) => state.kind !== "skipped").map(({ spec }) => layerOf(spec)));
  for (const [name, { spec }] of installed) if (!owners.has(layerOf(spec))) installed.delete(name);
  for (const { name, state } of views) {
    const layer = plan.layers.find(({ spec }) => spec.name === name);
    if (state === "Ready" && layer?.state.kind === "known") installed.set(name, { ...layer, state: layer.state });
  }
}

/**
 * Before a step: what it writes over or takes away is not what is installed any more, also when it fails half-way. To mend
 * that again would bring back what was replaced.
 */
export function forgetReplaced({ installed }: Remembered, step: Step, plan: Plan): void {
  const begun = begunBy(step, plan);
  if (begun && installed.get(begun.name)?.state.digest !== begun.digest) installed.delete(begun.name);
}

function begunBy(step: Step, { layers }: Plan): { name: string; digest: string | undefined } | undefined {
  if (step.kind === "Remove")
    return { name: step.layer, digest: digestOf(layers.find(({ spec }) => spec.name === step.layer)) };
  // The hooks of a revision come before its objects, and may change those that are there.
  if (step.kind === "Apply" || step.kind === "OpenRelease")
    return { name: step.layer.spec.name, digest: digestOf(step.layer) };
  return undefined;
}

function digestOf(layer: PlannedLayer | undefined): string | undefined {
  return layer?.state.kind === "known" ? layer.state.digest : undefined;
}
