import type { KubeObject } from "../objects/types.ts";
import type { ObjectKey } from "./resource.ts";
import type { WatchEvent } from "./watch-events.ts";

/** The keys of the objects that exist, as small as they can be kept. */
export class KeySet {
  #keys = new Set<string>();

  add(object: KubeObject): void {
    this.#keys.add(keyText(object));
  }

  delete(object: KubeObject): void {
    this.#keys.delete(keyText(object));
  }

  /** Takes the keys of these objects for its own; answers those that are gone. */
  replace(objects: Iterable<KubeObject>): ObjectKey[] {
    const before = this.#keys;
    this.#keys = new Set(Array.from(objects, keyText));
    return [...before.difference(this.#keys)].map(keyFromText);
  }
}

/** The objects of a list while it is being streamed; changes may come between. */
export class Snapshot {
  readonly #objects = new Map<string, KubeObject>();

  get objects(): Iterable<KubeObject> {
    return this.#objects.values();
  }

  upsert(object: KubeObject): void {
    this.#objects.set(keyText(object), object);
  }

  /** Takes one event in. True for the bookmark that ends the list. */
  takes(event: Exclude<WatchEvent, { type: "error" }>): event is Extract<WatchEvent, { type: "bookmark" }> {
    if (event.type === "upsert") {
      this.upsert(event.object);
    } else if (event.type === "delete") {
      this.#objects.delete(keyText(event.object));
    }
    return event.type === "bookmark" && event.initialEventsEnd;
  }
}

/**
 * Whether resourceVersion `a` is later than `b`. They are decimal numbers of any length (KEP-5504); a server that uses
 * something else is taken at its word.
 */
export function isNewer(a: string, b: string): boolean {
  if (!/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) {
    return true;
  }
  return a.length === b.length ? a > b : a.length > b.length;
}

function keyText(object: KubeObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;
}

function keyFromText(text: string): ObjectKey {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  return slash === 0 ? { name } : { namespace: text.slice(0, slash), name };
}
