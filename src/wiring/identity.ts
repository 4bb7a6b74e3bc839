import { LOCAL_CLUSTER, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Profile, Registry } from "../api/types.ts";
import { type Identity, serviceAccountIdentity } from "../kube/identity.ts";

/** What SystemProfiles act as on the hub; the operator's chart binds what it may do, by default nothing. */
const SYSTEM_PROFILES_ACCOUNT = "strata-system-profiles";

/**
 * Whom a profile acts as on the hub, reads of what it refers to included. Who may write profiles in a namespace is no admin
 * of the hub: only the namespace's own ServiceAccount acts.
 */
function hubIdentity(profile: Profile): Identity {
  if (profile.kind === "SystemProfile") return serviceAccountIdentity(SYSTEM_NAMESPACE, SYSTEM_PROFILES_ACCOUNT);
  return serviceAccountIdentity(profile.metadata.namespace, profile.spec.serviceAccountName);
}

/** Whom a profile acts as on a cluster: a target's kubeconfig is the whole answer there. */
export function clusterIdentity(profile: Profile, clusterName: string): Identity | undefined {
  return clusterName === LOCAL_CLUSTER ? hubIdentity(profile) : undefined;
}

/** Whom references are read as. A SystemProfile is an admin's own, and its references name their namespaces. */
export function referenceIdentity(profile: Profile): Identity | undefined {
  return profile.kind === "SystemProfile" ? undefined : hubIdentity(profile);
}

/** Whom the Secrets of a Registry are read as. Those in Strata's own namespace are an admin's own. */
export function registryIdentity({ metadata, spec }: Registry): Identity | undefined {
  if (metadata.namespace === SYSTEM_NAMESPACE) return undefined;
  return serviceAccountIdentity(metadata.namespace, spec.serviceAccountName);
}
