import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Result } from "../objects/types.ts";

const STDIN = "-";
const MANIFEST = /\.(ya?ml|json)$/;

/** The text of a file, and how sentences call it. */
export interface FileText {
  what: string;
  text: string;
}

/** How a path is called in sentences. */
export function nameOfFile(path: string): string {
  return path === STDIN ? "standard input" : path;
}

/** The texts of a file, of a folder's .yaml, .yml and .json files in order of name, or of standard input (`-`). */
export async function readTexts(path: string): Promise<Result<FileText[]>> {
  try {
    if (path === STDIN) return { ok: true, value: [{ what: nameOfFile(path), text: await text(process.stdin) }] };
    if (!(await stat(path)).isDirectory())
      return { ok: true, value: [{ what: path, text: await readFile(path, "utf8") }] };
    const names = (await readdir(path)).filter((name) => MANIFEST.test(name)).sort();
    return joined(await Promise.all(names.map((name) => readTexts(join(path, name)))));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "it is not readable";
    return {
      ok: false,
      problems: [`${path}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}`],
    };
  }
}

/** All values, or all problems. */
export function joined<T>(results: readonly Result<T[]>[]): Result<T[]> {
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: results.flatMap((result) => (result.ok ? result.value : [])) };
}
