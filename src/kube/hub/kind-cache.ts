import type { KubeObject, ObjectMeta, Result } from "../../objects/types.ts";
import type { KubeClient } from "../client.ts";
import { Reflector, type ReflectorEvent } from "../reflector.ts";
import type { Resource } from "../resource.ts";

/**
 * What moved: `spec` when it concerns what is wanted (generation, labels, finalizers, coming and going), `status` for all else,
 * our own status writes first of all.
 */
export type Change = "spec" | "status";

/** A parsed object of ours. */
export interface Parsed {
  metadata: ObjectMeta;
  spec?: unknown;
}

export interface KindCacheOptions<T extends Parsed> {
  client: KubeClient;
  resource: Resource;
  parse(object: KubeObject): Result<T>;
  keyOf(object: Parsed): string;
  onChange(key: string, change: Change): void;
  onUnreadable(object: KubeObject, problems: readonly string[]): void;
  onError(error: unknown): void;
  metadataOnly?: boolean;
}

/** The objects of one kind on the hub, parsed, as the watch last told. */
export class KindCache<T extends Parsed> {
  readonly objects = new Map<string, T>();
  /**
   * What is there all the same, and could never be read: why, by key. What could be read once is in `objects` with the spec and
   * the generation that it had then.
   */
  readonly unreadable = new Map<string, readonly string[]>();
  readonly #options: KindCacheOptions<T>;
  readonly #reflector: Reflector;
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;

  constructor(options: KindCacheOptions<T>) {
    this.#options = options;
    const { client, resource, onError, metadataOnly = false } = options;
    this.#reflector = new Reflector({ client, resource, metadataOnly, onError, handler: (event) => this.#take(event) });
  }

  /** Resolves when everything that exists is known. */
  async start(): Promise<void> {
    this.#reflector.start();
    await this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  stop(): void {
    this.#reflector.stop();
  }

  #take(event: ReflectorEvent): void {
    if (event.type === "upsert") this.#put(event.object);
    else if (event.type === "delete") this.#drop(this.#options.keyOf(event.object));
    else this.#sync(event.objects);
  }

  #sync(objects: readonly KubeObject[]): void {
    const present = new Set(objects.map((object) => this.#options.keyOf(object)));
    for (const key of [...this.objects.keys(), ...this.unreadable.keys()]) if (!present.has(key)) this.#drop(key);
    for (const object of objects) this.#put(object);
    this.#isSynced = true;
    this.#synced.resolve();
  }

  #put(object: KubeObject): void {
    const { keyOf, parse, onChange } = this.#options;
    const key = keyOf(object);
    const parsed = parse(object);
    if (!parsed.ok) {
      this.#putUnreadable(key, object, parsed.problems);
      return;
    }
    this.unreadable.delete(key);
    const before = this.objects.get(key);
    const change = before && isSameWish(before, parsed.value) ? "status" : "spec";
    // The spec stays the very same value until its generation moves: work on it is remembered by its identity.
    const kept =
      before &&
      before.metadata.uid === object.metadata.uid &&
      before.metadata.generation === object.metadata.generation;
    this.objects.set(key, kept && before.spec !== undefined ? { ...parsed.value, spec: before.spec } : parsed.value);
    onChange(key, change);
  }

  #putUnreadable(key: string, object: KubeObject, problems: readonly string[]): void {
    const { onUnreadable, onChange } = this.#options;
    onUnreadable(object, problems);
    const before = this.objects.get(key);
    if (before && before.metadata.uid === object.metadata.uid) {
      // Strata writes its status all the same, on its version. But what becomes of what it has when it goes is not known.
      const { deletionTimestamp: _, ...live } = object.metadata;
      const { generation = 0, deletionTimestamp } = before.metadata;
      const metadata = { ...live, generation, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) };
      const kept: T = { ...before, status: object["status"], metadata };
      this.objects.set(key, kept);
      onChange(key, isSameWish(before, kept) ? "status" : "spec");
      return;
    }
    this.objects.delete(key);
    const isNews = String(this.unreadable.get(key)) !== String(problems);
    this.unreadable.set(key, problems);
    if (isNews) onChange(key, "spec");
  }

  #drop(key: string): void {
    this.objects.delete(key);
    this.unreadable.delete(key);
    this.#options.onChange(key, "spec");
  }
}

function isSameWish({ metadata: a }: Parsed, { metadata: b }: Parsed): boolean {
  return wishOf(a) === wishOf(b);
}

function wishOf({ uid, generation, deletionTimestamp, finalizers, labels }: ObjectMeta): string {
  return JSON.stringify([uid, generation, deletionTimestamp, finalizers, Object.entries(labels ?? {}).sort()]);
}
