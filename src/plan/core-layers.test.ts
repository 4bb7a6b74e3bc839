import { describe, expect, it } from "vitest";
import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { classFacts, nodeFacts } from "./core-facts.ts";
import { type CoreView, expectProblems, verifyCore } from "./core-layers.ts";

type Type = Layer["type"];
type Expect = NonNullable<Layer["expect"]>;

const READY = { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
const INFO = {
  osImage: "Ubuntu 24.04.1 LTS",
  kernelVersion: "6.8.0-45-generic",
  architecture: "amd64",
  kubeletVersion: "v1.36.3",
};

const node = (name: string, { conditions = [READY], info = {} }: { conditions?: object[]; info?: object } = {}) =>
  nodeFacts({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    status: { conditions, nodeInfo: { ...INFO, ...info } },
  });

const storageClass = (name: string, provisioner: string, isDefault: boolean) =>
  classFacts({
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: {
      name,
      annotations: isDefault ? { "storageclass.kubernetes.io/is-default-class": "true" } : {},
    },
    provisioner,
  });

const CLUSTER: CoreView = {
  kubernetesVersion: "v1.36.3",
  nodes: [node("n1"), node("n2")],
  classes: [storageClass("fast", "csi.example.com", true), storageClass("slow", "csi.example.com", false)],
  drivers: ["csi.example.com"],
};

/** Summary, or the first sentence of what is late or wrong, with what becomes of the gate. */
function told(type: Type, expect: Expect | undefined, cluster: Partial<CoreView>): string {
  const verdict = verifyCore({ type, ...(expect ? { expect } : {}) }, { ...CLUSTER, ...cluster });
  if (verdict.kind === "reading") return "reading";
  if (verdict.kind === "unmet") return `${verdict.failure.reason}: ${verdict.failure.message}`;
  const late = verdict.probes.flatMap((probe) => probe.late ?? []);
  return late[0] === undefined
    ? `Ready: ${verdict.summary}`
    : `${verdict.opensEarly ? "late, gate open" : "late"}: ${late[0]}`;
}

const NOT_READY = {
  conditions: [{ type: "Ready", status: "False", reason: "KubeletNotReady", message: "cni plugin not initialized" }],
};
const NO_NETWORK = {
  conditions: [READY, { type: "NetworkUnavailable", status: "True", reason: "NoRouteCreated", message: "" }],
};
const forbidden = new Failure("Forbidden", 'nodes is forbidden: User "x" cannot list resource "nodes"');

const ROWS: [what: string, type: Type, expect: Expect | undefined, cluster: Partial<CoreView>, told: string][] = [
  ["any system will do", "OS", {}, {}, "Ready: 2 nodes: Ubuntu 24.04.1 LTS"],
  [
    "the wanted system",
    "OS",
    { osImage: "^Ubuntu 24", kernelVersion: ">=6.1", architecture: "amd64", nodes: 2 },
    {},
    "Ready: 2 nodes: Ubuntu 24.04.1 LTS",
  ],
  [
    "another system on one node",
    "OS",
    { osImage: "^Ubuntu 24" },
    { nodes: [node("n1"), node("n2", { info: { osImage: "Flatcar" } })] },
    "ExpectationNotMet: expects osImage ^Ubuntu 24; node n2 has Flatcar",
  ],
  [
    "an older kernel on all",
    "OS",
    { kernelVersion: ">=6.10" },
    {},
    "ExpectationNotMet: expects kernel >=6.10; node n1 has 6.8.0-45-generic (and 1 more)",
  ],
  [
    "another architecture",
    "OS",
    { architecture: "arm64" },
    {},
    "ExpectationNotMet: expects architecture arm64; node n1 has amd64 (and 1 more)",
  ],
  [
    "a node that has said nothing yet",
    "OS",
    { osImage: "Ubuntu" },
    { nodes: [node("n1", { info: { osImage: "" } })] },
    "late, gate open: Node n1 has not said what it runs on yet",
  ],
  ["too few nodes", "OS", { nodes: 3 }, {}, "late, gate open: the cluster has 2 nodes, and 3 are expected"],
  ["no node at all", "OS", {}, { nodes: [] }, "late, gate open: the cluster has 0 nodes, and 1 is expected"],
  ["nodes that are not read yet", "OS", {}, { nodes: "unknown" }, "reading"],
  ["nobody looks", "OS", {}, { nodes: undefined }, "reading"],
  ["nodes that may not be read", "OS", {}, { nodes: forbidden }, `Forbidden: ${forbidden.message}`],
  ["the wanted Kubernetes", "Kubernetes", { version: ">=1.33 <1.37" }, {}, "Ready: v1.36.3 on 2 nodes"],
  [
    "a control plane that is too old",
    "Kubernetes",
    { version: ">=1.33" },
    { kubernetesVersion: "v1.32.9+k3s1" },
    "ExpectationNotMet: expects Kubernetes >=1.33; the API server has v1.32.9+k3s1",
  ],
  [
    "a control plane of a distribution",
    "Kubernetes",
    { version: ">=1.32.9" },
    { kubernetesVersion: "v1.33.1-gke.100", nodes: [node("n1", { info: { kubeletVersion: "v1.32.9+k3s1" } })] },
    "Ready: v1.33.1-gke.100 on 1 node",
  ],
  [
    "a control plane is judged before any node",
    "Kubernetes",
    { version: "1.30.x" },
    { nodes: "unknown" },
    "ExpectationNotMet: expects Kubernetes 1.30.x; the API server has v1.36.3",
  ],
  [
    "an old kubelet",
    "Kubernetes",
    { version: ">=1.35" },
    { nodes: [node("n1"), node("n2", { info: { kubeletVersion: "v1.34.0" } })] },
    "ExpectationNotMet: expects Kubernetes >=1.35; node n2 has kubelet v1.34.0",
  ],
  [
    "a node without network opens the gate to the layer that brings it",
    "Kubernetes",
    {},
    { nodes: [node("n1", NOT_READY)] },
    "late, gate open: Node n1 is not Ready: cni plugin not initialized",
  ],
  [
    "no node yet opens the gate as well",
    "Kubernetes",
    {},
    { nodes: [] },
    "late, gate open: the cluster has 0 nodes, and 1 is expected",
  ],
  [
    "a control plane alone, when that is expected",
    "Kubernetes",
    { nodes: 0 },
    { nodes: [] },
    "Ready: v1.36.3 on 0 nodes",
  ],
  ["all nodes have a network", "Network", {}, {}, "Ready: 2 nodes with a network"],
  [
    "a node that is not Ready",
    "Network",
    {},
    { nodes: [node("n1"), node("n2", NOT_READY)] },
    "late: Node n2 is not Ready: cni plugin not initialized",
  ],
  [
    "a node whose kubelet is silent",
    "Network",
    undefined,
    { nodes: [node("n1", { conditions: [] })] },
    "late: Node n1 is not Ready: its kubelet has said nothing yet",
  ],
  [
    "a node without a route",
    "Network",
    {},
    { nodes: [node("n1", NO_NETWORK)] },
    "late: Node n1 has no network: NoRouteCreated",
  ],
  [
    "a default class of a registered driver",
    "Storage",
    {},
    {},
    "Ready: StorageClass fast (default) by csi.example.com",
  ],
  [
    "the class that is asked for",
    "Storage",
    { storageClass: "slow" },
    {},
    "Ready: StorageClass slow by csi.example.com",
  ],
  [
    "no default class",
    "Storage",
    {},
    { classes: [storageClass("slow", "x", false)] },
    "late: no StorageClass is marked as the default",
  ],
  ["the class is not there", "Storage", { storageClass: "gold" }, {}, "late: StorageClass gold does not exist yet"],
  [
    "a provisioner that is no CSI driver",
    "Storage",
    {},
    { drivers: [] },
    "Ready: StorageClass fast (default) by csi.example.com, which is not registered as a CSI driver",
  ],
  [
    "a provisioner of Kubernetes itself",
    "Storage",
    {},
    { classes: [storageClass("local", "kubernetes.io/no-provisioner", true)], drivers: [] },
    "Ready: StorageClass local (default) by kubernetes.io/no-provisioner",
  ],
  ["classes that are not read yet", "Storage", {}, { classes: "unknown" }, "reading"],
  ["drivers that may not be read", "Storage", {}, { drivers: forbidden }, `Forbidden: ${forbidden.message}`],
];

describe("core layers on the live cluster", () => {
  it.each(ROWS)("%s (%s)", (_what, type, expected, cluster, sentence) => {
    expect(told(type, expected, cluster)).toBe(sentence);
  });

  it.each([
    ["says a book of its system", [node("n1", { info: { osImage: "a".repeat(1_000_000) } })]],
    [
      "has ten thousand systems",
      Array.from({ length: 10_000 }, (_, i) => node(`n${i}`, { info: { osImage: `a${i}` } })),
    ],
  ])("a cluster that %s does not hold the hub with it", (_what, nodes) => {
    const sentence =
      "InvalidSpec: expect.osImage: what the nodes say of their system is too long to be compared with it";
    expect(told("OS", { osImage: "^(a?){400}[0-9]*$" }, { nodes })).toBe(sentence);
  });

  it("a pattern that is none is a mistake of the profile, whatever the cluster", () => {
    expect(expectProblems({ expect: { osImage: "(" } })).toEqual([expect.stringMatching(/^expect\.osImage: /)]);
    expect(expectProblems({ expect: { osImage: "^Ubuntu" } })).toEqual([]);
    expect(expectProblems({})).toEqual([]);
  });
});
