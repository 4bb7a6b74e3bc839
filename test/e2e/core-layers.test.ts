import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askedOf } from "../support/budget.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fence } from "../support/ledger.ts";
import { metric } from "../support/replicas.ts";
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
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  hub = await startControlPlane({ name: "core", controllers: false });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

interface Kubelet {
  version?: string;
  system?: string;
  ready?: boolean;
  network?: boolean;
}

/** What a kubelet says of its node; there is no other. */
async function node(name: string, { version, system, ready = true, network = true }: Kubelet = {}): Promise<void> {
  const path = `/api/v1/nodes/${name}`;
  if (!(await read(hub, path)))
    await hub.kubectlOk(["create", "-f", "-"], {
      input: JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name } }),
    });
  const told = (type: string, isTrue: boolean, message: string) => ({
    type,
    status: isTrue ? "True" : "False",
    reason: "Told",
    message,
    lastHeartbeatTime: new Date().toISOString(),
    lastTransitionTime: new Date().toISOString(),
  });
  const conditions = [
    told("Ready", ready, ready ? "kubelet is ready" : "container runtime network not ready"),
    told("NetworkUnavailable", !network, network ? "routes are there" : "no route yet"),
  ];
  const nodeInfo = {
    kubeletVersion: version ?? "v1.36.3",
    osImage: system ?? "Ubuntu 24.04.1 LTS",
    kernelVersion: "6.8.0-45-generic",
    architecture: "amd64",
    bootID: "b",
    containerRuntimeVersion: "c",
    kubeProxyVersion: "",
    machineID: "m",
    operatingSystem: "linux",
    systemUUID: "s",
  };
  const body = { status: { conditions, nodeInfo } };
  const answer = await hub.request("PATCH", `${path}/status`, { body, contentType: "application/merge-patch+json" });
  if (answer.status !== 200) throw new Error(`node ${name}: ${JSON.stringify(answer.body)}`);
}

const storageClass = (name: string, isDefault: boolean) => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name, annotations: { "storageclass.kubernetes.io/is-default-class": String(isDefault) } },
  provisioner: "disk.csi.example.com",
});
const driver = {
  apiVersion: "storage.k8s.io/v1",
  kind: "CSIDriver",
  metadata: { name: "disk.csi.example.com" },
  spec: {},
};

const path = (name: string): string => pathOf("strata.dev/v1alpha1", "clusterprofiles", `acme/${name}`);

/** Orphan: no controllers run here, and so no garbage collector that would end a delete in the foreground. */
function profile(name: string, layers: object[]): object {
  const spec = { namespace: "acme", clusterRefs: [{ name: "local" }], deletionPolicy: "Orphan", layers };
  return { apiVersion: "strata.dev/v1alpha1", kind: "ClusterProfile", metadata: { name, namespace: "acme" }, spec };
}

const configMap = (name: string, type = "AddOn") => ({
  name,
  type,
  manifests: [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name } } }],
});

const imported = [
  { name: "os", type: "OS", expect: { osImage: "^Ubuntu 24", kernelVersion: ">=6.1", architecture: "amd64" } },
  { name: "kubernetes", type: "Kubernetes", expect: { version: ">=1.33 <1.37", nodes: 2 } },
  { name: "cni", type: "Network", expect: {} },
  { name: "csi", type: "Storage", expect: { storageClass: "fast" } },
  configMap("addon"),
];

const rows = (live: Live): string[] =>
  live.status.layers.map(({ name, state, source, message }: Live) => `${name} (${source}) ${state}: ${message ?? ""}`);

async function deploymentRow(profileName: string, layer: string): Promise<Live> {
  const { body } = await hub.request("GET", "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
  const items: Live[] = body.items;
  return layerOf(
    items.find(({ spec }) => spec.profileRef.name === profileName),
    layer,
  );
}

const BEATS = 100;
/** More passes than a fence has (about 8), and fewer than so many heartbeats would, were they not left aside. */
const FEW_PASSES = 30;
/** What a profile asks for when it is new, whoever else is at rest. */
const FENCES_OWN = /^get secrets strata-system\/strata-digest-key$/;

/** A heartbeat of a node, in which nothing is new but the time; the version that it makes of it. */
async function beat(name: string, second: number): Promise<string> {
  const { conditions } = (await read(hub, `/api/v1/nodes/${name}`)).status;
  const lastHeartbeatTime = new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString();
  const body = { status: { conditions: conditions.map((one: Live) => ({ ...one, lastHeartbeatTime })) } };
  const how = { body, contentType: "application/merge-patch+json" };
  const answer = await hub.request("PATCH", `/api/v1/nodes/${name}/status`, how);
  if (answer.status !== 200) throw new Error(`heartbeat of ${name}: ${JSON.stringify(answer.body)}`);
  return (answer.body as Live).metadata.resourceVersion;
}

/** How often deployments were looked at so far. */
const passes = (): Promise<number> => metric(strata, 'strata_pass_duration_seconds_count{queue="deployment"');

// leaf: Profile spec.layers[].expect.version
// leaf: Profile spec.layers[].expect.nodes
// leaf: Profile spec.layers[].expect.osImage
// leaf: Profile spec.layers[].expect.kernelVersion
// leaf: Profile spec.layers[].expect.architecture
// leaf: Profile spec.layers[].expect.storageClass
describe("the layers that a cluster is made of", () => {
  test("an imported cluster is looked at: each core layer is observed, in order, and an add-on comes after them", async () => {
    await apply(hub, profile("imported", imported));
    // No node yet: OS and Kubernetes let the network layer have its turn, which waits for nodes with a network.
    const early = await waitUntil(hub, path("imported"), {
      what: "waiting for nodes",
      is: (live) => layerOf(live, "cni")?.state === "Waiting",
    });
    expect(rows(early)).toEqual([
      "os (observed) Waiting: the cluster has 0 nodes, and 1 is expected",
      "kubernetes (observed) Waiting: the cluster has 0 nodes, and 2 are expected",
      "cni (observed) Waiting: the cluster has 0 nodes, and 1 is expected",
      "csi (observed) Pending: waits for layer cni",
      "addon (manifests) Pending: waits for layer cni",
    ]);
    await node("n1", { ready: false, network: false });
    await node("n2");
    await waitUntil(hub, path("imported"), {
      what: "waiting for the network of n1",
      is: (live) => layerOf(live, "cni")?.message === "Node n1 has no network: no route yet",
    });
    await node("n1");
    await waitUntil(hub, path("imported"), {
      what: "waiting for the class",
      is: (live) => layerOf(live, "csi")?.message === "StorageClass fast does not exist yet",
    });
    expect(await read(hub, pathOf("v1", "configmaps", "acme/addon"))).toBeUndefined();
    await apply(hub, driver, storageClass("fast", true));
    const ready = await untilReady(hub, path("imported"));
    expect(condition(ready, "CoreLayersComplete")).toMatchObject({ status: "True", reason: "CoreLayersPresent" });
    expect(ready.status.layers.map(({ name, version }: Live) => [name, version])).toContainEqual([
      "kubernetes",
      "v1.36.3",
    ]);
    expect(await deploymentRow("imported", "kubernetes")).toMatchObject({
      ready: "2/2",
      message: "v1.36.3 on 2 nodes",
      gate: "Open",
    });
    expect((await deploymentRow("imported", "os")).message).toBe("2 nodes: Ubuntu 24.04.1 LTS");
    expect((await deploymentRow("imported", "csi")).message).toBe(
      "StorageClass fast (default) by disk.csi.example.com",
    );
  });

  test("what a node says of itself all the time wakes nobody", async () => {
    await untilReady(hub, path("imported"));
    await fence(hub, "fence-before");
    const mark = await auditMark(hub);
    const before = await passes();
    const versions = new Set<string>();
    for (let second = 0; second < BEATS; second++) versions.add(await beat("n1", second));
    expect(versions.size).toBe(BEATS);
    const isOfFence = await fence(hub, "fence-after");
    const asked = (await askedOf(hub, mark)).filter((request) => !FENCES_OWN.test(request));
    expect(asked.filter((request) => !isOfFence(request))).toEqual([]);
    expect((await passes()) - before).toBeLessThan(FEW_PASSES);
  });

  test("a node more is told in the row of its layer, and nothing else is written for it", async () => {
    const mark = await auditMark(hub);
    await node("n3");
    await waitUntilRow("imported", "kubernetes", ({ ready }) => ready === "3/3");
    expect(isReady(await read(hub, path("imported")))).toBe(true);
    expect(await strataWrites(hub, mark)).toEqual([]);
  });

  test("a kubelet of another version is named with both versions; what runs stays, and what comes after it goes on", async () => {
    await node("n2", { version: "v1.32.4" });
    const blocked = await waitUntil(hub, path("imported"), {
      what: "Blocked",
      is: (live) => layerOf(live, "kubernetes")?.state === "Blocked",
    });
    expect(layerOf(blocked, "kubernetes")).toMatchObject({
      reason: "ExpectationNotMet",
      message: "expects Kubernetes >=1.33 <1.37; node n2 has kubelet v1.32.4",
    });
    expect(condition(blocked, "Ready")).toMatchObject({ status: "False", reason: "ExpectationNotMet" });
    expect(condition(blocked, "Stalled")).toMatchObject({ status: "True", reason: "ExpectationNotMet" });
    expect(layerOf(blocked, "addon")?.state).toBe("Ready");
    // The layer was Ready as it is: its gate stays open, also for what is new.
    await apply(hub, profile("imported", [...imported, configMap("newcomer")]));
    const grown = await waitUntil(hub, path("imported"), {
      what: "with one more layer",
      is: (live) => layerOf(live, "newcomer")?.state === "Ready",
    });
    expect(await deploymentRow("imported", "kubernetes")).toMatchObject({ state: "Blocked", gate: "Open" });
    expect(isReady(grown)).toBe(false);

    await node("n2");
    await untilReady(hub, path("imported"));
  });

  test("another system on a node, a node too few, and a class that is gone: each is said by the layer whose it is", async () => {
    await node("n1", { system: "Flatcar 4000" });
    await waitUntil(hub, path("imported"), {
      what: "another system",
      is: (live) =>
        layerOf(live, "os")?.message === "expects osImage ^Ubuntu 24; node n1 has Flatcar 4000" &&
        layerOf(live, "os")?.reason === "ExpectationNotMet",
    });
    await node("n1");
    await hub.kubectlOk(["delete", "node", "n2", "n3"]);
    await waitUntil(hub, path("imported"), {
      what: "a node too few",
      is: (live) => layerOf(live, "kubernetes")?.message === "the cluster has 1 node, and 2 are expected",
    });
    await node("n2");
    await hub.kubectlOk(["delete", "storageclass", "fast"]);
    await waitUntil(hub, path("imported"), {
      what: "no class",
      is: (live) => layerOf(live, "csi")?.message === "StorageClass fast does not exist yet",
    });
    await apply(hub, storageClass("fast", true));
    await untilReady(hub, path("imported"));
  });

  test("of a cluster that never was as expected nothing is brought after the layer that says so", async () => {
    await hub.kubectlOk(["delete", "scp", "imported", "-n", "acme", "--timeout=60s"]);
    await node("n2", { version: "v1.32.4" });
    await apply(
      hub,
      profile("later", [{ name: "kubernetes", type: "Kubernetes", expect: { version: ">=1.33" } }, configMap("later")]),
    );
    await waitUntil(hub, path("later"), {
      what: "Blocked",
      is: (live) => layerOf(live, "kubernetes")?.state === "Blocked" && layerOf(live, "later")?.state === "Pending",
    });
    expect(await read(hub, pathOf("v1", "configmaps", "acme/later"))).toBeUndefined();

    await node("n2");
    const ready = await untilReady(hub, path("later"));
    expect(condition(ready, "CoreLayersComplete")).toMatchObject({
      status: "False",
      message: "the profile has no layer of type OS, Network, Storage",
    });
    await hub.kubectlOk(["delete", "scp", "later", "-n", "acme", "--timeout=60s"]);
  });

  test("a network layer with a source is brought while nodes are not Ready, and is Ready when they are", async () => {
    await node("n1", { ready: false });
    await apply(
      hub,
      profile("brings", [
        { name: "kubernetes", type: "Kubernetes", expect: {} },
        configMap("cni", "Network"),
        configMap("after"),
      ]),
    );
    const waiting = await waitUntil(hub, path("brings"), {
      what: "waiting for its nodes",
      is: (live) => layerOf(live, "cni")?.state === "Waiting",
    });
    expect(await read(hub, pathOf("v1", "configmaps", "acme/cni"))).toBeDefined();
    expect(layerOf(waiting, "cni")?.message).toBe("Node n1 is not Ready: container runtime network not ready");
    expect(layerOf(waiting, "after")).toMatchObject({ state: "Pending", message: "waits for layer cni" });
    await node("n1");
    await untilReady(hub, path("brings"));
    await hub.kubectlOk(["delete", "scp", "brings", "-n", "acme", "--timeout=60s"]);
  });

  test("whoever may not read the nodes is told so, in the API server's words", async () => {
    await hub.kubectlOk(["create", "namespace", "poor"]);
    await hub.kubectlOk([
      "create",
      "rolebinding",
      "edit",
      "-n",
      "poor",
      "--clusterrole=edit",
      "--serviceaccount=poor:default",
    ]);
    const layers = [{ name: "kubernetes", type: "Kubernetes", expect: {} }];
    const poor = profile("poor", layers) as { metadata: object };
    await apply(hub, { ...poor, metadata: { name: "poor", namespace: "poor" } });
    const live = await waitUntil(hub, pathOf("strata.dev/v1alpha1", "clusterprofiles", "poor/poor"), {
      what: "refused",
      is: (one) => layerOf(one, "kubernetes")?.reason === "Forbidden",
    });
    expect(layerOf(live, "kubernetes")?.message).toContain('cannot watch resource "nodes"');
  });
});

async function waitUntilRow(profileName: string, layer: string, is: (row: Live) => boolean): Promise<void> {
  const { body } = await hub.request("GET", "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
  const found = body.items.find((one: Live) => one.spec.profileRef.name === profileName);
  await waitUntil(hub, pathOf("strata.dev/v1alpha1", "profiledeployments", `acme/${found.metadata.name}`), {
    what: "so",
    is: (live) => is(layerOf(live, layer)),
  });
}
