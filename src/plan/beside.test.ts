import { describe, expect, it } from "vitest";
import type { Layer, Profile, ProfileDeployment } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { besideOf, type Street } from "./beside.ts";

/** How far a layer is: nothing is written, all is written, or its gate is open. */
type Rows = Record<string, "begun" | "written" | "open">;

const source = { manifests: [{ inline: "" }] };
const layer = (name: string, type: Layer["type"], more: object = {}) => ({ name, type, ...more }) as unknown as Layer;
const os = layer("os", "OS", { expect: {} });
const kubernetes = layer("kubernetes", "Kubernetes", source);
const cni = layer("cni", "Network", source);
const dns = layer("dns", "AddOn", { ...source, applyTo: "Management" });

function profileOf(layers: readonly Layer[], name = "base"): Profile {
  const metadata = { name, namespace: "acme", generation: 1 };
  return { kind: "ClusterProfile", metadata, spec: { layers } } as unknown as Profile;
}

function deploymentOf(rows: Rows, { second = 0, cluster = "edge" } = {}): ProfileDeployment {
  const layers = Object.entries(rows).map(([name, row]) => ({
    name,
    gate: row === "open" ? "Open" : "Closed",
    ...(row === "begun" ? {} : { appliedAt: "2026-01-01T00:00:00Z" }),
  }));
  return {
    metadata: { namespace: "acme", name: "one", creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: { clusterRef: { name: cluster } },
    status: { profileGeneration: 1, layers },
  } as unknown as ProfileDeployment;
}

/** What the layers of one side wait for. */
function closed(side: Street["side"], layers: readonly Layer[], sibling?: Rows, cluster = "edge"): object {
  const own = { profile: profileOf(layers), deployment: deploymentOf({}, { cluster }) };
  const beside = besideOf({ own, side, sibling: sibling && deploymentOf(sibling), others: [] }, false);
  if (beside instanceof Failure) throw beside;
  return Object.fromEntries([...beside.closed].map(([name, { on }]) => [name, on]));
}

describe("what layers wait for besides each other", () => {
  it("the cluster's own wait until what makes the cluster is written; then what is found there decides", () => {
    const layers = [kubernetes, cni];
    expect(closed("Workload", layers)).toEqual({ kubernetes: "layer kubernetes on the hub" });
    expect(closed("Workload", layers, { kubernetes: "begun" })).toEqual({ kubernetes: "layer kubernetes on the hub" });
    expect(closed("Workload", layers, { kubernetes: "written" })).toEqual({});
    expect(closed("Workload", layers, { kubernetes: "open" })).toEqual({});
  });

  it("and for the gates of all else on the hub", () => {
    expect(closed("Workload", [dns, cni], { dns: "written" })).toEqual({ dns: "layer dns on the hub" });
    expect(closed("Workload", [dns, cni], { dns: "open" })).toEqual({});
  });

  it("what makes a cluster does not wait for that to be as expected, what comes after it waits for what is brought there", () => {
    expect(closed("Management", [os, kubernetes, cni, dns])).toEqual({ cni: "layer cni on the cluster" });
    expect(closed("Management", [os, dns])).toEqual({ os: "layer os on the cluster" });
  });

  it("on the hub itself both sides are one", () => {
    expect(closed("Workload", [kubernetes, dns, cni], undefined, "local")).toEqual({});
  });

  it("what is in a circle begins nothing on either side, and is refused where nothing is installed", () => {
    const profile = profileOf([kubernetes, cni]);
    profile.spec.dependsOn = [{ kind: "ClusterProfile", name: "base" }];
    const own = { profile, deployment: deploymentOf({}) };
    for (const side of ["Workload", "Management"] as const) {
      const street: Street = { own, side, sibling: undefined, others: [] };
      expect(besideOf(street, false)).toMatchObject({ reason: "InvalidSpec" });
      expect(besideOf(street, true)).toMatchObject({
        all: { on: expect.stringContaining("circle") },
        refusal: { reason: "InvalidSpec" },
      });
    }
  });

  it("the first profile of a cluster stays the first when it begins to make something on the hub", () => {
    const own = { profile: profileOf([kubernetes]), deployment: deploymentOf({}, { second: 3 }) };
    const later = { profile: profileOf([cni], "later"), deployment: deploymentOf({}, { second: 2 }) };
    const sibling = deploymentOf({}, { second: 1 });
    expect(besideOf({ own, side: "Management", sibling, others: [later] }, false)).not.toBeInstanceOf(Failure);
  });
});
