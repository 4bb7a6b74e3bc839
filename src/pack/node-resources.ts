import type { KubeObject } from "../objects/types.ts";
import { parseQuantity } from "../text/quantity.ts";
import type { NodeResources } from "./resources.ts";

const ROLES = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/** What a Node has for pods, as its kubelet says it; nothing of what it does not say. */
export function nodeResources({ metadata, status }: KubeObject): NodeResources {
  const { allocatable = {} } = (status ?? {}) as { allocatable?: Record<string, string> };
  const amount = (resource: string): number => parseQuantity(allocatable[resource] ?? "0") ?? 0;
  return {
    role: ROLES.some((label) => metadata.labels?.[label] !== undefined) ? "control-plane" : "worker",
    cpu: amount("cpu") * 1000,
    memory: amount("memory") / 2 ** 20,
    diskSize: amount("ephemeral-storage") / 1e9,
  };
}
