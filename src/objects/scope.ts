import type { GroupKind } from "./types.ts";

/** Cluster-scoped kinds of Kubernetes 1.33 to 1.36 themselves, for work without a cluster (`strata render`). */
const CLUSTER_SCOPED = new Set(
  [
    "APIService ClusterRole ClusterRoleBinding ClusterTrustBundle ComponentStatus CSIDriver CSINode CertificateSigningRequest",
    "CustomResourceDefinition DeviceClass DeviceTaintRule FlowSchema IPAddress IngressClass MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node PersistentVolume",
    "PriorityClass PriorityLevelConfiguration ResourceSlice RuntimeClass SelfSubjectAccessReview SelfSubjectReview",
    "SelfSubjectRulesReview ServiceCIDR StorageClass StorageVersion StorageVersionMigration SubjectAccessReview TokenReview",
    "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment",
    "VolumeAttributesClass",
  ].flatMap((line) => line.split(" ")),
);

/** Groups that Kubernetes serves itself: the core group, those without a dot, and `*.k8s.io` save those of subprojects' CRDs. */
const BUILT_IN_GROUP =
  /^($|apps$|batch$|autoscaling$|policy$|(admissionregistration|apiextensions|apiregistration|authentication|authorization|certificates|coordination|discovery|events|flowcontrol\.apiserver|internal\.apiserver|networking|node|rbac\.authorization|resource|scheduling|storage|storagemigration)\.k8s\.io$)/;

/** The scope of a kind that Kubernetes brings itself; undefined for any other kind. */
export function scopeOfBuiltIn({ group, kind }: GroupKind): "Namespaced" | "Cluster" | undefined {
  if (!BUILT_IN_GROUP.test(group)) return undefined;
  return CLUSTER_SCOPED.has(kind) ? "Cluster" : "Namespaced";
}
