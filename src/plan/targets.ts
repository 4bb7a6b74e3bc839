import { API_VERSION, FINALIZER, LOCAL_CLUSTER, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { ClusterRef, LabelSelector, Profile, ProfileDeployment, TargetCluster } from "../api/types.ts";
import { sha256Hex } from "../objects/digest.ts";
import { hasManagement, type Side } from "./sides.ts";

/**
 * The clusters that a profile goes to: named ones also when they do not exist (yet), so that their absence shows. None that is
 * being deleted: it is left, as if its labels had been taken off.
 */
export function targetsOf(profile: Profile, clusters: readonly TargetCluster[]): ClusterRef[] {
  const { clusterRefs, clusterSelector } = profile.spec;
  if (clusterRefs) {
    const going = new Set(clusters.filter(({ metadata }) => metadata.deletionTimestamp).map(clusterKey));
    return clusterRefs
      .map((ref) => withNamespace(ref, profile))
      .filter(({ namespace, name }) => !going.has(`${namespace}/${name}`));
  }
  if (!clusterSelector) return [];
  return clusters
    .filter((cluster) => isSelected(clusterSelector, cluster))
    .map(({ metadata: { name, namespace } }) => ({ name, namespace }));
}

function clusterKey({ metadata: { namespace, name } }: TargetCluster): string {
  return `${namespace}/${name}`;
}

function isSelected(selector: LabelSelector, { metadata }: TargetCluster): boolean {
  return metadata.deletionTimestamp === undefined && matches(selector, metadata.labels ?? {});
}

/**
 * Whether a profile goes to one cluster: what `targetsOf` answers, without a look at the others.
 *
 * @param cluster the TargetCluster of that name; undefined when there is none that the profile reaches, and for `local`
 */
export function isTargetOf(profile: Profile, { namespace, name }: ClusterRef, cluster?: TargetCluster): boolean {
  const { clusterRefs, clusterSelector } = profile.spec;
  if (clusterSelector) return cluster !== undefined && isSelected(clusterSelector, cluster);
  if (cluster?.metadata.deletionTimestamp) return false;
  return (clusterRefs ?? []).some((ref) => ref.name === name && withNamespace(ref, profile).namespace === namespace);
}

function withNamespace(ref: ClusterRef, profile: Profile): ClusterRef {
  if (ref.name === LOCAL_CLUSTER) return { name: LOCAL_CLUSTER };
  const namespace = profile.metadata.namespace ?? ref.namespace;
  return { name: ref.name, ...(namespace ? { namespace } : {}) };
}

/** A label selector by Kubernetes' rules: all terms must hold, and an empty selector takes everything. */
export function matches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return equal && (selector.matchExpressions ?? []).every((expression) => holds(expression, labels));
}

type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];

function holds({ key, operator, values = [] }: Expression, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** The cluster that a deployment is about: `local`, or `namespace/name` of the TargetCluster. */
export function clusterNameOf({ spec: { clusterRef } }: ProfileDeployment): string {
  return clusterRef.name === LOCAL_CLUSTER ? LOCAL_CLUSTER : `${clusterRef.namespace}/${clusterRef.name}`;
}

/** The namespace of a profile's deployments: its own, or Strata's for a SystemProfile. */
function deploymentNamespace(profile: Profile): string {
  return profile.metadata.namespace ?? SYSTEM_NAMESPACE;
}

/** A ProfileDeployment's name: what it is about for people, and a digest so that no two ever meet. */
function deploymentName(profile: Profile, cluster: ClusterRef, side: Side = "Workload"): string {
  const { namespace = "", name } = profile.metadata;
  const isHubs = side === "Management";
  const about = [profile.kind, namespace, name, cluster.namespace ?? "", cluster.name, ...(isHubs ? [side] : [])];
  const digest = sha256Hex(JSON.stringify(about)).slice(0, 8);
  return `${`${name}-${cluster.name}`.slice(0, 200)}${isHubs ? "-management" : ""}-${digest}`;
}

/**
 * Whether a deployment is one that Strata makes for the profile. Whoever may write deployments could otherwise bring a profile
 * to a cluster of another tenant, with the credentials of that tenant.
 */
export function isDeploymentOf(
  profile: Profile,
  { metadata, spec: { clusterRef, applyTo } }: ProfileDeployment,
): boolean {
  const { namespace } = profile.metadata;
  const isReachable =
    clusterRef.name === LOCAL_CLUSTER || namespace === undefined || clusterRef.namespace === namespace;
  const isInPlace = metadata.namespace === deploymentNamespace(profile);
  return isReachable && isInPlace && metadata.name === deploymentName(profile, clusterRef, applyTo);
}

/** A new deployment of a profile on a cluster, owned by the profile so that `kubectl tree` and friends show it. */
export function newDeployment(profile: Profile, cluster: ClusterRef, side: Side = "Workload"): ProfileDeployment {
  const { name, namespace, uid = "" } = profile.metadata;
  return {
    apiVersion: API_VERSION,
    kind: "ProfileDeployment",
    metadata: {
      name: deploymentName(profile, cluster, side),
      namespace: deploymentNamespace(profile),
      finalizers: [FINALIZER],
      ownerReferences: [{ apiVersion: API_VERSION, kind: profile.kind, name, uid, controller: true }],
    },
    spec: {
      profileRef: { kind: profile.kind, name, ...(namespace ? { namespace } : {}) },
      clusterRef: cluster,
      ...(side === "Management" ? { applyTo: side } : {}),
    },
  };
}

/** The deployments that a profile should have on its clusters, by their names. */
export function deploymentsFor(
  profile: Profile,
  clusters: readonly TargetCluster[],
  existing: readonly ProfileDeployment[],
): Map<string, ProfileDeployment> {
  const all = targetsOf(profile, clusters).flatMap((cluster) => {
    const own = newDeployment(profile, cluster);
    const hubs = newDeployment(profile, cluster, "Management");
    const exists = clusters.some(
      ({ metadata }) => metadata.name === cluster.name && metadata.namespace === cluster.namespace,
    );
    // What is left of layers that were taken out of the list is its to remove.
    const isInUse = existing.some(
      ({ metadata, status }) => metadata.name === hubs.metadata.name && (status?.layers?.length ?? 0) > 0,
    );
    return exists && (hasManagement(profile) || isInUse) ? [own, hubs] : [own];
  });
  return new Map(all.map((deployment) => [deployment.metadata.name, deployment]));
}
