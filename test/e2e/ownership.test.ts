import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fleetMember } from "../support/fleet.ts";
import { fence, strataRequests } from "../support/ledger.ts";
import {
  apply,
  auditMark,
  condition,
  follow,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

type Kind = "AddOnProfile" | "ClusterProfile" | "SystemProfile";
const RESOURCES = { AddOnProfile: "addonprofiles", ClusterProfile: "clusterprofiles", SystemProfile: "systemprofiles" };

let hub: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  hub = await startControlPlane({ name: "ownership" });
  strata = await startStrata(hub, ["--set", "systemProfiles.clusterRole=cluster-admin"]);
  for (const tenant of ["acme", "beta"]) await trustedTenant(hub, tenant);
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

const configMap = (name: string, data: Record<string, string> = { key: "v" }): Live => ({
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data },
});

interface Wanted {
  kind?: Kind;
  tenant?: string;
  name: string;
  namespace?: string;
  /** Where it goes. */
  cluster?: Live;
  layers: readonly Live[];
}

/** A profile on `local`, if nothing else is said, in the tenant acme; its objects are in the namespace `namespace`. */
function profile({ kind = "AddOnProfile", tenant = "acme", name, namespace = name, cluster, layers }: Wanted): Live {
  const metadata = kind === "SystemProfile" ? { name } : { name, namespace: tenant };
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind,
    metadata,
    spec: { clusterRefs: [cluster ?? { name: "local" }], namespace, layers },
  };
}

const layer = (name: string, manifests: readonly Live[], rest: Live = {}): Live => ({ name, manifests, ...rest });

function profilePath({ kind = "AddOnProfile", tenant = "acme", name }: Wanted): string {
  return pathOf("strata.dev/v1alpha1", RESOURCES[kind], kind === "SystemProfile" ? name : `${tenant}/${name}`);
}

async function applyAndWait(wanted: Wanted): Promise<Live> {
  await apply(hub, profile(wanted));
  const what = { what: "Ready", is: isReady };
  return await waitUntil(hub, profilePath(wanted), what);
}

async function remove({ kind = "AddOnProfile", tenant = "acme", name }: Wanted): Promise<void> {
  await hub.kubectlOk(["delete", "-n", tenant, `${RESOURCES[kind]}.strata.dev/${name}`, "--timeout=90s"]);
}

/** The message of a layer that somebody stands in the way of. */
async function conflictOf(wanted: Wanted, name = "one"): Promise<string> {
  const live = await waitUntil(hub, profilePath(wanted), {
    what: "in Conflict",
    is: (object) => layerOf(object, name)?.reason === "Conflict",
  });
  expect(layerOf(live, name)).toMatchObject({ state: "Blocked" });
  expect(condition(live, "Ready")).toMatchObject({ status: "False", reason: "Conflict" });
  return layerOf(live, name).message;
}

const configMapPath = (name: string): string => pathOf("v1", "configmaps", name);
const dataOf = async (name: string): Promise<Live> => (await read(hub, configMapPath(name)))?.data;

/** Deletes of Strata since a mark, besides what it keeps for itself. */
async function deletesSince(mark: number): Promise<string[]> {
  const writes = await strataWrites(hub, mark);
  return writes.filter((write) => write.startsWith("delete") && !write.includes(" strata-system/"));
}

const belongs = (what: string, owner: string): string =>
  `ConfigMap ${what} exists and belongs to ${owner}: take it out of one of the two profiles or, if that one has left the ` +
  "cluster, take the label applyset.kubernetes.io/part-of off the object and set the layer's adoption to Always";

describe("two profiles that claim one object", () => {
  const shared = [layer("one", [configMap("shared")])];
  const first: Wanted = { name: "first", namespace: "common", layers: shared };
  const second: Wanted = {
    name: "second",
    namespace: "common",
    layers: [layer("one", [configMap("shared", { key: "w" })])],
  };

  test("the first keeps it; the second says whose it is, costs nothing, and gets it when the first is deleted", async () => {
    await applyAndWait(first);
    const { uid } = (await read(hub, configMapPath("common/shared"))).metadata;
    await apply(hub, profile(second));
    expect(await conflictOf(second)).toBe(belongs("common/shared", "layer one of AddOnProfile acme/first"));
    expect(isReady(await read(hub, profilePath(first)))).toBe(true);
    expect(await dataOf("common/shared")).toEqual({ key: "v" });

    await fence(hub, "before-rest");
    const rest = await auditMark(hub);
    await hub.kubectlOk(["annotate", "-n", "common", "configmap/shared", "example.com/note=mine"]);
    const isOfFence = await fence(hub, "after-rest");
    const requests = (await strataRequests(hub, rest)).filter(
      ({ verb, requestURI, objectRef }) => verb !== "watch" && !isOfFence(`${requestURI} ${objectRef?.name}`),
    );
    // Its owner looks at it once: a value may have changed with the annotation.
    const asked = requests.filter(({ requestURI }) => /configmaps/.test(requestURI)).map(({ verb }) => verb);
    expect(asked.join()).toMatch(/^(get)?$/);

    const mark = await auditMark(hub);
    await remove(first);
    await untilReady(hub, profilePath(second));
    const live = await read(hub, configMapPath("common/shared"));
    expect([live.metadata.uid, live.data]).toEqual([uid, { key: "w" }]);
    expect(await deletesSince(mark)).toEqual([]);
    const accepted = await strataWrites(hub, mark, { accepted: true });
    expect(accepted.filter((write) => write.endsWith(" common/shared"))).toHaveLength(2);
    await remove(second);
    expect(await read(hub, configMapPath("common/shared"))).toBeUndefined();
  });

  test("the second gets it when the first drops it, and then it is the second one's for good", async () => {
    const other = layer("other", [configMap("other")]);
    await applyAndWait({ ...first, layers: [...shared, other] });
    await apply(hub, profile(second));
    await conflictOf(second);
    const mark = await auditMark(hub);
    await applyAndWait({ ...first, layers: [layer("one", [configMap("mine")]), other] });
    await untilReady(hub, profilePath(second));
    expect(await dataOf("common/shared")).toEqual({ key: "w" });
    expect(await deletesSince(mark)).toEqual([]);
    await apply(hub, profile(first));
    expect(await conflictOf(first)).toBe(belongs("common/shared", "layer one of AddOnProfile acme/second"));
    await remove(first);
    expect(await dataOf("common/shared")).toEqual({ key: "w" });
    await remove(second);
  });

  test("a tenant that may only look at an object does not get it, and does not keep it alive", async () => {
    await hub.kubectlOk(["create", "namespace", "gamma"]);
    await hub.kubectlOk(["create", "clusterrole", "look", "--verb=get,list,watch", "--resource=configmaps,namespaces"]);
    await hub.kubectlOk([
      "create",
      "clusterrolebinding",
      "look",
      "--clusterrole=look",
      "--serviceaccount=gamma:default",
    ]);
    await applyAndWait(first);
    const looker: Wanted = { ...second, tenant: "gamma" };
    await apply(hub, profile(looker));
    await waitUntil(hub, profilePath(looker), {
      what: "Forbidden",
      is: (object) => layerOf(object, "one")?.reason === "Forbidden",
    });
    await remove(first);
    expect(await read(hub, configMapPath("common/shared"))).toBeUndefined();
    await remove(looker);
  });
});

describe("tiers", () => {
  const wanted = (kind: Kind, tenant: string, value: string, more: Record<string, string> = {}): Wanted => ({
    ...{ kind, tenant, name: `tier-${kind.toLowerCase()}`, namespace: "tiers" },
    layers: [layer("one", [configMap("shared", { key: value, ...more })])],
  });

  test("a higher one takes over without a delete, and gives back when it goes", async () => {
    const addOn = wanted("AddOnProfile", "acme", "add-on", { extra: "1" });
    const cluster = wanted("ClusterProfile", "beta", "cluster");
    const system = wanted("SystemProfile", "", "system");
    await applyAndWait(addOn);
    const { uid } = (await read(hub, configMapPath("tiers/shared"))).metadata;
    const mark = await auditMark(hub);

    await applyAndWait(cluster);
    expect(await dataOf("tiers/shared")).toEqual({ key: "cluster" });
    expect(await conflictOf(addOn)).toBe(
      belongs("tiers/shared", "layer one of ClusterProfile beta/tier-clusterprofile"),
    );
    await applyAndWait(system);
    const taken = belongs("tiers/shared", "layer one of SystemProfile tier-systemprofile");
    for (const loser of [addOn, cluster]) {
      await waitUntil(hub, profilePath(loser), {
        what: taken,
        is: (object) => layerOf(object, "one")?.message === taken,
      });
    }
    await remove({ ...system, tenant: "default" });
    await untilReady(hub, profilePath(cluster));
    expect(await dataOf("tiers/shared")).toEqual({ key: "cluster" });
    await remove(cluster);
    await untilReady(hub, profilePath(addOn));
    const live = await read(hub, configMapPath("tiers/shared"));
    expect([live.metadata.uid, live.data]).toEqual([uid, { key: "add-on", extra: "1" }]);
    expect(await deletesSince(mark)).toEqual([]);
    await remove(addOn);
  });
});

describe("two TargetClusters that are one cluster", () => {
  const shared = (value: string): Live[] => [layer("one", [configMap("shared", { key: value })])];
  const on = (kind: Kind, name: string, at: string, layers: readonly Live[]): Wanted => ({
    ...{ kind, name, namespace: "twice", layers },
    cluster: { name: at, ...(kind === "SystemProfile" && { namespace: "acme" }) },
  });
  const south = "acme/south, which is the same cluster";
  const refused = `north: the cluster has ClusterProfile acme/base (on ${south}) already, and a cluster has one ClusterProfile: make an AddOnProfile of this one, or take the cluster out of one of the two`;

  test("have one owner for each object and one ClusterProfile, as if they had one name", async () => {
    for (const name of ["north", "south"]) {
      await apply(hub, ...fleetMember(name, hub.kubeconfig));
      const path = pathOf("strata.dev/v1alpha1", "targetclusters", `acme/${name}`);
      await untilReady(hub, path);
    }
    const base = on("ClusterProfile", "base", "south", shared("base"));
    await applyAndWait(base);
    const { uid } = (await read(hub, configMapPath("twice/shared"))).metadata;
    const mark = await auditMark(hub);

    const system = on("SystemProfile", "platform", "north", shared("platform"));
    await applyAndWait(system);
    expect(await dataOf("twice/shared")).toEqual({ key: "platform" });
    const taken = belongs("twice/shared", "layer one of SystemProfile platform");
    expect(await conflictOf(base)).toBe(`south: ${taken}`);

    const rival = on("ClusterProfile", "rival", "north", [...shared("rival"), layer("two", [configMap("rival")])]);
    await apply(hub, profile(rival));
    expect(await conflictOf(rival, "two")).toBe(refused);
    expect(await dataOf("twice/rival")).toBeUndefined();

    await remove({ ...system, tenant: "default" });
    await untilReady(hub, profilePath(base));
    expect(await dataOf("twice/shared")).toEqual({ key: "base" });
    await remove(base);
    await untilReady(hub, profilePath(rival));
    const live = await read(hub, configMapPath("twice/shared"));
    expect([live.metadata.uid, live.data]).toEqual([uid, { key: "rival" }]);
    expect(await deletesSince(mark)).toEqual([]);
    await remove(rival);
  });
});

describe("a layer that moves from one profile to another", () => {
  const deployment = (name: string): Live => ({
    object: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: {
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: `${name}:1` }] } },
      },
    },
  });
  const moving = layer("moving", [configMap("settings"), deployment("web")], { gate: "Applied" });
  const a: Wanted = { name: "from", namespace: "moves", layers: [layer("stays", [configMap("stays")]), moving] };
  const b: Wanted = { name: "to", namespace: "moves", layers: [layer("own", [configMap("own")]), moving] };
  const without = (wanted: Wanted): Wanted => ({ ...wanted, layers: wanted.layers.slice(0, 1) });

  test.each(["into the new one first", "out of the old one first"])("%s is not deleted", async (order) => {
    const settled = async (wanted: Wanted, names: readonly string[]): Promise<void> => {
      await waitUntil(hub, profilePath(wanted), {
        what: `applied: ${names}`,
        is: (object) =>
          object.status?.observedGeneration === object.metadata.generation &&
          object.status.layers.map(({ name }: Live) => name).join() === names.join() &&
          object.status.layers.every(({ state }: Live) => state === "Ready" || state === "Waiting"),
      });
    };
    await apply(hub, profile(a), profile(without(b)));
    await settled(a, ["stays", "moving"]);
    await settled(without(b), ["own"]);
    const before = await Promise.all(
      [configMapPath("moves/settings"), pathOf("apps/v1", "deployments", "moves/web")].map((path) => read(hub, path)),
    );
    const mark = await auditMark(hub);
    const both = [profile(b), profile(without(a))];
    await apply(hub, ...(order === "into the new one first" ? both : both.toReversed()));
    await settled(b, ["own", "moving"]);
    await settled(without(a), ["stays"]);
    const after = await Promise.all(
      [configMapPath("moves/settings"), pathOf("apps/v1", "deployments", "moves/web")].map((path) => read(hub, path)),
    );
    expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
    expect(after.map(({ spec }) => spec)).toEqual(before.map(({ spec }) => spec));
    expect(await deletesSince(mark)).toEqual([]);
    await remove(a);
    expect(await read(hub, pathOf("apps/v1", "deployments", "moves/web"))).toBeDefined();
    await remove(b);
    expect(await read(hub, pathOf("apps/v1", "deployments", "moves/web"))).toBeUndefined();
  });
});

describe("two profiles in one namespace", () => {
  const labelled = (name: string): Wanted => ({
    name: `tenant-${name}`,
    namespace: "flat",
    layers: [layer("one", [configMap(name)], { namespaceMetadata: { labels: { [`example.com/${name}`]: "yes" } } })],
  });

  test("live in peace; it goes with the last of them, if Strata made it", async () => {
    await applyAndWait(labelled("a"));
    await applyAndWait(labelled("b"));
    using story = await follow(hub, pathOf("v1", "namespaces", "flat"));
    expect(story.versions.at(-1).metadata.labels).toMatchObject({ "example.com/a": "yes", "example.com/b": "yes" });
    await remove(labelled("a"));
    const left = story.versions.at(-1).metadata;
    expect(left.labels).toMatchObject({ "example.com/b": "yes" });
    expect(left.labels).not.toHaveProperty("example.com/a");
    expect(left.deletionTimestamp).toBeUndefined();
    expect(isReady(await read(hub, profilePath(labelled("b"))))).toBe(true);
    await remove(labelled("b"));
    await story.until("gone", (object) => object === undefined);
  });

  test("that somebody else made stays, without their labels", async () => {
    await hub.kubectlOk(["create", "namespace", "flat"]);
    await applyAndWait(labelled("a"));
    await applyAndWait(labelled("b"));
    await remove(labelled("b"));
    await remove(labelled("a"));
    const { metadata } = await read(hub, pathOf("v1", "namespaces", "flat"));
    expect(metadata.labels).toEqual({ "kubernetes.io/metadata.name": "flat" });
    expect(metadata.annotations).toBeUndefined();
  });
});

describe("what cannot be looked at", () => {
  test("a CRD stays that serves no version and may hold somebody's object", async () => {
    const lamps = (served: boolean): Live => ({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "lamps.unseen.example" },
      spec: {
        group: "unseen.example",
        scope: "Namespaced",
        names: { kind: "Lamp", plural: "lamps" },
        versions: [
          {
            ...{ name: "v1", served, storage: true },
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    });
    const crds = (served: boolean): Wanted => ({ name: "lamps", layers: [layer("one", [{ object: lamps(served) }])] });
    const path = pathOf("apiextensions.k8s.io/v1", "customresourcedefinitions", "lamps.unseen.example");
    await applyAndWait(crds(true));
    await apply(hub, {
      apiVersion: "unseen.example/v1",
      kind: "Lamp",
      metadata: { name: "theirs", namespace: "default" },
      watts: 5,
    });
    await apply(hub, profile(crds(false)));
    const inUse = (live: Live): boolean => layerOf(live, "one")?.reason === "VersionInUse";
    await waitUntil(hub, profilePath(crds(false)), { what: "held", is: inUse });
    expect((await read(hub, path)).spec.versions[0].served).toBe(true);
    // Somebody does it by hand.
    await hub.kubectlOk([
      ...["patch", "crd", "lamps.unseen.example", "--type=json", "-p"],
      '[{"op":"replace","path":"/spec/versions/0/served","value":false}]',
    ]);
    await remove(crds(false));
    const kept = await read(hub, path);
    expect(kept.metadata.deletionTimestamp).toBeUndefined();
    expect(kept.metadata.labels ?? {}).not.toHaveProperty("applyset.kubernetes.io/part-of");
  });
});
