import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fastest } from "../../test/support/fastest.ts";
import { isExactVersion, newestFirst, parseRange, parseVersion, pickVersion } from "./versions.ts";

interface Golden {
  versions: string[];
  notVersions: string[];
  /** Range → indexes into `versions` of those that it takes. */
  ranges: Record<string, number[]>;
  invalid: string[];
}

const file = new URL("./testdata/masterminds.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as Golden;

describe("as Helm's version library", () => {
  test("the same texts are versions", () => {
    expect(golden.versions.filter((text) => parseVersion(text) === undefined)).toEqual(golden.notVersions);
  });

  test(`every range takes the same versions (${Object.keys(golden.ranges).length} ranges)`, () => {
    const ours = Object.fromEntries(Object.keys(golden.ranges).map((range) => [range, matchesOf(range)]));
    expect(ours).toEqual(golden.ranges);
  });

  test.each(golden.invalid.filter((range) => range.trim() !== ""))("%j is no range", (range) => {
    expect(parseRange(range)).toBeUndefined();
  });
});

function matchesOf(text: string): number[] | string {
  const range = parseRange(text);
  if (range === undefined) return "not a range";
  return golden.versions.flatMap((version, index) => {
    const parsed = parseVersion(version);
    return parsed !== undefined && range.matches(parsed) ? [index] : [];
  });
}

const available = ["1.18.2", "1.18.10", "1.17.0", "2.0.0-rc.1", "latest", "v1.16.0", "1.15.0+b2"];

test.each([
  { wanted: "1.18.x", picked: "1.18.10", why: "the highest, by number" },
  { wanted: "", picked: "1.18.10", why: "the newest release, no pre-release" },
  { wanted: "v1.18.2", picked: "1.18.2", why: "a v that the repository does not write" },
  { wanted: "1.16.0", picked: "v1.16.0", why: "a v that only the repository writes" },
  { wanted: "latest", picked: "latest", why: "the very text, although it is no version" },
  { wanted: ">=1.0.0-0", picked: "2.0.0-rc.1", why: "a range that names a pre-release" },
  { wanted: "1.15.0", picked: "1.15.0+b2", why: "build metadata does not count" },
  { wanted: "3.x", picked: undefined, why: "nothing in the range" },
  { wanted: "newest", picked: undefined, why: "no range at all" },
])("$wanted picks $picked: $why", ({ wanted, picked }) => {
  expect(pickVersion(available, wanted)).toBe(picked);
});

test("a range of a thousand blanks is refused at once", () => {
  for (const range of [`1${" ".repeat(100_000)}x`, `${"1 ".repeat(250)}!`]) {
    expect(parseRange(range)).toBeUndefined();
    expect(fastest(() => parseRange(range))).toBeLessThan(50);
  }
});

test("versions are sorted by number, newest first, and other texts are left out", () => {
  expect(newestFirst(available)).toEqual(["2.0.0-rc.1", "1.18.10", "1.18.2", "1.17.0", "v1.16.0", "1.15.0+b2"]);
});

test.each([
  ["1.2.3", true],
  ["v1.2.3-rc.1+b", true],
  ["1.2", false],
  ["1.2.x", false],
  ["1.2.3 || 2", false],
])("%s names exactly one version: %s", (text, exact) => {
  expect(isExactVersion(text)).toBe(exact);
});
