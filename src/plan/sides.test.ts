import { expect, test } from "vitest";
import type { Layer, Profile } from "../api/types.ts";
import { onSide, type Side } from "./sides.ts";

const MANIFESTS = [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } } }];
const OS = { name: "os", type: "OS", expect: { osImage: "^Ubuntu" } };
const KUBERNETES = { name: "kubernetes", type: "Kubernetes", manifests: MANIFESTS, expect: { version: ">=1.33" } };
const CNI = { name: "cni", type: "Network", manifests: MANIFESTS };
const APP = { name: "app", type: "AddOn", manifests: MANIFESTS };
const DNS = { ...APP, name: "dns", applyTo: "Management" };

interface Case {
  layers: readonly object[];
  side: Side;
  /** The names, with a mark where the layer brings something. */
  want: readonly string[];
}

test.each<[string, Case]>([
  [
    "what makes a cluster is verified there",
    { layers: [KUBERNETES, CNI], side: "Workload", want: ["kubernetes", "cni +"] },
  ],
  ["and brought on the hub", { layers: [KUBERNETES, CNI], side: "Management", want: ["kubernetes +"] }],
  ["what is observed is looked at on the cluster", { layers: [OS, CNI, DNS], side: "Workload", want: ["os", "cni +"] }],
  ["an add-on for the hub is nothing to the cluster", { layers: [APP, DNS], side: "Workload", want: ["app +"] }],
  [
    "what is brought under a condition is verified under the same one",
    {
      layers: [{ ...KUBERNETES, when: "variables.provider == 'capi' && cluster.name != 'x'" }, CNI],
      side: "Workload",
      want: ["kubernetes when variables.provider == 'capi' && cluster.name != 'x'", "cni +"],
    },
  ],
  [
    "which is left out where it would have another answer there: an output of the hub, its version",
    {
      layers: [
        { ...OS, manifests: MANIFESTS, when: "cluster.kubernetesVersion != ''" },
        { ...KUBERNETES, when: "has(layers.os.outputs.image)" },
        { ...CNI, when: "layers.os.outputs.image != ''" },
      ],
      side: "Workload",
      want: ["os", "kubernetes", "cni + when layers.os.outputs.image != ''"],
    },
  ],
  [
    "without a layer for the hub, all are the cluster's",
    { layers: [OS, APP], side: "Workload", want: ["os", "app +"] },
  ],
  ["and the hub has none of them", { layers: [OS, APP], side: "Management", want: [] }],
])("%s", (_, { layers, side, want }) => {
  const profile = { kind: "ClusterProfile", metadata: { name: "base" }, spec: { layers } } as unknown as Profile;
  const here = onSide(profile, side);
  const told = ({ name, manifests, when }: Layer) => `${name}${manifests ? " +" : ""}${when ? ` when ${when}` : ""}`;
  expect(here.spec.layers.map(told)).toEqual(want);
  expect(onSide(profile, side), "the same object as long as the profile is the same").toBe(here);
});
