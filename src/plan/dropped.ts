import type { KnownLayer, Surroundings } from "./layer-view.ts";
import { membersByLayer, type NextToGo, nextToGo } from "./removal.ts";
import { onceRendered } from "./render-step.ts";
import type { Step } from "./step.ts";

/**
 * What goes next of what a layer has in the cluster and does not want any more.
 *
 * @param isTurn whether it may go now
 */
export function dropped(layer: KnownLayer, { seen, wantedElsewhere, stays }: Surroundings, isTurn: boolean): NextToGo {
  if (layer.spec.prune === "Never") return { current: [], items: [], failed: [], notBefore: undefined };
  const wanted = new Set(layer.state.desired.map(({ key }) => key));
  const members = membersByLayer(seen).get(layer.spec.name) ?? [];
  return nextToGo(
    members.filter(({ observed: { key } }) => !wanted.has(key) && !wantedElsewhere(key)),
    { seen, stays, isTurn },
  );
}

/** The step that prunes it, or what must be known before. */
export function pruneStep(layer: KnownLayer, { items }: NextToGo, around: Surroundings): Step | undefined {
  const { unknown, seen, blind } = around;
  if (items.length === 0) return undefined;
  if (blind) return blind.step;
  return onceRendered({ kind: "Remove", layer: layer.spec.name, items }, unknown, seen);
}

/** The step that gives to other profiles what they wait for of what the layer dropped; nobody loses by that. */
export function handOverStep(layer: KnownLayer, around: Surroundings): Step | undefined {
  const prune = dropped(layer, around, false);
  return prune.handsOver ? pruneStep(layer, prune, around) : undefined;
}
