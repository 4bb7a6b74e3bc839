import { type Command, Option } from "commander";
import { kubeVersionOption } from "../kube-version.ts";
import type { Door } from "../outcome.ts";
import { validate } from "./validate-command.ts";

interface ValidateFlags {
  filename: string[];
  namespace: string;
  fetch: boolean;
  kubeVersion: string;
  output: "text" | "json";
}

/** Adds `strata validate`. */
export function addValidate(strata: Command, { config, signal, end }: Door): void {
  strata
    .command("validate")
    .description(
      "Tell what the API server and the plan would say about profiles, clusters and registries, without a cluster.",
    )
    .requiredOption(
      "-f, --filename <path...>",
      "files, folders, or - with them and what they refer to, as far as it is there",
    )
    .option("-n, --namespace <namespace>", "namespace of documents that name none", "default")
    .option("--fetch", "fetch charts, packs and manifests, and render them", false)
    .addOption(kubeVersionOption())
    .addOption(new Option("-o, --output <format>", "format").choices(["text", "json"]).default("text"))
    .addHelpText(
      "after",
      "\nExit codes: 0 no problems (warnings are none), 1 problems, 2 something that was asked for could not be looked at.",
    )
    .action(async ({ filename: files, namespace, fetch, kubeVersion, output }: ValidateFlags) => {
      await end(validate({ files, namespace, fetch, kubeVersion, format: output }, config(), signal));
    });
}
