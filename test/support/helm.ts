import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./kubectl.ts";
import { toolPath } from "./tools.ts";

/** Helm 4, which is meant by `helm` everywhere, and Helm 3. */
export type HelmProgram = "helm" | "helm3";

/** Runs the real helm with caches and settings only in `home`; throws when it fails, else resolves with its output. */
export async function helm(
  args: readonly string[],
  {
    home,
    kubeconfigPath = "/dev/null",
    program = "helm",
  }: { home: string; kubeconfigPath?: string; program?: HelmProgram },
): Promise<string> {
  const folders = { HELM_CACHE_HOME: "cache", HELM_CONFIG_HOME: "config", HELM_DATA_HOME: "data" };
  const settings = Object.entries(folders).map(([name, folder]) => [name, join(home, `helm-${folder}`)]);
  const env = { ...process.env, ...Object.fromEntries(settings), KUBECONFIG: kubeconfigPath };
  const { code, stdout, stderr } = await runCommand(toolPath(program), args, { env, cwd: home });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

/** Packages every chart folder in `chartsFolder` into `home` and resolves with the paths of the packages. */
export async function packageCharts(chartsFolder: string, home: string): Promise<string[]> {
  const folders = (await readdir(chartsFolder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const places = folders.map(({ name }) => join(chartsFolder, name));
  const output = await helm(["package", ...places, "--destination", home], { home });
  return output
    .trim()
    .split("\n")
    .map((line) => line.slice(line.indexOf("/")).trim());
}
