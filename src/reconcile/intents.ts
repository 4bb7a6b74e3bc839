import { Failure, type FailureReason } from "../errors.ts";
import { keyOf, refOf } from "../objects/identity.ts";
import { claimAttempt, wantedRelease } from "../plan/chart-layer.ts";
import type { LayerView } from "../plan/layer-view.ts";
import { plainObjects } from "../plan/manifests.ts";
import { releaseKey } from "../plan/release.ts";
import type { Plan, PlannedLayer } from "../plan/types.ts";
import type { DeploymentMemory } from "./memory.ts";

/**
 * What layers want and have never tried to write, by key: their turn is yet to come, perhaps when another profile has handed
 * over what comes before. A write that was refused is answered for by its claim. A layer with another trouble, and what comes
 * after it, is not about to take anything.
 */
export function intentsOf(
  { layers }: Pick<Plan, "layers">,
  views: readonly LayerView[],
  memory: Pick<DeploymentMemory, "attempts">,
): ReadonlySet<string> {
  const stuck = views.findIndex(isStuck);
  const coming = new Set((stuck < 0 ? views : views.slice(0, stuck)).map(({ name }) => name));
  const takers = layers.filter(({ spec }) => coming.has(spec.name) && !spec.suspend && spec.adoption !== "Never");
  return new Set(takers.flatMap((layer) => [...untriedObjects(layer, memory), ...untriedRelease(layer, memory)]));
}

/** What passes by itself in a moment. */
const PASSING: readonly FailureReason[] = ["Unreachable", "Throttled", "ServerError", "StaleRead"];

function isStuck({ failure, step, awaits = [] }: LayerView): boolean {
  return failure !== undefined && !step && awaits.length === 0 && !PASSING.includes(failure.reason);
}

function untriedObjects(layer: PlannedLayer, { attempts }: Pick<DeploymentMemory, "attempts">): string[] {
  const { state } = layer;
  if (state.kind !== "known") return writtenKeys(layer).filter((key) => !attempts.has(key));
  const untried = state.desired.filter(({ key, digest }) => attempts.get(key)?.digest !== digest);
  return untried.map(({ key }) => key);
}

function untriedRelease(layer: PlannedLayer, { attempts }: Pick<DeploymentMemory, "attempts">): string[] {
  const release = wantedRelease(layer);
  return release && !attempts.has(claimAttempt(layer).key) ? [releaseKey(release)] : [];
}

/** Of manifests that are not read yet: by their own namespace, else by the layer's, unless their kind has none. */
function writtenKeys({ inputs, namespace }: PlannedLayer): string[] {
  const objects = inputs ? plainObjects(inputs.layer, "manifests", inputs.texts) : [];
  if (objects instanceof Failure) return [];
  return objects.flatMap((object) => {
    const ref = refOf(object);
    const own = ref.namespace ?? namespace;
    return [keyOf(ref), ...(own === undefined ? [] : [keyOf({ ...ref, namespace: own })])];
  });
}
