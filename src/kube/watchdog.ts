import { ConnectionError } from "./api-error.ts";
import type { Clock } from "./clock.ts";

/** Aborts a watch that outlives its time, or that is silent for too long before it is in sync. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #life: AbortController;
  #silenceMs: number | undefined;
  #cancelEnd: () => void = () => undefined;
  #cancelSilence: () => void = () => undefined;

  /** `silenceMs`: the longest silence until `trust`; none if absent. */
  constructor(clock: Clock, life: AbortController, silenceMs: number | undefined) {
    this.#clock = clock;
    this.#life = life;
    this.#silenceMs = silenceMs;
  }

  endIn(ms: number): void {
    this.#cancelEnd = this.#clock.after(ms, () => this.#abort("the watch went silent", "SILENT_WATCH"));
  }

  async *guard(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#heard();
    for await (const chunk of chunks) {
      this.#heard();
      yield chunk;
    }
  }

  /** In sync: from now on silence is what rest sounds like. */
  trust(): void {
    this.#silenceMs = undefined;
    this.#cancelSilence();
  }

  rest(): void {
    this.#cancelEnd();
    this.#cancelSilence();
  }

  #heard(): void {
    this.#cancelSilence();
    if (this.#silenceMs !== undefined) {
      const end = () => this.#abort("the list did not come to its end", "SILENT_LIST");
      this.#cancelSilence = this.#clock.after(this.#silenceMs, end);
    }
  }

  #abort(message: string, code: string): void {
    this.#life.abort(new ConnectionError(message, code));
  }
}
