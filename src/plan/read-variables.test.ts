import { describe, expect, it } from "vitest";
import { parseProfile, parseTargetCluster } from "../api/parse.ts";
import type { Profile, TargetCluster } from "../api/types.ts";
import { type ReadVariables, readVariables } from "./read-variables.ts";
import type { Reference, Referent } from "./references.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** What there is on the hub. */
const HUB: Readonly<Record<string, Record<string, string>>> = {
  "ConfigMap/acme/one": { a: "map one a", b: "map one b", c: "map one c" },
  "ConfigMap/acme/two": { a: "map two a" },
  "Secret/acme/one": { a: base64("secret one a"), b: base64("secret one b") },
  "Secret/acme/two": { a: base64("secret two a") },
  "ConfigMap/other/one": { a: "map other a", b: "map other b" },
  "Secret/other/one": { a: base64("secret other a"), b: base64("secret other b") },
};

function referent({ kind, namespace, name }: Reference): Referent {
  if (name === "late") return { kind: "reading" };
  const data = HUB[`${kind}/${namespace}/${name}`];
  if (!data) return { kind: "absent" };
  return { kind: "found", object: { apiVersion: "v1", kind, metadata: { name, namespace }, data } };
}

interface Given {
  kind?: string;
  variables?: object[];
  variablesFrom?: object[];
  /** None for the cluster `local`. */
  cluster?: object;
  fixed?: Record<string, string>;
}

const API = "strata.dev/v1alpha1";
const ABC = [{ name: "a" }, { name: "b" }];

function profileOf({ kind = "AddOnProfile", variables = ABC, variablesFrom }: Given): Profile {
  const layers = [{ name: "l", manifests: [{ inline: "{}" }] }];
  const from = variablesFrom ? { variablesFrom } : {};
  const spec = { clusterRefs: [{ name: "local" }], variables, ...from, layers };
  const metadata = { name: "p", ...(kind === "SystemProfile" ? {} : { namespace: "acme" }) };
  const parsed = parseProfile({ apiVersion: API, kind, metadata, spec });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

function clusterOf(extra: object): TargetCluster {
  const spec = { connection: { kubeconfigSecretRef: { name: "k" } }, ...extra };
  const metadata = { name: "edge", namespace: "acme" };
  const parsed = parseTargetCluster({ apiVersion: API, kind: "TargetCluster", metadata, spec });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

const read = (given: Given): ReadVariables =>
  readVariables({
    profile: profileOf(given),
    target: given.cluster && clusterOf(given.cluster),
    referents: referent,
    digestKey: new Uint8Array(32),
    fixed: given.fixed ?? {},
  });

function variables(given: Given) {
  const result = read(given);
  if (result.kind !== "read") throw new Error(JSON.stringify(result));
  return result.variables;
}

const valuesOf = (given: Given) => Object.fromEntries(variables(given).values);

function problem(given: Given): string {
  const result = read(given);
  if (result.kind !== "missing") throw new Error(JSON.stringify(result));
  return result.failure.message;
}

/** One source each, and what it gives. */
const SOURCES: [field: string, from: object, want: Record<string, unknown>][] = [
  ["configMapRef.name", { configMapRef: { name: "one" } }, { a: "map one a", b: "map one b" }],
  ["another ConfigMap", { configMapRef: { name: "two" } }, { a: "map two a" }],
  ["secretRef.name", { secretRef: { name: "one" } }, { a: "secret one a", b: "secret one b" }],
  ["another Secret", { secretRef: { name: "two" } }, { a: "secret two a" }],
  ["configMapKeyRef.name", { configMapKeyRef: { name: "two", key: "a" } }, { a: "map two a" }],
  ["configMapKeyRef.key", { configMapKeyRef: { name: "one", key: "b" } }, { b: "map one b" }],
  ["secretKeyRef.name", { secretKeyRef: { name: "two", key: "a" } }, { a: "secret two a" }],
  ["secretKeyRef.key", { secretKeyRef: { name: "one", key: "b" } }, { b: "secret one b" }],
  ["variable", { configMapKeyRef: { name: "one", key: "c" }, variable: "a" }, { a: "map one c" }],
  ["optional", { configMapRef: { name: "none" }, optional: true }, {}],
  ["an optional key", { secretKeyRef: { name: "one", key: "z" }, variable: "a", optional: true }, {}],
];

describe("variablesFrom of a profile", () => {
  // leaf: Profile spec.variablesFrom[].configMapRef.name
  // leaf: Profile spec.variablesFrom[].secretRef.name
  // leaf: Profile spec.variablesFrom[].configMapKeyRef.name
  // leaf: Profile spec.variablesFrom[].configMapKeyRef.key
  // leaf: Profile spec.variablesFrom[].secretKeyRef.name
  // leaf: Profile spec.variablesFrom[].secretKeyRef.key
  // leaf: Profile spec.variablesFrom[].variable
  // leaf: Profile spec.variablesFrom[].optional
  it.each(SOURCES)("%s", (_, from, want) => {
    expect(valuesOf({ variablesFrom: [from] })).toEqual(want);
    expect(valuesOf({ variablesFrom: [from], cluster: {} })).toEqual(want);
  });

  it.each<[leaf: string, from: object, want: string]>([
    [
      "leaf: SystemProfile spec.variablesFrom[].configMapRef.namespace",
      { configMapRef: { name: "one", namespace: "other" } },
      "map other a",
    ],
    [
      "leaf: SystemProfile spec.variablesFrom[].configMapKeyRef.namespace",
      { configMapKeyRef: { name: "one", namespace: "other", key: "a" } },
      "map other a",
    ],
    [
      "leaf: SystemProfile spec.variablesFrom[].secretRef.namespace",
      { secretRef: { name: "one", namespace: "other" } },
      "secret other a",
    ],
    [
      "leaf: SystemProfile spec.variablesFrom[].secretKeyRef.namespace",
      { secretKeyRef: { name: "one", namespace: "other", key: "a" } },
      "secret other a",
    ],
  ])("%s", (_, from, want) => {
    expect(valuesOf({ kind: "SystemProfile", variablesFrom: [from] })["a"]).toBe(want);
  });
});

describe("variablesFrom of a TargetCluster", () => {
  // leaf: TargetCluster spec.variablesFrom[].configMapRef.name
  // leaf: TargetCluster spec.variablesFrom[].secretRef.name
  // leaf: TargetCluster spec.variablesFrom[].configMapKeyRef.name
  // leaf: TargetCluster spec.variablesFrom[].configMapKeyRef.key
  // leaf: TargetCluster spec.variablesFrom[].secretKeyRef.name
  // leaf: TargetCluster spec.variablesFrom[].secretKeyRef.key
  // leaf: TargetCluster spec.variablesFrom[].variable
  // leaf: TargetCluster spec.variablesFrom[].optional
  it.each(SOURCES)("%s", (_, from, want) => {
    expect(valuesOf({ cluster: { variablesFrom: [from] } })).toEqual(want);
    expect(valuesOf({ kind: "SystemProfile", cluster: { variablesFrom: [from] } })).toEqual(want);
  });
});

const IMMUTABLE = { variables: [{ name: "a", immutable: true }] };

describe("a variable as it is declared", () => {
  it.each<[leaf: string, given: Given, want: Record<string, unknown>]>([
    [
      "leaf: Profile spec.variables[].name",
      { variables: [{ name: "c" }], cluster: { variables: { a: 1, c: "c" } } },
      { c: "c" },
    ],
    [
      "leaf: Profile spec.variables[].type",
      {
        variables: [
          { name: "a", type: "integer" },
          { name: "b", type: "list" },
        ],
        cluster: { variables: { a: 3, b: [1] } },
      },
      { a: 3, b: [1] },
    ],
    ["leaf: Profile spec.variables[].default", { variables: [{ name: "a", default: "d" }] }, { a: "d" }],
    ["leaf: TargetCluster spec.variables", { cluster: { variables: { a: "its own" } } }, { a: "its own" }],
  ])("%s", (_, given, want) => {
    expect(valuesOf(given)).toEqual(want);
  });

  const set = (value: unknown) => ({ cluster: { variables: { a: value } } });

  it.each<[leaf: string, given: Given, want: RegExp]>([
    ["leaf: Profile spec.variables[].required", { variables: [{ name: "a", required: true }] }, /a is required/],
    [
      "leaf: Profile spec.variables[].enum",
      { variables: [{ name: "a", enum: ["x"] }], ...set("y") },
      /must be one of "x"/,
    ],
    [
      "leaf: Profile spec.variables[].pattern",
      { variables: [{ name: "a", pattern: "^x" }], ...set("y") },
      /must match/,
    ],
    [
      "leaf: Profile spec.variables[].minimum",
      { variables: [{ name: "a", type: "integer", minimum: 3 }], ...set(2) },
      /at least 3/,
    ],
    [
      "leaf: Profile spec.variables[].maximum",
      { variables: [{ name: "a", type: "integer", maximum: 3 }], ...set(4) },
      /at most 3/,
    ],
    [
      "leaf: Profile spec.variables[].minLength",
      { variables: [{ name: "a", minLength: 3 }], ...set("ab") },
      /at least 3/,
    ],
    [
      "leaf: Profile spec.variables[].maxLength",
      { variables: [{ name: "a", maxLength: 3 }], ...set("abcd") },
      /at most 3/,
    ],
    [
      "leaf: Profile spec.variables[].sensitive",
      { variables: [{ name: "a", sensitive: true }], ...set("x") },
      /only come from a Secret/,
    ],
    [
      "leaf: Profile spec.variables[].immutable",
      { ...IMMUTABLE, ...set("x"), fixed: variables({ ...IMMUTABLE, ...set("y") }).digests },
      /a is immutable/,
    ],
  ])("%s", (_, given, want) => {
    expect(problem(given)).toMatch(want);
  });
});

it("variables are worked out again only when a value of the cluster has changed", () => {
  const profile = profileOf({ variables: [{ name: "a", default: "x", immutable: true }] });
  const read = (name: string, fixed: Record<string, string> = {}) => {
    const target = { metadata: { name, namespace: "acme" }, spec: {} } as unknown as TargetCluster;
    const result = readVariables({ profile, target, referents: referent, digestKey: new Uint8Array(32), fixed });
    if (result.kind !== "read") throw new Error(JSON.stringify(result));
    return result.variables;
  };
  const first = read("edge");
  expect(read("other")).not.toBe(first);
  expect(read("edge")).toBe(first);
  expect(read("edge", first.digests)).not.toBe(first);
});

describe("the last one that gives a value counts", () => {
  const steps: [what: string, given: Given, want: string, source: string][] = [
    ["the default", { variables: [{ name: "a", default: "d" }] }, "d", "default"],
    [
      "the profile's sources",
      { variablesFrom: [{ configMapRef: { name: "one" } }] },
      "map one a",
      "variablesFrom[0] ConfigMap acme/one key a",
    ],
    [
      "a later one of them",
      { variablesFrom: [{ configMapRef: { name: "one" } }, { secretRef: { name: "two" } }] },
      "secret two a",
      "variablesFrom[1] Secret acme/two key a",
    ],
    [
      "the cluster's sources",
      { cluster: { variablesFrom: [{ configMapRef: { name: "two" } }] } },
      "map two a",
      "TargetCluster edge variablesFrom[0] ConfigMap acme/two key a",
    ],
    [
      "the cluster itself",
      { cluster: { variablesFrom: [{ configMapRef: { name: "two" } }], variables: { a: "own" } } },
      "own",
      "TargetCluster edge",
    ],
  ];

  it.each(steps.map((step, index) => [step[0], index] as const))("%s", (_, index) => {
    const given: Given = Object.assign({}, ...steps.slice(0, index + 1).map(([, one]) => one));
    const { values, provenance } = variables(given);
    expect([values.get("a"), provenance.get("a")]).toEqual(steps[index]?.slice(2));
  });

  it("the cluster local has none of its own", () => {
    expect(valuesOf({ variablesFrom: [{ configMapRef: { name: "one" } }] })["a"]).toBe("map one a");
  });
});

it("what comes from a Secret is kept secret, declared so or not", () => {
  const variablesFrom = [{ configMapRef: { name: "one" } }, { secretKeyRef: { name: "one", key: "a" } }];
  expect([...variables({ variablesFrom }).sensitive]).toEqual(["a"]);
});

describe("what cannot be read", () => {
  it("is waited for", () => {
    expect(read({ variablesFrom: [{ configMapRef: { name: "late" } }] })).toEqual({ kind: "reading" });
    expect(read({ cluster: { variablesFrom: [{ secretRef: { name: "late" } }] } })).toEqual({ kind: "reading" });
  });

  it("is named, all of it at once", () => {
    const variablesFrom = [
      { configMapRef: { name: "none" } },
      { secretKeyRef: { name: "one", key: "z" }, variable: "a" },
    ];
    expect(problem({ variablesFrom })).toBe(
      "variablesFrom[0]: ConfigMap acme/none does not exist; variablesFrom[1]: Secret acme/one has no key z; it has a, b",
    );
  });

  it("is named with its cluster, beside what the profile misses", () => {
    const variablesFrom = [{ configMapRef: { name: "none" } }];
    expect(problem({ variablesFrom, cluster: { variablesFrom } })).toBe(
      "variablesFrom[0]: ConfigMap acme/none does not exist; TargetCluster edge variablesFrom[0]: ConfigMap acme/none does not exist",
    );
  });
});
