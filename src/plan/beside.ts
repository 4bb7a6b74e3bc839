import { LOCAL_CLUSTER } from "../api/names.ts";
import type { DeploymentLayerStatus, Layer, Profile, ProfileDeployment } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { isCore, isObserved } from "./core-layers.ts";
import type { Beside } from "./gates.ts";
import type { Wait } from "./layer-view.ts";
import { type Side, sideOf } from "./sides.ts";
import { type Neighbour, turnOf } from "./turn.ts";

/** Who else is at work on a cluster. */
export interface Street {
  /** The deployment with its profile, whole. */
  own: Neighbour;
  side: Side;
  /** The other side of the same profile on the same cluster; undefined where there is none. */
  sibling: ProfileDeployment | undefined;
  /** Other profiles on the same cluster, and the same one by other names of the cluster. */
  others: readonly Neighbour[];
  /** The ClusterProfiles that go to the cluster, by any of its names, and have no deployment there at the moment. */
  absent?: () => readonly Profile[];
}

/**
 * What the layers of a deployment wait for besides each other: profiles whose turn comes first, and layers of the same profile
 * on the other side of the cluster. What makes a cluster waits for no other profile.
 *
 * @param isInstalled whether a layer of it was Ready on this cluster once
 */
export function besideOf(street: Street, isInstalled: boolean): Beside | Failure {
  const { own, side, sibling, others, absent } = street;
  // Which profile came first is told by the deployments on the cluster itself: what makes it may have been added later.
  const deployment = (side === "Management" && sibling) || own.deployment;
  const turn = turnOf({ ...own, deployment }, others, { isInstalled, ...(absent ? { absent } : {}) });
  // Of a circle nobody is the first: nothing new is begun on either side, and what is installed goes on being repaired.
  if (turn.kind === "refused" || (turn.kind === "circle" && !isInstalled)) return turn.failure;
  const refusal = turn.kind === "circle" ? turn.failure : undefined;
  const on = turn.kind === "waits" && side === "Workload" ? turn.on : refusal?.message;
  return {
    all: on === undefined ? undefined : { on, reason: "WaitingForProfile" },
    ...(refusal ? { refusal } : {}),
    order: own.profile.spec.layers.map(({ name }) => name),
    closed: closedElsewhere(street),
  };
}

/** Layers of the other side that are not done; on the hub's own cluster both sides are one. */
function closedElsewhere({ own: { profile, deployment }, side, sibling }: Street): ReadonlyMap<string, Wait> {
  const { layers } = profile.spec;
  const others = layers.filter((layer) => sideOf(layer) !== side);
  if (others.length === 0 || deployment.spec.clusterRef.name === LOCAL_CLUSTER) return new Map();
  const isCurrent = sibling?.status?.profileGeneration === profile.metadata.generation;
  const rows = new Map(isCurrent ? sibling?.status?.layers?.map((row) => [row.name, row]) : []);
  const isDone = side === "Workload" ? isMade : (layer: Layer) => isOfWhatIsMade(layer, layers);
  const where = side === "Workload" ? "on the hub" : "on the cluster";
  return new Map(
    others.flatMap((layer): [string, Wait][] => {
      const row = rows.get(layer.name);
      if (row?.gate === "Open" || isDone(layer, row)) return [];
      return [[layer.name, { on: `layer ${layer.name} ${where}`, reason: "WaitingForLayer" }]];
    }),
  );
}

/**
 * What makes nodes and control planes may be healthy only when the nodes have a network, which would wait for it: once it is
 * written, what is found on the cluster decides.
 */
function isMade(layer: Layer, row: DeploymentLayerStatus | undefined): boolean {
  if (!makesCluster(layer) || !row) return false;
  const written = row.parts?.length ? row.parts : [row];
  return written.every(({ appliedAt }) => appliedAt !== undefined);
}

/** That a cluster is as expected is not waited for by what makes it. */
function isOfWhatIsMade(layer: Layer, layers: readonly Layer[]): boolean {
  const after = layers.slice(layers.indexOf(layer) + 1);
  return isCore(layer) && isObserved(layer) && after.some((one) => makesCluster(one) && sideOf(one) === "Management");
}

function makesCluster({ type }: Layer): boolean {
  return type === "OS" || type === "Kubernetes";
}
