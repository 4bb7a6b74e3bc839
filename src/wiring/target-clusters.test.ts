import { expect, test } from "vitest";
import { FINALIZER } from "../api/names.ts";
import type { Profile, ProfileDeployment, TargetCluster, TargetClusterStatus } from "../api/types.ts";
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
  const targets = new Map([["acme/edge", { metadata: edge } as TargetCluster]]);
  const cache = {
    deployments,
    targets,
    profile: (key: string) => (key === "AddOnProfile/acme/web" ? profile : undefined),
    isUnreadableProfile: (key: string) => key === "AddOnProfile/acme/strange",
  };
  const told: string[] = [];
  const statuses = {
    set: (_key: string, { conditions }: TargetClusterStatus) =>
      void told.push(...(conditions ?? []).map(({ message }) => message)),
  };
  const stateOf = () => ({ kind: "connecting" });
  const wiring = new TargetWiring({ cache, statuses, stateOf } as unknown as Hub);
  const isInUse = () => wiring.observe("acme/edge")?.isInUse;
  return { deployments, targets, wiring, isInUse, told };
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

test("a profile that cannot be read is on its cluster all the same", () => {
  const { deployments, wiring, isInUse } = world();
  const strange = { ...profile, metadata: { ...profile.metadata, name: "strange" } } as Profile;
  const own = newDeployment(strange, edge);
  deployments.set("acme/forged", { ...own, metadata: { ...own.metadata, name: "forged" } });
  expect([wiring.noticeDeployment("acme/forged"), isInUse()]).toEqual(["acme/edge", false]);
  deployments.set("acme/strange-edge", own);
  expect([wiring.noticeDeployment("acme/strange-edge"), isInUse()]).toEqual(["acme/edge", true]);
});

test("a TargetCluster that is being deleted says for whom it waits, as they change, until nobody is there", () => {
  const { deployments, targets, wiring, told } = world();
  deployments.set("acme/web-edge", newDeployment(profile, edge));
  wiring.noticeDeployment("acme/web-edge");
  wiring.reportWaiting("acme/edge");
  expect(told).toEqual([]);
  const metadata = { ...edge, finalizers: [FINALIZER], deletionTimestamp: "2026-11-22T12:00:00Z" };
  targets.set("acme/edge", { metadata } as TargetCluster);
  wiring.reportWaiting("acme/edge");
  expect(told).toEqual([expect.stringMatching(/^being deleted, waits for AddOnProfile acme\/web .*; connecting$/)]);
  deployments.clear();
  wiring.noticeDeployment("acme/web-edge");
  wiring.reportWaiting("acme/edge");
  expect(told).toHaveLength(1);
});
