import type { Failure } from "../errors.ts";
import { apiVersionOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import { ApiError, ConnectionError, isExpired } from "./api-error.ts";
import { Backoff, type BackoffLimits } from "./backoff.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, systemClock } from "./clock.ts";
import { toFailure } from "./failures.ts";
import { isNewer, KeySet, Snapshot } from "./reflector-keys.ts";
import { type Resource, resourceName } from "./resource.ts";
import { readEvents, type WatchEvent } from "./watch-events.ts";
import { Watchdog } from "./watchdog.ts";

/** What a reflector tells its handler. */
export type ReflectorEvent =
  /** Everything that exists at a version: once at the beginning, and after each relist. What is not in it is gone. */
  | { readonly type: "sync"; readonly objects: readonly KubeObject[]; readonly resourceVersion: string }
  | { readonly type: "upsert"; readonly object: KubeObject }
  /** With its last state, or, if a relist found it missing, with its apiVersion, kind, namespace and name only. */
  | { readonly type: "delete"; readonly object: KubeObject };

export type ReflectorState =
  | { readonly state: "syncing" }
  | { readonly state: "live" }
  /** What was told may be out of date. It is being tried again. */
  | { readonly state: "failing"; readonly failure: Failure };

export interface ReflectorLimits {
  /** The server is asked to end each watch after a random time between these, in seconds. */
  readonly watchSeconds: readonly [min: number, max: number];
  /** A watch that goes on for this much longer than it was asked to, in milliseconds, is dead. */
  readonly graceMs: number;
  /** So is one that brings nothing for this long before it is in sync. */
  readonly syncSilenceMs: number;
  readonly backoff: BackoffLimits;
  /** Back-off limit, in milliseconds, when the server refuses (401, 403) or does not know the kind (404). */
  readonly refusedCapMs: number;
}

export interface ReflectorOptions {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly metadataOnly?: boolean;
  readonly handler: (event: ReflectorEvent) => void;
  readonly onState?: (state: ReflectorState) => void;
  /** A watch goes on where the last one ended, perhaps on another server, or a newer one. */
  readonly onResume?: () => void;
  /** The handler threw; the watch goes on. */
  readonly onError: (error: unknown) => void;
  readonly limits?: Partial<ReflectorLimits>;
  readonly clock?: Clock;
}

const LIMITS: ReflectorLimits = {
  watchSeconds: [300, 600],
  graceMs: 30_000,
  syncSilenceMs: 60_000,
  backoff: { baseMs: 1_000, capMs: 30_000 },
  refusedCapMs: 60_000,
};
/** An API server answers the first watch of a kind that it has just begun to serve with 429: its cache takes a moment to fill. */
const FRESH_MS = 100;
/** A watch that ends sooner than this, and sooner than asked for, did not serve. */
const SHORTEST_WATCH_MS = 10_000;

/**
 * Follows one kind in one cluster for ever: first everything that exists, then each change. It streams the list
 * (KEP-3157) or reads it in pages where the server cannot, takes the watch up again where it ended, relists when the
 * server has forgotten that point, and never gives up: what fails twice is told as a state and tried again, after a
 * jittered back-off, for ever. It keeps the keys of the objects and nothing else of them.
 *
 * Guarantees: the handler is never called after `stop`, and never for a state older than one it was told before, unless
 * a `sync` says so (a cluster restored from a backup). Events may be merged, so work by level, not by edge.
 *
 * If the kind goes away (its CRD is deleted) the state is failing with `KindNotFound`, and no deletes are told.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #limits: ReflectorLimits;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #known: KeySet;
  /** Up to where everything was told; undefined while a list is needed. */
  #resourceVersion: string | undefined;
  /** The connection broke: the server behind it may have been restored to an older state meanwhile. */
  #verify = false;
  #failures = 0;
  #state: ReflectorState | undefined;
  #wake: () => void = () => undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#backoff = new Backoff(this.#limits.backoff, this.#clock);
    this.#known = new KeySet();
  }

  /** Begins to follow, until `stop` or until the signal is aborted. */
  start(signal?: AbortSignal): void {
    const onAbort = () => this.stop();
    signal?.addEventListener("abort", onAbort, { once: true, signal: this.#stop.signal });
    if (signal?.aborted) {
      this.stop();
    }
    const forget = this.#options.client.link.onRotated(() => this.retryNow());
    this.#stop.signal.addEventListener("abort", forget, { once: true });
    void this.#run();
  }

  /** Ends at once: the handler is not called any more, the connection is closed. */
  stop(): void {
    this.#stop.abort();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** Ends the present wait after a failure, if there is one: something changed that may have mended it. */
  retryNow(): void {
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#pass();
      } catch (error) {
        if (!signal.aborted) {
          await this.#recover(error);
        }
      }
    }
  }

  /** Brings itself up to date, then follows one watch to its end. */
  async #pass(): Promise<void> {
    const { client, resource } = this.#options;
    if (this.#verify && this.#resourceVersion !== undefined) {
      await this.#verifyRevision(this.#resourceVersion);
    }
    if (this.#resourceVersion !== undefined) {
      await this.#follow(undefined);
      return;
    }
    if (this.#state?.state !== "failing") {
      this.#tell({ state: "syncing" });
    }
    if (client.link.groupsWithoutWatchList.has(resource.group)) {
      await this.#list();
    } else {
      await this.#follow(new Snapshot());
    }
  }

  async #list(): Promise<void> {
    const { client, resource } = this.#options;
    const list = await client.listAll(resource, { ...this.#scope(), signal: this.#stop.signal });
    const snapshot = new Snapshot();
    for (const object of list.items) {
      snapshot.upsert(object);
    }
    this.#synced(snapshot, list.resourceVersion);
  }

  /** One watch, from its opening to its regular end. With a snapshot, everything that exists comes first. */
  async #follow(snapshot: Snapshot | undefined): Promise<void> {
    const { client, resource, metadataOnly } = this.#options;
    const [min, max] = this.#limits.watchSeconds;
    const timeoutSeconds = Math.round(min + this.#clock.random() * (max - min));
    const life = new AbortController();
    const end = () => life.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener("abort", end, { once: true });
    const watchdog = new Watchdog(this.#clock, life, snapshot ? this.#limits.syncSilenceMs : undefined);
    watchdog.endIn(timeoutSeconds * 1_000 + this.#limits.graceMs);
    let openedAt = Number.POSITIVE_INFINITY;
    // The server may count its seconds a little faster than we do.
    const enough = Math.min(SHORTEST_WATCH_MS, timeoutSeconds * 900);
    const served = () => this.#clock.now() - openedAt >= enough;
    try {
      const stream = await client.watch(resource, {
        ...this.#scope(),
        ...(snapshot ? { initialEvents: true } : { resourceVersion: this.#resourceVersion }),
        timeoutSeconds,
        signal: life.signal,
      });
      openedAt = this.#clock.now();
      await this.#read(readEvents(watchdog.guard(stream.chunks), resource, metadataOnly ?? false), snapshot, watchdog);
    } finally {
      watchdog.rest();
      this.#stop.signal.removeEventListener("abort", end);
      if (served()) {
        this.#recovered();
      }
    }
    if (!served()) {
      throw new ConnectionError("the server ended the watch at once", "SHORT_WATCH");
    }
  }

  async #read(events: AsyncIterable<WatchEvent>, initial: Snapshot | undefined, watchdog: Watchdog): Promise<void> {
    let snapshot = initial;
    if (snapshot === undefined) {
      this.#live();
      this.#contained(() => this.#options.onResume?.());
    }
    for await (const event of events) {
      this.#stop.signal.throwIfAborted();
      if (event.type === "error") {
        throw event.error;
      }
      if (snapshot === undefined) {
        this.#told(event);
      } else if (snapshot.takes(event)) {
        watchdog.trust();
        this.#synced(snapshot, event.resourceVersion);
        this.#live();
        snapshot = undefined;
      }
    }
    if (snapshot !== undefined) {
      throw new ConnectionError("the server ended the watch before the list was complete", "SHORT_WATCH");
    }
  }

  /** One event of a watch that is in sync. */
  #told(event: Exclude<WatchEvent, { type: "error" }>): void {
    const version = event.type === "bookmark" ? event.resourceVersion : (event.object.metadata.resourceVersion ?? "");
    if (!isNewer(version, this.#resourceVersion ?? "")) {
      return;
    }
    this.#resourceVersion = version;
    this.#recovered();
    if (event.type === "upsert") {
      this.#known.add(event.object);
      this.#emit(event);
    } else if (event.type === "delete") {
      this.#known.delete(event.object);
      this.#emit(event);
    }
  }

  #synced(snapshot: Snapshot, resourceVersion: string): void {
    const { resource } = this.#options;
    for (const { namespace, name } of this.#known.replace(snapshot.objects)) {
      const metadata = namespace === undefined ? { name } : { namespace, name };
      this.#emit({ type: "delete", object: { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata } });
    }
    this.#resourceVersion = resourceVersion;
    this.#verify = false;
    this.#recovered();
    this.#emit({ type: "sync", objects: [...snapshot.objects], resourceVersion });
  }

  /** The server may be one that was restored from a backup: our point in time may lie in its future, where no event comes. */
  async #verifyRevision(told: string): Promise<void> {
    const { client, resource } = this.#options;
    const options = { ...this.#scope(), metadataOnly: true, limit: 1, signal: this.#stop.signal };
    for await (const page of client.list(resource, options)) {
      if (isNewer(told, page.resourceVersion)) {
        this.#resourceVersion = undefined;
      }
      break;
    }
    this.#verify = false;
  }

  async #recover(error: unknown): Promise<void> {
    const { resource, client } = this.#options;
    if (this.#resourceVersion === undefined && cannotStreamLists(error)) {
      client.link.groupsWithoutWatchList.add(resource.group);
      return;
    }
    this.#failures += 1;
    this.#verify ||= error instanceof ConnectionError || (error instanceof ApiError && error.status >= 500);
    const isForgotten = isExpired(error) && this.#resourceVersion !== undefined;
    if (isExpired(error)) {
      this.#resourceVersion = undefined;
    }
    // Forgotten is no failure, not even after one: the list comes next.
    if (isForgotten || (this.#failures === 1 && this.#isCommonplace(error))) {
      // Many watches may meet it at the same moment, when a server restarts.
      await this.#pause(this.#clock.random() * this.#limits.backoff.baseMs);
      return;
    }
    if (this.#failures === 1 && this.#resourceVersion === undefined && isTooManyRequests(error)) {
      await this.#pause(FRESH_MS * (1 + this.#clock.random()));
      return;
    }
    const failure = toFailure(error, `watching ${resourceName(resource)}`);
    this.#tell({ state: "failing", failure });
    await this.#pause(Math.max(failure.retryAfterMs ?? 0, this.#backoff.next(this.#backoffCap(error))));
  }

  /** Watches expire, and proxies cut quiet ones every minute: that is told only if the next attempt fails too. */
  #isCommonplace(error: unknown): boolean {
    return isExpired(error) || (error instanceof ConnectionError && this.#state?.state === "live");
  }

  #backoffCap(error: unknown): number {
    const refused = error instanceof ApiError && [401, 403, 404].includes(error.status);
    return refused ? this.#limits.refusedCapMs : this.#limits.backoff.capMs;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stop;
      const end = () => {
        cancel();
        signal.removeEventListener("abort", end);
        this.#wake = () => undefined;
        resolve();
      };
      const cancel = this.#clock.after(ms, end);
      this.#wake = end;
      signal.addEventListener("abort", end, { once: true });
    });
  }

  #recovered(): void {
    this.#failures = 0;
    this.#backoff.reset();
  }

  #live(): void {
    this.#tell({ state: "live" });
  }

  #scope() {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    return { namespace, labelSelector, fieldSelector, metadataOnly };
  }

  #emit(event: ReflectorEvent): void {
    if (!this.#stop.signal.aborted) {
      this.#contained(() => this.#options.handler(event));
    }
  }

  #tell(state: ReflectorState): void {
    if (!this.#stop.signal.aborted && !sameState(state, this.#state)) {
      this.#state = state;
      this.#contained(() => this.#options.onState?.(state));
    }
  }

  #contained(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

function isTooManyRequests(error: unknown): boolean {
  return error instanceof ApiError && error.status === 429;
}

/** Servers that know the parameter and refuse it say 400 or 422; others ignore it, and the list's end never comes. */
function cannotStreamLists(error: unknown): boolean {
  return error instanceof ApiError
    ? error.status === 400 || error.status === 422
    : error instanceof ConnectionError && error.code === "SILENT_LIST";
}

function sameState(a: ReflectorState, b: ReflectorState | undefined): boolean {
  return (
    a.state === b?.state &&
    (a.state !== "failing" || (b.state === "failing" && a.failure.message === b.failure.message))
  );
}
