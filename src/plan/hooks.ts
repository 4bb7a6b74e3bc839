import { HOOK_ANNOTATION } from "../api/names.ts";
import { Failure } from "../errors.ts";
import { assess, type Verdict } from "../health/index.ts";
import { describeRef, groupKindKey, isCrd, keyOf, refOf } from "../objects/identity.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import { type HookRun, type ReleaseRecord, releaseAttempt } from "./release.ts";
import type { NamedRef, Seen, Tracked } from "./seen.ts";
import type { ReleaseAttempt, Step } from "./step.ts";
import type { Hook, PlacedHook } from "./types.ts";

/** The hooks of one event in one revision, and what was done of them. */
export interface HookEvent {
  event: string;
  /** The layer's name. */
  layer: string;
  /** By what the attempts at its steps are remembered, if it is not the layer's name. */
  id?: string;
  record: ReleaseRecord;
  /** In the order in which they run. */
  hooks: readonly PlacedHook[];
  /** How long one hook may take, in milliseconds. */
  timeoutMs: number;
}

/** How far the hooks of an event are; `done` when all have succeeded and are cleaned up. */
export interface HookView {
  done: boolean;
  message: string;
  step?: Step;
  wakeAt?: number;
  /** A hook failed; it is tried again. */
  failure?: Failure;
  /** Those that are late: their pods and events tell why. */
  late: readonly Tracked[];
}

/** Helm runs the hooks of an event by weight, then by name, and else in the order of their kinds (`pkg/action/hooks.go`). */
export function hooksOf<H extends { hook: Pick<Hook, "events" | "weight" | "name"> }>(
  hooks: readonly H[],
  event: string,
): H[] {
  return hooks
    .filter(({ hook }) => hook.events.includes(event))
    .toSorted(({ hook: a }, { hook: b }) => a.weight - b.weight || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * A hook for each object of a manifest. Helm creates all objects of a List and then waits for its Jobs and Pods: these come
 * last, as each hook waits for the one before.
 */
export function partsOf(hook: Omit<Hook, "object" | "part">, objects: readonly KubeObject[]): Hook[] {
  const sorted = objects.toSorted((a, b) => Number(isAwaited(a)) - Number(isAwaited(b)));
  return sorted.map((object, part) => ({ ...hook, object, ...(part > 0 ? { part } : {}) }));
}

/** What a run is called on the hook's object: a run of an older revision, or an earlier attempt, is another one. */
function runId(about: HookEvent, index: number, attempt: number): string {
  return `${eventId(about)}/${index}/${attempt}`;
}

/** With the record's own id: a release that is installed again counts its revisions from 1 again, beside Jobs that stayed. */
function eventId({ layer, record, event }: HookEvent): string {
  return `${layer}/v${record.version}/${record.uid.slice(0, 8)}/${event}`;
}

/** The key of a run among the progress of a record. */
function runKey(event: string, index: number): string {
  return `${event}/${index}`;
}

/** Judges the hooks of an event, one after the other, and says what to do next. */
export function evaluateHooks(about: HookEvent, seen: Seen): HookView {
  return { late: [], ...nextHook(about, seen) };
}

/** The objects to be watched while hooks of some events may run: of all of them, as each is judged again at every pass. */
export function watchedHooks(hooks: readonly PlacedHook[], events: readonly string[]): NamedRef[] {
  return hooks
    .filter(({ hook }) => hook.events.some((event) => events.includes(event)))
    .map(({ ref }) => namedRef(ref));
}

type Partly = Omit<HookView, "late"> & Partial<HookView>;

const DONE: Partly = { done: true, message: "" };

function nextHook(about: HookEvent, seen: Seen): Partly {
  const { hooks, event } = about;
  const runs = about.record.progress?.runs ?? {};
  const index = hooks.findIndex((_, at) => runs[runKey(event, at)]?.phase !== "Succeeded");
  if (index < 0) return cleanUp(about, hooks.toReversed(), { policy: "hook-succeeded", seen }) ?? DONE;
  const hook = hooks[index];
  const run = runs[runKey(event, index)];
  if (!hook) return DONE;
  if (run === undefined) return currentHook(about, { hook, index, attempt: 1 }, seen);
  return failedHook(about, { hook, index, run }, seen);
}

/** Helm takes away what failed, then what succeeded before it, each by its policies; Strata then tries again. */
function failedHook(
  about: HookEvent,
  { hook, index, run }: { hook: PlacedHook; index: number; run: HookRun },
  seen: Seen,
): Partly {
  const failure = new Failure("HookFailed", `${nameOf(about, hook)} failed: ${run.why ?? "no reason is known"}`);
  const rest =
    cleanUp(about, [hook], { policy: "hook-failed", seen }) ??
    cleanUp(about, about.hooks.slice(0, index).toReversed(), { policy: "hook-succeeded", seen });
  if (rest) return { ...rest, failure, message: failure.message };
  const retryAt = Date.parse(run.completedAt) + retryDelayMs(run.attempt);
  if (seen.now < retryAt) return { done: false, message: failure.message, failure, wakeAt: retryAt };
  return { ...currentHook(about, { hook, index, attempt: run.attempt + 1 }, seen), failure };
}

/** 5 s, doubled up to 5 minutes: long enough not to be in the way of what a hook waits for. */
function retryDelayMs(attempt: number): number {
  return Math.min(5 * 60_000, 5_000 * 2 ** (attempt - 1));
}

interface Turn {
  hook: PlacedHook;
  index: number;
  attempt: number;
}

function currentHook(about: HookEvent, turn: Turn, seen: Seen): Partly {
  const { hook } = turn;
  const message = `running ${nameOf(about, hook)}`;
  const live = seen.site.named(namedRef(hook.ref));
  if (live instanceof Failure) return { done: false, message: live.message, failure: live };
  // The attempt to create what the cluster does not serve says so.
  if (isAbsent(hook.ref, live, seen)) return unstartedHook(about, turn, seen);
  if (typeof live === "string") return { done: false, message };
  if (live.metadata.annotations?.[HOOK_ANNOTATION] === runId(about, turn.index, turn.attempt))
    return runningHook(about, { ...turn, live }, seen);
  if (live.metadata.deletionTimestamp) return { done: false, message: `${message}: its predecessor is being deleted` };
  // As Helm does it; and all custom objects would go with it.
  if (isCrd(hook.ref)) return unstartedHook(about, turn, seen);
  const isLeft = live.metadata.annotations?.[HOOK_ANNOTATION]?.startsWith(`${about.layer}/v`);
  if (isLeft || hasPolicy(hook.hook, "before-hook-creation"))
    return { done: false, message, ...removal(about, hook, { live, seen }) };
  const why = `${describeRef(hook.ref)} exists, and its delete policy has no before-hook-creation: delete it`;
  return { done: false, message: why, failure: new Failure("HookFailed", `${nameOf(about, hook)}: ${why}`) };
}

/** What the cluster does not serve in this version cannot be watched, and is not there. */
function isAbsent(ref: ObjectRef, live: KubeObject | "absent" | "unknown", seen: Seen): boolean {
  return live === "absent" || (live === "unknown" && !seen.site.servedIn(ref));
}

/** A hook that was created and is not seen after this time was deleted by somebody. */
const VANISHED_MS = 30_000;

function unstartedHook(about: HookEvent, turn: Turn, seen: Seen): Partly {
  const { hook, index, attempt } = turn;
  const message = `running ${nameOf(about, hook)}`;
  const id = runId(about, index, attempt);
  const tried = seen.attempts.get(attemptKey(about));
  if (tried?.digest === `run/${id}` && !tried.failure) {
    // Its TTL may take a Job away before anybody has looked.
    const last = seen.site.deleted(namedRef(hook.ref));
    if (last?.metadata.annotations?.[HOOK_ANNOTATION] === id && ["Current", "Failed"].includes(verdictOf(last).state))
      return runningHook(about, { ...turn, live: last }, seen);
    const due = (tried.writtenAt ?? 0) + VANISHED_MS;
    if (seen.now < due) return { done: false, message, wakeAt: due };
    const why = "somebody deleted it before it had ended";
    return { done: false, message, step: noteStep(about, turn, { phase: "Failed", why, startedAt: tried.writtenAt }) };
  }
  return { done: false, message, step: { kind: "RunHook", attempt: attemptAt(about, `run/${id}`), id, hook } };
}

function attemptAt(about: HookEvent, digest: string): ReleaseAttempt {
  return { key: attemptKey(about), digest };
}

function attemptKey({ id, layer }: HookEvent): string {
  return releaseAttempt(id ?? layer);
}

function runningHook(about: HookEvent, turn: Turn & { live: KubeObject }, seen: Seen): Partly {
  const { hook, live } = turn;
  const startedAt = beganAt(about, live, seen);
  const verdict = verdictOf(live);
  if (verdict.state === "Current")
    return { done: false, message: "", step: noteStep(about, turn, { phase: "Succeeded", startedAt }) };
  const tracked = trackedHook(live, verdict);
  const sentence = seen.site.explain(tracked) ?? `${describeRef(hook.ref)}: ${verdict.message}`;
  const deadline = startedAt + about.timeoutMs;
  const late = [tracked];
  if (verdict.state === "Failed")
    return {
      done: false,
      message: sentence,
      late,
      step: noteStep(about, turn, { phase: "Failed", startedAt, why: sentence }),
    };
  if (seen.now >= deadline) {
    const why = `has not ended after ${about.timeoutMs / 1000} s: ${sentence}`;
    return { done: false, message: why, late, step: noteStep(about, turn, { phase: "Failed", startedAt, why }) };
  }
  return { done: false, message: `running ${nameOf(about, hook)}: ${sentence}`, late, wakeAt: deadline };
}

/** By our own clock where this process began it: the cluster's may be another. In milliseconds since the epoch. */
function beganAt(about: HookEvent, live: KubeObject, seen: Seen): number {
  const tried = seen.attempts.get(attemptKey(about));
  const began = tried?.digest === `run/${live.metadata.annotations?.[HOOK_ANNOTATION]}` ? tried.writtenAt : undefined;
  return began ?? (Date.parse(live.metadata.creationTimestamp ?? "") || seen.now);
}

/** Helm waits for Jobs and Pods to end; any other hook is done when it exists. */
function isAwaited(object: KubeObject): boolean {
  return ["Pod", "Job.batch"].includes(groupKindKey(refOf(object)));
}

function verdictOf(live: KubeObject): Verdict {
  if (!isAwaited(live)) return { state: "Current", message: "" };
  // What has succeeded has done its work, also when its TTL already takes it away.
  const { deletionTimestamp: _, ...metadata } = live.metadata;
  const verdict = assess({ ...live, metadata });
  const isOver = live.kind !== "Pod" || (live["status"] as { phase?: string } | undefined)?.phase === "Succeeded";
  if (verdict.state === "Current") return isOver ? verdict : { state: "InProgress", message: "is running" };
  return verdict.state === "Failed" ? verdict : assess(live);
}

function trackedHook(object: KubeObject, verdict: Verdict): Tracked & { object: KubeObject } {
  const ref = refOf(object);
  const { uid = "", resourceVersion = "" } = object.metadata;
  const nobody = {
    partOf: "",
    layer: undefined,
    digest: undefined,
    adopted: false,
    kept: false,
    frozen: false,
    helmWrote: false,
    isDisowned: false,
    heir: undefined,
    rivals: "",
    stamp: "",
    lastOther: undefined,
    entries: [],
  };
  const observed = { ...nobody, ref, key: keyOf(ref), uid, resourceVersion, terminating: false, finalizers: [] };
  return { observed, verdict, object };
}

interface Ended {
  phase: HookRun["phase"];
  startedAt: number | undefined;
  why?: string;
}

function noteStep(about: HookEvent, { index, attempt }: Turn, { phase, startedAt, why }: Ended): Step {
  return {
    kind: "NoteHook",
    attempt: attemptAt(about, `${phase}/${runId(about, index, attempt)}`),
    record: about.record,
    run: runKey(about.event, index),
    ended: { phase, attempt, startedAt, ...(why === undefined ? {} : { why }) },
  };
}

/** What goes by a delete policy, one after the other, each gone before the next; never a CRD, as in Helm. */
function cleanUp(
  about: HookEvent,
  hooks: readonly PlacedHook[],
  { policy, seen }: { policy: string; seen: Seen },
): Partly | undefined {
  for (const placed of hooks) {
    if (!hasPolicy(placed.hook, policy) || isCrd(placed.ref)) continue;
    const live = seen.site.named(namedRef(placed.ref));
    const message = `deleting ${describeRef(placed.ref)}, as its delete policy ${policy} says`;
    if (live instanceof Failure) return { done: false, message: live.message, failure: live };
    if (isAbsent(placed.ref, live, seen)) continue;
    if (typeof live === "string") return { done: false, message };
    if (!isOfRevision(live, about)) continue;
    return live.metadata.deletionTimestamp
      ? { done: false, message }
      : { done: false, message, ...removal(about, placed, { live, seen }) };
  }
  return undefined;
}

function isOfRevision(live: KubeObject, about: HookEvent): boolean {
  return live.metadata.annotations?.[HOOK_ANNOTATION]?.startsWith(`${eventId(about)}/`) ?? false;
}

/** A delete that was accepted is not sent twice: the watch tells when the object is gone. */
function removal(
  about: HookEvent,
  { ref }: PlacedHook,
  { live, seen }: { live: KubeObject; seen: Seen },
): { step?: Step } {
  const { uid = "", resourceVersion = "" } = live.metadata;
  const attempt = attemptAt(about, `remove/${uid}`);
  const tried = seen.attempts.get(attempt.key);
  if (tried?.digest === attempt.digest && !tried.failure) return {};
  return { step: { kind: "RemoveHook", attempt, ref, uid, resourceVersion } };
}

/** Without a policy it is `before-hook-creation`. */
function hasPolicy({ deletePolicies }: Hook, policy: string): boolean {
  return deletePolicies.includes(policy) || (deletePolicies.length === 0 && policy === "before-hook-creation");
}

function nameOf({ event }: HookEvent, { ref }: PlacedHook): string {
  return `${event} hook ${describeRef(ref)}`;
}

function namedRef({ group, version, kind, namespace, name }: ObjectRef): NamedRef {
  return { group, version, kind, namespace, name };
}
