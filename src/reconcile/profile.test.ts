import { expect, test } from "vitest";
import { FINALIZER } from "../api/names.ts";
import type { Condition, Profile, ProfileDeployment, TargetCluster } from "../api/types.ts";
import { newDeployment } from "../plan/targets.ts";
import type { ProfilePorts } from "./ports.ts";
import { reconcileProfile } from "./profile.ts";
import { Unmatches } from "./unmatches.ts";

const CLUSTER = { name: "local" };
const profileWith = (metadata: object): Profile =>
  ({
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme", uid: "u", generation: 1, ...metadata },
    spec: { clusterRefs: [CLUSTER], layers: [], deletionPolicy: "Delete" },
  }) as never;

interface Given {
  cached?: ProfileDeployment[];
  live?: ProfileDeployment[];
  clusters?: TargetCluster[];
  unmatches?: Unmatches;
  now?: number;
  isTenantGoing?: boolean;
  /** A namespace that is being deleted. */
  going?: string;
  /** A TargetCluster that cannot be read. */
  unreadable?: string;
  /** Takes what the profile's summary says. */
  summaries?: string[];
}

/** That it is held. */
function reasonsOf(conditions: readonly Condition[] = []): string[] {
  return conditions.flatMap(({ type, status, reason }) => (reason === "MassUnmatch" ? [`${type} ${status}`] : []));
}

/** What one pass asks of the world, in order. */
async function pass(profile: Profile, { cached = [], live = cached, ...given }: Given = {}): Promise<string[]> {
  const calls: string[] = [];
  const call = (name: string) => async () => void calls.push(name);
  const {
    unmatches = new Unmatches(),
    now = 0,
    isTenantGoing = false,
    clusters = [],
    going = "none",
    unreadable = "none",
  } = given;
  const ports: ProfilePorts = {
    unmatches,
    now: () => now,
    observe: () => ({
      profile,
      clusters,
      deployments: cached,
      isTenantGoing,
      isPlaceGoing: ({ namespace }) => namespace === going,
      isUnreadable: ({ name }) => name === unreadable,
    }),
    createDeployment: call("create"),
    deleteDeployment: call("delete"),
    hasDeployments: async () => live.length > 0,
    addFinalizer: call("add finalizer"),
    removeFinalizer: call("remove finalizer"),
    report: (_key, { conditions, summary }) => {
      calls.push(["report", ...reasonsOf(conditions)].join(" "));
      given.summaries?.push(summary?.message ?? "");
    },
    again: (_key, afterMs) => void calls.push(`again in ${afterMs}`),
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

test("where the TargetCluster is being deleted it waits: the profile may be next, and that is another policy", async () => {
  const other = newDeployment(profileWith(KEPT), { name: "edge", namespace: "acme" });
  const edge = { metadata: { name: "edge", namespace: "acme", deletionTimestamp: "2026-11-22T12:00:00Z" } };
  const given = { cached: [deployment, other], clusters: [edge as TargetCluster], unmatches: new Unmatches() };
  expect(await pass(profileWith(KEPT), given)).toEqual(["again in 2000", "report"]);
  expect(await pass(profileWith(KEPT), { ...given, now: 2_000 })).toEqual(["delete", "report"]);
});

test("a profile stays until each cluster has given its layers back", async () => {
  expect(await pass(profileWith(LEAVING), { cached: [deployment] })).toEqual(["delete", "report"]);
  expect(await pass(profileWith(LEAVING))).toEqual(["remove finalizer"]);
});

test("a deployment of which the watch has not told yet keeps the profile, too", async () => {
  expect(await pass(profileWith(LEAVING), { live: [deployment] })).toEqual([]);
});

test("a profile whose namespace goes is taken down with it, and its finalizer stays until it is deleted itself", async () => {
  const given = { cached: [deployment], isTenantGoing: true };
  expect(await pass(profileWith(KEPT), given)).toEqual(["delete", "report"]);
  expect(await pass(profileWith(KEPT), { isTenantGoing: true })).toEqual([]);
  expect(await pass(profileWith(LEAVING), { isTenantGoing: true })).toEqual(["remove finalizer"]);
});

const DELETING = { unmatchPolicy: "Delete", allowMassPrune: false };
const without = (spec: object, status?: object): Profile => {
  const profile = profileWith(KEPT);
  return { ...profile, spec: { ...profile.spec, ...spec }, ...(status ? { status } : {}) } as never;
};
const on = (...names: string[]): ProfileDeployment[] => [
  deployment,
  ...names.map((name) => newDeployment(profileWith(KEPT), { name, namespace: "acme" })),
];

test("an unmatch of many clusters at once deletes none, says so, and is let go by allowMassPrune", async () => {
  const unmatches = new Unmatches();
  const given = { cached: on("a", "b"), unmatches };
  const held = "report Ready False Reconciling False Stalled True";
  expect(await pass(without(DELETING), given)).toEqual([held]);
  expect(await pass(without(DELETING), { ...given, now: 1e9 })).toEqual([held]);
  const allowed = without({ ...DELETING, allowMassPrune: true });
  expect(await pass(allowed, { ...given, now: 1e9 })).toEqual(["delete", "delete", "report"]);
});

test("what is held stays so over a restart, however many clusters have come since", async () => {
  const came = Array.from({ length: 20 }, (_, index) => `new-${index}`);
  const clusterRefs = [CLUSTER, ...came.map((name) => ({ name }))];
  const spec = { ...DELETING, clusterRefs };
  const given = { cached: on("a", "b", ...came) };
  expect(await pass(without(spec), given)).toEqual(["again in 2000", "report"]);
  const condition = {
    type: "Ready",
    status: "False",
    reason: "MassUnmatch",
    lastTransitionTime: "2026-11-22T12:00:00Z",
  };
  const [told] = await pass(without(spec, { conditions: [condition] }), given);
  expect(told).toMatch(/^report Ready False/);
});

const HELD = {
  conditions: [{ type: "Ready", status: "False", reason: "MassUnmatch", lastTransitionTime: "2026-11-22T12:00:00Z" }],
};
const NOON = Date.parse("2026-11-22T12:00:00Z");

test("nothing is created before the brake has been judged, and what it says is written: else those that come would weaken it", async () => {
  const spec = { ...DELETING, clusterRefs: [CLUSTER, { name: "new" }] };
  const given = { cached: on("a", "b"), unmatches: new Unmatches() };
  const held = "report Ready False Reconciling False Stalled True";
  expect(await pass(without(spec), given)).toEqual(["again in 1000", held]);
  expect(await pass(without(spec, HELD), given)).toEqual(["create", expect.stringMatching(/^report Ready False/)]);
});

test("where one cluster is left, the others are created when it has been quiet for long enough", async () => {
  const spec = { ...DELETING, clusterRefs: [CLUSTER, { name: "new" }] };
  const given = { cached: on("a"), unmatches: new Unmatches() };
  expect(await pass(without(spec), given)).toEqual(["again in 2000"]);
  expect(await pass(without(spec), { ...given, now: 2_000 })).toEqual(["create", "delete"]);
});

test("the brake holds no cluster that goes with its namespace, and does not count it", async () => {
  const [local = deployment, a = deployment, b = deployment] = on("a", "b");
  const elsewhere = { ...b, spec: { ...b.spec, clusterRef: { name: "b", namespace: "other" } } };
  const refs = without(DELETING);
  expect(await pass(refs, { cached: [local, a, b], going: "acme", now: 0 })).toEqual(["delete", "delete", "report"]);
  const given = { cached: [local, a, elsewhere], going: "other", unmatches: new Unmatches() };
  expect(await pass(refs, given)).toEqual(["again in 2000", "delete", "report"]);
});

test("what the profile has been leaving for long is no part of a mass; what it left just now is", async () => {
  const leftAt = (at: string) => {
    const [local = deployment, a = deployment, ...more] = on("a", "b", "c", "d");
    return [local, { ...a, metadata: { ...a.metadata, deletionTimestamp: at } }, ...more];
  };
  const stays = ["c", "d"].map((name) => ({ name }));
  const profile = without({ ...DELETING, clusterRefs: [CLUSTER, ...stays] });
  const at = (cached: ProfileDeployment[]) => pass(profile, { cached, now: NOON });
  expect(await at(leftAt("2026-11-22T11:00:00Z"))).toEqual(["again in 2000", "report"]);
  expect(await at(leftAt("2026-11-22T11:59:30Z"))).toEqual([expect.stringMatching(/^report Ready False/)]);
});

test("while it is held a deployment that was deleted by hand counts, however long ago that was: it waits, too", async () => {
  const [local = deployment, a = deployment, b = deployment] = on("a", "b");
  const byHand = { ...a, metadata: { ...a.metadata, deletionTimestamp: "2026-11-22T12:10:00Z" } };
  const calls = await pass(without(DELETING, HELD), { cached: [local, byHand, b], now: NOON + 1e9 });
  expect(calls).toEqual([expect.stringMatching(/^report Ready False/)]);
});

test("a cluster that cannot be read is not one that was left, nor one that does not exist", async () => {
  const edge = { name: "edge", namespace: "acme" };
  const profile = profileWith(KEPT);
  const both = [newDeployment(profile, edge), newDeployment(profile, edge, "Management")];
  const cached = [deployment, ...both];
  const given = { cached, unreadable: "edge", unmatches: new Unmatches(), now: 1e9 };
  expect(await pass(profile, given)).toEqual(["report"]);
  const named = without({ clusterRefs: [{ name: "edge" }, CLUSTER] });
  const summaries: string[] = [];
  expect(await pass(named, { ...given, summaries })).toEqual(["report"]);
  expect(summaries).toEqual([expect.not.stringContaining("does not exist")]);
});
