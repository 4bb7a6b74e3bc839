import { setCondition } from "../api/conditions.ts";
import type { Condition, DeploymentLayerStatus, Layer, LayerState } from "../api/types.ts";
import { cut, since, sourceOf } from "./row-text.ts";

/** The row of a layer that is left as it is: what was told of it last, and in which state it was left. */
export function suspendedRow(
  { name, type, source }: { name: string; type?: Layer["type"]; source: string },
  previous: DeploymentLayerStatus | undefined,
  now: string,
): DeploymentLayerStatus {
  const row = leftAsItIs(
    { source, ...previous, name, ...(type ? { type } : {}), gate: previous?.gate ?? "Closed" },
    previous,
    now,
  );
  if (!previous?.parts) return row;
  return { ...row, parts: previous.parts.map((part) => leftAsItIs(part, part, now)) };
}

function leftAsItIs<T extends { name: string; message?: string }>(
  row: T,
  previous: (Partial<DeploymentLayerStatus> & { state: LayerState }) | undefined,
  now: string,
): T & { state: LayerState } {
  const isNew = previous?.state !== "Suspended";
  const stateBefore = isNew ? (previous?.stateBefore ?? previous?.state) : previous.stateBefore;
  const message = isNew ? messageOf(previous) : previous.message;
  const state = "Suspended" as const;
  const left = { ...row, state, reason: "Suspended", lastTransitionTime: since({ state }, previous, now) };
  return {
    ...left,
    ...(message === undefined ? {} : { message: cut(message) }),
    ...(stateBefore === undefined ? {} : { stateBefore }),
  };
}

function messageOf(previous: { state: LayerState; message?: string } | undefined): string {
  if (previous === undefined) return "suspended before anything of it was brought";
  const { state, message } = previous;
  return state === "Ready" || message === undefined
    ? `suspended; it was ${state}`
    : `suspended; it was ${state}: ${message}`;
}

/** The row of a listed layer that is suspended, alone or with its profile. */
export function suspendedLayerRow(
  layer: Layer,
  previous: DeploymentLayerStatus | undefined,
  now: string,
): DeploymentLayerStatus {
  const { name, type } = layer;
  return suspendedRow({ name, type, source: sourceOf(layer) }, previous, now);
}

/** The conditions with Suspended while anything is; without it otherwise. */
export function withSuspended(
  conditions: readonly Condition[],
  suspended: string | undefined,
  { observedGeneration, now }: { observedGeneration: number; now: string },
): Condition[] {
  if (suspended === undefined) return conditions.filter(({ type }) => type !== "Suspended");
  const next = {
    type: "Suspended",
    status: "True" as const,
    reason: "Suspended",
    message: suspended,
    observedGeneration,
  };
  return [...setCondition(conditions, next, now)];
}

/** Which layers are suspended, in words; undefined when none is. */
export function suspendedWords(names: readonly string[], isWhole: boolean): string | undefined {
  if (isWhole) return "the profile is suspended: all its layers are left as they are";
  if (names.length === 0) return undefined;
  return cut(`left as ${names.length === 1 ? "it is: layer" : "they are: layers"} ${names.join(", ")}`);
}
