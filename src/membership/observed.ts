import { ADOPTED_ANNOTATION, HOOK_ANNOTATION, LAYER_ANNOTATION, PART_OF_LABEL } from "../api/names.ts";
import { isCrd, keyOf, refOf } from "../objects/identity.ts";
import type { KubeObject, ManagedFieldsEntry, ObjectRef } from "../objects/types.ts";
import type { ApplySet } from "./applyset.ts";
import { ownsField } from "./fields.ts";

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
  /** Stays when its layer goes: a CRD of a chart's `crds/` folder, or what says so itself (`helm.sh/resource-policy: keep`). */
  kept: boolean;
  /** Whether the `helm` command wrote it: its fields count as ours, so that those it added go again. */
  helmWrote: boolean;
  terminating: boolean;
  finalizers: readonly string[];
  /** Of a CRD: the versions in which objects may be stored (`status.storedVersions`). */
  storedVersions?: readonly string[];
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
    helmWrote: helmEntriesOf(object).length > 0,
    adopted: metadata.annotations?.[ADOPTED_ANNOTATION] === "true",
    terminating: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
    ...(isCrd(ref) ? { storedVersions: storedVersionsOf(object) } : {}),
    entries: (metadata.managedFields ?? []).filter(isStrataApply),
  };
}

/** The versions in which objects of a CRD's kind may be stored. */
export function storedVersionsOf(crd: KubeObject): string[] {
  const { storedVersions } = (crd["status"] ?? {}) as { storedVersions?: unknown };
  return Array.isArray(storedVersions) ? storedVersions.map(String) : [];
}

/**
 * Whether an object is a member of the ApplySet: its label says so, and the Apply entry of the set's own field manager
 * owns that label. A copied label has no such entry.
 */
export function isMember(observed: Observed, set: ApplySet): boolean {
  return observed.partOf === set.id && memberEntry(observed, set) !== undefined;
}

/** The Apply entry by which the ApplySet owns the object, when it does. */
export function memberEntry(observed: Observed, set: ApplySet): ManagedFieldsEntry | undefined {
  return observed.entries.find(
    (entry) => entry.manager === set.manager && ownsField(entry, ["metadata", "labels", PART_OF_LABEL]),
  );
}

export function hasControllerOwner(object: KubeObject): boolean {
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

/** Whether an object says of itself that it stays when its release gives it up; Helm reads the word in any spelling. */
export function saysKeep({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[RESOURCE_POLICY]?.trim().toLowerCase() === "keep";
}

function layerMark(object: KubeObject): Pick<Observed, "layer" | "digest" | "kept"> {
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
