import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Contents by their paths below some folder. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Writes files into a folder, which is made, with all folders on the way; resolves with the folder. */
export async function writeFiles(folder: string, files: Files): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return folder;
}

/** Writes a chart: its Chart.yaml, with `fields` beside name and version, and its files; resolves with the folder. */
export async function writeChart(
  folder: string,
  { name, version, files, fields = {} }: { name: string; version: string; files: Files; fields?: object },
): Promise<string> {
  const metadata = { apiVersion: "v2", name, version, ...fields };
  return await writeFiles(folder, { "Chart.yaml": JSON.stringify(metadata), ...files });
}

/** The same files below a folder. */
export function below(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));
}
