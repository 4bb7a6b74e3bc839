import type { ClusterRef, Profile } from "../api/types.ts";
import type { HubCache } from "../kube/hub/hub-cache.ts";
import { isTargetOf, matches } from "../plan/targets.ts";

/** A profile reaches its own namespace; a SystemProfile the namespaces that it selects, or names in `clusterRefs`. */
export function reaches(profile: Profile, namespace: string, cache: Pick<HubCache, "namespaceLabels">): boolean {
  if (profile.kind !== "SystemProfile") return profile.metadata.namespace === namespace;
  const { namespaceSelector } = profile.spec;
  return !namespaceSelector || matches(namespaceSelector, cache.namespaceLabels(namespace));
}

/** Whether a profile goes to a cluster. While a TargetCluster cannot be read nobody can tell: it stays as it is. */
export function goesTo(
  profile: Profile,
  ref: ClusterRef,
  cache: Pick<HubCache, "namespaceLabels" | "targets" | "unreadableTargets">,
): boolean {
  const name = `${ref.namespace}/${ref.name}`;
  const target = cache.targets.get(name);
  const reached = target && reaches(profile, target.metadata.namespace, cache) ? target : undefined;
  return cache.unreadableTargets.has(name) || isTargetOf(profile, ref, reached);
}
