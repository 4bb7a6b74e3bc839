import type { KubeObject } from "../objects/types.ts";
import { type Condition, conditionOf, conditionsOf, countAt, kindKeyOf, numberAt, statusOf } from "./fields.ts";
import { apiService, customResourceDefinition, namespaceLeaving } from "./rules-cluster.ts";
import { job, persistentVolumeClaim, pod, service } from "./rules-single.ts";
import { daemonSet, deployment, replicaSet, statefulSet } from "./rules-workloads.ts";
import { reasoned, sentence } from "./text.ts";
import { CURRENT, failed, inProgress, terminating, type Verdict } from "./verdict.ts";

type Rule = (object: KubeObject) => Verdict;

const always: Rule = () => CURRENT;

/**
 * kind → rule. Kinds that are not here follow the conditions convention. The rules are kstatus's (sigs.k8s.io/cli-utils
 * pkg/kstatus) except where `assess.test.ts` lists a difference with its reason.
 */
const RULES: Readonly<Record<string, Rule>> = {
  "Deployment.apps": observed(deployment),
  "StatefulSet.apps": observed(statefulSet),
  "DaemonSet.apps": observed(daemonSet),
  "ReplicaSet.apps": observed(replicaSet),
  Pod: pod,
  "Job.batch": job,
  "CronJob.batch": always,
  PersistentVolumeClaim: persistentVolumeClaim,
  "PodDisruptionBudget.policy": observed(always),
  Service: service,
  "CustomResourceDefinition.apiextensions.k8s.io": customResourceDefinition,
  "APIService.apiregistration.k8s.io": apiService,
  "Ingress.networking.k8s.io": always,
  Namespace: always,
  ConfigMap: always,
  Secret: always,
};

/**
 * What a live object is doing. Takes the object in full (spec and status), never throws, whatever its status holds.
 *
 * The order is kstatus's: deletion, then a generation that the controller has not seen, then the standard conditions
 * `Reconciling` and `Stalled`, then the rule of the kind, then a `Ready` condition. An object about which nothing of
 * that can be said is Current: so is a custom resource without any status, even one second after its creation, since
 * nothing tells a controller that is late from one that never writes a status. A CEL health check is the remedy.
 */
export function assess(object: KubeObject): Verdict {
  const verdict = leaving(object) ?? unobserved(object) ?? standardConditions(object) ?? byKind(object);
  return verdict.message === "" ? verdict : { state: verdict.state, message: sentence(verdict.message) };
}

function byKind(object: KubeObject): Verdict {
  const key = kindKeyOf(object);
  const rule = Object.hasOwn(RULES, key) ? RULES[key] : undefined;
  return rule === undefined ? readyCondition(object) : rule(object);
}

function leaving(object: KubeObject): Verdict | undefined {
  if (kindKeyOf(object) === "Namespace") return namespaceLeaving(object);
  if (!object.metadata.deletionTimestamp) return undefined;
  const finalizers = object.metadata.finalizers ?? [];
  return terminating(
    finalizers.length === 0 ? "is being deleted" : `is being deleted, waits for ${finalizers.join(", ")}`,
  );
}

const notObserved = (object: KubeObject): Verdict =>
  inProgress(`generation ${object.metadata.generation ?? 1} is not observed yet`);

function unobserved(object: KubeObject): Verdict | undefined {
  return awaitsController(object) ? notObserved(object) : undefined;
}

/** Whether the status is still about an older generation. An annotation is enough to raise a Deployment's generation. */
export function awaitsController(object: KubeObject): boolean {
  const generation = object.metadata.generation;
  const seen = numberAt(statusOf(object), "observedGeneration");
  return generation !== undefined && seen !== undefined && seen !== generation;
}

/**
 * For kinds whose controller always writes `status.observedGeneration`: without it the controller has not come by, and
 * the zero values that a rule would read are not its answer. kstatus asks this of DaemonSets only, and so takes a
 * just created StatefulSet with 0 replicas, or one under `OnDelete`, for Current.
 */
function observed(rule: Rule): Rule {
  return (object) => (countAt(statusOf(object), "observedGeneration", -1) < 0 ? notObserved(object) : rule(object));
}

/** A condition may say which generation it is about (KEP-1623); one about an older spec does not judge this one. */
function isStale(object: KubeObject, condition: Condition): boolean {
  const { generation } = object.metadata;
  return (
    generation !== undefined && condition.observedGeneration !== undefined && condition.observedGeneration < generation
  );
}

function standardConditions(object: KubeObject): Verdict | undefined {
  for (const condition of conditionsOf(object)) {
    if (condition.status !== "True") continue;
    if (condition.type === "Reconciling") return inProgress(told(condition));
    if (condition.type === "Stalled") return isStale(object, condition) ? notObserved(object) : failed(told(condition));
  }
  return undefined;
}

function readyCondition(object: KubeObject): Verdict {
  const ready = conditionOf(object, "Ready");
  if (ready === undefined || !["True", "False", "Unknown"].includes(ready.status)) return CURRENT;
  if (isStale(object, ready)) return notObserved(object);
  return ready.status === "True" ? CURRENT : inProgress(told(ready));
}

function told(condition: Condition): string {
  const text = reasoned(condition.reason, condition.message);
  return text === "" ? `condition ${condition.type} is ${condition.status}` : text;
}
