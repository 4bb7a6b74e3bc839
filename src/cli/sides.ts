import { LOCAL_CLUSTER } from "../api/names.ts";
import type { Profile } from "../api/types.ts";
import { hasManagement, onSide, type Side } from "../plan/sides.ts";

/** A profile with the layers of one side, or with all of them where both sides are one. */
export interface Sided {
  profile: Profile;
  side?: Side;
}

/** A profile as the operator plans it for a cluster: each side by itself, save on `local`. */
export function sidesOf(profile: Profile, isLocal: boolean): Sided[] {
  if (isLocal || !hasManagement(profile)) return [{ profile }];
  return (["Management", "Workload"] as const).map((side) => ({ profile: onSide(profile, side), side }));
}

/** Whether a profile goes to the hub's own cluster. */
export function goesToLocal({ spec: { clusterRefs = [] } }: Profile): boolean {
  return clusterRefs.some(({ name }) => name === LOCAL_CLUSTER);
}

/** Whether a profile goes to the hub's own cluster, and to no other. */
export function isOnlyLocal({ spec: { clusterRefs } }: Profile): boolean {
  return clusterRefs?.every(({ name }) => name === LOCAL_CLUSTER) === true;
}
