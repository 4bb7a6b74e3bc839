import type { KubeObject } from "../../objects/types.ts";
import { type ReleaseRecord, readRecord } from "../../plan/release.ts";
import { isNewer } from "../reflector-keys.ts";

/** The release records of one namespace: what a watch tells and what answers to our own writes told before it. */
export class ReleaseRecords {
  /** By the name of the Secret. */
  #records = new Map<string, ReleaseRecord>();
  /** What answers told since the last list was asked for: a list on its way may be older. */
  readonly #answers = new Map<string, ReleaseRecord>();
  /** The uids of those that we deleted: until the watch has told so, events from before may come. */
  readonly #forgotten = new Set<string>();
  #isKnown = false;

  /** Undefined until the first list is in. */
  get all(): readonly ReleaseRecord[] | undefined {
    return this.#isKnown ? [...this.#records.values()] : undefined;
  }

  /** A list is asked for: all answers until now are older, unless the cluster is one that was restored from a backup. */
  listing(): void {
    this.#answers.clear();
  }

  /** @param resourceVersion of the list */
  sync(objects: readonly KubeObject[], resourceVersion: string): void {
    const listed = objects.flatMap((object) => readRecord(object) ?? []);
    const present = new Set(listed.map(({ uid }) => uid));
    for (const uid of this.#forgotten) if (!present.has(uid)) this.#forgotten.delete(uid);
    this.#records = new Map(listed.filter(({ uid }) => !this.#forgotten.has(uid)).map((one) => [one.secret, one]));
    for (const [secret, answer] of this.#answers) {
      if (isNewer(answer.resourceVersion, resourceVersion)) this.#records.set(secret, answer);
    }
    this.#answers.clear();
    this.#isKnown = true;
  }

  /** Whether it is newer than what is known. */
  upsert(object: KubeObject): boolean {
    return this.#take(object) !== undefined;
  }

  /** The answer to a write. */
  answer(object: KubeObject): void {
    const record = this.#take(object);
    if (record) this.#answers.set(record.secret, record);
  }

  /** The watch tells that a Secret has gone: the record of that name may be another one by now. */
  drop({ metadata }: KubeObject): void {
    const { name = "", uid } = metadata;
    if (uid !== undefined) this.#forgotten.delete(uid);
    const known = this.#records.get(name);
    if (uid === undefined || known?.uid === uid) this.#records.delete(name);
  }

  /** We have deleted it. */
  forget({ secret, uid }: ReleaseRecord): void {
    if (!this.#isKnown) return;
    this.#forgotten.add(uid);
    if (this.#answers.get(secret)?.uid === uid) this.#answers.delete(secret);
    if (this.#records.get(secret)?.uid === uid) this.#records.delete(secret);
  }

  #take(object: KubeObject): ReleaseRecord | undefined {
    const record = readRecord(object);
    if (!this.#isKnown || !record || this.#forgotten.has(record.uid)) return undefined;
    const known = this.#records.get(record.secret);
    if (known && !isNewer(record.resourceVersion, known.resourceVersion)) return undefined;
    this.#records.set(record.secret, record);
    return record;
  }
}
