import { LOCAL_CLUSTER } from "../api/names.ts";
import type { Profile, ProfileDeployment, ProfileKind } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { describeRef } from "../objects/identity.ts";
import { onSide } from "./sides.ts";
import { clusterNameOf } from "./targets.ts";

/** A profile that comes to the same cluster, by one name of it. */
export interface Neighbour {
  profile: Profile;
  deployment: ProfileDeployment;
  /** Whether it does nothing there: the cluster does not answer by this name, or gets the profile by another one. */
  isIdle?: () => boolean;
  /** Whether the deployment, if somebody deletes it, is made again: the profile goes to the cluster as before. */
  isMadeAgain?: () => boolean;
}

/** What else tells of the turn of a profile. */
interface Signs {
  /** Whether a layer of it was Ready on this cluster once. */
  isInstalled: boolean;
  /** The ClusterProfiles that go to the cluster and have no deployment there at the moment. */
  absent?: () => readonly Profile[];
}

/** A profile on the cluster, by all names by which it comes there. */
interface Resident {
  profile: Profile;
  ways: readonly [Neighbour, ...Neighbour[]];
}

/** Whether a profile may bring something new to a cluster now. */
export type Turn =
  | { kind: "free" }
  /** In words, such as `ClusterProfile acme/base: layer cni is Waiting`. */
  | { kind: "waits"; on: string }
  /** It needs, by others, itself. */
  | { kind: "circle"; failure: Failure }
  | { kind: "refused"; failure: Failure };

/** From the highest to the lowest: what a platform brings comes before what a tenant's cluster is made of, and that before add-ons. */
const TIERS: readonly ProfileKind[] = ["SystemProfile", "ClusterProfile", "AddOnProfile"];

/**
 * Whose turn it is on a cluster. A lower tier waits for the higher ones when it is first installed there, and for none that is
 * suspended, on its way out, refused, or cannot get there. What `dependsOn` names is waited for by everything new.
 *
 * @param all by all names of the cluster, also what the profile itself has by other ones
 */
export function turnOf(own: Neighbour, all: readonly Neighbour[], { isInstalled, absent }: Signs): Turn {
  const [me, others] = residentsOf(own, all);
  const rival = rivalOf(me, others);
  const holder = rival ? nameWithWay(rival, own) : returning(me, absent);
  if (holder !== undefined) return { kind: "refused", failure: rivalFailure(holder) };
  const circle = circleFrom(me, others);
  if (circle) return { kind: "circle", failure: new Failure("InvalidSpec", circleSentence(circle)) };
  const tier = TIERS.indexOf(own.profile.kind);
  const higher = isInstalled ? [] : others.filter(({ profile }) => TIERS.indexOf(profile.kind) < tier);
  for (const { kind, name } of own.profile.spec.dependsOn ?? []) {
    const found = others.find((other) => isNamed(other, { kind, name }, me));
    if (!found) return { kind: "waits", on: absentSentence({ kind, name }, own) };
    if (!isComplete(found)) return { kind: "waits", on: lateSentence(found, own) };
  }
  const late = higher.find((other) => !isComplete(other) && isAtWork(other, others));
  return late ? { kind: "waits", on: lateSentence(late, own) } : { kind: "free" };
}

/** The profile and those that it lives with: one of several names has no turn of its own. */
function residentsOf(own: Neighbour, all: readonly Neighbour[]): [Resident, Resident[]] {
  const seen = all.filter((other) => isOfTenant(other, own));
  const byProfile = Map.groupBy(seen, ({ profile }) => nameOf(profile));
  const me: Resident = { profile: own.profile, ways: [own, ...(byProfile.get(nameOf(own.profile)) ?? [])] };
  byProfile.delete(nameOf(own.profile));
  const others = [...byProfile.values()].flatMap(([first, ...more]): Resident[] =>
    first ? [{ profile: first.profile, ways: [first, ...more] }] : [],
  );
  return [me, others];
}

/**
 * On `local`, which each tenant has, one tenant's profiles are nothing to those of another. Nor are they on a cluster that says it
 * is the one of another tenant; nor is there what the platform brings to that tenant. What it brings to `local` concerns all.
 */
function isOfTenant(other: Neighbour, own: Neighbour): boolean {
  return [undefined, tenantOf(own)].includes(tenantOf(other));
}

/** Whose profile it is, or else whose cluster. */
function tenantOf({ profile, deployment }: Neighbour): string | undefined {
  return profile.metadata.namespace ?? deployment.spec.clusterRef.namespace;
}

/**
 * A cluster has one ClusterProfile: the one that came first. The next one has its turn when that one begins to go, and not when
 * it has gone: what both bring is handed over then, and not deleted in between.
 */
function rivalOf(own: Resident, others: readonly Resident[]): Resident | undefined {
  if (own.profile.kind !== "ClusterProfile") return undefined;
  const rivals = others.filter((other) => other !== own && other.profile.kind === "ClusterProfile" && !isGoing(other));
  const first = firstOf([own, ...rivals]);
  return first === own ? undefined : first;
}

/**
 * Which ClusterProfile came first. A deployment that is made again is younger than those of others: what these were told
 * outlives it, and a restart. Without that its age tells; one that is deleted has none beside what others have brought by then.
 */
function firstOf(some: readonly [Resident, ...Resident[]]): Resident {
  const rank = (one: Resident) => `${hasBrought(one) && !one.ways.every(isDeleted) ? 0 : 1} ${ageOf(one)}`;
  const byAge = some.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const yields = (one: Resident) => some.some((other) => wasRefusedFor(one, other.profile));
  const told = byAge.find((one) => !yields(one) && some.some((other) => wasRefusedFor(other, one.profile)));
  return told ?? byAge[0] ?? some[0];
}

function hasBrought({ ways }: Resident): boolean {
  const rows = ways.flatMap(({ deployment }) => deployment.status?.layers ?? []);
  return rows.some(({ appliedAt, readyDigest }) => appliedAt !== undefined || readyDigest !== undefined);
}

function isDeleted({ deployment }: Neighbour): boolean {
  return deployment.metadata.deletionTimestamp !== undefined;
}

/** The ClusterProfile that had the cluster as long as it had a deployment there, and is about to get another one. */
function returning(own: Resident, absent: Signs["absent"]): string | undefined {
  if (own.profile.kind !== "ClusterProfile" || refusalsOf(own).length === 0) return undefined;
  const found = absent?.().find((profile) => wasRefusedFor(own, profile));
  return found && nameOf(found);
}

function wasRefusedFor(one: Resident, other: Profile): boolean {
  const words = `${rivalWords(nameOf(other))} `;
  return refusalsOf(one).some((message) => message.includes(words));
}

/** What a profile was told last where it is in Conflict; one that is suspended goes on telling it. */
function refusalsOf({ profile, ways }: Resident): string[] {
  const told = ways.flatMap(({ deployment: { status } }) => [...(status?.conditions ?? []), ...(status?.layers ?? [])]);
  const refused = told.filter(({ reason }) => reason === "Conflict" || profile.spec.suspend);
  return refused.flatMap(({ message }) => message ?? []);
}

/** Sorts by time, then by name. A cluster that gets another name keeps what it has. */
function ageOf({ ways }: Resident): string {
  const ages = ways.map(({ deployment: { metadata } }) =>
    [metadata.creationTimestamp ?? "", metadata.namespace, metadata.name].join(" "),
  );
  return ages.toSorted()[0] ?? "";
}

function rivalFailure(holder: string): Failure {
  const words = `${rivalWords(holder)} already, and a cluster has one ClusterProfile: make an AddOnProfile of this one, or take the cluster out of one of the two`;
  return new Failure("Conflict", words);
}

function rivalWords(holder: string): string {
  return `the cluster has ${holder}`;
}

/** The profiles of a circle that goes through `own`, in order. */
function circleFrom(own: Resident, others: readonly Resident[]): readonly Profile[] | undefined {
  const seen = new Set<Resident>();
  const walk = (from: Resident, path: readonly Profile[]): readonly Profile[] | undefined => {
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
  return `dependsOn goes in a circle: ${names.join(" needs ")}: take the dependsOn of one of them out`;
}

/** A name means a profile of the own namespace, or a SystemProfile, which has none. */
function isNamed(
  { profile: { kind, metadata } }: Resident,
  ref: { kind: ProfileKind; name: string },
  from: Resident,
): boolean {
  const namespace = ref.kind === "SystemProfile" ? undefined : from.profile.metadata.namespace;
  return kind === ref.kind && metadata.name === ref.name && metadata.namespace === namespace;
}

function isGoing({ profile, ways }: Resident): boolean {
  const isLeft = ways.every((way) => isDeleted(way) && !way.isMadeAgain?.());
  return profile.metadata.deletionTimestamp !== undefined || isLeft;
}

/** Whether it will be complete without anybody's doing. */
function isAtWork(resident: Resident, others: readonly Resident[]): boolean {
  const { profile, ways } = resident;
  if (isGoing(resident) || profile.spec.suspend || ways.every((way) => way.isIdle?.())) return false;
  return rivalOf(resident, others) === undefined;
}

/** Whether each layer has opened its gate, for the profile as it is now. */
function isComplete({ ways }: Resident): boolean {
  return ways.some((way) => firstClosed(way) === undefined);
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

function absentSentence({ kind, name }: { kind: ProfileKind; name: string }, { profile }: Neighbour): string {
  const namespace = kind === "SystemProfile" ? undefined : profile.metadata.namespace;
  return `${describeRef({ kind, namespace, name })}, which does not come to this cluster: bring it here, or take it out of dependsOn`;
}

function lateSentence(late: Resident, own: Neighbour): string {
  return `${nameWithWay(late, own)}: ${firstClosed(workingWay(late))}`;
}

function workingWay({ ways }: Resident): Neighbour {
  return ways.find((way) => !way.isIdle?.()) ?? ways[0];
}

/** With the name of the cluster by which it comes there, if that is another one. */
function nameWithWay(resident: Resident, own: Neighbour): string {
  const way = clusterNameOf(workingWay(resident).deployment);
  const isOther = way !== clusterNameOf(own.deployment);
  return `${nameOf(resident.profile)}${isOther ? ` (on ${way}, which is the same cluster)` : ""}`;
}

/** `ClusterProfile acme/base`. */
function nameOf({ kind, metadata }: Profile): string {
  return describeRef({ kind, ...metadata });
}
