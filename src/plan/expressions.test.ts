import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { VariableType } from "../api/schema/variables.ts";
import { integerOf, stringifyJson } from "../objects/json.ts";
import { knownNames, type LayerOutput, type Scope } from "./expression-scope.ts";
import { escapeExpressions } from "./expression-text.ts";
import {
  checkCondition,
  type Evaluated,
  evaluateCondition,
  evaluateText,
  evaluateTree,
  expressionsIn,
} from "./expressions.ts";

/** An expression, as a person writes it. */
const x = (cel: string) => `\${{ ${cel} }}`;

type Values = Record<string, { type?: VariableType; value?: unknown; sensitive?: boolean }>;

function scopeWith(variables: Values, extra: Partial<Omit<Scope, "variables">> = {}): Scope {
  const entries = Object.entries(variables);
  return {
    cluster: {
      name: "edge-17",
      namespace: "acme",
      labels: { env: "prod", "topology.example.com/zone": "b" },
      kubernetesVersion: "v1.36.3",
    },
    profile: { name: "base", namespace: "acme", kind: "ClusterProfile" },
    layers: new Map([
      [
        "db",
        new Map<string, LayerOutput>([
          ["host", { value: "10.0.0.9" }],
          ["port", { value: 5432 }],
          ["password", { value: "hunter2", sensitive: true }],
          ["later", {}],
          ["too-late", {}],
        ]),
      ],
      ["cert-manager", new Map([["issuer", { value: "ca" }]])],
    ]),
    ...extra,
    variables: {
      types: new Map(entries.map(([name, { type }]) => [name, type ?? "string"])),
      values: new Map(entries.filter(([, { value }]) => value !== undefined).map(([name, { value }]) => [name, value])),
      sensitive: new Set(entries.filter(([, { sensitive }]) => sensitive).map(([name]) => name)),
    },
  };
}

const scope = scopeWith({
  name: { value: "shop" },
  replicas: { type: "integer", value: 3 },
  huge: { type: "integer", value: integerOf(9_007_199_254_740_993n) },
  ratio: { type: "number", value: 2 },
  on: { type: "boolean", value: true },
  hosts: { type: "list", value: ["a", "b"] },
  mixed: { type: "list", value: ["a", 1] },
  tree: { type: "object", value: { a: { b: 1.5, c: 2 }, constructor: "mine", "x.y": null } },
  password: { value: "hunter2", sensitive: true },
  data: { value: x("variables.name") },
  unset: {},
});

function givenBy<T>(result: Evaluated<T>): T {
  if (result.kind !== "value") throw new Error(JSON.stringify(result));
  return result.value;
}

const valuesOf = (tree: unknown) => givenBy(evaluateTree(tree, scope, "values"));

function problemsOf(tree: unknown): readonly string[] {
  const result = evaluateTree(tree, scope, "values");
  return result.kind === "failed" ? result.problems : [];
}

describe("a scalar that is one expression keeps the type", () => {
  it.each<[string, string, unknown]>([
    ["text", "variables.name", "shop"],
    ["an integer", "variables.replicas", 3],
    ["arithmetic of integers", "variables.replicas + 1", 4],
    ["an integer beyond 2^53", "variables.huge + 1", integerOf(9_007_199_254_740_994n)],
    ["a whole number of type number counts as a double", "variables.ratio / 4.0", 0.5],
    ["true", "variables.on && !false", true],
    ["a list", "variables.hosts", ["a", "b"]],
    ["a list made anew", 'variables.hosts.map(h, h + ".example.com")', ["a.example.com", "b.example.com"]],
    ["a map", "variables.tree", { a: { b: 1.5, c: 2 }, constructor: "mine", "x.y": null }],
    ["a field of a map", "variables.tree.a.c * 2", 4],
    ["a field with a dot", 'variables.tree["x.y"]', null],
    ["a map written in CEL", '{"a": {"b": variables.replicas}}', { a: { b: 3 } }],
    ["an unsigned integer", "3u", 3],
    ["null", "null", null],
    ["an output", "layers.db.outputs.port", 5432],
    ["an output of a layer with a dash", 'layers["cert-manager"].outputs.issuer', "ca"],
    ["the cluster's name", "cluster.name", "edge-17"],
    ["the cluster's version", 'cluster.kubernetesVersion.startsWith("v1.36")', true],
    ["a label", "cluster.labels.env", "prod"],
    ["a label with a dot", 'cluster.labels["topology.example.com/zone"]', "b"],
    ["whether there is a label", '"gpu" in cluster.labels', false],
    ["a label or else", 'cluster.labels[?"gpu"].orValue("none")', "none"],
    ["labels, counted", "size(cluster.labels)", 2],
    ["the profile", 'profile.kind + "/" + profile.name', "ClusterProfile/base"],
    ["an optional variable, if it has a value", "has(variables.unset)", false],
    ["an optional variable or else", "variables.?unset.orValue(7)", 7],
    ["an output that may be late", 'has(layers.db.outputs.later) ? layers.db.outputs.later : "none"', "none"],
    ["a branch that is not taken", "variables.on ? 1 : variables.unset", 1],
    ["texts joined", 'variables.hosts.join(",")', "a,b"],
    ["a text split", '"a-b".split("-")', ["a", "b"]],
    ["where a text stands in another", '"abcb".indexOf("b") * 10 + "abcb".lastIndexOf("b")', 13],
    ["a pattern as RE2 has it", 'variables.name.matches("^sh(?i)OP$")', true],
    ["a double that is not printed as CEL would", "1e21", 1e21],
    ["minus nothing", "-0.0", 0],
  ])("%s", (_, cel, want) => {
    expect(valuesOf({ v: x(cel) })).toEqual({ v: want });
  });

  it("a blank beside it makes a text of it", () => {
    expect(valuesOf([` ${x("variables.replicas")}`, `${x("variables.replicas")}\n`])).toEqual([" 3", "3\n"]);
  });

  it("without blanks inside, and over several lines", () => {
    const lines = `\${{variables.on\n  ? // the usual\n  "yes" : "no"}}`;
    expect(valuesOf([`\${{variables.replicas}}`, lines])).toEqual([3, "yes"]);
  });
});

describe("in a longer text", () => {
  it.each<[string, string, string]>([
    ["text", `http://${x("variables.name")}.local`, "http://shop.local"],
    ["several", `${x("variables.name")}-${x("variables.replicas")}`, "shop-3"],
    ["an integer beyond 2^53", `n${x("variables.huge")}`, "n9007199254740993"],
    ["a double", `n${x("0.1")}`, "n0.1"],
    ["a whole double", `n${x("variables.ratio")}`, "n2"],
    ["a large double", `n${x("1.5e21")}`, "n1500000000000000000000"],
    ["a small double", `n${x("-1.5e-7")}`, "n-0.00000015"],
    ["true", `is ${x("variables.on")}`, "is true"],
    ["nothing", `a${x('""')}b`, "ab"],
    ["an unsigned integer", `n${x("3u")}`, "n3"],
  ])("%s", (_, text, want) => {
    expect(valuesOf(text)).toBe(want);
  });

  it.each<[string, string, string]>([
    ["a list", "variables.hosts", "gives a list, which cannot stand in a text"],
    ["a map", "variables.tree", "gives a map, which cannot stand in a text"],
    ["null", "null", "gives null, which cannot stand in a text"],
    [
      "an optional value",
      "variables.?unset",
      "gives an optional value (add .orValue(…) to it), which cannot stand in a text",
    ],
    ["infinity", "1.0 / 0.0", "gives a number without an end, or none"],
  ])("no %s", (_, cel, want) => {
    expect(problemsOf({ a: `see ${x(cel)}` })).toEqual([`values.a, character 5: ${want}`]);
  });
});

describe("where an expression begins and ends", () => {
  it.each<[string, string, unknown]>([
    ["braces in a text of CEL", x('"}}"'), "}}"],
    ["a quote in a text of CEL", x(`"\\"}}"`), '"}}'],
    ["a text of CEL in three quotes", x(`"""a"}}"b"""`), 'a"}}"b'],
    ["braces of maps", `\${{{"a":{"b":1}}}}`, { a: { b: 1 } }],
    ["braces behind a comment", `\${{ 1 // don't }}`, 1],
    ["dollars before it", `$$\${{ 1 }}`, "$1"],
    ["an escaped one", `$\${{ a }}`, `\${{ a }}`],
    ["an escaped one that holds one", `$\${{ ${x("1")} }}`, `\${{ 1 }}`],
    ["a dollar before an escaped one", `$$$\${{`, `$\${{`],
    ["a lone end", "}} and }", "}} and }"],
    [
      "what shells, Makefiles and Go templates write",
      `\${X} $(Y) $$ {{ .Z }} \${Z:-{}}`,
      `\${X} $(Y) $$ {{ .Z }} \${Z:-{}}`,
    ],
  ])("%s", (_, text, want) => {
    expect(valuesOf(text)).toEqual(want);
  });

  it.each<[string, string, number]>([
    ["no end", `a \${{ variables.name`, 3],
    ["one brace", `\${{ variables.name }`, 1],
    ["an end in a text of CEL only", `\${{ "a }}`, 1],
    ["an end in a map of CEL only", `\${{ {"a": {} }}`, 1],
  ])("without an end: %s", (_, text, at) => {
    const want = `values: the expression at character ${at} has no }} that ends it; for a literal "$" before "{{" write two of them`;
    expect(problemsOf(text)).toEqual([want]);
  });

  it.each<[string, string, number]>([
    ["dollars", "$", 1_000_000],
    ["escapes", `$\${{`, 200_000],
    ["braces", "{{", 500_000],
    ["beginnings", `\${{`, 300_000],
    ["comments", "//\n", 300_000],
    ["quotes", `\${{ "`, 100_000],
  ])(
    "a text of many %s is split in linear time",
    (_, unit, count) => {
      evaluateText(`\${{ ${unit.repeat(count)}`, scope, "version");
      expect(givenBy(evaluateText(escapeExpressions(unit.repeat(count)), scope, "version"))).toHaveLength(
        unit.length * count,
      );
    },
    60_000,
  );
});

describe("nothing but expressions in scalars changes", () => {
  const cels = ["variables.name", "variables.replicas", "variables.hosts", '"$" + "{{ 1 }}"', "null", "1.5"];
  const scalar = fc.oneof(
    fc.string(),
    fc.constantFrom(...cels).map(x),
    fc.constantFrom("variables.name", "variables.replicas").map((cel) => `see ${x(cel)} there`),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.constant(integerOf(2n ** 60n)),
  );
  const key = fc.oneof(
    fc.string(),
    fc.constant(x("variables.name")),
    fc.constantFrom("__proto__", "constructor", "a.b"),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      scalar,
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie("tree")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    ),
  }));

  /** The same keys and lengths in the same order, and the same scalars where there is no expression. */
  function sameShape(before: unknown, after: unknown): void {
    if (typeof before === "string") {
      if (!before.includes("{{")) expect(after).toBe(before);
      else if (!before.startsWith("$")) expect(typeof after).toBe("string");
    } else if (typeof before !== "object" || before === null || JSON.stringify(before) === String(2n ** 60n)) {
      expect(after).toBe(before);
    } else {
      expect(Array.isArray(after)).toBe(Array.isArray(before));
      expect(Object.keys(after as object)).toEqual(Object.keys(before));
      const items = Object.entries(before);
      for (const [name, item] of items) sameShape(item, Object.getOwnPropertyDescriptor(after, name)?.value);
    }
  }

  it("keys, lengths, order and all other scalars stay", () => {
    fc.assert(
      fc.property(tree, (before) => {
        const text = stringifyJson(before);
        const result = evaluateTree(before, scope, "values");
        expect(stringifyJson(before)).toBe(text);
        if (result.kind === "value") sameShape(before, result.value);
        else expect(text).toContain("${{");
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it("the copy shares nothing with the tree or with variables", () => {
    const before = { a: [{ b: 1 }], c: x("variables.hosts") };
    const after = valuesOf(before) as { a: { b: number }[]; c: string[] };
    after.a[0]!.b = 2;
    after.c.push("z");
    expect(before.a[0]!.b).toBe(1);
    expect(valuesOf(before)).toEqual({ a: [{ b: 1 }], c: ["a", "b"] });
  });

  it("an escaped text stands for itself", () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom("$", "$$", "{{", "}}", "{", `\${{`, x("variables.name"), "'", '"'),
    );
    fc.assert(
      fc.property(
        fc.array(part).map((parts) => parts.join("")),
        (text) => {
          expect(valuesOf(escapeExpressions(text))).toBe(text);
        },
      ),
      { numRuns: 500 },
    );
  }, 60_000);

  it("what others mean by braces and dollars stands for itself", () => {
    const inner = fc.string().filter((text) => !text.startsWith("{") && !text.includes("{{"));
    const foreign = fc.tuple(
      fc.constantFrom(["${", "}"], ["$(", ")"], ["{{", "}}"], ["{{-", "-}}"], ["$$", "$$"]),
      inner,
    );
    const text = foreign.map(([[open = "", close = ""], middle]) => `a ${open}${middle}${close} b`);
    fc.assert(
      fc.property(text, (value) => {
        expect(valuesOf({ value })).toEqual({ value });
        expect(escapeExpressions(value)).toBe(value);
      }),
    );
  });

  it("the value of a variable is data, however it looks", () => {
    expect(valuesOf({ a: x("variables.data"), b: `- ${x("variables.data")}` })).toEqual({
      a: x("variables.name"),
      b: `- ${x("variables.name")}`,
    });
    fc.assert(
      fc.property(fc.string(), (value) => {
        const evil = scopeWith({ evil: { value } });
        expect(givenBy(evaluateTree([x("variables.evil"), `a${x("variables.evil")}`], evil, "values"))).toEqual([
          value,
          `a${value}`,
        ]);
      }),
    );
  });
});

describe("what is wrong", () => {
  it.each<[string, string, string]>([
    [
      "a variable that is not declared",
      "variables.nam",
      "variables.nam is not declared in spec.variables; did you mean name?",
    ],
    [
      "a variable like none",
      "variables.wavelength",
      "variables.wavelength is not declared in spec.variables; known: data, hosts, huge, mixed, name and 6 more",
    ],
    [
      "a variable in another case",
      "variables.Name",
      "variables.Name is not declared in spec.variables; did you mean name?",
    ],
    [
      "a variable that is not declared, asked for first",
      "has(variables.Name)",
      "variables.Name is not declared in spec.variables; did you mean name?",
    ],
    ["a variable without a value", "variables.unset", "variables.unset has no value: give it one, or a default"],
    [
      "a layer that is not before this one",
      "layers.storefront.outputs.host",
      "no layer before this one is named storefront; known: cert-manager, db",
    ],
    [
      "an output that is not declared",
      "layers.db.outputs.hosts",
      "layer db has no output named hosts; did you mean host?",
    ],
    [
      "a layer without its quotes",
      "layers.cert-manager.outputs.issuer",
      'layers at character 1 must be followed by names: layers.<layer>.outputs.<output>; a name with "-" is written layers["cert-manager"]',
    ],
    [
      "a layer as a whole",
      "layers.db",
      "layers at character 1 must be followed by names: layers.<layer>.outputs.<output>",
    ],
    [
      "a variable by a name worked out",
      "variables[cluster.name]",
      "variables at character 1 must be followed by a name: variables.<name>",
    ],
    ["all variables", "size(variables)", "variables at character 6 must be followed by a name: variables.<name>"],
    [
      "a field of the cluster",
      "cluster.uid",
      "cluster at character 1 must be followed by one of its fields: name, namespace, labels, kubernetesVersion",
    ],
    ["a label", "cluster.labels.gpu", "cluster edge-17 has no label gpu"],
    [
      "a label that every object of JavaScript has",
      "cluster.labels.constructor",
      "cluster edge-17 has no label constructor",
    ],
    [
      "an annotation, whose change wakes nobody",
      'cluster.annotations["a/b"]',
      "cluster at character 1 must be followed by one of its fields: name, namespace, labels, kubernetesVersion",
    ],
    ["a field of the profile without a value", "profile.version", "profile.version has no value here"],
    [
      "a name",
      "nodes.size()",
      "nodes at character 1 is no name here: there are cluster, profile, variables and layers",
    ],
    [
      "a name of a loop outside of it",
      "variables.hosts.all(h, true) && h",
      "h at character 33 is no name here: there are cluster, profile, variables and layers",
    ],
    ["a field of a map", "variables.tree.z", "variables.tree.z is not there"],
    ["an entry of a list", "variables.hosts[7]", "variables.hosts[7] is not there"],
    ["syntax", "variables.name +", "unexpected token: EOF at character 17"],
    ["nothing", "", "an expression must not be empty"],
    ["types", "variables.name + 1", "no such overload: dyn<string> + int at character 1"],
    ["types that are known before", '"a" + 1', "no such overload: string + int at character 1"],
    ["a function", "variables.name.reverse()", "reverse() is not available here at character 1"],
    [
      "a function's arguments",
      "variables.name.contains(1)",
      "found no matching overload for 'string.contains(int)' at character 1",
    ],
    ["a clock", 'timestamp("2026-01-01T00:00:00Z")', "timestamp() is not available here at character 1"],
    ["a division", "1 / (variables.replicas - 3)", "division by zero at character 1"],
    ["an overflow", "9223372036854775807 + variables.replicas", "numeric overflow at character 1"],
    ["a pattern", '"a".matches("(?=a)")', "has a pattern that does not work: (?= is not supported at character 13"],
    ["texts to join", 'variables.mixed.join(",")', "join() needs a list of texts: write string(…) for the others"],
    ["a key that would be lost", '{"constructor": 1}', "a map at character 1 cannot have the key constructor"],
    [
      "an optional value",
      "variables.?unset",
      "gives an optional value (add .orValue(…) to it), which has no place in YAML",
    ],
    ["bytes", 'b"a"', "gives something, which has no place in YAML"],
    ["a type", "type(1)", "gives something, which has no place in YAML"],
    ["length", `"${"a".repeat(4096)}"`, "the expression is longer than 4096 characters"],
  ])("%s", (_, cel, want) => {
    expect(problemsOf({ a: { "b.c": [x(cel)] } })).toEqual([`values.a.b\\.c[0]: ${want}`]);
  });

  it("is said of all expressions at once, and of each name once", () => {
    const tree = {
      a: x("variables.one + variables.two + variables.one"),
      b: [`see ${x("variables.three")} and ${x("variables.unset")}`],
      c: x("variables.four + variables.unset"),
    };
    expect(problemsOf(tree).map((problem) => problem.split(" is not")[0]?.split(" has no")[0])).toEqual([
      "values.a: variables.one",
      "values.a: variables.two",
      "values.b[0], character 5: variables.three",
      "values.b[0], character 32: variables.unset",
      "values.c: variables.four",
      "values.c: variables.unset",
    ]);
  });
});

describe("outputs that are not there yet", () => {
  it("are waited for, each once, and nothing is given", () => {
    const tree = [
      x("layers.db.outputs.later"),
      `a${x('layers.db.outputs["too-late"] + layers.db.outputs.later')}`,
      "b",
    ];
    expect(evaluateTree(tree, scope, "values")).toEqual({
      kind: "waiting",
      on: [
        { layer: "db", output: "later" },
        { layer: "db", output: "too-late" },
      ],
    });
  });

  it("are no reason to hold back what is wrong", () => {
    expect(problemsOf([x("layers.db.outputs.later"), x("variables.nam")])).toHaveLength(1);
    expect(problemsOf([x("layers.db.outputs.later + variables.unset")])).toEqual([
      "values[0]: variables.unset has no value: give it one, or a default",
    ]);
  });

  it("are not waited for where they are not needed", () => {
    expect(valuesOf(x('variables.on || layers.db.outputs.later == "a"'))).toBe(true);
  });

  it("a condition and a text wait too", () => {
    const on = [{ layer: "db", output: "later" }];
    expect(evaluateCondition('layers.db.outputs.later == "a"', scope, "when")).toEqual({ kind: "waiting", on });
    expect(evaluateText(`1.${x("layers.db.outputs.later")}`, scope, "version")).toEqual({ kind: "waiting", on });
  });
});

describe("what a tree uses", () => {
  it("each name once", () => {
    const tree = [
      x("variables.name + variables.name"),
      x("variables.hosts.map(h, h + layers.db.outputs.host)"),
      x('has(cluster.labels.env) ? profile.name : cluster.labels["a"]'),
    ];
    const result = evaluateTree(tree, scope, "values");
    const uses = {
      variables: new Set(["name", "hosts"]),
      outputs: [{ layer: "db", output: "host" }],
      cluster: new Set(["labels"]),
      profile: new Set(["name"]),
    };
    expect(result).toMatchObject({ kind: "value", uses });
    expect(expressionsIn(tree, knownNames(scope), "values")).toEqual({ uses, problems: [] });
  });

  it("the names of loops hide ours", () => {
    const cel = "[1].map(variables, variables + 1).size() + [2].map(cluster, cluster).size()";
    expect(evaluateTree(x(cel), scope, "values")).toMatchObject({ value: 2, uses: { variables: new Set() } });
  });

  it("the scalars into which something sensitive goes", () => {
    const tree = {
      a: x("variables.name"),
      b: [`${x("variables.password")}:${x("variables.password")}`],
      c: x("layers.db.outputs.password"),
      d: x("variables.on ? variables.name : variables.password"),
    };
    expect(evaluateTree(tree, scope, "values")).toMatchObject({
      sensitivePaths: ["values.b[0]", "values.c", "values.d"],
    });
    expect(evaluateText(x("variables.password"), scope, "version")).toMatchObject({ sensitivePaths: ["version"] });
    expect(evaluateText(x("variables.name"), scope, "version")).toMatchObject({ sensitivePaths: [] });
  });
});

describe("a text that stays a text", () => {
  it.each<[string, string, string]>([
    ["without expressions", "1.18.x", "1.18.x"],
    ["one that is a number", x("variables.replicas"), "3"],
    ["a part", `1.${x("variables.replicas")}.x`, "1.3.x"],
    ["an escaped one", `$\${{ x }}`, `\${{ x }}`],
  ])("%s", (_, text, want) => {
    expect(givenBy(evaluateText(text, scope, "version"))).toBe(want);
  });

  it("takes no list", () => {
    expect(evaluateText(x("variables.hosts"), scope, "namespace")).toEqual({
      kind: "failed",
      problems: ["namespace: gives a list, which cannot stand in a text"],
    });
  });
});

describe("a condition", () => {
  it.each<[string, boolean]>([
    ["true", true],
    ['cluster.labels.env == "prod" && variables.replicas > 2', true],
    ['"gpu" in cluster.labels', false],
    ["has(variables.unset)", false],
  ])("%s", (cel, want) => {
    expect(givenBy(evaluateCondition(cel, scope, "when"))).toBe(want);
    expect(checkCondition(cel, knownNames(scope), "when").problems).toEqual([]);
  });

  it.each<[string, string, boolean]>([
    ["variables.replicas", "when: gives a number, but must give true or false", false],
    ["variables.name", "when: gives text, but must give true or false", false],
    ['"a"', "when: gives text, but must give true or false", false],
    ["variables.nam == 1", "when: variables.nam is not declared in spec.variables; did you mean name?", true],
    ["1 +", "when: unexpected token: EOF at character 4", true],
    [x("true"), "when: is CEL as it stands: leave out the marks of an expression around it", true],
  ])("not %s", (cel, want, isKnownBefore) => {
    expect(evaluateCondition(cel, scope, "when")).toEqual({ kind: "failed", problems: [want] });
    if (isKnownBefore) expect(checkCondition(cel, knownNames(scope), "when").problems).toEqual([want]);
  });

  it("that can give no truth is told of before it runs", () => {
    const { problems } = checkCondition("1 + 1", knownNames(scope), "when");
    expect(problems).toEqual(["when: gives int, but must give true or false"]);
  });
});

describe("checks without a cluster", () => {
  it("find what is wrong in syntax and names, and nothing that a value decides", () => {
    const tree = {
      fine: x("variables.unset"),
      late: x("layers.db.outputs.later"),
      typo: x("variables.nam"),
      open: `\${{ 1`,
      bad: [x("1 +")],
      [x("variables.keysAreLeftAlone")]: 1,
    };
    expect(expressionsIn(tree, knownNames(scope), "layers[0].values").problems.map((p) => p.split(":")[0])).toEqual([
      "layers[0].values.typo",
      "layers[0].values.open",
      "layers[0].values.bad[0]",
    ]);
  });
});

describe("an expression takes bounded time and memory", () => {
  const ten = "[1,2,3,4,5,6,7,8,9,10]";
  const nest = (macro: string, depth: number): string =>
    depth === 0 ? "true" : `${ten}.${macro}(v${depth}, ${nest(macro, depth - 1)})`;
  const long = scopeWith({
    long: { value: "a".repeat(262_144) },
    part: { value: `${"a".repeat(60_000)}b${"a".repeat(60_000)}` },
    list: { type: "list", value: Array.from({ length: 2000 }, (_, index) => index) },
  });
  it.each<[string, string]>([
    ["loops in loops", `${nest("map", 8)}.size() > 0`],
    ["loops whose errors are caught", `${nest("all", 9)} || true`],
    ["a text doubled", `["x"]${".map(a, a + a)".repeat(40)}[0] == "x"`],
    ["a list doubled", `[[1]]${".map(a, a + a)".repeat(30)}.size() > 0`],
    ["a list with itself", "variables.list.all(a, variables.list.all(b, a in variables.list))"],
    ["lists compared", "variables.list.all(a, variables.list == variables.list)"],
    ["a search that is slow in V8", "variables.long.contains(variables.part)"],
    ["a search from the end", "variables.long.lastIndexOf(variables.part) > 0"],
    ["a split", "variables.long.split(variables.part).size() > 0"],
    ["texts joined by a long one", 'variables.long.split("").join(variables.long) == ""'],
    ["a long expression in a loop", `variables.list.all(a, ${"a + ".repeat(400)}a >= 0)`],
    ["a pattern", 'variables.list.all(a, variables.long.matches("(a+)+$"))'],
  ])(
    "%s",
    (_, cel) => {
      expect(evaluateCondition(cel, long, "when")).toEqual({
        kind: "failed",
        problems: [expect.stringMatching(/^when: (takes too long to evaluate|exceeded max)/)],
      });
    },
    60_000,
  );

  it("a result is not larger than an object can be", () => {
    expect(evaluateTree(x("[variables.long, variables.long, variables.long, variables.long]"), long, "values")).toEqual(
      {
        kind: "failed",
        problems: ["values: gives more than 1048576 characters"],
      },
    );
  });

  it("many expressions share one budget", () => {
    const tree = Array.from({ length: 200 }, () => x("variables.long"));
    expect(evaluateTree(tree, long, "values")).toMatchObject({ kind: "failed" });
  });

  it("a large variable costs only where it is used", () => {
    const tree = Array.from({ length: 5000 }, () => x("cluster.name"));
    expect(evaluateTree(tree, long, "values").kind).toBe("value");
  });

  it("a tree of any depth is answered", () => {
    let tree: unknown = x("1");
    for (let depth = 0; depth < 3000; depth++) tree = [tree];
    const result = evaluateTree(tree, scope, "values");
    expect(result).toMatchObject({ kind: "failed", problems: [expect.stringMatching(/is nested deeper than 200$/)] });
  });
});

describe("an evaluation never throws, and tells no value", () => {
  const word = fc.constantFrom(
    ...[
      "variables",
      "password",
      "layers",
      "db",
      "outputs",
      "cluster",
      "labels",
      "h",
      "map",
      "has",
      "size",
      "string",
      "int",
    ],
    ...[
      "matches",
      "join",
      "split",
      "null",
      "true",
      "in",
      "1",
      "1.5",
      "9223372036854775807",
      '"a"',
      "'b'",
      "orValue",
      "type",
    ],
  );
  const mark = fc.constantFrom(
    ...[".", ".?", "[", "]", "[?", "(", ")", "{", "}", "+", "-", "/", "==", "<", "&&", "||", "!", "?", ":", ",", " "],
  );
  const junk = fc.array(fc.oneof(word, mark), { maxLength: 14 }).map((parts) => parts.join(""));
  const sensible = fc.constantFrom(
    "variables.password + 1",
    "int(variables.password)",
    "double(variables.password)",
    "bool(variables.password)",
    "variables.password[0]",
    "variables.password.hunter",
    "variables.password ? 1 : 2",
    "{variables.password: 1}[variables.hosts[0]]",
    "variables.tree[variables.password]",
    "variables.hosts[variables.password]",
    "variables.name.matches(variables.password + '(')",
    "variables.name.substring(size(variables.password))",
    "variables.password.map(x, x)",
    "-variables.password",
    "[variables.password].join(1)",
    "layers.db.outputs.password.a.b",
  );
  it("of any text", () => {
    fc.assert(
      fc.property(fc.oneof(junk, sensible, fc.string()), (cel) => {
        const text = [
          evaluateTree({ a: x(cel), b: `see ${x(cel)}` }, scope, "values"),
          evaluateCondition(cel, scope, "when"),
          evaluateText(x(cel), scope, "version"),
        ].map((result) => (result.kind === "failed" ? result.problems.join() : ""));
        expect(text.join()).not.toContain("hunter2");
      }),
      { numRuns: 2000 },
    );
  }, 60_000);
});
