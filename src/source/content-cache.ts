import { LRUCache } from "lru-cache";

const MAX_GRANTS = 10_000;

/**
 * Packed contents by their digest, kept once however many registries have them. Who knows a digest does not get the
 * bytes by that: only an access that has fetched them itself gets them again.
 */
export class ContentCache {
  readonly #contents: LRUCache<string, Uint8Array>;
  readonly #grants = new LRUCache<string, true>({ max: MAX_GRANTS });

  /** @param maxBytes of all contents together */
  constructor(maxBytes: number) {
    this.#contents = new LRUCache({ maxSize: maxBytes });
  }

  /** @param accessKey of the access that asks */
  get(accessKey: string, digest: string): Uint8Array | undefined {
    return this.#grants.has(grantOf(accessKey, digest)) ? this.#contents.get(digest) : undefined;
  }

  /** @param bytes whose digest was compared, fetched through the access */
  put(accessKey: string, digest: string, bytes: Uint8Array): void {
    this.#grants.set(grantOf(accessKey, digest), true);
    if (!this.#contents.has(digest)) this.#contents.set(digest, bytes, { size: Math.max(1, bytes.length) });
  }

  clear(): void {
    this.#contents.clear();
    this.#grants.clear();
  }
}

function grantOf(accessKey: string, digest: string): string {
  return `${accessKey} ${digest}`;
}
