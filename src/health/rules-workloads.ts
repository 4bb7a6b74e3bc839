import type { KubeObject } from "../objects/types.ts";
import { conditionOf, conditionsOf, countAt, mapAt, numberAt, specOf, statusOf, textAt } from "./fields.ts";
import { plural } from "./text.ts";
import { CURRENT, failed, inProgress, type Verdict } from "./verdict.ts";

/** The API server's stand-in for "no deadline": the controller then never writes `Progressing`. */
const NO_DEADLINE = 2 ** 31 - 1;

/** Replica counts of Deployment, StatefulSet and ReplicaSet. The controllers take an absent `spec.replicas` for 1. */
function replicaCounts(object: KubeObject) {
  const status = statusOf(object);
  return {
    wanted: countAt(specOf(object), "replicas", 1),
    existing: countAt(status, "replicas"),
    updated: countAt(status, "updatedReplicas"),
    ready: countAt(status, "readyReplicas"),
    available: countAt(status, "availableReplicas"),
  };
}

const surplus = (count: number): Verdict => inProgress(`${plural(count, "replica")} too many, waiting for termination`);

/** Why the controller could not create a pod (quota, webhook, service account), as it says on the workload itself. */
export function replicaFailure(object: KubeObject): string {
  const condition = conditionOf(object, "ReplicaFailure");
  return condition?.status === "True" ? creationWords(condition.message) : "";
}

/** The random name of the pod that was refused would change the sentence at every attempt. */
export function creationWords(message: string): string {
  return message
    .replace(/^\(combined from similar events\): /, "")
    .replace(/^Error creating: /, "")
    .replace(/^create Pod \S+ in StatefulSet \S+ failed error: /, "")
    .replace(/^pods "[^"]*" is forbidden: /, "");
}

export function deployment(object: KubeObject): Verdict {
  const { wanted, existing, updated, ready, available } = replicaCounts(object);
  const progressing = conditionOf(object, "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    return failed(`${Math.min(available, wanted)}/${wanted} replicas available: progress deadline exceeded`);
  }
  const paused = specOf(object)["paused"] === true ? ", the rollout is paused" : "";
  const failure = replicaFailure(object);
  if (wanted > existing)
    return inProgress(`${existing}/${wanted} replicas created${paused}${failure && `: ${failure}`}`);
  if (wanted > updated) return inProgress(`${updated} of ${wanted} updated${paused}`);
  if (existing > wanted) return surplus(existing - wanted);
  if (updated > available) return inProgress(`${available}/${updated} replicas available`);
  if (wanted > ready) return inProgress(`${ready}/${wanted} replicas ready`);
  return deploymentConditions(object);
}

function deploymentConditions(object: KubeObject): Verdict {
  const deadline = countAt(specOf(object), "progressDeadlineSeconds", NO_DEADLINE);
  const rolledOut = conditionsOf(object).some(
    ({ type, status, reason }) => type === "Progressing" && status === "True" && reason === "NewReplicaSetAvailable",
  );
  if (deadline !== NO_DEADLINE && !rolledOut) return inProgress("the rollout is not complete yet");
  return conditionOf(object, "Available")?.status === "True" ? CURRENT : inProgress("not available yet");
}

export function statefulSet(object: KubeObject): Verdict {
  const strategy = mapAt(specOf(object), "updateStrategy");
  // A person rolls such a set by deleting pods; kstatus and Helm wait for nothing.
  if (textAt(strategy, "type") === "OnDelete") return CURRENT;
  const { wanted, existing, updated, ready } = replicaCounts(object);
  if (wanted > existing) return inProgress(`${existing}/${wanted} replicas created`);
  if (wanted > ready) return inProgress(`${ready}/${wanted} replicas ready`);
  if (existing > wanted) return surplus(existing - wanted);
  const partition = numberAt(mapAt(strategy, "rollingUpdate"), "partition");
  if (partition === undefined) return statefulSetRevision(object, wanted);
  const due = wanted - partition;
  return updated < due ? inProgress(`${updated} of ${due} updated`) : CURRENT;
}

function statefulSetRevision(object: KubeObject, wanted: number): Verdict {
  const status = statusOf(object);
  const current = countAt(status, "currentReplicas");
  if (wanted > current) return inProgress(`${countAt(status, "updatedReplicas")} of ${wanted} updated`);
  const settled = textAt(status, "currentRevision") === textAt(status, "updateRevision");
  return settled ? CURRENT : inProgress("the rollout is not complete yet");
}

export function daemonSet(object: KubeObject): Verdict {
  const status = statusOf(object);
  const wanted = numberAt(status, "desiredNumberScheduled");
  if (wanted === undefined) return inProgress("the nodes are not counted yet");
  const created = countAt(status, "currentNumberScheduled");
  const updated = countAt(status, "updatedNumberScheduled");
  const available = countAt(status, "numberAvailable");
  const ready = countAt(status, "numberReady");
  // Under OnDelete a person decides when a pod is replaced: old ones are no fault.
  const onDelete = textAt(mapAt(specOf(object), "updateStrategy"), "type") === "OnDelete";
  if (wanted > created) return inProgress(`${created}/${wanted} pods created`);
  if (wanted > updated && !onDelete) return inProgress(`${updated} of ${wanted} updated`);
  if (wanted > available) return inProgress(`${available}/${wanted} pods available`);
  return wanted > ready ? inProgress(`${ready}/${wanted} pods ready`) : CURRENT;
}

export function replicaSet(object: KubeObject): Verdict {
  const failure = replicaFailure(object);
  const { wanted, existing, ready, available } = replicaCounts(object);
  if (failure !== "") return inProgress(`${existing}/${wanted} replicas created: ${failure}`);
  const labelled = countAt(statusOf(object), "fullyLabeledReplicas");
  if (wanted > labelled) return inProgress(`${labelled}/${wanted} replicas labelled`);
  if (wanted > available) return inProgress(`${available}/${wanted} replicas available`);
  if (wanted > ready) return inProgress(`${ready}/${wanted} replicas ready`);
  return existing > wanted ? surplus(existing - wanted) : CURRENT;
}
