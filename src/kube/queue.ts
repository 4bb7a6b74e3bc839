import { Backoff } from "./backoff.ts";
import { type Clock, systemClock } from "./clock.ts";

export type QueueEvent<K> =
  | { readonly type: "queued"; readonly key: K; readonly depth: number }
  | { readonly type: "started"; readonly key: K; readonly depth: number; readonly waitedMs: number }
  | {
      readonly type: "finished";
      readonly key: K;
      readonly depth: number;
      readonly ranMs: number;
      readonly failed: boolean;
    };

export interface WorkQueueOptions<K extends string> {
  /** One pass over a key. It should not throw; if it does, `onError` hears of it and the key is retried. */
  readonly work: (key: K, signal: AbortSignal) => Promise<void>;
  readonly onError: (key: K, error: unknown) => void;
  /** The cluster that a key's work talks to: keys of one group never hold up those of another. */
  readonly groupOf: (key: K) => string;
  /** Passes at a time in one group; 4. */
  readonly perGroup?: number;
  /** Passes of one group that may be elsewhere at a time, beside those; 32. */
  readonly perGroupElsewhere?: number;
  /** Passes at a time in all, given to the groups in turn, those apart that are slow; 256. */
  readonly total?: number;
  /** Back-off of `retry`: 1 s to 60 s. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
  readonly onEvent?: (event: QueueEvent<K>) => void;
  readonly clock?: Clock;
}

interface Group<K> {
  readonly name: string;
  /** Keys that can start, with the time at which they came. */
  readonly ready: Map<K, number>;
  running: number;
  /** Passes that have left their place for something elsewhere, and those of them that want to come back. */
  away: number;
  readonly returning: Run<K>[];
}

/** A pass that runs. */
interface Run<K> {
  readonly group: Group<K>;
  /** Whether it has a place among all. */
  isCounted: boolean;
  /** It has not become slow, or nobody wants to know any more. */
  cancelSlow: () => void;
  /** Called when it may come back from elsewhere. */
  proceed: () => void;
}

/**
 * Who has run for so long waits for a cluster that is slow, or does not answer. Its place among all is then another's, so that
 * sixty dead clusters do not hold what a living one needs; its place in its group it keeps.
 */
const SLOW_MS = 2_000;

interface Timer {
  readonly at: number;
  readonly cancel: () => void;
}

/**
 * A queue of keys for level-triggered work:
 *
 * - a key that waits is not added twice, and a key is never worked on twice at a time: added while its pass runs, it
 *   runs once more afterwards;
 * - `addAfter` and `retry` set one timer per key, the earliest wins; a pass that starts drops it, because a pass sees
 *   all there is to see and says itself, before it ends, what it waits for;
 * - keys start in the order they came, within their group; groups take turns.
 */
export class WorkQueue<K extends string = string> {
  readonly #options: WorkQueueOptions<K>;
  readonly #clock: Clock;
  /** Only groups with something ready or running, in the order of their turns. */
  readonly #groups = new Map<string, Group<K>>();
  readonly #running = new Map<K, Run<K>>();
  /** Added while running. */
  readonly #again = new Set<K>();
  readonly #timers = new Map<K, Timer>();
  readonly #backoffs = new Map<K, Backoff>();
  readonly #abort = new AbortController();
  readonly #idle = Promise.withResolvers<void>();
  #depth = 0;
  /** Passes that have a place: all that run but those that are elsewhere, and slow ones. */
  #busy = 0;
  #stopping = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Keys that are ready to start, waiting for a worker. */
  get depth(): number {
    return this.#depth;
  }

  /** Work on this key as soon as there is room. */
  add(key: K): void {
    if (this.#stopping) {
      return;
    }
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    const group = this.#group(key);
    if (!group.ready.has(key)) {
      group.ready.set(key, this.#clock.now());
      this.#depth += 1;
      this.#emit({ type: "queued", key, depth: this.#depth });
      this.#dispatch();
    }
  }

  /** Work on this key in `ms` milliseconds, unless a pass starts before. */
  addAfter(key: K, ms: number): void {
    const at = this.#clock.now() + ms;
    const timer = this.#timers.get(key);
    if (this.#stopping || (timer !== undefined && timer.at <= at)) {
      return;
    }
    timer?.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }

  /**
   * Work on this key again after its own back-off, longer with each retry. `afterMs` is what the server asked for
   * (Retry-After): never earlier than that, and up to a tenth later, so that not all come at once.
   */
  retry(key: K, afterMs?: number): void {
    let backoff = this.#backoffs.get(key);
    if (backoff === undefined) {
      backoff = new Backoff(this.#options.backoff ?? { baseMs: 1_000, capMs: 60_000 }, this.#clock);
      this.#backoffs.set(key, backoff);
    }
    const delay = backoff.next();
    this.addAfter(key, afterMs === undefined ? delay : afterMs * (1 + this.#clock.random() / 10));
  }

  /** The key's work went well: its next retry begins with the shortest delay. */
  forget(key: K): void {
    this.#backoffs.delete(key);
  }

  /**
   * The part of a key's pass that waits for something else than its cluster. Meanwhile its place is another key's; it ends as
   * `work` does, as soon as there is room again. Where too many are elsewhere already, the pass keeps its place.
   */
  async elsewhere<T>(key: K, work: () => Promise<T>): Promise<T> {
    const run = this.#running.get(key);
    if (run === undefined || run.group.away >= (this.#options.perGroupElsewhere ?? 32)) return await work();
    run.group.away += 1;
    this.#leave(run);
    this.#dispatch();
    try {
      return await work();
    } finally {
      await new Promise<void>((resolve) => {
        run.proceed = resolve;
        run.group.returning.push(run);
        this.#dispatch();
      });
    }
  }

  /**
   * Starts nothing more. Passes that run may end by themselves for `graceMs`; then their signal is aborted. Resolves
   * when the last has ended.
   */
  async shutdown(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers.values()) {
      timer.cancel();
    }
    for (const group of this.#groups.values()) {
      group.ready.clear();
    }
    this.#depth = 0;
    const cancel = this.#clock.after(graceMs, () => this.#abort.abort());
    if (this.#running.size > 0) {
      await this.#idle.promise;
    }
    cancel();
  }

  #group(key: K): Group<K> {
    const name = this.#options.groupOf(key);
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { name, ready: new Map(), running: 0, away: 0, returning: [] };
      this.#groups.set(name, group);
    }
    return group;
  }

  /** Starts what may start: one key per group in turn, until nothing fits any more. Who comes back goes before who is new. */
  #dispatch(): void {
    let started = true;
    while (started) {
      started = false;
      for (const group of [...this.#groups.values()]) {
        if (this.#busy >= (this.#options.total ?? 256)) return;
        if (this.#mayReturn(group)) {
          this.#readmit(group);
          started = true;
        } else if (!this.#stopping && this.#mayStart(group)) {
          this.#start(group);
          started = true;
        }
      }
    }
  }

  /** A pass that comes back has begun already: it ends, whatever stops. */
  #mayReturn(group: Group<K>): boolean {
    return group.returning.length > 0 && group.running < (this.#options.perGroup ?? 4);
  }

  #readmit(group: Group<K>): void {
    const run = group.returning.shift();
    if (run === undefined) return;
    group.away -= 1;
    this.#enter(run);
    run.proceed();
  }

  #enter(run: Run<K>): void {
    run.group.running += 1;
    run.isCounted = true;
    this.#busy += 1;
    run.cancelSlow = this.#clock.after(SLOW_MS, () => {
      this.#uncount(run);
      this.#dispatch();
    });
  }

  #leave(run: Run<K>): void {
    run.cancelSlow();
    run.group.running -= 1;
    this.#uncount(run);
  }

  #uncount(run: Run<K>): void {
    if (run.isCounted) this.#busy -= 1;
    run.isCounted = false;
  }

  #mayStart(group: Group<K>): boolean {
    return group.ready.size > 0 && group.running < (this.#options.perGroup ?? 4);
  }

  #start(group: Group<K>): void {
    const [entry] = group.ready;
    if (entry === undefined) {
      return;
    }
    const [key, since] = entry;
    group.ready.delete(key);
    // Its turn is over: the group goes to the end of the line.
    this.#groups.delete(group.name);
    this.#groups.set(group.name, group);
    this.#depth -= 1;
    const run: Run<K> = { group, isCounted: false, cancelSlow: () => undefined, proceed: () => undefined };
    this.#enter(run);
    this.#running.set(key, run);
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    this.#emit({ type: "started", key, depth: this.#depth, waitedMs: this.#clock.now() - since });
    void this.#run(key, run);
  }

  async #run(key: K, run: Run<K>): Promise<void> {
    const startedAt = this.#clock.now();
    let failed = false;
    // Whoever adds a key goes on before its pass begins.
    await Promise.resolve();
    try {
      await this.#options.work(key, this.#abort.signal);
    } catch (error) {
      failed = true;
      // What the shutdown has cut off has not gone wrong.
      if (!this.#abort.signal.aborted) this.#options.onError(key, error);
      this.retry(key);
    }
    this.#leave(run);
    this.#running.delete(key);
    this.#emit({ type: "finished", key, depth: this.#depth, ranMs: this.#clock.now() - startedAt, failed });
    this.#afterRun(key, run.group);
  }

  #afterRun(key: K, group: Group<K>): void {
    if (this.#again.delete(key)) {
      this.add(key);
    }
    this.#tidy(group);
    if (this.#stopping && this.#running.size === 0) {
      this.#idle.resolve();
    }
    this.#dispatch();
  }

  #tidy(group: Group<K>): void {
    if (group.running === 0 && group.away === 0 && group.ready.size === 0) {
      this.#groups.delete(group.name);
    }
  }

  #emit(event: QueueEvent<K>): void {
    this.#options.onEvent?.(event);
  }
}
