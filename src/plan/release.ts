import {
  PARENT_LABEL,
  RELEASE_ANNOTATION,
  RELEASE_INPUTS_LABEL,
  RELEASE_LAYER_LABEL,
  RELEASE_REVISION_LABEL,
  RELEASE_SEAL_LABEL,
  RELEASE_TESTS_LABEL,
} from "../api/names.ts";
import type { Layer } from "../api/types.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { parseJson, stringifyJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";

/** Where the records of a Helm release are. */
export interface ReleaseName {
  namespace: string;
  name: string;
}

/** The statuses of Helm (`pkg/release/common/status.go`). */
export type ReleaseStatus =
  | "unknown"
  | "deployed"
  | "uninstalled"
  | "superseded"
  | "failed"
  | "uninstalling"
  | "pending-install"
  | "pending-upgrade"
  | "pending-rollback";

/** How one run of a hook ended, or that it was begun. Times are RFC 3339. */
export interface HookRun {
  phase: "Succeeded" | "Failed";
  startedAt: string;
  completedAt: string;
  /** How often it was tried, from 1. */
  attempt: number;
  /** Why it failed. */
  why?: string;
}

/** What Strata remembers on a record that it wrote last. */
export interface ReleaseProgress {
  /** Digest of the inputs that the revision was made from. */
  inputs: string;
  operation: "install" | "upgrade" | "rollback";
  /** When the release was first deployed, RFC 3339. */
  firstDeployed?: string;
  /** Ended runs of hooks: `pre-install/0` is the first hook of the event. */
  runs: Readonly<Record<string, HookRun>>;
  /** Objects that a revision of somebody else brought and this one does not have: they go, as with `helm upgrade`. */
  strays?: readonly string[];
  /** Whether it is Strata that takes the release away. */
  uninstalling?: boolean;
  /** Another profile made it, and gave the release to the one that it says: that one's first revision comes next. */
  handedOver?: boolean;
}

/** One revision of a Helm release, as the metadata of its Secret tells it. */
export interface ReleaseRecord {
  release: ReleaseName;
  secret: string;
  uid: string;
  resourceVersion: string;
  version: number;
  status: ReleaseStatus;
  /** When somebody last wrote it, in milliseconds since the epoch. */
  touchedAt: number;
  /** The parent and the layer that it belongs to, also when Helm wrote it last. */
  parent: string | undefined;
  layer: string | undefined;
  /** Digest of the inputs that the revision was made from, whoever wrote it last. */
  inputs: string | undefined;
  /** On a revision that was Ready, whoever wrote it last: a rollback may go back to it. */
  seal: string | undefined;
  /** Undefined when somebody else wrote it last. */
  progress: ReleaseProgress | undefined;
}

/** By what a profile waits for a release that another one has, as it does for objects by their keys. */
export function releaseKey({ namespace, name }: ReleaseName): string {
  return `helm/${namespace}/${name}`;
}

/** The type of the Secrets that hold releases, and the label by which Helm finds them. */
export const RELEASE_TYPE = "helm.sh/release.v1";
export const RELEASE_SELECTOR = "owner=helm";

/** The name of the Secret that holds a revision. */
export function recordName({ name }: ReleaseName, version: number): string {
  return `sh.helm.release.v1.${name}.v${version}`;
}

/** A number that is counted on from without loss. */
const VERSION = /^[1-9]\d{0,8}$/;

/** Reads what the metadata of a release Secret tells; undefined when it is none. */
export function readRecord({ metadata }: KubeObject): ReleaseRecord | undefined {
  const { labels = {}, annotations = {}, namespace = "" } = metadata;
  const { version = "", name: release } = labels;
  if (labels["owner"] !== "helm" || release === undefined || !VERSION.test(version)) return undefined;
  const touched = touchedAt(labels, metadata.creationTimestamp);
  return {
    release: { namespace, name: release },
    secret: metadata.name ?? "",
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    version: Number(version),
    status: (labels["status"] ?? "unknown") as ReleaseStatus,
    touchedAt: touched,
    parent: labels[PARENT_LABEL],
    layer: labels[RELEASE_LAYER_LABEL],
    inputs: isOwnRevision(labels) ? labels[RELEASE_INPUTS_LABEL] : undefined,
    seal: isOwnRevision(labels) ? labels[RELEASE_SEAL_LABEL] : undefined,
    progress: progressOf(annotations[RELEASE_ANNOTATION]) ?? rewritten(labels, touched),
  };
}

export function packProgress(progress: ReleaseProgress): string {
  return stringifyJson(progress);
}

function progressOf(text: string | undefined): ReleaseProgress | undefined {
  if (text === undefined) return undefined;
  try {
    const progress = parseJson(text) as Partial<ReleaseProgress> | null;
    if (typeof progress?.inputs !== "string" || typeof progress.runs !== "object" || !progress.runs) return undefined;
    if (!progress.operation || !["install", "upgrade", "rollback"].includes(progress.operation)) return undefined;
    return progress as ReleaseProgress;
  } catch {
    return undefined;
  }
}

/** Every command of Helm's keeps labels; a record that Helm made itself has those of another revision. */
function isOwnRevision(labels: Record<string, string>): boolean {
  return labels[RELEASE_REVISION_LABEL] === labels["version"];
}

/** What is known of a record that Strata made and Helm wrote last: `helm test` notes its results on the deployed one. */
function rewritten(labels: Record<string, string>, touched: number): ReleaseProgress | undefined {
  const inputs = labels[RELEASE_INPUTS_LABEL];
  if (inputs === undefined || !isOwnRevision(labels) || labels["status"] !== "deployed") return undefined;
  const at = new Date(touched).toISOString();
  const passed: HookRun = { phase: "Succeeded", startedAt: at, completedAt: at, attempt: 1 };
  const tests = Array.from({ length: passedTests(labels) }, (_, index) => [`test/${index}`, passed]);
  return { inputs, operation: "upgrade", runs: Object.fromEntries(tests) };
}

/** Bounded: whoever may write Secrets there may write any number. */
function passedTests(labels: Record<string, string>): number {
  const passed = labels[RELEASE_TESTS_LABEL] ?? "";
  return /^\d{1,3}$/.test(passed) ? Number(passed) : 0;
}

/** What outlives a command of Helm's in the labels of a record, beside whose it is. */
export function progressLabels(progress: ReleaseProgress): Record<string, string> {
  const runs = Object.entries(progress.runs);
  const passed = runs.filter(([key, { phase }]) => key.startsWith("test/") && phase === "Succeeded");
  return passed.length > 0 ? { [RELEASE_TESTS_LABEL]: String(passed.length) } : {};
}

/** The labels by which Strata knows a record as its own. */
export function recordLabels(
  parent: string,
  layer: string,
  about: { version: number; inputs: string },
): Record<string, string> {
  return {
    [PARENT_LABEL]: parent,
    [RELEASE_LAYER_LABEL]: layer,
    [RELEASE_REVISION_LABEL]: String(about.version),
    [RELEASE_INPUTS_LABEL]: about.inputs,
  };
}

/** What a `Date` holds (ECMA-262). */
const MAX_TIME = 8.64e15;

/** Helm labels a record with Unix seconds. */
function touchedAt(labels: Record<string, string>, created: string | undefined): number {
  const time = Number(labels["modifiedAt"] ?? labels["createdAt"]) * 1000;
  return Math.abs(time) <= MAX_TIME ? time : Date.parse(created ?? "") || 0;
}

/** Whether a record belongs to this layer, whoever wrote it last. */
export function belongsTo(record: ReleaseRecord, set: ApplySet, layer: string): boolean {
  return record.parent === set.parent && record.layer === layer;
}

/**
 * The key under which the latest attempt at a step on a layer's release is remembered: of each sort by itself, as what was
 * refused must not be tried again only because something else was tried since.
 */
export function releaseAttempt(layer: string, sort: "hooks" | "record" | "rollback" | "claim" = "hooks"): string {
  return `release/${layer}/${sort}`;
}

/** The newest of some records. */
export function latestOf(records: readonly ReleaseRecord[]): ReleaseRecord | undefined {
  return records.toSorted((a, b) => b.version - a.version)[0];
}

/** Whether there is a release to upgrade: what `helm uninstall --keep-history` left is installed again. */
export function isInstalled(latest: ReleaseRecord | undefined): boolean {
  return latest !== undefined && latest.status !== "uninstalled";
}

/** Somebody is at work on the release, or has ended in the middle of it (Helm: `Status.IsPending`). */
export function isPending(status: ReleaseStatus): boolean {
  return status.startsWith("pending-");
}

/** Revisions that Helm keeps by default. */
const DEFAULT_HISTORY = 10;

/** The records that go when one more is made: the oldest, but never the deployed one (Helm: `pkg/storage/storage.go`). */
export function surplus(records: readonly ReleaseRecord[], { maxHistory = DEFAULT_HISTORY }: Layer): ReleaseRecord[] {
  const sorted = records.toSorted((a, b) => a.version - b.version);
  const deployed = sorted.findLast(({ status }) => status === "deployed");
  return sorted.slice(0, Math.max(0, sorted.length + 1 - maxHistory)).filter((record) => record !== deployed);
}
