import { Failure } from "../../errors.ts";

/** Milliseconds without an answer, connecting included, after which a host counts as silent. */
const SILENT_AFTER_MS = 4_500;
/** So long a silent host is asked by nobody; then one may try. */
const PAUSE_MS = 10_000;

interface Silence {
  failure: Failure;
  until: number;
}

/**
 * Hosts that take questions and never answer. Once one has cost somebody his whole patience, the others are told the same at
 * once; only one at a time goes on to try it. Times are milliseconds on the clock of `performance.now()`.
 */
export class Silences {
  readonly #silences = new Map<string, Silence>();
  readonly #answeredAt = new Map<string, number>();

  /** Who may ask a silent origin now is its only asker for a while. @throws Failure SourceUnavailable */
  check(origin: string, now: number): void {
    const silence = this.#silences.get(origin);
    if (silence === undefined) return;
    const { reason, message } = silence.failure;
    const left = silence.until - now;
    if (left > 0) throw new Failure(reason, message, { cause: silence.failure, retryAfterMs: Math.ceil(left) });
    silence.until = now + PAUSE_MS;
  }

  answered(origin: string, now: number): void {
    this.#answeredAt.set(origin, now);
    this.#silences.delete(origin);
  }

  /** A request that began at `since` ended because nobody answered in time. One that answers others meanwhile is only slow. */
  unanswered(origin: string, failure: Failure, { since, now }: { since: number; now: number }): void {
    const heard = Math.max(since, this.#answeredAt.get(origin) ?? 0);
    if (now - heard >= SILENT_AFTER_MS) this.#silences.set(origin, { failure, until: now + PAUSE_MS });
  }
}
