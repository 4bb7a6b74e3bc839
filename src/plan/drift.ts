import type { Layer } from "../api/types.ts";
import { isMember, memberEntry, type Observed } from "../membership/observed.ts";
import { describeRef } from "../objects/identity.ts";
import { pointerTokens } from "../objects/json-patch.ts";
import type { KnownLayer } from "./layer-view.ts";
import { lentAs } from "./lent.ts";
import { isReservedMark } from "./reserved.ts";
import type { Attempt, Seen, Tracked } from "./seen.ts";
import type { ObjectStanding } from "./standing.ts";
import type { ApplyItem } from "./step.ts";
import type { Desired, PlannedLayer } from "./types.ts";

/** A desired object with what the watches hold of it. */
interface Wanted {
  desired: Desired;
  tracked: Tracked | undefined;
}

type DriftMode = NonNullable<NonNullable<Layer["drift"]>["mode"]>;

export function driftModeOf({ spec }: Pick<PlannedLayer, "spec">): DriftMode {
  return spec.drift?.mode ?? "Correct";
}

/** What makes an object the one that it is, and where Strata has marks of its own. */
const NEVER_IGNORED = /^\/(apiVersion|kind|metadata(\/(name|namespace|labels|annotations))?)$/;

/** What is wrong with what a layer ignores, by itself. */
export function driftProblems({ drift }: Pick<Layer, "drift">): string[] {
  return (drift?.ignore ?? []).flatMap(({ jsonPointers }, rule) =>
    jsonPointers.flatMap((pointer, index) => {
      const where = `drift.ignore[${rule}].jsonPointers[${index}]`;
      const remedy = "name a field below it, such as a single label";
      if (isOwnMark(pointer)) return [`${where}: ${pointer} cannot be ignored: Strata sets it itself; take it out`];
      return NEVER_IGNORED.test(pointer) ? [`${where}: ${pointer} cannot be ignored: ${remedy}`] : [];
    }),
  );
}

/** A mark that were left as it is would say for ever that the object is not as its layer wants it. */
function isOwnMark(pointer: string): boolean {
  const [metadata, field = "", key] = pointerTokens(pointer);
  return metadata === "metadata" && /^(labels|annotations)$/.test(field) && key !== undefined && isReservedMark(key);
}

/** How an object stands to a layer that may leave what others change as it is. */
export type Leaving = ObjectStanding | "left";

/**
 * The standing of an object in the layer's drift mode. What differs because the layer itself has changed is written in any
 * mode, and so is what was never there: of what is missing no later process could tell the two apart when the layer has
 * changed, so that it is made again by any, once for each change.
 */
export function leftStanding(
  layer: KnownLayer,
  { desired }: Wanted,
  { standing, seen }: { standing: ObjectStanding; seen: Seen },
): Leaving {
  const isDrift = standing === "drifted" || standing === "missing" || standing === "terminating";
  if (!isDrift || driftModeOf(layer) === "Correct") return standing;
  return standing === "drifted" || wasBrought(layer, desired, seen) ? "left" : standing;
}

/** Whether an object was there since the layer has its present content. */
function wasBrought({ spec, state }: KnownLayer, desired: Desired, seen: Seen): boolean {
  const { readyDigest } = seen.rows.get(spec.name) ?? {};
  return readyDigest === state.digest || attemptOf(desired, seen)?.content === state.digest;
}

/** The values of ours that somebody changed without taking a field, as far as they were looked at; only of what is left so. */
export function isKnownToDiffer({ desired, tracked }: Wanted, seen: Seen): boolean {
  const attempt = attemptOf(desired, seen);
  return attempt?.differs === true && attempt.witness?.stamp === tracked?.observed.stamp;
}

/** The sentence of a layer that leaves drift as it is. */
export function leftSentence(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return `${names.slice(0, 3).join(", ")}${more} changed or deleted by somebody, and left so, as drift.mode is Warn`;
}

/** First at once, then ever more seldom as long as nothing is found: somebody may write an object every second. */
const FIRST_LOOK_MS = 10_000;
const LAST_LOOK_MS = 600_000;

/**
 * The objects whose values are to be looked at, because somebody besides us has written them and taken no field of ours, and
 * when the next ones are due.
 */
export function looks(
  layer: KnownLayer,
  views: readonly (Wanted & { standing: Leaving })[],
  seen: Seen,
): { items: ApplyItem[]; wakeAt?: number } {
  const looksOnly = driftModeOf(layer) === "Warn";
  const due = views.flatMap(({ desired, tracked, standing }) => {
    const time = standing === "current" && tracked ? lookTime(layer, { desired, tracked }, seen) : undefined;
    return time === undefined ? [] : [{ desired, tracked, time }];
  });
  const items = due.flatMap(({ desired, tracked: observed, time }): ApplyItem[] => {
    if (time > seen.now) return [];
    const { values } = attemptOf(desired, seen)?.witness ?? {};
    return [{ desired, mode: "verify", observed, values, looksOnly, ...lentAs(desired.key, seen) }];
  });
  const later = due.flatMap(({ time }) => (time > seen.now ? [time] : []));
  return { items, ...(later.length > 0 ? { wakeAt: Math.min(...later) } : {}) };
}

/** When an object is to be looked at, in milliseconds since the epoch; undefined when nothing speaks for it. */
function lookTime(layer: KnownLayer, wanted: Wanted & { tracked: Tracked }, seen: Seen): number | undefined {
  const mode = driftModeOf(layer);
  if (mode === "Ignore") return undefined;
  // It was left as it is, and the mode is another one now.
  if (mode === "Correct" && isKnownToDiffer(wanted, seen)) return 0;
  if (!isSuspicious(layer, wanted, seen)) return undefined;
  const { lookedAt, looks: count = 1, failure, retryAt = 0 } = attemptOf(wanted.desired, seen) ?? {};
  if (failure || lookedAt === undefined) return retryAt;
  return Math.max(retryAt, lookedAt + Math.min(LAST_LOOK_MS, FIRST_LOOK_MS * 2 ** (count - 1)));
}

/**
 * This process knows what its own write was answered with. A fresh one knows when Strata last wrote objects of the layer:
 * whoever wrote after our entry, or wrote our entry itself, did so while nobody looked.
 */
function isSuspicious(layer: KnownLayer, { desired, tracked }: Wanted & { tracked: Tracked }, seen: Seen): boolean {
  const { observed } = tracked;
  if (desired.createOnly || observed.frozen || observed.terminating || !isMember(observed, seen.set)) return false;
  const witness = attemptOf(desired, seen)?.witness;
  if (witness) return witness.stamp !== observed.stamp;
  const own = memberEntry(observed, seen.set)?.time ?? "";
  const last = seen.rows.get(layer.spec.name)?.writtenAt;
  return isLater(observed.lastOther, own, seen) || (last !== undefined && own > last);
}

/** A write in the same second may have come after ours, save one by our own hand: before it applies, it takes over what is there. */
function isLater(other: Observed["lastOther"], own: string, { set }: Seen): boolean {
  if (other === undefined) return false;
  return other.manager === set.manager ? other.time > own : other.time >= own;
}

/**
 * When Strata last wrote an object of the layer, of all that this process and those before it know. What is still to be looked
 * at because of what former processes knew is not overtaken by what this one writes.
 */
export function lastWriteOf(layer: KnownLayer, views: readonly Wanted[], seen: Seen): string | undefined {
  const before = seen.rows.get(layer.spec.name)?.writtenAt;
  const isUnseen = views.some(({ desired, tracked }) => {
    const isKnown = attemptOf(desired, seen)?.witness !== undefined;
    return !isKnown && tracked !== undefined && isSuspicious(layer, { desired, tracked }, seen);
  });
  if (isUnseen) return before;
  const times = views.flatMap(({ desired }) => attemptOf(desired, seen)?.witness?.writtenAt ?? []);
  return [before ?? "", ...times].toSorted().at(-1) || undefined;
}

function attemptOf({ key, digest }: Desired, { attempts }: Seen): Attempt | undefined {
  const attempt = attempts.get(key);
  return attempt?.digest === digest ? attempt : undefined;
}

/** Whether somebody has written an object again, of which a value was repaired again and again: it is looked at ever more slowly. */
export function isFoughtOver({ desired, tracked }: Wanted, seen: Seen): boolean {
  const { failure, retryAt = 0, witness } = attemptOf(desired, seen) ?? {};
  return !failure && retryAt > seen.now && tracked !== undefined && witness?.stamp !== tracked.observed.stamp;
}

/** The sentence about such a fight. Whoever changed the values has no entry of his own: it is told who had a hand in it. */
export function rewriteSentence({ desired, tracked }: Wanted): string {
  const who = tracked?.observed.lastOther?.manager;
  const when = who === undefined ? "by somebody who writes as Strata does" : `when field manager ${who} writes it`;
  return `${describeRef(desired.ref)} gets other values again and again ${when}, or from an admission policy or webhook: repaired more slowly`;
}

/** The sentence about an object that somebody will not leave alone; who it is, the object's last foreign write tells. */
export function fightSentence({ desired, tracked }: Wanted): string {
  const { lastOther, scaler, entries = [] } = tracked?.observed ?? {};
  const isSince = lastOther !== undefined && entries.every(({ time = "" }) => lastOther.time >= time);
  const who = isSince ? lastOther.manager : (scaler ?? lastOther?.manager);
  const by = who === undefined ? "somebody else" : `field manager ${who}`;
  return `${describeRef(desired.ref)} is changed or deleted again and again by ${by}: repaired more slowly`;
}
