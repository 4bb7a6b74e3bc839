import { FINALIZER, LOCAL_CLUSTER } from "../api/names.ts";
import type { ClusterRef, Profile, ProfileDeployment, TargetCluster } from "../api/types.ts";
import { timeText } from "../objects/time.ts";
import { deploymentsFor, targetsOf } from "../plan/targets.ts";
import { heldUnmatch } from "../plan/unmatch.ts";
import { withHeldUnmatch } from "../status/held-unmatch.ts";
import { profileStatus, type TargetProblem } from "../status/profile-status.ts";
import type { ProfileFacts, ProfilePorts } from "./ports.ts";
import { clusterKey, clustersOf, heldSince, wasLeaving } from "./unmatches.ts";

/** A status that was to be written has been told back after so long. */
const SAY_MS = 1_000;

/**
 * Keeps one ProfileDeployment for each cluster that a profile goes to, and rolls their statuses up on the profile.
 *
 * A cluster that is no longer matched loses its deployment; whether it keeps its objects is up to `unmatchPolicy`. A profile
 * that is deleted, alone or with its whole namespace, stays, by its finalizer, until each cluster has given its layers back.
 */
export async function reconcileProfile(key: string, ports: ProfilePorts, signal: AbortSignal): Promise<void> {
  const facts = ports.observe(key);
  if (!facts) return;
  const { profile, deployments } = facts;
  if (profile.metadata.deletionTimestamp || facts.isTenantGoing) return await tearDown(facts, ports, signal);
  // Its event brings the next pass: nothing is begun that a sudden deletion would leave behind.
  if (!profile.metadata.finalizers?.includes(FINALIZER)) return await ports.addFinalizer(profile, signal);
  const wanted = deploymentsFor(profile, facts.clusters, deployments);
  const existing = new Set(deployments.map(({ metadata }) => metadata.name));
  const missing = [...wanted.values()].filter(({ metadata }) => !existing.has(metadata.name));
  const { current = [], unwanted = [] } = Object.groupBy(deployments, ({ metadata, spec }) =>
    wanted.has(metadata.name) || facts.isUnreadable(spec.clusterRef) ? "current" : "unwanted",
  );
  const brake = unmatch(key, facts, ports);
  if (mayBegin(brake, profile)) for (const deployment of missing) await ports.createDeployment(deployment, signal);
  else if (brake.kind === "held" && missing.length > 0) ports.again(key, SAY_MS);
  const free = unwanted.filter(({ spec }) => brake.kind === "free" || facts.isPlaceGoing(spec.clusterRef));
  for (const deployment of free) await deleteOnce(deployment, ports, signal);
  if (brake.kind === "held") report(key, { ...facts, held: brake.why }, current, ports);
  else if (missing.length === 0) report(key, facts, current, ports);
}

type Brake = { kind: "free" } | { kind: "settling" } | { kind: "held"; why: string };

/**
 * Whether the profile may come to new clusters. After a restart nobody could tell them from those that it had, and of more
 * clusters more may be left at once: so that first is judged, and written.
 */
function mayBegin(brake: Brake, profile: Profile): boolean {
  return brake.kind === "free" || (brake.kind === "held" && heldSince(profile) !== undefined);
}

/**
 * Whether the deployments on clusters that the profile has left may go. Not at once where objects go with them; nor where a
 * TargetCluster is deleted, for the profile may be about to be deleted too, which is by another policy.
 * Not counted are clusters that go with their namespace, and those that the profile has been leaving for long: it may.
 */
function unmatch(key: string, facts: ProfileFacts, ports: ProfilePorts): Brake {
  const { profile, clusters, deployments } = facts;
  const targets = new Set(targetsOf(profile, clusters).map(clusterKey));
  const asOf = heldSince(profile) ?? ports.now();
  const counted = deployments.filter((one) => !facts.isPlaceGoing(one.spec.clusterRef) && !wasLeaving(one, asOf));
  const all = clustersOf(counted);
  const left = all.filter((cluster) => !targets.has(clusterKey(cluster)) && !facts.isUnreadable(cluster));
  const { before, waitMs } = ports.unmatches.notice(key, { all, left }, ports.now());
  const isDeleted = clusters.some(({ metadata }) => metadata.deletionTimestamp && isAmong(left, metadata));
  if (profile.spec.unmatchPolicy !== "Delete" && !isDeleted) return { kind: "free" };
  const why = heldUnmatch(profile, { before, left, wasHeld: heldSince(profile) !== undefined });
  if (why !== undefined) return { kind: "held", why };
  if (waitMs === 0) return { kind: "free" };
  ports.again(key, waitMs);
  return { kind: "settling" };
}

function isAmong(refs: readonly ClusterRef[], { namespace, name }: TargetCluster["metadata"]): boolean {
  return refs.some((ref) => ref.namespace === namespace && ref.name === name);
}

async function tearDown(facts: ProfileFacts, ports: ProfilePorts, signal: AbortSignal): Promise<void> {
  const { profile, deployments } = facts;
  for (const deployment of deployments) await deleteOnce(deployment, ports, signal);
  if (deployments.length > 0) {
    report(profileKey(profile), facts, deployments, ports);
  } else if (
    profile.metadata.deletionTimestamp &&
    profile.metadata.finalizers?.includes(FINALIZER) &&
    !(await ports.hasDeployments(profile, signal))
  ) {
    await ports.removeFinalizer(profile, signal);
  }
}

async function deleteOnce(deployment: ProfileDeployment, ports: ProfilePorts, signal: AbortSignal): Promise<void> {
  if (!deployment.metadata.deletionTimestamp) await ports.deleteDeployment(deployment, signal);
}

function report(
  key: string,
  { profile, held, ...facts }: ProfileFacts & { held?: string },
  deployments: readonly ProfileDeployment[],
  ports: ProfilePorts,
): void {
  const problems = profile.metadata.deletionTimestamp ? [] : missingClusters(profile, facts);
  const now = timeText(ports.now());
  const status = profileStatus(profile, deployments, { now, problems });
  ports.report(key, held === undefined ? status : withHeldUnmatch(status, held, { profile, now }));
}

/** Named clusters that do not exist: the profile says so before anybody looks at its deployments. */
function missingClusters(
  profile: Profile,
  { clusters, isUnreadable }: Pick<ProfileFacts, "clusters" | "isUnreadable">,
): TargetProblem[] {
  const exists = (ref: ClusterRef): boolean =>
    ref.name === LOCAL_CLUSTER ||
    isUnreadable(ref) ||
    clusters.some(({ metadata }) => metadata.name === ref.name && metadata.namespace === ref.namespace);
  const missing = profile.spec.clusterRefs ? targetsOf(profile, clusters).filter((ref) => !exists(ref)) : [];
  return missing.map((cluster) => ({
    cluster,
    message: `TargetCluster ${cluster.namespace}/${cluster.name} does not exist: create it, or take it out of clusterRefs`,
  }));
}

/** `Kind/namespace/name`; a SystemProfile's namespace is empty. */
export function profileKey({
  kind,
  metadata,
}: {
  kind: string;
  metadata: { namespace?: string; name: string };
}): string {
  return `${kind}/${metadata.namespace ?? ""}/${metadata.name}`;
}

/** The key of the profile that a deployment names. */
export function profileKeyOf({ spec: { profileRef } }: Pick<ProfileDeployment, "spec">): string {
  return profileKey({ kind: profileRef.kind, metadata: profileRef });
}
