import { expect, test } from "vitest";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { newDeployment } from "../plan/targets.ts";
import type { Hub } from "./hub.ts";
import { TargetWiring } from "./target-clusters.ts";

const profile = {
  kind: "AddOnProfile",
  metadata: { name: "web", namespace: "acme", uid: "u" },
  spec: { layers: [] },
} as unknown as Profile;
const edge = { name: "edge", namespace: "acme" };

function world() {
  const deployments = new Map<string, ProfileDeployment>();
  const targets = new Map([["acme/edge", { metadata: edge }]]);
  const cache = {
    deployments,
    targets,
    profile: (key: string) => (key === "AddOnProfile/acme/web" ? profile : undefined),
  };
  const wiring = new TargetWiring({ cache } as unknown as Hub);
  const isInUse = () => wiring.observe("acme/edge")?.isInUse;
  return { deployments, wiring, isInUse };
}

test("a TargetCluster is in use as long as a deployment is on it, and told of when the last one went", () => {
  const { deployments, wiring, isInUse } = world();
  expect(isInUse()).toBe(false);
  deployments.set("acme/web-edge", newDeployment(profile, edge));
  expect([wiring.noticeDeployment("acme/web-edge"), isInUse()]).toEqual(["acme/edge", true]);
  expect(wiring.noticeDeployment("acme/web-edge")).toBe("acme/edge");
  deployments.clear();
  expect([wiring.noticeDeployment("acme/web-edge"), isInUse()]).toEqual(["acme/edge", false]);
  expect(wiring.noticeDeployment("acme/web-edge")).toBeUndefined();
});

test("a deployment that somebody made up holds nobody's cluster, and one on the hub none", () => {
  const { deployments, wiring, isInUse } = world();
  const forged = newDeployment(profile, edge);
  deployments.set("acme/mine", { ...forged, metadata: { ...forged.metadata, name: "mine" } });
  expect([wiring.noticeDeployment("acme/mine"), isInUse()]).toEqual(["acme/edge", false]);
  deployments.set("acme/web-local", newDeployment(profile, { name: "local" }));
  expect(wiring.noticeDeployment("acme/web-local")).toBeUndefined();
});
