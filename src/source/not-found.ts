import { Failure } from "../errors.ts";
import { nearNames } from "../text/near-names.ts";
import { newestFirst, parseRange } from "../text/versions.ts";
import { missing, type Subject } from "./subject.ts";

const MAX_VERSIONS = 5;

/** What is looked for in a registry, in the words of sentences. */
export interface WantedVersion {
  subject: Subject;
  name: string;
  /** Exact, a range as Helm writes it, or a tag. Empty means the newest release. */
  version: string;
  /** The registry: `https://charts.example/stable`. */
  place: string;
}

/** It is not in the registry, which has others. */
export function nameNotFound({ subject, place, name }: WantedVersion, names: readonly string[]): Failure {
  const near = nearNames(name, names);
  const hint = near.length > 0 ? `; it has ${near.join(", ")}` : "";
  return missing(subject, `${place} has no ${subject} "${name}"${hint}`);
}

/** It is there, but in no version that fits. */
export function versionNotFound(wanted: WantedVersion, available: readonly string[]): Failure {
  const { subject, place, name, version } = wanted;
  if (subject === "chart" && version !== "" && parseRange(version) === undefined) {
    const example = `write 1.2.3, 1.2.x or ">=1.2 <2"`;
    return new Failure("InvalidSpec", `"${version}" is neither a version nor a range of versions: ${example}`);
  }
  const newest = newestFirst(available).slice(0, MAX_VERSIONS).join(", ");
  const hint = newest === "" ? "it has none" : `the newest are ${newest}`;
  return missing(
    subject,
    `${place} has ${subject} "${name}", but no version ${version || "that is a release"}: ${hint}`,
  );
}
