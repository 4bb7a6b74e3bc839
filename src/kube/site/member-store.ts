import { assess, type Verdict } from "../../health/index.ts";
import { fieldsDigest } from "../../membership/fields.ts";
import { type Observed, observe } from "../../membership/observed.ts";
import { keyOf, refOf } from "../../objects/identity.ts";
import type { KubeObject } from "../../objects/types.ts";
import type { Tracked } from "../../plan/seen.ts";

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
  readonly #onChange: MembersChanged;

  constructor(onChange: MembersChanged) {
    this.#onChange = onChange;
  }

  get(key: string): Tracked | undefined {
    return this.#entries.get(key);
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
  const { uid, partOf, layer, digest, adopted, terminating, finalizers, storedVersions, entries } = observed;
  const fields = entries.map((entry) => `${entry.manager}=${fieldsDigest(entry)}`);
  const about = [uid, partOf, layer, digest, adopted, terminating, finalizers, storedVersions];
  return JSON.stringify([...about, fields, verdict, kept]);
}

function stripped(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
