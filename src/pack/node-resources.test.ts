import { describe, expect, it } from "vitest";
import { nodeResources } from "./node-resources.ts";

const node = (labels: Record<string, string>, allocatable?: Record<string, string>) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n", labels },
  ...(allocatable ? { status: { allocatable } } : {}),
});

describe("what a node has for pods", () => {
  it("is what its kubelet allows, in the units of packs", () => {
    const allocatable = { cpu: "3920m", memory: "8148292Ki", "ephemeral-storage": "94000000000", pods: "110" };
    expect(nodeResources(node({}, allocatable))).toEqual({
      role: "worker",
      cpu: 3920,
      memory: 8148292 / 1024,
      diskSize: 94,
    });
  });

  it.each([
    ["node-role.kubernetes.io/control-plane", "control-plane"],
    ["node-role.kubernetes.io/master", "control-plane"],
    ["node-role.kubernetes.io/worker", "worker"],
  ])("with %s belongs to the pool %s", (label, role) => {
    expect(nodeResources(node({ [label]: "" }))).toEqual({ role, cpu: 0, memory: 0, diskSize: 0 });
  });
});
