import type { Command } from "commander";
import type { Door } from "../outcome.ts";
import { importCommand } from "./import-command.ts";

interface ImportFlags {
  output?: string;
  force: boolean;
  namespace?: string;
  clusters: string[];
  registry: string[];
  packs?: string;
}

/** Adds `strata import palette`. */
export function addImport(strata: Command, { end }: Door): void {
  strata
    .command("import")
    .description("Make profiles of what other systems have exported.")
    .command("palette")
    .description(
      "Make a ClusterProfile or an AddOnProfile, and skeletons of its Registries, of a profile that Palette has exported. " +
        "What needs a decision stands at the top of the YAML, and goes to standard error.",
    )
    .argument("<file>", "the exported profile, JSON or YAML, or -")
    .option("-o, --output <path>", "file to write to, or folder for a file each; standard output if not given")
    .option("--force", "write over files that are there", false)
    .option("-n, --namespace <namespace>", "namespace of the objects; none if not given")
    .option("--clusters <name...>", "TargetClusters that the profile goes to; by a label if not given", [])
    .option("--registry <name=url>", "address of a registry by its name in Palette; may be repeated", collected, [])
    .option("--packs <folder>", "folder with folders of packs: of their values, layers get only what differs")
    .action(async (file: string, flags: ImportFlags) => {
      const { output, force, namespace, clusters, registry: registries, packs } = flags;
      await end(importCommand({ file, output, force, namespace, clusters, registries, packs }));
    });
}

function collected(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
