import { LRUCache } from "lru-cache";
import type { Subject } from "./subject.ts";

const MAX_GRANTS = 10_000;

/** Who may have contents again, and as what. */
export interface Grant {
  accessKey: string;
  /**
   * What they were fetched as: what may be a file that somebody has put at an address (`manifests`) is never taken for a
   * chart, a pack or an artifact, whose signature was verified before.
   */
  subject: Exclude<Subject, "registry">;
}

/**
 * Packed contents by their digest, kept once however many registries have them. Who knows a digest does not get the
 * bytes by that: only an access that has fetched them itself gets them again, as what it has fetched.
 */
export class ContentCache {
  readonly #contents: LRUCache<string, Uint8Array>;
  readonly #grants = new LRUCache<string, true>({ max: MAX_GRANTS });

  /** @param maxBytes of all contents together */
  constructor(maxBytes: number) {
    this.#contents = new LRUCache({ maxSize: maxBytes });
  }

  get(grant: Grant, digest: string): Uint8Array | undefined {
    return this.#grants.has(keyOf(grant, digest)) ? this.#contents.get(digest) : undefined;
  }

  /** @param bytes whose digest was compared, fetched through the access, and verified if it asks for signatures */
  put(grant: Grant, digest: string, bytes: Uint8Array): void {
    this.#grants.set(keyOf(grant, digest), true);
    if (!this.#contents.has(digest)) this.#contents.set(digest, bytes, { size: Math.max(1, bytes.length) });
  }

  clear(): void {
    this.#contents.clear();
    this.#grants.clear();
  }
}

function keyOf({ accessKey, subject }: Grant, digest: string): string {
  return `${accessKey} ${subject} ${digest}`;
}
