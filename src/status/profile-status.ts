import { LOCAL_CLUSTER } from "../api/names.ts";
import type {
  DeploymentLayerStatus,
  LayerState,
  LayerStatus,
  Profile,
  ProfileDeployment,
  ProfileStatus,
} from "../api/types.ts";
import { isSettled } from "../plan/layer-view.ts";
import { bounded } from "./bound.ts";
import { conditionsOf, cut, sourceOf, speakingOf } from "./deployment-status.ts";

/** From the best to the worst: a roll-up row shows the worst of its clusters. */
const SEVERITY: readonly LayerState[] = [
  "Skipped",
  "Ready",
  "Drifted",
  "Removing",
  "Pending",
  "Resolving",
  "Applying",
  "Waiting",
  "Blocked",
  "Failed",
];

export interface ProfileContext {
  /** RFC 3339. */
  now: string;
  /** Problems of the profile's targets, such as a TargetCluster that does not exist. */
  problems: readonly string[];
}

/** The roll-up of a profile over its clusters; deployments that still speak of an older generation do not count as Ready. */
export function profileStatus(
  profile: Profile,
  deployments: readonly ProfileDeployment[],
  context: ProfileContext,
): ProfileStatus {
  const generation = profile.metadata.generation ?? 0;
  const ready = deployments.filter((deployment) => isReady(deployment, generation));
  const layers = profile.spec.layers.map((layer) => rollUp(layer, deployments, { profile, now: context.now }));
  const removing = removingRows(profile, deployments, context.now);
  const culprit = culpritOf(deployments, generation);
  const allReady = deployments.length > 0 && ready.length === deployments.length && context.problems.length === 0;
  const message = messageOf({ allReady, culprit, deployments, problems: context.problems });
  return bounded({
    observedGeneration: generation,
    conditions: conditionsOf(
      {
        ready: allReady,
        reason: reasonOf(culprit, deployments, context.problems),
        message: cut(message),
        stalled: stalledReason(deployments, generation),
      },
      generation,
      { previous: profile.status, now: context.now },
    ),
    summary: {
      clusters: `${ready.length}/${deployments.length}`,
      ...(culprit?.layer ? { layer: culprit.layer } : {}),
      message: cut(message),
    },
    clusters: deployments.length,
    readyClusters: ready.length,
    layers: [...layers, ...removing],
  });
}

function isReady(deployment: ProfileDeployment, generation: number): boolean {
  return (
    speaksOf(deployment, generation) &&
    deployment.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true
  );
}

function speaksOf({ status }: ProfileDeployment, generation: number): boolean {
  return status?.profileGeneration === generation;
}

interface Culprit {
  layer: string | undefined;
  reason: string;
  message: string;
}

/** The first cluster, by name, that is worst off, with its first layer that is not Ready. */
function culpritOf(deployments: readonly ProfileDeployment[], generation: number): Culprit | undefined {
  const late = deployments.filter((deployment) => !isReady(deployment, generation));
  const [first] = late.toSorted((a, b) => worst(b) - worst(a) || clusterOf(a).localeCompare(clusterOf(b)));
  if (!first) return undefined;
  const row = speaksOf(first, generation) ? speakingOf(first.status?.layers ?? []) : undefined;
  const prefix = deployments.length > 1 || clusterOf(first) !== LOCAL_CLUSTER ? `${clusterOf(first)}: ` : "";
  const message = `${prefix}${row?.message ?? "not started yet"}`;
  return { layer: row?.name, reason: row?.reason ?? "Progressing", message };
}

function worst({ status }: ProfileDeployment): number {
  return Math.max(-1, ...(status?.layers ?? []).map(({ state }) => SEVERITY.indexOf(state)));
}

function clusterOf(deployment: ProfileDeployment): string {
  return deployment.spec.clusterRef.name;
}

function messageOf(facts: {
  allReady: boolean;
  culprit: Culprit | undefined;
  deployments: readonly ProfileDeployment[];
  problems: readonly string[];
}): string {
  const { allReady, culprit, deployments, problems } = facts;
  if (problems.length > 0) return problems.join("; ");
  if (allReady)
    return deployments.length === 1 ? "all layers are Ready" : `all layers are Ready on ${deployments.length} clusters`;
  return (
    culprit?.message ?? "no cluster matches: label a TargetCluster for the clusterSelector, or name one in clusterRefs"
  );
}

function reasonOf(
  culprit: Culprit | undefined,
  deployments: readonly ProfileDeployment[],
  problems: readonly string[],
): string {
  if (problems.length > 0) return "ReferenceNotFound";
  return culprit?.reason ?? (deployments.length === 0 ? "NoClusters" : "LayersNotReady");
}

function stalledReason(deployments: readonly ProfileDeployment[], generation: number): string | undefined {
  return deployments
    .filter((deployment) => speaksOf(deployment, generation))
    .flatMap(
      ({ status }) =>
        status?.conditions?.filter(({ type, status: value }) => type === "Stalled" && value === "True") ?? [],
    )[0]?.reason;
}

function rollUp(
  layer: Profile["spec"]["layers"][number],
  deployments: readonly ProfileDeployment[],
  { profile, now }: { profile: Profile; now: string },
): LayerStatus {
  const generation = profile.metadata.generation ?? 0;
  const rows = deployments.flatMap((deployment) => rowsOf(deployment, layer.name, generation));
  const [first] = rows.toSorted((a, b) => severity(b.row) - severity(a.row) || a.cluster.localeCompare(b.cluster));
  const readyCount = rows.filter(({ row }) => isSettled(row)).length;
  const state =
    readyCount === rows.length && rows.length < deployments.length ? "Pending" : (first?.row.state ?? "Pending");
  const old = profile.status?.layers?.find(({ name }) => name === layer.name);
  return {
    name: layer.name,
    type: layer.type,
    source: sourceOf(layer),
    ...resolvedFields(first?.row),
    state,
    ready: `${readyCount}/${deployments.length}`,
    ...(state === "Ready" ? { reason: "Ready" } : reasonFields(first, deployments.length)),
    lastTransitionTime: (old?.state === state && old.lastTransitionTime) || now,
  };
}

function resolvedFields(row: DeploymentLayerStatus | undefined): { version?: string; digest?: string } {
  return { ...(row?.version ? { version: row.version } : {}), ...(row?.digest ? { digest: row.digest } : {}) };
}

/** The worst cluster speaks; its name goes in front, unless the hub itself is the only one. */
function reasonFields(first: ClusterRow | undefined, clusters: number): { reason: string; message?: string } {
  if (!first) return { reason: "Progressing" };
  const { cluster, row } = first;
  const prefix = clusters === 1 && cluster === LOCAL_CLUSTER ? "" : `${cluster}: `;
  return { reason: row.reason ?? "Progressing", message: cut(`${prefix}${row.message ?? row.state}`) };
}

interface ClusterRow {
  cluster: string;
  row: DeploymentLayerStatus;
}

function rowsOf(deployment: ProfileDeployment, layer: string, generation: number): ClusterRow[] {
  const row = speaksOf(deployment, generation) && deployment.status?.layers?.find(({ name }) => name === layer);
  return row ? [{ cluster: clusterOf(deployment), row }] : [];
}

function severity({ state }: { state: LayerState }): number {
  return SEVERITY.indexOf(state);
}

/** Layers that left the list but are still in some cluster. */
function removingRows(profile: Profile, deployments: readonly ProfileDeployment[], now: string): LayerStatus[] {
  const listed = new Set(profile.spec.layers.map(({ name }) => name));
  const rows = new Map<string, LayerStatus>();
  for (const deployment of deployments) {
    for (const row of deployment.status?.layers ?? []) {
      if (listed.has(row.name) || rows.has(row.name)) continue;
      const message = `${clusterOf(deployment)}: ${row.message ?? "being removed"}`;
      rows.set(row.name, {
        name: row.name,
        state: row.state,
        reason: row.reason ?? "Removing",
        message: cut(message),
        lastTransitionTime: row.lastTransitionTime ?? now,
      });
    }
  }
  return [...rows.values()];
}
