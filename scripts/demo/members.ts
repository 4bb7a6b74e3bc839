import { LAYER_ANNOTATION, PART_OF_LABEL } from "../../src/api/names.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { Discovery } from "../../src/kube/discovery.ts";
import type { Resource } from "../../src/kube/resource.ts";
import { applySetOf } from "../../src/membership/applyset.ts";
import { groupKindKey, keyOf, refOf } from "../../src/objects/identity.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import { NAMESPACE, PROFILE } from "./platform.ts";

const SET = applySetOf({ kind: "ClusterProfile", namespace: NAMESPACE, name: PROFILE });

/** What `kubectl get -l` takes to find the profile's objects. */
export const MEMBERS_SELECTOR = `${PART_OF_LABEL}=${SET.id}`;

/** One object of the profile, as it is in a cluster. */
export interface Member {
  key: string;
  layer: string;
  /** Moves with each change that somebody asked for, and with no other. */
  version: string;
}

/** Every object of the profile in a cluster, of whatever kind: those that carry its label and that its field manager applied. */
export async function membersOf(client: KubeClient, signal: AbortSignal): Promise<Member[]> {
  const all = await new Discovery(client).all({ signal });
  const kinds = new Map<string, Resource>();
  for (const resource of all) {
    if (resource.verbs.includes("list") && !kinds.has(groupKindKey(resource)))
      kinds.set(groupKindKey(resource), resource);
  }
  const options = { labelSelector: MEMBERS_SELECTOR, metadataOnly: true, signal };
  const lists = await Promise.all([...kinds.values()].map((resource) => client.listAll(resource, options)));
  return lists.flatMap(({ items }) => items.filter(isApplied).map(memberOf));
}

/** Kubernetes copies labels to objects of its own, such as Endpoints: nobody applied those. */
function isApplied({ metadata }: KubeObject): boolean {
  return (
    metadata.managedFields?.some(({ manager, operation }) => manager === SET.manager && operation === "Apply") === true
  );
}

function memberOf(object: KubeObject): Member {
  const { uid = "", generation = 0, annotations = {} } = object.metadata;
  const mark = annotations[LAYER_ANNOTATION] ?? "";
  return { key: keyOf(refOf(object)), layer: layerOf(object), version: `${uid}/${generation}/${mark}` };
}

/** The layer that an object of the profile belongs to; the parts of a pack are named `<layer>.<part>`. */
export function layerOf({ metadata }: KubeObject): string {
  return (metadata.annotations?.[LAYER_ANNOTATION] ?? "").split(/[./]/)[0] ?? "";
}
