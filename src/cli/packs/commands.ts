import { type Command, Option } from "commander";
import type { Door } from "../outcome.ts";
import { indexCommand } from "./index-command.ts";
import { lintCommand } from "./lint-command.ts";
import { pullCommand } from "./pull-command.ts";
import { pushCommand } from "./push-command.ts";

const REGISTRY_CONFIG =
  "docker config JSON with the credentials; that of docker (DOCKER_CONFIG, ~/.docker/config.json) if not given";

/** Adds `strata pack lint|index|push|pull`. */
export function addPack(strata: Command, door: Door): void {
  const pack = strata.command("pack").description("Check packs, publish them, and fetch them.");
  addLint(pack, door);
  addIndex(pack, door);
  addPush(pack, door);
  addPull(pack, door);
}

function addLint(pack: Command, { end }: Door): void {
  pack
    .command("lint")
    .description("Tell what in the folders of packs does not work, or has no effect.")
    .argument("<folder...>", "folders of packs, each with its pack.json")
    .addOption(new Option("-o, --output <format>", "format").choices(["text", "json"]).default("text"))
    .addHelpText("after", "\nExit codes: 0 no problems (warnings are none), 1 problems, 2 a folder could not be read.")
    .action(async (folders: string[], { output }: { output: "text" | "json" }) => {
      await end(lintCommand({ folders, format: output, today: today() }));
    });
}

function addIndex(pack: Command, { end }: Door): void {
  pack
    .command("index")
    .description("Make a folder that any web server can serve as a Registry of type Pack: an index.yaml, and archives.")
    .argument("<folder>", "folder with the folders of packs")
    .option("-o, --output <folder>", "where to write them; the same folder if not given")
    .action(async (folder: string, { output = folder }: { output?: string }) => {
      await end(indexCommand(folder, output));
    });
}

interface PushFlags {
  registryConfig?: string;
  force: boolean;
}

function addPush(pack: Command, { end, ...door }: Door): void {
  pack
    .command("push")
    .description("Push the folder of a pack into an OCI registry, where a Registry of type OCI finds it.")
    .argument("<folder>", "folder of the pack")
    .argument("<url>", "url of the Registry: oci://host/folder")
    .option("--registry-config <file>", REGISTRY_CONFIG)
    .option("--force", "replace a version that is there with other content", false)
    .action(async (folder: string, url: string, { registryConfig, force }: PushFlags) => {
      await end(pushCommand({ folder, url, registryConfig, force, today: today() }, door));
    });
}

interface PullFlags {
  registryConfig?: string;
  directory: string;
}

function addPull(pack: Command, { end, ...door }: Door): void {
  pack
    .command("pull")
    .description("Fetch a pack as a folder.")
    .argument("<pack>", "name, and version or range: shop, shop:1.2.0, shop:1.x")
    .argument("<url>", "url of the Registry: oci://host/folder, or https://host/folder with an index.yaml")
    .option("--registry-config <file>", REGISTRY_CONFIG)
    .option("-d, --directory <folder>", "folder to put it into", ".")
    .action(async (name: string, url: string, { registryConfig, directory }: PullFlags) => {
      await end(pullCommand({ pack: name, url, registryConfig, into: directory }, door));
    });
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
