import { Failure } from "../errors.ts";
import { nearNames } from "./near-names.ts";
import type { HelmSource } from "./types.ts";
import { newestFirst, parseRange } from "./versions.ts";

const MAX_VERSIONS = 5;

/** The chart is not in the repository, which has others. */
export function chartNotFound({ repo, chart }: HelmSource, names: readonly string[]): Failure {
  const near = nearNames(chart, names);
  const hint = near.length > 0 ? `; it has ${near.join(", ")}` : "";
  return new Failure("ChartNotFound", `${repo} has no chart "${chart}"${hint}`);
}

/** The chart is there, but in no version that fits. */
export function versionNotFound({ repo, chart, version }: HelmSource, available: readonly string[]): Failure {
  if (version !== "" && parseRange(version) === undefined) {
    const example = `write 1.2.3, 1.2.x or ">=1.2 <2"`;
    return new Failure("InvalidSpec", `"${version}" is neither a version nor a range of versions: ${example}`);
  }
  const newest = newestFirst(available).slice(0, MAX_VERSIONS).join(", ");
  const hint = newest === "" ? "it has none" : `the newest are ${newest}`;
  return new Failure(
    "ChartNotFound",
    `${repo} has chart "${chart}", but no version ${version || "that is a release"}: ${hint}`,
  );
}
