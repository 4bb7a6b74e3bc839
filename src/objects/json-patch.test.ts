import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isExactNumber, parseJson, stringifyJson } from "./json.ts";
import { applyPatch, readPatch } from "./json-patch.ts";

function patched(document: unknown, patch: unknown): unknown {
  const read = readPatch(patch, "patch");
  if (!read.ok) return read.problems;
  const applied = applyPatch(document, read.value);
  return applied.ok ? applied.value : applied.problems;
}

const there = { spec: { replicas: 1, list: ["a", "b"] }, "a/b": { "m~n": 1 } };

describe("a JSON patch", () => {
  test.each<[string, object[], unknown]>([
    ["adds a key", [{ op: "add", path: "/spec/x", value: null }], { ...there, spec: { ...there.spec, x: null } }],
    ["adds over a key", [{ op: "add", path: "/spec", value: 1 }], { ...there, spec: 1 }],
    ["adds into a list", [{ op: "add", path: "/spec/list/1", value: "x" }], withList("a", "x", "b")],
    ["adds behind a list", [{ op: "add", path: "/spec/list/-", value: "x" }], withList("a", "b", "x")],
    ["adds at the end of a list", [{ op: "add", path: "/spec/list/2", value: "x" }], withList("a", "b", "x")],
    ["replaces", [{ op: "replace", path: "/spec/list/0", value: "x" }], withList("x", "b")],
    ["removes from a list", [{ op: "remove", path: "/spec/list/0" }], withList("b")],
    ["removes a key", [{ op: "remove", path: "/spec" }], { "a/b": { "m~n": 1 } }],
    ["reads ~1 and ~0", [{ op: "replace", path: "/a~1b/m~0n", value: 2 }], { ...there, "a/b": { "m~n": 2 } }],
    ["moves", [{ op: "move", from: "/spec/list/0", path: "/spec/list/1" }], withList("b", "a")],
    ["copies", [{ op: "copy", from: "/spec/list/0", path: "/spec/list/-" }], withList("a", "b", "a")],
    [
      "tests, in whatever order keys are written",
      [{ op: "test", path: "/spec", value: { list: ["a", "b"], replicas: 1 } }],
      there,
    ],
    ["replaces the whole", [{ op: "replace", path: "", value: { x: 1 } }], { x: 1 }],
    [
      "does one after the other",
      [
        { op: "add", path: "/spec/m", value: {} },
        { op: "add", path: "/spec/m/n", value: 1 },
      ],
      { ...there, spec: { ...there.spec, m: { n: 1 } } },
    ],
  ])("%s", (_, operations, want) => {
    const before = stringifyJson(there);
    expect(patched(there, operations)).toEqual(want);
    expect(stringifyJson(there)).toBe(before);
  });

  test.each<[string, object, string]>([
    ["a parent that is not there", { op: "add", path: "/metadata/labels/x", value: 1 }, "there is no /metadata"],
    ["a key that is not there", { op: "remove", path: "/spec/nothing" }, "there is no /spec/nothing"],
    [
      "a key to be replaced that is not there",
      { op: "replace", path: "/spec/nothing", value: 1 },
      "there is no /spec/nothing",
    ],
    ["a place that a list has not", { op: "replace", path: "/spec/list/2", value: 1 }, "there is no /spec/list/2"],
    ["a place too far behind a list", { op: "add", path: "/spec/list/3", value: 1 }, "there is no /spec/list/3"],
    ["a name in a list", { op: "add", path: "/spec/list/first", value: 1 }, "there is no /spec/list/first"],
    ["a leading zero", { op: "remove", path: "/spec/list/01" }, "there is no /spec/list/01"],
    ["- where there must be something", { op: "remove", path: "/spec/list/-" }, "there is no /spec/list/-"],
    ["a step into a number", { op: "add", path: "/spec/replicas/x", value: 1 }, "there is no /spec/replicas/x"],
    ["what only prototypes have", { op: "remove", path: "/constructor" }, "there is no /constructor"],
    ["a slash in a key", { op: "remove", path: "/a~1b/x~0y" }, "there is no /a~1b/x~0y"],
    ["from that is not there", { op: "copy", from: "/spec/y", path: "/spec/z" }, "there is no /spec/y"],
    ["a move into itself", { op: "move", from: "/spec", path: "/spec/list/0" }, "a value cannot be moved into itself"],
    ["a test that fails", { op: "test", path: "/spec/replicas", value: 2 }, "it has another value"],
    ["the whole", { op: "remove", path: "" }, "the whole object cannot be removed"],
  ])("refuses %s", (_, operation, want) => {
    const { op, path } = operation as { op: string; path: string };
    expect(patched(there, [operation])).toEqual([`[0] (${op} ${path}): ${want}`]);
  });

  test.each<[string, unknown, string]>([
    ["text", "replicas: 2", "must be a list of operations (JSON patch, RFC 6902) or a map (merge patch, RFC 7386)"],
    ["nothing", null, "must be a list of operations (JSON patch, RFC 6902) or a map (merge patch, RFC 7386)"],
    ["an empty list", [], "must be a list of operations (JSON patch, RFC 6902) or a map (merge patch, RFC 7386)"],
  ])("refuses %s for a patch", (_, patch, want) => {
    expect(patched(there, patch)).toEqual([`patch: ${want}`]);
  });

  test("tells all that is wrong with its operations, and no value", () => {
    const pointer = 'must be a JSON pointer such as /spec/replicas; "/" in a key is written ~1, and "~" ~0';
    expect(
      patched(there, [
        "add",
        { op: "put", path: "/secret", value: "s3cret" },
        { op: "add", path: "spec/x" },
        { op: "move", path: "/a", from: 3 },
        { op: "remove", path: "/a~2" },
      ]),
    ).toEqual([
      "patch[0]: an operation must be a map with op and path",
      "patch[1].op: must be add, remove, replace, move, copy or test",
      `patch[2].path: ${pointer}`,
      "patch[2]: add needs a value",
      `patch[3].from: ${pointer}`,
      `patch[4].path: ${pointer}`,
    ]);
  });
});

describe("a merge patch", () => {
  // The examples of RFC 7386, appendix A, whose patch is a map.
  test.each<[string, unknown, unknown, unknown]>([
    ["replaces", { a: "b" }, { a: "c" }, { a: "c" }],
    ["adds", { a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    ["deletes", { a: "b", b: "c" }, { a: null }, { b: "c" }],
    ["replaces a list", { a: ["b"] }, { a: "c" }, { a: "c" }],
    ["replaces by a list", { a: "c" }, { a: ["b"] }, { a: ["b"] }],
    ["goes deep", { a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    ["replaces lists whole", { a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    ["keeps null in lists and old ones", { e: null }, { a: 1 }, { e: null, a: 1 }],
    ["takes null out of new maps", {}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%s", (_, document, patch, want) => {
    expect(patched(document, patch)).toEqual(want);
  });

  test("keeps every digit", () => {
    const document = parseJson('{"a":{"n":9223372036854775807}}');
    const { a } = patched(document, parseJson('{"a":{"m":9223372036854775806}}')) as { a: { n: unknown; m: unknown } };
    expect([isExactNumber(a.n), isExactNumber(a.m)]).toEqual([true, true]);
  });

  test("shares nothing with the patch, and what it gives it would give again", () => {
    const tree = fc.object({ withNullPrototype: false, values: [fc.integer(), fc.string(), fc.constant(null)] });
    fc.assert(
      fc.property(tree, tree, (document, patch) => {
        const once = patched(document, patch);
        expect(patched(once, patch)).toEqual(once);
      }),
    );
  });
});

function withList(...list: string[]): unknown {
  return { ...there, spec: { ...there.spec, list } };
}
