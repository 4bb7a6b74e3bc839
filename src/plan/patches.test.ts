import { describe, expect, test } from "vitest";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { parseManifests, toYaml } from "../objects/yaml.ts";
import { patchContent, patchProblems, withUnmatched } from "./patches.ts";
import type { EngineLayer, Hook, LayerContent, PlannedLayer } from "./types.ts";

const deployment = (name: string, metadata: object = {}): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, ...metadata },
  spec: { replicas: 1, template: { spec: { containers: [{ name: "app", image: "app:1" }] } } },
});
const role: KubeObject = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "web" } };
const web = deployment("web", { labels: { app: "web", tier: "front" } });
const api = deployment("api", { namespace: "other", labels: { app: "api" } });
const content: LayerContent = { objects: [web, api, role], crds: [] };

type Patches = NonNullable<EngineLayer["patches"]>;
const MARK = "metadata: { annotations: { hit: 'yes' } }";

function patched(patches: Patches, on: LayerContent = content, part?: object): LayerContent {
  const result = patchContent(on, { patches, ...part } as EngineLayer, "shop");
  if (result instanceof Failure) throw result;
  return result;
}

function refused(patches: Patches, on: LayerContent = content): Failure {
  const result = patchContent(on, { patches }, "shop");
  if (!(result instanceof Failure)) throw new Error("it was patched");
  return result;
}

describe("a patch is for the objects", () => {
  test.each<[string, object, string[]]>([
    ["all of them: leaf: Profile spec.layers[].patches[].patch", {}, ["web", "api", "ClusterRole"]],
    ["of a kind: leaf: Profile spec.layers[].patches[].target.kind", { kind: "Deployment" }, ["web", "api"]],
    ["of a group: leaf: Profile spec.layers[].patches[].target.group", { group: "apps" }, ["web", "api"]],
    [
      "of a version: leaf: Profile spec.layers[].patches[].target.version",
      { version: "v1", group: "apps" },
      ["web", "api"],
    ],
    ["of a name: leaf: Profile spec.layers[].patches[].target.name", { kind: "Deployment", name: "web" }, ["web"]],
    ["of another namespace: leaf: Profile spec.layers[].patches[].target.namespace", { namespace: "other" }, ["api"]],
    ["of the layer's namespace, where they name none", { namespace: "shop" }, ["web"]],
    [
      "with labels: leaf: Profile spec.layers[].patches[].target.labelSelector.matchLabels",
      { labelSelector: { matchLabels: { tier: "front" } } },
      ["web"],
    ],
    [
      "by labels: leaf: Profile spec.layers[].patches[].target.labelSelector.matchExpressions[].key, leaf: Profile spec.layers[].patches[].target.labelSelector.matchExpressions[].operator, leaf: Profile spec.layers[].patches[].target.labelSelector.matchExpressions[].values",
      { labelSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["api"] }] } },
      ["api"],
    ],
  ])("%s", (_, target, want) => {
    const { objects } = patched([{ target, patch: MARK } as Patches[number]]);
    const hit = objects.filter(({ metadata }) => metadata.annotations?.["hit"] === "yes");
    expect(hit.map(({ kind, metadata }) => (kind === "Deployment" ? metadata.name : kind))).toEqual(want);
  });

  test("that other patches left, in their order", () => {
    const { objects } = patched([
      { target: { name: "api" }, patch: "metadata: { labels: { new: 'yes' } }" },
      { target: { labelSelector: { matchLabels: { new: "yes" } } }, patch: "spec: { replicas: 4 }" },
    ]);
    expect(objects.map(({ spec }) => (spec as { replicas?: number } | undefined)?.replicas)).toEqual([1, 4, undefined]);
  });
});

test("a list is a JSON patch, a map a merge patch, and nothing that they are for is changed in place", () => {
  const before = JSON.stringify(content);
  const { objects } = patched([
    { target: { name: "web", kind: "Deployment" }, patch: "spec: { replicas: 3 }" },
    {
      target: { name: "web", kind: "Deployment" },
      patch: '- { op: replace, path: /spec/template/spec/containers/0/image, value: "app:2" }',
    },
  ]);
  expect(objects[0]?.["spec"]).toEqual({
    replicas: 3,
    template: { spec: { containers: [{ name: "app", image: "app:2" }] } },
  });
  expect(objects[1]).toBe(api);
  expect(JSON.stringify(content)).toBe(before);
});

describe("refused with a sentence:", () => {
  const one = { kind: "Deployment", name: "web" };
  test.each<[string, string, string]>([
    [
      "a pointer that leads nowhere",
      "[{ op: replace, path: /spec/paused, value: true }]",
      "patches[0].patch[0] (replace /spec/paused): there is no /spec/paused in Deployment web",
    ],
    ["another kind", "kind: StatefulSet", "patches[0].patch: must not change kind of Deployment web"],
    [
      "another group",
      "apiVersion: extensions/v1",
      "patches[0].patch: must not change the group in apiVersion of Deployment web",
    ],
    ["another name", "metadata: { name: other }", "patches[0].patch: must not change metadata.name of Deployment web"],
    [
      "another namespace",
      "metadata: { namespace: other }",
      "patches[0].patch: must not change metadata.namespace of Deployment web",
    ],
    [
      "a mark of Strata",
      "metadata: { annotations: { strata.dev/layer: x } }",
      "patches[0].patch: must not change strata.dev/layer, which Strata sets itself, of Deployment web",
    ],
    [
      "the label of the set",
      "metadata: { labels: { applyset.kubernetes.io/part-of: x } }",
      "patches[0].patch: must not change applyset.kubernetes.io/part-of, which Strata sets itself, of Deployment web",
    ],
    ["no object any more", "metadata: null", "patches[0].patch on Deployment web: metadata.name is missing"],
    [
      "a label that is a number",
      "metadata: { labels: { app: 3 } }",
      'patches[0].patch on Deployment web: metadata.labels: the value of "app" must be a string; quote it',
    ],
  ])("%s", (_, patch, want) => {
    expect(refused([{ target: one, patch }])).toMatchObject({ reason: "InvalidPatch", message: want });
  });

  test("what matches nothing, each with its target", () => {
    const labels = { matchLabels: { app: "x" } };
    expect(
      refused([
        { target: { kind: "Deployment", name: "wbe" }, patch: MARK },
        { target: { group: "", labelSelector: labels }, patch: MARK },
      ]).message,
    ).toBe(
      "patches[0] matches no object of the layer (kind Deployment, name wbe): correct its target, or take it out; " +
        'patches[1] matches no object of the layer (group "", by its labels): correct its target, or take it out',
    );
  });

  test("what is no patch, before anything is rendered", () => {
    const patches = [
      { target: {}, patch: "just text" },
      { target: {}, patch: "[{ op: add }]" },
      { target: {}, patch: "{" },
    ];
    const problems = patchProblems({ patches });
    expect(problems).toHaveLength(4);
    expect(problems[0]).toContain("patches[0].patch: must be a list of operations");
    expect(problems[3]).toMatch(/^patches\[2\]\.patch/);
    expect(patchProblems({ patches: [{ target: {}, patch: MARK }] })).toEqual([]);
  });
});

test("another version of the same kind, and the annotations that people may set, are allowed", () => {
  const { objects } = patched([
    {
      target: { name: "api" },
      patch: "{ apiVersion: apps/v2, metadata: { annotations: { strata.dev/prune: Disabled } } }",
    },
  ]);
  expect(objects[1]).toMatchObject({
    apiVersion: "apps/v2",
    metadata: { annotations: { "strata.dev/prune": "Disabled" } },
  });
});

function hook(object: KubeObject, manifest: string, part?: number): Hook {
  const about = { events: ["pre-install"], weight: 0, deletePolicies: [], outputLogPolicies: [] };
  const { kind } = object;
  return { name: "h", kind, path: "web/templates/hook.yaml", manifest, object, ...about, ...(part ? { part } : {}) };
}

describe("of a chart", () => {
  const job = (name: string): KubeObject => ({ apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: {} });
  const apiText = `# what a person wrote\n${toYaml(api)}`;
  const release = {
    chart: "web",
    notes: "",
    hooks: [hook(job("one"), "text of one\n"), hook(job("a"), "list\n"), hook(job("b"), "list\n", 1)],
    manifest: `---\n# Source: web/templates/web.yaml\n${toYaml(web)}\n---\n# Source: web/templates/api.yaml\n${apiText}\n`,
  };
  const chart: LayerContent = { ...content, attachments: [role], crds: [], release };

  test("the text of its release holds what comes out, and the rest of it as it was", () => {
    const after = patched([{ target: { kind: "Deployment", name: "web" }, patch: "spec: { replicas: 3 }" }], chart);
    const manifest = after.release?.manifest ?? "";
    const objects = parseManifests(manifest, "release");
    expect(objects.ok && objects.value).toEqual([after.objects[0], after.objects[1]]);
    expect(manifest).toContain("---\n# Source: web/templates/web.yaml\n");
    expect(manifest).toContain(`---\n# Source: web/templates/api.yaml\n${apiText}\n`);
    expect(after.release?.hooks).toEqual(release.hooks);
  });

  test("hooks are patched, those of one List as one", () => {
    const after = patched([{ target: { kind: "Job", name: "b" }, patch: "spec: { suspend: true }" }], chart);
    const [first, ...list] = after.release?.hooks ?? [];
    expect(first).toEqual(release.hooks[0]);
    expect(list.map(({ object }) => object["spec"])).toEqual([{}, { suspend: true }]);
    const texts = list.map(({ manifest }) => manifest);
    expect(texts[0]).toBe(texts[1]);
    const parsed = parseManifests(texts[0] ?? "", "hook");
    expect(parsed.ok && parsed.value).toEqual(list.map(({ object }) => object));
    expect(after.release?.manifest).toBe(release.manifest);
  });

  test("attachments and the CRDs of crds/ are patched", () => {
    const crd = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: "x" } };
    const after = patched([{ target: {}, patch: MARK }], { ...chart, crds: [crd] });
    expect(after.crds[0]?.metadata.annotations).toEqual({ hit: "yes" });
    expect(after.attachments?.[0]?.metadata.annotations).toEqual({ hit: "yes" });
  });
});

describe("of a pack, a patch is for any of its parts", () => {
  const patches = [
    { target: { name: "web" }, patch: MARK },
    { target: { name: "lost" }, patch: MARK },
  ];
  const partOf = (name: string, on: LayerContent | undefined, isFollowed?: true): PlannedLayer => {
    const part = { kind: "chart" as const, of: "shop", name, ...(isFollowed ? { isFollowed } : {}) };
    const known = on && { kind: "known", content: patched(patches, on, { part }), desired: [], hooks: [] };
    return {
      spec: { name: `shop.${name}`, patches, part },
      state: known ?? { kind: "unknown" },
    } as unknown as PlannedLayer;
  };

  test("and the last one says which match nothing", () => {
    const layers = withUnmatched([partOf("a", content, true), partOf("b", { objects: [api], crds: [] })]);
    expect(layers.map(({ state }) => state.kind)).toEqual(["known", "missing"]);
    const [, last] = layers;
    expect(last?.state.kind === "missing" && last.state.failure.message).toBe(
      "patches[1] matches no object of the layer (name lost): correct its target, or take it out",
    );
  });

  test("but only when all are known", () => {
    const layers = withUnmatched([partOf("a", undefined, true), partOf("b", { objects: [api], crds: [] })]);
    expect(layers.map(({ state }) => state.kind)).toEqual(["unknown", "known"]);
  });
});
