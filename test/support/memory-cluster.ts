import { PARENT_LABEL } from "../../src/api/names.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { ObjectKey, Resource } from "../../src/kube/resource.ts";
import { gvkOf, keyOf, refOf } from "../../src/objects/identity.ts";
import { scopeOfBuiltIn } from "../../src/objects/scope.ts";
import type { GroupVersionKind, KubeObject, ObjectRef } from "../../src/objects/types.ts";
import { readRecord } from "../../src/plan/release.ts";

/** The process ended here. */
export class CutOff extends Error {}

class Refused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`answered ${status}`);
    this.status = status;
  }
}

interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

/** Objects with uids and versions, and a log of the writes in words. Any write can be the last of a process. */
export class MemoryCluster {
  readonly log: string[] = [];
  /** Writes until the process is cut off, before or after the one that it ends with. */
  cutOff: { after: number; written: boolean } | undefined;
  /** Names of objects that may not be read. */
  readonly hidden = new Set<string>();
  /** Whether nothing may be created. */
  isReadOnly = false;
  onCreate: (object: KubeObject) => KubeObject = (object) => object;
  readonly #objects = new Map<string, KubeObject>();
  readonly #now: () => number;
  #version = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What release steps need of a client. */
  get client(): KubeClient {
    const client = {
      get: async (resource: Resource, key: ObjectKey) => this.#live(refFor(resource, key)),
      find: async (resource: Resource, key: ObjectKey) => {
        if (this.hidden.has(key.name)) throw new Refused(403);
        return this.get(refFor(resource, key));
      },
      listAll: async ({ kind }: Resource, { namespace }: { namespace?: string }) => {
        const items = this.all(kind).filter(({ metadata }) => (namespace ?? metadata.namespace) === metadata.namespace);
        return { items };
      },
      create: async (_resource: Resource, object: KubeObject) => {
        if (this.isReadOnly) throw new Refused(403);
        return this.#create(object);
      },
      mergePatch: async (resource: Resource, key: ObjectKey, patch: Pick<KubeObject, "metadata" | "data">) => {
        const { metadata, data } = patch;
        const live = this.#check(refFor(resource, key), metadata);
        const annotations = { ...live.metadata.annotations, ...metadata.annotations };
        const labels = present({ ...live.metadata.labels, ...metadata.labels });
        const changed = { ...live, metadata: { ...live.metadata, annotations, labels }, ...(data ? { data } : {}) };
        const note = metadata.labels?.[PARENT_LABEL] === undefined ? "note" : "hand over";
        const words = metadata.labels?.["status"] === undefined ? `${note} ${wordsOf(live)}` : wordsOf(changed);
        return this.write(words, () => this.put(changed));
      },
      delete: async (resource: Resource, key: ObjectKey, wanted: Preconditions) => {
        const ref = refFor(resource, key);
        const live = this.#check(ref, wanted);
        this.write(`delete ${wordsOf(live).split(" ")[0]}`, () => this.remove(ref));
      },
    };
    return client as unknown as KubeClient;
  }

  resourceFor(kind: GroupVersionKind): Resource | undefined {
    const scope = scopeOfBuiltIn(kind);
    const plural = `${kind.kind.toLowerCase()}s`;
    return scope && { ...kind, plural, namespaced: scope === "Namespaced", verbs: ["list"], hasStatus: false };
  }

  /** Of the kinds that have objects. */
  get resources(): Resource[] {
    return this.all().flatMap((object) => this.resourceFor(gvkOf(object)) ?? []);
  }

  get(ref: Omit<ObjectRef, "namespace"> & { namespace?: string | undefined }): KubeObject | undefined {
    return this.#objects.get(keyOf(ref as ObjectRef));
  }

  all(kind?: string): KubeObject[] {
    return [...this.#objects.values()].filter((object) => kind === undefined || object.kind === kind);
  }

  names(kind: string): string[] {
    return this.all(kind).map(({ metadata }) => metadata.name ?? "");
  }

  /** Somebody else's write. */
  put(object: KubeObject): KubeObject {
    this.#version += 1;
    const before = this.get(refOf(object))?.metadata;
    const metadata = {
      ...object.metadata,
      uid: before?.uid ?? `uid-${this.#version}`,
      creationTimestamp: before?.creationTimestamp ?? new Date(this.#now()).toISOString(),
      resourceVersion: String(this.#version),
    };
    const written = { ...object, metadata };
    this.#objects.set(keyOf(refOf(object)), written);
    return written;
  }

  remove(ref: ObjectRef): void {
    this.#objects.delete(keyOf(ref));
  }

  /** A write of the process. */
  write<T>(words: string, change: () => T): T {
    const { cutOff } = this;
    if (cutOff && !cutOff.written && cutOff.after === 0) throw new CutOff();
    this.log.push(words);
    const answer = change();
    if (cutOff?.written && cutOff.after === 0) throw new CutOff();
    if (cutOff) cutOff.after -= 1;
    return answer;
  }

  #create(object: KubeObject): KubeObject {
    if (this.get(refOf(object))) throw new Refused(409);
    const words = object.kind === "Secret" ? `open ${wordsOf(object)}` : `run ${wordsOf(object)}`;
    return this.write(words, () => this.put(this.onCreate(object)));
  }

  #live(ref: ObjectRef): KubeObject {
    const live = this.get(ref);
    if (!live) throw new Refused(404);
    return live;
  }

  #check(ref: ObjectRef, { uid, resourceVersion }: Preconditions): KubeObject {
    const live = this.#live(ref);
    const isStale = resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion;
    if (isStale || (uid !== undefined && uid !== live.metadata.uid)) throw new Refused(409);
    return live;
  }
}

/** `v2 deployed` for the record of a release, else the name. */
function wordsOf(object: KubeObject): string {
  const record = readRecord(object);
  return record ? `v${record.version} ${record.status}` : (object.metadata.name ?? gvkOf(object).kind);
}

/** A null takes a label off. */
function present(labels: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== null));
}

function refFor({ group, version, kind, namespaced }: Resource, { namespace, name }: ObjectKey): ObjectRef {
  return { group, version, kind, name, ...(namespaced && namespace !== undefined ? { namespace } : {}) };
}
