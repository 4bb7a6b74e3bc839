import type { z } from "zod";
import { LOCAL_CLUSTER } from "./names.ts";
import { targetClusterSpec } from "./schema/cluster.ts";
import { profileDeploymentSpec } from "./schema/deployment.ts";
import { addOnProfileSpec, clusterProfileSpec, systemProfileSpec } from "./schema/profile.ts";
import { registrySpec } from "./schema/registry.ts";
import type { Rule } from "./schema/rules.ts";
import { deploymentStatus, profileStatus, registryStatus, targetClusterStatus } from "./schema/status.ts";

/** A column of `kubectl get`; those with `wide` show with `-o wide` only. */
export interface Column {
  name: string;
  jsonPath: string;
  description: string;
  type?: "string" | "integer" | "date";
  wide?: true;
}

/** Everything that makes one kind of the API, the source of its CRD, its types and its page in the reference. */
export interface KindDefinition {
  kind: string;
  plural: string;
  shortName: string;
  scope: "Namespaced" | "Cluster";
  description: string;
  spec: z.ZodType;
  status: z.ZodType;
  /** Rules on the object as a whole. */
  rules: readonly Rule<{ metadata: { name: string } }>[];
  columns: readonly Column[];
}

const age: Column = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since the object was created.",
};

const ready: Column = {
  name: "Ready",
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: "Whether the object is Ready.",
};

const layer: Column = {
  name: "Layer",
  jsonPath: ".status.summary.layer",
  description: "First layer that is not Ready.",
};

const message: Column = {
  name: "Message",
  jsonPath: ".status.summary.message",
  description: "Why it is not Ready.",
};

const profileColumns: readonly Column[] = [
  ready,
  {
    name: "Clusters",
    jsonPath: ".status.summary.clusters",
    description: "Clusters on which all layers are Ready, of all.",
  },
  layer,
  { name: "Version", jsonPath: ".spec.version", description: "Version of the profile, for people.", wide: true },
  message,
  age,
];

export const CLUSTER_PROFILE = {
  kind: "ClusterProfile",
  plural: "clusterprofiles",
  shortName: "scp",
  scope: "Namespaced",
  description:
    "A ClusterProfile says what clusters are made of: an ordered list of layers for the operating system, Kubernetes, network, storage and add-ons. Strata brings each target cluster to it, layer by layer.",
  spec: clusterProfileSpec,
  status: profileStatus,
  rules: [],
  columns: profileColumns,
} as const satisfies KindDefinition;

export const ADD_ON_PROFILE = {
  kind: "AddOnProfile",
  plural: "addonprofiles",
  shortName: "sap",
  scope: "Namespaced",
  description:
    "An AddOnProfile is an ordered list of add-on layers, for clusters that have a ClusterProfile or none. Strata brings each target cluster to it, layer by layer.",
  spec: addOnProfileSpec,
  status: profileStatus,
  rules: [],
  columns: profileColumns,
} as const satisfies KindDefinition;

export const SYSTEM_PROFILE = {
  kind: "SystemProfile",
  plural: "systemprofiles",
  shortName: "ssp",
  scope: "Cluster",
  description:
    "A SystemProfile is an ordered list of add-on layers for clusters of all tenants, made by the administrators of the cluster that Strata runs in.",
  spec: systemProfileSpec,
  status: profileStatus,
  rules: [],
  columns: profileColumns,
} as const satisfies KindDefinition;

export const TARGET_CLUSTER = {
  kind: "TargetCluster",
  plural: "targetclusters",
  shortName: "stc",
  scope: "Namespaced",
  description:
    "A TargetCluster is a cluster that layers are brought to. Profiles of its namespace find it by name or by its labels.",
  spec: targetClusterSpec,
  status: targetClusterStatus,
  rules: [
    {
      cel: `self.metadata.name != '${LOCAL_CLUSTER}'`,
      message: `the name ${LOCAL_CLUSTER} is reserved for the cluster that Strata runs in, which needs no TargetCluster`,
      check: ({ metadata }) => metadata.name !== LOCAL_CLUSTER,
    },
  ],
  columns: [
    ready,
    { name: "Version", jsonPath: ".status.kubernetesVersion", description: "Version of the cluster's API server." },
    {
      name: "Message",
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
      description: "Why the cluster is or is not Ready.",
    },
    age,
  ],
} as const satisfies KindDefinition;

export const PROFILE_DEPLOYMENT = {
  kind: "ProfileDeployment",
  plural: "profiledeployments",
  shortName: "spd",
  scope: "Namespaced",
  description:
    "A ProfileDeployment is one profile on one cluster, with the full story of every layer there. Written by Strata only.",
  spec: profileDeploymentSpec,
  status: deploymentStatus,
  rules: [],
  columns: [
    { name: "Kind", jsonPath: ".spec.profileRef.kind", description: "Kind of the profile.", wide: true },
    { name: "Profile", jsonPath: ".spec.profileRef.name", description: "Name of the profile." },
    { name: "Cluster", jsonPath: ".spec.clusterRef.name", description: "Name of the cluster." },
    ready,
    layer,
    message,
    age,
  ],
} as const satisfies KindDefinition;

export const REGISTRY = {
  kind: "Registry",
  plural: "registries",
  shortName: "sreg",
  scope: "Namespaced",
  description:
    "A Registry is a place where charts and packs come from. Profiles of its namespace refer to it by name; a Registry in Strata's own namespace is shared by all.",
  spec: registrySpec,
  status: registryStatus,
  rules: [],
  columns: [
    ready,
    { name: "Type", jsonPath: ".spec.type", description: "What it serves: Helm, OCI or Pack." },
    { name: "URL", jsonPath: ".spec.url", description: "Where it is." },
    {
      name: "Entries",
      type: "integer",
      jsonPath: ".status.entries",
      description: "Charts, packs or repositories that it has.",
    },
    {
      name: "Message",
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
      description: "Why the registry is or is not Ready.",
    },
    age,
  ],
} as const satisfies KindDefinition;

export const KINDS: readonly KindDefinition[] = [
  CLUSTER_PROFILE,
  ADD_ON_PROFILE,
  SYSTEM_PROFILE,
  TARGET_CLUSTER,
  PROFILE_DEPLOYMENT,
  REGISTRY,
];
