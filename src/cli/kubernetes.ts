/** What a chart sees when no cluster is asked: Kubernetes 1.36 as it comes, without CRDs. */
export const DEFAULT_KUBE_VERSION = "1.36.0";

const KINDS_OF_API_VERSION = {
  v1: "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
  "admissionregistration.k8s.io/v1":
    "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
  "apiextensions.k8s.io/v1": "CustomResourceDefinition",
  "apiregistration.k8s.io/v1": "APIService",
  "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
  "authentication.k8s.io/v1": "SelfSubjectReview TokenReview",
  "authorization.k8s.io/v1":
    "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
  "autoscaling/v1": "HorizontalPodAutoscaler",
  "autoscaling/v2": "HorizontalPodAutoscaler",
  "batch/v1": "CronJob Job",
  "certificates.k8s.io/v1": "CertificateSigningRequest",
  "coordination.k8s.io/v1": "Lease",
  "discovery.k8s.io/v1": "EndpointSlice",
  "events.k8s.io/v1": "Event",
  "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
  "networking.k8s.io/v1": "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
  "node.k8s.io/v1": "RuntimeClass",
  "policy/v1": "PodDisruptionBudget",
  "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
  "resource.k8s.io/v1": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
  "scheduling.k8s.io/v1": "PriorityClass",
  "storage.k8s.io/v1": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass",
};

/** API versions and their kinds (`apps/v1`, `apps/v1/Deployment`) that Kubernetes 1.36 serves by default. */
export function defaultApiVersions(): string[] {
  return Object.entries(KINDS_OF_API_VERSION).flatMap(([version, kinds]) => [
    version,
    ...kinds.split(" ").map((kind) => `${version}/${kind}`),
  ]);
}

/** `1.36`, `v1.36.3` → `v1.36.0`, `v1.36.3`; undefined for anything else. */
export function kubeVersionOf(text: string): string | undefined {
  const [, minor, patch = ".0"] = /^v?(\d+\.\d+)(\.\d+)?$/.exec(text) ?? [];
  return minor === undefined ? undefined : `v${minor}${patch}`;
}
