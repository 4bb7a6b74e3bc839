import type { LeaseRecord } from "./lease-record.ts";

/**
 * What is known of whoever else may hold the lease, by our own clock alone: a holder is believed to live for the lease's
 * duration from the moment in which we saw its record change. Clocks of two machines are never compared.
 */
export class Rival {
  readonly #durationMs: number;
  #text = "";
  #freeAt = Number.NEGATIVE_INFINITY;

  /** @param durationMs of a lease that does not say its own */
  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  /**
   * The Lease as it is, or was a moment ago. One without a holder was given up. One that is gone says nothing, however long we
   * see none: another may have been there in between.
   */
  see(record: LeaseRecord | undefined, now: number): void {
    const text = record?.text ?? "";
    if (text === this.#text) return;
    this.#text = text;
    this.#freeAt = record?.holder ? now + (record.durationMs || this.#durationMs) : Number.NEGATIVE_INFINITY;
  }

  /** From when on the lease may be taken, if it is there. */
  get freeAt(): number {
    return this.#freeAt;
  }
}
