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
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";
import { targetCluster } from "../support/target-cluster.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

let hub: ControlPlane;
let oslo: ControlPlane;
let bergen: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
/** A network to the cluster oslo that can fail. */
let slow: TcpProxy;

beforeAll(async () => {
  [hub, oslo, bergen] = (await Promise.all(
    ["hub", "oslo", "bergen"].map((name) => startControlPlane({ name, nodes: 0 })),
  )) as [ControlPlane, ControlPlane, ControlPlane];
  slow = await startTcpProxy(Number(new URL(oslo.server).port));
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
  await apply(hub, ...cluster("oslo", oslo), ...cluster("bergen", bergen), ...cluster("self", hub));
  await apply(hub, ...cluster("spare", oslo, { site: "spare" }));
}, 240_000);

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), oslo?.stop(), bergen?.stop()]);
  await slow?.[Symbol.asyncDispose]();
});

/** The cluster oslo by another name, and through the network that can fail. */
function osloToo(name: string, labels?: Live): Live[] {
  const port = new URL(oslo.server).port;
  return cluster(name, { ...oslo, kubeconfig: oslo.kubeconfig.replaceAll(`:${port}`, `:${slow.port}`) }, labels);
}

/** A TargetCluster of a tenant and the Secret with its kubeconfig. */
function cluster(name: string, plane: ControlPlane, labels: Live = { env: "prod" }, namespace = "acme"): Live[] {
  return targetCluster(name, plane.kubeconfig, { labels, namespace });
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

/** The deployments of a tenant's profile, by the name of their cluster. */
async function deploymentsOf(name: string): Promise<ReadonlyMap<string, Live>> {
  const { body } = await hub.request("GET", "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
  const own = (body.items as Live[]).filter(({ spec }) => spec.profileRef.name === name);
  return new Map(own.map((live) => [live.spec.clusterRef.name, live]));
}

/** The ClusterProfile is on these clusters, and has left all others. */
const goesTo = (...names: string[]): Promise<void> =>
  expect.poll(async () => [...(await deploymentsOf("base")).keys()].sort(), { timeout: 60_000 }).toEqual(names);

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

  test("a label that moves from one cluster to another, and back", async () => {
    await label("self", "env-");
    await goesTo("bergen", "oslo");
    await label("bergen", "env-");
    await label("self", "env=prod");
    await goesTo("oslo", "self");
    await readyOn("ClusterProfile", "base", "2/2");
    expect(await broughtToAll()).toEqual(before);
    await label("bergen", "env=prod");
    await goesTo("bergen", "oslo", "self");
    await readyOn("ClusterProfile", "base", "3/3");
    expect(await broughtToAll()).toEqual(before);
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

  const NORTH = { ...selecting({ env: "prod", site: "north" }), ...DELETE };
  const held = (): Promise<Live> =>
    until("ClusterProfile", "base", "held", (live) => condition(live, "Ready")?.reason === "MassUnmatch");

  test("two of three clusters at once: nothing goes, and the profile says so", async () => {
    const before = await broughtToAll();
    await label("oslo", "site=north");
    await apply(hub, profile("ClusterProfile", "base", NORTH));
    const told = await held();
    expect(condition(told, "Ready").message).toMatch(
      /^the profile goes to 2 of 3 clusters no more \(bergen, self\), .*: nothing is deleted\. .*allowMassPrune: true/,
    );
    expect(condition(told, "Stalled").status).toBe("True");
    expect(await hub.kubectlOk(["get", "scp", "base", "-n", "acme"])).toContain("goes to 2 of 3 clusters no more");
    // Nor does anybody delete it who deletes the deployment by hand.
    const self = (await deploymentsOf("base")).get("self");
    await hub.kubectlOk(["delete", "spd", self?.metadata.name, "-n", "acme", "--wait=false"]);
    // What the profile has left is not touched meanwhile, either.
    await apply(hub, profile("ClusterProfile", "base", { ...NORTH, version: "1.0.0" }));
    await readyOn("ClusterProfile", "base", "1/1");
    expect(await broughtToAll()).toEqual(before);
  });

  test("when one of the two is taken in again, the other is left: that is no mass any more", async () => {
    const [, ...before] = await broughtToAll();
    await label("bergen", "site=north");
    await goesTo("bergen", "oslo");
    await until("ClusterProfile", "base", "Ready", isReady);
    expect(await broughtToAll()).toEqual([[], ...before]);
  });

  test("or allowMassPrune lets both go", async () => {
    await apply(hub, profile("ClusterProfile", "base", { ...PROD, ...DELETE }));
    await goesTo("bergen", "oslo", "self");
    await readyOn("ClusterProfile", "base", "3/3");
    const before = await broughtToAll();
    await label("bergen", "site-");
    await apply(hub, profile("ClusterProfile", "base", NORTH));
    await held();
    expect(await broughtToAll()).toEqual(before);
    await apply(hub, profile("ClusterProfile", "base", { ...NORTH, allowMassPrune: true }));
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

  test("a cluster that gets another name keeps its objects, however long that name takes to connect", async () => {
    await apply(hub, ...cluster("oslo", oslo), profile("ClusterProfile", "base", { ...PROD, ...DELETE }));
    await readyOn("ClusterProfile", "base", "3/3");
    const before = await broughtToAll();
    slow.freeze();
    await apply(hub, ...osloToo("oslo-2"));
    await hub.kubectlOk(["delete", "targetcluster", "oslo", "-n", "acme", "--wait=false"]);
    const held = await waitUntil(hub, target("oslo"), {
      what: "told why it is held",
      is: (live) => /TargetCluster acme\/oslo-2 .*may be this cluster/.test(condition(live, "Ready").message),
    });
    expect(condition(held, "Ready").message).toMatch(/what is there is left there from \S+ on/);
    slow.thaw();
    await isGone(target("oslo"));
    await readyOn("ClusterProfile", "base", "3/3");
    expect(await broughtToAll()).toEqual(before);
  });

  test("also when Strata was away while the old name was deleted", async () => {
    const before = await broughtToAll();
    await apply(hub, ...cluster("oslo", oslo));
    await readyOn("ClusterProfile", "base", "3/4");
    await strata.kill();
    await hub.kubectlOk(["delete", "targetcluster", "oslo", "-n", "acme", "--wait=false"]);
    slow.freeze();
    strata = await home.start();
    await isGone(target("oslo"));
    expect(await broughtToAll()).toEqual(before);
    slow.thaw();
    await readyOn("ClusterProfile", "base", "3/3");
    expect(await broughtToAll()).toEqual(before);
    await remove("scp", "base");
    await remove("targetcluster", "oslo-2");
  });

  test("of two names the second does nothing and takes nothing along, though Strata reaches it first", async () => {
    const refs = (...names: string[]) => ({ clusterRefs: names.map((name) => ({ name })), ...DELETE });
    const twins = (names: string[], more: Live = {}): Live => {
      const made = profile("AddOnProfile", "twins", { ...refs(...names), ...more });
      made["spec"].layers[1].when = 'cluster.labels.gpu == "yes"';
      return made;
    };
    await apply(hub, ...osloToo("one", { gpu: "yes" }), ...cluster("two", oslo, { gpu: "no" }), twins(["one"]));
    await readyOn("AddOnProfile", "twins", "1/1");
    await apply(hub, twins(["one", "two"]));
    await readyOn("AddOnProfile", "twins", "1/2");
    const before = await brought(oslo);
    expect(before).toHaveLength(2);
    await strata.kill();
    slow.freeze();
    const mark = await auditMark(oslo);
    strata = await home.start();
    await apply(hub, twins(["one", "two"], { version: "2.0.0" }));
    const second = (await deploymentsOf("twins")).get("two");
    const { generation } = (await read(hub, path("AddOnProfile", "twins"))).metadata;
    await waitUntil(hub, pathOf("strata.dev/v1alpha1", "profiledeployments", `acme/${second?.metadata.name}`), {
      what: "in Conflict with its twin",
      is: (live) => live.status?.profileGeneration === generation && layerOf(live, "first")?.reason === "Conflict",
    });
    await remove("targetcluster", "two");
    expect(await brought(oslo)).toEqual(before);
    slow.thaw();
    await apply(hub, twins(["one"]));
    await readyOn("AddOnProfile", "twins", "1/1");
    expect(await brought(oslo)).toEqual(before);
    expect((await strataWrites(oslo, mark)).filter((write) => write.includes(" twins/"))).toEqual([]);
    await remove("sap", "twins");
    await remove("targetcluster", "one");
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
    await hub.kubectlOk(["delete", "targetcluster", "lost", "-n", "acme", "--wait=false"]);
    const held = await waitUntil(hub, target("lost"), {
      what: "told for whom it waits",
      is: (live) => condition(live, "Ready").message.startsWith("being deleted"),
    });
    expect(condition(held, "Ready")).toMatchObject({ status: "False", reason: "Unreachable" });
    expect(await hub.kubectlOk(["get", "stc", "lost", "-n", "acme"])).toMatch(
      /being deleted, waits for AddOnProfile acme\/patient \(first: .*; what is there is left there from \S+ on, .*\); .*connection refused/,
    );
    await remove("secret", "lost");
    await isGone(path("AddOnProfile", "patient"));
    await isGone(target("lost"));
    expect(await toldForGood("acme/patient")).toEqual([
      expect.stringMatching(
        /Secret acme\/lost, the kubeconfig of TargetCluster lost, does not exist: left there: layer first \(1 object\), layer second/,
      ),
    ]);
    await bergen.startApiServer();
    await remove("sap", "leaver");
    // By their marks they are recognised.
    const mark = await auditMark(bergen);
    await apply(hub, ...cluster("bergen", bergen), profile("AddOnProfile", "patient", named("bergen")));
    await until("AddOnProfile", "patient", "Ready", isReady);
    expect(await strataWrites(bergen, mark)).toEqual([]);
    // The cluster's garbage collector, which ends each of its objects, takes a while to find its API server again.
    await hub.kubectlOk(["delete", "sap", "patient", "-n", "acme", "--timeout=240s"]);
  }, 420_000);

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
    for (const name of ["shop", "beta"]) await untilReady(hub, path("AddOnProfile", name, "beta"));
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
    for (const name of ["gamma", "elsewhere"]) await untilReady(hub, path("AddOnProfile", name, "gamma"));
    await hub.kubectlOk(["delete", "rolebinding", "gamma", "-n", "elsewhere"]);
    await hub.kubectlOk(["delete", "namespace", "gamma", "--timeout=90s"]);
    expect(await names(hub, "elsewhere")).toHaveLength(2);
    expect(await toldForGood("gamma/elsewhere")).toEqual([expect.stringMatching(/cannot .*left there: layer/)]);
  });
});

describe("a TargetCluster that Strata cannot read", () => {
  const future = (op: string, value?: Live): string =>
    JSON.stringify([{ op, path: "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/future", value }]);
  const patchCrd = (patch: string): Promise<string> =>
    hub.kubectlOk(["patch", "crd", "targetclusters.strata.dev", "--type=json", "-p", patch]);
  const setFuture = (value: string | null): Promise<string> =>
    hub.kubectlOk([
      "patch",
      "stc",
      "odd",
      "-n",
      "acme",
      "--type=merge",
      "-p",
      JSON.stringify({ spec: { future: value } }),
    ]);

  test("keeps all that it has, on the hub too, and the profile says why nothing goes on", async () => {
    const configMap = (name: string) => ({ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name } } });
    const layers = [
      { name: "machines", applyTo: "Management", namespace: "acme", manifests: [configMap("machines")] },
      { name: "app", namespace: "odd", manifests: [configMap("app")] },
    ];
    const spec = { ...selecting({ site: "odd" }), unmatchPolicy: "Delete", layers };
    await apply(hub, ...cluster("odd", oslo, { site: "odd" }), profile("ClusterProfile", "odd", spec));
    await until("ClusterProfile", "odd", "Ready", isReady);
    const before = await broughtToAll();
    // Others have left something too.
    const names = before.flat().map((name) => name.split(" ")[0]);
    expect(names).toEqual(expect.arrayContaining(["acme/machines", "odd/app"]));
    await strata.terminate();
    // As after a newer Strata has been here.
    await patchCrd(future("add", { type: "string" }));
    const isTaken = async () => {
      await setFuture("x");
      return (await read(hub, target("odd"))).spec.future;
    };
    await expect.poll(isTaken, { timeout: 30_000 }).toBe("x");
    strata = await home.start();
    const told = await until("ClusterProfile", "odd", "told", ({ status }) =>
      /TargetCluster acme\/odd cannot be read/.test(JSON.stringify(status)),
    );
    expect(layerOf(told, "app")?.message).toMatch(/\(.*spec\.future.*\).*upgrade Strata, or mend the TargetCluster/);
    expect(await broughtToAll()).toEqual(before);
    await setFuture(null);
    await until("ClusterProfile", "odd", "Ready", isReady);
    expect(await broughtToAll()).toEqual(before);
    await patchCrd(future("remove"));
    await remove("scp", "odd");
    const left = (await broughtToAll()).flat();
    expect(left.filter((name) => /^(acme\/machines|odd\/app) /.test(name))).toEqual([]);
    await remove("stc", "odd");
  });
});

describe("the namespace of Strata itself is deleted", () => {
  test("a SystemProfile, which is in none, does not go with it: what it has brought stays", async () => {
    const { spec } = profile("AddOnProfile", "platform", { clusterRefs: [{ name: "oslo", namespace: "acme" }] });
    const system = { apiVersion: "strata.dev/v1alpha1", kind: "SystemProfile", metadata: { name: "platform" }, spec };
    await apply(hub, system);
    await untilReady(hub, pathOf("strata.dev/v1alpha1", "systemprofiles", "platform"));
    const before = await brought(oslo);
    expect(before.filter((name) => name.startsWith("platform/"))).toHaveLength(2);
    await hub.kubectlOk(["delete", "namespace", "strata-system", "--wait=false"]);
    // Its deployment is let go, or cannot be any more: the rights of Strata go too.
    const path = "/apis/strata.dev/v1alpha1/namespaces/strata-system/profiledeployments";
    const isOver = async (): Promise<boolean> => {
      const { body } = await hub.request("GET", path);
      return body.items.length === 0 || /"deployment":"strata-system\/platform[^\n]*"pass failed"/.test(strata.log());
    };
    await expect.poll(isOver, { timeout: 60_000 }).toBe(true);
    expect(await brought(oslo)).toEqual(before);
  });
});
