import {
  ADOPTED_ANNOTATION,
  HOOK_ANNOTATION,
  LAYER_ANNOTATION,
  PART_OF_LABEL,
  PRUNE_ANNOTATION,
  RECONCILE_ANNOTATION,
} from "../api/names.ts";
import { servedVersionsOf } from "../objects/crd-versions.ts";
import { sha256Hex } from "../objects/digest.ts";
import { isCrd, keyOf, refOf } from "../objects/identity.ts";
import type { KubeObject, ManagedFieldsEntry, ObjectRef } from "../objects/types.ts";
import type { ApplySet } from "./applyset.ts";
import { sharesFields } from "./field-sets.ts";
import { fieldsDigest, ownsField } from "./fields.ts";

/** What Strata remembers of one labelled object in a cluster: the facts of membership, not the content. */
export interface Observed {
  ref: ObjectRef;
  key: string;
  uid: string;
  resourceVersion: string;
  /** The id of the ApplySet that the part-of label names. */
  partOf: string;
  /** From the layer annotation; absent when somebody removed it. */
  layer: string | undefined;
  digest: string | undefined;
  adopted: boolean;
  /**
   * Stays when its layer goes: a CRD of a chart's `crds/` folder, or what says so itself (`helm.sh/resource-policy: keep`,
   * `strata.dev/prune: Disabled`).
   */
  kept: boolean;
  /** Says of itself that it is to be left as it is (`strata.dev/reconcile: Disabled`). */
  frozen: boolean;
  /** Whether the `helm` command wrote it: its fields count as ours, so that those it added go again. */
  helmWrote: boolean;
  /** Somebody cleared who owns what: fields of ours count as from before our first apply, and would outlive us. */
  isDisowned: boolean;
  /** The field manager to which another profile has handed it over: until its first apply that is how it owns the label. */
  heir: string | undefined;
  /** Who besides owns fields of it and is not overruled: when that changes, what was refused may be taken. */
  rivals: string;
  /** Changes with each write of anybody, save those to subresources such as the status. */
  stamp: string;
  /** Who besides wrote last, and when (RFC 3339, by the clock of the cluster). */
  lastOther: { manager: string; time: string } | undefined;
  /** Who has scaled it, as `kubectl scale` and a HorizontalPodAutoscaler do: the API server notes no time of that. */
  scaler?: string;
  terminating: boolean;
  finalizers: readonly string[];
  /** Of a CRD: the versions in which objects may be stored (`status.storedVersions`). */
  storedVersions?: readonly string[];
  /** Of a CRD: the versions that it serves. */
  servedVersions?: readonly string[];
  /** The Apply entries of Strata's field managers: one, save during a hand-over. */
  entries: readonly ManagedFieldsEntry[];
}

/**
 * Reads the facts of membership from an object that carries the part-of label.
 *
 * @returns undefined when the object has no such label or has a controller owner: Kubernetes copies labels to Endpoints
 * and EndpointSlices, other controllers to theirs, and those are never ours.
 */
export function observe(object: KubeObject): Observed | undefined {
  const { metadata } = object;
  const partOf = metadata.labels?.[PART_OF_LABEL];
  if (partOf === undefined || hasControllerOwner(object)) return undefined;
  const ref = refOf(object);
  return {
    ref,
    key: keyOf(ref),
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    partOf,
    ...layerMark(object),
    frozen: isFrozen(object),
    helmWrote: helmEntriesOf(object).length > 0,
    isDisowned: disownedEntryOf(object) !== undefined,
    heir: heirOf(object),
    rivals: rivalsOf(object),
    stamp: stampOf(object),
    lastOther: lastOtherOf(object),
    ...scalerOf(object),
    adopted: wasAdopted(object),
    terminating: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
    ...(isCrd(ref) ? { storedVersions: storedVersionsOf(object), servedVersions: servedVersionsOf(object) } : {}),
    entries: (metadata.managedFields ?? []).filter(isStrataApply),
  };
}

/**
 * Whether an object was there before us.
 *
 * @param lent the uid of the one of this name that was, in case somebody has taken its mark off
 */
export function wasAdopted({ metadata: { annotations, uid } }: KubeObject, lent?: string): boolean {
  return annotations?.[ADOPTED_ANNOTATION] === "true" || (lent !== undefined && lent === uid);
}

/** The versions in which objects of a CRD's kind may be stored. */
export function storedVersionsOf(crd: KubeObject): string[] {
  const { storedVersions } = (crd["status"] ?? {}) as { storedVersions?: unknown };
  return Array.isArray(storedVersions) ? storedVersions.map(String) : [];
}

/**
 * Whether an object is a member of the ApplySet: its label says so, and the set's own field manager owns that label by its
 * Apply entry, or by the write that handed the object over. A copied label has no such entry.
 */
export function isMember(observed: Observed, set: ApplySet): boolean {
  return observed.partOf === set.id && memberEntry(observed, set) !== undefined;
}

/** The Apply entry by which the ApplySet owns the object, when it does. */
export function memberEntry(observed: Observed, set: ApplySet): ManagedFieldsEntry | undefined {
  const entry = observed.entries.find(({ manager }) => manager === set.manager);
  return entry && (ownsLabel(entry) || observed.heir === set.manager) ? entry : undefined;
}

/** Whether an entry owns the label by which an object is a member. */
export function ownsLabel(entry: ManagedFieldsEntry): boolean {
  return ownsField(entry, ["metadata", "labels", PART_OF_LABEL]);
}

/** Who wrote the label of a member otherwise than by an apply: the new owner of one that was handed over, and nobody else. */
function heirOf({ metadata }: KubeObject): string | undefined {
  const entry = metadata.managedFields?.find(
    (one) => one.operation === "Update" && (one.manager?.startsWith("strata-") ?? false) && ownsLabel(one),
  );
  return entry?.manager;
}

/** The entry that the API server makes of all fields when it knows no owner, if it has fields that Strata applies. */
export function disownedEntryOf({ metadata }: KubeObject): ManagedFieldsEntry | undefined {
  const { managedFields = [] } = metadata;
  const own = managedFields.filter(isStrataApply);
  return managedFields.find(
    ({ manager, fieldsV1 = {} }) =>
      manager === "before-first-apply" && own.some((entry) => sharesFields(fieldsV1, entry.fieldsV1 ?? {})),
  );
}

function rivalsOf({ metadata }: KubeObject): string {
  const entries = metadata.managedFields?.filter(({ manager = "" }) => isProtectedManager(manager)) ?? [];
  const others = entries.filter((entry) => !isStrataApply(entry));
  return others.map((entry) => `${entry.manager} ${entry.time} ${fieldsDigest(entry)}`).join();
}

/** What tells of a write to an object where nothing of ours was taken: who wrote what when, and where that is too coarse, its version. */
export function stampOf({ metadata }: KubeObject): string {
  const { managedFields = [], generation, resourceVersion } = metadata;
  const written = managedFields.filter(({ subresource }) => !subresource);
  // What has no status and no generation has a new version for each write; times are in seconds.
  const isPlain = generation === undefined && written.length === managedFields.length;
  const entries = written.map(({ manager, operation, time }) => `${manager} ${operation} ${time}`);
  return sha256Hex([...entries.sort(), isPlain ? resourceVersion : generation].join()).slice(0, 16);
}

function lastOtherOf({ metadata }: KubeObject): Observed["lastOther"] {
  const others = (metadata.managedFields ?? []).filter((entry) => !entry.subresource && !isStrataApply(entry));
  const isForeign = ({ manager = "" }: ManagedFieldsEntry): number => Number(!manager.startsWith("strata-"));
  // Of two in the same second the one that is not by Strata counts.
  const [last] = others.toSorted((a, b) => (b.time ?? "").localeCompare(a.time ?? "") || isForeign(b) - isForeign(a));
  return last?.manager && last.time ? { manager: last.manager, time: last.time } : undefined;
}

function scalerOf({ metadata }: KubeObject): Pick<Observed, "scaler"> {
  const entry = metadata.managedFields?.findLast(({ subresource }) => subresource === "scale");
  return entry?.manager ? { scaler: entry.manager } : {};
}

/** Field managers that must not be overruled when they hold a field that we used to own. */
const PROTECTED_MANAGERS = /^(strata-|helm$|Helm$|helm-controller$|kustomize-controller$|flux|argocd)/;

/** Whether a field manager in an apply conflict is another ApplySet, Helm, Flux or Argo CD. */
export function isProtectedManager(manager: string): boolean {
  return PROTECTED_MANAGERS.test(manager);
}

function hasControllerOwner(object: KubeObject): boolean {
  return object.metadata.ownerReferences?.some((owner) => owner.controller === true) ?? false;
}

/** The value of the layer annotation: which layer brings the object, the digest of what it brings, and whether it outlives the layer. */
export function layerMarkOf(layer: string, digest: string, kept: boolean): string {
  return `${layer}/${digest}${kept ? "/keep" : ""}`;
}

/** The entries by which Helm, of whatever version, owns fields of an object. */
export function helmEntriesOf({ metadata }: KubeObject): ManagedFieldsEntry[] {
  return (metadata.managedFields ?? []).filter(({ manager, subresource }) => manager === "helm" && !subresource);
}

/** The entry by which the ApplySet's field manager made or changed an object as a hook, when it did. */
export function ownHookEntryOf({ metadata }: KubeObject, set: ApplySet): ManagedFieldsEntry | undefined {
  return metadata.managedFields?.find(
    (entry) =>
      entry.manager === set.manager &&
      entry.operation === "Update" &&
      ownsField(entry, ["metadata", "annotations", HOOK_ANNOTATION]),
  );
}

const RESOURCE_POLICY = "helm.sh/resource-policy";

/** Whether an object says of itself that it stays when it is given up, to Helm or to us; in any spelling, as Helm reads it. */
export function saysKeep(object: KubeObject): boolean {
  return says(object, RESOURCE_POLICY, "keep") || says(object, PRUNE_ANNOTATION, "disabled");
}

/** Whether an object says of itself that it is to be left as it is. */
export function isFrozen(object: KubeObject): boolean {
  return says(object, RECONCILE_ANNOTATION, "disabled");
}

function says({ metadata }: KubeObject, annotation: string, word: string): boolean {
  return metadata.annotations?.[annotation]?.trim().toLowerCase() === word;
}

/** What the layer annotation says. */
export function layerMark(object: KubeObject): Pick<Observed, "layer" | "digest" | "kept"> {
  const [layer, digest, keep] = (object.metadata.annotations?.[LAYER_ANNOTATION] ?? "").split("/");
  const kept = keep === "keep" || saysKeep(object);
  // Whatever else stands there was written by somebody else.
  return { layer: layer && isLayerName(layer) ? layer : undefined, digest: digest || undefined, kept };
}

/** The name of a layer or, with a dot in it, of a part of a layer's pack. */
function isLayerName(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/.test(text);
}

function isStrataApply(entry: ManagedFieldsEntry): boolean {
  return entry.operation === "Apply" && !entry.subresource && (entry.manager?.startsWith("strata-") ?? false);
}
