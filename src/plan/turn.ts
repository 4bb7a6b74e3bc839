import { LOCAL_CLUSTER } from "../api/names.ts";
import type { Profile, ProfileDeployment, ProfileKind } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { onSide } from "./sides.ts";

/** Another profile that comes to the same cluster. */
export interface Neighbour {
  profile: Profile;
  deployment: ProfileDeployment;
}

/** Whether a profile may bring something new to a cluster now. */
export type Turn =
  | { kind: "free" }
  /** In words, such as `ClusterProfile acme/base: layer cni is Waiting`. */
  | { kind: "waits"; on: string }
  | { kind: "refused"; failure: Failure };

/** From the highest to the lowest: what a platform brings comes before what a tenant's cluster is made of, and that before add-ons. */
const TIERS: readonly ProfileKind[] = ["SystemProfile", "ClusterProfile", "AddOnProfile"];

/**
 * Whose turn it is on a cluster. A lower tier waits for the higher ones when it is first installed there, and for none that is
 * suspended, on its way out, or refused. What `dependsOn` names is waited for by everything new. On `local`, which each tenant
 * has, one tenant's profiles are nothing to those of another.
 *
 * @param isInstalled whether a layer of it was Ready on this cluster once
 */
export function turnOf(own: Neighbour, all: readonly Neighbour[], isInstalled: boolean): Turn {
  const others = all.filter((other) => isOfTenant(other, own));
  const rival = rivalOf(own, others);
  if (rival) return { kind: "refused", failure: rivalFailure(rival.profile) };
  const circle = circleFrom(own, others);
  if (circle) return { kind: "refused", failure: new Failure("InvalidSpec", circleSentence(circle)) };
  const tier = TIERS.indexOf(own.profile.kind);
  const higher = isInstalled ? [] : others.filter(({ profile }) => TIERS.indexOf(profile.kind) < tier);
  for (const { kind, name } of own.profile.spec.dependsOn ?? []) {
    const found = others.find((other) => isNamed(other, { kind, name }, own));
    if (!found) return { kind: "waits", on: `${kind} ${name}, which does not come to this cluster` };
    if (!isComplete(found)) return { kind: "waits", on: lateSentence(found) };
  }
  const late = higher.find((other) => isAtWork(other, others) && !isComplete(other));
  return late ? { kind: "waits", on: lateSentence(late) } : { kind: "free" };
}

/** Profiles of the platform have no tenant: they concern all, and all them. */
function isOfTenant({ profile: { metadata } }: Neighbour, { profile }: Neighbour): boolean {
  return metadata.namespace === undefined || [undefined, metadata.namespace].includes(profile.metadata.namespace);
}

/**
 * A cluster has one ClusterProfile: the one that came first. The next one has its turn when that one begins to go, and not when
 * it has gone: what both bring is handed over then, and not deleted in between.
 */
function rivalOf(own: Neighbour, others: readonly Neighbour[]): Neighbour | undefined {
  if (own.profile.kind !== "ClusterProfile") return undefined;
  const stays = others.filter((other) => other.profile.kind === "ClusterProfile" && !isGoing(other));
  return stays.find(({ deployment }) => ageOf(deployment) < ageOf(own.deployment));
}

/** Sorts by time, then by name. */
function ageOf({ metadata }: ProfileDeployment): string {
  return [metadata.creationTimestamp ?? "", metadata.namespace, metadata.name].join(" ");
}

function rivalFailure(rival: Profile): Failure {
  const words = `the cluster has ${nameOf(rival)} already, and a cluster has one ClusterProfile: make an AddOnProfile of this one, or take the cluster out of one of the two`;
  return new Failure("Conflict", words);
}

/** The profiles of a circle that goes through `own`, in order. */
function circleFrom(own: Neighbour, others: readonly Neighbour[]): readonly Profile[] | undefined {
  const seen = new Set<Neighbour>();
  const walk = (from: Neighbour, path: readonly Profile[]): readonly Profile[] | undefined => {
    for (const { kind, name } of from.profile.spec.dependsOn ?? []) {
      if (isNamed(own, { kind, name }, from)) return path;
      const next = others.find((other) => isNamed(other, { kind, name }, from));
      if (!next || seen.has(next)) continue;
      seen.add(next);
      const found = walk(next, [...path, next.profile]);
      if (found) return found;
    }
    return undefined;
  };
  return walk(own, [own.profile]);
}

function circleSentence(circle: readonly Profile[]): string {
  const names = [...circle, ...circle.slice(0, 1)].map(nameOf);
  return `dependsOn goes in a circle: ${names.join(" needs ")}: take one of them out`;
}

/** A name means a profile of the own namespace, or a SystemProfile, which has none. */
function isNamed(
  { profile: { kind, metadata } }: Neighbour,
  ref: { kind: ProfileKind; name: string },
  from: Neighbour,
): boolean {
  const namespace = ref.kind === "SystemProfile" ? undefined : from.profile.metadata.namespace;
  return kind === ref.kind && metadata.name === ref.name && metadata.namespace === namespace;
}

function isGoing({ profile, deployment }: Neighbour): boolean {
  return (profile.metadata.deletionTimestamp ?? deployment.metadata.deletionTimestamp) !== undefined;
}

/** Whether it will be complete without anybody's doing. */
function isAtWork(neighbour: Neighbour, others: readonly Neighbour[]): boolean {
  return !isGoing(neighbour) && !neighbour.profile.spec.suspend && rivalOf(neighbour, others) === undefined;
}

/** Whether each layer has opened its gate, for the profile as it is now. */
function isComplete(neighbour: Neighbour): boolean {
  return firstClosed(neighbour) === undefined;
}

function firstClosed({ profile, deployment: { spec, status } }: Neighbour): string | undefined {
  if (status?.profileGeneration !== profile.metadata.generation) return "is not judged yet";
  const here = spec.clusterRef.name === LOCAL_CLUSTER ? profile : onSide(profile, "Workload");
  for (const { name } of here.spec.layers) {
    const row = status?.layers?.find((one) => one.name === name);
    if (row?.gate !== "Open") return `layer ${name} is ${row?.state ?? "Pending"}`;
  }
  return undefined;
}

function lateSentence(neighbour: Neighbour): string {
  return `${nameOf(neighbour.profile)}: ${firstClosed(neighbour)}`;
}

/** `ClusterProfile acme/base`. */
function nameOf({ kind, metadata: { namespace, name } }: Profile): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
