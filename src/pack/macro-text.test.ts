import { describe, expect, test, vi } from "vitest";
import { parseYaml } from "../objects/yaml.ts";
import {
  hideMacros,
  hideMacrosInTree,
  hideMacrosInYaml,
  macroScalarOf,
  plainValue,
  readMacroManifests,
  tellHidden,
  unusedMark,
} from "./macro-text.ts";

const places = ({ macros }: { macros: ReadonlyMap<string, { where: string }> }) =>
  [...macros.values()].map(({ where }) => where);

test("a text without macros stays the same text", () => {
  for (const text of ["", "a: {{ .Values.x }}\n", "# .spectro\na: \uF8F0b\uF8F1"]) {
    expect(hideMacrosInYaml(text, "x")).toEqual({ text, macros: new Map() });
  }
});

test("each macro knows its line, also behind one that takes several", () => {
  const hidden = hideMacros(
    "{{ .spectro.var.a }}\n\nb: {{ .spectro.var.b |\n upper }} {{ .spectro.var.c }}\r\nd: {{ .spectro.var.d",
    "f",
  );
  expect(places(hidden)).toEqual(["f, line 1", "f, line 3", "f, line 4", "f, line 5"]);
});

test("in a tree each knows its path", () => {
  const hidden = hideMacrosInTree({ a: ["x", { "{{ .spectro.var.k }}": "{{ .spectro.var.a }}" }], b: 1 }, "values");
  expect(places(hidden)).toEqual(["values, a[1].{{ .spectro.var.k }}", "values, a[1].{{ .spectro.var.k }}"]);
  expect(places(hideMacrosInTree("{{ .spectro.var.k }}", "values"))).toEqual(["values"]);
});

describe("what stands for a macro", () => {
  test("is one word of YAML, which tells whether it had quotes", () => {
    const { text, macros } = hideMacrosInYaml(
      'a: {{ .spectro.var.a }}\nb: "{{ .spectro.var.b }}"\nc: |\n  {{ .spectro.var.c }}\nd: [x{{ .spectro.var.d }}]\n---\ne: {{ .spectro.var.e }}',
      "f",
    );
    const plain = [...text.matchAll(/\uF8F0[^\uF8F1\uF8F2]*[\uF8F1\uF8F2]/g)].map(
      ([token]) => macroScalarOf(token, macros)?.isPlain,
    );
    expect(plain).toEqual([true, false, false, true, true]);
    expect(tellHidden(text)).toContain("a: {{…}}\n");
  });

  test("differs from text to text, and from file to file", () => {
    const token = (text: string, what: string) => [...hideMacros(text, what).macros.keys()][0];
    const all = [
      token("{{ .spectro.var.a }}", "f"),
      token("{{ .spectro.var.a }} ", "f"),
      token("{{ .spectro.var.a }}", "g"),
    ];
    expect(new Set(all).size).toBe(3);
    expect(token("{{ .spectro.var.a }}", "f")).toBe(all[0]);
  });

  test("is nothing in another text", () => {
    const { text } = hideMacros("{{ .spectro.var.a }}", "f");
    expect(macroScalarOf(text, hideMacros("{{ .spectro.var.b }}", "f").macros)).toBeUndefined();
  });
});

describe("a manifest that was rendered from a text with a macro", () => {
  const given = "\uF8F0a\uF8F1 \uF8EF\uF8F2";
  const { text, macros } = hideMacros("a: {{ .spectro.var.a }}\nb: VALUE", "f", { mark: unusedMark({ given }) });
  const read = (rendered: string) => readMacroManifests({ text: rendered, macros }, "f");

  test("may hold data with the very characters that mark macros", () => {
    expect(read(text.replace("VALUE", given))).toMatchObject({ ok: true, value: [{ tree: { b: given } }] });
  });

  test.each([
    ["upper", (token: string) => token.toUpperCase()],
    ["trunc 1", (token: string) => token.slice(0, 1)],
    ["trunc 10", (token: string) => token.slice(0, 10)],
    ["trimSuffix", (token: string) => token.slice(0, -1)],
    ["repeat 2, without its end", (token: string) => `${token}${token.slice(0, 5)}`],
    ["regexReplaceAll", (token: string) => token.replace(/[^a-z0-9-]/g, "-")],
    ["trimPrefix", (token: string) => token.slice(1)],
    [
      "quote inside of a block",
      (token: string) => JSON.stringify(token).replace(/[^ -~]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16)}`),
    ],
  ])("is refused when a function changed the macro: %s", (_function, change) => {
    const [token = ""] = macros.keys();
    expect(read(text.replace(token, change(token)).replace("VALUE", given))).toEqual({
      ok: false,
      problems: ["f: a macro stands where a template function changes it; move it out of there"],
    });
  });

  test("has a mark that is in none of its data, unless that has them all", () => {
    const all = String.fromCharCode(...Array.from({ length: 0xf8f1 - 0xe000 }, (_, index) => 0xe000 + index));
    expect(unusedMark("")).toBe("\uF8F0");
    expect(unusedMark([all.replace("\uE123", "")])).toBe("\uE123");
    expect(unusedMark(all)).toBe("\uF8F0");
  });

  test("finds its mark in one reading of its data", () => {
    const search = vi.spyOn(String.prototype, "includes");
    expect(unusedMark(String.fromCharCode(...Array.from({ length: 5000 }, (_, index) => 0xf8f0 - index)))).toBe(
      "\uE568",
    );
    expect(search).not.toHaveBeenCalled();
    search.mockRestore();
  });
});

test.each([
  "-",
  "--",
  "---",
  ".",
  "...",
  "+",
  "~",
  "null",
  "Null",
  "yes",
  "N",
  "0x1f",
  "0o17",
  "017",
  "1_000",
  "+1",
  "-.5",
  "1e3",
  "1.",
  "v1",
  "1.2.3",
  "_",
  ".5.",
  "9007199254740993",
  "-9223372036854775809",
  "2001-01-01",
])("%s without quotes is what YAML makes of it, if that is no list", (text) => {
  const parsed = parseYaml(`a: ${text}\n`, "");
  const value = parsed.ok ? (parsed.value as { a: unknown }).a : text;
  expect(plainValue(text)).toEqual(Array.isArray(value) ? text : value);
});

test.each([".inf", "-.INF", ".nan", "a b", "[1]", "{}", "a: b", "# a", "'1'", "1 ", "*a", "1\n", "é", "1".repeat(401)])(
  "%j without quotes stays text",
  (text) => {
    expect(plainValue(text)).toBe(text);
  },
);
