import { z } from "zod";
import { packStored, unpackStored } from "../apply/stored-set.ts";
import { type Failure, failureOf } from "../errors.ts";
import { isMap } from "../objects/json.ts";
import { parsePack } from "../pack/index.ts";
import type { LoadedPack } from "../plan/valued-pack.ts";
import type { FileSet } from "../source/types.ts";

/**
 * What a restart needs of a pack: everything but the templates of its charts, whose objects are stored once they are
 * rendered. Whoever may write in the target's `strata-system` can put anything there.
 */
const storedPack = z.object({
  key: z.string().min(1),
  /** By these names it was fetched. */
  registry: z.string().min(1),
  name: z.string().min(1),
  version: z.string(),
  digest: z.string().min(1),
  /** Which signatures its registry asked for when it was last verified; undefined when for none. */
  verified: z.string().optional(),
  /** Signatures were asked for that it was not found to have. */
  doubted: z.boolean().optional(),
  charts: z.array(
    z.object({
      path: z.string(),
      name: z.string(),
      version: z.string(),
      subcharts: z.array(z.string()),
      values: z.custom<Record<string, unknown>>(isMap),
    }),
  ),
  /** Text by path. */
  files: z.record(z.string(), z.string()),
});

/** What is kept of a pack in the target's `strata-system`, and what was found of its signatures. */
export type StoredPack = z.infer<typeof storedPack>;

/** Exactly one pack of one Registry. */
export type PackId = Pick<StoredPack, "registry" | "name" | "version" | "digest">;

/** A pack from its registry, with its files and whose signature it has. */
export interface FetchedPack {
  loaded: LoadedPack;
  files: FileSet["files"];
  verified: string | undefined;
}

/** A pack that was just fetched, for a Secret of the target; or the failure that it is too large. */
export async function packFetched(
  source: Pick<StoredPack, "key" | "registry" | "name">,
  { loaded, files, verified }: FetchedPack,
): Promise<string | Failure> {
  const { pack, version, digest, charts } = loaded;
  const isArchive = new Set(pack.charts.map(({ path }) => path));
  const texts = [...files].filter(([path]) => !isArchive.has(path) && /\.(json|ya?ml)$/.test(path));
  const stored: StoredPack = {
    ...source,
    version,
    digest,
    verified,
    charts: charts.map(({ subcharts, ...chart }) => ({ ...chart, subcharts: [...subcharts] })),
    files: Object.fromEntries(texts.map(([path, bytes]) => [path, Buffer.from(bytes).toString("utf8")])),
  };
  const what = `pack ${pack.name} ${version}: its values and manifests have`;
  return await packStored(stored, { what, remedy: "split it into several packs" }).catch(failureOf);
}

/** Undefined when there is none, or none that can be read. */
export function readStored(content: string | undefined): StoredPack | undefined {
  return content === undefined ? undefined : storedPack.safeParse(unpackStored(content)).data;
}

/** Undefined when what is stored is no pack any more: it is then fetched again. */
export function loadedFrom({ version, digest, charts, files }: StoredPack): LoadedPack | undefined {
  const texts = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const);
  const archives = charts.map(({ path }) => [path, new Uint8Array()] as const);
  const parsed = parsePack(new Map<string, Uint8Array>([...texts, ...archives]), `the stored pack ${version}`);
  return parsed.ok ? { pack: parsed.value, version, digest, charts } : undefined;
}
