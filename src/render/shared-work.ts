interface Entry<T> {
  result: Promise<T>;
  abort: AbortController;
  callers: number;
}

/** Work that equal callers share: started by the first, aborted when the last one has gone. */
export class SharedWork<T> {
  readonly #running = new Map<string, Entry<T>>();

  /**
   * @returns the result, and whether this call started the work
   * @throws what the work throws, or the reason of `signal`
   */
  async join(
    key: string,
    start: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ value: T; isFirst: boolean }> {
    signal.throwIfAborted();
    const found = this.#running.get(key);
    const entry = found ?? this.#begin(key, start);
    entry.callers += 1;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return { value: await Promise.race([entry.result, aborted.promise]), isFirst: found === undefined };
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#leave(key, entry);
    }
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Entry<T> {
    const abort = new AbortController();
    const entry: Entry<T> = { result: start(abort.signal), abort, callers: 0 };
    this.#running.set(key, entry);
    // When every caller has gone, nobody looks at the result any more.
    entry.result.catch(() => undefined);
    return entry;
  }

  #leave(key: string, entry: Entry<T>): void {
    entry.callers -= 1;
    if (entry.callers > 0) return;
    if (this.#running.get(key) === entry) this.#running.delete(key);
    entry.abort.abort();
  }
}
