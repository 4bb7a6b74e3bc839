import type { KubeObject } from "../objects/types.ts";
import { compare, type EventNote, isAbout, isWarning, notesOf } from "./events.ts";
import {
  conditionsOf,
  controllerOf,
  countAt,
  kindKeyOf,
  nameOf,
  numberAt,
  specOf,
  statusOf,
  textAt,
} from "./fields.ts";
import { podSentence, SOFT_RANK, type Trouble, tellsWhyUnbound, troubleOf } from "./pod-trouble.ts";
import { jobCount } from "./rules-single.ts";
import { creationWords, replicaFailure } from "./rules-workloads.ts";
import { reasoned, sentence } from "./text.ts";
import type { Verdict } from "./verdict.ts";

/** What was seen around a late object. `evidenceFor` says what to look for. */
export interface CulpritEvidence {
  /** The object's pods: what `podsOf` answers. */
  pods: readonly KubeObject[];
  /** Events of the namespace, core/v1 or events.k8s.io/v1. */
  events: readonly KubeObject[];
  /** ReplicaSets of a Deployment. */
  related?: readonly KubeObject[] | undefined;
}

/**
 * One sentence that names the culprit of an object that is not Current: `Deployment web 0/3: Pod web-7d4b9-x2x
 * ImagePullBackOff: manifest for shop/web:9.9 not found`. Empty for a Current one. At most 300 characters, one line.
 *
 * Equal evidence gives an equal sentence, in whatever order it comes. It quotes controllers, kubelet and events; never
 * what a container wrote itself, never a field that holds data.
 */
export function explain(object: KubeObject, verdict: Verdict, evidence: CulpritEvidence): string {
  if (verdict.state === "Current") return "";
  const notes = notesOf(evidence.events);
  if (verdict.state === "Terminating" || isUnobserved(object)) return sentence(plain(object, verdict));
  if (kindKeyOf(object) === "Pod") return sentence(podItself(object, verdict, notes));
  const head = headOf(object, verdict);
  return sentence(
    head === undefined ? single(object, verdict, notes) : workload(object, verdict, { head, evidence, notes }),
  );
}

/** Counts and pods are then those of an older spec. */
function isUnobserved(object: KubeObject): boolean {
  const seen = numberAt(statusOf(object), "observedGeneration");
  return seen !== undefined && object.metadata.generation !== undefined && seen !== object.metadata.generation;
}

/** `is not bound yet` continues the name; `0/3 replicas available` stands behind a colon. */
function plain(object: KubeObject, { message }: Verdict): string {
  return `${object.kind} ${nameOf(object)}${/^(is|has) /.test(message) ? "" : ":"} ${message}`;
}

function podItself(pod: KubeObject, verdict: Verdict, notes: readonly EventNote[]): string {
  const trouble = troubleOf(pod, notes);
  return trouble === undefined ? plain(pod, verdict) : podSentence(pod, trouble);
}

/** Kind, name and how far it is; undefined for what has no pods. */
function headOf(object: KubeObject, verdict: Verdict): string | undefined {
  const count = countOf(object, verdict);
  return count === undefined ? undefined : `${object.kind} ${nameOf(object)} ${count}`;
}

function countOf(object: KubeObject, verdict: Verdict): string | undefined {
  const status = statusOf(object);
  const wanted = countAt(specOf(object), "replicas", 1);
  const updated = countAt(status, "updatedReplicas");
  switch (kindKeyOf(object)) {
    case "Deployment.apps":
      return progress(countAt(status, "availableReplicas"), updated, wanted);
    case "StatefulSet.apps":
      return progress(countAt(status, "readyReplicas"), updated, wanted);
    case "ReplicaSet.apps":
      return progress(countAt(status, "availableReplicas"), wanted, wanted);
    case "DaemonSet.apps": {
      const nodes = countAt(status, "desiredNumberScheduled");
      return progress(countAt(status, "numberAvailable"), countAt(status, "updatedNumberScheduled"), nodes);
    }
    case "Job.batch":
      return verdict.state === "Failed" ? "failed" : jobCount(object);
    default:
      return undefined;
  }
}

/** In a rolling update old pods keep the count full: then how many are updated is what is late. */
function progress(available: number, updated: number, wanted: number): string {
  const full = available >= wanted && updated < wanted;
  return full ? `${updated}/${wanted} updated` : `${Math.min(available, wanted)}/${wanted}`;
}

interface Case {
  head: string;
  evidence: CulpritEvidence;
  notes: readonly EventNote[];
}

function workload(object: KubeObject, verdict: Verdict, { head, evidence, notes }: Case): string {
  const worst = worstPod(object, evidence, notes);
  const failedJob = kindKeyOf(object) === "Job.batch" && verdict.state === "Failed";
  if (failedJob)
    return `${head}: ${verdict.message}${worst === undefined ? "" : `; ${podSentence(worst.pod, worst.trouble)}`}`;
  const refused =
    worst === undefined || worst.trouble.rank >= SOFT_RANK ? refusedCreation(object, evidence, notes) : "";
  if (refused !== "") return `${head}: cannot create pods: ${refused}`;
  return worst === undefined ? plain(object, verdict) : `${head}: ${podSentence(worst.pod, worst.trouble)}`;
}

interface Suspect {
  pod: KubeObject;
  trouble: Trouble;
  old: boolean;
}

/**
 * The pod to name. In this order: pods of the newest revision before those it replaces; the kind of trouble by the table
 * in `pod-trouble.ts`; for a Job the newest pod, as the older ones are its retries; the name.
 */
function worstPod(object: KubeObject, evidence: CulpritEvidence, notes: readonly EventNote[]): Suspect | undefined {
  const newest = newestRevision(object, evidence);
  const suspects = evidence.pods.flatMap((pod): Suspect[] => {
    const trouble = troubleOf(pod, notes);
    return trouble === undefined ? [] : [{ pod, trouble, old: newest !== undefined && revisionOf(pod) !== newest }];
  });
  const byAge = kindKeyOf(object) === "Job.batch" ? youngerFirst : () => 0;
  return suspects.sort(
    (a, b) =>
      Number(a.old) - Number(b.old) ||
      a.trouble.rank - b.trouble.rank ||
      byAge(a.pod, b.pod) ||
      compare(nameOf(a.pod), nameOf(b.pod)),
  )[0];
}

const createdAt = (object: KubeObject): number => Date.parse(object.metadata.creationTimestamp ?? "") || 0;

const youngerFirst = (a: KubeObject, b: KubeObject): number => createdAt(b) - createdAt(a);

const revisionOf = (pod: KubeObject): string | undefined =>
  pod.metadata.labels?.["pod-template-hash"] ?? pod.metadata.labels?.["controller-revision-hash"];

/** The label value of the pods of the newest revision: as the controller says it, else that of the youngest pod. */
function newestRevision(object: KubeObject, { pods, related = [] }: CulpritEvidence): string | undefined {
  const said = textAt(statusOf(object), "updateRevision");
  if (said !== "") return said;
  const revision = (set: KubeObject) => Number(set.metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0);
  const sets = related.filter((set) => isOwnSet(set, object)).sort((a, b) => revision(b) - revision(a));
  const owners = sets.length > 0 ? sets : [...pods].sort((a, b) => youngerFirst(a, b) || compare(nameOf(a), nameOf(b)));
  return owners[0] === undefined ? undefined : revisionOf(owners[0]);
}

function isOwnSet(set: KubeObject, deployment: KubeObject): boolean {
  const owner = controllerOf(set);
  return set.kind === "ReplicaSet" && owner !== undefined && owner.uid === deployment.metadata.uid;
}

/**
 * Why the controller cannot create pods; empty when it can. The newest event speaks before the condition: the ReplicaSet
 * controller writes that one for the first refusal and leaves it so, also when a later attempt is refused for another cause
 * (`calculateStatus` in its replica_set_utils.go).
 */
function refusedCreation(object: KubeObject, evidence: CulpritEvidence, notes: readonly EventNote[]): string {
  const condition = replicaFailure(object);
  // An event outlives its cause by an hour: it counts only while pods are missing.
  if (evidence.pods.length >= wantedPods(object)) return condition;
  const note = notes.find(
    (event) => isWarning(event) && event.reason === "FailedCreate" && isAboutPodsOf(event, object, evidence),
  );
  return note === undefined ? condition : creationWords(note.message);
}

function wantedPods(object: KubeObject): number {
  if (kindKeyOf(object) === "DaemonSet.apps") return countAt(statusOf(object), "desiredNumberScheduled");
  if (kindKeyOf(object) === "Job.batch") return countAt(specOf(object), "parallelism", 1);
  return countAt(specOf(object), "replicas", 1);
}

/** A Deployment's pods are created by its ReplicaSets, and so are the events. */
function isAboutPodsOf(note: EventNote, object: KubeObject, { related = [] }: CulpritEvidence): boolean {
  if (isAbout(note, object)) return true;
  if (kindKeyOf(object) !== "Deployment.apps" || note.about.kind !== "ReplicaSet") return false;
  const sets = related.filter((set) => isOwnSet(set, object));
  return sets.length > 0 ? sets.some((set) => isAbout(note, set)) : ownName(note.about.name, object);
}

/** `<deployment>-<pod-template-hash>`: the hash has no dash, so `web-api-…` is not taken for a set of `web`. */
function ownName(name: string, deployment: KubeObject): boolean {
  const prefix = `${nameOf(deployment)}-`;
  return name.startsWith(prefix) && !name.slice(prefix.length).includes("-");
}

/** An object without pods: its own words, or the newest event when it has none. */
function single(object: KubeObject, verdict: Verdict, notes: readonly EventNote[]): string {
  const base = plain(object, verdict);
  const hasWords = conditionsOf(object).some(({ message }) => message !== "" && verdict.message.includes(message));
  const claim = kindKeyOf(object) === "PersistentVolumeClaim";
  const telling = (note: EventNote) =>
    isWarning(note) || (claim && (tellsWhyUnbound(note) || note.reason === "WaitForFirstConsumer"));
  const note = hasWords ? undefined : notes.find((event) => isAbout(event, object) && telling(event));
  return note === undefined ? base : `${base}: ${reasoned(note.reason, note.message)}`;
}
