import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../objects/json.ts";
import type { Values } from "../plan/values.ts";
import { samplePack } from "./testdata/sample.ts";
import { chartValues, packValues } from "./values.ts";

const pack = samplePack();

function merged(text: string, values: Values) {
  return packValues({ pack, text, presets: [], values, where: "pack sample" });
}

function finalOf(text: string, values: Values): unknown {
  const result = merged(text, values);
  return result.ok ? result.value.final : result.problems;
}

describe("a layer's values over the pack's", () => {
  it.each<[string, string, Values, unknown]>([
    ["an empty values.yaml", "", { a: 1 }, { a: 1 }],
    ["nothing of the layer's own", "charts: {x: {a: 1}}", {}, { charts: { x: { a: 1 } } }],
    [
      "maps deep",
      "charts: {x: {a: {b: 1, c: 2}}}",
      { charts: { x: { a: { b: 3 } } } },
      { charts: { x: { a: { b: 3, c: 2 } } } },
    ],
    [
      "lists replaced",
      "manifests: {m: {l: [1, 2]}}",
      { manifests: { m: { l: [3] } } },
      { manifests: { m: { l: [3] } } },
    ],
    [
      "null deletes a manifest's value",
      "manifests: {m: {a: 1, b: 2}}",
      { manifests: { m: { a: null } } },
      { manifests: { m: { b: 2 } } },
    ],
    [
      "null stays in a chart's, to delete the chart's default",
      "charts: {x: {a: 1}}",
      { charts: { x: { a: null } } },
      { charts: { x: { a: null } } },
    ],
    ["null for a whole chart", "charts: {x: {a: 1}, z: {}}", { charts: { x: null } }, { charts: { z: {} } }],
    ["null for all charts", "charts: {x: {a: 1}}\nk: 1", { charts: null }, { k: 1 }],
    [
      "a null of the pack stays",
      "manifests: {m: {parameters: }}",
      { manifests: { m: { a: 1 } } },
      { manifests: { m: { parameters: null, a: 1 } } },
    ],
    ["a null of the pack's for its chart", "charts:\n  x:\n", { charts: { x: { a: 1 } } }, { charts: { x: { a: 1 } } }],
    ["free keys", "awsAccount: ''", { awsAccount: "1" }, { awsAccount: "1" }],
  ])("%s", (_, text, values, want) => {
    expect(finalOf(text, values)).toEqual(want);
  });

  it.each<[string, string, Values, string[]]>([
    [
      "values.yaml that is no YAML",
      "a: {{ x }}\nb: [",
      {},
      ["pack sample, values.yaml, line 2: unexpected end of the stream within a flow collection"],
    ],
    ["a section of the pack that is a list", "charts: [a]", {}, ["pack sample, values.yaml: charts must be a map"]],
    [
      "sections of the layer that are texts",
      "",
      { pack: "a", manifests: "b" },
      ["values: pack must be a map", "values: manifests must be a map"],
    ],
  ])("refuses %s", (_, text, values, problems) => {
    expect(merged(text, values)).toEqual({ ok: false, problems });
  });

  it("shares nothing with its inputs, and an empty layer changes nothing", () => {
    const key = fc.constantFrom("a", "b", "__proto__", "constructor");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.dictionary(
        key,
        fc.oneof({ maxDepth: 3 }, fc.integer(), fc.constant(null), fc.array(fc.integer()), tie("tree")),
      ),
    }));
    fc.assert(
      fc.property(tree, (values) => {
        const text = JSON.stringify({ charts: { x: values }, manifests: { m: values } });
        const before = canonicalJson(values);
        const result = finalOf(text, { charts: { x: values as Values } });
        expect(canonicalJson(values)).toBe(before);
        expect(canonicalJson(result)).toBe(canonicalJson(JSON.parse(text)));
        expect(({} as { a?: unknown }).a).toBeUndefined();
      }),
    );
  });
});

describe("the values of one part", () => {
  const values = { charts: { x: { a: 1 }, none: null, odd: false } };

  it("are those under its name", () => {
    expect(chartValues(values, "x")).toEqual({ ok: true, value: { a: 1 } });
    for (const chart of ["other", "none"]) expect(chartValues(values, chart)).toEqual({ ok: true, value: {} });
  });

  it("must be a map, but only where somebody asks for them: packs have odd keys there", () => {
    expect(merged("charts: {odd: false}", {}).ok).toBe(true);
    expect(chartValues(values, "odd")).toEqual({ ok: false, problems: ["values: charts.odd must be a map"] });
  });
});
