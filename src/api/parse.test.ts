import { describe, expect, test } from "vitest";
import type { Result } from "../objects/types.ts";
import { BAD_SPECS } from "./bad-specs.ts";
import { customResourceDefinition } from "./crd.ts";
import { GOOD_SPECS } from "./good-specs.ts";
import { KINDS } from "./kinds.ts";
import { API_VERSION } from "./names.ts";
import { isProfileKind, parseDeployment, parseProfile, parseRegistry, parseTargetCluster } from "./parse.ts";

function parse(object: { kind: string }): Result<object> {
  if (isProfileKind(object.kind)) return parseProfile(object);
  if (object.kind === "Registry") return parseRegistry(object);
  return object.kind === "TargetCluster" ? parseTargetCluster(object) : parseDeployment(object);
}

function problemsOf(object: { kind: string }): string[] {
  const result = parse(object);
  return result.ok ? [] : result.problems;
}

const smallest = {
  apiVersion: API_VERSION,
  kind: "ClusterProfile",
  metadata: { name: "p", namespace: "acme", labels: { a: "b" }, generation: 3 },
  spec: {
    clusterRefs: [{ name: "local" }],
    layers: [{ name: "one", manifests: [{ inline: "kind: ConfigMap" }] }],
  },
};

describe("good specs", () => {
  test.each(GOOD_SPECS)("$name", ({ object }) => {
    expect(problemsOf(object)).toEqual([]);
  });
});

describe("bad specs are refused with the field and the sentence", () => {
  test.each(BAD_SPECS)("$name", ({ object, wantField, wantMessage }) => {
    const named = problemsOf(object).filter((problem) => problem.includes(wantMessage) && problem.includes(wantField));
    expect(named).toHaveLength(1);
  });

  test("each rule of each kind is broken by one of them", () => {
    const broken = new Set(BAD_SPECS.map((row) => row.wantMessage));
    const rules = JSON.stringify(KINDS.map(customResourceDefinition)).matchAll(
      /"rule":"(?:[^"\\]|\\.)*","message":("(?:[^"\\]|\\.)*")/g,
    );
    const sentences = [...rules].map(([, message = ""]) => JSON.parse(message) as string);
    expect(sentences.length).toBeGreaterThan(50);
    expect(sentences.filter((sentence) => !broken.has(sentence))).toEqual([]);
  });
});

describe("parseProfile", () => {
  test("fills in the defaults and keeps the metadata", () => {
    expect(parseProfile(smallest)).toEqual({
      ok: true,
      value: {
        ...smallest,
        spec: {
          ...smallest.spec,
          serviceAccountName: "default",
          deletionPolicy: "Delete",
          layers: [
            {
              ...smallest.spec.layers[0],
              type: "AddOn",
              gate: "Ready",
              timeout: "10m",
              adoption: "IfUnowned",
              prune: "AfterApply",
            },
          ],
        },
      },
    });
  });

  test("gives a namespaced profile without a namespace kubectl's, and a SystemProfile none", () => {
    const bare = { ...smallest, metadata: { name: "p" } };
    expect(parseProfile(bare)).toMatchObject({ value: { metadata: { name: "p", namespace: "default" } } });
    const system = parseProfile({ ...bare, kind: "SystemProfile" });
    expect(system).toMatchObject({ value: { metadata: { name: "p" } } });
    expect(system.ok && system.value.metadata).not.toHaveProperty("namespace");
  });

  test("keeps values and objects as they are", () => {
    const values = { a: null, list: [1, "0644", { on: true }], "a.b/c": { "": [] } };
    const object = { kind: "K", apiVersion: "v1", metadata: { name: "MyApp:Viewer", x: null }, spec: { deep: [[]] } };
    const layers = [
      { name: "chart", namespace: "n", helm: { repo: "https://a.b", chart: "c", version: "*" }, values },
      { name: "object", manifests: [{ object }] },
    ];
    const parsed = parseProfile({ ...smallest, spec: { ...smallest.spec, layers } });
    expect(parsed).toMatchObject({ value: { spec: { layers: [{ values }, { manifests: [{ object }] }] } } });
  });

  test("tells all problems at once", () => {
    const layers = [{ name: "A", manifests: [{}], gate: "x" }, { name: "b" }];
    const spec = { layers, version: "one", other: 1 };
    expect(problemsOf({ ...smallest, spec } as never).length).toBeGreaterThanOrEqual(5);
  });

  test.each([
    ["another kind", { ...smallest, kind: "Profile" }, 'kind: Unsupported value: "Profile"'],
    [
      "another group's kind of this name",
      { ...smallest, apiVersion: "config.projectsveltos.io/v1beta1" },
      "apiVersion: Unsupported value",
    ],
    ["no metadata", { ...smallest, metadata: undefined }, "metadata: Required value"],
    ["no name", { ...smallest, metadata: {} }, "metadata.name: Required value"],
    ["text", "kind: ClusterProfile", "kind: Required value"],
    ["nothing", null, "kind: Required value"],
    ["a list", [smallest], "kind: Required value"],
  ])("refuses %s", (_, object, want) => {
    const result = parseProfile(object);
    expect(result.ok ? [] : result.problems).toContainEqual(expect.stringContaining(want));
  });

  test("takes a status that fits, and leaves out one of another version", () => {
    const status = { observedGeneration: 3, layers: [{ name: "one", state: "Ready" }] };
    expect(parseProfile({ ...smallest, status })).toMatchObject({ value: { status } });
    const foreign = parseProfile({ ...smallest, status: { layers: [{ name: "one", state: "Levitating" }] } });
    expect(foreign.ok && foreign.value).not.toHaveProperty("status");
  });

  test("repeats no chart value in a problem", () => {
    const canary = "canary-5f1c";
    const layers = [
      { name: "a", namespace: "a", values: [canary], helm: { repo: `https://u:${canary}@x`, chart: `${canary}/` } },
    ];
    expect(problemsOf({ ...smallest, spec: { ...smallest.spec, layers } } as never).join()).not.toContain(canary);
  });
});

test("parseTargetCluster and parseDeployment refuse each other's kind", () => {
  const object = GOOD_SPECS.map((row) => row.object);
  const cluster = object.find(({ kind }) => kind === "TargetCluster");
  const deployment = object.find(({ kind }) => kind === "ProfileDeployment");
  expect(parseTargetCluster(deployment).ok).toBe(false);
  expect(parseDeployment(cluster).ok).toBe(false);
  expect(parseTargetCluster(cluster)).toMatchObject({
    value: { spec: { connection: { kubeconfigSecretRef: { key: "value" } } } },
  });
});
