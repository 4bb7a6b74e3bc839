/** Time and chance, passed in, so that tests decide both. */
export interface Clock {
  /** Milliseconds that only go forward; the zero point means nothing. */
  now(): number;
  /**
   * Runs `run` once after `ms` milliseconds; the answer cancels it and is safe to call at any time. With `unref` the wait keeps
   * no process alive.
   */
  after(ms: number, run: () => void, options?: { readonly unref?: boolean }): () => void;
  /** A number in [0, 1). */
  random(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run, { unref = false } = {}) {
    const timer = setTimeout(run, ms);
    if (unref) timer.unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** The promise's outcome, or the signal's reason if it is aborted first; the work behind the promise goes on. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
