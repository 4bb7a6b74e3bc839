import { promisify } from "node:util";
import { brotliCompress, brotliDecompressSync, constants } from "node:zlib";
import { Failure } from "../errors.ts";
import { parseJson, stringifyJson } from "../objects/json.ts";
import type { MadeContent } from "../plan/types.ts";

/** A chart layer's objects as they were rendered, with the inputs that they were rendered from. */
export type StoredSet = MadeContent;

const MIB = 1024 * 1024;

/** Bytes, unpacked: far above what fits into a Secret, and a bound for a hostile one. */
const MAX_UNPACKED = 64 * MIB;

/** What the API server takes in one Secret (Kubernetes: `core.MaxSecretSize`). */
const MAX_SECRET = MIB;

const compressed = promisify(brotliCompress);

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
export async function packSet(set: StoredSet): Promise<string> {
  const remedy = "split the chart's values or objects into several layers";
  return await packStored(keptOf(set), { what: "the rendered objects have", remedy });
}

/** What is kept of a set. What only Helm's own commands need can be had from the chart again, and would take most of the room. */
export function keptOf({ content, ...about }: StoredSet): StoredSet {
  const { release, ...rest } = content;
  const { source: _, ...lean } = release ?? {};
  return { ...about, content: release ? { ...rest, release: lean } : rest } as StoredSet;
}

/**
 * Packs whatever is kept in one Secret of `strata-system`. What takes long of it happens on another thread.
 *
 * @throws Failure TooLarge, naming the size
 */
export async function packStored(value: unknown, about: { what: string; remedy: string }): Promise<string> {
  const text = stringifyJson(value);
  // What can never be read again need not be packed to know it.
  if (Buffer.byteLength(text) > MAX_UNPACKED) throw tooLarge(`more than ${MAX_UNPACKED / MIB} MiB`, about);
  const packed = await compressed(text, { params: PARAMS });
  if (packed.length > MAX_SECRET) throw tooLarge(`${(packed.length / MIB).toFixed(1)} MiB when packed`, about);
  return packed.toString("base64");
}

function tooLarge(size: string, { what, remedy }: { what: string; remedy: string }): Failure {
  return new Failure("TooLarge", `${what} ${size}; the Secret in strata-system that keeps them holds 1 MiB: ${remedy}`);
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
