import { join } from "node:path";
import { Failure } from "../../errors.ts";
import { type KnownChart, type Pack, parsePack } from "../../pack/index.ts";
import { readCharts } from "../packs/charts.ts";
import { foldersIn, readPackFolder } from "../packs/pack-folder.ts";

/** A pack that is here as a folder, so that its own values are known. */
export interface KnownPack {
  pack: Pack;
  charts: readonly KnownChart[];
}

/** By `packKey`. */
export type KnownPacks = ReadonlyMap<string, KnownPack>;

export function packKey(name: string, version: string): string {
  return `${name} ${version}`;
}

/**
 * Reads those packs among the folders of a folder that are wanted.
 *
 * @throws Failure SourceNotFound, InvalidSource
 */
export async function readKnownPacks(folder: string, wanted: ReadonlySet<string>): Promise<KnownPacks> {
  const known = new Map<string, KnownPack>();
  for (const name of await foldersIn(folder)) {
    const files = await readPackFolder(join(folder, name));
    const parsed = files.has("pack.json") ? parsePack(files, `pack ${name}`) : undefined;
    if (parsed === undefined) continue;
    if (!parsed.ok) throw new Failure("InvalidSource", parsed.problems.join("\n"));
    const pack = parsed.value;
    const key = packKey(pack.name, pack.version);
    if (!wanted.has(key)) continue;
    const { charts, problems } = await readCharts(pack.charts, `pack ${name}`);
    if (problems.length > 0) throw new Failure("InvalidSource", problems.join("\n"));
    known.set(key, { pack, charts });
  }
  return known;
}
