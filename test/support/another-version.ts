import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Puts this very build into a folder, under another version; resolves with the path of its `main.ts`. */
export async function buildAs(version: string, folder: string): Promise<string> {
  const packageFile = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  await cp(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ ...packageFile, version }));
  return join(folder, "src/main.ts");
}
