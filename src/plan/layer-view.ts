import type { LayerState } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { ObjectRef } from "../objects/types.ts";
import type { LayerHealth } from "./layer-health.ts";
import { layerOf } from "./pack-parts.ts";
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
  /** Of a suspended layer: the state in which it was left, if anything of it was ever brought. Of one with drift that is left: what it is apart from that. */
  stateBefore?: LayerState;
  /** Whether every object of the present content was written. */
  applied: boolean;
  health: LayerHealth | undefined;
  failure?: Failure;
  step?: Step;
  /** The step is no part of becoming Ready: nobody waits for it. */
  aside?: boolean;
  /** Something that the layer had before is still to go: it is Ready, and the deployment is not done. */
  leaving?: boolean;
  /** It goes within seconds: nobody needs to try to take it first. */
  goesSoon?: boolean;
  /** Something that the layer has dropped is there yet, whatever becomes of it. */
  dropping?: boolean;
  /** Nothing speaks against what was told last: a fresh process is only getting to know what is there. */
  looking?: boolean;
  /** When time alone changes the answer, in milliseconds since the epoch. */
  wakeAt?: number;
  /** Hooks: objects to be watched by name, and those that are late. */
  hooks?: { named: readonly NamedRef[]; late: readonly Tracked[] };
  /** What a person should know, though nothing stands in the way. */
  warnings?: readonly string[];
  /** Objects that the layer waits for, because somebody else has them. */
  awaits?: readonly AwaitedObject[];
  /** What somebody changed or deleted and what is left so, in words. */
  drift?: string;
  /** When Strata last wrote an object of the layer, as far as is known: RFC 3339, by the clock of the cluster. */
  writtenAt?: string;
  /** Objects that the cluster deletes by itself, and that are done. */
  finished?: readonly FinishedObject[];
  /** Jobs that the cluster will delete by itself, and that are not done. */
  running?: readonly RunningJob[];
}

/** The view when something else has to be done now than looking at objects aside: that comes again. */
export function withoutLook({ step: _, aside: __, ...view }: LayerView): LayerView {
  return view;
}

/** What a later process has to know of Jobs, whatever the layer is at. */
export function jobsOf({ finished, running }: LayerView): Pick<LayerView, "finished" | "running"> {
  return { ...(finished ? { finished } : {}), ...(running ? { running } : {}) };
}

/** An object that the cluster deletes by itself when it is done, and that is. */
export interface FinishedObject {
  /** `Job shop/migrate` */
  object: string;
  /** Of the manifest that it was made from. */
  digest: string;
  failed?: boolean;
}

/** A Job that the cluster deletes by itself when it is done, and that is not. */
export interface RunningJob extends Omit<FinishedObject, "failed"> {
  uid: string;
}

/** An object that somebody else has. */
export interface AwaitedObject {
  ref: ObjectRef;
  key: string;
  /** Whether it has to be watched by its name: what other profiles have is told by the watch of all members. */
  isNamed: boolean;
  /** The layer that gets it, if its owner gives it up; undefined when it takes nothing that exists. */
  heir: string | undefined;
}

/** A layer's own objects are members of the set that carry its mark. */
export interface Surroundings {
  seen: Seen;
  prepared: NonNullable<Seen["site"]["prepared"]>;
  /** The names of all listed layers, in order. */
  order: readonly string[];
  /** What the layer waits for, if its turn has not come. */
  waitsFor: Wait | undefined;
  /** The name of a layer that is wrong: nothing new is begun until it is right. */
  heldBy?: string | undefined;
  /** Whether a layer of the profile wants the object: what moves to another layer is not pruned here. */
  wantedElsewhere: (key: string) => boolean;
  /** A layer whose objects are not known (yet): it may want what another layer drops. */
  unknown: PlannedLayer | undefined;
  /** Whether a member remains when others go. */
  stays: (tracked: Tracked) => boolean;
  /** What listed layers have dropped and is held until a person allows it. */
  brakes: Brakes;
  /**
   * Kinds that members may have are not seen yet: nobody can tell how much goes. `step` watches those that are not; `silence`
   * says which API does not answer, where that is why.
   */
  blind: { step: Step | undefined; silence: Failure | undefined } | undefined;
  /** All listed layers: they may share a namespace. */
  layers: readonly PlannedLayer[];
}

/** Why nothing goes of what a listed layer has dropped: it came out empty, or with less than half of what it had. */
export interface Brake {
  /** It has no objects at all: nothing of it is begun. */
  isEmpty: boolean;
  failure: Failure;
  /** Why nobody need act yet: without what other profiles are about to take, it would not lose so much. */
  waits?: string;
}

/** By the name of a layer, or of a part of a pack; under the name of its layer where all that the pack has is held. */
export type Brakes = ReadonlyMap<string, Brake>;

/** A layer whose objects are known. */
export interface KnownLayer extends PlannedLayer {
  state: Extract<ContentState, { kind: "known" }>;
}

/** What a layer waits for, in words: `layer cni`. */
export interface Wait {
  on: string;
  reason: "WaitingForLayer" | "WaitingForProfile";
}

/** A layer whose turn has not come. */
export function pending(layer: PlannedLayer, { on, reason }: Wait): LayerView {
  return { ...working(layer, "Pending", `waits for ${on}`), reason };
}

export function held(layer: PlannedLayer, by: string): LayerView {
  return {
    ...pending(layer, { on: `layer ${by}`, reason: "WaitingForLayer" }),
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

/** It is left as it is, also its gate: what it is now is none of the plan's business. */
export function suspended(layer: PlannedLayer, { rows }: Seen): LayerView {
  const row = rows.get(layerOf(layer.spec));
  const stateBefore = row?.state === "Suspended" ? row.stateBefore : (row?.stateBefore ?? row?.state);
  const view = { ...working(layer, "Suspended", "suspended"), gateOpen: row?.gate === "Open" };
  return stateBefore === undefined ? view : { ...view, stateBefore };
}

/** Nothing is to be done for the layer: one that is suspended, or has drifted and is left so, is as good as it was. */
export function isSettled({ state, stateBefore }: { state: LayerState; stateBefore?: LayerState }): boolean {
  const counted = state === "Suspended" ? stateBefore : (stateBefore ?? state);
  return counted === "Ready" || counted === "Skipped";
}

/** Something that somebody changed is left so, in words. */
export function noteLeft(view: LayerView, words: string): LayerView {
  return { ...view, drift: view.drift === undefined ? words : `${words}; ${view.drift}` };
}

/**
 * The last word on a layer of which something is left as somebody changed it: one that is Ready stays as good as that, and says
 * so. Until then it is judged as any other is.
 */
export function driftLeft(view: LayerView): LayerView {
  const { state, drift, message, health } = view;
  if (drift === undefined) return view;
  if (state !== "Ready") return { ...view, warnings: [...(view.warnings ?? []), drift] };
  const more = health && message.startsWith(health.message) ? message.slice(health.message.length) : "";
  return { ...view, state: "Drifted", stateBefore: "Ready", reason: "DriftLeft", message: `${drift}${more}` };
}

export function working(layer: PlannedLayer, state: LayerState, message: string): LayerView {
  return { name: layer.spec.name, state, reason: state, message, gateOpen: false, applied: false, health: undefined };
}

/** A layer that cannot go on, in the state that the failure means. */
export function failing(layer: PlannedLayer, failure: Failure): LayerView {
  return { ...working(layer, failure.state, failure.message), reason: failure.reason, failure };
}
