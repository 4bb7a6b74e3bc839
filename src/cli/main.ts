#!/usr/bin/env node
/**
 * The command line's door. Exit codes: 0 done; 1 it could not be done, with sentences on stderr; 2 it was asked wrongly.
 * `diff` ends as `kubectl diff` does: 0 nothing would change, 1 something would, 2 anything else. So do `pack` and
 * `validate`: 0 nothing to object, 1 problems, 2 it could not be done.
 */
import { Command, CommanderError, Option } from "commander";
import { type Config, parseConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import { DIFF_EXIT, diff } from "./diff-command.ts";
import { get } from "./get-command.ts";
import { kubeVersionOption } from "./kube-version.ts";
import type { Door, Outcome } from "./outcome.ts";
import { addPack } from "./packs/commands.ts";
import { addImport } from "./palette/commands.ts";
import type { RowFormat } from "./print-rows.ts";
import { type Output, render } from "./render-command.ts";
import { addValidate } from "./validate/commands.ts";

const USAGE = 2;

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads has had enough (`strata render | head`).
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
const interruption = new AbortController();
process.once("SIGINT", () => {
  interruption.abort(new Failure("Unreachable", "interrupted"));
  process.exitCode = 130;
});

const DOOR: Door = { config: edgeConfig, signal: interruption.signal, end: ended };

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  else fail([error instanceof Failure ? error.message : `something unexpected: ${String(error)}`]);
}

function program(): Command {
  const strata = new Command("strata")
    .description("Profiles of layers for Kubernetes clusters, from the command line.")
    .version(parsedConfig({}).version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "")) })
    .exitOverride();
  addRender(strata);
  addGet(strata);
  addDiff(strata);
  addPack(strata, DOOR);
  addImport(strata, DOOR);
  addValidate(strata, DOOR);
  return strata;
}

interface RenderFlags {
  filename: string[];
  cluster: string[];
  kubeVersion: string;
  apiVersions: string[];
  marks: boolean;
  showSecrets: boolean;
}

function addRender(strata: Command): void {
  strata
    .command("render")
    .description("Print what profiles would apply, layer by layer, without a cluster.")
    .requiredOption(
      "-f, --filename <path...>",
      "files, folders, or - with profiles and the ConfigMaps and Secrets that they refer to",
    )
    .option("--cluster <path...>", "files with the TargetClusters to render for", [])
    .addOption(kubeVersionOption())
    .option("--api-versions <list>", "more API versions that charts see, joined by commas", listOf, [])
    .option("--marks", "show the label and annotation by which Strata knows its objects", false)
    .option("--show-secrets", "show the values of Secrets", false)
    .action(async ({ filename, ...flags }: RenderFlags) => {
      const clusters = flags.cluster;
      show(await render({ ...flags, files: filename, clusters }, edgeConfig(), interruption.signal));
    });
}

interface GetFlags {
  namespace?: string;
  allNamespaces: boolean;
  kubeconfig?: string;
  output: RowFormat;
}

function addGet(strata: Command): void {
  strata
    .command("get")
    .description("Print the table of layers: of all profiles, or of one profile or one cluster.")
    .argument("[name]", "a profile or a cluster, also with its kind: scp/base, stc/edge-1")
    .option("-n, --namespace <namespace>", "namespace; the one of the kubeconfig's context if not given")
    .option("-A, --all-namespaces", "all namespaces", false)
    .option("--kubeconfig <file>", "kubeconfig of the hub; as kubectl finds it if not given")
    .addOption(new Option("-o, --output <format>", "format").choices(["table", "wide", "json"]).default("table"))
    .action(async (name: string | undefined, { output, namespace, kubeconfig, allNamespaces }: GetFlags) => {
      const isTerminal = process.stdout.isTTY === true;
      const options = { wanted: name, kubeconfig, namespace, allNamespaces, format: output, now: Date.now() };
      const width = isTerminal ? process.stdout.columns : undefined;
      const colours = isTerminal && process.stdout.hasColors();
      show(await get({ ...options, width, colours }, interruption.signal));
    });
}

interface DiffFlags {
  filename: string[];
  namespace?: string;
  kubeconfig?: string;
  context?: string;
  target?: string;
  management: boolean;
  color: "auto" | "always" | "never";
}

function addDiff(strata: Command): void {
  strata
    .command("diff")
    .description(
      "Print what Strata would add, change and delete on the cluster of the kubeconfig's context, layer by layer, if it were " +
        "given these profiles. The server is asked by dry runs: nothing is written.",
    )
    .requiredOption(
      "-f, --filename <path...>",
      "files, folders, or - with profiles and the ConfigMaps and Secrets that they refer to; what is not in them is read " +
        "from the cluster when it is the hub",
    )
    .option("-n, --namespace <namespace>", "namespace of documents that name none; the context's if not given")
    .option("--kubeconfig <file>", "kubeconfig of the cluster to compare with; as kubectl finds it if not given")
    .option("--context <name>", "context of the kubeconfig; its current one if not given")
    .option("--target <cluster>", "TargetCluster whose variables, labels and overrides count: name, or namespace/name")
    .option("--management", "compare what is applied on the hub for the --target, the context being the hub's", false)
    .addOption(new Option("--color <when>", "colours").choices(["auto", "always", "never"]).default("auto"))
    .addHelpText("after", "\nExit codes: 0 nothing would change, 1 something would, 2 something could not be compared.")
    .action(async ({ filename, color, target, management, ...flags }: DiffFlags) => {
      const isColourful = process.stdout.isTTY === true && process.stdout.hasColors();
      const colours = color === "always" || (color === "auto" && isColourful);
      const { namespace, kubeconfig, context } = flags;
      const options = {
        files: filename,
        namespace,
        kubeconfig,
        context,
        colours,
        choice: { cluster: target, management },
      };
      await ended(diff(options, edgeConfig(), interruption.signal));
    });
}

async function ended(outcome: Promise<Outcome>): Promise<void> {
  try {
    const { text, problems, code } = await outcome;
    process.stdout.write(text);
    process.stderr.write(problems.map((problem) => `${problem}\n`).join(""));
    process.exitCode ||= code;
  } catch (error) {
    process.exitCode ||= DIFF_EXIT.failed;
    throw error;
  }
}

/** What the rooms that fetch and render charts are told, as the operator is. */
function edgeConfig(): Config {
  const { STRATA_RENDER_BINARY, STRATA_PLAIN_HTTP_REGISTRIES, STRATA_ALLOWED_NETWORKS } = process.env;
  return parsedConfig({ STRATA_RENDER_BINARY, STRATA_PLAIN_HTTP_REGISTRIES, STRATA_ALLOWED_NETWORKS });
}

function parsedConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config = parseConfig(env, []);
  if (!config.ok) throw new Failure("InvalidSpec", config.problems.join("\n"));
  return config.value;
}

function listOf(text: string, before: readonly string[]): string[] {
  return [
    ...before,
    ...text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  ];
}

function show(output: Output): void {
  if ("text" in output) process.stdout.write(output.text);
  else fail(output.problems);
}

function fail(problems: readonly string[]): void {
  process.stderr.write(problems.map((problem) => `${problem}\n`).join(""));
  process.exitCode ||= 1;
}
