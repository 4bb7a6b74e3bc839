import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { Failure } from "../errors.ts";
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

/** What the API server takes in one Secret (Kubernetes: `core.MaxSecretSize`). */
const MAX_SECRET = 1024 * 1024;

/** A window over the whole set: most of the manifest's words stand in the objects too. */
const PARAMS = {
  [constants.BROTLI_PARAM_QUALITY]: 6,
  [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
};

/**
 * Packs a set for a Secret's `data`.
 *
 * @throws Failure TooLarge, naming the size
 */
export function packSet({ content, ...about }: StoredSet): string {
  const { release, ...rest } = content;
  // What only Helm's own commands need can be had from the chart again, and would take most of the room.
  const { source: _, ...lean } = release ?? {};
  const remedy = "split the chart's values or objects into several layers";
  return packStored(
    { ...about, content: release ? { ...rest, release: lean } : rest },
    { what: "the rendered objects have", remedy },
  );
}

/**
 * Packs whatever is kept in one Secret of `strata-system`.
 *
 * @throws Failure TooLarge, naming the size
 */
export function packStored(value: unknown, { what, remedy }: { what: string; remedy: string }): string {
  const packed = brotliCompressSync(stringifyJson(value), { params: PARAMS });
  if (packed.length <= MAX_SECRET) return packed.toString("base64");
  const size = `${(packed.length / MAX_SECRET).toFixed(1)} MiB when packed`;
  throw new Failure("TooLarge", `${what} ${size}; the Secret in strata-system that keeps them holds 1 MiB: ${remedy}`);
}

/** The stored set, or undefined when it cannot be read: it is then rendered anew. */
export function unpackSet(packed: string): StoredSet | undefined {
  const set = unpackStored(packed) as Partial<StoredSet> | undefined;
  return set?.inputs && set.specDigest && set.content ? (set as StoredSet) : undefined;
}

/** What was packed, or undefined when it cannot be read. */
export function unpackStored(packed: string): object | undefined {
  try {
    const bytes = brotliDecompressSync(Buffer.from(packed, "base64"), { maxOutputLength: MAX_UNPACKED });
    const stored = parseJson(bytes.toString("utf8"));
    return typeof stored === "object" && stored !== null ? stored : undefined;
  } catch {
    return undefined;
  }
}
