import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import { packCharts } from "../../source/archive/pack-charts.ts";
import { ARCHIVE_LIMITS } from "../../source/archive/read-archive.ts";

interface Reading {
  root: string;
  files: Map<string, Uint8Array>;
  bytes: number;
}

/**
 * The files of a pack's folder by their paths in it. What begins with a dot (`.git`, `.DS_Store`) is left out: no file of a
 * pack does.
 *
 * @throws Failure SourceNotFound (there is no such folder), InvalidSource (links, more than a pack may have)
 */
export async function readPackFolder(root: string): Promise<Map<string, Uint8Array>> {
  const reading: Reading = { root, files: new Map(), bytes: 0 };
  await readInto(reading, "");
  return packCharts(reading.files);
}

/**
 * The names of the folders in a folder, sorted.
 *
 * @throws Failure SourceNotFound
 */
export async function foldersIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
    return folders.map(({ name }) => name).sort();
  } catch (error) {
    throw new Failure("SourceNotFound", `${path}: there is no such folder`, { cause: error });
  }
}

async function readInto(reading: Reading, folder: string): Promise<void> {
  for (const name of (await namesIn(reading.root, folder)).sort()) {
    if (name.startsWith(".")) continue;
    const path = folder === "" ? name : `${folder}/${name}`;
    const entry = await lstat(join(reading.root, path));
    if (entry.isDirectory()) await readInto(reading, path);
    else if (entry.isFile()) await take(reading, path, entry.size);
    else throw refused(reading, `${path} is neither a file nor a folder, which a pack is made of`);
  }
}

async function namesIn(root: string, folder: string): Promise<string[]> {
  try {
    return await readdir(join(root, folder));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    const why = code === "ENOENT" ? "there is no such folder" : code === "ENOTDIR" ? "is no folder" : "cannot be read";
    throw new Failure("SourceNotFound", `${join(root, folder)}: ${why}`, { cause: error });
  }
}

async function take(reading: Reading, path: string, size: number): Promise<void> {
  const { files, root } = reading;
  reading.bytes += size;
  if (reading.bytes > ARCHIVE_LIMITS.unpackedBytes || files.size >= ARCHIVE_LIMITS.entries) {
    const most = `${ARCHIVE_LIMITS.unpackedBytes / 1024 ** 2} MiB in ${ARCHIVE_LIMITS.entries} files`;
    throw refused(reading, `a pack has at most ${most}`);
  }
  files.set(path, await readFile(join(root, path)));
}

function refused({ root }: Reading, clause: string): Failure {
  return new Failure("InvalidSource", `${root}: ${clause}`);
}
