import {
  addOnProfile,
  clusterProfile,
  LABEL_NAME,
  local,
  long,
  OBJECT_NAME,
  plain,
  RANGE,
  type Row,
  systemProfile,
  withLayers,
} from "./bad-spec-objects.ts";

const graph = (...layers: object[]) => clusterProfile({ ...local, ordering: "Graph", layers });
const above = { ...plain, name: "above" };
const after = (...names: string[]) => ({ ...plain, dependsOn: names });
const ABOVE = "dependsOn must name layers above";
const first = (...dependsOn: object[]) => addOnProfile({ ...local, dependsOn, layers: [plain] });
const expecting = (type: string, expect: object) => withLayers({ name: "core", type, expect });

/** What comes first: layers, profiles, and what a cluster must be like. */
// biome-ignore format: one row a line
export const ORDER: readonly Row[] = [
  ["an unknown ordering", clusterProfile({ ...local, ordering: "Tree", layers: [plain] }), "spec.ordering", 'supported values: "List", "Graph"'],
  ["dependsOn in a list", withLayers(above, after("above")), "spec", "dependsOn of a layer is only for ordering: Graph (by List each layer waits for all above)"],
  ["a layer after one below it", graph(after("above"), above), "spec.layers", ABOVE],
  ["a layer after itself", graph(after("plain")), "spec.layers", ABOVE],
  ["a layer after one that is not there", graph(above, after("abvoe")), "spec.layers", ABOVE],
  ["a layer after nothing", graph(above, after()), "spec.layers[1].dependsOn", "should have at least 1 items"],
  ["a layer after too many", graph(above, after(...Array.from({ length: 17 }, (_, i) => `l${i}`))), "spec.layers[1].dependsOn", "must have at most 16 items"],
  ["a layer after one with a name that cannot be", graph(above, after("Above")), "spec.layers[1].dependsOn[0]", `dependsOn ${LABEL_NAME}`],
  ["a layer after another by its one name", graph(above, { ...plain, dependsOn: "above" }), "spec.layers[1].dependsOn", "must be of type array"],
  ["an unknown side", withLayers({ ...plain, applyTo: "Hub" }), "spec.layers[0].applyTo", 'supported values: "Workload", "Management"'],
  ["a profile after no profile", first(), "spec.dependsOn", "should have at least 1 items"],
  ["a profile after something else", first({ kind: "TargetCluster", name: "a" }), "spec.dependsOn[0].kind", 'supported values: "SystemProfile", "ClusterProfile", "AddOnProfile"'],
  ["a profile after one without a kind", first({ name: "base" }), "spec.dependsOn[0].kind", "Required value"],
  ["a profile after one without a name", first({ kind: "ClusterProfile" }), "spec.dependsOn[0].name", "Required value"],
  ["a profile after one with a name that cannot be", first({ kind: "ClusterProfile", name: "Base" }), "spec.dependsOn[0].name", `name ${OBJECT_NAME}`],
  ["a profile after another tenant's", first({ kind: "ClusterProfile", name: "base", namespace: "other" }), "spec.dependsOn[0].namespace", "unknown field"],
  ["a profile after too many", first(...Array.from({ length: 17 }, (_, i) => ({ kind: "ClusterProfile", name: `p${i}` }))), "spec.dependsOn", "must have at most 16 items"],
  ["a cluster profile after a lower tier", clusterProfile({ ...local, dependsOn: [{ kind: "AddOnProfile", name: "a" }], layers: [plain] }), "spec.dependsOn[0].kind", 'supported values: "SystemProfile"'],
  ["a system profile after a lower tier", systemProfile({ ...local, dependsOn: [{ kind: "ClusterProfile", name: "a" }], layers: [plain] }), "spec.dependsOn[0].kind", 'supported values: "SystemProfile"'],
  ["a profile that is suspended by a word", clusterProfile({ ...local, suspend: "true", layers: [plain] }), "spec.suspend", "must be of type boolean"],
  ["a network on a system", expecting("Network", { osImage: "Ubuntu" }), "spec.layers[0]", "expect.osImage is only for a layer of type OS"],
  ["a Kubernetes on a kernel", expecting("Kubernetes", { kernelVersion: ">=6.1" }), "spec.layers[0]", "expect.kernelVersion is only for a layer of type OS"],
  ["a storage on a processor", expecting("Storage", { architecture: "arm64" }), "spec.layers[0]", "expect.architecture is only for a layer of type OS"],
  ["fewer nodes than none", expecting("OS", { nodes: -1 }), "spec.layers[0].expect.nodes", "should be greater than or equal to 0"],
  ["half a node", expecting("OS", { nodes: 1.5 }), "spec.layers[0].expect.nodes", "must be of type integer"],
  ["a Kubernetes that is expected in words", expecting("Kubernetes", { version: "new" }), "spec.layers[0].expect.version", `version ${RANGE}`],
  ["a kernel that is expected in words", expecting("OS", { kernelVersion: "new" }), "spec.layers[0].expect.kernelVersion", `kernelVersion ${RANGE}`],
  ["a system without a name", expecting("OS", { osImage: "" }), "spec.layers[0].expect.osImage", "should be at least 1 chars long"],
  ["a system with a name that is a program", expecting("OS", { osImage: long(257) }), "spec.layers[0].expect.osImage", "may not be more than 256 bytes"],
  ["a StorageClass with a name that cannot be", expecting("Storage", { storageClass: "Fast" }), "spec.layers[0].expect.storageClass", "should match"],
  ["a misspelled expectation", expecting("OS", { kernel: ">=6.1" }), "spec.layers[0].expect.kernel", "unknown field"],
];
