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
  /** Passes at a time in all, given to the groups in turn; 256. */
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
  readonly returning: (() => void)[];
  /** Until when nothing starts, after `hold`. */
  heldUntil: number;
  /** After a hold: one at a time, until `release`. */
  probing: boolean;
  cancelWake: () => void;
}

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
  /** Only groups with something ready or running or held, in the order of their turns. */
  readonly #groups = new Map<string, Group<K>>();
  readonly #running = new Map<K, Group<K>>();
  /** Added while running. */
  readonly #again = new Set<K>();
  readonly #timers = new Map<K, Timer>();
  readonly #backoffs = new Map<K, Backoff>();
  readonly #abort = new AbortController();
  readonly #idle = Promise.withResolvers<void>();
  #depth = 0;
  /** Passes that have a place: all that run but those that are elsewhere. */
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
    const group = this.#running.get(key);
    if (group === undefined || group.away >= (this.#options.perGroupElsewhere ?? 32)) return await work();
    group.away += 1;
    this.#leave(group);
    this.#dispatch();
    try {
      return await work();
    } finally {
      await new Promise<void>((resolve) => {
        group.returning.push(resolve);
        this.#dispatch();
      });
    }
  }

  /**
   * A cluster is away or asks for patience: none of its keys starts for `ms`, then one at a time, as a probe, until
   * `release`. Passes that run are not touched.
   */
  hold(groupName: string, ms: number): void {
    const group = this.#groupNamed(groupName);
    group.probing = true;
    group.heldUntil = Math.max(group.heldUntil, this.#clock.now() + ms);
    group.cancelWake();
    group.cancelWake = this.#clock.after(group.heldUntil - this.#clock.now(), () => this.#dispatch());
  }

  /** The cluster answers: its keys run as usual, at once. */
  release(groupName: string): void {
    const group = this.#groups.get(groupName);
    if (group?.probing) {
      group.cancelWake();
      group.probing = false;
      group.heldUntil = 0;
      this.#tidy(group);
      this.#dispatch();
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
      group.cancelWake();
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
    return this.#groupNamed(this.#options.groupOf(key));
  }

  #groupNamed(name: string): Group<K> {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = {
        name,
        ready: new Map(),
        running: 0,
        away: 0,
        returning: [],
        heldUntil: 0,
        probing: false,
        cancelWake: () => undefined,
      };
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

  /** A pass that comes back has begun already: it ends, whatever is held or stops. */
  #mayReturn(group: Group<K>): boolean {
    return group.returning.length > 0 && group.running < (this.#options.perGroup ?? 4);
  }

  #readmit(group: Group<K>): void {
    group.away -= 1;
    this.#enter(group);
    group.returning.shift()?.();
  }

  #enter(group: Group<K>): void {
    group.running += 1;
    this.#busy += 1;
  }

  #leave(group: Group<K>): void {
    group.running -= 1;
    this.#busy -= 1;
  }

  #mayStart(group: Group<K>): boolean {
    const limit = group.probing ? 1 : (this.#options.perGroup ?? 4);
    return group.ready.size > 0 && group.running < limit && group.heldUntil <= this.#clock.now();
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
    this.#enter(group);
    this.#running.set(key, group);
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    this.#emit({ type: "started", key, depth: this.#depth, waitedMs: this.#clock.now() - since });
    void this.#run(key, group);
  }

  async #run(key: K, group: Group<K>): Promise<void> {
    const startedAt = this.#clock.now();
    let failed = false;
    // Whoever adds a key goes on before its pass begins.
    await Promise.resolve();
    try {
      await this.#options.work(key, this.#abort.signal);
    } catch (error) {
      failed = true;
      this.#options.onError(key, error);
      this.retry(key);
    }
    this.#leave(group);
    this.#running.delete(key);
    this.#emit({ type: "finished", key, depth: this.#depth, ranMs: this.#clock.now() - startedAt, failed });
    this.#afterRun(key, group);
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
    if (group.running === 0 && group.away === 0 && group.ready.size === 0 && !group.probing) {
      this.#groups.delete(group.name);
    }
  }

  #emit(event: QueueEvent<K>): void {
    this.#options.onEvent?.(event);
  }
}
