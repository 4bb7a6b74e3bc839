import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterDefinition } from "../support/cluster-api.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import {
  apply,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let strata: StrataProcess;
/** What the provider makes. */
let made: ControlPlane | undefined;

beforeAll(async () => {
  hub = await startControlPlane({ name: "hub", nodes: 0 });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  await apply(hub, await clusterDefinition());
  await hub.kubectlOk(["wait", "crd/clusters.cluster.x-k8s.io", "--for=condition=Established", "--timeout=60s"]);
});

afterAll(async () => {
  await strata?.kill();
  await made?.stop();
  await hub?.stop();
});

const PROFILE = pathOf("strata.dev/v1alpha1", "clusterprofiles", "acme/base");
const CLUSTER = pathOf("cluster.x-k8s.io/v1beta2", "clusters", "acme/edge");
const CNI = pathOf("v1", "configmaps", "kube-system/cni");
const NODE = "/api/v1/nodes/n1";

const target = {
  apiVersion: "strata.dev/v1alpha1",
  kind: "TargetCluster",
  metadata: { name: "edge", namespace: "acme" },
  spec: { connection: { clusterAPIRef: { name: "edge" } } }, // leaf: TargetCluster spec.connection.clusterAPIRef.name
};

/** What Cluster API's controllers would make of it is up to the provider below. */
const claim = {
  apiVersion: "cluster.x-k8s.io/v1beta2",
  kind: "Cluster",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Strata
  metadata: { name: "${{ cluster.name }}", namespace: "acme" },
  spec: { clusterNetwork: { pods: { cidrBlocks: ["10.17.0.0/16"] } } },
};

const configMap = (name: string, namespace: string) => ({
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace } },
});

function base(...more: object[]): object {
  const layers = [
    {
      name: "kubernetes",
      type: "Kubernetes",
      expressions: true,
      manifests: [{ object: claim }],
      healthChecks: [
        {
          apiVersion: "cluster.x-k8s.io/v1beta2",
          kind: "Cluster",
          current: 'has(self.status) && has(self.status.phase) && self.status.phase == "Provisioned"',
        },
      ],
      expect: { version: ">=1.33" },
    },
    { name: "cni", type: "Network", manifests: [configMap("cni", "kube-system")] },
    ...more,
  ];
  const spec = { clusterRefs: [{ name: "edge" }], layers };
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "ClusterProfile",
    metadata: { name: "base", namespace: "acme" },
    spec,
  };
}

async function setStatus(plane: ControlPlane, path: string, status: object): Promise<void> {
  const answer = await plane.request("PATCH", `${path}/status`, {
    body: { status },
    contentType: "application/merge-patch+json",
  });
  if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
}

/** A node as its kubelet tells of it: Ready as soon as the cluster has a network. */
async function tellNode(plane: ControlPlane, ready: boolean): Promise<void> {
  const now = new Date().toISOString();
  const nodeInfo = {
    kubeletVersion: "v1.36.3",
    osImage: "Ubuntu 24.04.1 LTS",
    kernelVersion: "6.8.0",
    architecture: "amd64",
    bootID: "b",
    containerRuntimeVersion: "c",
    kubeProxyVersion: "",
    machineID: "m",
    operatingSystem: "linux",
    systemUUID: "s",
  };
  const condition = { type: "Ready", status: ready ? "True" : "False", reason: "Told", message: "no network yet" };
  await setStatus(plane, NODE, {
    nodeInfo,
    conditions: [{ ...condition, lastHeartbeatTime: now, lastTransitionTime: now }],
  });
}

/** A provider that makes a cluster for a claim: a second API server, whose kubeconfig it writes as Cluster API does. */
async function provide(): Promise<ControlPlane> {
  await waitUntil(hub, CLUSTER, { what: "claimed", is: (live) => live !== undefined });
  const plane = await startControlPlane({ name: "edge", controllers: false });
  await apply(plane, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
  await tellNode(plane, false);
  await apply(hub, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "edge-kubeconfig", namespace: "acme", labels: { "cluster.x-k8s.io/cluster-name": "edge" } },
    stringData: { value: plane.kubeconfig },
  });
  await setStatus(hub, CLUSTER, { phase: "Provisioned" });
  return plane;
}

/** The garbage collector's part in a deletion in the foreground: this control plane runs none. */
async function collect(plane: ControlPlane, path: string): Promise<void> {
  await waitUntil(plane, path, { what: "being deleted", is: (live) => live?.metadata.deletionTimestamp !== undefined });
  const body = { metadata: { finalizers: null } };
  await plane.request("PATCH", path, { body, contentType: "application/merge-patch+json" });
}

const until = (what: string, is: (live: Live) => boolean) => waitUntil(hub, PROFILE, { what, is });

// leaf: Profile spec.layers[].applyTo
describe("a cluster that a profile makes", () => {
  test("the claim lands on the hub, the network in the new cluster, and neither waits for the other", async () => {
    await apply(hub, target, base());
    const waiting = await until("making the cluster", (live) => layerOf(live, "cni")?.state === "Blocked");
    expect(layerOf(waiting, "cni")?.message).toMatch(
      /^edge: unreachable since \S+: Cluster API has not written Secret acme\/edge-kubeconfig yet$/,
    );
    made = await provide();
    await waitUntil(made, CNI, { what: "brought", is: (live) => live !== undefined });
    await until(
      "waiting for its node",
      (live) => layerOf(live, "cni")?.message === "edge: Node n1 is not Ready: no network yet",
    );
    expect(await read(hub, CNI), "the network of the cluster has no business on the hub").toBeUndefined();
    expect(await read(made, "/apis/cluster.x-k8s.io/v1beta2")).toBeUndefined();
    await tellNode(made, true);
    const ready = await until("Ready", isReady);
    expect(ready.status).toMatchObject({ clusters: 1, readyClusters: 1 });
    const { body } = await hub.request("GET", "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
    const rows = body.items.map((one: Live) => [
      one.spec.applyTo ?? "Workload",
      one.status.layers.map(({ name }: Live) => name),
    ]);
    expect(Object.fromEntries(rows)).toEqual({ Management: ["kubernetes"], Workload: ["kubernetes", "cni"] });
  });

  test("a layer for the hub that stands after those of the cluster is named after the cluster", async () => {
    const dns = {
      name: "dns",
      applyTo: "Management",
      expressions: true,
      namespace: "acme",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Strata
      manifests: [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "dns-${{ cluster.name }}" } } }],
    };
    await tellNode(made as ControlPlane, false);
    await until("late", (live) => layerOf(live, "cni")?.state === "Waiting");
    await apply(hub, base({ name: "app", manifests: [configMap("app", "default")], gate: "Applied" }, dns));
    await until("Ready but for the node", (live) => layerOf(live, "dns")?.state === "Ready");
    expect(await read(hub, pathOf("v1", "configmaps", "acme/dns-edge"))).toBeDefined();
    await tellNode(made as ControlPlane, true);
    await until("Ready", isReady);
  });

  test("the last layer for the hub leaves its profile: what it brought goes, and no other layer comes there", async () => {
    const plane = made as ControlPlane;
    const path = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/peering");
    const peering = (layer: object) => ({
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name: "peering", namespace: "acme" },
      spec: { clusterRefs: [{ name: "edge" }], layers: [layer] },
    });
    const hubs = pathOf("v1", "configmaps", "acme/peer");
    const clusters = pathOf("v1", "configmaps", "default/agent");
    await apply(hub, peering({ name: "peer", applyTo: "Management", manifests: [configMap("peer", "acme")] }));
    await untilReady(hub, path);
    expect([await read(hub, hubs), await read(plane, hubs)]).toEqual([expect.anything(), undefined]);
    const { items } = await read(hub, "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
    const { metadata } = items.find(({ spec }: Live) => spec.profileRef.name === "peering" && spec.applyTo);
    const onHub = pathOf("strata.dev/v1alpha1", "profiledeployments", `acme/${metadata.name}`);
    await apply(hub, peering({ name: "agent", manifests: [configMap("agent", "default")] }));
    await waitUntil(hub, hubs, { what: "gone", is: (live) => live === undefined });
    await untilReady(hub, path);
    await waitUntil(hub, onHub, { what: "gone", is: (live) => live === undefined });
    expect([await read(hub, clusters), await read(plane, clusters)]).toEqual([undefined, expect.anything()]);
    const collected = collect(plane, clusters);
    await hub.kubectlOk(["delete", "sap", "peering", "-n", "acme", "--timeout=90s"]);
    await collected;
  });

  test("the profile goes: first what is in the cluster, then the cluster itself", async () => {
    const plane = made as ControlPlane;
    const collected = Promise.all([CNI, pathOf("v1", "configmaps", "default/app")].map((path) => collect(plane, path)));
    await hub.kubectlOk(["delete", "scp", "base", "-n", "acme", "--timeout=90s"]);
    await collected;
    expect(await read(plane, CNI)).toBeUndefined();
    expect(await read(hub, CLUSTER)).toBeUndefined();
    const deletes = (await plane.auditEvents())
      .filter(({ verb }) => verb === "delete")
      .map(({ requestReceivedTimestamp }) => requestReceivedTimestamp);
    const last = (await hub.auditEvents()).find(
      ({ verb, objectRef }) => verb === "delete" && objectRef?.resource === "clusters",
    );
    expect(deletes.every((time) => String(time) < String(last?.requestReceivedTimestamp))).toBe(true);
  });
});
