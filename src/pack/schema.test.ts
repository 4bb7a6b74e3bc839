import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Values } from "../plan/values.ts";
import { checkSchema } from "./check-schema.ts";
import { matchesFormat, parseFormat } from "./format.ts";
import { parseSchema } from "./schema-file.ts";

/** The problems of values against one rule on `a.b`. */
function problemsOf(template: string, value: unknown): string[] {
  return judge({ "a.b": template }, { a: value === undefined ? {} : { b: value } }).problems;
}

function judge(rules: Record<string, string>, final: Values, preset: Values = final) {
  const text = JSON.stringify(Object.fromEntries(Object.entries(rules).map(([path, schema]) => [path, { schema }])));
  const schema = parseSchema(text, "schema.yaml");
  if (!schema.ok || schema.value.warnings.length > 0) throw new Error(`rules: ${JSON.stringify(schema)}`);
  return checkSchema(schema.value.rules, { preset, final });
}

const format = (text: string): string => `{{ format "${text}" }}`;

describe("formats", () => {
  it.each<[string, unknown[], unknown[], string]>([
    [`\${string}`, ["x", 1, true, 1.5, "long ".repeat(2000)], [["x"], { x: 1 }], "must be a text"],
    [`\${password}`, ["x"], [["x"]], "must be a text"],
    [`\${password:/^([a-z0-9].*)$/}`, ["ab"], ["-ab"], "must be a text that matches /^([a-z0-9].*)$/"],
    [`\${string:/size=\\d+/}`, ["size=15", "a size=1"], ["size=s"], "must be a text that matches /size=\\d+/"],
    [`\${number}`, [8080, "8080", "-1.5", "1e3", 0], ["80a", true, "0x1f", "Infinity", "--1"], "must be a number"],
    [`\${number:[5000-5005]}`, [5000, "5005"], [4999, 5006, "x"], "must be a number from 5000 to 5005"],
    [`\${number:[-5--1]}`, [-5, -1], [0, -6], "must be a number from -5 to -1"],
    [`\${number:/^(500[0-5])$/}`, [5000], [5006], "must be a number that matches /^(500[0-5])$/"],
    [`\${boolean}`, [true, false, "true"], ["yes", 1, "True"], "must be true or false"],
    [`\${list:[Delete, Retain]}`, ["Delete", "Retain"], ["delete", "Delete,Retain"], "must be one of Delete, Retain"],
    [
      `\${ipv4}`,
      ["10.0.0.1", "255.255.255.255"],
      ["256.1.1.1", "1.2.3", "1.2.3.4.", "01.2.3.4", "::1"],
      "must be an IPv4 address",
    ],
    [`\${version}`, ["1.2.3", "v1.2", "1.0.0-rc.1"], ["latest", "1.2.3.4"], "must be a version such as 1.2.3"],
    [
      `\${ipv4} - \${ipv4}`,
      ["10.10.10.10 - 10.10.10.255"],
      ["10.10.10.10", "10.10.10.10-10.10.10.255", "10.10.10.10 - ", "x10.10.10.10 - 10.10.10.255"],
      `must have the form \${ipv4} - \${ipv4}`,
    ],
    [
      `\${string}/\${string}:\${version}`,
      ["ghcr.io/a/b:1.2.3", "localhost:5000/a:v1"],
      ["ghcr.io/a:latest", "a:1.2.3", "/a:1.2.3"],
      `must have the form \${string}/\${string}:\${version}`,
    ],
    [
      `\${string}, \${string:/size=\\d+/}`,
      ["thick, size=150"],
      ["thick, size=s"],
      `must have the form \${string}, \${string:/size=\\d+/}`,
    ],
    ["plain", ["plain"], ["plainer"], "must have the form plain"],
  ])("%s", (text, good, bad, expectation) => {
    expect(good.flatMap((value) => problemsOf(format(text), value))).toEqual([]);
    expect(bad.map((value) => problemsOf(format(text), value))).toEqual(bad.map(() => [`a.b ${expectation}`]));
  });

  it("never repeat the value", () => {
    const told = problemsOf(`{{ required | format "\${number}" | hints "Ask the network team." }}`, "hunter2");
    expect(told).toEqual(["a.b must be a number"]);
  });

  it.each([
    ["a pattern that makes others backtrack", `\${string:/^(a+)+$/}`, `${"a".repeat(5000)}!`, false],
    ["many patterns in a row", `\${string:/(a|a)*b/}`.repeat(40), "a".repeat(4000), false],
    ["many texts in a row", `\${string}`.repeat(40), "a".repeat(4000), false],
    ["few texts in a row", `\${string}`.repeat(3), "abcd", true],
    ["a text that is much too long", `\${string}-\${string}`, "-".repeat(1_000_000), false],
  ])("give up in time: %s", (_, text, value, want) => {
    expect(matchesFormat(parseFormat(text), value)).toBe(want);
  });

  it("take what they were made of", () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const octet = fc.integer({ min: 0, max: 255 });
    const ip = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));
    fc.assert(
      fc.property(word, ip, fc.integer({ min: 1, max: 65535 }), (name, address, port) => {
        const shape = parseFormat(`\${string}@\${ipv4}:\${number:[1-65535]}`);
        expect(matchesFormat(shape, `${name}@${address}:${port}`)).toBe(true);
        expect(matchesFormat(shape, `${name}@${address}:${port + 65535}`)).toBe(false);
      }),
    );
  });
});

describe("required", () => {
  it.each<[string, Values, string[]]>([
    ["a value that is there", { a: { b: 0 } }, []],
    ["an empty text", { a: { b: "" } }, ["a.b is required: Ask the network team."]],
    ["null", { a: { b: null } }, ["a.b is required: Ask the network team."]],
    ["no value in a map that is there", { a: { c: 1 } }, ["a.b is required: Ask the network team."]],
    ["no value in a map that is empty", { a: null }, ["a.b is required: Ask the network team."]],
  ])("%s", (_, values, problems) => {
    expect(judge({ "a.b": '{{ required | hints "Ask the network team." "b" }}' }, values)).toEqual({
      problems,
      warnings: [],
    });
  });

  it("is only a warning where the values have no place for it", () => {
    expect(judge({ "a.b.c": "{{ required }}" }, { x: {} })).toEqual({
      problems: [],
      warnings: ["schema.yaml asks for a.b.c, which the pack's values have no place for"],
    });
  });

  it("asks for a top key", () => {
    expect(judge({ account: "{{ required }}" }, {}).problems).toEqual(["account is required"]);
  });

  it("cuts a long hint", () => {
    const [problem = ""] = judge({ account: `{{ required | hints "${"x".repeat(1000)}" }}` }, {}).problems;
    expect(problem).toHaveLength("account is required: ".length + 160);
  });
});

describe("paths", () => {
  const ipRange = `{{ required | format "\${ipv4} - \${ipv4}" }}`;

  it("with $[] check each item of a list, at its index", () => {
    const pools = { net: { pools: ["10.0.0.1 - 10.0.0.9", "10.0.0.1", ""] } };
    expect(judge({ "net.pools.$[]": ipRange }, pools).problems).toEqual([
      "net.pools[2] is required",
      `net.pools[1] must have the form \${ipv4} - \${ipv4}`,
    ]);
    expect(judge({ "net.pools.$[]": ipRange }, { net: { pools: [] } })).toEqual({ problems: [], warnings: [] });
    expect(judge({ "net.pools.$[]": ipRange }, { net: {} }).warnings).toHaveLength(1);
  });

  it("with $[] go on into the items", () => {
    const values = { users: [{ name: "a", port: 1 }, { name: "b", port: "x" }, { name: "c" }] };
    expect(judge({ "users.$[].port": format(`\${number}`) }, values).problems).toEqual([
      "users[1].port must be a number",
    ]);
  });

  it("find keys that have dots", () => {
    const values = { charts: { "my.chart": { "system.uri": 1 } } };
    expect(judge({ "charts.my.chart.system.uri": format(`\${boolean}`) }, values).problems).toEqual([
      "charts.my.chart.system.uri must be true or false",
    ]);
  });

  it("that lead nowhere, or to nothing, are passed over where nothing is required", () => {
    const rules = {
      "a.b.c": format(`\${number}`),
      "a.d": format(`\${number}`),
      "a.constructor.name": "{{ readonly }}",
    };
    expect(judge(rules, { a: { d: "" } })).toEqual({ problems: [], warnings: [] });
  });
});

describe("readonly", () => {
  it.each<[string, Values, string[]]>([
    ["may be left as it is, in any order of keys", { a: { b: { y: 2, x: 1 } } }, []],
    ["may not be changed", { a: { b: { x: 2, y: 2 } } }, ["a.b may not be changed"]],
    ["may not be taken away", { a: {} }, ["a.b may not be changed"]],
  ])("%s", (_, final, problems) => {
    expect(judge({ "a.b": "{{ readonly }}" }, final, { a: { b: { x: 1, y: 2 } } }).problems).toEqual(problems);
  });
});

describe("schema.yaml", () => {
  const warningOf = (template: unknown): string | undefined => {
    const schema = parseSchema(JSON.stringify({ "a.b": template }), "schema.yaml");
    return schema.ok ? schema.value.warnings[0] : undefined;
  };

  it.each([
    ["an unknown format type", { schema: format(`\${input}`) }, 'it has no format type "input"; there are string'],
    ["an unknown word", { schema: "{{ mandatory }}" }, 'there is no "mandatory"'],
    ["no template", { schema: "required" }, "it is not of the form {{ required"],
    ["two words without a pipe", { schema: "{{ required readonly }}" }, "it is not of the form"],
    ["a pipe at the end", { schema: "{{ required | }}" }, "it is not of the form"],
    ["a text that does not end", { schema: '{{ format "x }}' }, "it is not of the form"],
    ["a format without a text", { schema: "{{ format }}" }, "the format has no text"],
    ["no schema", { required: true }, "it has no schema"],
    ["no map", "required", "it has no schema"],
    [
      "a pattern that RE2 has not",
      { schema: format(`\${string:/(?=a)/}`) },
      "/(?=a)/ cannot be used: (?= is not supported",
    ],
    ["a list without options", { schema: format(`\${list}`) }, "a list needs its options in brackets"],
    ["a range of a text", { schema: format(`\${string:[1-2]}`) }, `"[1-2]" does not fit \${string}`],
    ["a placeholder that does not end", { schema: format(`\${string:/a`) }, "a placeholder without its }"],
    ["a template of a megabyte", { schema: `{{ ${"| ".repeat(500_000)} }}` }, "it is not of the form"],
  ])("warns about %s and leaves the rule out", (_, template, clause) => {
    const warning = warningOf(template);
    expect(warning).toContain("a.b: the rule is left out: ");
    expect(warning).toContain(clause);
  });

  it.each([
    ["raw texts and no blanks", `{{required|format \`\${string:/^\\d+$/}\`|hints "a"}}`],
    ["Go's escapes, and \\d as it is", `{{ required | format "\${string:/^\\\\d\\d$/}" }}`],
  ])("reads %s", (_, template) => {
    expect(problemsOf(template, "12")).toEqual([]);
    expect(problemsOf(template, "x")).toHaveLength(1);
  });

  it("may be empty", () => {
    expect(parseSchema("# nothing\n", "schema.yaml")).toEqual({ ok: true, value: { rules: [], warnings: [] } });
  });
});

describe("a hostile schema", () => {
  it("ends in problems, also over a list that is longer than one call takes", { timeout: 20_000 }, () => {
    const list = Array.from({ length: 300_000 }, () => ({ b: "" }));
    const schema = parseSchema("a.$[].b: { schema: '{{ required }}' }\nc: { schema: '{{ required }}' }", "schema.yaml");
    if (!schema.ok) throw new Error("no schema");
    const values = { a: list, c: "" };
    const { problems } = checkSchema(schema.value.rules, { preset: values, final: values });
    expect(problems.slice(0, 2)).toEqual(["a[0].b is required", "a[1].b is required"]);
    expect(problems).toHaveLength(100);
  });

  it("has rules to its limit, and a word about the rest", { timeout: 20_000 }, () => {
    const text = Array.from({ length: 50_000 }, (_, n) => `k${n}: { schema: '{{ required }}' }`).join("\n");
    const schema = parseSchema(text, "schema.yaml");
    expect(schema).toMatchObject({ ok: true, value: { warnings: ["all rules after the first 1000 are left out"] } });
    expect(schema.ok && schema.value.rules).toHaveLength(1000);
  });
});
