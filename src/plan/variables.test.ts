import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VARIABLE_TYPES, type VariableDeclaration, type VariableType } from "../api/schema/variables.ts";
import { Failure } from "../errors.ts";
import { integerOf } from "../objects/json.ts";
import { resolveVariables, type VariableInputs, type Variables, type VariableText } from "./variables.ts";

const KEY = new Uint8Array(32).fill(7);
const EDGE = "TargetCluster edge-17";

const declare = (extra: Partial<VariableDeclaration> = {}): VariableDeclaration => ({
  name: "v",
  type: "string",
  ...extra,
});

function text(kind: "ConfigMap" | "Secret", content: string, extra: Partial<VariableText> = {}): VariableText {
  const fromSecret = kind === "Secret";
  const what = `${kind} acme/x key ${extra.name ?? "v"}`;
  return { path: "variablesFrom[0]", what, name: "v", fromSecret, isNamed: false, text: content, ...extra };
}

interface Given {
  profile?: VariableText[];
  clusterTexts?: VariableText[];
  cluster?: Record<string, unknown>;
  previous?: Record<string, string>;
  isLocal?: boolean;
}

function resolve(declared: VariableDeclaration[], given: Given = {}): Variables | Failure {
  const inputs: VariableInputs = { declared, profileTexts: given.profile ?? [], digestKey: KEY };
  if (!given.isLocal) {
    inputs.cluster = { what: EDGE, texts: given.clusterTexts ?? [], values: given.cluster ?? {} };
  }
  return resolveVariables(given.previous ? { ...inputs, previousDigests: given.previous } : inputs);
}

function resolved(declared: VariableDeclaration[], given?: Given): Variables {
  const result = resolve(declared, given);
  if (result instanceof Failure) throw result;
  return result;
}

function problem(declared: VariableDeclaration[], given?: Given): string {
  const result = resolve(declared, given);
  if (!(result instanceof Failure)) throw new Error("it was resolved");
  expect(result.reason).toBe("InvalidValues");
  return result.message;
}

const big = integerOf(2n ** 63n - 1n);

describe("a value given as JSON", () => {
  it.each<[VariableType, string, unknown]>([
    ["string", "text", "hello"],
    ["string", "no text at all", ""],
    ["string", "what looks like an expression", `\${{ variables.other }}`],
    ["integer", "a whole number", 3],
    ["integer", "a negative number", -3],
    ["integer", "zero", 0],
    ["integer", "the greatest of 64 bits", big],
    ["number", "a fraction", 0.5],
    ["number", "a whole number", 2],
    ["number", "a large integer", big],
    ["boolean", "true", true],
    ["boolean", "false", false],
    ["ipv4", "an address", "10.17.0.1"],
    ["ipv4", "the greatest address", "255.255.255.255"],
    ["ipv4cidr", "a network", "10.17.0.0/16"],
    ["ipv4cidr", "an address in its network", "192.168.1.10/24"],
    ["ipv4cidr", "all addresses", "0.0.0.0/0"],
    ["ipv6", "an address in full", "2001:db8:0:0:0:0:0:1"],
    ["ipv6", "an address with a gap", "fd00::1"],
    ["ipv6", "nothing but a gap", "::"],
    ["ipv6", "IPv4 within IPv6", "::ffff:10.0.0.1"],
    ["ipv6cidr", "a network", "fd00:17::/64"],
    ["ipv6cidr", "one address", "fd00::1/128"],
    ["semver", "a version", "1.4.0"],
    ["semver", "a pre-release with a build", "1.4.0-rc.1+build.7"],
    ["base64", "with padding", "aGVsbG8="],
    ["base64", "nothing", ""],
    ["object", "a map", { a: { b: [1, null] } }],
    ["object", "an empty map", {}],
    ["list", "a list", [1, "a", { b: true }]],
    ["list", "an empty list", []],
  ])("%s: %s", (type, _, value) => {
    expect(resolved([declare({ type })], { cluster: { v: value } }).values.get("v")).toEqual(value);
  });

  it.each<[VariableType, string, unknown, string]>([
    ["string", "a number", 1.3, "must be text: put a number, or true and false, in quotes"],
    ["string", "true", true, "must be text"],
    ["string", "a list", ["a"], "must be text"],
    ["integer", "a fraction", 1.5, "must be a whole number of at most 64 bits, without quotes"],
    ["integer", "a number in quotes", "3", "must be a whole number"],
    ["integer", "more than 64 bits", integerOf(2n ** 63n), "must be a whole number of at most 64 bits"],
    ["number", "a number in quotes", "0.5", "must be a number such as 0.5, without quotes"],
    ["number", "true", true, "must be a number"],
    ["boolean", "true in quotes", "true", "must be true or false, without quotes"],
    ["boolean", "a number", 1, "must be true or false"],
    ["ipv4", "three numbers", "10.17.0", "must be an IPv4 address such as 10.0.0.1"],
    ["ipv4", "five numbers", "10.17.0.1.2", "must be an IPv4 address"],
    ["ipv4", "a number over 255", "10.17.0.256", "must be an IPv4 address"],
    ["ipv4", "leading zeros", "10.017.0.1", "must be an IPv4 address"],
    ["ipv4", "a network", "10.17.0.0/16", "must be an IPv4 address"],
    ["ipv4", "an IPv6 address", "fd00::1", "must be an IPv4 address"],
    ["ipv4", "blanks around it", " 10.0.0.1", "must be an IPv4 address"],
    ["ipv4cidr", "no length", "10.17.0.0", "must be an IPv4 network such as 10.0.0.0/16"],
    ["ipv4cidr", "33 bits", "10.17.0.0/33", "must be an IPv4 network"],
    ["ipv4cidr", "two lengths", "10.17.0.0/16/8", "must be an IPv4 network"],
    ["ipv4cidr", "a mask", "10.17.0.0/255.255.0.0", "must be an IPv4 network"],
    ["ipv6", "seven groups", "1:2:3:4:5:6:7", "must be an IPv6 address such as fd00::1"],
    ["ipv6", "nine groups", "1:2:3:4:5:6:7:8:9", "must be an IPv6 address"],
    ["ipv6", "two gaps", "fd00::1::2", "must be an IPv6 address"],
    ["ipv6", "a gap of nothing", "1:2:3:4::5:6:7:8", "must be an IPv6 address"],
    ["ipv6", "a colon too many", "fd00:::1", "must be an IPv6 address"],
    ["ipv6", "a zone", "fe80::1%eth0", "must be an IPv6 address"],
    ["ipv6", "IPv4 in the middle", "1.2.3.4::1", "must be an IPv6 address"],
    ["ipv6cidr", "129 bits", "fd00::/129", "must be an IPv6 network such as fd00::/64"],
    ["semver", "two numbers", "1.4", "must be a semantic version such as 1.4.0, without a v before it"],
    ["semver", "a v", "v1.4.0", "must be a semantic version"],
    ["semver", "a leading zero", "1.04.0", "must be a semantic version"],
    ["base64", "padding that is missing", "aGVsbG8", "must be base64 with its padding, in one line"],
    ["base64", "another alphabet", "-_-_", "must be base64"],
    ["base64", "padding in the middle", "aG=VsbG8", "must be base64"],
    ["object", "a list", [], "must be a map"],
    ["object", "a number beyond 2^53", big, "must be a map"],
    ["list", "a map", {}, "must be a list"],
    ["list", "text", "a,b", "must be a list"],
  ])("%s: not %s", (type, _, value, want) => {
    const message = problem([declare({ type })], { cluster: { v: value } });
    expect(message).toContain(`variable v, from ${EDGE}: ${want}`);
  });

  it("must not be enormous", () => {
    const want = `variable v, from ${EDGE}: must be at most 262144 characters long`;
    expect(problem([declare()], { cluster: { v: "x".repeat(262_145) } })).toBe(want);
    expect(problem([declare({ type: "list" })], { cluster: { v: ["x".repeat(262_145)] } })).toBe(want);
  });
});

describe("a value given as the text of a key", () => {
  it.each<[VariableType, string, string, unknown]>([
    ["string", "text, with its last newline", "pass word\n", "pass word\n"],
    ["string", "a number", "3", "3"],
    ["integer", "digits and a newline", "3\n", 3],
    ["integer", "a sign", "+3", 3],
    ["integer", "the least of 64 bits", "-9223372036854775808", integerOf(-(2n ** 63n))],
    ["number", "a fraction", "0.5", 0.5],
    ["number", "an exponent", "1e3", 1000],
    ["boolean", "true and a newline", "true\n", true],
    ["boolean", "false", "false", false],
    ["ipv4", "an address and a newline", "10.0.0.1\n", "10.0.0.1"],
    ["ipv6cidr", "a network", "fd00::/8", "fd00::/8"],
    ["semver", "a version and a newline", "1.4.0\n", "1.4.0"],
    ["base64", "a line", "aGVsbG8=\n", "aGVsbG8="],
    ["object", "YAML", "a:\n  b: 3\n", { a: { b: 3 } }],
    ["object", "JSON", '{"a": [1]}', { a: [1] }],
    ["list", "YAML", "- a\n- 2\n", ["a", 2]],
    ["list", "YAML with an integer beyond 2^53", "[9007199254740993]", [integerOf(9_007_199_254_740_993n)]],
  ])("%s: %s", (type, _, content, value) => {
    expect(resolved([declare({ type })], { profile: [text("ConfigMap", content)] }).values.get("v")).toEqual(value);
  });

  it.each<[VariableType, string, string, string]>([
    ["integer", "a fraction", "1.5", "must be a whole number of at most 64 bits"],
    ["integer", "nothing", "", "must be a whole number"],
    ["integer", "a hexadecimal number", "0x10", "must be a whole number"],
    ["integer", "more than 64 bits", "9223372036854775808", "must be a whole number"],
    ["number", "a word", "half", "must be a number such as 0.5"],
    ["number", "infinity", "1e999", "must be a number"],
    ["boolean", "yes", "yes", "must be true or false"],
    ["boolean", "True", "True", "must be true or false"],
    ["ipv4cidr", "two lines", "10.0.0.0/8\n10.0.0.0/8", "must be an IPv4 network"],
    ["base64", "two lines", "aGVs\nbG8=", "must be base64"],
    ["object", "a list", "- a", "must be a map"],
    ["object", "a word", "hunter2", "must be a map"],
    ["object", "nothing", "", "must be a map"],
    ["list", "bad YAML", "[a", "its YAML"],
    ["list", "two documents", "- a\n---\n- b", "its YAML: expected one YAML document, found 2"],
  ])("%s: not %s", (type, _, content, want) => {
    const message = problem([declare({ type })], { profile: [text("Secret", content)] });
    expect(message).toContain(`variable v, from variablesFrom[0] Secret acme/x key v: ${want}`);
    expect(message).not.toContain("without quotes");
  });
});

describe("limits", () => {
  const range = { type: "integer", minimum: 1, maximum: 9 } as const;
  const short = { minLength: 2, maxLength: 4 };
  const names = { pattern: "^[a-z]+(-[a-z]+)*$" };
  it.each<[string, Partial<VariableDeclaration>, unknown, string | undefined]>([
    ["the minimum itself", range, 1, undefined],
    ["the maximum itself", range, 9, undefined],
    ["below the minimum", range, 0, "must be at least 1"],
    ["above the maximum", range, 10, "must be at most 9"],
    ["far above the maximum", range, big, "must be at most 9"],
    ["a fraction below its minimum", { type: "number", minimum: 0.5 }, 0.4, "must be at least 0.5"],
    ["a fraction above its minimum", { type: "number", minimum: 0.5 }, 0.6, undefined],
    ["the shortest", short, "ab", undefined],
    ["too short", short, "a", "must have at least 2 characters"],
    ["too long", short, "abcde", "must have at most 4 characters"],
    ["characters, not halves of them", short, "😀😀😀😀", undefined],
    ["one of the enum", { enum: ["a", "b"] }, "b", undefined],
    ["none of the enum", { enum: ["a", "b"] }, "c", 'must be one of "a", "b"'],
    ["none of a list of numbers", { type: "integer", enum: [1, 3] }, 2, "must be one of 1, 3"],
    ["a map of the enum, in another order", { type: "object", enum: [{ a: 1, b: 2 }] }, { b: 2, a: 1 }, undefined],
    ["the pattern", names, "ab-c", undefined],
    ["not the pattern", names, "ab-", "must match the pattern ^[a-z]+(-[a-z]+)*$"],
    ["the pattern within the text", { pattern: "b" }, "abc", undefined],
    ["the pattern of an address", { type: "ipv4", pattern: "^10\\." }, "192.168.0.1", "must match the pattern ^10\\."],
    ["a pattern that ruins other engines", { pattern: "^(a+)+$" }, `${"a".repeat(5000)}!`, "must match the pattern"],
    ["a pattern too large for its text", { pattern: "(a?){500}b" }, "a".repeat(100_000), "is too long to be compared"],
  ])("%s", (_, limits, value, want) => {
    const result = resolve([declare(limits)], { cluster: { v: value } });
    if (want === undefined) expect(result).not.toBeInstanceOf(Failure);
    else expect((result as Failure).message).toContain(`variable v, from ${EDGE}: ${want}`);
  });

  it("are all told of at once", () => {
    const limits = { minLength: 9, pattern: "^x" };
    expect(problem([declare(limits)], { cluster: { v: "abc" } }).split("; ")).toHaveLength(2);
  });
});

describe("the last one that gives a value counts", () => {
  const secondMap = { path: "variablesFrom[1]" };
  it.each<[string, Given, unknown, string]>([
    ["the default alone", {}, "default", "default"],
    [
      "a ConfigMap over the default",
      { profile: [text("ConfigMap", "p")] },
      "p",
      "variablesFrom[0] ConfigMap acme/x key v",
    ],
    ["a Secret over the default", { profile: [text("Secret", "p")] }, "p", "variablesFrom[0] Secret acme/x key v"],
    [
      "the second source over the first",
      { profile: [text("ConfigMap", "p"), text("ConfigMap", "q", secondMap)] },
      "q",
      "variablesFrom[1] ConfigMap acme/x key v",
    ],
    [
      "the cluster's sources over the profile's",
      { profile: [text("ConfigMap", "p")], clusterTexts: [text("ConfigMap", "c")] },
      "c",
      `${EDGE} variablesFrom[0] ConfigMap acme/x key v`,
    ],
    [
      "the cluster's variables over its sources",
      { clusterTexts: [text("Secret", "c")], cluster: { v: "d" } },
      "d",
      EDGE,
    ],
    ["the cluster's variables over all", { profile: [text("ConfigMap", "p")], cluster: { v: "d" } }, "d", EDGE],
    ["an empty text over the default", { cluster: { v: "" } }, "", EDGE],
    ["a null gives nothing", { cluster: { v: null } }, "default", "default"],
    ["the default on local", { isLocal: true }, "default", "default"],
  ])("%s", (_, given, value, source) => {
    const { values, provenance } = resolved([declare({ default: "default" })], given);
    expect(values.get("v")).toBe(value);
    expect(provenance.get("v")).toBe(source);
  });

  it("and only that one must be right", () => {
    const given = { profile: [text("ConfigMap", "not a number")], cluster: { v: 3 } };
    expect(resolved([declare({ type: "integer" })], given).values.get("v")).toBe(3);
  });

  it("a wrong one is not passed over for one before it", () => {
    expect(problem([declare({ default: "a" })], { cluster: { v: 3 } })).toContain("must be text");
  });
});

describe("without a value", () => {
  it.each<[string, Partial<VariableDeclaration>, Given, string]>([
    ["on a cluster", {}, {}, `set it in spec.variables of ${EDGE}`],
    ["on local", {}, { isLocal: true }, "set it in variablesFrom of the profile"],
    ["sensitive", { sensitive: true }, {}, `set it by a Secret in variablesFrom of the profile or of ${EDGE}`],
    [
      "sensitive on local",
      { sensitive: true },
      { isLocal: true },
      "set it by a Secret in variablesFrom of the profile",
    ],
    ["written in another case", {}, { cluster: { V: "x" } }, `${EDGE} gives V, which is another name`],
    ["given as null", {}, { cluster: { v: null } }, `set it in spec.variables of ${EDGE}`],
  ])("a required variable says how to give one: %s", (_, extra, given, want) => {
    const message = problem([declare({ required: true, ...extra })], given);
    expect(message).toBe(`variable v is required and has no value: ${want}`);
  });

  it("a default is enough for a required variable", () => {
    expect(resolved([declare({ required: true, default: "a" })]).values.get("v")).toBe("a");
  });

  it("an optional variable has none, and no provenance", () => {
    const { types, values, provenance } = resolved([declare()]);
    expect(types.get("v")).toBe("string");
    expect([values.size, provenance.size]).toEqual([0, 0]);
  });

  it("a null default is none", () => {
    expect(resolved([declare({ type: "integer", default: null })]).values.has("v")).toBe(false);
  });

  it("all that is missing or wrong is told of at once, in the order of declaration", () => {
    const declared = [
      declare({ name: "a", required: true }),
      declare({ name: "b", type: "integer" }),
      declare({ name: "c", type: "ipv4", required: true }),
    ];
    expect(problem(declared, { cluster: { b: "x" } }).match(/variable \w/g)).toEqual([
      "variable a",
      "variable b",
      "variable c",
    ]);
  });
});

describe("names that the profile does not declare", () => {
  it("are left alone where many profiles share them, and listed", () => {
    const given = {
      profile: [text("Secret", "x", { name: "tls.crt" })],
      clusterTexts: [text("ConfigMap", "x", { name: "other", isNamed: true })],
      cluster: { another: 1 },
    };
    expect(resolved([declare()], given).unused).toEqual([
      "tls.crt, from variablesFrom[0] Secret acme/x key tls.crt",
      `other, from ${EDGE} variablesFrom[0] ConfigMap acme/x key other`,
      `another, from ${EDGE}`,
    ]);
  });

  it.each([
    ["podcidr", "variablesFrom[0]: no variable is named podcidr; did you mean podCIDR?"],
    ["network", "variablesFrom[0]: no variable is named network; known: podCIDR"],
  ])("are a problem where the profile refers to one key: %s", (name, want) => {
    const profile = [text("Secret", "x", { name, isNamed: true })];
    expect(problem([declare({ name: "podCIDR" })], { profile })).toBe(want);
  });

  it("named as every object's own properties are not found", () => {
    const declared = [declare({ name: "constructor" }), declare({ name: "__proto__" }), declare({ name: "toString" })];
    expect(resolved(declared).values.size).toBe(0);
    expect(resolved(declared, { cluster: JSON.parse('{"__proto__": "x"}') }).values.get("__proto__")).toBe("x");
  });
});

describe("sensitive", () => {
  const secret = declare({ sensitive: true });
  const refusal = "variable v is sensitive and may only come from a Secret, but";

  it.each<[string, Given]>([
    ["a Secret of the profile", { profile: [text("Secret", "x")] }],
    ["a Secret of the cluster", { clusterTexts: [text("Secret", "x")] }],
    ["a Secret over a Secret", { profile: [text("Secret", "y")], clusterTexts: [text("Secret", "x")] }],
  ])("may come from %s", (_, given) => {
    const { values, sensitive } = resolved([secret], given);
    expect(values.get("v")).toBe("x");
    expect([...sensitive]).toEqual(["v"]);
  });

  it.each<[string, Given, string]>([
    ["a ConfigMap", { profile: [text("ConfigMap", "x")] }, "variablesFrom[0] ConfigMap acme/x key v gives it"],
    ["the TargetCluster", { cluster: { v: "x" } }, `${EDGE} gives it`],
    [
      "a ConfigMap of the cluster",
      { clusterTexts: [text("ConfigMap", "x")] },
      `${EDGE} variablesFrom[0] ConfigMap acme/x key v gives it`,
    ],
    [
      "a ConfigMap, even if a Secret overrides it",
      { profile: [text("ConfigMap", "x"), text("Secret", "y")] },
      "variablesFrom[0] ConfigMap acme/x key v gives it",
    ],
  ])("may not come from %s", (_, given, want) => {
    expect(problem([secret], given)).toBe(`${refusal} ${want}`);
  });

  it.each<[string, Partial<VariableDeclaration>]>([
    ["default", { default: "x" }],
    ["enum", { enum: ["x"] }],
  ])("may have no %s", (_, extra) => {
    const want =
      "variable v is sensitive and must have no default and no enum: give its value by a Secret in variablesFrom";
    expect(problem([declare({ sensitive: true, ...extra })], { profile: [text("Secret", "x")] })).toBe(want);
  });

  it("is whatever comes from a Secret, and nothing else", () => {
    const declared = [declare(), declare({ name: "w" }), declare({ name: "u" })];
    const given = { profile: [text("Secret", "x"), text("Secret", "y", { name: "w" })], cluster: { w: "open" } };
    expect([...resolved(declared, given).sensitive]).toEqual(["v"]);
  });
});

describe("immutable", () => {
  const fixed = declare({ immutable: true });
  const first = resolved([fixed], { cluster: { v: "first" } }).digests;

  it("the first value is kept as a digest that does not tell it", () => {
    expect(Object.keys(first)).toEqual(["v"]);
    expect(first["v"]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{16}$/);
  });

  it("the same value is no change, wherever it comes from", () => {
    const given = { profile: [text("ConfigMap", "first")], previous: first };
    expect(resolved([fixed], given).digests).toEqual(first);
  });

  it.each<[string, Partial<VariableDeclaration>, Given, string]>([
    ["another value", {}, { cluster: { v: "second" } }, `${EDGE} changes it`],
    ["a value of the cluster goes and a default is left", { default: "third" }, {}, "default changes it"],
    ["no value any more", {}, {}, "nothing gives it any more"],
    ["another type", { type: "list" }, { cluster: { v: ["first"] } }, `${EDGE} changes it`],
  ])("refused: %s", (_, extra, given, want) => {
    const message = problem([declare({ immutable: true, ...extra })], { ...given, previous: first });
    expect(message).toBe(
      `variable v is immutable and was set before, but ${want}: give it its first value again, or declare another variable`,
    );
  });

  it("nothing binds the cluster that was made anew under the same name, whose key is another one", () => {
    const declared = [declare({ immutable: true, default: "second" })];
    const again = resolveVariables({ declared, profileTexts: [], previousDigests: first, digestKey: KEY.map(() => 8) });
    expect(again).toMatchObject({ values: new Map([["v", "second"]]) });
  });

  it("a variable that becomes immutable keeps what it has now", () => {
    expect(resolved([fixed], { cluster: { v: "second" }, previous: {} }).digests["v"]).not.toBe(first["v"]);
  });

  it("a variable that is no longer immutable may change", () => {
    expect(resolved([declare()], { cluster: { v: "second" }, previous: first }).digests).toEqual({});
  });

  it("a variable without a value is not yet set", () => {
    expect(resolved([fixed]).digests).toEqual({});
  });

  it("a wrong value is told of as wrong, not as changed", () => {
    const message = problem([fixed], { cluster: { v: 3 }, previous: first });
    expect(message).not.toContain("immutable");
  });

  it("one named constructor was not set before", () => {
    const declared = [declare({ name: "constructor", immutable: true })];
    expect(resolved(declared, { cluster: { constructor: "x" }, previous: first }).values.get("constructor")).toBe("x");
  });
});

describe("a declaration that is wrong by itself is told of, whatever is given", () => {
  it.each<[string, Partial<VariableDeclaration>, string]>([
    ["a default of another type", { type: "integer", default: "3" }, "variable v, default: must be a whole number"],
    ["a default beyond a limit", { type: "integer", default: 3, maximum: 2 }, "variable v, default: must be at most 2"],
    ["a default outside its enum", { default: "c", enum: ["a"] }, 'variable v, default: must be one of "a"'],
    ["an enum of another type", { enum: ["a", 2] }, "variable v, enum[1]: must be text"],
    ["a pattern that is none", { pattern: "a(" }, "variable v, pattern: a ( without its )"],
    ["a pattern with a back-reference", { pattern: "(a)\\1" }, "variable v, pattern: \\1 is not supported"],
  ])("%s", (_, extra, want) => {
    const value = extra.type === "integer" ? 1 : "a";
    expect(problem([declare(extra)], { cluster: { v: value } })).toContain(want);
  });
});

describe("no value stands in any message or word", () => {
  const canary = "hunter2-canary";
  const poisoned = fc.constantFrom(
    canary,
    `${canary}\n`,
    `[${canary}`,
    `- ${canary}: [`,
    `{"a": "${canary}`,
    `*${canary}`,
  );
  const json = fc.constantFrom<unknown>(canary, [canary], { [canary]: canary }, { a: [canary] });
  const limits = fc.record<Partial<VariableDeclaration>>(
    {
      required: fc.boolean(),
      sensitive: fc.boolean(),
      immutable: fc.boolean(),
      minLength: fc.nat(40),
      maxLength: fc.nat(9),
      pattern: fc.constantFrom("^x$", "(", "(a|b)*c"),
      minimum: fc.integer(),
    },
    { requiredKeys: [] },
  );

  it("whatever the type, the limits and the place", () => {
    fc.assert(
      fc.property(fc.constantFrom(...VARIABLE_TYPES), limits, poisoned, json, (type, extra, content, value) => {
        const declared = [declare({ ...extra, type })];
        const previous = { v: "0123456789abcdef" };
        for (const given of [
          { profile: [text("Secret", content)] },
          { profile: [text("ConfigMap", content)], clusterTexts: [text("Secret", content)], previous },
          { cluster: { v: value }, previous },
        ]) {
          const result = resolve(declared, given);
          const words =
            result instanceof Failure ? [result.message] : [...result.provenance.values(), ...result.unused];
          expect(words.join()).not.toContain("hunter2");
        }
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it("not even of a default or an enum that is wrong", () => {
    expect(problem([declare({ type: "integer", default: canary, enum: [canary] })])).not.toContain("hunter2");
  });
});

it("never throws, whatever JSON is given", () => {
  fc.assert(
    fc.property(fc.constantFrom(...VARIABLE_TYPES), fc.jsonValue(), fc.string(), (type, value, content) => {
      resolve([declare({ type })], { cluster: { v: value } });
      resolve([declare({ type })], { profile: [text("ConfigMap", content)] });
    }),
  );
});
