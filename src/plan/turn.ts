import type { Profile, ProfileDeployment, ProfileKind } from "../api/types.ts";
import { Failure } from "../errors.ts";

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
 * Whose turn it is on a cluster. A lower tier waits for the higher ones when it is first installed there, and no profile waits
 * for one that is suspended or on its way out. What `dependsOn` names is waited for by everything new.
 *
 * @param isInstalled whether a layer of it was Ready on this cluster once
 */
export function turnOf(own: Neighbour, others: readonly Neighbour[], isInstalled: boolean): Turn {
  const rival = own.profile.kind === "ClusterProfile" ? rivalOf(own, others) : undefined;
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
  const late = higher.find((other) => !isGoing(other) && !other.profile.spec.suspend && !isComplete(other));
  return late ? { kind: "waits", on: lateSentence(late) } : { kind: "free" };
}

/** A cluster has one ClusterProfile: the one that came first. */
function rivalOf(own: Neighbour, others: readonly Neighbour[]): Neighbour | undefined {
  return others.find(
    ({ profile, deployment }) => profile.kind === "ClusterProfile" && ageOf(deployment) < ageOf(own.deployment),
  );
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

/** Whether each layer has opened its gate, for the profile as it is now. */
function isComplete(neighbour: Neighbour): boolean {
  return firstClosed(neighbour) === undefined;
}

function firstClosed({ profile, deployment: { status } }: Neighbour): string | undefined {
  if (status?.profileGeneration !== profile.metadata.generation) return "is not judged yet";
  for (const { name } of profile.spec.layers) {
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
