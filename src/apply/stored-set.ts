import { gunzipSync, gzipSync } from "node:zlib";
import { parseJson, stringifyJson } from "../objects/json.ts";
import type { LayerContent } from "../plan/types.ts";

/** A chart layer's objects as they were rendered, with the inputs that they were rendered from. */
export interface StoredSet {
  inputs: string;
  specDigest: string;
  content: LayerContent;
}

/** 64 MiB unpacked: far above what fits into a Secret, and a bound for a hostile one. */
const MAX_UNPACKED = 64 * 1024 * 1024;

/** Packs a set for a Secret's `data`. */
export function packSet({ content, ...about }: StoredSet): string {
  const { release, ...rest } = content;
  // What only Helm's own commands need can be had from the chart again, and would take most of the room.
  const { source: _, ...lean } = release ?? {};
  return gzipSync(stringifyJson({ ...about, content: release ? { ...rest, release: lean } : rest })).toString("base64");
}

/** The stored set, or undefined when it cannot be read: it is then rendered anew. */
export function unpackSet(packed: string): StoredSet | undefined {
  try {
    const text = gunzipSync(Buffer.from(packed, "base64"), { maxOutputLength: MAX_UNPACKED }).toString("utf8");
    const set = parseJson(text) as Partial<StoredSet>;
    return set.inputs && set.specDigest && set.content ? (set as StoredSet) : undefined;
  } catch {
    return undefined;
  }
}
