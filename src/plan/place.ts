import { LAYER_ANNOTATION, PART_OF_LABEL } from "../api/names.ts";
import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { layerMarkOf } from "../membership/observed.ts";
import { hmacDigest } from "../objects/digest.ts";
import { describeRef, groupKindKey, gvkOf, keyOf, refOf } from "../objects/identity.ts";
import { normalize } from "../objects/normalize.ts";
import { scopeOfBuiltIn } from "../objects/scope.ts";
import type { GroupKind, GroupVersionKind, KubeObject } from "../objects/types.ts";
import { kindsServedBy, waveOf } from "../objects/waves.ts";
import { reservedMarkFailure } from "./reserved.ts";
import type { Desired, LayerContent } from "./types.ts";

/** Whether a kind lives in namespaces, as the cluster (or a CRD of the profile) says; undefined when nobody knows it. */
export type Scopes = (kind: GroupKind) => "Namespaced" | "Cluster" | undefined;

export interface Placement {
  layer: Layer;
  /** For namespaced objects that name none: the layer's, else the profile's. */
  namespace: string | undefined;
  set: ApplySet;
  /** Key of the digests: they stand where others can read them, and must not tell what a Secret holds. */
  digestKey: Uint8Array;
  scopes: Scopes;
}

export interface Placed {
  desired: readonly Desired[];
  /** Objects that cannot be placed: the others are applied all the same. */
  problems: readonly Failure[];
  /** Kinds that neither the cluster nor the profile knows. */
  unknownKinds: readonly GroupVersionKind[];
}

/** Turns what a source gave into the objects to apply: namespaces filled in, the part-of label set, digests computed. */
export function place(content: LayerContent, placement: Placement): Placed {
  const served = kindsServedBy([...content.crds, ...content.objects]);
  const problems: Failure[] = [];
  const seen = new Map<string, Desired>();
  const add = (object: KubeObject, fromCrdsFolder: boolean): void => {
    const result = placeOne(object, { ...placement, served, fromCrdsFolder });
    if (result instanceof Failure) problems.push(result);
    else if (seen.has(result.key)) problems.push(duplicate(result, placement.layer));
    else seen.set(result.key, result);
  };
  if (placement.layer.crds !== "Skip") for (const crd of content.crds) add(crd, true);
  for (const object of content.objects) add(object, false);
  return { desired: [...seen.values()], problems, unknownKinds: unknownKinds(content, placement.scopes) };
}

/** The object with its layer mark, as it goes over the wire. */
export function withMark(desired: Desired, layer: string, extra: Record<string, string> = {}): KubeObject {
  const { metadata } = desired.object;
  const annotations = {
    ...metadata.annotations,
    [LAYER_ANNOTATION]: layerMarkOf(layer, desired.digest, desired.fromCrdsFolder),
    ...extra,
  };
  return { ...desired.object, metadata: { ...metadata, annotations } };
}

/** Scopes as the CRDs among some objects declare them. */
export function scopesDeclaredBy(objects: Iterable<KubeObject>): Map<string, "Namespaced" | "Cluster"> {
  const scopes = new Map<string, "Namespaced" | "Cluster">();
  for (const object of objects) {
    if (object.kind !== "CustomResourceDefinition") continue;
    const spec = object["spec"] as { group?: string; scope?: string; names?: { kind?: string } } | undefined;
    if (!spec?.group || !spec.names?.kind) continue;
    scopes.set(
      groupKindKey({ group: spec.group, kind: spec.names.kind }),
      spec.scope === "Cluster" ? "Cluster" : "Namespaced",
    );
  }
  return scopes;
}

function scopeOf(object: KubeObject, scopes: Scopes): ReturnType<Scopes> {
  const kind = gvkOf(object);
  return scopes(kind) ?? scopeOfBuiltIn(kind);
}

function unknownKinds(content: LayerContent, scopes: Scopes): GroupVersionKind[] {
  return content.objects.filter((object) => scopeOf(object, scopes) === undefined).map(gvkOf);
}

interface OnePlacement extends Placement {
  served: ReadonlySet<string>;
  fromCrdsFolder: boolean;
}

function placeOne(raw: KubeObject, placement: OnePlacement): Desired | Failure {
  const object = normalize(raw);
  const kind = gvkOf(object);
  const reserved = reservedMarkFailure(object);
  if (reserved) return reserved;
  const scope = scopeOf(object, placement.scopes);
  if (scope === undefined) {
    return new Failure(
      "KindNotFound",
      `${describeRef(refOf(object))}: the cluster has no kind ${kind.kind} in ${object.apiVersion}, and no CRD of this profile ` +
        "brings it: correct apiVersion and kind, or put the layer with its CRD before this one",
    );
  }
  const namespace = scope === "Namespaced" ? (object.metadata.namespace ?? placement.namespace) : undefined;
  if (scope === "Namespaced" && !namespace) {
    return new Failure(
      "NamespaceMissing",
      `${describeRef(refOf(object))} has no namespace: set it on the object, on layer ${placement.layer.name}, or as spec.namespace`,
    );
  }
  const { namespace: _, ...metadata } = object.metadata;
  const labelled: KubeObject = {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace ? { namespace } : {}),
      labels: { ...object.metadata.labels, [PART_OF_LABEL]: placement.set.id },
    },
  };
  const ref = refOf(labelled);
  return {
    ref,
    key: keyOf(ref),
    object: labelled,
    digest: hmacDigest(placement.digestKey, labelled),
    wave: waveOf(labelled, placement.served),
    fromCrdsFolder: placement.fromCrdsFolder,
    createOnly: placement.fromCrdsFolder && placement.layer.crds === "Create",
  };
}

function duplicate(desired: Desired, layer: Layer): Failure {
  return new Failure(
    "InvalidManifest",
    `${describeRef(desired.ref)} stands twice in layer ${layer.name}: keep one of them`,
  );
}
