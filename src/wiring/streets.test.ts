import { describe, expect, it } from "vitest";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { newDeployment } from "../plan/targets.ts";
import { profileKey } from "../reconcile/profile.ts";
import { MASS_UNMATCH } from "../status/held-unmatch.ts";
import type { Hub } from "./hub.ts";
import { Streets } from "./streets.ts";

const profile = (name: string, kind = "AddOnProfile", about: object = {}): Profile =>
  ({ kind, metadata: { name, namespace: "acme" }, spec: { layers: [], ...about } }) as unknown as Profile;
const profiles = new Map(["web", "base"].map((name) => [`AddOnProfile/acme/${name}`, profile(name)]));
const on = (of: string, name: string, side: "Workload" | "Management" = "Workload"): ProfileDeployment =>
  newDeployment(profiles.get(`AddOnProfile/acme/${of}`) as Profile, { name, namespace: "acme" }, side);

interface Cluster {
  /** What it has told, and what its TargetCluster knows of it. */
  uid?: string;
  known?: string;
  state?: "live" | "failing" | "connecting";
}

/** Deployments by their keys, on clusters by their names. */
function world(
  clusters: Record<string, Cluster>,
  deployments: Record<string, ProfileDeployment>,
  more: readonly Profile[] = [],
) {
  const targets = new Map<string, { metadata: object; status: { uid: string | undefined } }>();
  const all = new Map([...profiles, ...more.map((one) => [profileKey(one), one] as const)]);
  const cache = {
    targets,
    deployments: new Map<string, ProfileDeployment>(),
    unreadableTargets: new Map(),
    profile: (key: string) => all.get(key),
    profileKeys: () => [...all.keys()],
    isUnreadableProfile: (key: string) => key === "AddOnProfile/acme/strange",
  };
  const linkOf = (name: string) => ({ uid: clusters[name]?.uid });
  const stateOf = (name: string) => ({ kind: clusters[name]?.state ?? "live" });
  const streets = new Streets({ cache, linkOf, stateOf } as unknown as Hub);
  const put = (key: string, deployment: ProfileDeployment | undefined) => {
    if (deployment) cache.deployments.set(key, deployment);
    else cache.deployments.delete(key);
    return streets.noticeDeployment(key).sort();
  };
  const tell = (name: string, cluster: Cluster) => {
    clusters[name] = cluster;
    targets.set(name, { metadata: { namespace: "acme", name: name.slice(5) }, status: { uid: cluster.known } });
    return streets.noticeCluster(name).sort();
  };
  for (const [key, deployment] of Object.entries(deployments)) put(key, deployment);
  for (const [name, cluster] of Object.entries(clusters)) tell(name, cluster);
  const streetOf = (key: string, isTwin = (_: string) => false) => {
    const deployment = cache.deployments.get(key) as ProfileDeployment;
    const { profileRef } = deployment.spec;
    // The profile may have changed since it was looked at.
    const own = { profile: profile(profileRef.name), deployment };
    return streets.streetOf(key, own, isTwin);
  };
  const others = (key: string) => streetOf(key).others.map(({ deployment }) => deployment.spec.clusterRef.name);
  return { put, tell, streetOf, others };
}

describe("the deployments of one cluster", () => {
  it.each<[what: string, a: Cluster, b: Cluster, others: string[]]>([
    ["are those of both names, once it has told its uid by both", { uid: "u" }, { uid: "u" }, ["b"]],
    ["also by one that it had told it by before", { uid: "u" }, { known: "u", state: "failing" }, ["b"]],
    ["which counts only until it tells another one", { uid: "u" }, { uid: "v", known: "u" }, []],
    ["are those of its name, while it is not known which one it is", {}, {}, []],
    ["and when there are two", { uid: "u" }, { uid: "v" }, []],
    ["no uid is none", { uid: "" }, { uid: "" }, []],
  ])("%s", (_, a, b, others) => {
    const deployments = { web: on("web", "a"), base: on("base", "b") };
    expect(world({ "acme/a": a, "acme/b": b }, deployments).others("web")).toEqual(others);
  });

  it("are the other side by the same name, and all else on it that Strata has made", () => {
    const { streetOf } = world(
      { "acme/a": { uid: "u" }, "acme/b": { uid: "u" } },
      {
        web: on("web", "a"),
        webOnHub: on("web", "a", "Management"),
        webByB: on("web", "b"),
        webOnHubByB: on("web", "b", "Management"),
        base: on("base", "a"),
        madeUp: { ...on("base", "b"), metadata: { name: "mine", namespace: "acme" } },
        elsewhere: on("base", "c"),
      },
    );
    const { sibling, others } = streetOf("web");
    expect(sibling).toEqual(on("web", "a", "Management"));
    expect(others.map(({ deployment }) => deployment)).toEqual([on("base", "a"), on("web", "b")]);
  });

  it("are also those of a profile that cannot be read: it has its place there, and does nothing", () => {
    const strange = newDeployment(profile("strange"), { name: "a", namespace: "acme" });
    const { streetOf } = world({ "acme/a": { uid: "u" } }, { web: on("web", "a"), strange });
    const [other] = streetOf("web").others;
    expect([other?.profile.metadata.name, other?.deployment, other?.isIdle?.()]).toEqual(["strange", strange, true]);
  });

  it("do nothing there by a name that does not answer, or of which another one has the profile", () => {
    const deployments = { web: on("web", "a"), away: on("base", "b"), base: on("base", "a") };
    const { streetOf } = world({ "acme/a": { uid: "u" }, "acme/b": { known: "u", state: "failing" } }, deployments);
    const idle = (isTwin?: (key: string) => boolean) =>
      streetOf("web", isTwin).others.map(({ deployment, isIdle }) => [deployment.spec.clusterRef.name, isIdle?.()]);
    expect(Object.fromEntries(idle())).toEqual({ a: false, b: true });
    expect(Object.fromEntries(idle((key) => key === "base"))).toEqual({ a: true, b: true });
  });
});

describe("a deployment that somebody deletes", () => {
  const isMadeAgain = (about: object, status: object = {}, deletionTimestamp = "2026-11-22T12:00:00Z") => {
    const base = { ...profile("base", "ClusterProfile", about), status } as Profile;
    const deployment = newDeployment(base, { name: "a", namespace: "acme" });
    Object.assign(deployment.metadata, { deletionTimestamp });
    const { streetOf } = world({ "acme/a": {} }, { web: on("web", "a"), base: deployment }, [base]);
    return streetOf("web").others[0]?.isMadeAgain?.();
  };

  it("is made again where its profile goes to the cluster as before, and not where that has left", () => {
    expect(isMadeAgain({ clusterRefs: [{ name: "a" }] })).toBe(true);
    expect(isMadeAgain({ clusterRefs: [{ name: "b" }] })).toBe(false);
  });

  it("takes no cluster from a profile whose brake holds it there", () => {
    const held = { status: "False", reason: MASS_UNMATCH, lastTransitionTime: "2026-11-22T12:00:00Z" };
    const about = { clusterRefs: [{ name: "b" }], unmatchPolicy: "Delete" };
    expect(isMadeAgain(about, { conditions: [held] })).toBe(true);
    expect(isMadeAgain(about, { conditions: [held] }, "2026-11-22T11:00:00Z")).toBe(false);
    expect(isMadeAgain({ ...about, allowMassPrune: true }, { conditions: [held] })).toBe(false);
  });
});

describe("a ClusterProfile that has no deployment on a cluster at the moment", () => {
  const goesTo = (name: string, about: object = {}) =>
    ({ ...profile(`to-${name}`, "ClusterProfile", { clusterRefs: [{ name }] }), ...about }) as Profile;
  const clusters = { "acme/a": { uid: "u" }, "acme/b": { uid: "u" }, "acme/c": { uid: "v" } };

  it("is one that goes there by any of its names", () => {
    const more = ["a", "b", "c"].map((name) => goesTo(name));
    const { streetOf } = world(clusters, { web: on("web", "a") }, more);
    expect(streetOf("web").absent?.()).toEqual(more.slice(0, 2));
  });

  it("is one that only makes the cluster at the moment", () => {
    const base = goesTo("a");
    const beside = newDeployment(base, { name: "a", namespace: "acme" }, "Management");
    const { streetOf } = world(clusters, { web: on("web", "a"), beside }, [base]);
    expect(streetOf("web").absent?.()).toEqual([base]);
  });

  it("is none that has one, or that is being deleted, nor a profile of another kind", () => {
    const base = goesTo("a");
    const metadata = { name: "going", namespace: "acme", deletionTimestamp: "2026-11-22T12:00:00Z" };
    const others = [goesTo("a", { metadata }), profile("add-on", "AddOnProfile", { clusterRefs: [{ name: "a" }] })];
    const deployment = newDeployment(base, { name: "b", namespace: "acme" });
    const { streetOf } = world(clusters, { web: on("web", "a"), base: deployment }, [base, ...others]);
    expect(streetOf("web").absent?.()).toEqual([]);
  });
});

describe("whom a change concerns", () => {
  it("is all who are on the cluster, by whatever name, also when a deployment has gone", () => {
    const { put } = world({ "acme/a": { uid: "u" }, "acme/b": { uid: "u" } }, { web: on("web", "a") });
    expect(put("base", on("base", "b"))).toEqual(["base", "web"]);
    expect(put("base", undefined)).toEqual(["web"]);
    expect(put("base", undefined)).toEqual([]);
  });

  it("is all on a cluster that a name leads to now, and on the one that it has led to", () => {
    const deployments = { web: on("web", "a"), base: on("base", "b"), other: on("base", "c") };
    const { tell, others } = world({ "acme/a": { uid: "u" }, "acme/b": {}, "acme/c": { uid: "v" } }, deployments);
    expect(tell("acme/b", { uid: "u" })).toEqual(["base", "web"]);
    expect(tell("acme/b", { uid: "u", state: "failing" })).toEqual(["base", "web"]);
    expect(tell("acme/b", { uid: "v" })).toEqual(["base", "other", "web"]);
    expect([others("web"), others("other")]).toEqual([[], ["b"]]);
  });
});
