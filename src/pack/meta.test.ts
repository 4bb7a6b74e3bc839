import { describe, expect, it } from "vitest";
import { compileHealthChecks, evaluate } from "../health/health-checks.ts";
import type { Values } from "../plan/values.ts";
import { packMeta, releaseNameOf, releaseNameProblems } from "./meta.ts";

function metaOf(values: Values) {
  const meta = packMeta(values);
  if (!meta.ok) throw new Error(meta.problems.join("\n"));
  return meta.value;
}

describe("packMeta", () => {
  it("reads all that has a meaning, and leaves the rest alone", () => {
    const meta = metaOf({
      pack: {
        namespace: "app",
        additionalNamespaces: ["app-storage"],
        namespaceLabels: { app: "pod-security.kubernetes.io/enforce=privileged,team = dev", default: "seen=" },
        namespaceAnnotations: { app: "example.com/range=a=b" },
        releaseNameOverride: { "app-chart": "app" },
        "spectrocloud.com/install-priority": "12",
        "spectrocloud.com/display-name": "App (blue)",
        content: { images: [{ image: "x" }] },
        drain: {},
      },
    });
    expect(meta).toMatchObject({
      namespace: "app",
      additionalNamespaces: ["app-storage"],
      installPriority: 12,
      displayName: "App (blue)",
    });
    expect(Object.fromEntries(meta.namespaceMetadata)).toEqual({
      app: {
        labels: { "pod-security.kubernetes.io/enforce": "privileged", team: "dev" },
        annotations: { "example.com/range": "a=b" },
      },
      default: { labels: { seen: "" }, annotations: {} },
    });
    expect(releaseNameOf(meta, "sample", "app-chart")).toBe("app");
    expect(releaseNameOf(meta, "sample", "other")).toBe("sample-other");
    expect(releaseNameProblems(meta, "sample", ["app-chart", "other"])).toEqual([]);
  });

  it.each<[string, Values]>([
    ["no pack section", {}],
    ["an empty one", { pack: null }],
    [
      "empty entries",
      { pack: { namespace: null, additionalNamespaces: "", namespaceLabels: null, releaseNameOverride: {} } },
    ],
  ])("takes %s", (_, values) => {
    expect(metaOf(values)).toEqual({
      namespace: undefined,
      additionalNamespaces: [],
      namespaceMetadata: new Map(),
      releaseNames: new Map(),
      installPriority: 0,
      displayName: undefined,
      healthChecks: [],
    });
  });

  it.each([
    ["a text", "one, two", ["one", "two"]],
    ["a list", ["one"], ["one"]],
    ["a map", { one: null, two: {} }, ["one", "two"]],
  ])("takes additionalNamespaces as %s", (_, additionalNamespaces, want) => {
    expect(metaOf({ pack: { additionalNamespaces } }).additionalNamespaces).toEqual(want);
  });

  it.each([
    ["too long together", "ingress-controller-of-cloud", "kubernetes-ingress-controller"],
    ["of a pack whose name no release can have", "Web_Shop", "api"],
  ])("tells that Helm takes no release by the names of pack and chart, %s, and what to set", (_, pack, chart) => {
    const shape = 'at most 53 lower case letters, digits, "-" and "."';
    const remedy = `set pack.releaseNameOverride.${chart} in the values`;
    expect(releaseNameProblems(metaOf({}), pack, [chart])).toEqual([
      `chart ${chart}: Helm takes no release named "${pack}-${chart}", but ${shape}: ${remedy}`,
    ]);
    const named = metaOf({ pack: { releaseNameOverride: { [chart]: "short" } } });
    expect(releaseNameProblems(named, pack, [chart])).toEqual([]);
  });

  it.each([-5, "-5", " 7 "])("takes the priority %j", (priority) => {
    expect(metaOf({ pack: { "spectrocloud.com/install-priority": priority } }).installPriority).toBe(Number(priority));
  });

  it("tells all problems at once, by path and without the values", () => {
    const meta = packMeta({
      pack: {
        namespace: "S3cret!",
        additionalNamespaces: [1],
        namespaceLabels: { app: "S3cret", web: "a=S3cret!", "Not A Name": "a=b" },
        namespaceAnnotations: "S3cret",
        releaseNameOverride: { chart: "S3cret", other: "x".repeat(54) },
        "spectrocloud.com/install-priority": "1.5",
        "spectrocloud.com/display-name": ["S3cret"],
      },
      readinessCheck: {
        v1beta1: [{ kind: "K", version: "v1", keysToCheck: [{ keyToCheck: "a b", expectedValue: "S3cret" }] }],
      },
    });
    const problems = meta.ok ? [] : meta.problems;
    expect(problems.map((problem) => problem.split(" must ")[0]?.split(" has ")[0])).toEqual([
      "readinessCheck.v1beta1[0].keysToCheck[0].keyToCheck:",
      "pack.namespace",
      "pack.additionalNamespaces",
      "pack.namespaceLabels.app",
      "pack.namespaceLabels.web",
      "pack.namespaceLabels.Not A Name",
      "pack.namespaceAnnotations",
      "pack.releaseNameOverride.chart",
      "pack.releaseNameOverride.other",
      "pack.spectrocloud.com/install-priority",
      "pack.spectrocloud.com/display-name",
    ]);
    expect(problems.join()).not.toContain("S3cret");
  });
});

function readiness(keysToCheck: object[], more: object = {}) {
  const check = { name: "main", kind: "Cluster", group: "example.com", version: "v1", keysToCheck, ...more };
  return metaOf({ readinessCheck: { v1beta1: [check] } }).healthChecks;
}

describe("readinessCheck", () => {
  it("names the object and compares fields by their texts", () => {
    expect(
      readiness([
        { keyToCheck: "status.conditions[0].status", expectedValue: "True" },
        { keyToCheck: "metadata.labels.app/tier", expectedValue: 1 },
        { keyToCheck: "status.in", expectedValue: 'a"b' },
      ]),
    ).toEqual([
      {
        apiVersion: "example.com/v1",
        kind: "Cluster",
        name: "main",
        current:
          'string(self.status.conditions[0].status) == "True" && string(self.metadata.labels["app/tier"]) == "1" && string(self.status["in"]) == "a\\"b"',
      },
    ]);
  });

  it("of the core group has no group in its apiVersion", () => {
    expect(readiness([{ keyToCheck: "a", expectedValue: "b" }], { group: "" })[0]?.apiVersion).toBe("v1");
  });

  it.each([
    ["the expected value", { ready: true, count: 3, conditions: [{ status: "True" }] }, "Current"],
    ["another value", { ready: true, count: 4, conditions: [{ status: "True" }] }, "InProgress"],
    ["a field that is not there yet", { ready: true, count: 3, conditions: [] }, "InProgress"],
    ["no status yet", undefined, "InProgress"],
  ])("is a health check that works: %s", (_, status, want) => {
    const compiled = compileHealthChecks(
      readiness([
        { keyToCheck: "status.ready", expectedValue: "true" },
        { keyToCheck: "status.count", expectedValue: "3" },
        { keyToCheck: "status.conditions[0].status", expectedValue: "True" },
      ]),
    );
    if (!compiled.ok) throw new Error(compiled.problems.join());
    const object = {
      apiVersion: "example.com/v1",
      kind: "Cluster",
      metadata: { name: "main" },
      ...(status ? { status } : {}),
    };
    expect(evaluate(compiled.value[0]!, object).state).toBe(want);
  });
});
