import { Failure } from "../errors.ts";
import { chartIdentity, parsePack } from "../pack/index.ts";
import type { LoadedChart, LoadedPack } from "../plan/valued-pack.ts";
import { parseValues } from "../plan/values.ts";
import { ARCHIVE_LIMITS, ArchiveRefused, readArchive } from "../source/archive/read-archive.ts";
import type { FileSet } from "../source/types.ts";

const MIB = 1024 * 1024;

/**
 * Reads the files of a pack, and of each of its charts what it is called and its values.
 *
 * @param where for sentences: `pack shop 1.2.0`
 * @throws Failure InvalidSource
 */
export async function openPack({ files, version, digest }: FileSet, where: string): Promise<LoadedPack> {
  const parsed = parsePack(files, where);
  if (!parsed.ok) throw new Failure("InvalidSource", parsed.problems.join("; "));
  const pack = parsed.value;
  const charts: LoadedChart[] = [];
  let unpacked = 0;
  // One after the other: each may be as large as a whole pack once it is unpacked.
  for (const { path, archive } of pack.charts) {
    const inside = await filesOf(archive, `${where}: ${path}`);
    for (const content of inside.values()) unpacked += content.length;
    if (unpacked > ARCHIVE_LIMITS.unpackedBytes) {
      const limit = ARCHIVE_LIMITS.unpackedBytes / MIB;
      throw new Failure("InvalidSource", `${where}: its charts have more than ${limit} MiB once they are unpacked`);
    }
    charts.push(loadedChart(inside, { path, where }));
  }
  return { pack, version, digest, charts };
}

function loadedChart(files: FileSet["files"], { path, where }: { path: string; where: string }): LoadedChart {
  const text = files.get("Chart.yaml");
  if (!text) throw new Failure("InvalidSource", `${where}: ${path} is not a chart: it has no Chart.yaml`);
  const identity = chartIdentity(Buffer.from(text).toString("utf8"), `${where}, ${path}, Chart.yaml`);
  if (!identity.ok) throw new Failure("InvalidSource", identity.problems.join("; "));
  const values = parseValues(
    Buffer.from(files.get("values.yaml") ?? []).toString("utf8"),
    `${where}, ${path}, values.yaml`,
  );
  return { path, ...identity.value, values: values.ok ? values.value : {} };
}

async function filesOf(archive: Uint8Array, what: string): Promise<FileSet["files"]> {
  try {
    return await readArchive(archive, { stripRoot: true });
  } catch (error) {
    if (error instanceof ArchiveRefused) throw new Failure("InvalidSource", `${what} ${error.message}`);
    throw error;
  }
}
