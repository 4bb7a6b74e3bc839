import type { Profile } from "../api/types.ts";
import type { HubCache } from "../kube/hub/hub-cache.ts";
import { matches } from "../plan/targets.ts";

/** A profile reaches its own namespace; a SystemProfile the namespaces that it selects, or names in `clusterRefs`. */
export function reaches(profile: Profile, namespace: string, cache: Pick<HubCache, "namespaceLabels">): boolean {
  if (profile.kind !== "SystemProfile") return profile.metadata.namespace === namespace;
  const { namespaceSelector } = profile.spec;
  return !namespaceSelector || matches(namespaceSelector, cache.namespaceLabels(namespace));
}
