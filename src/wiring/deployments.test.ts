import { expect, test, vi } from "vitest";
import { FINALIZER } from "../api/names.ts";
import { parseProfile } from "../api/parse.ts";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { newDeployment } from "../plan/targets.ts";
import { NO_INTEREST } from "../reconcile/interest.ts";
import type { Interest } from "../reconcile/ports.ts";
import { profileKey } from "../reconcile/profile.ts";
import { DeploymentWiring } from "./deployments.ts";
import type { Hub } from "./hub.ts";
import { ProfileWiring } from "./profiles.ts";

function profile(kind: string, namespace: string | undefined, registry: string): Profile {
  const helm = { registryRef: { name: registry }, chart: "web", version: "1.0.0" };
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind,
    metadata: { name: `of-${registry}`, ...(namespace === undefined ? {} : { namespace }) },
    spec: { namespace: "web", clusterRefs: [{ name: "local" }], layers: [{ name: "web", helm }] },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

test.each([
  { of: "acme/private", wants: ["acme/AddOnProfile/private"] },
  { of: "beta/private", wants: ["beta/ClusterProfile/private"] },
  {
    of: "strata-system/public",
    wants: ["acme/AddOnProfile/public", "beta/AddOnProfile/public", "strata-system/SystemProfile/public"],
  },
  { of: "acme/public", wants: ["acme/AddOnProfile/public"] },
  { of: "acme/other", wants: [] },
])("a change of the Registry $of concerns the deployments with layers from it", ({ of, wants }) => {
  const profiles = [
    profile("AddOnProfile", "acme", "private"),
    profile("ClusterProfile", "beta", "private"),
    profile("AddOnProfile", "acme", "public"),
    profile("AddOnProfile", "beta", "public"),
    profile("SystemProfile", undefined, "public"),
  ];
  const keyed = profiles.map((one): [string, ProfileDeployment] => {
    const namespace = one.metadata.namespace ?? "strata-system";
    return [`${namespace}/${one.kind}/${one.metadata.name.slice(3)}`, newDeployment(one, { name: "local" })];
  });
  const byKey = new Map(profiles.map((one) => [profileKey(one), one]));
  const cache = { deployments: new Map(keyed), profile: (key: string) => byKey.get(key) };
  const parts = { renderer: {} as never, registries: {} as never };
  const wiring = new DeploymentWiring({ cache } as unknown as Hub, parts, {
    again: () => undefined,
    elsewhere: (_, work) => work(),
  });
  const renewed = vi.spyOn(wiring.reconciler, "renewSources");
  expect(wiring.renewSources(of, "answers")).toEqual(wants);
  expect(renewed.mock.calls).toEqual(wants.map((key) => [key, "answers"]));
});

test.each([
  { kind: "SystemProfile", namespace: undefined, isGoing: false },
  { kind: "AddOnProfile", namespace: "strata-system", isGoing: true },
])("when Strata's own namespace is deleted, $kind goes with it: $isGoing", ({ kind, namespace, isGoing }) => {
  const own = profile(kind, namespace, "public");
  const deployment = newDeployment(own, { name: "edge", namespace: namespace ?? "acme" });
  const cache = {
    deployments: new Map([["key", deployment]]),
    targets: new Map(),
    unreadableTargets: new Map(),
    profile: () => own,
    isNamespaceGoing: (name: string) => name === "strata-system",
  };
  const hub = { cache, references: { want: () => undefined } } as unknown as Hub;
  const parts = { renderer: {} as never, registries: {} as never };
  const deployments = new DeploymentWiring(hub, parts, { again: () => undefined, elsewhere: (_, work) => work() });
  expect(deployments.observe("key")?.isTenantGoing).toBe(isGoing);
  expect(new ProfileWiring(hub, () => undefined).observe(profileKey(own))?.isTenantGoing).toBe(isGoing);
});

const SILENT = { kind: "failing", failure: new Failure("Unreachable", "no answer") };
const CONNECTING = { kind: "connecting" };
test.each([
  {
    name: "had answered, is lost since then",
    link: { uid: "u", state: SILENT, lostAt: 7 },
    want: { ...SILENT, lostAt: 7 },
  },
  { name: "had never answered, is gone", link: { uid: undefined, state: SILENT, lostAt: 7 }, want: { kind: "gone" } },
  { name: "is being connected to, is gone", link: { uid: undefined, state: CONNECTING }, want: { kind: "gone" } },
  { name: "is not connected to, is gone", link: undefined, want: { kind: "gone" } },
])("of a profile on its way out, a cluster without its Secret that $name", ({ link, want }) => {
  const own = profile("AddOnProfile", "acme", "public");
  const deployment = newDeployment(own, { name: "edge", namespace: "acme" });
  Object.assign(deployment.metadata, { deletionTimestamp: "2026-11-22T12:00:00Z" });
  const cache = {
    deployments: new Map([["key", deployment]]),
    targets: new Map([["acme/edge", { metadata: { name: "edge", namespace: "acme" } }]]),
    unreadableTargets: new Map(),
    profile: () => own,
    isNamespaceGoing: () => false,
  };
  const hub = { cache, linkOf: () => link, hasNoSecret: () => true } as unknown as Hub;
  const parts = { renderer: {} as never, registries: {} as never };
  const deployments = new DeploymentWiring(hub, parts, { again: () => undefined, elsewhere: (_, work) => work() });
  expect(deployments.observe("key")?.target).toEqual(want);
});

/** The deployments of three AddOnProfiles, two of them on one cluster, and the links of what they are on. */
function street() {
  const deployments = new Map(
    ["a", "b", "c"].map((name): [string, ProfileDeployment] => {
      const cluster = name === "c" ? { name: "edge", namespace: "acme" } : { name: "local" };
      return [`acme/${name}`, newDeployment(profile("AddOnProfile", "acme", name), cluster)];
    }),
  );
  const cache = {
    deployments,
    targets: new Map([["acme/edge", { metadata: { name: "edge", namespace: "acme", finalizers: [FINALIZER] } }]]),
    unreadableTargets: new Map(),
    profile: (key: string) => profile("AddOnProfile", "acme", key.replace(/^.*of-/, "")),
    isNamespaceGoing: () => false,
  };
  const linkTo = (uid: string | undefined) => ({
    uid,
    state: { kind: "live", uid, version: "v1.36.3" },
    client: { server: `https://${uid}` },
    site: () => ({ want: () => undefined }),
  });
  const hub = {
    cache,
    uid: "hub" as string | undefined,
    linkOf: (name: string) => linkTo(name === "local" ? hub.uid : "edge"),
    stateOf: (name: string) => hub.linkOf(name).state,
  };
  const woken: string[] = [];
  const wiring = new DeploymentWiring(
    hub as unknown as Hub,
    { renderer: {} as never, registries: {} as never },
    { again: (key, afterMs) => void woken.push(`${key} in ${afterMs}`), elsewhere: (_, work) => work() },
  );
  for (const key of deployments.keys()) wiring.noticeDeployment(key);
  return { hub, wiring, woken, targetOf: (key: string) => wiring.observe(key)?.target };
}

/** A deployment that was refused these objects by their owner. */
const waitingFor = (...keys: string[]): Interest => ({
  ...NO_INTEREST,
  claims: new Map(keys.map((key) => [key, "web"])),
});

test("who may have what another profile waits for is woken when it says so, and not with each of its passes", () => {
  const { wiring, woken, targetOf } = street();
  const [owner] = ["acme/a", "acme/b", "acme/c"].map((key) => targetOf(key));
  if (owner?.kind !== "ready") throw new Error("the owner's cluster is not ready");
  const claims: [wanted: string[], wakes: string[]][] = [
    [[], []],
    [["config"], ["acme/a in 0"]],
    [["config"], []],
    [["config", "secret"], ["acme/a in 0"]],
    [["secret"], []],
    [[], []],
    [["config"], ["acme/a in 0"]],
  ];
  for (const [wanted, wakes] of claims) {
    woken.length = 0;
    wiring.want("acme/b", waitingFor(...wanted));
    expect(woken).toEqual(wakes);
    expect(owner.place.heirs.claim("config")).toBe(wanted.includes("config"));
  }
});

test("a ClusterProfile that changes wakes those of its namespace who wait: one may have waited for it to come again", () => {
  const { wiring } = street();
  wiring.want("acme/a", { ...NO_INTEREST, waiting: true });
  wiring.want("acme/b", NO_INTEREST);
  expect(wiring.noticeProfile("ClusterProfile/acme/base")).toEqual(["acme/a"]);
  expect(wiring.noticeProfile("ClusterProfile/other/base")).toEqual([]);
  expect(wiring.noticeProfile("AddOnProfile/acme/base")).toEqual([]);
});

test("two profiles that wait for each other wake each other once", () => {
  const { wiring, woken, targetOf } = street();
  for (const key of ["acme/a", "acme/b"]) targetOf(key);
  for (let pass = 0; pass < 3; pass += 1) {
    wiring.want("acme/a", waitingFor("theirs"));
    wiring.want("acme/b", waitingFor("ours"));
  }
  expect(woken).toEqual(["acme/b in 0", "acme/a in 0"]);
});

test("nothing begins anywhere before the hub has told which one it is; when it has, all clusters are looked at", () => {
  const { hub, wiring, targetOf } = street();
  hub.uid = undefined;
  expect(targetOf("acme/c")).toEqual({ kind: "connecting" });
  expect(wiring.noticeCluster("acme/edge")).toEqual(["acme/c"]);
  hub.uid = "hub";
  expect(wiring.noticeCluster("local")).toEqual(["acme/a", "acme/b", "acme/c"]);
  expect(targetOf("acme/c")).toMatchObject({ kind: "ready" });
  // That it does not answer for a while is no news for the others.
  expect(wiring.noticeCluster("local")).toEqual(["acme/a", "acme/b"]);
});
