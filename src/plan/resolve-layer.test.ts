import { describe, expect, it } from "vitest";
import type { VariableType } from "../api/schema/variables.ts";
import type { Layer } from "../api/types.ts";
import type { Scope } from "./expression-scope.ts";
import { hasExpressions, resolveLayer } from "./resolve-layer.ts";

const types: Record<string, VariableType> = {
  text: "string",
  number: "integer",
  list: "list",
  missing: "string",
  secret: "string",
};
const values = { text: "front", number: 3, list: ["a", "b"], secret: "c4n4ry" };

const scope: Scope = {
  cluster: { name: "edge", kubernetesVersion: "v1.36.3", labels: { site: "oslo" } },
  profile: { name: "web", kind: "AddOnProfile", namespace: "acme", version: "1.4.0" },
  variables: {
    types: new Map(Object.entries(types)),
    values: new Map<string, unknown>(Object.entries(values)),
    sensitive: new Set(["secret"]),
  },
  layers: new Map([["database", new Map([["host", {}]])]]),
};

const helm = { repo: "https://charts.example.com", chart: "web", version: "1.0.0" };
const layerOf = (extra: Partial<Layer> = {}): Layer =>
  ({ name: "web", namespace: "web", gate: "Ready", helm, ...extra }) as Layer;

function resolved(extra: Partial<Layer>): Layer {
  const result = resolveLayer(layerOf(extra), scope);
  if (result.kind !== "resolved") throw new Error(JSON.stringify(result));
  return result.layer;
}

function problem(extra: Partial<Layer>): string {
  const result = resolveLayer(layerOf(extra), scope);
  if (result.kind !== "failed") throw new Error(JSON.stringify(result));
  expect(result.failure.reason).toBe("InvalidValues");
  return result.failure.message;
}

const pack = (version: string) => ({ registryRef: { name: "r" }, name: "p", version });

describe("what the expressions of a layer give", () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["alone: a value of the variable's type", { a: `\${{ variables.number }}` }, { a: 3 }],
    ["alone: a list", { a: `\${{ variables.list }}` }, { a: ["a", "b"] }],
    ["among text: text", { a: `n=\${{ variables.number }}` }, { a: "n=3" }],
    ["deep inside", { a: [{ b: `\${{ variables.text }}` }] }, { a: [{ b: "front" }] }],
    ["two in one text", { a: `\${{ cluster.name }}-\${{ profile.version }}` }, { a: "edge-1.4.0" }],
    ["a label of the cluster", { a: `\${{ cluster.labels.site }}` }, { a: "oslo" }],
    ["escaped", { a: `$\${{ x }}` }, { a: `\${{ x }}` }],
    ["none: as it stands", { a: "{{ x }}", b: 1, c: null }, { a: "{{ x }}", b: 1, c: null }],
  ])("in values, %s", (_, given, want) => {
    expect(resolved({ values: given }).values).toEqual(want);
  });

  it("in the namespace and the versions", () => {
    expect(resolved({ namespace: `web-\${{ variables.text }}` }).namespace).toBe("web-front");
    expect(resolved({ helm: { ...helm, version: `1.\${{ variables.number }}.x` } }).helm).toEqual({
      ...helm,
      version: "1.3.x",
    });
    expect(resolved({ helm: undefined, pack: pack(`\${{ profile.version }}`) } as never).pack).toEqual(pack("1.4.0"));
  });

  it("in patches, whose shape they cannot change", () => {
    const target = { kind: "Deployment" };
    const patch = `[{ op: replace, path: "/spec/replicas", value: "\${{ variables.number }}" }]`;
    const plain = "spec: { paused: true }";
    expect(
      resolved({
        patches: [
          { target, patch },
          { target, patch: plain },
        ],
      }).patches,
    ).toEqual([
      { target, patch: '[{"op":"replace","path":"/spec/replicas","value":3}]' },
      { target, patch: plain },
    ]);
    const secret = `data: { token: "\${{ variables.secret }}" }`;
    expect(resolved({ patches: [{ target, patch: secret }] }).patches?.[0]?.patch).toBe('{"data":{"token":"c4n4ry"}}');
  });

  it("changes nothing else", () => {
    const layer = layerOf({ values: { a: `\${{ variables.text }}` } });
    expect(resolveLayer(layer, scope)).toEqual({
      kind: "resolved",
      layer: { ...layer, values: { a: "front" } },
      uses: [],
    });
    expect(layer.values).toEqual({ a: `\${{ variables.text }}` });
  });

  it("may be secret in values alone", () => {
    expect(resolved({ values: { a: `\${{ variables.secret }}` } }).values).toEqual({ a: "c4n4ry" });
  });

  it("tells where its values are secret", () => {
    const values = { "a.b": [{ c: `\${{ variables.secret }}` }], d: `\${{ variables.text }}` };
    expect(resolveLayer(layerOf({ values }), scope)).toMatchObject({ sensitive: [".a\\.b[0].c"] });
  });
});

const SEEN = "must not come from a Secret, as everybody sees it";
const LABEL = 'must consist of lower case letters, digits and "-", and start and end with a letter or digit';
const RANGE = 'must be a version such as 1.18.2 or a range such as 1.18.x, ^1.18.0 or ">=1.18.0 <1.20.0"';

describe("what is wrong is told with its place, and without a value", () => {
  it.each<[string, Partial<Layer>, string]>([
    ["a secret in the namespace", { namespace: `\${{ variables.secret }}` }, `namespace: ${SEEN}`],
    ["a secret in the version", { helm: { ...helm, version: `\${{ variables.secret }}` } }, `helm.version: ${SEEN}`],
    [
      "a secret in a pointer",
      { patches: [{ target: {}, patch: `[{ op: remove, path: "/data/\${{ variables.secret }}" }]` }] },
      `patches[0].patch[0].path: ${SEEN}`,
    ],
    [
      "a secret in the version of a pack",
      { helm: undefined, pack: pack(`\${{ variables.secret }}`) } as never,
      `pack.version: ${SEEN}`,
    ],
    [
      "a secret in the names that the values of a pack give",
      {
        helm: undefined,
        pack: pack("1.0.0"),
        values: {
          pack: {
            namespace: `web-\${{ variables.secret }}`,
            additionalNamespaces: [`\${{ variables.secret }}`],
            releaseNameOverride: { app: `\${{ variables.secret }}` },
            namespaceLabels: { "logs.a": `a=\${{ variables.secret }}` },
            namespaceAnnotations: { web: `a=\${{ variables.secret }}` },
            content: `\${{ variables.secret }}`,
          },
        },
      } as never,
      ["namespace", "additionalNamespaces", "namespaceLabels", "namespaceAnnotations", "releaseNameOverride"]
        .map((name) => `values.pack.${name}: ${SEEN}`)
        .join("; "),
    ],
    [
      "a namespace that cannot be",
      { namespace: `\${{ variables.text.upperAscii() }}_` },
      `namespace: what its expressions give ${LABEL}`,
    ],
    ["an empty namespace", { namespace: `\${{ "" }}` }, `namespace: what its expressions give ${LABEL}`],
    [
      "a namespace that is too long",
      { namespace: `\${{ "${"a".repeat(64)}" }}` },
      `namespace: what its expressions give ${LABEL}`,
    ],
    [
      "a version in words",
      { helm: { ...helm, version: `\${{ variables.text }}` } },
      `helm.version: what its expressions give ${RANGE}`,
    ],
    [
      "a variable without a value",
      { values: { a: { b: `\${{ variables.missing }}` } } },
      "values.a.b: variables.missing has no value: give it one, or a default",
    ],
    [
      "a variable that nobody declared",
      { values: { a: `\${{ variables.texts }}` } },
      "values.a: variables.texts is not declared in spec.variables; did you mean text?",
    ],
    [
      "a label that the cluster has not",
      { values: { a: `\${{ cluster.labels.zone }}` } },
      "values.a: cluster edge has no label zone",
    ],
  ])("%s", (_, extra, want) => {
    expect(problem(extra)).toBe(want);
  });

  it("all at once", () => {
    const message = problem({
      namespace: `\${{ variables.secret }}`,
      values: { a: `\${{ variables.missing }}`, b: `\${{ nothing }}` },
    });
    expect(message.split("; ").map((one) => one.split(":")[0])).toEqual(["values.a", "values.b", "namespace"]);
    expect(message).not.toContain("c4n4ry");
  });
});

it("waits for outputs that are not there yet, unless something is wrong", () => {
  const waits = { a: `\${{ layers.database.outputs.host }}` };
  expect(resolveLayer(layerOf({ values: waits }), scope)).toEqual({
    kind: "waiting",
    on: [{ layer: "database", output: "host" }],
  });
  expect(problem({ values: waits, namespace: `\${{ variables.secret }}` })).toBe(`namespace: ${SEEN}`);
});

describe("hasExpressions", () => {
  it.each<[string, Partial<Layer>, boolean]>([
    ["a plain layer", {}, false],
    ["values", { values: { a: [`\${{ 1 }}`] } }, true],
    ["the namespace", { namespace: `\${{ 1 }}` }, true],
    ["the version of a chart", { helm: { ...helm, version: `\${{ 1 }}` } }, true],
    ["the version of a pack", { pack: pack(`\${{ 1 }}`) }, true],
    ["an escaped one, which loses its escape", { values: { a: `$\${{ 1 }}` } }, true],
    ["a template of Helm", { values: { a: "{{ .Values.x }}" } }, false],
    ["a manifest, in which nothing is evaluated", { manifests: [{ inline: `a: \${{ 1 }}` }] }, false],
  ])("%s", (_, extra, want) => {
    expect(hasExpressions(layerOf(extra))).toBe(want);
  });
});
