import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KubeObject } from "../../src/objects/types.ts";
import { parseManifests } from "../../src/objects/yaml.ts";
import { runCommand } from "../../test/support/kubectl.ts";
import { toolPath } from "../../test/support/tools.ts";
import { LayerTable } from "./layer-table.ts";
import { Platform } from "./platform.ts";
import type { Screen } from "./screen.ts";
import type { Stage } from "./stage.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** The layers of the example profile, in order. */
export const LAYERS = ["network", "storage", "database", "shop", "hello"] as const;

/** What every step of the story has at hand. */
export interface Story {
  screen: Screen;
  stage: Stage;
  platform: Platform;
  table: LayerTable;
  signal: AbortSignal;
}

export async function openStory(stage: Stage, screen: Screen, signal: AbortSignal): Promise<Story> {
  const platform = await Platform.open(stage, signal);
  const clusters = stage.clusters.map(({ name }) => name);
  return { screen, stage, platform, table: new LayerTable(screen, platform, { clusters, layers: LAYERS }), signal };
}

/** The table, live, until the profile says that it is done on all clusters. Resolves with the milliseconds that it took. */
export async function fillTable(
  { table, platform, stage }: Story,
  options: { leaves: boolean } = { leaves: false },
): Promise<number> {
  const startedAt = performance.now();
  const all = stage.clusters.length;
  await table.during(
    platform.until("the profile on all clusters", () => platform.isDoneOn(all)),
    options,
  );
  return performance.now() - startedAt;
}

/** The objects that the profile's file stands for, by `strata render`. */
export async function renderedObjects({ stage, screen }: Story): Promise<KubeObject[]> {
  screen.command("strata render -f profile.yaml registry.yaml");
  const env = { ...process.env, STRATA_RENDER_BINARY: toolPath("strata-render") };
  const args = [CLI, "render", "-f", ...["profile.yaml", "registry.yaml"].map((file) => join(stage.folder, file))];
  const { code, stdout, stderr } = await runCommand(process.execPath, args, { env });
  const parsed = parseManifests(stdout, "strata render");
  if (code !== 0 || !parsed.ok) throw new Error(`strata render ended with ${code}: ${stderr}`);
  return parsed.value;
}

/** `paris, oslo and hub`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
