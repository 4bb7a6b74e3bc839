import type { KubeObject } from "../objects/types.ts";
import { controllerOf, groupOf, kindKeyOf, listAt, mapAt, nameOf, specOf, textAt } from "./fields.ts";
import { hasHealth } from "./statusless.ts";

/** What must be watched while an object is late, so that a sentence can name the culprit. */
export interface Evidence {
  /** Where pods and events are: the object's namespace; events of cluster-scoped objects are in `default`. */
  namespace: string;
  /** Whether pods are wanted: those that `selector` takes. */
  pods: boolean;
  /** Label selector in the API's own syntax, for pods and ReplicaSets. */
  selector?: string;
  /** Whether the ReplicaSets that `selector` takes are wanted too: events about refused pods are written on them. */
  replicaSets: boolean;
  /** Whether PersistentVolumeClaims of the namespace are of interest. */
  claims: boolean;
  /** Field selector for core/v1 events of `namespace`. */
  eventSelector: string;
}

const WORKLOADS = new Set(["Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "ReplicaSet.apps", "Job.batch"]);

/** Their conditions already say all that there is, or nothing is ever written about them. */
const SELF_EXPLAINING = new Set([
  "Namespace",
  "PodDisruptionBudget.policy",
  "CustomResourceDefinition.apiextensions.k8s.io",
  "APIService.apiregistration.k8s.io",
]);

/** What the engine must watch while this object is late; undefined when the object itself says it all. */
export function evidenceFor(object: KubeObject): Evidence | undefined {
  const key = kindKeyOf(object);
  if (SELF_EXPLAINING.has(key) || !hasHealth({ group: groupOf(object.apiVersion), kind: object.kind }))
    return undefined;
  const namespace = object.metadata.namespace ?? "default";
  const selector = WORKLOADS.has(key) ? labelSelector(mapAt(specOf(object), "selector")) : undefined;
  const claims = usesClaims(object, key);
  const base = { namespace, claims, replicaSets: selector !== undefined && key === "Deployment.apps" };
  const about = `involvedObject.kind=${object.kind},involvedObject.name=${nameOf(object)}`;
  if (selector !== undefined) {
    // Claims tell part of their story in Normal events (FailedBinding, WaitForFirstConsumer).
    return { ...base, pods: true, selector, eventSelector: claims ? "" : "type=Warning" };
  }
  return { ...base, pods: false, eventSelector: key === "Pod" && claims ? "" : about };
}

function usesClaims(object: KubeObject, key: string): boolean {
  const spec = specOf(object);
  if (listAt(spec, "volumeClaimTemplates").length > 0) return true;
  const podSpec = key === "Pod" ? spec : mapAt(spec, "template", "spec");
  return listAt(podSpec, "volumes").some((volume) => "persistentVolumeClaim" in volume || "ephemeral" in volume);
}

/** `spec.selector` as the `labelSelector` parameter of a list or watch; undefined when it selects nothing. */
function labelSelector(selector: Record<string, unknown>): string | undefined {
  const equal = Object.entries(mapAt(selector, "matchLabels")).map(([key, value]) => `${key}=${String(value)}`);
  const terms = [...equal, ...listAt(selector, "matchExpressions").map(requirement)];
  return terms.length === 0 ? undefined : terms.join(",");
}

function requirement(expression: Record<string, unknown>): string {
  const key = textAt(expression, "key");
  const values = Array.isArray(expression["values"]) ? expression["values"].join(",") : "";
  switch (textAt(expression, "operator")) {
    case "NotIn":
      return `${key} notin (${values})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    default:
      return `${key} in (${values})`;
  }
}

/**
 * The pods of a workload, by the chain of controller owners: not by labels, which two workloads can share.
 *
 * `pods` are those that its selector takes. A Deployment's pods belong to its ReplicaSets: with `replicaSets` the chain
 * is followed by uid, without them by the name that the Deployment controller gives (`<deployment>-<pod-template-hash>`).
 */
export function podsOf(
  workload: KubeObject,
  pods: readonly KubeObject[],
  replicaSets?: readonly KubeObject[],
): KubeObject[] {
  const near = pods.filter((pod) => pod.metadata.namespace === workload.metadata.namespace);
  if (kindKeyOf(workload) === "Pod") return near.filter((pod) => nameOf(pod) === nameOf(workload));
  if (kindKeyOf(workload) !== "Deployment.apps") return ownedBy([workload], near);
  if (replicaSets !== undefined) return ownedBy(ownedBy([workload], replicaSets), near);
  return near.filter((pod) => {
    const owner = controllerOf(pod);
    const hash = pod.metadata.labels?.["pod-template-hash"];
    return owner?.kind === "ReplicaSet" && hash !== undefined && owner.name === `${nameOf(workload)}-${hash}`;
  });
}

function ownedBy(owners: readonly KubeObject[], objects: readonly KubeObject[]): KubeObject[] {
  const uids = new Set(owners.map((owner) => owner.metadata.uid));
  uids.delete(undefined);
  return objects.filter((object) => uids.has(controllerOf(object)?.uid));
}
