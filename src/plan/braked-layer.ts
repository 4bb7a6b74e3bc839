import { isEmpty } from "./brakes.ts";
import { isChart } from "./chart-layer.ts";
import { handOverStep } from "./dropped.ts";
import type { LayerHealth } from "./layer-health.ts";
import { type Brake, failing, type KnownLayer, type LayerView, type Surroundings, working } from "./layer-view.ts";
import { keepsAll } from "./listed-layers.ts";
import { LOOK_MS } from "./removal.ts";
import { onceRendered } from "./render-step.ts";
import type { Step } from "./step.ts";

/**
 * The brake that is on a layer now. While not all that members may be is seen nothing is called held; nor while a layer is not
 * rendered that may want what this one drops, save what was held before.
 */
export function brakeOn(layer: KnownLayer, { brakes, unknown, blind, seen }: Surroundings): Brake | undefined {
  const wasHeld = seen.rows.get(layer.spec.name)?.reason === "PruneHeld";
  return blind || (unknown && !wasHeld) ? undefined : brakes.get(layer.spec.name);
}

/**
 * A layer of which all is written, and what it dropped stays. What comes after it waits: it may be as wrong as this. That it
 * is ill is said first, as that is what its release fails by.
 */
export function heldView(
  layer: KnownLayer,
  brake: Brake,
  { health, around }: { health: LayerHealth; around: Surroundings },
): LayerView {
  const isIll = health.state !== "Ready";
  const step = handOverStep(layer, around) ?? firstStep(around);
  const wasReady = around.seen.rows.get(layer.spec.name)?.readyDigest === layer.state.digest;
  return {
    ...(isIll ? ill(layer, brake, health) : braked(layer, brake)),
    applied: true,
    health,
    dropping: true,
    gateOpen: wasReady || layer.spec.gate === "Applied",
    ...(step ? { step } : {}),
    ...wakeOf(brake, around, health.wakeAt),
  };
}

function braked(layer: KnownLayer, { failure, waits }: Brake): LayerView {
  return waits === undefined ? failing(layer, failure) : working(layer, "Applying", waits);
}

/** Nobody tells when another profile has changed its mind. */
function wakeOf({ waits }: Brake, { seen }: Surroundings, wakeAt?: number): Pick<LayerView, "wakeAt"> {
  const times = [wakeAt, waits === undefined ? undefined : seen.now + LOOK_MS].filter((time) => time !== undefined);
  return times.length > 0 ? { wakeAt: Math.min(...times) } : {};
}

function ill(layer: KnownLayer, brake: Brake, health: LayerHealth): LayerView {
  const { state, reason, failure } = health;
  const view = working(layer, state, `${health.message}; ${brake.waits ?? brake.failure.message}`);
  return { ...view, reason, ...(failure ? { failure } : {}) };
}

/**
 * A layer that comes out empty, while what it has is held or while nobody can tell: nothing of it is begun. The release of a
 * chart goes on being what runs.
 *
 * @returns undefined when it is to be brought as any other
 */
export function emptiedView(layer: KnownLayer, around: Surroundings, installedBefore: boolean): LayerView | undefined {
  if (!isEmpty(layer) || keepsAll(layer.spec)) return undefined;
  const { name } = layer.spec;
  const brake = brakeOn(layer, around);
  const step = handOverStep(layer, around) ?? firstStep(around);
  const next = { gateOpen: installedBefore, ...(step ? { step } : {}) };
  if (brake?.isEmpty) return { ...braked(layer, brake), ...next, ...wakeOf(brake, around), dropping: true };
  const unsure = unsureOf(layer, around, isChart(layer) && around.seen.rows.get(name)?.readyObjects === undefined);
  return unsure && { ...working(layer, "Applying", ""), ...unsure, ...next };
}

/**
 * What is told of a layer of which nobody can tell now whether what it dropped may go. It is not Ready: by that it would be
 * known as proven.
 *
 * @param isDropping whether it is seen to drop something, or may do so
 */
export function unsureOf(
  layer: KnownLayer,
  { blind, unknown, brakes, seen }: Surroundings,
  isDropping: boolean,
): Pick<LayerView, "state" | "reason" | "message" | "looking"> | undefined {
  const { readyDigest, readyObjects = 0 } = seen.rows.get(layer.spec.name) ?? {};
  const hadOthers = readyObjects > 0 && readyDigest !== layer.state.digest;
  const applying = { state: "Applying", reason: "Applying" } as const;
  const words = "looking for all that it has brought";
  // An API may be silent for days, and a person may have to act: that is told, and all else too.
  if (blind?.silence && (isDropping || hadOthers))
    return { ...applying, message: `${words}: ${blind.silence.message}` };
  if (blind && (isDropping || hadOthers)) return { ...applying, message: words, looking: true };
  if (!unknown || !brakes.has(layer.spec.name)) return undefined;
  return { ...applying, message: `waits until it is known what layer ${unknown.spec.name} wants of what it dropped` };
}

/** What must be known before it is known what goes. */
function firstStep({ blind, unknown, seen }: Surroundings): Step | undefined {
  return blind ? blind.step : unknown && onceRendered({ kind: "None" }, unknown, seen);
}
