import { CURRENT, failed, type Verdict } from "../health/verdict.ts";
import { describeRef, groupKindKey } from "../objects/identity.ts";
import type { FinishedObject, KnownLayer, RunningJob } from "./layer-view.ts";
import { REMOVAL } from "./removal.ts";
import type { Seen, Tracked } from "./seen.ts";
import type { Desired } from "./types.ts";

/** Kinds that the cluster deletes some time after they were made. */
const EXPIRING = new Set(["CertificateSigningRequest.certificates.k8s.io", "Event", "Event.events.k8s.io"]);

/**
 * The objects of a layer that the cluster deletes by itself, and that are done: a Job with `ttlSecondsAfterFinished`, and
 * kinds that the cluster expires. Who deletes one that is done is not told apart: it would run a second time.
 */
export function finishedOf(layer: KnownLayer, seen: Seen): FinishedObject[] {
  return layer.state.desired.flatMap((desired) => finishedAs(desired, layer, seen) ?? []);
}

/** Jobs of a layer with a TTL that are not done, as far as is known: whoever finds one gone asks how it ended. */
export function runningOf(layer: KnownLayer, seen: Seen): RunningJob[] {
  return layer.state.desired.flatMap((desired) => {
    const { key, digest, ref, object } = desired;
    if (!isJobWithTtl(object) || finishedAs(desired, layer, seen)) return [];
    const live = present(key, seen)?.observed;
    const uid = live ? live.digest === digest && live.uid : lastRun(desired, layer, seen);
    return uid ? [{ object: describeRef(ref), digest, uid }] : [];
  });
}

/** The uid of the Job with this manifest that was not done when it was last told of. */
export function lastRun(
  { ref, digest }: Desired,
  { spec }: Pick<KnownLayer, "spec">,
  { rows }: Seen,
): string | undefined {
  const object = describeRef(ref);
  return rows.get(spec.name)?.running?.find((one) => one.object === object && one.digest === digest)?.uid;
}

/** What is to be thought of an object that is gone because it was done; undefined when it is not, or is there. */
export function expiredVerdict(desired: Desired, layer: KnownLayer, seen: Seen): Verdict | undefined {
  if (!mayExpire(desired) || present(desired.key, seen)) return undefined;
  const finished = finishedAs(desired, layer, seen);
  if (!finished) return undefined;
  return finished.failed
    ? failed("failed, and is gone by its ttlSecondsAfterFinished: change its manifest to run it again")
    : CURRENT;
}

function finishedAs(desired: Desired, { spec }: KnownLayer, seen: Seen): FinishedObject | undefined {
  if (!mayExpire(desired)) return undefined;
  const object = describeRef(desired.ref);
  const { digest, key } = desired;
  const tracked = present(key, seen) ?? ownEnd(key, seen);
  if (!tracked) {
    const attempt = seen.attempts.get(key);
    if (attempt?.digest === digest && attempt.ended) return { object, digest, ...asFailed(attempt.ended === "Failed") };
    return seen.rows.get(spec.name)?.finished?.find((one) => one.object === object && one.digest === digest);
  }
  if (tracked.observed.digest !== digest || !isDone(desired, tracked)) return undefined;
  return { object, digest, ...asFailed(tracked.verdict.state === "Failed") };
}

function asFailed(failed: boolean): Pick<FinishedObject, "failed"> {
  return failed ? { failed } : {};
}

function present(key: string, { site }: Seen): Tracked | undefined {
  const tracked = site.member(key);
  return tracked?.observed.terminating ? undefined : tracked;
}

/** An object as it was at its end, unless that was our doing. */
function ownEnd(key: string, { site, attempts }: Seen): Tracked | undefined {
  const last = site.expired?.(key);
  const attempt = attempts.get(key);
  return attempt?.digest === REMOVAL && attempt.removed === last?.observed.uid ? undefined : last;
}

function mayExpire({ ref, object }: Desired): boolean {
  return isJobWithTtl(object) || EXPIRING.has(groupKindKey(ref));
}

/** Whether an object is a Job that its TTL deletes. */
export function isJobWithTtl(object: Desired["object"]): boolean {
  const spec = object["spec"] as { ttlSecondsAfterFinished?: unknown } | undefined;
  return (
    object.kind === "Job" && object.apiVersion.startsWith("batch/") && typeof spec?.ttlSecondsAfterFinished === "number"
  );
}

function isDone({ object }: Desired, { verdict }: Tracked): boolean {
  return !isJobWithTtl(object) || verdict.state === "Current" || verdict.state === "Failed";
}
