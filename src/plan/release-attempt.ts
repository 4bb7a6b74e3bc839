import type { Failure } from "../errors.ts";
import type { Seen } from "./seen.ts";
import type { Step } from "./step.ts";

/** Why a step on a release was refused, and when it may be tried again, in milliseconds since the epoch. */
export interface Refusal {
  failure: Failure;
  retryAt: number;
  /** How often it was refused in a row. */
  attempts: number;
}

/** Why this very step was refused when it was last tried. */
export function refusalOf(step: Step | undefined, seen: Seen): Refusal | undefined {
  if (!step || !("attempt" in step)) return undefined;
  const tried = seen.attempts.get(step.attempt.key);
  if (tried?.digest !== step.attempt.digest || !tried.failure) return undefined;
  return { failure: tried.failure, retryAt: tried.retryAt ?? 0, attempts: tried.attempts ?? 1 };
}

/** A step that failed not long ago waits: until then its failure is what is shown. */
export function heldBy(step: Step | undefined, seen: Seen): Refusal | undefined {
  const refused = refusalOf(step, seen);
  return refused && seen.now < refused.retryAt ? refused : undefined;
}
