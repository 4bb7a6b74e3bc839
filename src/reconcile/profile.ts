import { FINALIZER, LOCAL_CLUSTER } from "../api/names.ts";
import type { ClusterRef, Profile, ProfileDeployment, TargetCluster } from "../api/types.ts";
import { deploymentsFor, targetsOf } from "../plan/targets.ts";
import { heldUnmatch } from "../plan/unmatch.ts";
import { MASS_UNMATCH, withHeldUnmatch } from "../status/held-unmatch.ts";
import { profileStatus, type TargetProblem } from "../status/profile-status.ts";
import type { ProfileFacts, ProfilePorts } from "./ports.ts";
import { clusterKey, clustersOf } from "./unmatches.ts";

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
  for (const [name, deployment] of wanted) {
    if (!existing.has(name)) await ports.createDeployment(deployment, signal);
  }
  const unwanted = deployments.filter(({ metadata }) => !wanted.has(metadata.name));
  const brake = unmatch(key, facts, ports);
  for (const deployment of brake.kind === "free" ? unwanted : []) await deleteOnce(deployment, ports, signal);
  const current = deployments.filter(({ metadata }) => wanted.has(metadata.name));
  if (current.length < wanted.size) return;
  report(key, brake.kind === "held" ? { ...facts, held: brake.why } : facts, current, ports);
}

type Brake = { kind: "free" } | { kind: "settling" } | { kind: "held"; why: string };

/**
 * Whether the deployments on clusters that the profile has left may go. Not at once where objects go with them; nor where a
 * TargetCluster is deleted, for the profile may be about to be deleted too, which is by another policy.
 */
function unmatch(key: string, { profile, clusters, deployments }: ProfileFacts, ports: ProfilePorts): Brake {
  const targets = new Set(targetsOf(profile, clusters).map(clusterKey));
  const all = clustersOf(deployments);
  const left = all.filter((cluster) => !targets.has(clusterKey(cluster)));
  const { before, waitMs } = ports.unmatches.notice(key, { all, left }, ports.now());
  const isDeleted = clusters.some(({ metadata }) => metadata.deletionTimestamp && isAmong(left, metadata));
  if (profile.spec.unmatchPolicy !== "Delete" && !isDeleted) return { kind: "free" };
  const wasHeld = profile.status?.conditions?.some(({ reason }) => reason === MASS_UNMATCH) ?? false;
  const why = heldUnmatch(profile, { before, left, wasHeld });
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
  { profile, clusters, held }: { held?: string } & Pick<ProfileFacts, "profile" | "clusters">,
  deployments: readonly ProfileDeployment[],
  ports: ProfilePorts,
): void {
  const problems = profile.metadata.deletionTimestamp ? [] : missingClusters(profile, clusters);
  const now = new Date(ports.now()).toISOString().replace(/\.\d+Z$/, "Z");
  const status = profileStatus(profile, deployments, { now, problems });
  ports.report(key, held === undefined ? status : withHeldUnmatch(status, held, { profile, now }));
}

/** Named clusters that do not exist: the profile says so before anybody looks at its deployments. */
function missingClusters(profile: Profile, clusters: readonly TargetCluster[]): TargetProblem[] {
  const exists = ({ name, namespace }: ClusterRef): boolean =>
    name === LOCAL_CLUSTER ||
    clusters.some(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
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
