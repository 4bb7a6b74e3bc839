import { parseJson } from "../../objects/json.ts";
import { chartIdentity } from "../../pack/index.ts";
import { writeArchive } from "./write-archive.ts";

type Files = ReadonlyMap<string, Uint8Array>;

/**
 * The files of a pack's folder as a registry has them. Authors keep a chart of their own as a folder beside the place of
 * its archive; here it becomes the archive that pack.json lists: `charts/shop-1.2.0.tgz` is made of `charts/shop`, whose
 * Chart.yaml says 1.2.0, and `charts/shop.tgz` of the same folder whatever its version is. An archive that is there stays
 * what it is, and a folder that fits no listed archive stays a folder. Equal folders give equal bytes.
 *
 * @param files by path below the pack's folder
 */
export function packCharts(files: Files): Map<string, Uint8Array> {
  const result = new Map(files);
  for (const path of listedCharts(files)) {
    const source = files.has(path) ? undefined : sourceOf(files, path);
    if (source === undefined) continue;
    const below = [...files].filter(([file]) => file.startsWith(source.folder));
    for (const [file] of below) result.delete(file);
    const inside = new Map(below.map(([file, bytes]) => [file.slice(source.folder.length), bytes] as const));
    result.set(path, writeArchive(inside, source.name));
  }
  return result;
}

/** What is wrong with pack.json is told where it is parsed. */
function listedCharts(files: Files): string[] {
  try {
    const json = parseJson(textOf(files.get("pack.json"))) as { charts?: unknown } | null;
    const charts: unknown[] = Array.isArray(json?.charts) ? json.charts : [];
    return charts.flatMap((path) => (typeof path === "string" ? [path.replace(/^(?:\.?\/)+/, "")] : []));
  } catch {
    return [];
  }
}

/** The folder, with a slash at its end, that an archive is to be made of, and the name of its chart. */
function sourceOf(files: Files, archive: string): { folder: string; name: string } | undefined {
  const [, parent = "", wanted] = /^(.*\/)?([^/]+)\.tgz$/.exec(archive) ?? [];
  for (const path of files.keys()) {
    const [chartYaml, folder = ""] = /^([^/]+)\/Chart\.yaml$/.exec(path.slice(parent.length)) ?? [];
    if (chartYaml === undefined || !path.startsWith(parent)) continue;
    const chart = chartIdentity(textOf(files.get(path)), path);
    if (!chart.ok || (wanted !== folder && wanted !== `${folder}-${chart.value.version}`)) continue;
    return { folder: `${parent}${folder}/`, name: chart.value.name };
  }
  return undefined;
}

function textOf(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString("utf8");
}
