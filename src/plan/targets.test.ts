import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Profile, ProfileDeployment, TargetCluster } from "../api/types.ts";
import { isDeploymentOf, isTargetOf, newDeployment, targetsOf } from "./targets.ts";

const profile = (kind: string, namespace?: string): Profile =>
  ({ kind, metadata: { name: "base", ...(namespace ? { namespace } : {}), uid: "u" }, spec: { layers: [] } }) as never;
const TENANT = profile("ClusterProfile", "acme");

describe("isDeploymentOf", () => {
  it.each([
    ["a tenant's, on a cluster of its own", TENANT, { name: "edge", namespace: "acme" }],
    ["a tenant's, on the hub", TENANT, { name: "local" }],
    ["a SystemProfile's, on a tenant's cluster", profile("SystemProfile"), { name: "edge", namespace: "acme" }],
  ])("knows what Strata made: %s", (_what, owner, cluster) => {
    expect(isDeploymentOf(owner, newDeployment(owner, cluster))).toBe(true);
  });

  const made = newDeployment(TENANT, { name: "edge", namespace: "acme" });
  const forged = (metadata: object, clusterRef = made.spec.clusterRef): ProfileDeployment => ({
    ...made,
    metadata: { ...made.metadata, ...metadata },
    spec: { ...made.spec, clusterRef },
  });
  it.each([
    ["another name", forged({ name: "mine" })],
    ["another namespace", forged({ namespace: "evil" })],
    ["another cluster", forged({}, { name: "other", namespace: "acme" })],
    ["the cluster of another tenant", newDeployment(TENANT, { name: "edge", namespace: "victim" })],
  ])("refuses one with %s", (_what, deployment) => {
    expect(isDeploymentOf(TENANT, deployment)).toBe(false);
  });
});

describe("targetsOf: the clusters that a profile goes to", () => {
  const cluster = (namespace: string, name: string, labels: Record<string, string>, rest: object = {}): TargetCluster =>
    ({ kind: "TargetCluster", metadata: { name, namespace, labels, ...rest } }) as never;
  const clusters = [
    cluster("acme", "a", { env: "prod", tier: "1" }),
    cluster("acme", "b", { env: "prod", tier: "2" }),
    cluster("acme", "c", { env: "dev" }),
    cluster("acme", "going", { env: "prod" }, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
  ];
  const targets = (spec: object, kind = "AddOnProfile"): string[] => {
    const metadata = kind === "SystemProfile" ? { name: "p" } : { name: "p", namespace: "acme" };
    const layers = [{ name: "l", manifests: [{ inline: "a: b" }] }];
    const parsed = parseProfile({ apiVersion: "strata.dev/v1alpha1", kind, metadata, spec: { layers, ...spec } });
    if (!parsed.ok) throw new Error(parsed.problems.join());
    return targetsOf(parsed.value, clusters).map(({ name, namespace }) => [namespace, name].filter(Boolean).join("/"));
  };
  const selecting = (...matchExpressions: object[]) => ({ clusterSelector: { matchExpressions } });

  const rows: [string, object, string[]][] = [
    [
      "all with an empty selector, save one that is being deleted",
      { clusterSelector: {} },
      ["acme/a", "acme/b", "acme/c"],
    ],
    ["those with a label", { clusterSelector: { matchLabels: { env: "dev" } } }, ["acme/c"]],
    ["In", selecting({ key: "tier", operator: "In", values: ["2", "3"] }), ["acme/b"]],
    [
      "NotIn, which takes those without the label too",
      selecting({ key: "tier", operator: "NotIn", values: ["2"] }),
      ["acme/a", "acme/c"],
    ],
    ["Exists", selecting({ key: "tier", operator: "Exists" }), ["acme/a", "acme/b"]],
    ["DoesNotExist", selecting({ key: "tier", operator: "DoesNotExist" }), ["acme/c"]],
    [
      "all terms together",
      selecting({ key: "tier", operator: "Exists" }, { key: "tier", operator: "NotIn", values: ["1"] }),
      ["acme/b"],
    ],
    ["named ones, save one that is being deleted", { clusterRefs: [{ name: "a" }, { name: "going" }] }, ["acme/a"]],
    [
      "named ones, also when they do not exist",
      { clusterRefs: [{ name: "a" }, { name: "none" }] },
      ["acme/a", "acme/none"],
    ],
    ["the hub by its reserved name, and by no selector", { clusterRefs: [{ name: "local" }] }, ["local"]],
  ];
  it.each(rows)("%s", (_name, spec, want) => {
    expect(targets(spec)).toEqual(want);
  });

  it.each(rows)("isTargetOf says the same of each cluster by itself: %s", (_name, spec, want) => {
    const profile = { metadata: { name: "p", namespace: "acme" }, spec } as unknown as Profile;
    const refs = [...clusters.map(({ metadata: { namespace, name } }) => ({ namespace, name })), { name: "local" }];
    const all = [...refs, { namespace: "acme", name: "none" }];
    const taken = all.filter((ref) => {
      const cluster = clusters.find(({ metadata }) => metadata.name === ref.name);
      return isTargetOf(profile, ref, cluster);
    });
    expect(taken.map((ref) => ["namespace" in ref ? ref.namespace : "", ref.name].filter(Boolean).join("/"))).toEqual(
      want,
    );
  });

  it("a SystemProfile's references name the tenant: leaf: SystemProfile spec.clusterRefs[].namespace", () => {
    expect(
      targets(
        {
          clusterRefs: [
            { name: "a", namespace: "acme" },
            { name: "a", namespace: "other" },
          ],
        },
        "SystemProfile",
      ),
    ).toEqual(["acme/a", "other/a"]);
  });
});
