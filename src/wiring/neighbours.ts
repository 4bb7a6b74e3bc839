import type { Profile } from "../api/types.ts";
import { applySetOf } from "../membership/applyset.ts";
import { describeRef } from "../objects/identity.ts";
import { profileKeyOf } from "../reconcile/profile.ts";
import type { Neighbours } from "../reconcile/settling.ts";
import type { Hub } from "./hub.ts";

/** A deployment, with the physical cluster that it acts on. */
interface Here {
  key: string;
  uid: string | undefined;
  /** The id of its ApplySet. */
  set: string;
}

interface Street {
  hub: Hub;
  clusterOf(key: string): string;
  /** The generations of profiles for which deployments have done all that they can. */
  still: ReadonlyMap<string, number | undefined>;
}

/**
 * How the deployments of other profiles on the same physical cluster are. Whose cluster is only being connected to may be on
 * this one, by another name.
 */
export function neighboursOf({ key, uid, set }: Here, { hub, clusterOf, still }: Street): Neighbours {
  const others = [...hub.cache.deployments].flatMap(([other, deployment]) => {
    if (other === key || deployment.metadata.deletionTimestamp !== undefined) return [];
    const link = hub.linkOf(clusterOf(other));
    const isUnknown = link?.uid === undefined && link?.state.kind === "connecting";
    if (link?.uid !== uid && !isUnknown) return [];
    const profile = hub.cache.profile(profileKeyOf(deployment));
    if (!profile || applySetOf(identityOf(profile)).id === set) return [];
    return [!isUnknown && still.get(other) === profile.metadata.generation];
  });
  return others.every(Boolean) ? "still" : "moving";
}

/** For people: the profile of this hub whose ApplySet has this parent. */
export function profileOfParent(parent: string, hub: Hub): string | undefined {
  for (const key of hub.cache.profileKeys()) {
    const profile = hub.cache.profile(key);
    if (!profile || applySetOf(identityOf(profile)).parent !== parent) continue;
    return describeRef(identityOf(profile));
  }
  return undefined;
}

export function identityOf({ kind, metadata: { namespace, name } }: Profile): Parameters<typeof applySetOf>[0] {
  return { kind, namespace, name };
}
