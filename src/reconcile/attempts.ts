import { Failure } from "../errors.ts";
import { describeRef } from "../objects/identity.ts";
import type { ApplyResult, RemoveResult } from "../plan/outcome.ts";
import { REMOVAL } from "../plan/removal.ts";
import type { Attempt } from "../plan/seen.ts";
import { retryDelay } from "./error-policy.ts";
import type { DeploymentMemory } from "./memory.ts";
import type { Tiding } from "./ports.ts";

export interface Moment {
  now: number;
  random: number;
}

/** Takes what came of writing an object, and answers what people should hear of it. */
export function rememberApply(memory: DeploymentMemory, result: ApplyResult, moment: Moment): Tiding[] {
  const { desired } = result.item;
  const before = memory.attempts.get(desired.key);
  memory.attempts.set(desired.key, attemptOf(result, before, moment));
  // It was there when it was looked for, and somebody has deleted it since.
  if (!result.ok && result.failure.reason === "NamespaceNotFound")
    memory.namespaces.delete(desired.ref.namespace ?? "");
  const what = describeRef(desired.ref);
  if (result.ok && result.how === "recreating")
    return [normal("Recreated", `${what} is deleted and created again: a field of it cannot be changed`)];
  if (!("fields" in result)) return [];
  if (result.how === "adopted") return [normal("Adopted", `${what} was there before and is managed from now on`)];
  if (result.how === "retaken") return [];
  // What this process wrote with the very same content is written again only because somebody changed or deleted it.
  const { mode } = result.item;
  const isRepair =
    mode === "repair" || mode === "verify" || (before?.fields !== undefined && before.digest === desired.digest);
  if (!isRepair) return [];
  return [
    normal(
      "Repaired",
      `${what} was ${result.how === "created" ? "deleted" : "changed"} by somebody and is as the layer wants it again`,
    ),
  ];
}

function attemptOf(result: ApplyResult, before: Attempt | undefined, moment: Moment): Attempt {
  const { ref, digest } = result.item.desired;
  if (!result.ok) {
    const attempt = failedAttempt(before, digest, result.failure, moment);
    if (result.item.mode === "verify" && before?.digest === digest) return { ...before, ...attempt };
    if (result.occupiedBy === undefined) return attempt;
    return { ...attempt, occupiedBy: result.occupiedBy, writtenAt: moment.now };
  }
  if ("fields" in result) return written(result, before, moment);
  if (result.how === "verified" || result.how === "differs") return lookedAt(result, before, moment);
  if (result.how === "exists") return { digest, leftAlone: true };
  if (result.how === "ended") return { digest, ended: result.end };
  if (result.how === "recreating") return { digest: REMOVAL, removed: result.uid };
  const failure = new Failure("StaleRead", `${describeRef(ref)} is being deleted; it is created again when it is gone`);
  return failedAttempt(before, digest, failure, moment);
}

function written(
  { item, fields, witness }: Extract<ApplyResult, { fields: string }>,
  before: Attempt | undefined,
  { now }: Moment,
): Attempt {
  const { content, desired } = item;
  const known = { ...(content === undefined ? {} : { content }), ...(witness ? { witness } : {}) };
  return { digest: desired.digest, fields, ...known, ...pace(before, desired.digest, now) };
}

/** A look tells nothing of the fields that are ours, and takes back no patience. */
function lookedAt(
  { item, how, witness }: Extract<ApplyResult, { how: "verified" | "differs" }>,
  before: Attempt | undefined,
  { now }: Moment,
): Attempt {
  const { digest } = item.desired;
  const known = before?.digest === digest ? before : undefined;
  const { fields, content, repeats, writtenAt, lookedAt: last, looks = 0 } = known ?? {};
  const isOften = last !== undefined && now - last < CALM_MS;
  const values = how === "differs" ? known?.witness?.values : witness.values;
  return {
    digest,
    ...(fields === undefined ? {} : { fields }),
    ...(content === undefined ? {} : { content }),
    ...(repeats === undefined ? {} : { repeats }),
    ...(writtenAt === undefined ? {} : { writtenAt }),
    witness: { ...witness, values },
    lookedAt: now,
    looks: isOften ? looks + 1 : 1,
    ...(how === "differs" ? { differs: true } : {}),
  };
}

/** What nobody has written for so long is looked at as at first. */
const CALM_MS = 20 * 60_000;
/** Repairs within this time are counted. */
const FIGHT_MS = 10 * 60_000;
/** So many repairs in a row come at once; then it is somebody's habit to undo them. */
const QUICK_REPAIRS = 3;

/** Whoever undoes each write is met ever more slowly, up to once a minute. */
function pace(before: Attempt | undefined, digest: string, now: number): Partial<Attempt> {
  const again = before?.digest === digest && before.writtenAt !== undefined && now - before.writtenAt < FIGHT_MS;
  const repeats = again ? (before.repeats ?? 0) + 1 : 0;
  const delay = Math.min(60_000, 1_000 * 2 ** (repeats - QUICK_REPAIRS));
  return { repeats, writtenAt: now, ...(repeats >= QUICK_REPAIRS ? { retryAt: now + delay } : {}) };
}

export function normal(reason: string, message: string): Tiding {
  return { type: "Normal", reason, message };
}

/** Takes what came of taking an object away, and answers what people should hear of it. */
export function rememberRemoval(memory: DeploymentMemory, result: RemoveResult, moment: Moment): Tiding[] {
  const { key, uid } = result.item.tracked.observed;
  if (result.ok) {
    // What was given back or handed over lives on, with the same uid, and may be wanted again.
    memory.attempts.set(key, { digest: REMOVAL, ...(result.how === "deleted" ? { removed: uid } : {}) });
    return result.kept === undefined ? [] : [normal("ObjectKept", result.kept)];
  }
  memory.attempts.set(key, failedAttempt(memory.attempts.get(key), REMOVAL, result.failure, moment));
  return [];
}

/** The next failure of an attempt at the same, which is tried again ever more seldom. */
export function failedAttempt(
  before: Attempt | undefined,
  digest: string,
  failure: Failure,
  { now, random }: Moment,
): Attempt {
  const attempts = before?.digest === digest ? (before.attempts ?? 0) + 1 : 1;
  return { digest, failure, attempts, retryAt: now + retryDelay(failure, attempts, random) };
}
