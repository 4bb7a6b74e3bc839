import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findPath, without } from "./maps.ts";

describe("findPath", () => {
  it.each([
    ["a.b", { a: { b: 1 } }, [["a", "b"]]],
    ["a.b", { "a.b": 1 }, [["a.b"]]],
    ["a.b.c", { a: { x: 1 }, "a.b": { c: 1 } }, [["a.b", "c"]]],
    ["a.b", { a: { b: 1 }, "a.b": 2 }, [["a", "b"]]],
    [
      "a.$[].b",
      { a: [{ b: 1 }, {}, { b: 2 }] },
      [
        ["a", 0, "b"],
        ["a", 2, "b"],
      ],
    ],
    ["a.0", { a: ["x"] }, []],
    ["a.$[]", { a: { b: 1 } }, []],
    ["constructor.name", {}, []],
    ["a.b", { a: null }, []],
    ["", {}, []],
  ])("%s", (path, values, want) => {
    expect(findPath(values, path).map(({ steps }) => steps)).toEqual(want);
  });

  it("ends soon on a path of many dots with many readings", () => {
    const values: Record<string, unknown> = {};
    let at = values;
    for (let depth = 0; depth < 60; depth++) {
      const next = {};
      Object.assign(at, { a: next, "a.a": {}, "a.a.a": {} });
      at = next;
    }
    expect(findPath(values, `${"a.".repeat(63)}b`)).toEqual([]);
    expect(findPath(values, "a.".repeat(100_000))).toEqual([]);
  });
});

describe("without", () => {
  it("takes away what findPath finds, and nothing else", () => {
    const key = fc.constantFrom("a", "b", "a.b", "__proto__");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, fc.integer(), tie("tree")), { maxKeys: 3 }),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom("a", "a.b", "b.a.b", "__proto__"), (values, path) => {
        const map = values as Record<string, unknown>;
        const before = JSON.stringify(map);
        const [spot] = findPath(map, path);
        const after = spot === undefined ? map : without(map, spot.steps);
        expect(JSON.stringify(map)).toBe(before);
        const places = (value: unknown): number =>
          typeof value === "object" && value !== null
            ? Object.values(value).reduce((n: number, v) => n + places(v), 1)
            : 1;
        expect(places(after)).toBe(places(map) - (spot === undefined ? 0 : places(spot.value)));
      }),
    );
  });
});
