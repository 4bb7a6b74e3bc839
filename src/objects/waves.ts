import { groupKindKey, gvkOf } from "./identity.ts";
import type { GroupKind, KubeObject } from "./types.ts";

export type Wave = 1 | 2 | 3 | 4 | 5;

/** In the order of applying; deletion runs them backwards. */
export const WAVES: readonly Wave[] = [1, 2, 3, 4, 5];

const CRD = "CustomResourceDefinition.apiextensions.k8s.io";

/**
 * The order inside a layer. What is not listed here is wave 3: workloads, Ingress, and custom resources whose
 * CustomResourceDefinition came from elsewhere.
 *
 * 1: what other objects need to exist at all: kinds, namespaces, priorities.
 * 2: what pods are admitted by, run as, mount and are reached through.
 * 3: workloads.
 * 4: what intercepts requests to the API server: it must not come before the pods that answer.
 * 5: kinds that this layer's own CustomResourceDefinitions serve: their controller and webhooks are up by then.
 */
const BUILT_IN: Readonly<Record<1 | 2 | 4, readonly string[]>> = {
  1: [CRD, "Namespace", "PriorityClass.scheduling.k8s.io"],
  2: [
    "ServiceAccount",
    "Role.rbac.authorization.k8s.io",
    "ClusterRole.rbac.authorization.k8s.io",
    "RoleBinding.rbac.authorization.k8s.io",
    "ClusterRoleBinding.rbac.authorization.k8s.io",
    "ResourceQuota",
    "LimitRange",
    "FlowSchema.flowcontrol.apiserver.k8s.io",
    "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io",
    "NetworkPolicy.networking.k8s.io",
    "ServiceCIDR.networking.k8s.io",
    "StorageClass.storage.k8s.io",
    "VolumeAttributesClass.storage.k8s.io",
    "CSIDriver.storage.k8s.io",
    "IngressClass.networking.k8s.io",
    "RuntimeClass.node.k8s.io",
    "DeviceClass.resource.k8s.io",
    "Secret",
    "ConfigMap",
    "ClusterTrustBundle.certificates.k8s.io",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "Endpoints",
    "EndpointSlice.discovery.k8s.io",
  ],
  4: [
    "APIService.apiregistration.k8s.io",
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    "MutatingAdmissionPolicy.admissionregistration.k8s.io",
    "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  ],
};

const WAVE_OF: ReadonlyMap<string, Wave> = new Map(
  ([1, 2, 4] as const).flatMap((wave) => BUILT_IN[wave].map((kind) => [kind, wave] as const)),
);

/**
 * The wave of an object.
 *
 * @param layerKinds the `groupKindKey`s that the CustomResourceDefinitions of the same layer serve (`kindsServedBy`)
 */
export function waveOf(object: KubeObject, layerKinds: ReadonlySet<string>): Wave {
  const kind = groupKindKey(gvkOf(object));
  return layerKinds.has(kind) ? 5 : (WAVE_OF.get(kind) ?? 3);
}

/** API groups with a dot that the API server itself serves; no CustomResourceDefinition has a group without one. */
const BUILT_IN_GROUPS: ReadonlySet<string> = new Set(
  [
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
    "discovery",
    "events",
    "flowcontrol.apiserver",
    "internal.apiserver",
    "networking",
    "node",
    "rbac.authorization",
    "resource",
    "scheduling",
    "storage",
    "storagemigration",
  ].map((name) => `${name}.k8s.io`),
);

/**
 * The wave in which an object goes, last first. Custom objects go before all others: who takes their finalizers off may stand
 * beside them, also where their CustomResourceDefinition came from elsewhere.
 */
export function removalWaveOf(kind: GroupKind): Wave {
  const isCustom = kind.group.includes(".") && !BUILT_IN_GROUPS.has(kind.group);
  return isCustom ? 5 : (WAVE_OF.get(groupKindKey(kind)) ?? 3);
}

/** The `groupKindKey`s that the CustomResourceDefinitions among these objects serve. Malformed ones serve nothing. */
export function kindsServedBy(objects: Iterable<KubeObject>): Set<string> {
  const kinds = new Set<string>();
  for (const object of objects) {
    if (groupKindKey(gvkOf(object)) !== CRD) continue;
    const spec = object["spec"] as { group?: unknown; names?: { kind?: unknown } | null } | null | undefined;
    const group = spec?.group;
    const kind = spec?.names?.kind;
    if (typeof group === "string" && typeof kind === "string") kinds.add(groupKindKey({ group, kind }));
  }
  return kinds;
}
