import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isExactNumber } from "../objects/json.ts";
import { parseYaml, toYaml } from "../objects/yaml.ts";
import { macroKey, planMacros } from "./macro-plan.ts";
import { hideMacros, hideMacrosInTree, hideMacrosInYaml, readMacroManifests } from "./macro-text.ts";
import type { MacroAnswer, MacroDocument, MacroExpression, MacroScope } from "./macro-types.ts";

const SCOPE: MacroScope = {
  system: {
    cluster: { name: "edge-17", uid: "0a1b" },
    kubernetes: { version: "1.36.3" },
    clusterprofile: { name: "base", version: undefined, infra: { name: "infra" } },
  },
  var: {
    n: 3,
    ratio: 0.5,
    on: true,
    off: "false",
    digits: "017",
    big: JSON.parse("1e21"),
    word: "abc",
    empty: "",
    nothing: null,
    hostile: "x: y\n- \"z'}] # {{ .spectro.var.word }}",
    list: ["a", { b: 1 }],
    map: { "c.d": { e: "deep" } },
    key: "zone",
  },
  macro: { region: "eu" },
};

/** A pack's values with the name `base`, in a layer of the same name. */
function pack(text: string, name = "base"): MacroDocument {
  const { text: hidden, macros } = hideMacrosInYaml(text, `layer ${name}, values.yaml`);
  const parsed = parseYaml(hidden, name);
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return { layer: name, pack: name, tree: parsed.value, macros };
}

function own(tree: unknown, layer = "own"): MacroDocument {
  return { layer, ...hideMacrosInTree(tree, `layer ${layer}, values`) };
}

/** Stands in for Go's templates: what the tests ask of them. */
function evaluate({ expression, data }: MacroExpression): MacroAnswer {
  const { r0, r1 } = data;
  const known: Record<string, () => unknown> = {
    ".r0 | upper": () => String(r0).toUpperCase(),
    ".r0 | substr 0 4": () => String(r0).slice(0, 4),
    '.r0 | default "x"': () => (r0 === null || r0 === "" ? "x" : r0),
    "default .r0 .r1": () => r1 ?? r0,
    ".r0 | toJson": () => JSON.stringify(r0),
    "add .r0 1": () => Number(r0) + 1,
    "list .r0 .r0": () => [r0, r0],
  };
  const value = known[expression];
  return value === undefined ? { ok: false, message: "no such function" } : { ok: true, value: value() };
}

function resolve(documents: readonly MacroDocument[], scope = SCOPE) {
  const answers = new Map<string, MacroAnswer>();
  for (let rounds = 0; ; rounds += 1) {
    const plan = planMacros(documents, scope, answers);
    if (plan.kind !== "evaluate") return { ...plan, rounds };
    for (const one of plan.batch) answers.set(macroKey(one), evaluate(one));
  }
}

function trees(...documents: MacroDocument[]): unknown[] {
  const plan = resolve(documents);
  if (plan.kind === "failed") throw new Error(plan.problems.join("\n"));
  return plan.trees;
}

function problems(...documents: MacroDocument[]): string[] {
  const plan = resolve(documents);
  return plan.kind === "failed" ? plan.problems : [];
}

describe("a macro becomes a value where it stands", () => {
  test.each([
    ["without quotes, with its type", "a: {{ .spectro.var.n }}", { a: 3 }],
    ["a float", "a: {{.spectro.var.ratio}} # b", { a: 0.5 }],
    ["a truth", "a: {{ .spectro.var.on }}", { a: true }],
    ["what YAML takes a text for", "a: {{ .spectro.var.off }}\nb: {{ .spectro.var.digits }}", { a: false, b: 15 }],
    ["in quotes as text", "a: \"{{ .spectro.var.n }}\"\nb: '{{ .spectro.var.off }}'", { a: "3", b: "false" }],
    ["between text without quotes", "a: 80{{ .spectro.var.n }}\nb: v{{ .spectro.var.n }}", { a: 803, b: "v3" }],
    ["between text in quotes", 'a: "80{{ .spectro.var.n }}"', { a: "803" }],
    ["two beside each other", "a: {{.spectro.var.n}}.{{.spectro.var.n}}", { a: 3.3 }],
    ["an empty text without quotes", "a: {{ .spectro.var.empty }}", { a: null }],
    ["an empty text in quotes", 'a: "{{ .spectro.var.empty }}"', { a: "" }],
    ["in a list", "- {{ .spectro.var.n }}\n- x{{ .spectro.var.n }}", [3, "x3"]],
    [
      "in flow",
      "{a: {{ .spectro.var.n }}, b: [{{ .spectro.var.on }},{{ .spectro.var.word }}]}",
      { a: 3, b: [true, "abc"] },
    ],
    ["in JSON", '{"a": "{{ .spectro.var.n }}", "b": {{ .spectro.var.n }}}', { a: "3", b: 3 }],
    ["in a block", "a: |\n  x: {{ .spectro.var.n }}\n  # {{ .spectro.var.word }}\n", { a: "x: 3\n# abc\n" }],
    ["in a folded block", "a: >-\n  x {{ .spectro.var.n }}\n  y\n", { a: "x 3 y" }],
    ["over several lines", "a: x\n  {{ .spectro.var.n }}\n  y", { a: "x 3 y" }],
    ["as a key", '{{ .spectro.var.key }}: 1\n"x-{{ .spectro.var.n }}": 2', { zone: 1, "x-3": 2 }],
    ["as the whole document", "{{ .spectro.var.map }}", { "c.d": { e: "deep" } }],
    ["a list", "a: {{ .spectro.var.list }}", { a: ["a", { b: 1 }] }],
    [
      "a part of a list and of a map",
      "a: {{ .spectro.var.list.1.b }}\nb: {{ .spectro.var.map.c.d.e }}",
      { a: 1, b: "deep" },
    ],
    ["through an alias", "a: &x {{ .spectro.var.n }}\nb: *x", { a: 3, b: 3 }],
    ["with a tag of its own", "a: !!str {{ .spectro.var.n }}", { a: "3" }],
    ["without the white space that it takes away", "a: x  {{- .spectro.var.n -}}\n\n  y", { a: "x3y" }],
    ["from a pipeline with the type of its value", "a: {{ add .spectro.var.n 1 }}", { a: 4 }],
    ["from a pipeline as text", 'a: "v{{ .spectro.system.kubernetes.version | substr 0 4 }}"', { a: "v1.36" }],
    [
      "from a default",
      'a: "{{ .spectro.var.absent | default \\"x\\" }}"\nb: {{ .spectro.pack.no.thing | default "x" }}',
      { a: "x", b: "x" },
    ],
    [
      "nested system names",
      "a: {{ .spectro.system.clusterprofile.infra.name }}/{{ .spectro.macro.region }}",
      { a: "infra/eu" },
    ],
  ])("%s", (_name, text, want) => {
    expect(trees(pack(text))).toEqual([want]);
  });

  test("in data that is no text any more, always as text", () => {
    const values = { "{{ .spectro.var.key }}": ["{{ .spectro.var.n }}", 7, null, "{{ .Values.x }}"] };
    expect(trees(own(values))).toEqual([{ zone: ["3", 7, null, "{{ .Values.x }}"] }]);
  });
});

test("comments ask for nothing", () => {
  expect(
    trees(pack("# {{ .spectro.system.cluster.kubevip }} {{ .spectro.broken \na: 1 # {{ .spectro.var.absent }}")),
  ).toEqual([{ a: 1 }]);
});

describe("a value is data", () => {
  test("wherever it stands", () => {
    const text = `a: {{ .spectro.var.hostile }}
b: "{{ .spectro.var.hostile }}"
c: [{{ .spectro.var.hostile }}]
d: |
  {{ .spectro.var.hostile }}
{{ .spectro.var.hostile }}: k
`;
    const { hostile } = SCOPE.var;
    expect(trees(pack(text))).toEqual([
      { a: hostile, b: hostile, c: [hostile], d: `${hostile}\n`, [String(hostile)]: "k" },
    ]);
  });

  test("also when it looks like what hides a macro", () => {
    const document = pack("a: {{ .spectro.var.word }}\nb: {{ .spectro.var.token }}");
    const [token = ""] = document.macros.keys();
    const plan = resolve([document], { ...SCOPE, var: { ...SCOPE.var, token } });
    expect(plan).toMatchObject({ trees: [{ a: "abc", b: token }] });
  });

  test("also in a map that a path goes into", () => {
    const document = pack("a: {{ .spectro.var.word }}\nm: {{ .spectro.var.m }}\nb: {{ .spectro.pack.base.m.x }}");
    const [token = ""] = document.macros.keys();
    const plan = resolve([document], { ...SCOPE, var: { ...SCOPE.var, m: { x: token } } });
    expect(plan).toMatchObject({ trees: [{ a: "abc", m: { x: token }, b: token }] });
  });

  test.each([
    "{{ .spectro.var.v }}",
    '"{{ .spectro.var.v }}"',
    "x{{ .spectro.var.v }}y",
    "{{ .spectro.var.v }}{{ .spectro.var.v }}",
  ])("and never changes the YAML around %s", (scalar) => {
    const document = pack(`a:\n  - k: ${scalar}\n    l: [${scalar}, 1]\nb: { m: ${scalar} }\n`);
    const shapeOf = (v: string) => resolve([document], { ...SCOPE, var: { v } });
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.stringMatching(/^[-:{}[\]#&*!|>'"%@`,?\n ~.\w]*$/)),
        (v) => {
          const plan = shapeOf(v);
          if (plan.kind !== "done") throw new Error("failed");
          const isScalar = expect.toSatisfy(
            (value: unknown) => value === null || typeof value !== "object" || isExactNumber(value),
          );
          expect(plan.trees).toEqual([{ a: [{ k: isScalar, l: [isScalar, 1] }], b: { m: isScalar } }]);
        },
      ),
    );
  });

  test("which comes through quotes unchanged", () => {
    const document = pack('a: "<{{ .spectro.var.v }}>"');
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (v) => {
        expect(resolve([document], { ...SCOPE, var: { v } })).toMatchObject({ trees: [{ a: `<${v}>` }] });
      }),
    );
  });

  test("and without quotes is what YAML makes of it, when that is a word", () => {
    const document = pack("a: {{ .spectro.var.v }}");
    fc.assert(
      fc.property(fc.stringMatching(/^[-+.~0-9a-fxoyntrues_INEA]{1,8}$/), (v) => {
        const asText = parseYaml(`a: ${v}`, "");
        fc.pre(asText.ok && typeof (asText.value as { a: unknown }).a !== "object");
        expect(resolve([document], { ...SCOPE, var: { v } })).toMatchObject({ trees: [asText.value] });
      }),
    );
  });
});

describe("packs refer to packs", () => {
  const edge = `pack:
  content:
    images: [{ image: "{{.spectro.pack.edge.options.system.uri}}" }]
options:
  system.uri: "{{ .spectro.pack.edge.options.system.registry }}/os:{{ .spectro.system.kubernetes.version | substr 0 4 }}-{{ .spectro.pack.edge.options.tag }}"
  system.registry: ghcr.io/acme
  tag: {{ .spectro.pack.extras.tags.edge | upper }}
`;

  test("over dots in keys, dashes in names and several turns", () => {
    const extras = pack(
      'tags: { edge: "{{ .spectro.var.word }}" }\nimage: "{{ .spectro.pack.edge.pack.content.images.0.image }}"',
      "extras",
    );
    const [first, second] = trees(pack(edge, "edge"), extras);
    expect(first).toMatchObject({ pack: { content: { images: [{ image: "ghcr.io/acme/os:1.36-ABC" }] } } });
    expect(second).toMatchObject({ image: "ghcr.io/acme/os:1.36-ABC" });
  });

  test("in one batch for each turn", () => {
    const plan = resolve([pack(edge, "edge"), pack("tags: { edge: x }", "extras")]);
    expect(plan.rounds).toBe(1);
  });

  test("whole parts of them, which stay apart", () => {
    const [base, other] = trees(
      pack("labels: { a: {{ .spectro.var.n }} }\ncopy: {{ .spectro.pack.base.labels }}"),
      own({ a: "{{ .spectro.pack.base.labels | toJson }}" }),
    );
    expect(base).toEqual({ labels: { a: 3 }, copy: { a: 3 } });
    expect((base as { labels: object }).labels).not.toBe((base as { copy: object }).copy);
    expect(other).toEqual({ a: '{"a":3}' });
  });

  test("under a key that is a macro, and into a value that is one", () => {
    const base =
      "of:\n  {{ .spectro.var.key }}: x\nobject: {{ .spectro.var.map }}\na: {{ .spectro.pack.base.of.zone }}\nb: {{ .spectro.pack.base.object.c.d.e }}";
    expect(trees(pack(base))).toMatchObject([{ a: "x", b: "deep" }]);
  });

  test("to themselves first, when two layers have the same pack", () => {
    const values = (x: string) => `x: ${x}\nw: "{{ .spectro.pack.base.x }}"`;
    const two = [
      { ...pack(values("1")), layer: "one" },
      { ...pack(values("2")), layer: "two" },
      { ...own({ z: "{{ .spectro.pack.base.x }}" }), layer: "two" },
    ];
    expect(trees(...two)).toEqual([{ x: 1, w: "1" }, { x: 2, w: "2" }, { z: "2" }]);
    expect(problems(...two, own({ z: "{{ .spectro.pack.base.x }}" }))).toEqual([
      "layer own, values, z: .spectro.pack.base.x is ambiguous: it means base.x in layer one and base.x in layer two",
    ]);
  });

  test("with a name that has dots", () => {
    expect(trees(pack("a: {{ .spectro.pack.my.pack.b }}\nb: 2", "my.pack"))).toMatchObject([{ a: 2 }]);
  });
});

test("a key that is a macro may ask beside itself", () => {
  expect(trees(pack('{{ .spectro.pack.base.other | default "x" }}: 1\nz: {{ .spectro.pack.base.x }}'))).toEqual([
    { x: 1, z: 1 },
  ]);
});

describe("problems", () => {
  test("come all at once, with layer, file and line", () => {
    const text = `a: {{ .spectro.var.absent }}
b: |
  x
  {{ .spectro.system.cluster.kubevip }}
c: "{{ .spectro.macro.zone }}{{ .spectro.var.nothing | upper }}"
d: {{ .spectro.pack.nobody.x }}
e: {{ .spectro.pack.base.f.g }}
f: {{ if .spectro.var.n }}
h: {{ .spectro.var.word | nothing }}
i: x{{ .spectro.var.list }}
j: {{ default .spectro.var.absent .spectro.var.nothing }}
`;
    expect(problems(pack(text))).toEqual([
      expect.stringMatching(
        /^layer base, values.yaml, line 1: .spectro.var.absent is not defined: give the variable a value/,
      ),
      expect.stringMatching(
        /^layer base, values.yaml, line 4: .spectro.system.cluster.kubevip is not defined: it is not known of this cluster/,
      ),
      expect.stringMatching(
        /^layer base, values.yaml, line 5: .spectro.macro.zone is not defined: give the macro a value/,
      ),
      expect.stringMatching(/^layer base, values.yaml, line 5: .spectro.var.nothing is not defined/),
      "layer base, values.yaml, line 6: .spectro.pack.nobody.x is not defined: no pack of the profile has this name",
      expect.stringMatching(/^layer base, values.yaml, line 8: "if" cannot ask for .spectro/),
      expect.stringMatching(/^layer base, values.yaml, line 9: .spectro.var.word: no such function$/),
      expect.stringMatching(/^layer base, values.yaml, line 10: a macro is a list, which cannot stand in a text/),
      "layer base, values.yaml, line 11: .spectro.var.absent and .spectro.var.nothing is not defined, and neither is what should stand for it",
    ]);
  });

  test("name what this profile or cluster has none of, as a profile without version", () => {
    const version = ".spectro.system.clusterprofile.version";
    expect(problems(pack(`a: v{{ ${version} }}`))).toEqual([expect.stringContaining(`${version} is not defined`)]);
    expect(trees(pack(`a: {{ ${version} | default "x" }}`))).toEqual([{ a: "x" }]);
  });

  test("name a value that is missing in a pack, and what is null there", () => {
    expect(problems(pack("a: {{ .spectro.pack.base.x.y }}\nx: { z: 1 }\nb: {{ .spectro.pack.base.m }}\nm:"))).toEqual([
      "layer base, values.yaml, line 1: .spectro.pack.base.x.y is not defined: pack base has no such value, or an empty one; set it, or say what stands for it with | default",
      expect.stringContaining("line 3: .spectro.pack.base.m is not defined"),
    ]);
  });

  test.each([
    ["itself", "a: {{ .spectro.pack.base.a }}", "base.a → base.a"],
    ["two", 'a: {{ .spectro.pack.base.b }}\nb: "x{{ .spectro.pack.base.a }}"', "base.a → base.b → base.a"],
    ["a part of itself", "a: { b: { c: {{ .spectro.pack.base.a }} } }", "base.a.b.c → base.a.b.c"],
    [
      "behind a dotted key",
      "x.y: {{ .spectro.pack.base.a }}\na: {{ .spectro.pack.base.x.y }}",
      'base."x.y" → base.a → base."x.y"',
    ],
    ["through a pipeline", 'a: {{ .spectro.pack.base.a | default "x" }}', "base.a → base.a"],
    [
      "not the way to it",
      "a: {{ .spectro.pack.base.b }}\nb: {{ .spectro.pack.base.c }}\nc: {{ .spectro.pack.base.b }}",
      "base.b → base.c → base.b",
    ],
  ])("a cycle of %s is named", (_name, text, cycle) => {
    expect(problems(pack(text))).toEqual([expect.stringMatching(/, line \d: macros stand for each other: /)]);
    expect(problems(pack(text))[0]).toMatch(new RegExp(`: ${cycle.replaceAll(".", "\\.")}$`));
  });

  test("a cycle through two packs", () => {
    const [told] = problems(pack("x: {{ .spectro.pack.b.z }}", "a"), pack("z: {{ .spectro.pack.a.x }}", "b"));
    expect(told).toContain("a.x → b.z → a.x");
  });

  test("a path that can be read in two ways is ambiguous", () => {
    expect(problems(pack('a: {{ .spectro.pack.base.o.s.u }}\no: { s: { u: 1 }, "s.u": 2 }'))).toEqual([
      'layer base, values.yaml, line 1: .spectro.pack.base.o.s.u is ambiguous: it means base.o.s.u in layer base and base.o."s.u" in layer base',
    ]);
  });

  test("two keys that become one", () => {
    expect(problems(pack("m:\n  zone: 1\n  {{ .spectro.var.key }}: 2"))).toEqual([
      "layer base, values.yaml, line 3: a macro gives this key the name of another key of the map",
    ]);
  });

  test("no problem holds a value", () => {
    const secret = "hunter2-canary";
    const scope = { ...SCOPE, var: { secret, list: [secret], map: { [secret]: secret } } };
    const text = `a: "{{ .spectro.var.secret | nothing }}"
b: x{{ .spectro.var.list }}
{{ .spectro.var.secret }}: 1
hunter2-canary: 2
c: {{ .spectro.var.map.x | upper }}
`;
    const plan = resolve([pack(text)], scope);
    expect(plan).toMatchObject({
      problems: [expect.anything(), expect.anything(), expect.anything(), expect.anything()],
    });
    expect(JSON.stringify(plan)).not.toContain(secret);
  });
});

describe("bombs end in a sentence", () => {
  const doubling = (item: (n: number) => string) =>
    `${Array.from({ length: 30 }, (_, n) => `k${n}: ${item(n + 1)}`).join("\n")}\nk30: xxxxxxxxxxxxxxxx`;

  test.each([
    ["text", doubling((n) => `"{{ .spectro.pack.base.k${n} }}{{ .spectro.pack.base.k${n} }}"`)],
    ["lists", doubling((n) => `[{{ .spectro.pack.base.k${n} }}, {{ .spectro.pack.base.k${n} }}]`)],
    ["maps", doubling((n) => `{ a: {{ .spectro.pack.base.k${n} }}, b: {{ .spectro.pack.base.k${n} }} }`)],
  ])("that double %s", (_name, text) => {
    expect(problems(pack(text))).toEqual(["the macros of these layers make more than 10 MiB of values"]);
  });

  test("that are long chains", () => {
    const text = Array.from({ length: 500 }, (_, n) => `k${n}: {{ .spectro.pack.base.k${n + 1} }}`).join("\n");
    expect(problems(pack(`${text}\nk500: 1`))[0]).toContain("more than 32 macros stand for one another");
  });

  test("that are deep", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    const plan = resolve([pack("a: [[{{ .spectro.var.deep }}]]")], { ...SCOPE, var: { deep: nested(63) } });
    expect(plan).toMatchObject({
      problems: ["layer base, values.yaml, line 1: maps and lists are nested deeper than 64"],
    });
    const deeper = resolve([pack("a: {{ .spectro.var.deep }}")], { ...SCOPE, var: { deep: nested(5000) } });
    expect(deeper).toMatchObject({ problems: [expect.stringContaining("nested deeper than 64")] });
  });
});

test("keys that every map seems to have are no values", () => {
  expect(problems(pack("a: {{ .spectro.var.constructor }}\nb: {{ .spectro.pack.base.toString.name }}"))).toHaveLength(
    2,
  );
  expect(trees(pack('"{{ .spectro.var.p }}": 1'.replace("var.p", "macro.region")))).toEqual([{ eu: 1 }]);
  const plan = resolve([pack('"{{ .spectro.var.p }}": { x: 1 }')], { ...SCOPE, var: { p: "__proto__" } });
  expect(plan).toMatchObject({ kind: "done" });
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

describe("manifests", () => {
  const what = "layer own, manifests/a.yaml";

  test("keep the macros through their templates, and Helm's actions", () => {
    const hidden = hideMacros("m: {{ .spectro.var.n }}\nh: {{ .Values.h }}\n---\ns: '{{ .spectro.var.n }}'\n", what);
    const rendered = { ...hidden, text: hidden.text.replace("{{ .Values.h }}", "1\nx: 2") };
    const read = readMacroManifests(rendered, what);
    if (!read.ok) throw new Error(read.problems.join());
    expect(read.value.map(({ place }) => place)).toEqual([
      `${what}, document 1, line 1`,
      `${what}, document 2, line 5`,
    ]);
    expect(trees(...read.value.map((one) => ({ layer: "own", ...one })))).toEqual([{ m: 3, h: 1, x: 2 }, { s: "3" }]);
  });

  test("in which a template function changes a macro are refused", () => {
    const hidden = hideMacros("a: x{{ .spectro.var.n }}", what);
    const read = readMacroManifests({ ...hidden, text: hidden.text.toUpperCase().replace("0", "1") }, what);
    expect(read).toEqual({ ok: false, problems: [expect.stringContaining("a template function changes it")] });
  });

  test("that are no YAML say where", () => {
    expect(readMacroManifests(hideMacros("a: {{ .spectro.var.n }}\n b: 1", what), what)).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^layer own, manifests\/a.yaml, document 1, line 2: /)],
    });
  });
});

test("values without macros come out as they went in", () => {
  const value = { a: [1, "x", { b: null, "c.d": true }], e: "{{ .Values.x }}", f: "" };
  expect(trees(pack(toYaml(value)), own(value))).toEqual([value, value]);
});
