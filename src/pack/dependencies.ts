import type { SemVer } from "semver";
import { parseVersion } from "../text/versions.ts";
import { told } from "./tell.ts";
import type { Dependency, Judgement, PackMetadata } from "./types.ts";

/** A pack (or what stands for one, such as the cluster's own Kubernetes) that is there too. */
export interface OtherPack {
  name: string;
  version: string;
}

/**
 * Checks `constraints.dependencies` against the other packs of the profile: `required` (must be there, in the range),
 * `optional` (if there, in the range), `notSupported` (must not be there in the range, or at all without one). `upgrade`
 * is the business of `checkUpgrade`.
 *
 * A pack that comes in several layers satisfies by any of them, and disturbs by any of them. A version that cannot be
 * compared is a warning.
 */
export function checkDependencies(
  pack: Pick<PackMetadata, "name" | "version" | "dependencies">,
  others: readonly OtherPack[],
): Judgement {
  const found: Judgement = { problems: [], warnings: [] };
  for (const dependency of pack.dependencies) {
    if (dependency.type === "upgrade") continue;
    const there = others.filter(({ name }) => name === dependency.packName);
    judge(`${pack.name} ${pack.version}`, { dependency, there, found });
  }
  return { problems: told(found.problems), warnings: told(found.warnings) };
}

interface Case {
  dependency: Dependency;
  there: readonly OtherPack[];
  found: Judgement;
}

function judge(who: string, { dependency, there, found }: Case): void {
  const { packName, type } = dependency;
  const range = rangeOf(dependency);
  if (there.length === 0) {
    if (type === "required") found.problems.push(`${who} needs the pack ${packName}${range}, which no layer has`);
    return;
  }
  const positions = there.map((other) => ({ other, position: positionIn(dependency, other.version) }));
  for (const { other, position } of positions) {
    if (position === "unknown")
      found.warnings.push(`${who}: ${packName} ${other.version} cannot be compared with${range}`);
  }
  if (type === "notSupported") {
    const disturbing = positions.find(({ position }) => position === "in");
    if (disturbing)
      found.problems.push(`${who} does not work with ${packName}${range}; ${disturbing.other.version} is there`);
  } else if (positions.every(({ position }) => position === "out")) {
    const versions = there.map(({ version }) => version).join(", ");
    found.problems.push(`${who} needs ${packName}${range}; ${versions} is there`);
  }
}

/**
 * Checks whether a pack may go to another version. The bounds of an `upgrade` dependency of the *installed* version say
 * where one may go from it: a storage pack 2.9.0 forbids a way back with `minVersion: 2.9.0`, and a chart line that was
 * numbered anew forbids all above its old end. The format's documentation is silent; this is how public packs use it.
 */
export function checkUpgrade(
  installed: Pick<PackMetadata, "name" | "version" | "dependencies">,
  version: string,
): Judgement {
  const found: Judgement = { problems: [], warnings: [] };
  if (version === installed.version) return found;
  for (const dependency of installed.dependencies) {
    if (dependency.type !== "upgrade" || dependency.packName !== installed.name) continue;
    const position = positionIn(dependency, version);
    const way = `${installed.name} ${installed.version}`;
    if (position === "out")
      found.problems.push(`from ${way} one can only go to${rangeOf(dependency)}, not to ${version}`);
    if (position === "unknown") found.warnings.push(`${way}: ${version} cannot be compared with${rangeOf(dependency)}`);
  }
  return { problems: told(found.problems), warnings: told(found.warnings) };
}

function rangeOf({ minVersion, maxVersion }: Dependency): string {
  if (minVersion !== undefined && maxVersion !== undefined) return ` ${minVersion} to ${maxVersion}`;
  if (minVersion !== undefined) return ` ${minVersion} or later`;
  return maxVersion === undefined ? "" : ` ${maxVersion} or earlier`;
}

type Position = "in" | "out" | "unknown";

function positionIn({ minVersion, maxVersion }: Dependency, text: string): Position {
  if (minVersion === undefined && maxVersion === undefined) return "in";
  const version = versionOf(text);
  const [min, max] = [minVersion, maxVersion].map((bound) =>
    bound === undefined ? bound : (versionOf(bound) ?? "none"),
  );
  if (version === undefined || min === "none" || max === "none") return "unknown";
  if (min !== undefined && compare(version, min) < 0) return "out";
  return max !== undefined && compare(version, max) > 0 ? "out" : "in";
}

/** A version, and how many of its parts were written: `1.27` is all of its patches. */
interface Version {
  version: SemVer;
  parts: number;
}

const MAX_VERSION = 256;

/** `1.27`, `v1.8.7`, `1.33.x`, `0.30.0-5.5.2026`; undefined for `LTS__18.4.x`. */
function versionOf(text: string): Version | undefined {
  if (text.length > MAX_VERSION) return undefined;
  const plain = text.trim().replace(/(?:\.[xX*])+$/, "");
  const version = parseVersion(plain);
  const parts = /^v?\d+(?:\.\d+){0,2}/.exec(plain)?.[0].split(".").length;
  return version === undefined || parts === undefined ? undefined : { version, parts };
}

/**
 * Only the parts that the bound has are compared. What follows a `-` is mostly a packaging revision (`0.30.0-5.5.2026`,
 * `v1.33.1-gke.100`) and no pre-release, so it counts only when the bound has one too.
 */
function compare({ version }: Version, bound: Version): number {
  if (bound.version.prerelease.length > 0) return version.compare(bound.version);
  const parts = ({ major, minor, patch }: SemVer): number[] => [major, minor, patch].slice(0, bound.parts);
  const limits = parts(bound.version);
  return (
    parts(version)
      .map((part, index) => part - (limits[index] ?? 0))
      .find((difference) => difference !== 0) ?? 0
  );
}
