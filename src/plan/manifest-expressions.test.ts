import { describe, expect, it, test } from "vitest";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import type { LayerOutput, Scope } from "./expression-scope.ts";
import { evaluateContent, manifestProblems } from "./manifest-expressions.ts";
import { manifestsContent } from "./manifests.ts";
import type { EngineLayer, LayerContent } from "./types.ts";

const digestKey = new Uint8Array(32);

function scopeOf({
  values = {},
  outputs = {},
}: {
  values?: object;
  outputs?: Record<string, LayerOutput>;
} = {}): Scope {
  const all = new Map<string, unknown>(
    Object.entries({ host: "shop.example", replicas: 3, token: "c4n4ry", ...values }),
  );
  return {
    cluster: { name: "edge", kubernetesVersion: "v1.36.3" },
    profile: { name: "p", kind: "AddOnProfile", namespace: "acme" },
    variables: {
      types: new Map([
        ["host", "string"],
        ["replicas", "integer"],
        ["token", "string"],
        ["unset", "string"],
      ]),
      values: all,
      sensitive: new Set(["token"]),
    },
    layers: new Map([["db", new Map(Object.entries(outputs))]]),
  };
}

const inline = (text: string) => text.replaceAll("<<", "${{").replaceAll(">>", "}}");
const TEXT = inline(`
apiVersion: v1
kind: ConfigMap
metadata: { name: web, labels: { of: "<< cluster.name >>" } }
data: { host: "https://<< variables.host >>/", shell: "\${HOME} {{ .Values }}", literal: "$<< x >>" }
`);

function contentOf(layer: object): LayerContent {
  const content = manifestsContent({ name: "l", ...layer } as EngineLayer, new Map());
  if (content instanceof Failure) throw content;
  return content;
}

function objectsOf(layer: object, scope = scopeOf()): readonly KubeObject[] {
  const content = evaluateContent(contentOf(layer), { scope, digestKey });
  if ("kind" in content) throw new Error(JSON.stringify(content));
  return content.objects;
}

/** The message of what is wrong, or the words of what is awaited. */
function saidOf(text: string, scope = scopeOf()): string {
  const content = evaluateContent(contentOf({ expressions: true, manifests: [{ inline: inline(text) }] }), {
    scope,
    digestKey,
  });
  if (!("kind" in content)) return "";
  return content.kind === "missing" ? content.failure.message : `${content.kind}: ${"on" in content ? content.on : ""}`;
}

const DATA = { host: "https://shop.example/", shell: `\${HOME} {{ .Values }}`, literal: `\${{ x }}` };
const WRITTEN = {
  host: inline("https://<< variables.host >>/"),
  shell: `\${HOME} {{ .Values }}`,
  literal: inline("$<< x >>"),
};

describe("expressions in a layer's objects", () => {
  const rows: [name: string, layer: object, want: object[]][] = [
    ["stay as they are written", { manifests: [{ inline: TEXT }] }, [WRITTEN]],
    [
      "are evaluated when the layer says so: leaf: Profile spec.layers[].expressions",
      { expressions: true, manifests: [{ inline: TEXT }] },
      [DATA],
    ],
    [
      "are evaluated in the sources that say so: leaf: Profile spec.layers[].manifests[].expressions",
      { manifests: [{ inline: TEXT }, { inline: TEXT, expressions: true }] },
      [WRITTEN, DATA],
    ],
    [
      "stay as they are written in a source that says so",
      { expressions: true, manifests: [{ inline: TEXT, expressions: false }, { inline: TEXT }] },
      [WRITTEN, DATA],
    ],
  ];
  it.each(rows)("%s", (_name, layer, want) => {
    expect(objectsOf(layer).map(({ data }) => data)).toEqual(want);
  });

  it("keep their types, in an object written in place too", () => {
    const object = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: { replicas: inline("<< variables.replicas >>") },
    };
    expect(objectsOf({ expressions: true, manifests: [{ object }] })).toMatchObject([{ spec: { replicas: 3 } }]);
  });

  it("are never evaluated in a CRD, also in a List", () => {
    const crd = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "a.b" },
      spec: { group: inline("<< variables.host >>") },
    };
    const object = {
      apiVersion: "v1",
      kind: "List",
      items: [
        crd,
        JSON.parse(
          JSON.stringify({
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name: "c" },
            data: { a: inline("<< variables.host >>") },
          }),
        ),
      ],
    };
    expect(objectsOf({ expressions: true, manifests: [{ object }] })).toMatchObject([
      crd,
      { data: { a: "shop.example" } },
    ]);
  });

  it("give the very same content while nothing changes that they may read, and another one then", () => {
    const raw = contentOf({ expressions: true, manifests: [{ inline: TEXT }] });
    const first = evaluateContent(raw, { scope: scopeOf(), digestKey });
    expect(evaluateContent(raw, { scope: scopeOf(), digestKey })).toBe(first);
    expect(evaluateContent(raw, { scope: scopeOf({ values: { host: "b" } }), digestKey })).toMatchObject({
      objects: [{ data: { host: "https://b/" } }],
    });
  });

  it("are looked at anew when an output becomes sensitive", () => {
    const text = inline("{ apiVersion: v1, kind: ConfigMap, metadata: { name: '<< layers.db.outputs.a >>' } }");
    const raw = contentOf({ expressions: true, manifests: [{ inline: text }] });
    const outcome = (sensitive: boolean) =>
      evaluateContent(raw, { scope: scopeOf({ outputs: { a: { value: "b", sensitive } } }), digestKey });
    expect(outcome(false)).toMatchObject({ objects: [{ metadata: { name: "b" } }] });
    expect(outcome(true)).toMatchObject({ kind: "missing" });
  });

  it("cost nothing where there are none to evaluate", () => {
    const raw = contentOf({ manifests: [{ inline: TEXT }] });
    expect(evaluateContent(raw, { scope: scopeOf(), digestKey })).toBe(raw);
  });

  const config = (data: string, name = "web") =>
    `{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name} }, data: { a: "${data}" } }`;
  const bad: [name: string, text: string, want: string][] = [
    [
      "all that is missing at once",
      `${config("<< variables.nohost >>")}\n---\n${config("<< layers.cache.outputs.x >>", "b")}`,
      "manifests[0], ConfigMap web, data.a: variables.nohost is not declared in spec.variables; did you mean host?; manifests[0], ConfigMap b, data.a: no layer before this one is named cache",
    ],
    ["a variable without a value", config("<< variables.unset >>"), "manifests[0], ConfigMap web, data.a: "],
    [
      "a secret where everybody sees it",
      config("x", "'<< variables.token >>'"),
      "metadata.name: must not come from a Secret, as everybody sees it",
    ],
    [
      "a secret as all the items of a List",
      "{ apiVersion: v1, kind: ConfigMapList, metadata: { name: a }, items: \"<< [{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': variables.token}}] >>\" }",
      "items[0].metadata.name: must not come from a Secret, as everybody sees it",
    ],
    ["a name that is no text", config("x", "'<< variables.replicas >>'"), "metadata.name must be a string; quote it"],
    ["what is no CEL", config("<< variables. >>"), "manifests[0], ConfigMap web, data.a: "],
    [
      "an output that is not there yet",
      config("<< layers.db.outputs.address >>"),
      "waiting: output address of layer db: Service db has no address yet",
    ],
  ];
  const late = { address: { absence: { kind: "missing" as const, why: "Service db has no address yet" } } };
  test.each(bad)("say %s", (_name, text, want) => {
    const said = saidOf(text, scopeOf({ outputs: late }));
    expect(said).toContain(want);
    expect(said).not.toContain("c4n4ry");
  });

  it("are tried when an output has come", () => {
    expect(
      saidOf(config("<< layers.db.outputs.address >>"), scopeOf({ outputs: { address: { value: "10.0.0.1" } } })),
    ).toBe("");
  });

  it("are checked offline where they stand in the profile", () => {
    const known = { variables: new Set(["host"]), layers: new Map() };
    const manifests = [
      { inline: TEXT },
      { inline: inline(config("<< variables.hots >>")) },
      { configMapRef: { name: "a" } },
    ];
    expect(manifestProblems({ name: "l", manifests } as unknown as EngineLayer, known)).toEqual([]);
    const problems = manifestProblems({ name: "l", expressions: true, manifests } as unknown as EngineLayer, known);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^manifests\[1\], ConfigMap web, data\.a: .*hots/);
  });
});
