import { uptime } from "node:os";
import { ConnectionError } from "../api-error.ts";
import { type Clock, systemClock } from "../clock.ts";

/** What must hold at the moment in which a write leaves this process; see `KubeClientOptions.fence`. */
export interface WriteFence {
  /** @throws ConnectionError `NOT_LEADER` if nothing may be written any more, or not yet. */
  check(): void;
}

/**
 * Milliseconds for leases. They go on while the process is stopped (SIGSTOP, a frozen container) and while the machine sleeps:
 * `performance.now` counts the first (CLOCK_MONOTONIC), the time since boot counts both. Neither is moved by somebody who sets
 * the clock.
 */
export const leaseClock: Clock = {
  ...systemClock,
  now: () => Math.max(performance.now(), uptime() * 1_000 - bootOffset),
};
const bootOffset = uptime() * 1_000 - performance.now();

/**
 * Lets writes pass while the lease is known to be ours. It is asked by the clock, at each single write: a timer that should
 * have closed it fires late in a process that was stopped.
 */
export class Fence implements WriteFence {
  readonly #clock: Clock;
  #until = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Until when it is open, in the clock's milliseconds. */
  get until(): number {
    return this.#closed ? Number.NEGATIVE_INFINITY : this.#until;
  }

  get isOpen(): boolean {
    return this.#clock.now() < this.until;
  }

  /** Never shortens, and never opens one that was closed. */
  openUntil(at: number): void {
    this.#until = Math.max(this.#until, at);
  }

  /** For ever. */
  close(): void {
    this.#closed = true;
  }

  check(): void {
    if (!this.isOpen) {
      throw new ConnectionError("not sent, because this process does not hold Strata's lease", "NOT_LEADER");
    }
  }
}
