import type { Failure } from "../errors.ts";

const FIRST_MS = 1_000;
const CAP_MS = 60_000;
/** What only a person can mend is tried again this seldom, in case that it was mended where nobody watches. */
const SLOW_MS = 10 * 60_000;

/**
 * When a failed act is tried again, in milliseconds from now: the one place that decides it.
 *
 * @param attempts how often it failed so far, this time included
 * @param random from 0 to 1; spreads retries, so that many layers do not come back in step
 */
export function retryDelay(failure: Failure, attempts: number, random: number): number {
  if (failure.retry !== "transient") return failure.retryAfterMs ?? SLOW_MS;
  const backoff = Math.min(CAP_MS, FIRST_MS * 2 ** (attempts - 1)) * (0.5 + random / 2);
  return Math.max(backoff, failure.retryAfterMs ?? 0);
}
