import { InvalidArgumentError, Option } from "commander";
import { DEFAULT_KUBE_VERSION, kubeVersionOf } from "./kubernetes.ts";

/** `--kube-version` of commands that need no cluster. */
export function kubeVersionOption(): Option {
  return new Option("--kube-version <version>", "version of Kubernetes that charts see")
    .argParser(kubeVersion)
    .default(kubeVersion(DEFAULT_KUBE_VERSION));
}

function kubeVersion(text: string): string {
  const version = kubeVersionOf(text);
  if (version === undefined) throw new InvalidArgumentError("It must be like 1.36 or v1.36.3.");
  return version;
}
