import { describe, expect, it } from "vitest";
import { evidenceFor, podsOf } from "./evidence.ts";
import { deployment, make, owner, pod, replicaSet, running } from "./testdata/objects.ts";

const workload = (kind: string, selector: unknown, spec: object = {}) =>
  make(kind === "Job" ? "batch/v1" : "apps/v1", kind, "web", { spec: { selector, ...spec } });

describe("evidenceFor", () => {
  it.each([
    ["labels", { matchLabels: { app: "web", tier: "front" } }, "app=web,tier=front"],
    [
      "expressions",
      {
        matchLabels: { app: "web" },
        matchExpressions: [
          { key: "env", operator: "In", values: ["a", "b"] },
          { key: "env", operator: "NotIn", values: ["c"] },
          { key: "x", operator: "Exists" },
          { key: "y", operator: "DoesNotExist" },
        ],
      },
      "app=web,env in (a,b),env notin (c),x,!y",
    ],
  ])("asks for the pods of a workload by %s", (_, selector, want) => {
    const evidence = { namespace: "shop", pods: true, selector: want, claims: false, eventSelector: "type=Warning" };
    expect(evidenceFor(workload("DaemonSet", selector))).toEqual({ ...evidence, replicaSets: false });
    expect(evidenceFor(workload("Deployment", selector))).toEqual({ ...evidence, replicaSets: true });
  });

  it("asks for all events where claims are in play, since half of their story is Normal", () => {
    const set = workload("StatefulSet", { matchLabels: { app: "db" } }, { volumeClaimTemplates: [{}] });
    expect(evidenceFor(set)).toMatchObject({ claims: true, eventSelector: "" });
    const volumes = [{ name: "d", persistentVolumeClaim: { claimName: "d" } }];
    const template = { spec: { volumes } };
    expect(evidenceFor(workload("Job", { matchLabels: { a: "b" } }, { template }))).toMatchObject({
      eventSelector: "",
    });
    expect(evidenceFor(make("v1", "Pod", "p", { spec: { volumes } }))).toMatchObject({
      pods: false,
      eventSelector: "",
    });
  });

  it("asks for the events of a single object", () => {
    const evidence = { namespace: "shop", pods: false, claims: false, replicaSets: false };
    for (const [apiVersion, kind] of [
      ["v1", "Pod"],
      ["v1", "PersistentVolumeClaim"],
      ["v1", "Service"],
      ["shop.example/v1", "Widget"],
    ] as const) {
      const eventSelector = `involvedObject.kind=${kind},involvedObject.name=gear`;
      expect(evidenceFor(make(apiVersion, kind, "gear"))).toEqual({ ...evidence, eventSelector });
    }
  });

  it("looks for events of cluster-scoped objects in default", () => {
    const { namespace: _, ...metadata } = make("a.b/v1", "Zone", "z").metadata;
    expect(evidenceFor({ apiVersion: "a.b/v1", kind: "Zone", metadata })?.namespace).toBe("default");
  });

  it.each([
    ["v1", "ConfigMap"],
    ["v1", "Namespace"],
    ["apiextensions.k8s.io/v1", "CustomResourceDefinition"],
    ["apiregistration.k8s.io/v1", "APIService"],
    ["policy/v1", "PodDisruptionBudget"],
  ])("asks for nothing for %s %s", (apiVersion, kind) => {
    expect(evidenceFor(make(apiVersion, kind, "x"))).toBeUndefined();
  });

  it("does not select every pod of the namespace for a workload without a selector", () => {
    expect(evidenceFor(workload("Job", {}))).toMatchObject({ pods: false });
  });
});

describe("podsOf", () => {
  const web = deployment("web", 0);
  const set = replicaSet(web, "7d4b9");
  const other = deployment("web-api", 0);
  const child = (name: string, parent: ReturnType<typeof make>, hash?: string, namespace = "shop") =>
    pod(name, running, {
      meta: { ownerReferences: [owner(parent)], namespace, ...(hash ? { labels: { "pod-template-hash": hash } } : {}) },
    });
  const names = (pods: ReturnType<typeof podsOf>) => pods.map(({ metadata }) => metadata.name);

  const pods = [
    child("mine", set, "7d4b9"),
    child("theirs", replicaSet(other, "7d4b9"), "7d4b9"),
    child("elsewhere", set, "7d4b9", "acme"),
    pod("orphan", running),
  ];

  it("follows a Deployment's ReplicaSets by uid", () => {
    expect(names(podsOf(web, pods, [set, replicaSet(other, "7d4b9")]))).toEqual(["mine"]);
    expect(podsOf(web, pods, [])).toEqual([]);
  });

  it("follows a Deployment's ReplicaSets by name where they are not known", () => {
    expect(names(podsOf(web, pods))).toEqual(["mine"]);
  });

  it.each(["StatefulSet", "DaemonSet", "Job"])("takes the pods that a %s controls", (kind) => {
    const parent = workload(kind, {});
    expect(names(podsOf(parent, [child("mine", parent), child("theirs", other), pod("orphan", running)]))).toEqual([
      "mine",
    ]);
  });

  it("takes nothing for a workload that has no uid yet", () => {
    const { uid: _, ...metadata } = set.metadata;
    expect(podsOf({ ...set, metadata }, pods)).toEqual([]);
  });

  it("takes the Pod itself", () => {
    expect(names(podsOf(pod("orphan", running), pods))).toEqual(["orphan"]);
  });
});
