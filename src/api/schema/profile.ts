import { z } from "zod";
import { LOCAL_CLUSTER } from "../names.ts";
import { CORE_TYPES, type LAYER_TYPES, layerSchema } from "./layer.ts";
import { namesDiffer } from "./lists.ts";
import { readyWhen } from "./ready-when.ts";
import { ANY_NAMESPACE, OWN_NAMESPACE } from "./references.ts";
import { exactlyOneOf, type Rule, withRules } from "./rules.ts";
import { labelSelector } from "./selector.ts";
import { dnsLabel, duration, objectName, semanticVersion } from "./text.ts";
import { variableDeclarations, variableSources } from "./variables.ts";

const MAX_LAYERS = 64;
const MAX_CLUSTER_REFS = 256;

interface NamedLayer {
  name: string;
  type: (typeof LAYER_TYPES)[number];
}

const uniqueNames: Rule<NamedLayer[]> = {
  cel: "self.all(layer, self.exists_one(other, other.name == layer.name))",
  message: "each layer must have a name of its own",
  check: (layers) => new Set(layers.map((layer) => layer.name)).size === layers.length,
};

function coreRanks(layers: NamedLayer[]): number[] {
  return layers.filter((layer) => layer.type !== "AddOn").map((layer) => CORE_TYPES.indexOf(layer.type as never));
}

const oneOfEachCoreType: Rule<NamedLayer[]> = {
  cel: "['OS', 'Kubernetes', 'Network', 'Storage'].all(core, size(self.filter(layer, layer.type == core)) <= 1)",
  message: "there can be at most one layer each of type OS, Kubernetes, Network and Storage",
  check: (layers) => new Set(coreRanks(layers)).size === coreRanks(layers).length,
};

const coreTypesInOrder: Rule<NamedLayer[]> = {
  cel: "self.map(layer, layer.type != 'AddOn', layer.type == 'OS' ? 0 : layer.type == 'Kubernetes' ? 1 : layer.type == 'Network' ? 2 : 3).isSorted()",
  message:
    "layers of type OS, Kubernetes, Network and Storage must stand in this order (other layers may stand between)",
  check: (layers) => coreRanks(layers).every((rank, index, ranks) => index === 0 || rank >= (ranks[index - 1] ?? 0)),
};

const addOnsOnly: Rule<NamedLayer[]> = {
  cel: "self.all(layer, layer.type == 'AddOn')",
  message: "only a ClusterProfile may have layers of type OS, Kubernetes, Network or Storage",
  check: (layers) => layers.every((layer) => layer.type === "AddOn"),
};

interface NamespacedParts {
  namespace?: string;
  layers: { namespace?: string; namespaceMetadata?: unknown; helm?: unknown }[];
}

/** A layer depends on layers above it only: there is no circle, and the reverse of the list is the order of removal. */
const dependsOnAbove: Rule<{ name: string; dependsOn?: string[] }[]> = {
  // The names are taken once: taken for each comparison they are beyond the API server's budget.
  cel: "[self.map(layer, layer.name)].all(names, self.all(layer, !has(layer.dependsOn) || layer.dependsOn.all(name, names.indexOf(name) >= 0 && names.indexOf(name) < names.indexOf(layer.name))))",
  message: "dependsOn must name layers above",
  check: (layers) =>
    layers.every(({ dependsOn = [] }, index) =>
      dependsOn.every((name) => layers.slice(0, index).some((other) => other.name === name)),
    ),
};

const dependsOnByGraph: Rule<{ ordering?: string; layers: { dependsOn?: string[] }[] }> = {
  cel: "(has(self.ordering) && self.ordering == 'Graph') || self.layers.all(layer, !has(layer.dependsOn))",
  message: "dependsOn of a layer is only for ordering: Graph (by List each layer waits for all above)",
  check: ({ ordering, layers }) => ordering === "Graph" || layers.every(({ dependsOn }) => dependsOn === undefined),
};

/** Rules between `spec.namespace` and the layers. */
const layerNamespaces: Rule<NamespacedParts>[] = [
  {
    cel: "has(self.__namespace__) || self.layers.all(layer, !has(layer.helm) || has(layer.__namespace__))",
    message: "a layer with helm needs a namespace: set the layer's namespace or spec.namespace",
    check: ({ namespace, layers }) =>
      namespace !== undefined || layers.every((layer) => layer.helm === undefined || layer.namespace !== undefined),
  },
  {
    cel: "has(self.__namespace__) || self.layers.all(layer, !has(layer.namespaceMetadata) || has(layer.__namespace__))",
    message: "namespaceMetadata needs a namespace: set the layer's namespace or spec.namespace",
    check: ({ namespace, layers }) =>
      namespace !== undefined ||
      layers.every((layer) => layer.namespaceMetadata === undefined || layer.namespace !== undefined),
  },
];

const TARGETING = ["clusterRefs", "clusterSelector"] as const;
const oneTargeting = exactlyOneOf(TARGETING, "exactly one of clusterRefs and clusterSelector must be set");

function layerList<N extends z.ZodRawShape>(refNamespace: N) {
  return z
    .array(layerSchema(refNamespace))
    .min(1)
    .max(MAX_LAYERS)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });
}

const LAYERS = "The layers, from 1 to 64, in the order in which they are brought to each cluster.";

/** What all profiles share, but for the layers and the targets. */
const common = {
  version: semanticVersion("version")
    .describe("Version of the profile, for people: a semantic version such as `1.4.0`. Strata does not act on it.")
    .exactOptional(),
  namespace: dnsLabel("namespace")
    .describe("Default namespace of the layers: for namespaced objects that name none in layers that name none.")
    .exactOptional(),
  variables: variableDeclarations.exactOptional(),
  ordering: z
    .enum(["List", "Graph"])
    .describe(
      "For what a layer waits: with List for all layers above it, with Graph for those that its dependsOn names. Layers are removed in reverse order of the list in any case. Defaults to List.",
    )
    .exactOptional(),
  deletionPolicy: z
    .enum(["Delete", "Orphan"])
    .default("Delete")
    .describe(
      "What happens to the layers' objects when the profile is deleted: Delete removes them in reverse order, Orphan leaves them on the clusters.",
    ),
  unmatchPolicy: z
    .enum(["Delete", "Orphan"])
    .describe(
      "What happens to the layers' objects on a cluster that the profile goes to no more, because the selector, the cluster's labels or clusterRefs have changed, or because its TargetCluster is deleted: Orphan leaves them there with their marks, so that they are recognised should the cluster come back; Delete removes them in reverse order. Defaults to Orphan.",
    )
    .exactOptional(),
  deletionGrace: duration("deletionGrace")
    .describe(
      "How long a deletion waits for a cluster that cannot be reached before it leaves there what is there. A Go duration from 1s to 24h, for example `10m` or `1h30m`. Defaults to 1h.",
    )
    .exactOptional(),
  readyWhen: readyWhen.exactOptional(),
  allowMassPrune: z
    .boolean()
    .describe(
      "Lets go what the brakes hold: all that a listed layer has when it comes out without objects, more than half of the objects of a layer that has more than 10, and with unmatchPolicy Delete the objects on more than one cluster and more than 20 % of the profile's clusters that it leaves at once. Layers that are taken out of the list, or whose `when` is false, go in any case. Defaults to false.",
    )
    .exactOptional(),
  suspend: z
    .boolean()
    .describe(
      "Leaves all layers as they are on all clusters, those that were taken out of the list too. Deleting the profile goes on as deletionPolicy says, and taking a cluster out as unmatchPolicy says. Defaults to false.",
    )
    .exactOptional(),
};

/** Other profiles that come first, by kinds of the own tier or a higher one. */
function profileNames(
  kinds: readonly ["SystemProfile"] | readonly ["SystemProfile", "ClusterProfile", "AddOnProfile"],
) {
  const entry = z.strictObject({
    kind: z.enum(kinds).describe("Kind of the profile."),
    name: objectName("name").describe("Name of the profile: one of the own namespace, or a SystemProfile."),
  });
  return z
    .array(entry)
    .min(1)
    .max(16)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe(
      "Profiles that come first, from 1 to 16: on each cluster nothing new is brought until all layers of these have opened their gates there. What runs stays and is repaired.",
    )
    .exactOptional();
}

/** What Cluster- and AddOnProfiles share. */
const tenant = {
  ...common,
  variablesFrom: variableSources(OWN_NAMESPACE).exactOptional(),
  serviceAccountName: objectName("serviceAccountName")
    .default("default")
    .describe(
      "ServiceAccount of the profile's namespace that Strata impersonates for everything that it reads and writes on the cluster `local`. What this account may not do, the profile cannot do.",
    ),
  clusterRefs: z
    .array(
      z.strictObject({
        name: objectName("name").describe(
          `Name of a TargetCluster in the profile's namespace, or \`${LOCAL_CLUSTER}\`, the cluster that Strata runs in.`,
        ),
      }),
    )
    .min(1)
    .max(MAX_CLUSTER_REFS)
    .check(namesDiffer)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe("The clusters to bring the layers to, by name. Exactly one of clusterRefs and clusterSelector is set.")
    .exactOptional(),
  clusterSelector: labelSelector(
    `The clusters to bring the layers to: the TargetClusters of the profile's namespace with these labels. \`{}\` takes all; \`${LOCAL_CLUSTER}\` is never selected. Exactly one of clusterRefs and clusterSelector is set.`,
  ).exactOptional(),
};

export const clusterProfileSpec = withRules(
  z.strictObject({
    ...tenant,
    dependsOn: profileNames(["SystemProfile"]),
    layers: withRules(layerList(OWN_NAMESPACE), [
      uniqueNames,
      oneOfEachCoreType,
      coreTypesInOrder,
      dependsOnAbove,
    ]).describe(LAYERS),
  }),
  [oneTargeting, dependsOnByGraph, ...layerNamespaces],
).describe("What the cluster is made of, and which clusters.");

export const addOnProfileSpec = withRules(
  z.strictObject({
    ...tenant,
    dependsOn: profileNames(["SystemProfile", "ClusterProfile", "AddOnProfile"]),
    layers: withRules(layerList(OWN_NAMESPACE), [uniqueNames, addOnsOnly, dependsOnAbove]).describe(
      `${LAYERS} All are of type AddOn.`,
    ),
  }),
  [oneTargeting, dependsOnByGraph, ...layerNamespaces],
).describe("Which layers to add, and to which clusters.");

const systemClusterRef = withRules(
  z.strictObject({
    name: objectName("name").describe(
      `Name of a TargetCluster, or \`${LOCAL_CLUSTER}\`, the cluster that Strata runs in.`,
    ),
    namespace: dnsLabel("namespace")
      .describe(`Namespace of the TargetCluster. Required, except for \`${LOCAL_CLUSTER}\`, which has none.`)
      .exactOptional(),
  }),
  [
    {
      cel: `(self.name == '${LOCAL_CLUSTER}') != has(self.__namespace__)`,
      message: `namespace is required, except for the cluster ${LOCAL_CLUSTER}, which has none`,
      check: ({ name, namespace }) => (name === LOCAL_CLUSTER) !== (namespace !== undefined),
    },
  ],
);

export const systemProfileSpec = withRules(
  z.strictObject({
    ...common,
    dependsOn: profileNames(["SystemProfile"]),
    variablesFrom: variableSources(ANY_NAMESPACE).exactOptional(),
    clusterRefs: z
      .array(systemClusterRef)
      .min(1)
      .max(MAX_CLUSTER_REFS)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe("The clusters to bring the layers to, by name. Exactly one of clusterRefs and clusterSelector is set.")
      .exactOptional(),
    clusterSelector: labelSelector(
      `The clusters to bring the layers to: the TargetClusters with these labels, in the namespaces that namespaceSelector takes. \`{}\` takes all; \`${LOCAL_CLUSTER}\` is never selected. Exactly one of clusterRefs and clusterSelector is set.`,
    ).exactOptional(),
    namespaceSelector: labelSelector(
      "The tenants whose TargetClusters clusterSelector looks at, by the labels of their namespaces. `{}` takes all. Required with clusterSelector, and only set with it.",
    ).exactOptional(),
    layers: withRules(layerList(ANY_NAMESPACE), [uniqueNames, addOnsOnly, dependsOnAbove]).describe(
      `${LAYERS} All are of type AddOn.`,
    ),
  }),
  [
    oneTargeting,
    dependsOnByGraph,
    {
      cel: "has(self.clusterSelector) == has(self.namespaceSelector)",
      message: "namespaceSelector is required with clusterSelector ({} takes all namespaces), and only allowed with it",
      check: ({ clusterSelector, namespaceSelector }) =>
        (clusterSelector === undefined) === (namespaceSelector === undefined),
    },
    ...layerNamespaces,
  ],
).describe("Which layers to bring to which clusters of all tenants.");
