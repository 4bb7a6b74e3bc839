import { LAYER_ANNOTATION, PART_OF_LABEL } from "../api/names.ts";
import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { layerMarkOf } from "../membership/observed.ts";
import { hmacDigest } from "../objects/digest.ts";
import { describeRef, groupKindKey, gvkOf, isCrd, keyOf, refOf } from "../objects/identity.ts";
import { normalize } from "../objects/normalize.ts";
import type { GroupKind, GroupVersionKind, KubeObject } from "../objects/types.ts";
import { kindsServedBy, waveOf } from "../objects/waves.ts";
import { isMeant } from "./object-target.ts";
import { reservedMarkFailure } from "./reserved.ts";
import type { Desired, Hook, LayerContent, PlacedHook } from "./types.ts";

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
  hooks: readonly PlacedHook[];
  /** Objects that cannot be placed: the others are applied all the same. */
  problems: readonly Failure[];
  /** Kinds that neither the cluster nor the profile knows. */
  unknownKinds: readonly GroupVersionKind[];
}

/** Turns what a source gave into the objects to apply: namespaces filled in, the part-of label set, digests computed. */
export function place(content: LayerContent, placement: Placement): Placed {
  const { attachments = [], release } = content;
  const served = kindsServedBy([...content.crds, ...attachments, ...content.objects]);
  const problems: Failure[] = [];
  const seen = new Map<string, Desired>();
  const marks = release && helmMarks(placement);
  const goesBack = release?.rolledBack !== undefined;
  const add = (object: KubeObject, from: Origin): void => {
    const own = from === "crds" ? undefined : marks;
    const result = placeOne(object, { ...placement, served, from, goesBack, marks: own });
    if (result instanceof Failure) problems.push(result);
    else if (seen.has(result.key)) problems.push(duplicate(result, placement.layer));
    else seen.set(result.key, result);
  };
  if (placement.layer.crds !== "Skip") for (const crd of content.crds) add(crd, "crds");
  for (const object of attachments) add(object, "attachments");
  for (const object of content.objects) add(object, "content");
  const hooks = placeHooks(release?.hooks ?? [], placement);
  problems.push(...hooks.problems);
  const unknown = unknownKinds(content, placement.scopes);
  return { desired: [...seen.values()], hooks: hooks.placed, problems, unknownKinds: unknown };
}

/** Where an object of a layer comes from: a chart's `crds/`, the layer's `attachments`, or the chart or manifests themselves. */
type Origin = "crds" | "attachments" | "content";

type Marks = Required<Pick<KubeObject["metadata"], "labels" | "annotations">>;

/** The marks by which Helm knows the objects of a release (Helm: `pkg/action/validate.go`). */
function helmMarks({ layer, namespace = "" }: Placement): Marks {
  return {
    labels: { "app.kubernetes.io/managed-by": "Helm" },
    annotations: {
      "meta.helm.sh/release-name": releaseNameOf(layer),
      "meta.helm.sh/release-namespace": namespace,
    },
  };
}

/** The name of a chart layer's Helm release. */
export function releaseNameOf({ helm, name }: Layer): string {
  return helm?.releaseName ?? name;
}

/** What tells where an object goes. */
type Place = Pick<Placement, "namespace" | "scopes"> & { layer: { name: string } };

/**
 * Hooks with their objects as they are created: with a namespace, and without the mark of a member, so that none is pruned.
 * A kind that nobody knows is no problem yet: a hook that runs before may bring its CRD, and many hooks never run.
 */
export function placeHooks(hooks: readonly Hook[], at: Place): { placed: PlacedHook[]; problems: Failure[] } {
  const problems: Failure[] = [];
  const placed = hooks.flatMap((hook): PlacedHook[] => {
    const object = normalize(hook.object);
    const home = homeOf(object, { ...at, scopes: (kind) => at.scopes(kind) ?? "Namespaced" });
    if (home instanceof Failure) {
      problems.push(home);
      return [];
    }
    const { namespace: _, ...metadata } = object.metadata;
    const named = { ...object, metadata: { ...metadata, ...home } };
    return [{ hook, object: named, ref: refOf(named) }];
  });
  return { placed, problems };
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
    if (!isCrd(object)) continue;
    const spec = object["spec"] as { group?: string; scope?: string; names?: { kind?: string } } | undefined;
    if (!spec?.group || !spec.names?.kind) continue;
    scopes.set(
      groupKindKey({ group: spec.group, kind: spec.names.kind }),
      spec.scope === "Cluster" ? "Cluster" : "Namespaced",
    );
  }
  return scopes;
}

function unknownKinds(content: LayerContent, scopes: Scopes): GroupVersionKind[] {
  const objects = [...(content.attachments ?? []), ...content.objects];
  return objects.map(gvkOf).filter((kind) => scopes(kind) === undefined);
}

interface OnePlacement extends Placement {
  /** Whether it is the content of an older revision: as with `helm rollback`, CRDs stay as they are. */
  goesBack: boolean;
  served: ReadonlySet<string>;
  from: Origin;
  marks: Marks | undefined;
}

/** The namespace that an object goes to, which a cluster-scoped one has not. */
function homeOf(object: KubeObject, placement: Place): { namespace?: string } | Failure {
  const kind = gvkOf(object);
  const reserved = reservedMarkFailure(object);
  if (reserved) return reserved;
  const scope = placement.scopes(kind);
  if (scope === undefined) {
    return new Failure(
      "KindNotFound",
      `${describeRef(refOf(object))}: the cluster has no kind ${kind.kind} in ${object.apiVersion}, and no CRD of this profile ` +
        "brings it: correct apiVersion and kind, or put the layer with its CRD before this one",
    );
  }
  const namespace = scope === "Namespaced" ? object.metadata.namespace || placement.namespace : undefined;
  if (scope === "Namespaced" && !namespace) {
    return new Failure(
      "NamespaceMissing",
      `${describeRef(refOf(object))} has no namespace: set it on the object, on layer ${placement.layer.name}, or as spec.namespace`,
    );
  }
  return namespace ? { namespace } : {};
}

function withMarks(object: KubeObject, marks: Marks): KubeObject {
  const { labels, annotations } = object.metadata;
  const metadata = {
    ...object.metadata,
    labels: { ...labels, ...marks.labels },
    annotations: { ...annotations, ...marks.annotations },
  };
  return { ...object, metadata };
}

function placeOne(raw: KubeObject, placement: OnePlacement): Desired | Failure {
  const { from, marks } = placement;
  // First: an object with Helm's label has labels, and the API server gives it none of its pod template's.
  const object = normalize(marks ? withMarks(raw, marks) : raw);
  const home = homeOf(object, placement);
  if (home instanceof Failure) return home;
  const { namespace } = home;
  const { namespace: _, ...metadata } = object.metadata;
  const labelled: KubeObject = {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace ? { namespace } : {}),
      labels: { ...metadata.labels, [PART_OF_LABEL]: placement.set.id },
    },
  };
  const ref = refOf(labelled);
  const ignored = ignoredIn(object, placement);
  return {
    ref,
    key: keyOf(ref),
    object: labelled,
    digest: hmacDigest(placement.digestKey, labelled),
    wave: waveOf(labelled, placement.served),
    fromCrdsFolder: from === "crds",
    createOnly: from === "crds" && (placement.layer.crds === "Create" || placement.goesBack),
    attached: from === "attachments",
    ...(ignored.length > 0 ? { ignored } : {}),
  };
}

/** The fields of an object that its layer leaves to others. */
function ignoredIn(object: KubeObject, { layer, namespace }: OnePlacement): string[] {
  const rules = layer.drift?.ignore ?? [];
  return [...new Set(rules.flatMap((rule) => (isMeant(rule.target, object, namespace) ? rule.jsonPointers : [])))];
}

function duplicate(desired: Desired, layer: Layer): Failure {
  return new Failure(
    "InvalidManifest",
    `${describeRef(desired.ref)} stands twice in layer ${layer.name}: keep one of them`,
  );
}
