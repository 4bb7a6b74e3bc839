import type { GroupKind } from "../objects/types.ts";
import { kindKey } from "./fields.ts";

/**
 * Kinds about which no rule can ever say anything but Current or Terminating: they have no status, or (Ingress,
 * CronJob, PersistentVolume, ResourceQuota) a status that does not judge. Metadata alone is enough to watch them.
 */
const STATUSLESS_KINDS: ReadonlySet<string> = new Set([
  "ConfigMap",
  "Endpoints",
  "Event",
  "LimitRange",
  "PersistentVolume",
  "PodTemplate",
  "ResourceQuota",
  "Secret",
  "ServiceAccount",
  "ControllerRevision.apps",
  "CronJob.batch",
  "Lease.coordination.k8s.io",
  "EndpointSlice.discovery.k8s.io",
  "Event.events.k8s.io",
  "MutatingAdmissionPolicy.admissionregistration.k8s.io",
  "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  "MutatingWebhookConfiguration.admissionregistration.k8s.io",
  "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
  "IPAddress.networking.k8s.io",
  "Ingress.networking.k8s.io",
  "IngressClass.networking.k8s.io",
  "NetworkPolicy.networking.k8s.io",
  "RuntimeClass.node.k8s.io",
  "ClusterRole.rbac.authorization.k8s.io",
  "ClusterRoleBinding.rbac.authorization.k8s.io",
  "Role.rbac.authorization.k8s.io",
  "RoleBinding.rbac.authorization.k8s.io",
  "DeviceClass.resource.k8s.io",
  "PriorityClass.scheduling.k8s.io",
  "CSIDriver.storage.k8s.io",
  "CSINode.storage.k8s.io",
  "CSIStorageCapacity.storage.k8s.io",
  "StorageClass.storage.k8s.io",
  "VolumeAttributesClass.storage.k8s.io",
]);

/**
 * Whether objects of this kind can be anything but Current while they exist. False means that a metadata-only watch
 * tells all there is to know; a health check in CEL on such a kind still needs the whole object.
 */
export function hasHealth(kind: GroupKind): boolean {
  return !STATUSLESS_KINDS.has(kindKey(kind.group, kind.kind));
}
