import { describe, expect, it } from "vitest";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { newDeployment } from "../plan/targets.ts";
import type { Hub } from "./hub.ts";
import { Streets } from "./streets.ts";
import { Twins } from "./twins.ts";

const profile = (name: string): Profile =>
  ({ kind: "AddOnProfile", metadata: { name, namespace: "acme" }, spec: { layers: [] } }) as unknown as Profile;
const profiles = new Map(["web", "base"].map((name) => [`AddOnProfile/acme/${name}`, profile(name)]));
const on = (name: string, side: "Workload" | "Management" = "Workload", of = "web"): ProfileDeployment =>
  newDeployment(profiles.get(`AddOnProfile/acme/${of}`) as Profile, { name, namespace: "acme" }, side);
const going = (deployment: ProfileDeployment): ProfileDeployment => ({
  ...deployment,
  metadata: { ...deployment.metadata, deletionTimestamp: "2026-11-22T12:00:00Z" },
});

/** What a cluster has told, and what its TargetCluster knows of it; `absent` when there is none. */
type Cluster = { uid?: string; known?: string; isMade?: boolean } | "absent" | "unreadable";

/** Deployments by their keys, on TargetClusters by their names. */
function world(clusters: Record<string, Cluster>, deployments: Record<string, ProfileDeployment>) {
  const named = Object.entries(clusters).flatMap(([name, cluster]) =>
    typeof cluster === "string" ? [] : [{ name, cluster }],
  );
  const targets = new Map(
    named.map(({ name, cluster: { known, isMade } }) => [
      `acme/${name}`,
      { status: { uid: known }, spec: { connection: isMade === undefined ? {} : { clusterAPIRef: { name } } } },
    ]),
  );
  const byName = (key: string) => named.find(({ name }) => `acme/${name}` === key)?.cluster;
  const cache = {
    targets,
    unreadableTargets: { has: (key: string) => clusters[key.replace("acme/", "")] === "unreadable" },
    deployments: new Map(Object.entries(deployments)),
    profile: (key: string) => profiles.get(key),
  };
  const hub = {
    cache,
    linkOf: (key: string) => ({ uid: byName(key)?.uid, client: { server: `https://${key}` } }),
    hasNoSecret: (key: string) => byName(key)?.isMade === false,
  } as unknown as Hub;
  const streets = new Streets(hub);
  const twins = new Twins(hub, streets);
  for (const key of cache.deployments.keys()) streets.noticeDeployment(key);
  for (const key of targets.keys()) streets.noticeCluster(key);
  return twins;
}

describe("a profile that goes to a cluster by two names", () => {
  it.each<[what: string, a: Cluster, b: Cluster, twin: string | undefined]>([
    ["is brought by the first of them", { uid: "u" }, { uid: "u" }, "acme/a"],
    ["also while that one is being connected to, but was there before", { known: "u" }, { uid: "u" }, "acme/a"],
    ["not when that one has told that it is another cluster", { uid: "v", known: "u" }, { uid: "u" }, undefined],
    ["nor while nobody knows which one it is", {}, { uid: "u" }, undefined],
    ["nor when its TargetCluster is gone", "absent", { uid: "u" }, undefined],
  ])("%s", (_, a, b, twin) => {
    const twins = world({ a, b }, { 1: on("a"), 2: on("b") });
    expect([twins.twinOf("1"), twins.twinOf("2")]).toEqual([undefined, twin]);
  });

  it.each([
    ["edge", "edge-2"],
    ["edge-2", "edge-20"],
    ["bergen", "oslo"],
  ])("is brought by the first by name, however the deployments are called: %s before %s", (first, second) => {
    const same = { [first]: { uid: "u" }, [second]: { uid: "u" } };
    const twins = world(same, { 1: on(second), 2: on(first), 3: on(second) });
    expect(["1", "2", "3"].map((key) => twins.twinOf(key))).toEqual([`acme/${first}`, undefined, `acme/${first}`]);
  });

  it("waits for its own deployments only, and makes each of the clusters by itself", () => {
    const same = { a: { uid: "u" }, b: { uid: "u" } };
    const madeUp = { ...on("a"), metadata: { name: "mine", namespace: "acme" } };
    expect(world(same, { 0: madeUp, 1: on("a", "Workload", "base"), 2: on("b") }).twinOf("2")).toBeUndefined();
    expect(world(same, { 1: on("a", "Management"), 2: on("b", "Management") }).twinOf("2")).toBeUndefined();
    expect(world(same, { 1: on("a", "Management"), 2: on("b") }).twinOf("2")).toBeUndefined();
  });
});

describe("what a deployment leaves goes to one of the same profile", () => {
  const left = { uid: "u" };
  it.each<[what: string, a: Cluster, b: Cluster, heir: "yes" | "no" | "unknown"]>([
    ["that is on the same cluster", left, { uid: "u" }, "yes"],
    ["that was there before it was away", left, { known: "u" }, "yes"],
    ["whichever of the two names was known already", { known: "u" }, { uid: "u" }, "yes"],
    ["on another cluster not", left, { uid: "v" }, "no"],
    ["nor on one that was another before", left, { known: "v" }, "no"],
    ["that is away for the first time, perhaps", left, {}, "unknown"],
    ["on a cluster that Cluster API has made, perhaps", left, { isMade: true }, "unknown"],
    ["on one that Cluster API is yet to make not", left, { isMade: false }, "no"],
    ["on one whose TargetCluster cannot be read, perhaps", left, "unreadable", "unknown"],
    ["on one without a TargetCluster not", left, "absent", "no"],
    ["and of a cluster that nobody has reached nothing is left", {}, {}, "no"],
  ])("%s", (_, a, b, wants) => {
    for (const [own, other] of ["12", "21"]) {
      const twins = world({ a, b }, { [own as string]: going(on("a")), [other as string]: on("b") });
      const heir = twins.hasHeir(own as string);
      expect(heir instanceof Failure ? "unknown" : heir).toBe(wants);
      expect(twins.unsure).toEqual(wants === "unknown" ? [own] : []);
    }
  });

  it("also when another name is not known yet", () => {
    const twins = world({ a: left, b: {}, c: left }, { 1: going(on("a")), 2: on("b"), 3: on("c") });
    expect(twins.hasHeir("1")).toBe("yes");
  });

  it("that stays, of the same profile and side, and not made up", () => {
    const others = {
      leaving: going(on("b")),
      base: on("b", "Workload", "base"),
      onHub: on("b", "Management"),
      madeUp: { ...on("b"), metadata: { name: "mine", namespace: "acme" } },
    };
    for (const b of [left, {}]) expect(world({ a: left, b }, { 1: going(on("a")), ...others }).hasHeir("1")).toBe("no");
    const sides = { 1: going(on("a", "Management")), 2: on("b", "Management") };
    for (const b of [left, {}]) expect(world({ a: left, b }, sides).hasHeir("1")).toBe("no");
  });

  it("and who waits to know says for which name, until it is gone", () => {
    const twins = world({ a: left, b: {} }, { 1: going(on("a")), 2: on("b") });
    expect(twins.hasHeir("1")).toMatchObject({
      message:
        "TargetCluster acme/b has not answered yet and may be this cluster by another name: mend it, or delete it",
    });
    twins.forget("1");
    expect(twins.unsure).toEqual([]);
  });
});

it.each([
  ["a tenant's server that says it is another's cluster makes nobody its twin", "https://liar", undefined, "no"],
  ["two tenants who lead to one server have one cluster", "https://west", "aaa/there", "yes"],
])("%s", (_, server, twin, heir) => {
  const system = { kind: "SystemProfile", metadata: { name: "base" }, spec: { layers: [] } } as unknown as Profile;
  const at = (namespace: string) => newDeployment(system, { name: "there", namespace });
  const deployments = new Map([
    ["1", at("aaa")],
    ["2", at("acme")],
  ]);
  const target = { status: {}, spec: { connection: {} } };
  const targets = new Map(["aaa/there", "acme/there"].map((name) => [name, target]));
  const hub = {
    cache: { deployments, targets, unreadableTargets: new Map(), profile: () => system },
    linkOf: (name: string) => ({ uid: "u", client: { server: name === "aaa/there" ? server : "https://west" } }),
    hasNoSecret: () => false,
  } as unknown as Hub;
  const streets = new Streets(hub);
  for (const key of deployments.keys()) streets.noticeDeployment(key);
  for (const name of targets.keys()) streets.noticeCluster(name);
  const twins = new Twins(hub, streets);
  expect([twins.twinOf("2"), twins.hasHeir("2")]).toEqual([twin, heir]);
});
