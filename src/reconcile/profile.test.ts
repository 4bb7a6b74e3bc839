import { expect, test } from "vitest";
import { FINALIZER } from "../api/names.ts";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { newDeployment } from "../plan/targets.ts";
import type { ProfilePorts } from "./ports.ts";
import { reconcileProfile } from "./profile.ts";

const CLUSTER = { name: "local" };
const profileWith = (metadata: object): Profile =>
  ({
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme", uid: "u", generation: 1, ...metadata },
    spec: { clusterRefs: [CLUSTER], layers: [], deletionPolicy: "Delete" },
  }) as never;

/** What one pass asks of the world, in order. */
async function pass(
  profile: Profile,
  { cached = [], live = cached }: { cached?: ProfileDeployment[]; live?: ProfileDeployment[] } = {},
): Promise<string[]> {
  const calls: string[] = [];
  const call = (name: string) => async () => void calls.push(name);
  const ports: ProfilePorts = {
    now: () => 0,
    observe: () => ({ profile, clusters: [], deployments: cached }),
    createDeployment: call("create"),
    deleteDeployment: call("delete"),
    hasDeployments: async () => live.length > 0,
    addFinalizer: call("add finalizer"),
    removeFinalizer: call("remove finalizer"),
    report: () => void calls.push("report"),
  };
  await reconcileProfile("AddOnProfile/acme/p", ports, new AbortController().signal);
  return calls;
}

const KEPT = { finalizers: [FINALIZER] };
const LEAVING = { ...KEPT, deletionTimestamp: "2026-11-22T12:00:00Z" };
const deployment = newDeployment(profileWith(KEPT), CLUSTER);

test("nothing is begun before the finalizer is on the profile", async () => {
  expect(await pass(profileWith({}))).toEqual(["add finalizer"]);
});

test("each cluster gets its deployment, and then the profile its status", async () => {
  expect(await pass(profileWith(KEPT))).toEqual(["create"]);
  expect(await pass(profileWith(KEPT), { cached: [deployment] })).toEqual(["report"]);
});

test("a deployment that is wanted no more is deleted", async () => {
  const other = newDeployment(profileWith(KEPT), { name: "edge", namespace: "acme" });
  expect(await pass(profileWith(KEPT), { cached: [deployment, other] })).toEqual(["delete", "report"]);
});

test("a profile stays until each cluster has given its layers back", async () => {
  expect(await pass(profileWith(LEAVING), { cached: [deployment] })).toEqual(["delete", "report"]);
  expect(await pass(profileWith(LEAVING))).toEqual(["remove finalizer"]);
});

test("a deployment of which the watch has not told yet keeps the profile, too", async () => {
  expect(await pass(profileWith(LEAVING), { live: [deployment] })).toEqual([]);
});
