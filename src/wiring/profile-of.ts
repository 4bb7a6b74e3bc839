import type { Profile, ProfileDeployment } from "../api/types.ts";
import { isDeploymentOf } from "../plan/targets.ts";
import { profileKeyOf } from "../reconcile/profile.ts";
import type { Hub } from "./hub.ts";

/** The profile that a deployment brings; undefined when it is gone, or when somebody made the deployment up. */
export function profileOf(deployment: ProfileDeployment, cache: Pick<Hub["cache"], "profile">): Profile | undefined {
  const profile = cache.profile(profileKeyOf(deployment));
  return profile && isDeploymentOf(profile, deployment) ? profile : undefined;
}

/**
 * What stands for the profile that a deployment brings, where that is there and cannot be read: only its name is known. It has
 * its place on the cluster all the same.
 */
export function unreadProfileOf(
  deployment: ProfileDeployment,
  cache: Pick<Hub["cache"], "isUnreadableProfile">,
): Profile | undefined {
  if (!cache.isUnreadableProfile(profileKeyOf(deployment))) return undefined;
  const { kind, name, namespace } = deployment.spec.profileRef;
  const profile = { kind, metadata: { name, ...(namespace ? { namespace } : {}) }, spec: { layers: [] } };
  return isDeploymentOf(profile as unknown as Profile, deployment) ? (profile as unknown as Profile) : undefined;
}
