import { SemVer } from "semver";

/**
 * Versions of charts as Helm reads them (by the Go library Masterminds/semver), which differ from npm's: versions and
 * ranges may lack parts or have a `v`, comparators are joined by commas or blanks, `!=` exists, a plain `1.2` means
 * `~1.2`, and pre-releases match only where the range itself names one. `testdata/masterminds.json` holds what the Go
 * library says about each form.
 */

const PART = "(\\d+|[xX*])";
const PRE = "(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?";
const BUILD = "(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?";
const PARTIAL = `v?${PART}(?:\\.${PART})?(?:\\.${PART})?${PRE}${BUILD}`;
const COMPARATOR = new RegExp(`^(!=|>=|=>|<=|=<|~>|[=<>~^]|)\\s*${PARTIAL}\\s*$`);
const HYPHEN = new RegExp(`(${PARTIAL})\\s+-\\s+(${PARTIAL})`, "g");
const VERSION = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const MAX_RANGE = 512;
const MAX_ALTERNATIVES = 32;

type Test = (version: SemVer) => boolean;

interface Comparator {
  test: Test;
  namesPrerelease: boolean;
}

/** A range that was understood. */
export interface VersionRange {
  matches(version: SemVer): boolean;
}

/** Parses a version that may lack parts or have a `v`; undefined when it is none. */
export function parseVersion(text: string): SemVer | undefined {
  const found = VERSION.exec(text);
  if (found === null) return undefined;
  const [, major, minor, patch, pre = "", build = ""] = found;
  try {
    return new SemVer(`${number(major)}.${number(minor)}.${number(patch)}${pre}${build}`);
  } catch {
    return undefined;
  }
}

/** Parses a range; an empty one takes every release. Undefined when it is none. */
export function parseRange(text: string): VersionRange | undefined {
  if (text.length > MAX_RANGE) return undefined;
  const joined = (text.trim() === "" ? "*" : text).replace(HYPHEN, (whole, from: string, ...rest: string[]) => {
    const to = rest[4];
    return to === undefined ? whole : `>=${from}, <=${to}`;
  });
  const alternatives = joined.split("||").map(parseAlternative);
  if (alternatives.length > MAX_ALTERNATIVES || alternatives.includes(undefined)) return undefined;
  return { matches: (version) => alternatives.some((test) => test?.(version) === true) };
}

/**
 * The version that Helm would take: the very text if it is there, else the highest that the range takes. Texts that
 * are no versions are passed over; of equal ones the first wins.
 */
export function pickVersion(available: readonly string[], wanted: string): string | undefined {
  if (available.includes(wanted)) return wanted;
  const range = parseRange(wanted);
  if (range === undefined) return undefined;
  return newestFirst(available).find((text) => {
    const version = parseVersion(text);
    return version !== undefined && range.matches(version);
  });
}

/** Sorts versions, newest first; texts that are no versions are left out. */
export function newestFirst(available: readonly string[]): string[] {
  return available
    .flatMap((text) => {
      const version = parseVersion(text);
      return version === undefined ? [] : [{ text, version }];
    })
    .sort((a, b) => b.version.compare(a.version))
    .map(({ text }) => text);
}

/** True for a text that can name only one version: all three parts are there and nothing else. */
export function isExactVersion(text: string): boolean {
  return /^v?\d+\.\d+\.\d+/.test(text) && parseVersion(text) !== undefined;
}

/** Comparators that all must hold. They stand apart by commas or blanks; blanks may follow an operator. */
function parseAlternative(text: string): Test | undefined {
  const comparators = text
    .trim()
    .replace(/([!=<>~^])\s+(?![!=<>~^])/g, "$1")
    .split(/\s*,\s*|\s+/)
    .map(parseComparator);
  const known = comparators.filter((comparator) => comparator !== undefined);
  if (known.length < comparators.length) return undefined;
  const takesPrereleases = known.some(({ namesPrerelease }) => namesPrerelease);
  return (version) => (takesPrereleases || version.prerelease.length === 0) && known.every(({ test }) => test(version));
}

function parseComparator(text: string): Comparator | undefined {
  const found = COMPARATOR.exec(text);
  if (found === null) return undefined;
  const [, operator = "", major, minor, patch, pre] = found;
  const floor = floorOf([major, minor, patch], pre);
  if (floor === undefined) return undefined;
  return { test: testOf(operator, floor), namesPrerelease: pre !== undefined };
}

/** A partial version: the lowest that it means, and how many of its parts were given (`1.x` has one, `*` none). */
interface Floor {
  version: SemVer;
  given: number;
}

function floorOf(parts: (string | undefined)[], pre: string | undefined): Floor | undefined {
  const firstOpen = parts.findIndex((part) => part === undefined || /[xX*]/.test(part));
  const given = firstOpen === -1 ? parts.length : firstOpen;
  const [major, minor, patch] = parts.map((part, index) => (index < given ? part : "0"));
  const version = parseVersion(`${major}.${minor}.${patch}${pre === undefined ? "" : `-${pre}`}`);
  return version === undefined ? undefined : { version, given };
}

function testOf(operator: string, floor: Floor): Test {
  const { version, given } = floor;
  const atLeast: Test = (other) => other.compare(version) >= 0;
  switch (operator) {
    case "":
    case "=":
      return given === 3 ? (other) => other.compare(version) === 0 : both(atLeast, below(tildeCeiling(floor)));
    case "~":
    case "~>":
      return both(atLeast, below(tildeCeiling(floor)));
    case "^":
      return both(atLeast, below(caretCeiling(floor)));
    case ">=":
    case "=>":
      return atLeast;
    case "<":
      return below(version);
    case ">":
      return given === 3 || given === 0 ? not(atMost(version)) : not(below(partialCeiling(floor)));
    case "<=":
    case "=<":
      return given === 3 ? atMost(version) : below(partialCeiling(floor));
    default:
      return differsFrom(floor);
  }
}

function both(first: Test, second: Test): Test {
  return (version) => first(version) && second(version);
}

function not(test: Test): Test {
  return (version) => !test(version);
}

function atMost(limit: SemVer): Test {
  return (version) => version.compare(limit) <= 0;
}

function below(limit: SemVer | undefined): Test {
  return (version) => limit === undefined || version.compare(limit) < 0;
}

/** `-0` is the lowest pre-release: nothing that belongs to the next part slips under such a ceiling. */
function ceiling(major: number, minor: number, patch = 0): SemVer {
  return new SemVer(`${major}.${minor}.${patch}-0`);
}

/** The first version above all that a partial one means; `*` counts as `0.0`. */
function partialCeiling({ version: { major, minor }, given }: Floor): SemVer {
  return given === 1 ? ceiling(major + 1, 0) : ceiling(major, minor + 1);
}

/** `~1` ends below 2, `~1.2` and `~1.2.3` below 1.3. `*` and, as Helm has it, `~0.0.0` have no end. */
function tildeCeiling(floor: Floor): SemVer | undefined {
  const { version, given } = floor;
  const isZero = version.major === 0 && version.minor === 0 && version.patch === 0;
  return isZero && given !== 1 && given !== 2 ? undefined : partialCeiling(floor);
}

/** `^1.2.3` ends below 2, `^0.2.3` below 0.3, `^0.0.3` below 0.0.4; `^0` below 1, `^0.0` below 0.1. */
function caretCeiling({ version: { major, minor, patch }, given }: Floor): SemVer {
  if (major > 0 || given === 1) return ceiling(major + 1, 0);
  return minor > 0 || given === 2 ? ceiling(0, minor + 1) : ceiling(0, 0, patch + 1);
}

/** `!=1.x` takes no 1, `!=1.2` no 1.2 (but its pre-releases, where the range takes these). */
function differsFrom({ version, given }: Floor): Test {
  if (given === 3 || given === 0) return (other) => other.compare(version) !== 0;
  if (given === 1) return (other) => other.major !== version.major;
  return (other) => other.major !== version.major || other.minor !== version.minor || other.comparePre(version) !== 0;
}

function number(part: string | undefined): string {
  return (part ?? "0").replace(/^0+(?=\d)/, "");
}
