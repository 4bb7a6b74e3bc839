import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringifyJson } from "../objects/json.ts";
import { mergeValues, overlayValues, parseValues, setAtPath, type Values } from "./values.ts";

const leafKey = fc.constantFrom("a", "b", "__proto__");
const mapKey = fc.constantFrom("m", "n", "constructor");
const leaf = fc.oneof(fc.integer(), fc.string({ maxLength: 2 }), fc.array(fc.constantFrom(null, 1), { maxLength: 2 }));

/** Values in which a key is always a map or always a leaf: where it changes between them, stacking is not associative. */
function tree(withNull: boolean): fc.Arbitrary<Values> {
  const orNull = <T>(arbitrary: fc.Arbitrary<T>) => (withNull ? fc.option(arbitrary, { freq: 3 }) : arbitrary);
  return fc.letrec<{ map: Values }>((tie) => ({
    map: fc
      .tuple(
        fc.array(fc.tuple(leafKey, orNull(leaf)), { maxLength: 3 }),
        fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(fc.tuple(mapKey, orNull(tie("map"))), { maxLength: 2 })),
      )
      .map(([leaves, maps]) => Object.fromEntries([...leaves, ...maps])),
  })).map;
}
const full = tree(false);
const sparse = tree(true);

const proto = JSON.parse('{"__proto__":{"polluted":true}}') as Values;

describe("mergeValues", () => {
  it.each<[string, Values, Values, Values]>([
    ["maps deep", { a: { x: 1, y: 2 } }, { a: { y: 3, z: 4 } }, { a: { x: 1, y: 3, z: 4 } }],
    ["lists replaced", { a: [1, 2, 3] }, { a: [4] }, { a: [4] }],
    ["null deletes", { a: 1, b: 2 }, { a: null }, { b: 2 }],
    ["null deletes deep", { a: { x: 1, y: 2 } }, { a: { x: null } }, { a: { y: 2 } }],
    ["null of nothing", {}, { a: null, b: { c: null } }, { b: {} }],
    ["null in a list stays", {}, { a: [null] }, { a: [null] }],
    ["scalar over map", { a: { x: 1 } }, { a: 1 }, { a: 1 }],
    ["map over scalar", { a: 1 }, { a: { x: 1 } }, { a: { x: 1 } }],
    ["false and empty replace", { a: true, b: "x" }, { a: false, b: "" }, { a: false, b: "" }],
  ])("%s", (_, base, over, want) => {
    expect(mergeValues(base, over)).toEqual(want);
  });

  it("nothing over values is those values", () => {
    fc.assert(
      fc.property(full, (values) => {
        expect(mergeValues(values, {})).toEqual(values);
      }),
    );
  });

  it("values over nothing and over themselves are those values", () => {
    fc.assert(
      fc.property(full, (values) => {
        expect(mergeValues({}, values)).toEqual(values);
        expect(mergeValues(values, values)).toEqual(values);
      }),
    );
  });

  it("is associative where nothing is deleted", () => {
    fc.assert(
      fc.property(full, full, full, (a, b, c) => {
        expect(mergeValues(mergeValues(a, b), c)).toEqual(mergeValues(a, mergeValues(b, c)));
      }),
    );
  });

  it("changes neither input, shares nothing, pollutes nothing", () => {
    fc.assert(
      fc.property(sparse, sparse, (base, over) => {
        const before = stringifyJson([base, over]);
        const merged = mergeValues(base, over);
        (function scribble(node: unknown): void {
          if (typeof node !== "object" || node === null) return;
          for (const item of Object.values(node)) scribble(item);
          Object.defineProperty(node, "scribbled", { value: 1, enumerable: true });
        })(merged);
        expect(stringifyJson([base, over])).toBe(before);
      }),
    );
    expect((mergeValues({}, proto) as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("overlayValues", () => {
  it("keeps a null, to delete the chart's own key later", () => {
    const user = overlayValues({ a: 1, b: { c: 1 } }, { a: null, b: { c: null }, d: null });
    expect(user).toEqual({ a: null, b: { c: null }, d: null });
    expect(mergeValues({ a: 0, b: { c: 0, e: 0 }, d: 0 }, user)).toEqual({ b: { e: 0 } });
  });

  it("is mergeValues where there is no null", () => {
    fc.assert(
      fc.property(full, full, (a, b) => {
        expect(overlayValues(a, b)).toEqual(mergeValues(a, b));
      }),
    );
  });

  it("stacks: over the base at once or one after the other", () => {
    fc.assert(
      fc.property(full, full, sparse, (a, b, c) => {
        expect(mergeValues(mergeValues(a, b), c)).toEqual(mergeValues(a, overlayValues(b, c)));
      }),
    );
  });
});

describe("setAtPath", () => {
  it.each<[string, Values, string, Values]>([
    ["a key", {}, "a", { a: "v" }],
    ["a nested key", { a: { x: 1 } }, "a.b.c", { a: { x: 1, b: { c: "v" } } }],
    ["an escaped dot", {}, "annotations.example\\.com/x", { annotations: { "example.com/x": "v" } }],
    ["an index", { a: [1, 2] }, "a[1]", { a: [1, "v"] }],
    ["an index beyond the end", {}, "a[2].b", { a: [null, null, { b: "v" }] }],
    ["an index of an index", {}, "a[0][1]", { a: [[null, "v"]] }],
    ["a null on the way", { a: null }, "a.b", { a: { b: "v" } }],
    ["in place of a map", { a: { b: 1 } }, "a", { a: "v" }],
    ["a bracket that is escaped", {}, "a\\[0\\]", { "a[0]": "v" }],
  ])("sets %s", (_, values, path, want) => {
    const before = stringifyJson(values);
    expect(setAtPath(values, path, "v")).toEqual({ ok: true, value: want });
    expect(stringifyJson(values)).toBe(before);
  });

  it.each([
    ["", {}, 'targetPath "": a key is empty'],
    ["a..b", {}, 'targetPath "a..b": a key is empty'],
    ["a.", {}, 'targetPath "a.": a key is empty'],
    ["[0]", {}, 'targetPath "[0]": a key is empty'],
    ["a[", {}, 'targetPath "a[": brackets and backslashes must be in pairs: a.b, a\\.b, a[0].b'],
    ["a]", {}, 'targetPath "a]": brackets and backslashes must be in pairs: a.b, a\\.b, a[0].b'],
    ["a[0]b", {}, 'targetPath "a[0]b": brackets and backslashes must be in pairs: a.b, a\\.b, a[0].b'],
    ["a\\", {}, 'targetPath "a\\": brackets and backslashes must be in pairs: a.b, a\\.b, a[0].b'],
    ["a[-1]", {}, 'targetPath "a[-1]": an index must be a whole number from 0 to 65536'],
    ["a[x]", {}, 'targetPath "a[x]": an index must be a whole number from 0 to 65536'],
    ["a[65537]", {}, 'targetPath "a[65537]": an index must be a whole number from 0 to 65536'],
    ["a.b.c", { a: { b: "secret" } }, 'targetPath "a.b.c": "a.b" is not a map'],
    ["a[0]", { a: { b: 1 } }, 'targetPath "a[0]": "a" is not a list'],
    ["a.b", { a: [1] }, 'targetPath "a.b": "a" is not a map'],
    ["x\\.y[0].z", { "x.y": ["secret"] }, 'targetPath "x\\.y[0].z": "x\\.y[0]" is not a map'],
  ])("refuses %j", (path, values, problem) => {
    expect(setAtPath(values, path, "v")).toEqual({ ok: false, problems: [problem] });
  });

  it("sets __proto__ and constructor as data", () => {
    for (const name of ["__proto__", "constructor"]) {
      const result = setAtPath({}, `${name}.polluted`, true);
      expect(result.ok && Object.keys(result.value)).toEqual([name]);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("parseValues", () => {
  it.each([
    ["a map", "a: {b: yes}", { ok: true, value: { a: { b: true } } }],
    ["nothing", "", { ok: true, value: {} }],
    ["a comment", "# nothing", { ok: true, value: {} }],
    ["a list", "- a", { ok: false, problems: ["layers[2].values: values must be a YAML map"] }],
    ["a word", "hunter2", { ok: false, problems: ["layers[2].values: values must be a YAML map"] }],
    ["a big number", "18446744073709551615", { ok: false, problems: ["layers[2].values: values must be a YAML map"] }],
    ["bad YAML", "a: [", { ok: false, problems: [expect.stringMatching(/^layers\[2\]\.values, line \d: /)] }],
  ])("%s", (_, text, want) => {
    expect(parseValues(text, "layers[2].values")).toEqual(want);
  });
});
