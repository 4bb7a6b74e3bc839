import { conditionOf, setCondition } from "../api/conditions.ts";
import { LOCAL_CLUSTER } from "../api/names.ts";
import { CORE_TYPES } from "../api/schema/layer.ts";
import type {
  ClusterRef,
  Condition,
  DeploymentLayerStatus,
  LayerStatus,
  Profile,
  ProfileDeployment,
  ProfileStatus,
} from "../api/types.ts";
import { isSettled } from "../plan/layer-view.ts";
import { type Availability, availabilityWords, isEnough, mayBeLate } from "./availability.ts";
import { bounded } from "./bound.ts";
import { driftedBefore, withDrifted } from "./drifted.ts";
import { perCluster, severity } from "./per-cluster.ts";
import { cut, sourceOf } from "./row-text.ts";
import { suspendedWords, withSuspended } from "./suspension.ts";
import { conditionsOf, type Readiness, speakingOf } from "./verdict.ts";

export interface ProfileContext {
  /** RFC 3339. */
  now: string;
  /** What is wrong with targets of the profile, such as a TargetCluster that does not exist. None of them is Ready. */
  problems: readonly TargetProblem[];
}

export interface TargetProblem {
  cluster: ClusterRef;
  message: string;
}

/** The roll-up of a profile over its clusters; deployments that still speak of an older generation do not count as Ready. */
export function profileStatus(
  profile: Profile,
  all: readonly ProfileDeployment[],
  context: ProfileContext,
): ProfileStatus {
  const deployments = perCluster(profile, all);
  const generation = profile.metadata.generation ?? 0;
  const late = lateOnes(deployments, generation, context.problems);
  const availability: Availability = {
    clusters: deployments.length,
    late: late.map(clusterOf).sort(),
    maxUnavailable: profile.spec.readyWhen?.maxUnavailable ?? 0,
  };
  const layers = profile.spec.layers.map((layer) => rollUp(layer, deployments, { profile, now: context.now }));
  const removing = removingRows(profile, deployments, context.now);
  const culprit = culpritOf(late, deployments.length, generation);
  const ready = isEnough(availability);
  const message = deployments.length > 0 ? messageOf(availability, culprit, context.problems) : nowhere(profile);
  return bounded({
    observedGeneration: generation,
    conditions: profileConditions(
      profile,
      {
        ready,
        reason: reasonOf(availability, culprit, context.problems),
        message: cut(message),
        stalled: stalledReason(deployments, generation, mayBeLate(availability)),
      },
      { deployments: all, now: context.now },
    ),
    summary: {
      clusters: `${deployments.length - late.length}/${deployments.length}`,
      ...(culprit?.layer ? { layer: culprit.layer } : {}),
      message: cut(message),
    },
    clusters: deployments.length,
    readyClusters: deployments.length - late.length,
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
  return speaksOf(deployment, generation) && conditionOf(deployment, "Ready")?.status === "True";
}

function speaksOf({ status }: ProfileDeployment, generation: number): boolean {
  return status?.profileGeneration === generation;
}

interface Culprit {
  layer: string | undefined;
  reason: string;
  message: string;
}

/** The deployments on clusters that do not count as Ready. */
function lateOnes(
  deployments: readonly ProfileDeployment[],
  generation: number,
  problems: readonly TargetProblem[],
): ProfileDeployment[] {
  const hasProblem = ({ spec: { clusterRef } }: ProfileDeployment): boolean =>
    problems.some(({ cluster }) => cluster.name === clusterRef.name && cluster.namespace === clusterRef.namespace);
  return deployments.filter((deployment) => !isReady(deployment, generation) || hasProblem(deployment));
}

/** The first cluster, by name, that is worst off, with its first layer that is not Ready. */
function culpritOf(late: readonly ProfileDeployment[], clusters: number, generation: number): Culprit | undefined {
  const [first] = late.toSorted((a, b) => worst(b) - worst(a) || clusterOf(a).localeCompare(clusterOf(b)));
  if (!first) return undefined;
  const row = speaksOf(first, generation) ? speakingOf(first.status?.layers ?? []) : undefined;
  const message = `${prefixOf(clusterOf(first), clusters)}${row?.message ?? "not started yet"}`;
  return { layer: row?.name, reason: row?.reason ?? "Progressing", message };
}

function worst({ status }: ProfileDeployment): number {
  return Math.max(-1, ...(status?.layers ?? []).map(({ state }) => severity({ state })));
}

function clusterOf(deployment: ProfileDeployment): string {
  return deployment.spec.clusterRef.name;
}

/** Why a profile goes to no cluster: of those that it names, only one that is being deleted does not count. */
function nowhere({ spec: { clusterRefs = [] } }: Profile): string {
  return clusterRefs.length > 0
    ? "each cluster in clusterRefs is being deleted: name one that stays"
    : "no cluster matches: label a TargetCluster for the clusterSelector, or name one in clusterRefs";
}

function messageOf(
  availability: Availability,
  culprit: Culprit | undefined,
  problems: readonly TargetProblem[],
): string {
  const { clusters } = availability;
  const told = problems.length > 0 ? problems.map(({ message }) => message).join("; ") : culprit?.message;
  if (told === undefined)
    return clusters === 1 ? "all layers are Ready" : `all layers are Ready on ${clusters} clusters`;
  return [availabilityWords(availability), told].filter((words) => words !== undefined).join("; ");
}

function reasonOf(
  availability: Availability,
  culprit: Culprit | undefined,
  problems: readonly TargetProblem[],
): string {
  if (isEnough(availability)) return availability.late.length === 0 ? "LayersReady" : "EnoughClusters";
  if (problems.length > 0) return "ReferenceNotFound";
  return culprit?.reason ?? "NoClusters";
}

/** Where as many may be late as are stalled, the profile will be Ready without anybody. */
function stalledReason(
  deployments: readonly ProfileDeployment[],
  generation: number,
  tolerated: number,
): string | undefined {
  const stalled = deployments.flatMap((deployment) => {
    const condition = conditionOf(deployment, "Stalled");
    return speaksOf(deployment, generation) && condition?.status === "True" ? [condition.reason] : [];
  });
  return stalled.length > tolerated ? stalled[0] : undefined;
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
  const prefix = prefixOf(cluster, clusters);
  return { reason: row.reason ?? "Progressing", message: cut(`${prefix}${row.message ?? row.state}`) };
}

/** The hub alone needs no name. */
function prefixOf(cluster: string, clusters: number): string {
  return clusters === 1 && cluster === LOCAL_CLUSTER ? "" : `${cluster}: `;
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
      const prefix = prefixOf(clusterOf(deployment), deployments.length);
      rows.set(row.name, {
        name: row.name,
        state: row.state,
        reason: row.reason ?? "Removing",
        message: cut(`${prefix}${row.message ?? "being removed"}`),
        lastTransitionTime: row.lastTransitionTime ?? now,
      });
    }
  }
  return [...rows.values()];
}
