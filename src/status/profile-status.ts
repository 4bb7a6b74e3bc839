import { setCondition } from "../api/conditions.ts";
import { LOCAL_CLUSTER } from "../api/names.ts";
import { CORE_TYPES } from "../api/schema/layer.ts";
import type {
  Condition,
  DeploymentLayerStatus,
  LayerStatus,
  Profile,
  ProfileDeployment,
  ProfileStatus,
} from "../api/types.ts";
import { isSettled } from "../plan/layer-view.ts";
import { bounded } from "./bound.ts";
import { conditionsOf, type Readiness, speakingOf } from "./deployment-status.ts";
import { driftedBefore, withDrifted } from "./drifted.ts";
import { perCluster, severity } from "./per-cluster.ts";
import { cut, sourceOf } from "./row-text.ts";
import { suspendedWords, withSuspended } from "./suspension.ts";

export interface ProfileContext {
  /** RFC 3339. */
  now: string;
  /** Problems of the profile's targets, such as a TargetCluster that does not exist. */
  problems: readonly string[];
}

/** The roll-up of a profile over its clusters; deployments that still speak of an older generation do not count as Ready. */
export function profileStatus(
  profile: Profile,
  all: readonly ProfileDeployment[],
  context: ProfileContext,
): ProfileStatus {
  const deployments = perCluster(profile, all);
  const generation = profile.metadata.generation ?? 0;
  const ready = deployments.filter((deployment) => isReady(deployment, generation));
  const layers = profile.spec.layers.map((layer) => rollUp(layer, deployments, { profile, now: context.now }));
  const removing = removingRows(profile, deployments, context.now);
  const culprit = culpritOf(deployments, generation);
  const allReady = deployments.length > 0 && ready.length === deployments.length && context.problems.length === 0;
  const message = messageOf({ allReady, culprit, deployments, problems: context.problems });
  return bounded({
    observedGeneration: generation,
    conditions: profileConditions(
      profile,
      {
        ready: allReady,
        reason: reasonOf(culprit, deployments, context.problems),
        message: cut(message),
        stalled: stalledReason(deployments, generation),
      },
      { deployments: all, now: context.now },
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

function profileConditions(
  profile: Profile,
  readiness: Readiness,
  { deployments, now }: { deployments: readonly ProfileDeployment[]; now: string },
): Condition[] {
  const { spec, status: previous, metadata } = profile;
  const generation = metadata.generation ?? 0;
  const names = spec.layers.filter(({ suspend }) => suspend).map(({ name }) => name);
  const conditions = withCoreLayers(conditionsOf(readiness, generation, { previous, now }), profile, now);
  const words = suspendedWords(names, spec.suspend === true);
  const about = { observedGeneration: generation, now };
  return withDrifted(withSuspended(conditions, words, about), driftedOn(deployments), about);
}

function driftedOn(deployments: readonly ProfileDeployment[]): string[] {
  const sorted = deployments.toSorted((a, b) => clusterOf(a).localeCompare(clusterOf(b)));
  return sorted.flatMap((deployment) => {
    const isAlone = deployments.every((one) => clusterOf(one) === LOCAL_CLUSTER);
    return driftedBefore(deployment.status).map((words) => (isAlone ? words : `${clusterOf(deployment)}: ${words}`));
  });
}

/** Whether a ClusterProfile says all that a cluster is made of: a person sees what nobody looks at. */
function withCoreLayers(conditions: Condition[], { kind, spec, metadata }: Profile, now: string): Condition[] {
  if (kind !== "ClusterProfile") return conditions;
  const absent = CORE_TYPES.filter((type) => spec.layers.every((layer) => layer.type !== type));
  const isComplete = absent.length === 0;
  const next = {
    type: "CoreLayersComplete",
    status: isComplete ? ("True" as const) : ("False" as const),
    reason: isComplete ? "CoreLayersPresent" : "CoreLayersAbsent",
    message: isComplete ? "the profile has all core layers" : `the profile has no layer of type ${absent.join(", ")}`,
    observedGeneration: metadata.generation ?? 0,
  };
  return [...setCondition(conditions, next, now)];
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
  return Math.max(-1, ...(status?.layers ?? []).map(({ state }) => severity({ state })));
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
