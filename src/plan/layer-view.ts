import type { LayerState } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { LayerHealth } from "./layer-health.ts";
import type { NamedRef, Seen, Tracked } from "./seen.ts";
import type { Step } from "./step.ts";
import type { ContentState, PlannedLayer } from "./types.ts";

/** What one layer is doing on one cluster, and the next thing to do for it. */
export interface LayerView {
  name: string;
  state: LayerState;
  reason: string;
  message: string;
  /** Whether later layers may go on. */
  gateOpen: boolean;
  /** Whether every object of the present content was written. */
  applied: boolean;
  health: LayerHealth | undefined;
  failure?: Failure;
  step?: Step;
  /** The step is no part of becoming Ready: nobody waits for it. */
  aside?: boolean;
  /** Something that the layer had before is still to go: it is Ready, and the deployment is not done. */
  leaving?: boolean;
  /** Nothing speaks against what was told last: a fresh process is only getting to know what is there. */
  looking?: boolean;
  /** When time alone changes the answer, in milliseconds since the epoch. */
  wakeAt?: number;
  /** Hooks: objects to be watched by name, and those that are late. */
  hooks?: { named: readonly NamedRef[]; late: readonly Tracked[] };
}

/** A layer's own objects are members of the set that carry its mark. */
export interface Surroundings {
  seen: Seen;
  prepared: NonNullable<Seen["site"]["prepared"]>;
  /** The names of all listed layers, in order. */
  order: readonly string[];
  /** The name of the layer that this one waits for, if its turn has not come. */
  waitsFor: string | undefined;
  /** The name of a layer that is wrong: nothing new is begun until it is right. */
  heldBy?: string | undefined;
  /** Whether a layer of the profile wants the object: what moves to another layer is not pruned here. */
  wantedElsewhere: (key: string) => boolean;
  /** A layer whose objects are not known (yet): it may want what another layer drops. */
  unknown: PlannedLayer | undefined;
  /** Whether a member remains when others go. */
  stays: (tracked: Tracked) => boolean;
  /** All listed layers: they may share a namespace. */
  layers: readonly PlannedLayer[];
}

/** A layer whose objects are known. */
export interface KnownLayer extends PlannedLayer {
  state: Extract<ContentState, { kind: "known" }>;
}

export function pending(layer: PlannedLayer, waitsFor: string): LayerView {
  return { ...working(layer, "Pending", `waits for layer ${waitsFor}`), reason: "WaitingForLayer" };
}

export function held(layer: PlannedLayer, by: string): LayerView {
  return {
    ...pending(layer, by),
    message: `waits for layer ${by}: nothing new is applied until its expressions are right`,
  };
}

/** It is not wanted here, and nobody waits for it. */
export function skipped(layer: PlannedLayer): LayerView {
  const { on, until } = layer.state.kind === "skipped" ? layer.state : {};
  const message = `\`when\` is false on this cluster${on === undefined ? "" : `; ${on}`}`;
  const wake = until === undefined ? {} : { wakeAt: until };
  return { ...working(layer, "Skipped", message), gateOpen: true, ...wake };
}

/** Nothing is to be done for the layer. */
export function isSettled({ state }: { state: LayerState }): boolean {
  return state === "Ready" || state === "Skipped";
}

export function working(layer: PlannedLayer, state: LayerState, message: string): LayerView {
  return { name: layer.spec.name, state, reason: state, message, gateOpen: false, applied: false, health: undefined };
}

export function failing(layer: PlannedLayer, failure: Failure): LayerView {
  return { ...working(layer, failure.state, failure.message), reason: failure.reason, failure };
}
