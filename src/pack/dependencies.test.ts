import { describe, expect, it } from "vitest";
import { checkDependencies, checkUpgrade, type OtherPack } from "./dependencies.ts";
import type { Dependency } from "./types.ts";

function dependency(
  type: Dependency["type"],
  minVersion?: string,
  maxVersion?: string,
  packName = "other",
): Dependency {
  return { packName, layer: "addon", minVersion, maxVersion, type };
}

const nobody: OtherPack[] = [];
const there = (...versions: string[]): OtherPack[] => versions.map((version) => ({ name: "other", version }));

describe("checkDependencies", () => {
  it.each<[string, Dependency, OtherPack[], string | undefined]>([
    [
      "required and absent",
      dependency("required", "1.2"),
      nobody,
      "sample 1.0.0 needs the pack other 1.2 or later, which no layer has",
    ],
    [
      "required, absent, any version",
      dependency("required"),
      nobody,
      "sample 1.0.0 needs the pack other, which no layer has",
    ],
    ["required and there", dependency("required"), there("LTS__18.4.x"), undefined],
    [
      "required and too old",
      dependency("required", "1.2.0"),
      there("1.1.9"),
      "sample 1.0.0 needs other 1.2.0 or later; 1.1.9 is there",
    ],
    ["required twice, one fits", dependency("required", "1.2.0"), there("1.1.9", "1.2.0"), undefined],
    ["optional and absent", dependency("optional", "1.2"), nobody, undefined],
    ["optional and in range", dependency("optional", "1.17.0", "1.18.6"), there("1.18.6"), undefined],
    [
      "optional and too new",
      dependency("optional", "1.17.0", "1.18.6"),
      there("1.18.7"),
      "sample 1.0.0 needs other 1.17.0 to 1.18.6; 1.18.7 is there",
    ],
    ["notSupported and absent", dependency("notSupported"), nobody, undefined],
    [
      "notSupported in any version",
      dependency("notSupported"),
      there("3.0.0"),
      "sample 1.0.0 does not work with other; 3.0.0 is there",
    ],
    [
      "notSupported in the range",
      dependency("notSupported", undefined, "2.0"),
      there("3.0.0", "2.0.5"),
      "sample 1.0.0 does not work with other 2.0 or earlier; 2.0.5 is there",
    ],
    ["notSupported below the range", dependency("notSupported", "2.0"), there("1.9.9"), undefined],
    ["upgrade, which says nothing about others", dependency("upgrade", "9.0", undefined, "sample"), nobody, undefined],
  ])("%s", (_, constraint, others, problem) => {
    const found = checkDependencies({ name: "sample", version: "1.0.0", dependencies: [constraint] }, others);
    expect(found).toEqual({ problems: problem === undefined ? [] : [problem], warnings: [] });
  });

  it("tells all problems at once", () => {
    const dependencies = [dependency("required", "1"), dependency("required", "1", undefined, "third")];
    expect(checkDependencies({ name: "sample", version: "1.0.0", dependencies }, nobody).problems).toHaveLength(2);
  });

  it.each([
    ["1.27", "1.27.0", "in"],
    ["1.27", "1.26.15", "out"],
    ["1.27", "v1.33.4+k3s1", "in"],
    ["v1.8.7", "1.8.7", "in"],
    ["1.5", "1.5", "in"],
    ["0.30.0", "0.30.0-5.5.2026", "in"],
    ["0.30.0-5.5.2026", "0.30.0-5.5.2025", "out"],
    ["0.30.0-5.5.2026", "0.30.0", "in"],
    ["1.33", "1.33.x", "in"],
    ["1.34", "1.33.x", "out"],
    ["1.33.1", "v1.33.1-gke.100", "in"],
    ["1.27", "LTS__18.4.x", "unknown"],
    ["newest", "1.0.0", "unknown"],
  ])("at least %s: %s is %s", (minVersion, version, want) => {
    const found = checkDependencies(
      { name: "s", version: "1", dependencies: [dependency("required", minVersion)] },
      there(version),
    );
    const position = found.problems.length > 0 ? "out" : found.warnings.length > 0 ? "unknown" : "in";
    expect(position).toBe(want);
  });

  it.each([
    ["1.21", "1.21.10", "in"],
    ["1.21", "1.22.0", "out"],
    ["1.21.10", "1.21.11", "out"],
    ["1", "1.99.0", "in"],
    ["1.21.49", "v1.21.49+rke2r1", "in"],
  ])("at most %s: %s is %s", (maxVersion, version, want) => {
    const constraint = dependency("required", undefined, maxVersion);
    const found = checkDependencies({ name: "s", version: "1", dependencies: [constraint] }, there(version));
    expect(found.problems.length > 0 ? "out" : "in").toBe(want);
  });
});

it("compares with no bound that is longer than any version, and says so at once", () => {
  const dependencies = [dependency("optional", `1${".x".repeat(200_000)}y`)];
  const found = checkDependencies({ name: "sample", version: "1.0.0", dependencies }, there("1.0.0"));
  expect(found.problems).toEqual([]);
  expect(found.warnings).toEqual([expect.stringContaining("sample 1.0.0: other 1.0.0 cannot be compared with 1.x.x")]);
});

describe("checkUpgrade", () => {
  const storage = {
    name: "storage",
    version: "2.9.0",
    dependencies: [dependency("upgrade", "2.9.0", undefined, "storage")],
  };
  const renumbered = {
    name: "cd",
    version: "3.26.7",
    dependencies: [dependency("upgrade", undefined, "3.26.7", "cd")],
  };

  it.each([
    ["forward", storage, "2.10.0", undefined],
    ["to the same", storage, "2.9.0", undefined],
    [
      "back, where that is forbidden",
      storage,
      "2.8.1",
      "from storage 2.9.0 one can only go to 2.9.0 or later, not to 2.8.1",
    ],
    ["to the new numbers of a chart line", renumbered, "3.3.5", undefined],
    ["above the old numbers", renumbered, "4.0.0", "from cd 3.26.7 one can only go to 3.26.7 or earlier, not to 4.0.0"],
    [
      "of a pack without such a constraint",
      { ...storage, dependencies: [dependency("required", "9")] },
      "1.0.0",
      undefined,
    ],
  ])("%s", (_, installed, version, problem) => {
    expect(checkUpgrade(installed, version).problems).toEqual(problem === undefined ? [] : [problem]);
  });
});
