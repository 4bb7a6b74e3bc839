import { assess, type Verdict } from "../../health/index.ts";
import { fieldsDigest } from "../../membership/fields.ts";
import { type Observed, observe } from "../../membership/observed.ts";
import { keyOf, refOf } from "../../objects/identity.ts";
import type { KubeObject } from "../../objects/types.ts";
import { isJobWithTtl } from "../../plan/expiry.ts";
import type { Tracked } from "../../plan/seen.ts";

const MOST_EXPIRED = 1_000;

interface Entry extends Tracked {
  /** The watch that told of it: a relist of that watch decides whether it still exists. */
  source: string;
  /** What a pass would see; an event that leaves it alone (a heartbeat, a foreign annotation) wakes nobody. */
  signature: string;
}

/** Called with the ids of the ApplySets whose objects changed. */
export type MembersChanged = (applySets: ReadonlySet<string>, key: string) => void;

/** The labelled objects of one cluster, as one identity sees them: the facts and the verdicts, seldom the objects. */
export class MemberStore {
  readonly #entries = new Map<string, Entry>();
  readonly #bySet = new Map<string, Set<string>>();
  /** By watch: the resourceVersion up to which it has told everything. */
  readonly #told = new Map<string, bigint>();
  /** Jobs that are gone and were done by then, with a TTL that may have deleted them. */
  readonly #expired = new Map<string, Tracked>();
  readonly #onChange: MembersChanged;

  constructor(onChange: MembersChanged) {
    this.#onChange = onChange;
  }

  get(key: string): Tracked | undefined {
    return this.#entries.get(key);
  }

  /** A member that is gone, or going, as it was in the end, if the cluster may have deleted it because it was done. */
  expired(key: string): Tracked | undefined {
    return this.#expired.get(key);
  }

  *members(applySet: string): Generator<Tracked> {
    for (const key of this.#bySet.get(applySet) ?? []) {
      const entry = this.#entries.get(key);
      if (entry) yield entry;
    }
  }

  /**
   * Takes in what a watch says of an object; what is older than what is known is ignored.
   *
   * @param keepObject whether a health check needs the whole object even when it is healthy
   */
  upsert(object: KubeObject, source: string, keepObject: boolean): void {
    this.#tell(source, object);
    if (object.metadata.deletionTimestamp !== undefined) this.#noteEnd(keyOf(refOf(object)), object);
    this.#take(object, source, keepObject);
  }

  /**
   * Takes in the answer to a write, unless the watch is past it: then the watch knows better, even where it knows nothing,
   * for somebody has deleted the object before we came to read the answer.
   */
  record(object: KubeObject, source: string, keepObject: boolean): void {
    const told = this.#told.get(source);
    if (told === undefined || versionOf(object.metadata) > told) this.#take(object, source, keepObject);
  }

  #take(object: KubeObject, source: string, keepObject: boolean): void {
    const key = keyOf(refOf(object));
    const known = this.#entries.get(key);
    const observed = observe(object);
    if (!observed) {
      this.delete(key);
      return;
    }
    if (known?.observed.uid === observed.uid && isOlder(observed, known.observed)) return;
    const verdict = assess(object);
    const kept = keepObject || verdict.state !== "Current" ? stripped(object) : undefined;
    const signature = signatureOf(observed, verdict, kept !== undefined);
    this.#put({ observed, verdict, source, signature, ...(kept ? { object: kept } : {}) });
    if (known?.signature !== signature || kept) this.#changed(key, observed.partOf, known?.observed.partOf);
  }

  delete(key: string): void {
    const known = this.#entries.get(key);
    if (!known) return;
    this.#entries.delete(key);
    this.#bySet.get(known.observed.partOf)?.delete(key);
    this.#changed(key, known.observed.partOf);
  }

  /** A watch tells that an object has gone, or has lost its label; what is known to have come after that stays. */
  drop(object: KubeObject, source: string): void {
    this.#tell(source, object);
    const key = keyOf(refOf(object));
    const known = this.#entries.get(key);
    if (known && object.metadata.resourceVersion !== undefined && isOlder(object.metadata, known.observed)) return;
    this.#noteEnd(key, object);
    this.delete(key);
  }

  /** A relist: what this source told before and is not among `objects` is gone. */
  replace(objects: readonly KubeObject[], source: string, keepObject: boolean): void {
    this.#told.delete(source);
    const present = new Set(objects.map((object) => keyOf(refOf(object))));
    for (const [key, entry] of this.#entries) if (entry.source === source && !present.has(key)) this.delete(key);
    for (const object of objects) {
      // A list that is older than what was known comes from a cluster that was restored from a backup: it is the truth now.
      const known = this.#entries.get(keyOf(refOf(object)));
      if (known?.source === source && isOlder(object.metadata, known.observed)) this.delete(known.observed.key);
      this.upsert(object, source, keepObject);
    }
  }

  /** It may be done and deleted in one breath: its last event tells that it was. */
  #noteEnd(key: string, object: KubeObject): void {
    const observed = isJobWithTtl(object) ? observe(object) : undefined;
    if (!observed) return;
    const { deletionTimestamp: _, ...metadata } = object.metadata;
    const verdict = assess({ ...object, metadata });
    if (verdict.state !== "Current" && verdict.state !== "Failed") return;
    const [oldest] = this.#expired.keys();
    if (this.#expired.size >= MOST_EXPIRED && oldest !== undefined) this.#expired.delete(oldest);
    this.#expired.set(key, { observed, verdict });
  }

  #tell(source: string, { metadata }: KubeObject): void {
    const told = this.#told.get(source) ?? 0n;
    const version = versionOf(metadata);
    if (version > told) this.#told.set(source, version);
  }

  #put(entry: Entry): void {
    const { key, partOf } = entry.observed;
    const before = this.#entries.get(key)?.observed.partOf;
    if (before !== undefined && before !== partOf) this.#bySet.get(before)?.delete(key);
    this.#entries.set(key, entry);
    const set = this.#bySet.get(partOf) ?? new Set();
    this.#bySet.set(partOf, set.add(key));
  }

  #changed(key: string, ...applySets: (string | undefined)[]): void {
    this.#onChange(new Set(applySets.filter((id) => id !== undefined)), key);
  }
}

/** resourceVersions of one kind grow (KEP-5504); an answer to our own write may come after the watch told of a later one. */
function isOlder(next: { resourceVersion?: string | undefined }, known: Observed): boolean {
  return versionOf(next) < versionOf(known);
}

function versionOf({ resourceVersion }: { resourceVersion?: string | undefined }): bigint {
  return BigInt(resourceVersion || "0");
}

function signatureOf(observed: Observed, verdict: Verdict, kept: boolean): string {
  const { ref: _, resourceVersion: __, entries, ...about } = observed;
  const fields = entries.map((entry) => `${entry.manager}=${fieldsDigest(entry)}`);
  return JSON.stringify([about, fields, verdict, kept]);
}

function stripped(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
