import { Failure } from "../errors.ts";
import { conflictSentence, judge } from "../membership/judge.ts";
import { isMember } from "../membership/observed.ts";
import type { KubeObject } from "../objects/types.ts";
import { claimOf } from "./chart-layer.ts";
import type { AwaitedObject } from "./layer-view.ts";
import type { Attempt, Seen, Tracked } from "./seen.ts";
import type { Desired, PlannedLayer } from "./types.ts";

/** A desired object, with what the watches hold of it. */
interface Wanted {
  desired: Desired;
  tracked: Tracked | undefined;
}

/** What stands in the way of an object, or does not any more. */
type Occupation =
  | { kind: "free" }
  /** As the watches tell it: nothing is to be tried before they tell something else. */
  | { kind: "taken"; failure: Failure }
  /** Nothing is known yet but what the last write was answered with. */
  | { kind: "unknown"; failure: Failure };

/**
 * Whether an object that was somebody else's when it was last written still is, as the watches have it now: another
 * profile's is told by the watch of all members, anybody else's by a watch of its name.
 *
 * @returns undefined when nobody stood in the way of this content
 */
export function occupationOf(layer: PlannedLayer, { desired, tracked }: Wanted, seen: Seen): Occupation | undefined {
  const attempt = occupiedAttempt(desired, seen);
  if (!attempt?.failure) return undefined;
  const { failure, occupiedBy } = attempt;
  if (tracked && isTold(tracked, seen)) {
    const { partOf } = tracked.observed;
    return partOf === occupiedBy ? { kind: "taken", failure } : { kind: "free" };
  }
  const live = seen.site.named({ ...desired.ref, namespace: desired.ref.namespace });
  if (live === "absent") return { kind: "free" };
  if (live === "unknown" || live instanceof Failure) return { kind: "unknown", failure };
  return judged(layer, { desired, live, failure }, seen);
}

function judged(
  layer: PlannedLayer,
  { desired: { fromCrdsFolder }, live, failure }: { desired: Desired; live: KubeObject; failure: Failure },
  seen: Seen,
): Occupation {
  const standing = judge(live, seen.set, { ...claimOf(layer), fromCrdsFolder });
  if (standing.kind !== "foreign") return { kind: "free" };
  if (standing.owner.kind === "applySet") return { kind: "taken", failure };
  return { kind: "taken", failure: new Failure("Conflict", conflictSentence(live, standing.owner, undefined)) };
}

/** Whether the watch of all members tells whose an object is; one with a copy of our own label it does not. */
function isTold({ observed }: Tracked, seen: Seen): boolean {
  return observed.partOf !== seen.set.id || isMember(observed, seen.set);
}

function occupiedAttempt({ key, digest }: Desired, seen: Seen): Attempt | undefined {
  const attempt = seen.attempts.get(key);
  return attempt?.digest === digest && attempt.occupiedBy !== undefined ? attempt : undefined;
}

/** What is free, and was taken again each time that it was tried, is tried ever more slowly. */
const FIRST_MS = 250;
const CAP_MS = 60_000;

/** Before this time, in milliseconds since the epoch, an object is not written again; Infinity while somebody has it. */
export function retryTime(layer: PlannedLayer, wanted: Wanted, seen: Seen): number | undefined {
  const { key, digest } = wanted.desired;
  const attempt = seen.attempts.get(key);
  if (attempt?.digest !== digest) return undefined;
  const { retryAt, writtenAt = 0, attempts = 1 } = attempt;
  switch (occupationOf(layer, wanted, seen)?.kind) {
    case "taken":
      return Number.POSITIVE_INFINITY;
    case "free":
      return attempts === 1 ? 0 : writtenAt + Math.min(CAP_MS, FIRST_MS * 2 ** (attempts - 2));
    default:
      return retryAt;
  }
}

/** The objects of a layer that somebody else has. */
export function awaited(layer: PlannedLayer, wanted: readonly Wanted[], seen: Seen): AwaitedObject[] {
  const { name, adoption } = layer.spec;
  return wanted.flatMap((one) => {
    const { desired, tracked } = one;
    const occupation = occupationOf(layer, one, seen);
    if (!occupation || occupation.kind === "free") return [];
    const heir = adoption === "Never" ? undefined : name;
    const isNamed = tracked === undefined || !isTold(tracked, seen);
    return [{ ref: desired.ref, key: desired.key, isNamed, heir }];
  });
}
