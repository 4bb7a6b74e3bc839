import { describe, expect, test } from "vitest";
import {
  documentedValues,
  imagesOf,
  leavesOf,
  ownPacks,
  standardOf,
  variablesOf,
} from "../../test/support/own-packs.ts";
import { lintPack } from "../cli/packs/lint.ts";
import { parseVersion } from "../text/versions.ts";
import { findPath } from "./maps.ts";

/** With a registry, a path and a tag that says a version: `docker.io/library/busybox:1.37.0`. */
const PINNED = /^[a-z0-9.-]+\.[a-z]+\/[a-z0-9._/-]+:v?\d[-.\w]*$/;

const packs = await ownPacks();

test("there are about ten packs, some with charts", () => {
  expect(packs.length).toBeGreaterThanOrEqual(10);
  expect(packs.filter(({ charts }) => charts.length > 0).length).toBeGreaterThanOrEqual(2);
});

describe.each(packs)("the pack $folder", ({ folder, files, pack, charts, defaults }) => {
  test("has no problems and no warnings", async () => {
    const lint = await lintPack(files, folder, "2026-01-01");
    expect(lint).toEqual({ pack: { name: pack.name, version: pack.version }, problems: [], warnings: [] });
  });

  test("is in the folder of its name and version, which is a semantic one", () => {
    expect(folder).toBe(`${pack.name}-${pack.version}`);
    expect(parseVersion(pack.version)?.version).toBe(pack.version);
  });

  test("says where its objects go", () => {
    expect(findPath(defaults, "pack.namespace").map(({ value }) => value)).toEqual([
      expect.stringMatching(/^[a-z-]+$/),
    ]);
  });

  test("lists its images, each with a registry and the tag of a version", () => {
    expect(findPath(defaults, "pack.content.images")).toHaveLength(1);
    expect(imagesOf(defaults).filter((image) => !PINNED.test(image))).toEqual([]);
  });

  test("says in its README what each value means, and the default as it is", () => {
    const rows = documentedValues(pack);
    const paths = rows.map(({ path }) => path);
    const untold = leavesOf(defaults).filter((leaf) => !paths.some((path) => `${leaf}.`.startsWith(`${path}.`)));
    expect(untold).toEqual([]);
    expect(new Set(paths).size).toBe(paths.length);
    expect(rows).toEqual(rows.map((row) => ({ ...row, standard: standardOf(defaults, row.path) })));
    const nowhere = paths.filter((path) => findPath(defaults, path).length === 0);
    expect(nowhere).toEqual([]);
  });

  test("tells of its presets and variables", () => {
    const names = [
      ...pack.presets.map(({ group, name }) => (group === undefined ? name : `${group}:${name}`)),
      ...variablesOf(pack).map(({ name }) => name),
    ];
    expect(names.filter((name) => !pack.readme?.includes(`\`${name}\``))).toEqual([]);
  });

  test("gives its charts no values that they have not", () => {
    const strange = charts.flatMap(({ name, values = {} }) => {
      const given = leavesOf({ charts: findPath(defaults, "charts")[0]?.value });
      const own = given.filter((path) => path.startsWith(`charts.${name}.`));
      return own.filter((path) => {
        const [top = ""] = path.slice(`charts.${name}.`.length).split(".");
        return !(top in values);
      });
    });
    expect(strange).toEqual([]);
  });
});
