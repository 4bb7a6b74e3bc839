import { Failure } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { toFailure } from "../failures.ts";
import type { Fence } from "./fence.ts";
import { type LeaseRecord, type LeaseTerms, NOBODY } from "./lease-record.ts";
import type { LeaseStore } from "./lease-store.ts";
import { Rival } from "./rival.ts";

/** As client-go has them; in milliseconds. */
export const LEASE_TIMES = {
  /** Whoever waits takes the lease when its record has not changed for so long. */
  durationMs: 15_000,
  /** Whoever holds it writes nothing when it could not renew it for so long: what is on its way then has until `durationMs`. */
  deadlineMs: 10_000,
  retryMs: 2_000,
} as const;
/** Giving it back must not hold up an end; the lease then runs out by itself. */
const RELEASE_MS = 1_500;

/** Why this process stands by. */
export type Waiting =
  | { readonly why: "held"; readonly holder: string }
  /** There is no Lease, or one that was made anew: somebody may hold one that was deleted. */
  | { readonly why: "gone" }
  | { readonly why: "failing"; readonly failure: Failure };

export interface ElectorOptions {
  readonly store: LeaseStore;
  readonly fence: Fence;
  /** Different for each process, also for two lives of one Pod. */
  readonly identity: string;
  readonly clock: Clock;
  /** Called when the reason changes. */
  readonly onWaiting: (waiting: Waiting) => void;
}

/**
 * Holds the lease, or waits for it. What a holder may do is the fence's to say: it opens with the lease, for `deadlineMs` from
 * the moment before the request that took or renewed it, so that neither a slow answer nor a stopped process stretches it.
 *
 * A lease that was lost does not come back: the process is to end.
 */
export class Elector {
  readonly #options: ElectorOptions;
  readonly #stop = new AbortController();
  readonly #lost = Promise.withResolvers<string>();
  #record: LeaseRecord | undefined;
  #renewing: Promise<void> | undefined;
  #cancelDeadline: () => void = () => undefined;
  /** Why the last renewal failed; undefined when it did not. */
  #trouble: Failure | undefined;
  #told = "";

  constructor(options: ElectorOptions) {
    this.#options = options;
  }

  /** Resolves with why, when the lease is lost; never if it is given back. */
  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  /** Waits for the lease for as long as it takes. Rejects when the elector is released meanwhile. */
  async acquire(): Promise<void> {
    const { store, clock } = this.#options;
    const { signal } = this.#stop;
    const rival = new Rival(LEASE_TIMES.durationMs);
    let wake: () => void = () => undefined;
    const unfollow = store.follow((record) => {
      this.#see(rival, record);
      if (rival.freeAt <= clock.now()) wake();
    });
    try {
      while (!(await this.#attempt(rival))) {
        // Renewals move the end of this wait on; the lease being given back ends it at once.
        do {
          const given = new Promise<void>((resolve) => {
            wake = resolve;
          });
          const left = rival.freeAt - clock.now();
          await this.#pause(left > 0 ? left : LEASE_TIMES.retryMs, given);
          signal.throwIfAborted();
        } while (rival.freeAt > clock.now());
      }
    } finally {
      unfollow();
    }
    this.#renewing = this.#keepRenewing();
  }

  /** Ends all writing for good, and gives the lease back if it is held. Call it when everything is written. Never rejects. */
  async release(): Promise<void> {
    this.#options.fence.close();
    this.#stop.abort(new Failure("StaleRead", "Strata is stopping"));
    this.#cancelDeadline();
    await this.#renewing;
    await this.#giveBack(AbortSignal.timeout(RELEASE_MS)).catch(() => undefined);
  }

  /** Takes the lease if it may be taken. */
  async #attempt(rival: Rival): Promise<boolean> {
    const { store, clock } = this.#options;
    const { signal } = this.#stop;
    try {
      const record = await store.read(signal);
      this.#see(rival, record);
      if (record === undefined) {
        await this.#makeAnew(rival);
        return false;
      }
      if (rival.freeAt > clock.now()) return false;
      const startedAt = clock.now();
      const taken = await this.#take(record, signal);
      if (taken === "changed") return false;
      this.#hold(taken, startedAt);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.#wait({ why: "failing", failure: toFailure(error, "taking the lease") });
      return false;
    }
  }

  #see(rival: Rival, record: LeaseRecord | undefined): void {
    const { clock, identity } = this.#options;
    // Ours without our knowledge, when the answer to a request was lost: then there is no rival.
    rival.see(record?.holder === identity ? { ...record, holder: "" } : record, clock.now());
    if (record === undefined || record.holder === NOBODY) this.#wait({ why: "gone" });
    else if (record.holder !== "" && record.holder !== identity) this.#wait({ why: "held", holder: record.holder });
  }

  /** That there is none cannot be followed without a gap; a Lease can, and only one that we know by its version is taken. */
  async #makeAnew(rival: Rival): Promise<void> {
    const now = microTime();
    const { durationMs } = LEASE_TIMES;
    const terms: LeaseTerms = { holder: NOBODY, durationMs, transitions: 0, acquireTime: now, renewTime: now };
    const made = await this.#options.store.create(terms, this.#stop.signal);
    if (made !== "changed") this.#see(rival, made);
  }

  #take(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | "changed"> {
    const { store, identity } = this.#options;
    const now = microTime();
    const isOurs = record.holder === identity;
    const terms: LeaseTerms = {
      holder: identity,
      durationMs: LEASE_TIMES.durationMs,
      transitions: record.transitions + (isOurs ? 0 : 1),
      acquireTime: (isOurs ? record.acquireTime : undefined) ?? now,
      renewTime: now,
    };
    return store.update(record, terms, signal);
  }

  #hold(record: LeaseRecord, startedAt: number): void {
    const { fence, clock } = this.#options;
    this.#record = record;
    fence.openUntil(startedAt + LEASE_TIMES.deadlineMs);
    this.#cancelDeadline();
    this.#cancelDeadline = clock.after(fence.until - clock.now(), () => this.#lose(this.#whyLate()));
  }

  async #keepRenewing(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#pause(LEASE_TIMES.retryMs);
      if (!signal.aborted) await this.#renew().catch((error: unknown) => this.#failed(error));
    }
  }

  async #renew(): Promise<void> {
    const { store, clock, identity } = this.#options;
    const { signal } = this.#stop;
    const startedAt = clock.now();
    let renewed = this.#record ? await this.#take(this.#record, signal) : "changed";
    if (renewed === "changed") {
      const record = await store.read(signal);
      if (record?.holder !== identity) {
        this.#lose(whoseNow(record));
        return;
      }
      // Somebody wrote it, if only a label.
      renewed = await this.#take(record, signal);
    }
    this.#trouble = undefined;
    if (renewed !== "changed") this.#hold(renewed, startedAt);
  }

  #failed(error: unknown): void {
    if (!this.#stop.signal.aborted) this.#trouble = toFailure(error, "renewing the lease");
  }

  #whyLate(): string {
    const seconds = LEASE_TIMES.deadlineMs / 1_000;
    return `it was not renewed for ${seconds} s (${this.#trouble?.message ?? "this process was stopped, or too busy"})`;
  }

  #lose(why: string): void {
    this.#options.fence.close();
    this.#cancelDeadline();
    this.#stop.abort(new Failure("StaleRead", `the lease is lost: ${why}`));
    this.#lost.resolve(why);
  }

  /** A request that was cut off may have come through: then the Lease is newer than we know. */
  async #giveBack(signal: AbortSignal): Promise<void> {
    const { store, identity } = this.#options;
    const known = this.#record;
    if (known && (await store.update(known, givenBack(known), signal)) !== "changed") return;
    const record = await store.read(signal);
    if (record?.holder === identity) await store.update(record, givenBack(record), signal);
  }

  #wait(waiting: Waiting): void {
    const text = JSON.stringify(waiting.why === "failing" ? waiting.failure.message : waiting);
    if (text === this.#told) return;
    this.#told = text;
    this.#options.onWaiting(waiting);
  }

  /** Until the time is over, `early` resolves, or the elector ends. */
  #pause(ms: number, early?: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stop;
      const end = () => {
        cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, end);
      signal.addEventListener("abort", end, { once: true });
      void early?.then(end);
      if (signal.aborted) end();
    });
  }
}

function whoseNow(record: LeaseRecord | undefined): string {
  if (record === undefined || record.holder === NOBODY) return "somebody has deleted it";
  return record.holder === "" ? "somebody has emptied it" : `${record.holder} holds it`;
}

/** As client-go leaves it: nobody's, and short, for those who look at the duration alone. */
function givenBack({ transitions, acquireTime }: LeaseRecord): LeaseTerms {
  const now = microTime();
  return { holder: "", durationMs: 1_000, transitions, acquireTime: acquireTime ?? now, renewTime: now };
}

function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
