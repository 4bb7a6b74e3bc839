import { describe, expect, it } from "vitest";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { isDeploymentOf, newDeployment } from "./targets.ts";

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
