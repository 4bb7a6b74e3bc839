import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, parseJson } from "./json.ts";
import { parseManifests, parseYaml, toYaml } from "./yaml.ts";

/** What `sigs.k8s.io/yaml` v1.6.0 answered: `YAMLToJSON` of each text. */
const goldenFile = new URL("./testdata/go-yaml-scalars.json", import.meta.url);
const golden = JSON.parse(readFileSync(goldenFile, "utf8")) as { yaml: string; json?: string; refused?: true }[];

function problemsOf(text: string): string[] {
  const result = parseManifests(text, "inline");
  return result.ok ? [] : result.problems;
}

function namesOf(text: string): (string | undefined)[] {
  const result = parseManifests(text, "inline");
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.value.map((object) => object.metadata.name);
}

function read(text: string): unknown {
  const result = parseYaml(text, "values");
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.value;
}

describe("reads as Go does", () => {
  it.each(golden)("$yaml", ({ yaml, json }) => {
    const result = parseYaml(yaml, "values");
    expect(result.ok ? canonicalJson(result.value) : undefined).toBe(json && canonicalJson(parseJson(json)));
  });
});

describe("parseYaml", () => {
  it.each([
    ["a BOM", "\uFEFFa: 1", { a: 1 }],
    ["CRLF", "a: |\r\n  x\r\n  y\r\nb: 2\r\n", { a: "x\ny\n", b: 2 }],
    ["a leading marker", "---\na: 1\n", { a: 1 }],
    ["an empty second document", "a: 1\n---\n", { a: 1 }],
    ["JSON indented by tabs", '{\n\t"a": [1,\n\t2]\n}', { a: [1, 2] }],
    ["a BOM and JSON indented by tabs", '\uFEFF{\n\t"a": [1,\n\t2]\n}', { a: [1, 2] }],
    ["flow YAML that is no JSON", "{a: yes}", { a: true }],
    ["a closing brace under its key", "a:\n  b: {\n    c: 1\n  }\n  d: 2\n", { a: { b: { c: 1 }, d: 2 } }],
    ["brackets at the margin", "a:\n  b: [\n1, # one\n# two\n2\n]\n", { a: { b: [1, 2] } }],
    ["quotes that go on at the margin", "a:\n  b: \"x\ny\n\n  z\"\n  c: 'k\nl'\n", { a: { b: "x y\nz", c: "k l" } }],
    ["nothing", "", null],
  ])("takes %s", (_, text, want) => {
    expect(read(text)).toEqual(want);
  });

  it.each([
    [
      "a brace that never closes, at its line",
      "a: {\n  b: 1,\n",
      3,
      "unexpected end of the stream within a flow collection",
    ],
    ["a document's end inside brackets", "a: {\n...\n}\n", 2, "deficient indentation"],
    ["another fault below a moved line, at its line", "a: {\n}\nb: *x\n", 3, expect.stringContaining("an alias")],
  ])("refuses %s", (_, text, line, sentence) => {
    const result = parseYaml(text, "values");
    const [place, ...told] = (result.ok ? "" : (result.problems[0] ?? "")).split(": ");
    expect([place, told.join(": ")]).toEqual([`values, line ${line}`, sentence]);
  });

  it("refuses a second document", () => {
    expect(parseYaml("a: 1\n---\nb: 2\n", "values")).toEqual({
      ok: false,
      problems: ["values: expected one YAML document, found 2"],
    });
  });

  it("keeps __proto__ and constructor as data", () => {
    const value = read("__proto__: {polluted: true}\nconstructor: {prototype: 1}\na: {<<: {__proto__: {x: 1}}}\n");
    expect(Object.keys(value as object)).toEqual(["__proto__", "constructor", "a"]);
    expect((value as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("changes nothing that all objects share, whatever the keys, the anchors and the merges", () => {
    const own = (...objects: object[]) => objects.map((object) => Reflect.ownKeys(object));
    const shared = () => own(Object.prototype, Array.prototype, Function.prototype, String.prototype);
    const before = shared();
    const key = fc.constantFrom("__proto__", "constructor", "prototype", "<<", '"__proto__"', "toString", "a");
    const value = fc.constantFrom("{polluted: 1}", "{__proto__: {polluted: 1}}", "[*x]", "*x", "1", "{<<: *x}");
    const line = fc.tuple(key, value).map(([name, text]) => `${name}: ${text}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const parsed = parseYaml(`z: &x {__proto__: {polluted: 1}, b: 1}\n${lines.join("\n")}\n`, "values");
        if (parsed.ok) expect(Object.getPrototypeOf(parsed.value)).toBe(Object.prototype);
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      }),
      { numRuns: 300 },
    );
    expect(shared()).toEqual(before);
  });

  it("shares nothing between an anchor and its aliases", () => {
    const value = read("a: &x {b: 1}\nc: *x\n") as { a: { b: number }; c: { b: number } };
    value.a.b = 2;
    expect(value.c.b).toBe(1);
  });
});

const nested = (depth: number): string => `${"{a: ".repeat(depth)}1${"}".repeat(depth)}`;
const laughs = Array.from({ length: 9 }, (_, i) => `l${i}: &l${i} [${i === 0 ? '"x"' : Array(9).fill(`*l${i - 1}`)}]`);
const deepAlias = `a: &a ${nested(40)}\nb: ${"{a: ".repeat(40)}*a${"}".repeat(40)}`;

describe("limits", () => {
  it.each([
    ["more than 10 MiB", "a".repeat(10 * 1024 * 1024 + 1), "values: the text is larger than 10 MiB"],
    ["more than 10 MiB in bytes", "é".repeat(6 * 1024 * 1024), "values: the text is larger than 10 MiB"],
    ["65 levels", nested(65), "values: maps and lists are nested deeper than 64"],
    ["65 levels of JSON", `${"[".repeat(65)}${"]".repeat(65)}`, "values: maps and lists are nested deeper than 64"],
    ["80 levels by an alias", deepAlias, "values: maps and lists are nested deeper than 64"],
    ["101 aliases", `a: &x 1\nb: [${Array(101).fill("*x")}]`, "values, line 2: there are more than 100 aliases"],
    ["a billion laughs", laughs.join("\n"), "values: the document is too large once its aliases are written out"],
    [
      "a long string, 100 times",
      `a: &x ${"y".repeat(300_000)}\nb: [${Array(100).fill("*x")}]`,
      "values: the document is too large once its aliases are written out",
    ],
    ["an alias inside itself", "a: &a [*a]", "values, line 1: an alias stands inside what it names"],
  ])("refuses %s", (_, text, problem) => {
    expect(parseYaml(text, "values")).toEqual({ ok: false, problems: [problem] });
  });

  it("takes 64 levels and 100 aliases", () => {
    expect(parseYaml(nested(64), "values").ok).toBe(true);
    expect(parseYaml(`a: &x 1\nb: [${Array(100).fill("*x")}]`, "values").ok).toBe(true);
  });
});

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

describe("parseManifests", () => {
  it.each([
    ["one", configMap("a"), ["a"]],
    ["several", `${configMap("a")}---\n${configMap("b")}--- # next\n${configMap("c")}`, ["a", "b", "c"]],
    ["empty ones and comments between", `---\n# first\n---\n\n${configMap("a")}---\n---\n# last\n`, ["a"]],
    ["a BOM before a marker", `\uFEFF---\n${configMap("a")}`, ["a"]],
    ["CRLF and a BOM", `\uFEFF${`${configMap("a")}---\n${configMap("b")}`.replaceAll("\n", "\r\n")}`, ["a", "b"]],
    ["an end marker", `${configMap("a")}...\n---\n${configMap("b")}`, ["a", "b"]],
    ["explicit nulls", `null\n---\n~\n---\n${configMap("a")}`, ["a"]],
    ["JSON", '{"apiVersion":"v1","kind":"ConfigMap",\n\t"metadata":{"name":"a"}}', ["a"]],
    [
      "a List",
      "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]}\n",
      ["a", "b"],
    ],
    [
      "a typed list whose items leave out the kind",
      "apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}]",
      ["a"],
    ],
    ["an empty List", "apiVersion: v1\nkind: List\nitems: []", []],
    ["a kind that only ends in List", "apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}", ["a"]],
    ["nothing", "\n# nothing\n", []],
  ])("reads %s", (_, text, names) => {
    expect(namesOf(text)).toEqual(names);
  });

  it("gives the items of a typed list its kind", () => {
    const result = parseManifests("apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}]", "inline");
    expect(result).toEqual({ ok: true, value: [{ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }] });
  });

  it.each([
    [
      "a syntax error",
      `${configMap("a")}---\n# two\nkind: Pod\na: b: c\n`,
      "inline, document 2, line 8: bad indentation of a mapping entry",
    ],
    ["no apiVersion", "kind: Pod\nmetadata: {name: a}", "inline, document 1, line 1: apiVersion is missing"],
    [
      "no kind",
      `${configMap("a")}---\n\n# x\napiVersion: v1\nmetadata: {name: a}`,
      "inline, document 2, line 8: kind is missing",
    ],
    ["an empty kind", "apiVersion: v1\nkind: ''\nmetadata: {name: a}", "inline, document 1, line 1: kind is missing"],
    ["no metadata", "apiVersion: v1\nkind: Pod", "inline, document 1, line 1: metadata.name is missing"],
    ["no name", "apiVersion: v1\nkind: Pod\nmetadata: {}", "inline, document 1, line 1: metadata.name is missing"],
    [
      "a number as name",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: 12}",
      "inline, document 1, line 1: metadata.name must be a string; quote it",
    ],
    [
      "a number as namespace",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 12}",
      "inline, document 1, line 1: metadata.namespace must be a string; quote it",
    ],
    [
      "generateName",
      "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}",
      "inline, document 1, line 1: metadata.generateName would make a new object on every pass; set metadata.name instead",
    ],
    [
      "a number as label",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {v: 1.10}}",
      'inline, document 1, line 1: metadata.labels: the value of "v" must be a string; quote it',
    ],
    [
      "yes as annotation",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {x/y: yes}}",
      'inline, document 1, line 1: metadata.annotations: the value of "x/y" must be a string; quote it',
    ],
    [
      "labels as a list",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: [b]}",
      "inline, document 1, line 1: metadata.labels must be a map",
    ],
    [
      "a number in stringData",
      "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {pin: 1234}",
      'inline, document 1, line 1: stringData: the value of "pin" must be a string; quote it',
    ],
    ["a list", "- a", "inline, document 1, line 1: a manifest must be a map with apiVersion, kind and metadata"],
    [
      "a bad item",
      "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, metadata: {name: a}}]",
      "inline, document 1, line 1, items[0]: kind is missing",
    ],
    [
      "text after the marker",
      `${configMap("a")}--- {a: 1}`,
      'inline, document 2, line 5: only a comment may follow "---" on its line',
    ],
    [
      "two documents without a marker",
      `${configMap("a")}...\n${configMap("b")}`,
      'inline, document 1, line 1: separate documents by a line "---"; "..." alone does not',
    ],
  ])("refuses %s", (_, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it("tells all problems of all documents", () => {
    expect(problemsOf("kind: Pod\n---\n[\n---\napiVersion: v1\n")).toHaveLength(5);
  });

  it("lets a null label pass, which the API server takes as empty", () => {
    expect(problemsOf("apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {v: }}")).toEqual([]);
  });
});

describe("secrecy", () => {
  const CANARY = "Canary7781";
  const sigils = fc.constantFrom(
    "",
    "!",
    "!!",
    "*",
    "&",
    "!<",
    "!e!",
    "%",
    "%TAG ! ",
    "@",
    "`",
    '"',
    "'",
    "|",
    "[",
    "{",
    ": ",
    "\t",
    "- ",
    "? ",
    "<<: ",
    "!!int ",
    "!!binary ",
    "\u0001",
    "\\",
  );

  it("no problem repeats the text", () => {
    const piece = fc.tuple(sigils, fc.constantFrom(CANARY, `${CANARY}: `, `${CANARY}!`, `"${CANARY}`), sigils);
    const line = fc
      .tuple(fc.constantFrom("", "a: ", "  ", "- "), piece)
      .map(([start, parts]) => start + parts.join(""));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
        expect(problemsOf(lines.join("\n")).join()).not.toContain(CANARY);
        const parsed = parseYaml(lines.join("\n"), "values");
        expect(parsed.ok ? "" : parsed.problems.join()).not.toContain(CANARY);
      }),
      { numRuns: 3000 },
    );
  }, 60_000);

  it.each([["password: *Canary7781"], ["%TAG !Canary7781 x\n---\na"], ["a: !Canary7781! x"], ["a: !!int Canary7781"]])(
    "refuses %s without repeating it",
    (text) => {
      const parsed = parseYaml(text, "values");
      expect(parsed.ok).toBe(false);
      expect(JSON.stringify(parsed)).not.toContain(CANARY);
    },
  );
});

const WEIRD = [
  "",
  " ",
  "yes",
  "n",
  "0644",
  "0o14",
  "1e3",
  "1_000",
  "0b1",
  ".5",
  "+1",
  "-",
  "null",
  "~",
  "2001-01-01",
  "12:30:45",
  "=",
  "<<",
  "?",
  "a: b",
  "a #b",
  "# x",
  " x",
  "x ",
  "\n",
  "a\nb",
  "a\n",
  "  a\n b\n\n",
  "\ta",
  "\u0085",
  "\u2028",
  "\uFEFF",
  "%x",
  "@a",
  "!x",
  "&a",
  "*a",
  "---",
  "...",
  "a\n---\nb",
  "\r\n",
  "\u0000",
  "[a]",
  "{a}",
  "'",
  '"',
  "\\",
  "|",
  ">",
  "😀",
  "true",
  ".inf",
  "\\n",
];

describe("toYaml", () => {
  const text = fc.oneof(fc.constantFrom(...WEIRD), fc.string(), fc.string({ unit: "grapheme" }));
  const scalar = fc.oneof(
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      scalar,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(text, tie("value"), { maxKeys: 4 }),
    ),
  }));

  it("is read back as the same value", () => {
    fc.assert(
      fc.property(value, (data) => {
        expect(canonicalJson(read(toYaml(data)))).toBe(canonicalJson(data));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(WEIRD)("keeps %j as a string and as a key", (word) => {
    expect(read(toYaml({ [word]: [word] }))).toEqual({ [word]: [word] });
  });

  it("prints block style with two spaces, and exact numbers as digits", () => {
    const data = parseJson('{"a":{"b":[1,{"c":9223372036854775807}],"mode":"0644"},"text":"x\\ny\\n"}');
    expect(toYaml(data)).toBe("a:\n  b:\n    - 1\n    - c: 9223372036854775807\n  mode: '0644'\ntext: |\n  x\n  y\n");
  });

  it("writes out what stands in two places", () => {
    const shared = { x: 1 };
    expect(toYaml({ a: shared, b: shared })).toBe("a:\n  x: 1\nb:\n  x: 1\n");
  });
});
