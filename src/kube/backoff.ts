import type { Clock } from "./clock.ts";

/** Bounds of a back-off, in milliseconds. */
export interface BackoffLimits {
  baseMs: number;
  capMs: number;
}

/**
 * Decorrelated jitter: each delay lies between `baseMs` and three times the one before, never above `capMs`. A thousand
 * clients that were cut off by the same event spread out instead of coming back in step.
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #clock: Clock;
  #previous: number;

  constructor(limits: BackoffLimits, clock: Clock) {
    this.#limits = limits;
    this.#previous = limits.baseMs;
    this.#clock = clock;
  }

  /** The next delay in milliseconds; `capMs` overrides the limit for this step and the ones that follow from it. */
  next(capMs = this.#limits.capMs): number {
    const { baseMs } = this.#limits;
    const spread = this.#previous * 3 - baseMs;
    this.#previous = Math.min(capMs, baseMs + this.#clock.random() * spread);
    return this.#previous;
  }

  reset(): void {
    this.#previous = this.#limits.baseMs;
  }
}
