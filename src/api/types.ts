import type { z } from "zod";
import type { ObjectMeta } from "../objects/types.ts";
import type { API_VERSION } from "./names.ts";
import type { targetClusterSpec } from "./schema/cluster.ts";
import type { profileDeploymentSpec } from "./schema/deployment.ts";
import type { layerSchema } from "./schema/layer.ts";
import type { addOnProfileSpec, clusterProfileSpec, systemProfileSpec } from "./schema/profile.ts";
import type { registrySpec } from "./schema/registry.ts";
import type { deploymentStatus, profileStatus, registryStatus, targetClusterStatus } from "./schema/status.ts";
import type { variableSources } from "./schema/variables.ts";

/**
 * The words of the API as TypeScript sees them, all derived from the schemas, with defaults filled in.
 */

/** As on the API server, where each object has a name, and each namespaced one a namespace. */
export type NamedMeta = ObjectMeta & { name: string };
export type NamespacedMeta = NamedMeta & { namespace: string };

interface Resource<K extends string, Meta, Spec, Status> {
  apiVersion: typeof API_VERSION;
  kind: K;
  metadata: Meta;
  spec: Spec;
  status?: Status;
}

/** Mapped, so that a resource can be passed where a KubeObject is asked for. */
type Plain<T> = { [P in keyof T]: T[P] };

export type ClusterProfileSpec = z.output<typeof clusterProfileSpec>;
export type AddOnProfileSpec = z.output<typeof addOnProfileSpec>;
export type SystemProfileSpec = z.output<typeof systemProfileSpec>;
export type TargetClusterSpec = z.output<typeof targetClusterSpec>;
export type ProfileDeploymentSpec = z.output<typeof profileDeploymentSpec>;

export type RegistrySpec = z.output<typeof registrySpec>;

export type ProfileStatus = z.output<typeof profileStatus>;
export type TargetClusterStatus = z.output<typeof targetClusterStatus>;
export type ProfileDeploymentStatus = z.output<typeof deploymentStatus>;
export type RegistryStatus = z.output<typeof registryStatus>;

export type ClusterProfile = Plain<Resource<"ClusterProfile", NamespacedMeta, ClusterProfileSpec, ProfileStatus>>;
export type AddOnProfile = Plain<Resource<"AddOnProfile", NamespacedMeta, AddOnProfileSpec, ProfileStatus>>;
export type SystemProfile = Plain<Resource<"SystemProfile", NamedMeta, SystemProfileSpec, ProfileStatus>>;
export type Profile = ClusterProfile | AddOnProfile | SystemProfile;
export type ProfileKind = Profile["kind"];
export type TargetCluster = Plain<Resource<"TargetCluster", NamespacedMeta, TargetClusterSpec, TargetClusterStatus>>;
export type ProfileDeployment = Plain<
  Resource<"ProfileDeployment", NamespacedMeta, ProfileDeploymentSpec, ProfileDeploymentStatus>
>;
export type Registry = Plain<Resource<"Registry", NamespacedMeta, RegistrySpec, RegistryStatus>>;

/** A layer of any profile: its references have a `namespace` in a SystemProfile, and none otherwise. */
type AnyLayer = typeof layerSchema<{ namespace: z.ZodExactOptional<z.ZodString> }>;
export type Layer = z.output<ReturnType<AnyLayer>>;

type AnyVariableSources = typeof variableSources<{ namespace: z.ZodExactOptional<z.ZodString> }>;
export type VariableSource = z.output<ReturnType<AnyVariableSources>>[number];

export type LabelSelector = NonNullable<ClusterProfileSpec["clusterSelector"]>;
export type ClusterRef = NonNullable<SystemProfileSpec["clusterRefs"]>[number];

export type LayerStatus = NonNullable<ProfileStatus["layers"]>[number];
export type DeploymentLayerStatus = NonNullable<ProfileDeploymentStatus["layers"]>[number];
export type LayerState = LayerStatus["state"];
export type Condition = NonNullable<ProfileStatus["conditions"]>[number];
