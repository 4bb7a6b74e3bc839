import { LOCAL_CLUSTER, SYSTEM_NAMESPACE } from "../api/names.ts";

/** A cluster, as it is reached by one of its names: `local`, or `namespace/name` of a TargetCluster. */
export interface Reached {
  name: string;
  /** What it has told of itself. */
  uid: string | undefined;
  /** The URL of its API server; undefined while no kubeconfig says it. */
  server: string | undefined;
}

/**
 * Whether two names lead to one physical cluster. A uid is whatever an API server says: between tenants it is believed only where
 * both connections go to the same server, or a tenant's server could say that it is another tenant's cluster and have a part in
 * what becomes of the objects there.
 */
export function isOneCluster(one: Reached, other: Reached): boolean {
  if (one.uid !== other.uid) return false;
  return isOfOneOwner(one.name, other.name) || (one.server !== undefined && one.server === other.server);
}

/** Whether two names were given by one tenant, or both by the platform, which the hub is of. */
export function isOfOneOwner(one: string, other: string): boolean {
  return ownerOf(one) === ownerOf(other);
}

function ownerOf(name: string): string | undefined {
  return name === LOCAL_CLUSTER ? SYSTEM_NAMESPACE : name.split("/")[0];
}
