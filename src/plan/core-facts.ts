import type { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { type NodeResources, nodeResources } from "../pack/index.ts";

/** What a Node says of itself that core layers are verified by, and what packs may ask of it. */
export interface NodeFacts extends NodeResources {
  name: string;
  osImage: string;
  /** As `uname -r` has it: `6.8.0-45-generic`. */
  kernelVersion: string;
  /** As Go spells it: `amd64`, `arm64`. */
  architecture: string;
  /** `v1.36.3`. */
  kubelet: string;
  /** In words, why pods cannot run there; undefined while they can. */
  notReady?: string;
  /** In words, why it has no network; undefined while nothing says so. */
  noNetwork?: string;
}

/** What a StorageClass says that a Storage layer is verified by. */
export interface ClassFacts {
  name: string;
  provisioner: string;
  isDefault: boolean;
}

/** All of a kind; `unknown` until they are read, undefined where nobody looks at a cluster. */
export type Known<T> = readonly T[] | "unknown" | Failure | undefined;

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

interface NodeStatus {
  conditions?: Condition[];
  nodeInfo?: { osImage?: string; kernelVersion?: string; architecture?: string; kubeletVersion?: string };
}

/** The facts of a Node; what its kubelet does not say (yet) is empty, and a node that says nothing is not Ready. */
export function nodeFacts(node: KubeObject): NodeFacts {
  const { conditions = [], nodeInfo = {} } = (node["status"] ?? {}) as NodeStatus;
  const find = (wanted: string) => conditions.find(({ type }) => type === wanted);
  const ready = find("Ready");
  const network = find("NetworkUnavailable");
  return {
    ...nodeResources(node),
    name: node.metadata.name ?? "",
    osImage: nodeInfo.osImage ?? "",
    kernelVersion: nodeInfo.kernelVersion ?? "",
    architecture: nodeInfo.architecture ?? "",
    kubelet: nodeInfo.kubeletVersion ?? "",
    ...(ready?.status === "True" ? {} : { notReady: wordsOf(ready) }),
    ...(network?.status === "True" ? { noNetwork: wordsOf(network) } : {}),
  };
}

function wordsOf(condition: Condition | undefined): string {
  return condition?.message || condition?.reason || "its kubelet has said nothing yet";
}

/** The mark of the class that a PersistentVolumeClaim without one gets (Kubernetes: storage.k8s.io annotations). */
const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** What is kept of a StorageClass. */
export function classFacts({ metadata, provisioner }: KubeObject): ClassFacts {
  return {
    name: metadata.name ?? "",
    provisioner: typeof provisioner === "string" ? provisioner : "",
    isDefault: metadata.annotations?.[DEFAULT_CLASS] === "true",
  };
}

/** The name of a CSIDriver is the driver's own. */
export function driverName({ metadata }: KubeObject): string {
  return metadata.name ?? "";
}
