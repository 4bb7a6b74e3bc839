import type { KubeObject } from "../objects/types.ts";
import { type Container, containersOf, type Ending } from "./containers.ts";
import { type EventNote, isAbout, isWarning } from "./events.ts";
import { conditionOf, listAt, mapAt, nameOf, specOf, statusOf, textAt } from "./fields.ts";
import { pullError } from "./pull-error.ts";
import { fold, plural } from "./text.ts";

/** Kinds of trouble, the one that is named first first: what no waiting cures comes before what time may cure. */
const RANKS = [
  "image", // the image cannot be had
  "config", // the container cannot be made: missing ConfigMap or Secret, bad command, bad security context
  "memory", // killed for its memory
  "crash", // it ends, again and again
  "unschedulable", // no node takes the pod
  "mount", // a volume or the network cannot be set up
  "probe", // it runs, and a probe says no
  "dead", // evicted, or ended for good
  "notReady", // it runs, not ready, nobody says why
  "starting", // on its way
  "leaving", // being deleted
] as const;

export interface Trouble {
  rank: number;
  /** Behind the pod's name: `ImagePullBackOff`, `not ready`; may be empty. */
  label: string;
  /** Behind the colon; may be empty. */
  detail: string;
}

function trouble(kind: (typeof RANKS)[number], label: string, detail = ""): Trouble {
  return { rank: RANKS.indexOf(kind), label, detail };
}

/** From this rank on, time alone may cure it. */
export const SOFT_RANK = RANKS.indexOf("notReady");

/** What is wrong with a pod; undefined when it is ready or has completed. `notes` are newest first. */
export function troubleOf(pod: KubeObject, notes: readonly EventNote[]): Trouble | undefined {
  const phase = textAt(statusOf(pod), "phase");
  if (pod.metadata.deletionTimestamp) return trouble("leaving", "is still terminating");
  if (phase === "Succeeded" || conditionOf(pod, "Ready")?.status === "True") return undefined;
  const mine = notes
    .filter((note) => isWarning(note) && isAbout(note, pod))
    .map((note) => ({ ...note, message: withoutOutput(note, pod) }));
  if (phase === "Failed") return dead(pod);
  if (textAt(specOf(pod), "nodeName") === "" && containersOf(pod).length === 0) return unscheduled(pod, notes);
  return containerTrouble(pod, mine) ?? setupTrouble(pod, mine) ?? notReady(pod, mine);
}

const PROBE = /^((Readiness|Liveness|Startup) probe (?:failed|errored))\b/;
const PROBE_FIELDS = { Readiness: "readinessProbe", Liveness: "livenessProbe", Startup: "startupProbe" } as const;
const HTTP_WORDS = /: HTTP probe failed with statuscode: \d{3}$/;

/** What a probe's command prints, and the command itself, may hold anything, secrets included. */
function withoutOutput({ reason, message }: EventNote, pod: KubeObject): string {
  const [, words, which] = (reason === "Unhealthy" && PROBE.exec(message)) || [];
  if (words === undefined || HTTP_WORDS.test(message)) return message;
  const field = PROBE_FIELDS[which as keyof typeof PROBE_FIELDS];
  const all = [...listAt(specOf(pod), "containers"), ...listAt(specOf(pod), "initContainers")];
  return all.some((container) => "exec" in mapAt(container, field)) ? `${words}: its command says no` : message;
}

export function podSentence(pod: KubeObject, { label, detail }: Trouble): string {
  return `Pod ${nameOf(pod)}${label && ` ${label}`}${detail && `: ${detail}`}`;
}

function dead(pod: KubeObject): Trouble {
  const status = statusOf(pod);
  const reason = textAt(status, "reason");
  if (reason !== "") return trouble("dead", reason, textAt(status, "message"));
  const ended = containersOf(pod).find((container) => container.ended?.now && container.ended.exitCode !== 0);
  const how = ended === undefined ? undefined : crash(ended, []);
  return how === undefined ? trouble("dead", "failed") : { ...how, rank: RANKS.indexOf("dead") };
}

function unscheduled(pod: KubeObject, notes: readonly EventNote[]): Trouble {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.reason === "SchedulingGated") return trouble("starting", "is held back by its scheduling gates");
  const claim = claimTrouble(pod, notes);
  if (claim !== "") return trouble("unschedulable", "unschedulable", claim);
  if (scheduled?.status !== "False") return trouble("starting", "is not scheduled yet");
  return trouble("unschedulable", "unschedulable", schedulerWords(scheduled.message));
}

/** The scheduler adds what preemption would have done; the first part is what a person can act on. */
function schedulerWords(message: string): string {
  const text = fold(message);
  const preemption = text.indexOf("preemption:");
  const end = preemption < 0 ? -1 : text.lastIndexOf(". ", preemption);
  return (end < 0 ? text : text.slice(0, end)).replace(/\.$/, "");
}

/** Why a claim of the pod is not bound. The volume controllers write some of that as Normal events. */
function claimTrouble(pod: KubeObject, notes: readonly EventNote[]): string {
  const claims = new Set(listAt(specOf(pod), "volumes").map((volume) => claimName(pod, volume)));
  const about = notes.find(
    (note) => note.about.kind === "PersistentVolumeClaim" && claims.has(note.about.name) && tellsWhyUnbound(note),
  );
  return about === undefined ? "" : `PersistentVolumeClaim ${about.about.name} ${about.reason}: ${about.message}`;
}

function claimName(pod: KubeObject, volume: Record<string, unknown>): string {
  if ("ephemeral" in volume) return `${nameOf(pod)}-${textAt(volume, "name")}`;
  return textAt(mapAt(volume, "persistentVolumeClaim"), "claimName");
}

const UNBOUND_REASONS = new Set(["FailedBinding", "ProvisioningFailed", "ExternalProvisioning"]);

export const tellsWhyUnbound = (note: EventNote): boolean => isWarning(note) || UNBOUND_REASONS.has(note.reason);

function containerTrouble(pod: KubeObject, notes: readonly EventNote[]): Trouble | undefined {
  const found = containersOf(pod).flatMap(
    (container) => waitingTrouble(container, notes) ?? crash(container, notes) ?? [],
  );
  return found.sort((a, b) => a.rank - b.rank)[0];
}

const PULL_REASONS = new Set(["ErrImagePull", "ImagePullBackOff"]);
const IMAGE_REASONS = new Set([
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);
/** Their messages hold what a command printed. */
const HOOK_REASONS = new Set(["PostStartHookError", "PreStopHookError"]);
/** On the way, or explained by how the run before ended. */
const ORDINARY_REASONS = new Set(["", "ContainerCreating", "PodInitializing", "CrashLoopBackOff"]);

function waitingTrouble(container: Container, notes: readonly EventNote[]): Trouble | undefined {
  if (container.waiting === undefined) return undefined;
  const reason = textAt(container.waiting, "reason");
  const message = textAt(container.waiting, "message");
  // kubelet alternates between the two; one name for both keeps the sentence still.
  if (PULL_REASONS.has(reason)) return trouble("image", "ImagePullBackOff", pullWords(container, message, notes));
  if (IMAGE_REASONS.has(reason)) return trouble("image", reason, message);
  if (ORDINARY_REASONS.has(reason)) return undefined;
  const words = HOOK_REASONS.has(reason) ? "" : message;
  return trouble("config", reason, `${container.role} ${container.name}${words && `: ${words}`}`);
}

/** The back-off of older kubelets names only the image: then the event of the failed pull has the reason. */
function pullWords(container: Container, message: string, notes: readonly EventNote[]): string {
  const words = pullError(message, container.image);
  if (words !== pullError("", container.image)) return words;
  const event = notes.find(
    (note) => note.reason === "Failed" && note.message.startsWith(`Failed to pull image "${container.image}"`),
  );
  return event === undefined ? words : pullError(event.message, container.image);
}

function crash(container: Container, notes: readonly EventNote[]): Trouble | undefined {
  const { ended, ready } = container;
  const looping = textAt(container.waiting ?? {}, "reason") === "CrashLoopBackOff";
  if (ready || !(looping || (ended !== undefined && ended.exitCode !== 0))) return undefined;
  const again = container.restarts === 0 ? "" : `, ${plural(container.restarts, "restart")}`;
  const who = `${container.role} ${container.name}`;
  if (ended?.reason === "OOMKilled") return trouble("memory", "OOMKilled", `${who} ${outOfMemory(container)}${again}`);
  const probe = notes.find(({ reason, message }) => reason === "Unhealthy" && isProbe(message, container.running));
  const why = probe === undefined ? "" : `; ${probe.message}`;
  return trouble("crash", looping ? "CrashLoopBackOff" : "", `${who} ${exit(ended)}${again}${why}`);
}

const outOfMemory = ({ memoryLimit }: Container): string =>
  memoryLimit === "" ? "ran out of memory" : `exceeded its memory limit of ${memoryLimit}`;

/** A container that is down was killed by a liveness or startup probe, if any; one that runs may fail any of the three. */
const isProbe = (message: string, running: boolean): boolean => running || /^(Liveness|Startup) probe/.test(message);

/**
 * Only where the runtime could not start the container is its message the runtime's. Else it is the container's own
 * output, which may hold anything, secrets included.
 */
function exit(ended: Ending | undefined): string {
  if (ended === undefined) return "ends again and again";
  const { exitCode, reason, message } = ended;
  if (reason === "StartError" || reason === "ContainerCannotRun") return `cannot start: ${message}`;
  return `exited with code ${exitCode}`;
}

const SETUP_REASONS = new Set([
  "FailedMount",
  "FailedAttachVolume",
  "FailedMapVolume",
  "FailedCreatePodSandBox",
  "NetworkNotReady",
]);

function setupTrouble(pod: KubeObject, notes: readonly EventNote[]): Trouble | undefined {
  if (!containersOf(pod).every(({ running, ended }) => !running && ended === undefined)) return undefined;
  const events = notes.filter(({ reason }) => SETUP_REASONS.has(reason));
  // kubelet also writes that it is tired of waiting, and not for what.
  const event = events.find(({ message }) => !message.includes("timed out waiting for the condition")) ?? events[0];
  return event === undefined ? undefined : trouble("mount", event.reason, event.message.replaceAll(" : ", ": "));
}

function notReady(pod: KubeObject, notes: readonly EventNote[]): Trouble {
  const containers = containersOf(pod);
  const init = containers.find(({ isInit, running }) => isInit && running);
  if (init !== undefined) return trouble("starting", "", `init container ${init.name} is still running`);
  if (!containers.some(({ running }) => running)) return trouble("starting", waitingReason(containers));
  const probe = notes.find(({ reason }) => reason === "Unhealthy");
  const late = containers.find(({ ready, isInit }) => !ready && !isInit);
  if (late !== undefined && probe !== undefined) return trouble("probe", "not ready", probe.message);
  if (late !== undefined) return trouble("notReady", "not ready", lateWords(late));
  return trouble("notReady", "not ready", allReadyWords(pod));
}

const waitingReason = (containers: readonly Container[]): string =>
  containers.map(({ waiting }) => textAt(waiting ?? {}, "reason")).find((reason) => reason !== "") ?? "Pending";

function lateWords({ role, name, running, started }: Container): string {
  if (!running) return `${role} ${name} is not running`;
  return started === false ? `${role} ${name} is still starting` : `${role} ${name} is running but not ready`;
}

/** All containers are ready and the pod is not: a readiness gate, or a node that does not report. */
function allReadyWords(pod: KubeObject): string {
  const ready = conditionOf(pod, "Ready");
  if (ready?.reason === "ReadinessGatesNotReady") return ready.message;
  return `its node ${textAt(specOf(pod), "nodeName")} may be down`;
}
