import { FINALIZER, LOCAL_CLUSTER } from "../api/names.ts";
import type { ClusterRef, Profile, ProfileDeployment, TargetCluster } from "../api/types.ts";
import { deploymentsFor, targetsOf } from "../plan/targets.ts";
import { profileStatus } from "../status/profile-status.ts";
import type { ProfileFacts, ProfilePorts } from "./ports.ts";

/**
 * Keeps one ProfileDeployment for each cluster that a profile goes to, and rolls their statuses up on the profile.
 *
 * A cluster that is no longer matched loses its deployment, and by that keeps its objects (an unmatch deletes nothing). A
 * profile that is deleted stays, by its finalizer, until each cluster has given its layers back.
 */
export async function reconcileProfile(key: string, ports: ProfilePorts, signal: AbortSignal): Promise<void> {
  const facts = ports.observe(key);
  if (!facts) return;
  const { profile, deployments } = facts;
  if (profile.metadata.deletionTimestamp) return await tearDown(facts, ports, signal);
  // Its event brings the next pass: nothing is begun that a sudden deletion would leave behind.
  if (!profile.metadata.finalizers?.includes(FINALIZER)) return await ports.addFinalizer(profile, signal);
  const wanted = deploymentsFor(profile, facts.clusters, deployments);
  const existing = new Set(deployments.map(({ metadata }) => metadata.name));
  for (const [name, deployment] of wanted) {
    if (!existing.has(name)) await ports.createDeployment(deployment, signal);
  }
  for (const deployment of deployments) {
    if (!wanted.has(deployment.metadata.name)) await deleteOnce(deployment, ports, signal);
  }
  const current = deployments.filter(({ metadata }) => wanted.has(metadata.name));
  if (current.length < wanted.size) return;
  report(key, facts, current, ports);
}

async function tearDown(
  { profile, deployments }: ProfileFacts,
  ports: ProfilePorts,
  signal: AbortSignal,
): Promise<void> {
  for (const deployment of deployments) await deleteOnce(deployment, ports, signal);
  if (deployments.length > 0) {
    report(profileKey(profile), { profile, clusters: [], deployments }, deployments, ports);
  } else if (profile.metadata.finalizers?.includes(FINALIZER) && !(await ports.hasDeployments(profile, signal))) {
    await ports.removeFinalizer(profile, signal);
  }
}

async function deleteOnce(deployment: ProfileDeployment, ports: ProfilePorts, signal: AbortSignal): Promise<void> {
  if (!deployment.metadata.deletionTimestamp) await ports.deleteDeployment(deployment, signal);
}

function report(
  key: string,
  { profile, clusters }: ProfileFacts,
  deployments: readonly ProfileDeployment[],
  ports: ProfilePorts,
): void {
  const problems = profile.metadata.deletionTimestamp ? [] : missingClusters(profile, clusters);
  const now = new Date(ports.now()).toISOString().replace(/\.\d+Z$/, "Z");
  ports.report(key, profileStatus(profile, deployments, { now, problems }));
}

/** Named clusters that do not exist: the profile says so before anybody looks at its deployments. */
function missingClusters(profile: Profile, clusters: readonly TargetCluster[]): string[] {
  const exists = ({ name, namespace }: ClusterRef): boolean =>
    name === LOCAL_CLUSTER ||
    clusters.some(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  const missing = profile.spec.clusterRefs ? targetsOf(profile, clusters).filter((ref) => !exists(ref)) : [];
  return missing.map(
    ({ name, namespace }) =>
      `TargetCluster ${namespace}/${name} does not exist: create it, or take it out of clusterRefs`,
  );
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
