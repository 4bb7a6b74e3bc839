import { Failure } from "../errors.ts";
import { describeRef, groupKindKey, isCrd } from "../objects/identity.ts";
import type { GroupVersionKind } from "../objects/types.ts";
import { brakeOn, heldView, unsureOf } from "./braked-layer.ts";
import { fightSentence, looks } from "./drift.ts";
import { dropped, pruneStep } from "./dropped.ts";
import { goingSentence } from "./held.ts";
import { judgeHealth, type LayerHealth, untilObserved } from "./layer-health.ts";
import { failing, isSettled, type KnownLayer, type LayerView, type Surroundings, working } from "./layer-view.ts";
import { lentAs } from "./lent.ts";
import { isOpen, type ObjectView, viewsOf, withStandings } from "./object-views.ts";
import { awaited, occupationOf, retryTime } from "./occupied.ts";
import { membersByLayer, REMOVAL } from "./removal.ts";
import type { Seen } from "./seen.ts";
import { isLeftAlone } from "./standing.ts";
import type { ApplyItem, Step } from "./step.ts";
import type { Desired } from "./types.ts";

/**
 * Judges a layer whose content is known and whose surroundings are ready: which objects to write next (the lowest wave that
 * has any), then what to prune, then health.
 */
export function evaluateObjects(layer: KnownLayer, around: Surroundings, installedBefore: boolean): LayerView {
  const views = viewsOf(layer, around.seen);
  const view = unwritten(layer, views, { around, installedBefore }) ?? finished(layer, views, around);
  return withStandings(layer, view, { views, seen: around.seen });
}

/**
 * Judges a layer while objects of it are to be written that come before all else; undefined when they are. Nothing goes
 * meanwhile, nor is the layer healthy: that is judged by all that it wants.
 */
export function evaluateFirst(
  layer: KnownLayer,
  isFirst: (desired: Desired) => boolean,
  around: Surroundings,
): LayerView | undefined {
  if (!layer.state.desired.some(isFirst)) return undefined;
  const views = viewsOf(layer, around.seen);
  const first = views.filter(({ desired }) => isFirst(desired));
  // What cannot be placed may be of a kind that these bring.
  const placed = { ...layer, state: { ...layer.state, problems: [] } };
  const view = unwritten(placed, first, { around, installedBefore: false });
  return view && withStandings(layer, view, { views, seen: around.seen });
}

/** The layer while some of its objects are to be written; undefined when all of these are. */
function unwritten(
  layer: KnownLayer,
  views: readonly ObjectView[],
  { around, installedBefore }: { around: Surroundings; installedBefore: boolean },
): LayerView | undefined {
  const { seen } = around;
  const failures = failuresOf(layer, views, seen);
  const open = views.filter(isOpen);
  if (failures.length === 0 && open.length === 0) return undefined;
  const view = failures.length > 0 ? failing(layer, summed(failures)) : applying(layer, { views, open }, around);
  const { step, wakeAt } = nextWrite(layer, views, seen);
  const wakes = [wakeAt, nextRetry(layer, open, seen)].filter((time) => time !== undefined);
  return {
    ...view,
    gateOpen: installedBefore,
    awaits: awaited(layer, open, seen),
    ...(step ? { step } : {}),
    ...(wakes.length > 0 ? { wakeAt: Math.min(...wakes) } : {}),
  };
}

/**
 * What somebody changed or deleted of a layer that is to stay as it is, and the step that mends it. What another layer has
 * by now, or will have, is left to that one. What the watches do not cover now may well be there.
 */
export function repairsOf(
  layer: KnownLayer,
  { seen, wantedElsewhere }: Pick<Surroundings, "seen" | "wantedElsewhere">,
): { step?: Step; message?: string; wakeAt?: number } {
  if (isReplaced(layer, seen)) return {};
  const isSeen = ({ ref }: Desired): boolean => {
    const watch = seen.site.watchState(ref, ref.namespace);
    return watch === "live" || watch === "unserved";
  };
  const open = viewsOf(layer, seen).filter(
    ({ standing, desired }) =>
      ["missing", "drifted"].includes(standing) && isSeen(desired) && !wantedElsewhere(desired.key),
  );
  if (open.length === 0) return {};
  const failures = open.flatMap(({ desired: { key, digest } }) => {
    const attempt = seen.attempts.get(key);
    return attempt?.failure && attempt.digest === digest ? [attempt.failure] : [];
  });
  const { step, wakeAt } = nextWrite(layer, open, seen);
  const wakes = [wakeAt, nextRetry(layer, open, seen)].filter((time) => time !== undefined);
  return {
    ...(step ? { step } : {}),
    message: failures.length > 0 ? summed(failures).message : driftSentence(open),
    ...(wakes.length > 0 ? { wakeAt: Math.min(...wakes) } : {}),
  };
}

/** Whether the layer has objects of other content: what is missing of this one was then dropped, perhaps, and not lost. */
function isReplaced({ spec, state }: KnownLayer, seen: Seen): boolean {
  const wanted = new Map(state.desired.map((desired) => [desired.key, desired]));
  return (membersByLayer(seen).get(spec.name) ?? []).some(({ observed: { key, digest } }) => {
    const desired = wanted.get(key);
    return desired ? digest !== desired.digest && !desired.createOnly : spec.prune !== "Never";
  });
}

/**
 * The objects of the lowest wave that has something to write, else a look for kinds that should be served by now. When all
 * CRDs of the layer are Established the look comes first: the first watch of a new kind takes long, and runs beside the writes.
 */
function nextWrite(layer: KnownLayer, views: readonly ObjectView[], seen: Seen): { step?: Step; wakeAt?: number } {
  const held = heldBack(views, seen);
  const due = views.filter((view) => isDue(layer, view, { held, seen }));
  const retryAt = seen.attempts.get(DISCOVERY)?.retryAt ?? 0;
  const looksFirst = held.size > 0 && seen.now >= retryAt && held.values().every(({ established }) => established);
  if (due.length > 0 && !looksFirst) {
    const wave = Math.min(...due.map(({ desired }) => desired.wave));
    const items = due.filter(({ desired }) => desired.wave === wave).map((view) => toItem(layer, view, seen));
    return { step: { kind: "Apply", layer, items } };
  }
  const wanted = [
    ...layer.state.unknownKinds,
    ...held
      .values()
      .filter(({ established }) => established)
      .map(({ ref }) => ref),
  ];
  if (wanted.length === 0) return {};
  return seen.now >= retryAt ? { step: { kind: "Discover", wanted } } : { wakeAt: retryAt };
}

interface Held {
  ref: GroupVersionKind;
  /** Whether only discovery is behind: nothing will tell when the kind is served. */
  established: boolean;
}

/** Objects whose kind is not served, or not seen, yet. Only this holds an object back: its CRD must be Established first. */
function heldBack(views: readonly ObjectView[], seen: Seen): ReadonlyMap<string, Held> {
  const crds = new Map(
    views.filter(({ desired }) => isCrd(desired.ref)).map((view) => [servedKind(view.desired), view]),
  );
  const held = new Map<string, Held>();
  for (const { desired } of views) {
    const crd = crds.get(groupKindKey(desired.ref));
    const established = crd === undefined || (!isOpen(crd) && crd.tracked?.verdict.state === "Current");
    if (!established || !seen.site.served(desired.ref)) held.set(desired.key, { ref: desired.ref, established });
    else if (crd && seen.site.watchState(desired.ref, desired.ref.namespace) === "starting")
      held.set(desired.key, { ref: desired.ref, established: false });
  }
  return held;
}

function servedKind({ object }: Desired): string {
  const spec = object["spec"] as { group?: string; names?: { kind?: string } } | undefined;
  return groupKindKey({ group: spec?.group ?? "", kind: spec?.names?.kind ?? "" });
}

/** The key under which an attempt to find kinds that are not served yet is remembered. */
export const DISCOVERY = "discovery";

function isDue(
  layer: KnownLayer,
  view: ObjectView,
  { held, seen }: { held: ReadonlyMap<string, unknown>; seen: Seen },
) {
  const { desired, standing } = view;
  if (!isOpen(view) || standing === "terminating" || held.has(desired.key)) return false;
  if (isGoing(view, seen)) return false;
  return (retryTime(layer, view, seen) ?? 0) <= seen.now;
}

/** Its delete was accepted, and the watch has not told of it yet. */
function isGoing({ desired, tracked }: ObjectView, { attempts }: Seen): boolean {
  const { digest, removed } = attempts.get(desired.key) ?? {};
  return digest === REMOVAL && removed !== undefined && removed === tracked?.observed.uid;
}

function toItem({ state }: KnownLayer, { desired, tracked, standing, lastRun }: ObjectView, seen: Seen): ApplyItem {
  const mode = standing === "missing" ? "create" : standing === "drifted" ? "repair" : "update";
  return {
    desired,
    mode,
    observed: tracked,
    content: state.digest,
    ...lentAs(desired.key, seen),
    ...(lastRun === undefined ? {} : { lastRun }),
  };
}

function failuresOf(layer: KnownLayer, views: readonly ObjectView[], seen: Seen): Failure[] {
  const attempted = views.flatMap((view) => {
    const { desired } = view;
    const attempt = seen.attempts.get(desired.key);
    if (!isOpen(view) || !attempt?.failure || attempt.digest !== desired.digest) return [];
    const occupation = occupationOf(layer, view, seen);
    if (occupation?.kind === "free") return (retryTime(layer, view, seen) ?? 0) > seen.now ? [attempt.failure] : [];
    return [occupation?.failure ?? attempt.failure];
  });
  return [...layer.state.problems, ...attempted];
}

function nextRetry(layer: KnownLayer, open: readonly ObjectView[], seen: Seen): number | undefined {
  const times = open
    .flatMap((view) => retryTime(layer, view, seen) ?? [])
    .filter((time) => time > seen.now && Number.isFinite(time));
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** The first failure speaks; a person must act before a machine can, so configuration comes before the transient ones. */
function summed(failures: readonly Failure[]): Failure {
  const sorted = failures.toSorted((a, b) => rank(a) - rank(b));
  const [first] = sorted;
  if (!first) throw new Error("no failure to sum up");
  const more = sorted.length > 1 ? ` (and ${sorted.length - 1} more)` : "";
  return new Failure(first.reason, `${first.message}${more}`, { cause: first });
}

function rank(failure: Failure): number {
  return failure.retry === "configuration" ? 0 : failure.retry === "waiting" ? 1 : 2;
}

function applying(
  layer: KnownLayer,
  { views, open }: { views: readonly ObjectView[]; open: readonly ObjectView[] },
  { seen }: Surroundings,
): LayerView {
  const installedBefore = seen.rows.get(layer.spec.name)?.readyDigest === layer.state.digest;
  const undone = open.find((view) => (retryTime(layer, view, seen) ?? 0) > seen.now);
  if (undone) return { ...working(layer, "Drifted", fightSentence(undone)), reason: "DriftFight" };
  const terminating = open.find(({ standing }) => standing === "terminating");
  const done = views.length - open.length;
  const progress = `${done} of ${views.length} objects applied`;
  const kind = open.find(({ standing }) => standing === "missing") && waitingKind(views, seen);
  const why = terminating ? terminatingSentence(terminating) : kind;
  const message = why === undefined ? progress : `${progress}; ${why}`;
  const repairs = installedBefore && open.every(({ standing }) => standing !== "outdated");
  return working(layer, repairs ? "Drifted" : "Applying", repairs ? repairSentence(open) : message);
}

/** What is on its way out is not repaired before it is gone, and may need a person for that. */
function repairSentence(open: readonly ObjectView[]): string {
  const [terminating] = open.filter(({ standing }) => standing === "terminating");
  const others = open.filter(({ standing }) => standing !== "terminating");
  if (!terminating) return driftSentence(others);
  return [...(others.length > 0 ? [driftSentence(others)] : []), terminatingSentence(terminating)].join("; ");
}

function driftSentence(open: readonly ObjectView[]): string {
  const names = open.slice(0, 3).map(({ desired }) => describeRef(desired.ref));
  return `${names.join(", ")}${open.length > 3 ? ` and ${open.length - 3} more` : ""} changed or deleted by somebody: repairing`;
}

/** Whose kind an object waits for, and how far that is. */
function waitingKind(views: readonly ObjectView[], seen: Seen): string | undefined {
  const [held] = heldBack(views, seen).values();
  if (!held) return undefined;
  const crd = views.find(({ desired }) => isCrd(desired.ref) && servedKind(desired) === groupKindKey(held.ref));
  const why = crd?.tracked && crd.tracked.verdict.state !== "Current" ? crd.tracked.verdict.message : "not served yet";
  return crd ? `${describeRef(crd.desired.ref)}: ${why}` : `${held.ref.kind} is not served yet`;
}

function terminatingSentence({ desired, tracked }: ObjectView): string {
  const { finalizers } = tracked?.observed ?? { finalizers: [] };
  return `${goingSentence({ ref: desired.ref, finalizers })}; it is created again when it is gone`;
}

/** All objects are written: what the layer dropped goes, then health decides. */
function finished(layer: KnownLayer, views: readonly ObjectView[], around: Surroundings): LayerView {
  const { seen, blind, unknown } = around;
  const judged = views.filter(({ desired, tracked, standing }) => {
    const isGone = standing === "left" && (!tracked || tracked.observed.terminating);
    return !isLeftAlone(desired, seen) && !isGone;
  });
  const row = seen.rows.get(layer.spec.name);
  const wasReady = row !== undefined && isSettled(row) && row.readyDigest === layer.state.digest;
  const health = judgeHealth(layer.spec, wasReady ? untilObserved(judged) : judged, seen);
  const brake = brakeOn(layer, around);
  if (brake) return heldView(layer, brake, { health, around });
  // While nobody can tell what goes, it is nobody's turn.
  const prune = dropped(layer, around, !blind && !unknown);
  const look = looks(layer, views, seen);
  const step = pruneStep(layer, prune, around);
  const opens = health.state === "Ready" || layer.spec.gate === "Applied";
  const [stuck] = health.state === "Ready" ? prune.failed : [];
  const retries = prune.failed.map((failed) => failed.retryAt);
  const wakes = [health.wakeAt, prune.notBefore, look.wakeAt, ...retries].filter((time) => time !== undefined);
  const unsure = health.state === "Ready" ? unsureOf(layer, around, prune.current.length > 0) : undefined;
  return {
    name: layer.spec.name,
    ...(stuck ? failing(layer, stuck.failure) : told(health)),
    ...unsure,
    gateOpen: opens || row?.readyDigest === layer.state.digest,
    applied: true,
    health,
    ...(health.failure ? { failure: health.failure } : {}),
    ...(prune.notBefore === undefined ? {} : { leaving: true, goesSoon: prune.intended === undefined }),
    ...(prune.current.length > 0 ? { dropping: true } : {}),
    ...(step ? { step } : lookStep(layer, look.items)),
    ...(wakes.length > 0 ? { wakeAt: Math.min(...wakes) } : {}),
  };
}

function told({ state, reason, message }: LayerHealth): Pick<LayerView, "state" | "reason" | "message"> {
  return { state, reason, message };
}

/** Looking at what others have written is no part of becoming Ready. */
function lookStep(layer: KnownLayer, items: readonly ApplyItem[]): Pick<LayerView, "step" | "aside"> {
  return items.length > 0 ? { step: { kind: "Apply", layer, items }, aside: true } : {};
}
