import { LOCAL_CLUSTER, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Seen } from "./seen.ts";

/**
 * Whether a namespace is the one that the profile itself lives in. When that is deleted it goes after the profile, which cannot
 * wait for it then.
 */
export function isHome(namespace: string, { profile, cluster, side }: Seen): boolean {
  const isHub = cluster.name === LOCAL_CLUSTER || side === "Management";
  return isHub && namespace === (profile.metadata.namespace ?? SYSTEM_NAMESPACE);
}
