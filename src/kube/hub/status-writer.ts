import { isDeepStrictEqual } from "node:util";
import { LRUCache } from "lru-cache";
import { isMap } from "../../objects/json.ts";
import type { KubeObject } from "../../objects/types.ts";
import { isConflict, isNotFound } from "../api-error.ts";
import type { KubeClient } from "../client.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Resource } from "../resource.ts";

/** Changes within this time are written as one. */
const COALESCE_MS = 250;
/** So long waits what changes no condition and no layer's state: how far a layer has come, and other words for the same. */
const PROGRESS_MS = 2_000;
/** One object's status is written so often in a row, and then once a second: a quick change shows at once, a fleet does not flood. */
const BURST = 3;
const REFILL_MS = 1_000;
/** Conflicts and failures of the hub are tried again after this. */
const RETRY_MS = 1_000;
const MANAGER = "strata";

export interface StatusTarget {
  resource: Resource;
  /** The object as the cache has it now; undefined when it is gone. */
  current(): KubeObject | undefined;
}

interface Written {
  uid: string | undefined;
  resourceVersion: string;
  status: object;
}

interface Pending extends StatusTarget {
  status: object;
  cancel: () => void;
  /** Its time has come. */
  due: boolean;
  /** It changes nothing but progress so far. */
  progress: boolean;
}

/**
 * Writes statuses by merge patch on the version that the cache holds, only when they differ, several changes as one. The last
 * status wins; one that was overtaken is never written.
 */
export class StatusWriter {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #pending = new Map<string, Pending>();
  readonly #writing = new Set<string>();
  /** When the last write of a key could have been made if all were REFILL_MS apart; keys at rest need no entry. */
  readonly #paced = new LRUCache<string, number>({ max: 10_000 });
  /** What was written last, while the watch has not told of it: without it a status that turns back would be lost. */
  readonly #written = new LRUCache<string, Written>({ max: 10_000 });
  readonly #abort = new AbortController();
  #flushing = false;

  constructor(client: KubeClient, onError: (error: unknown) => void, clock: Clock = systemClock) {
    this.#client = client;
    this.#onError = onError;
    this.#clock = clock;
  }

  set(key: string, status: object, target: StatusTarget): void {
    const pending = this.#pending.get(key);
    const known = this.#latest(key, target)?.["status"];
    const progress = headline(known) === headline(status);
    if (pending) {
      pending.status = status;
      if (!pending.progress || progress) return;
      pending.cancel();
    } else if (!this.#writing.has(key) && isDeepStrictEqual(known, status)) return;
    this.#schedule(key, { ...target, status }, progress ? PROGRESS_MS : delayOf(status), progress);
  }

  /** Writes what is still pending, without waiting for its time. */
  async flush(): Promise<void> {
    this.#flushing = true;
    const keys = [...this.#pending.keys()];
    await Promise.all(keys.map((key) => this.#write(key)));
  }

  stop(): void {
    for (const { cancel } of this.#pending.values()) cancel();
    this.#pending.clear();
    this.#abort.abort();
  }

  #schedule(key: string, write: StatusTarget & { status: object }, ms: number, progress = false): void {
    const cancel = this.#clock.after(ms, () => void this.#write(key));
    this.#pending.set(key, { ...write, cancel, due: false, progress });
  }

  async #write(key: string): Promise<void> {
    const pending = this.#pending.get(key);
    if (!pending) return;
    if (this.#writing.has(key)) {
      pending.due = true;
      return;
    }
    const early = this.#pace(key);
    if (early > 0 && !this.#flushing) {
      this.#schedule(key, pending, early);
      return;
    }
    this.#pending.delete(key);
    pending.cancel();
    this.#writing.add(key);
    try {
      await this.#send(key, pending);
    } catch (error) {
      if (!this.#abort.signal.aborted && !isNotFound(error)) this.#again(key, pending, error);
    } finally {
      this.#writing.delete(key);
      // What came due meanwhile had to wait for this write, and now for the watch to tell of it.
      const next = this.#pending.get(key);
      if (next?.due) this.#schedule(key, next, COALESCE_MS);
    }
  }

  /** Milliseconds until the next write of this key is due; 0 takes it. */
  #pace(key: string): number {
    const now = this.#clock.now();
    const next = Math.max(this.#paced.get(key) ?? 0, now - BURST * REFILL_MS) + REFILL_MS;
    if (next > now) return next - now;
    this.#paced.set(key, next);
    return 0;
  }

  #again(key: string, pending: Pending, error: unknown): void {
    this.#written.delete(key);
    if (!isConflict(error)) this.#onError(error);
    if (!this.#pending.has(key)) this.#schedule(key, pending, RETRY_MS);
  }

  /** The object as the cache has it, or as our last write left it when the cache is behind. */
  #latest(key: string, { current }: StatusTarget): KubeObject | undefined {
    const object = current();
    const written = this.#written.get(key);
    if (!object || !written) return object;
    const { uid, resourceVersion } = object.metadata;
    if (uid === written.uid && BigInt(written.resourceVersion) > BigInt(resourceVersion || "0"))
      return {
        ...object,
        metadata: { ...object.metadata, resourceVersion: written.resourceVersion },
        status: written.status,
      };
    this.#written.delete(key);
    return object;
  }

  async #send(key: string, pending: Pending): Promise<void> {
    const { resource, status } = pending;
    const object = this.#latest(key, pending);
    if (!object || isDeepStrictEqual(object["status"], status)) return;
    const { name = "", namespace, uid, resourceVersion } = object.metadata;
    const patch = { metadata: { resourceVersion }, status: mergePatch(object["status"] ?? {}, status) };
    const answer = await this.#client.mergePatch(resource, { name, namespace }, patch, {
      manager: MANAGER,
      subresource: "status",
      metadataOnly: true,
      signal: this.#abort.signal,
    });
    const version = answer.metadata.resourceVersion;
    if (version !== undefined) this.#written.set(key, { uid, resourceVersion: version, status });
  }
}

interface Told {
  conditions?: readonly { type: string; status: string; reason: string; observedGeneration?: number }[];
  layers?: readonly { name: string; state: string; reason?: string }[];
}

/** Nothing is expected to follow on Ready, and people wait for it. */
function delayOf(status: object): number {
  const isReady = (status as Told).conditions?.some(({ type, status: truth }) => type === "Ready" && truth === "True");
  return isReady ? 0 : COALESCE_MS;
}

/** What people and tools wait for in a status. */
function headline(status: unknown): string {
  const { conditions = [], layers = [] } = (status ?? {}) as Told;
  return JSON.stringify([
    conditions.map(({ type, status: truth, reason, observedGeneration }) => [type, truth, reason, observedGeneration]),
    layers.map(({ name, state, reason }) => [name, state, reason]),
  ]);
}

/** The merge patch (RFC 7386) that leads from one JSON object to another: what is gone is null. */
function mergePatch(from: unknown, to: unknown): unknown {
  if (!isMap(from) || !isMap(to)) return to;
  const gone = Object.keys(from).filter((key) => to[key] === undefined);
  const changed = Object.entries(to).filter(
    ([key, value]) => value !== undefined && !isDeepStrictEqual(from[key], value),
  );
  return Object.fromEntries([
    ...gone.map((key) => [key, null]),
    ...changed.map(([key, value]) => [key, mergePatch(from[key], value)]),
  ]);
}
