import {
  APPLYSET_ID_LABEL,
  APPLYSET_KINDS_ANNOTATION,
  APPLYSET_NAMESPACES_ANNOTATION,
  APPLYSET_TOOLING_ANNOTATION,
  HUB_ANNOTATION,
  PROFILE_ANNOTATION,
  SYSTEM_NAMESPACE,
} from "../api/names.ts";
import { applySetId, parentName } from "../objects/digest.ts";
import { groupKindKey } from "../objects/identity.ts";
import type { GroupKind, KubeObject } from "../objects/types.ts";

/** The identity of one profile's objects in one physical cluster (KEP-3659). */
export interface ApplySet {
  /** Name of the parent ConfigMap in the cluster's `strata-system`. */
  parent: string;
  /** The value of the part-of label. */
  id: string;
  /** The field manager of every write to a member: one per set, so that server-side apply guards one set against another. */
  manager: string;
}

export interface ProfileIdentity {
  kind: string;
  namespace?: string | undefined;
  name: string;
  /** Of what is applied on the hub for a cluster: the TargetCluster, `namespace/name`. */
  target?: string | undefined;
}

/** Nothing of the hub's uids is in an ApplySet's name, so that a restored hub recognises what it made. */
export function applySetOf(profile: ProfileIdentity): ApplySet {
  const parent = parentName(profile.kind, profile.namespace ?? "", profile.name, profile.target);
  return {
    parent,
    id: applySetId({ name: parent, namespace: SYSTEM_NAMESPACE, kind: "ConfigMap", group: "" }),
    manager: `strata-${parent.slice("strata-".length, "strata-".length + 8)}`,
  };
}

/** What the parent remembers: where members may be, and in which order the layers went in. */
export interface Parent {
  hub: string;
  /** Group-kinds as the KEP writes them, `Deployment.apps`; always a superset of what exists. */
  kinds: ReadonlySet<string>;
  namespaces: ReadonlySet<string>;
  /**
   * Which of the kinds may be in which of the namespaces, `Deployment.apps/shop`: an identity may be allowed to read just that,
   * and not each kind in each namespace. Cluster-scoped kinds end in the slash.
   */
  places: ReadonlySet<string>;
  /** Layers in the order of the list, so that one that leaves the list can still be removed in reverse. */
  layers: readonly string[];
  /** Namespaces that layers asked for (`namespace:`), which are ours to clean up if we created them. */
  ownNamespaces: ReadonlySet<string>;
  /** The Helm releases of layers, so that one whose layer left the list, or has another release now, is still found. */
  releases: readonly LayerRelease[];
  /** The uids, by object key, of what was there before us and goes back: their own mark is anybody's to take off. */
  adopted: ReadonlyMap<string, string>;
}

export interface LayerRelease {
  layer: string;
  namespace: string;
  name: string;
}

export const EMPTY_PARENT: Omit<Parent, "hub"> = {
  kinds: new Set(),
  namespaces: new Set(),
  places: new Set(),
  layers: [],
  ownNamespaces: new Set(),
  releases: [],
  adopted: new Map(),
};

const RELEASES_KEY = "releases";
const LAYERS_KEY = "layers";
const OWN_NAMESPACES_KEY = "namespaces";
const PLACES_KEY = "places";
const ADOPTED_KEY = "adopted";

/** The parent ConfigMap, as it is applied before the first object and whenever the set widens or narrows. */
export function parentObject(set: ApplySet, profile: ProfileIdentity, parent: Parent): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: set.parent,
      namespace: SYSTEM_NAMESPACE,
      labels: { [APPLYSET_ID_LABEL]: set.id },
      annotations: {
        [APPLYSET_TOOLING_ANNOTATION]: "strata/v1",
        [APPLYSET_KINDS_ANNOTATION]: [...parent.kinds].sort().join(","),
        [APPLYSET_NAMESPACES_ANNOTATION]: [...parent.namespaces].sort().join(","),
        [HUB_ANNOTATION]: parent.hub,
        [PROFILE_ANNOTATION]: describeProfile(profile),
      },
    },
    data: {
      [LAYERS_KEY]: parent.layers.join(","),
      [OWN_NAMESPACES_KEY]: [...parent.ownNamespaces].sort().join(","),
      [PLACES_KEY]: [...parent.places].sort().join(","),
      [RELEASES_KEY]: parent.releases.map(releaseText).sort().join(","),
      // Names of some kinds may have any character in them.
      ...(parent.adopted.size > 0 ? { [ADOPTED_KEY]: JSON.stringify([...parent.adopted].sort()) } : {}),
    },
  };
}

export function parseParent(object: KubeObject): Parent {
  const annotations = object.metadata.annotations ?? {};
  const data = (object["data"] ?? {}) as Record<string, string>;
  return {
    hub: annotations[HUB_ANNOTATION] ?? "",
    kinds: new Set(splitList(annotations[APPLYSET_KINDS_ANNOTATION])),
    namespaces: new Set(splitList(annotations[APPLYSET_NAMESPACES_ANNOTATION])),
    places: new Set(splitList(data[PLACES_KEY])),
    layers: splitList(data[LAYERS_KEY]),
    ownNamespaces: new Set(splitList(data[OWN_NAMESPACES_KEY])),
    releases: splitList(data[RELEASES_KEY]).map(releaseEntry),
    adopted: adoptedEntries(data[ADOPTED_KEY]),
  };
}

function adoptedEntries(text = "[]"): Parent["adopted"] {
  try {
    const pairs: unknown = JSON.parse(text);
    return new Map(Array.isArray(pairs) ? pairs.map(([key, uid]) => [String(key), String(uid)]) : []);
  } catch {
    return new Map();
  }
}

/** `front=web/shop`: the layer, and the namespace and name of its release. */
export function releaseText({ layer, namespace, name }: LayerRelease): string {
  return `${layer}=${namespace}/${name}`;
}

function releaseEntry(text: string): LayerRelease {
  const [layer = "", namespace = "", name = ""] = text.split(/[=/]/);
  return { layer, namespace, name };
}

/** What is about to be applied, in the terms of the parent. */
export interface Reach {
  objects: readonly (GroupKind & { namespace?: string | undefined })[];
  layers: readonly string[];
  ownNamespaces: Iterable<string>;
  releases?: Parent["releases"];
}

/**
 * The parent that covers what is about to be applied: the same object when it covers it already, so that an unchanged
 * pass writes nothing.
 */
export function widen(parent: Parent, reach: Reach): Parent {
  const kinds = parent.kinds.union(new Set(reach.objects.map(groupKindKey)));
  const namespaces = parent.namespaces.union(new Set(reach.objects.flatMap(({ namespace }) => namespace ?? [])));
  const places = parent.places.union(
    new Set(reach.objects.map((ref) => `${groupKindKey(ref)}/${ref.namespace ?? ""}`)),
  );
  const ownNamespaces = parent.ownNamespaces.union(new Set(reach.ownNamespaces));
  const layers = mergeOrder(parent.layers, reach.layers);
  const known = new Set(parent.releases.map(releaseText));
  const releases = [...parent.releases, ...(reach.releases ?? []).filter((one) => !known.has(releaseText(one)))];
  const same =
    releases.length === parent.releases.length &&
    kinds.size === parent.kinds.size &&
    namespaces.size === parent.namespaces.size &&
    places.size === parent.places.size &&
    ownNamespaces.size === parent.ownNamespaces.size &&
    layers.join() === parent.layers.join();
  return same ? parent : { ...parent, kinds, namespaces, places, layers, ownNamespaces, releases };
}

/** Keeps layers that left the list where they stood: right after the layer they used to follow. */
function mergeOrder(old: readonly string[], listed: readonly string[]): readonly string[] {
  const merged = [...listed];
  old.forEach((layer, index) => {
    if (merged.includes(layer)) return;
    const previous = index === 0 ? -1 : merged.indexOf(old[index - 1] ?? "");
    merged.splice(previous + 1, 0, layer);
  });
  return merged;
}

function describeProfile(profile: ProfileIdentity): string {
  return [profile.kind, profile.namespace, profile.name].filter(Boolean).join("/");
}

function splitList(text: string | undefined): string[] {
  return (text ?? "").split(",").filter((item) => item !== "");
}
