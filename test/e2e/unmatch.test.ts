import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import {
  apply,
  auditMark,
  condition,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let oslo: ControlPlane;
let bergen: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  [hub, oslo, bergen] = (await Promise.all(
    ["hub", "oslo", "bergen"].map((name) => startControlPlane({ name, nodes: 0 })),
  )) as [ControlPlane, ControlPlane, ControlPlane];
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  await apply(hub, ...cluster("oslo", oslo), ...cluster("bergen", bergen), ...cluster("self", hub));
  await apply(hub, ...cluster("spare", oslo, { site: "spare" }));
}, 240_000);

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), oslo?.stop(), bergen?.stop()]);
});

/** A TargetCluster of a tenant and the Secret with its kubeconfig. */
function cluster(name: string, plane: ControlPlane, labels: Live = { env: "prod" }, namespace = "acme"): Live[] {
  const metadata = { name, namespace };
  const connection = { kubeconfigSecretRef: { name } };
  return [
    { apiVersion: "v1", kind: "Secret", metadata, stringData: { kubeconfig: plane.kubeconfig } },
    {
      apiVersion: "strata.dev/v1alpha1",
      kind: "TargetCluster",
      metadata: { ...metadata, labels },
      spec: { connection },
    },
  ];
}

const RESOURCES = { ClusterProfile: "clusterprofiles", AddOnProfile: "addonprofiles" } as const;
type Kind = keyof typeof RESOURCES;

/** Two ConfigMaps in a namespace of the profile's name. */
function profile(kind: Kind, name: string, spec: Live, namespace = "acme"): Live {
  const object = (own: string) => ({ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: own } } });
  const layers = ["first", "second"].map((layer) => ({ name: layer, namespace: name, manifests: [object(layer)] }));
  const metadata = { name, namespace };
  return { apiVersion: "strata.dev/v1alpha1", kind, metadata, spec: { layers, ...spec } };
}

const selecting = (matchLabels: Live) => ({ clusterSelector: { matchLabels } });
const PROD = selecting({ env: "prod" });
const path = (kind: Kind, name: string, namespace = "acme"): string =>
  pathOf("strata.dev/v1alpha1", RESOURCES[kind], `${namespace}/${name}`);
const target = (name: string, namespace = "acme"): string =>
  pathOf("strata.dev/v1alpha1", "targetclusters", `${namespace}/${name}`);
const until = (kind: Kind, name: string, what: string, is: (live: Live) => boolean): Promise<Live> =>
  waitUntil(hub, path(kind, name), { what, is });

/** The profile speaks of what its spec says now, and is Ready on so many clusters. */
const readyOn = (kind: Kind, name: string, clusters: string): Promise<Live> =>
  until(
    kind,
    name,
    `Ready on ${clusters}`,
    ({ status, metadata }) =>
      status?.observedGeneration === metadata.generation && status.summary?.clusters === clusters,
  );

/** What profiles have brought to a cluster, with its uid. */
async function brought(plane: ControlPlane): Promise<string[]> {
  const query = "labelSelector=applyset.kubernetes.io%2Fpart-of";
  const { body } = await plane.request("GET", `/api/v1/configmaps?${query}`);
  return body.items.map(({ metadata }: Live) => `${metadata.namespace}/${metadata.name} ${metadata.uid}`).sort();
}

/** The same of all clusters. */
const broughtToAll = async (): Promise<string[][]> => await Promise.all([hub, oslo, bergen].map(brought));
const counts = async (): Promise<number[]> => (await broughtToAll()).map(({ length }) => length);

const label = (name: string, ...labels: string[]): Promise<string> =>
  hub.kubectlOk(["label", "targetcluster", name, "-n", "acme", "--overwrite", ...labels]);
const remove = (...what: string[]): Promise<string> =>
  hub.kubectlOk(["delete", ...what, "-n", "acme", "--timeout=90s"]);
const isGone = (at: string): Promise<Live> => waitUntil(hub, at, { what: "gone", is: (live) => live === undefined });

/** What Strata has told in its own namespace, about a profile. */
async function toldForGood(about: string): Promise<string[]> {
  const { body } = await hub.request("GET", "/api/v1/namespaces/strata-system/events");
  const own = (body.items as Live[]).filter(({ reason }) => reason === "ObjectsLeft");
  return own.map(({ message }) => message as string).filter((message) => message.includes(about));
}

describe("by default an unmatch deletes nothing", () => {
  let before: string[][];
  let mark: number;

  beforeAll(async () => {
    await apply(hub, profile("ClusterProfile", "base", PROD));
    await readyOn("ClusterProfile", "base", "3/3");
    before = await broughtToAll();
    mark = await auditMark(bergen);
    expect(before.map(({ length }) => length)).toEqual([2, 2, 2]);
  });

  test("a selector that is mistyped", async () => {
    await apply(hub, profile("ClusterProfile", "base", selecting({ env: "prdo" })));
    const live = await readyOn("ClusterProfile", "base", "0/0");
    expect(condition(live, "Ready")).toMatchObject({ status: "False", reason: "NoClusters" });
    expect(await broughtToAll()).toEqual(before);
  });

  test("a selector that is removed, which is refused", async () => {
    await expect(apply(hub, profile("ClusterProfile", "base", {}))).rejects.toThrow(
      "exactly one of clusterRefs and clusterSelector must be set",
    );
  });

  test("a selector that is emptied, which takes all", async () => {
    await apply(hub, profile("ClusterProfile", "base", { clusterSelector: {} }));
    // `spare` is the cluster oslo by another name.
    await readyOn("ClusterProfile", "base", "3/4");
    expect(await broughtToAll()).toEqual(before);
    await apply(hub, profile("ClusterProfile", "base", PROD));
    await readyOn("ClusterProfile", "base", "3/3");
    expect(await broughtToAll()).toEqual(before);
  });

  test("a label that moves from one cluster to another", async () => {
    await label("bergen", "env-");
    await readyOn("ClusterProfile", "base", "2/2");
    expect(await broughtToAll()).toEqual(before);
    await label("bergen", "env=prod");
    await readyOn("ClusterProfile", "base", "3/3");
  });

  test("a cluster that is deleted and made again under another name", async () => {
    expect((await read(hub, target("bergen"))).metadata.finalizers).toEqual(["strata.dev/cleanup"]);
    await remove("targetcluster", "bergen");
    await readyOn("ClusterProfile", "base", "2/2");
    expect(await broughtToAll()).toEqual(before);
    await apply(hub, ...cluster("bergen-2", bergen));
    await readyOn("ClusterProfile", "base", "3/3");
    expect(await broughtToAll()).toEqual(before);
    await remove("targetcluster", "bergen-2");
    await apply(hub, ...cluster("bergen", bergen));
    await readyOn("ClusterProfile", "base", "3/3");
  });

  test("two ClusterProfiles on one cluster: the second brings nothing, and takes nothing along", async () => {
    await apply(hub, profile("ClusterProfile", "rival", PROD));
    const refused = await until(
      "ClusterProfile",
      "rival",
      "refused",
      (live) => layerOf(live, "first")?.reason === "Conflict",
    );
    expect(layerOf(refused, "first")?.state).toBe("Blocked");
    expect(await broughtToAll()).toEqual(before);
    await remove("scp", "rival");
    expect(await broughtToAll()).toEqual(before);
  });

  test("and nothing was written either", async () => {
    expect(await strataWrites(bergen, mark)).toEqual([]);
    await remove("scp", "base");
    expect(await counts()).toEqual([0, 0, 0]);
    // Nobody uses them any more.
    await waitUntil(hub, target("oslo"), { what: "let go", is: (live) => live.metadata.finalizers === undefined });
  });
});

// leaf: Profile spec.unmatchPolicy
describe("with unmatchPolicy: Delete", () => {
  const DELETE = { unmatchPolicy: "Delete" };
  const brought2 = (have: number[]) => expect.poll(counts, { timeout: 60_000 }).toEqual(have);

  test("the objects on the cluster that loses its label go, and no others", async () => {
    await apply(hub, profile("ClusterProfile", "base", { ...PROD, ...DELETE }));
    await readyOn("ClusterProfile", "base", "3/3");
    const [onHub, onOslo] = await broughtToAll();
    await label("bergen", "env-");
    await brought2([2, 2, 0]);
    await readyOn("ClusterProfile", "base", "2/2");
    expect(await broughtToAll()).toEqual([onHub, onOslo, []]);
    await waitUntil(bergen, "/api/v1/namespaces/base", { what: "gone too", is: (live) => live === undefined });
    await label("bergen", "env=prod");
    await readyOn("ClusterProfile", "base", "3/3");
    await brought2([2, 2, 2]);
  });

  test("two of three clusters at once: nothing goes, the profile says so, and allowMassPrune lets them go", async () => {
    const before = await broughtToAll();
    const one = { ...selecting({ env: "prod", site: "north" }), ...DELETE };
    await label("oslo", "site=north");
    await apply(hub, profile("ClusterProfile", "base", one));
    const held = await until(
      "ClusterProfile",
      "base",
      "held",
      (live) => condition(live, "Ready")?.reason === "MassUnmatch",
    );
    expect(condition(held, "Ready").message).toMatch(
      /^the profile goes to 2 of 3 clusters no more \(bergen, self\), .*: nothing is deleted\. .*allowMassPrune: true/,
    );
    expect(condition(held, "Stalled").status).toBe("True");
    expect(await hub.kubectlOk(["get", "scp", "base", "-n", "acme"])).toContain("goes to 2 of 3 clusters no more");
    // What the profile has left is not touched meanwhile, either.
    await apply(hub, profile("ClusterProfile", "base", { ...one, version: "1.0.0" }));
    await readyOn("ClusterProfile", "base", "1/1");
    expect(await broughtToAll()).toEqual(before);
    await apply(hub, profile("ClusterProfile", "base", { ...one, allowMassPrune: true }));
    await brought2([0, 2, 0]);
    await until("ClusterProfile", "base", "Ready", isReady);
    expect((await broughtToAll())[1]).toEqual(before[1]);
  });

  test("a TargetCluster that is deleted is left first, and then goes", async () => {
    await remove("targetcluster", "oslo");
    expect(await counts()).toEqual([0, 0, 0]);
    expect(await read(hub, target("oslo"))).toBeUndefined();
    await remove("scp", "base");
  });

  test("a cluster that gets another name keeps its objects", async () => {
    await apply(hub, ...cluster("oslo", oslo), profile("ClusterProfile", "base", { ...PROD, ...DELETE }));
    await readyOn("ClusterProfile", "base", "3/3");
    const before = await broughtToAll();
    await apply(hub, ...cluster("oslo-2", oslo));
    await readyOn("ClusterProfile", "base", "3/4");
    await remove("targetcluster", "oslo");
    await readyOn("ClusterProfile", "base", "3/3");
    expect(await broughtToAll()).toEqual(before);
    await remove("scp", "base");
    await remove("targetcluster", "oslo-2");
    await apply(hub, ...cluster("oslo", oslo));
  });
});

// leaf: Profile spec.deletionGrace
describe("clusters that are away, or gone", () => {
  const named = (name: string, more: Live = {}) => ({ clusterRefs: [{ name }], ...more });

  test("a profile is deleted, and its cluster does not answer: it waits for deletionGrace, ends, and says what is left", async () => {
    await apply(
      hub,
      ...cluster("lost", bergen, {}),
      profile("AddOnProfile", "short", named("bergen", { deletionGrace: "5s" })),
      profile("AddOnProfile", "leaver", named("bergen", { deletionGrace: "5s", unmatchPolicy: "Delete" })),
      profile("AddOnProfile", "patient", named("lost")),
    );
    for (const name of ["short", "leaver", "patient"]) await until("AddOnProfile", name, "Ready", isReady);
    await bergen.stopApiServer();
    const away = (name: string) => (live: Live) => layerOf(live, "first")?.reason === "Unreachable" && name !== "";
    for (const name of ["short", "leaver", "patient"]) await until("AddOnProfile", name, "away", away(name));
    await hub.kubectlOk(["delete", "sap", "short", "patient", "-n", "acme", "--wait=false"]);
    await isGone(path("AddOnProfile", "short"));
    expect(await toldForGood("acme/short")).toEqual([
      expect.stringMatching(
        /^AddOnProfile acme\/short on cluster acme\/bergen: .*connection refused, for longer than deletionGrace: left there: layer first \(1 object\), layer second \(1 object\)$/,
      ),
    ]);
  });

  test("a TargetCluster that does not answer is deleted: its profiles leave it within deletionGrace, and it goes", async () => {
    await remove("targetcluster", "bergen");
    expect(await toldForGood("acme/leaver")).toHaveLength(1);
    const missing = await until("AddOnProfile", "leaver", "told", ({ status }) =>
      /does not exist/.test(status.summary.message),
    );
    expect(missing.status.summary.message).toMatch(/^TargetCluster acme\/bergen does not exist/);
  });

  test("its kubeconfig is deleted too: the cluster is gone, and nobody waits for it any longer", async () => {
    const waiting = await read(hub, path("AddOnProfile", "patient"));
    expect(waiting.metadata.deletionTimestamp).toBeDefined();
    expect(waiting.status.summary.message).toMatch(
      /lost: .*connection refused; what is there is left there from \S+ on, when deletionGrace is over$/,
    );
    await remove("secret", "lost");
    await isGone(path("AddOnProfile", "patient"));
    expect(await toldForGood("acme/patient")).toEqual([
      expect.stringMatching(
        /Secret acme\/lost, the kubeconfig of TargetCluster lost, does not exist: left there: layer first \(1 object\), layer second/,
      ),
    ]);
    await remove("targetcluster", "lost");
    await bergen.startApiServer();
    await remove("sap", "leaver");
    // By their marks they are recognised.
    const mark = await auditMark(bergen);
    await apply(hub, ...cluster("bergen", bergen), profile("AddOnProfile", "patient", named("bergen")));
    await until("AddOnProfile", "patient", "Ready", isReady);
    expect(await strataWrites(bergen, mark)).toEqual([]);
    await remove("sap", "patient");
  });

  test("credentials stay in memory: a profile and all that leads to its cluster are deleted at once, and it is tidied", async () => {
    await apply(hub, profile("AddOnProfile", "tidy", named("bergen")));
    await until("AddOnProfile", "tidy", "Ready", isReady);
    const had = await brought(bergen);
    await remove("secret/bergen", "targetcluster/bergen", "sap/tidy");
    const tidied = had.filter((name) => name.startsWith("tidy/"));
    expect(tidied).toHaveLength(2);
    expect((await brought(bergen)).filter((name) => name.startsWith("tidy/"))).toEqual([]);
    expect(await toldForGood("acme/tidy")).toEqual([]);
    await apply(hub, ...cluster("bergen", bergen));
  });
});

describe("a tenant's namespace is deleted whole", () => {
  const names = async (plane: ControlPlane, namespace: string): Promise<string[]> =>
    (await brought(plane)).filter((name) => name.startsWith(`${namespace}/`));

  test("its profiles go with it, and what they brought, to the hub and elsewhere", async () => {
    await trustedTenant(hub, "beta");
    const refs = { clusterRefs: [{ name: "local" }, { name: "oslo" }] };
    await apply(
      hub,
      ...cluster("oslo", oslo, {}, "beta"),
      profile("AddOnProfile", "shop", refs, "beta"),
      profile("AddOnProfile", "beta", { clusterRefs: [{ name: "local" }] }, "beta"),
    );
    for (const name of ["shop", "beta"])
      await waitUntil(hub, path("AddOnProfile", name, "beta"), { what: "Ready", is: isReady });
    expect(
      [await names(hub, "shop"), await names(oslo, "shop"), await names(hub, "beta")].map((all) => all.length),
    ).toEqual([2, 2, 2]);
    await hub.kubectlOk(["delete", "namespace", "beta", "--timeout=90s"]);
    expect([await names(hub, "shop"), await names(oslo, "shop"), await toldForGood("beta/")]).toEqual([[], [], []]);
  });

  test("also one whose rights go with it: what it cannot take back is told in strata-system", async () => {
    await hub.kubectlOk(["create", "namespace", "gamma"]);
    await hub.kubectlOk(["create", "namespace", "elsewhere"]);
    for (const namespace of ["gamma", "elsewhere"])
      await hub.kubectlOk([
        "create",
        "rolebinding",
        "gamma",
        "-n",
        namespace,
        "--clusterrole=admin",
        "--serviceaccount=gamma:default",
      ]);
    const spec = { clusterRefs: [{ name: "local" }] };
    const inside = profile("AddOnProfile", "gamma", spec, "gamma");
    const outside = profile("AddOnProfile", "elsewhere", spec, "gamma");
    await apply(hub, inside, outside);
    for (const name of ["gamma", "elsewhere"])
      await waitUntil(hub, path("AddOnProfile", name, "gamma"), { what: "Ready", is: isReady });
    await hub.kubectlOk(["delete", "rolebinding", "gamma", "-n", "elsewhere"]);
    await hub.kubectlOk(["delete", "namespace", "gamma", "--timeout=90s"]);
    expect(await names(hub, "elsewhere")).toHaveLength(2);
    expect(await toldForGood("gamma/elsewhere")).toEqual([expect.stringMatching(/cannot .*left there: layer/)]);
  });
});
