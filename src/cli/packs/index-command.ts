import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { plural } from "../../health/text.ts";
import { parsePack } from "../../pack/index.ts";
import { type PackFolder, packRegistry } from "../../source/pack-index.ts";
import { EXIT, type Outcome } from "../outcome.ts";
import { foldersIn, readPackFolder } from "./pack-folder.ts";

const PACK_JSON = "pack.json";

/**
 * `strata pack index`: makes a folder that any web server can serve as a registry of packs. Nothing is written when one of
 * the packs cannot be used.
 *
 * @param from the folder with the packs' folders
 * @param to the folder to serve; it may be the same
 */
export async function indexCommand(from: string, to: string): Promise<Outcome> {
  const packs: PackFolder[] = [];
  const problems: string[] = [];
  for (const name of await foldersIn(from)) {
    const files = await readPackFolder(join(from, name));
    if (!files.has(PACK_JSON)) continue;
    const parsed = parsePack(files, `pack ${name}`);
    if (parsed.ok) packs.push({ name: parsed.value.name, version: parsed.value.version, files });
    else problems.push(...parsed.problems);
  }
  problems.push(...twins(packs));
  if (packs.length === 0 && problems.length === 0) problems.push(`${from}: none of its folders has a ${PACK_JSON}`);
  if (problems.length > 0) return { text: "", problems, code: EXIT.problems };
  for (const [path, bytes] of packRegistry(packs)) await write(join(to, path), bytes);
  const names = new Set(packs.map(({ name }) => name)).size;
  const text = `${join(to, "index.yaml")}: ${plural(names, "pack")} in ${plural(packs.length, "version")}\n`;
  return { text, problems: [], code: EXIT.ok };
}

function twins(packs: readonly PackFolder[]): string[] {
  const seen = new Set<string>();
  return packs.flatMap(({ name, version }) => {
    const key = `${name} ${version}`;
    if (seen.has(key)) return [`${key} is in two folders: give one of them another version`];
    seen.add(key);
    return [];
  });
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}
