import type { ProfileDeployment } from "../api/types.ts";
import type { Failure } from "../errors.ts";
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
  /** Other profiles on the same cluster. */
  others: readonly Neighbour[];
}

/**
 * What the layers of a deployment wait for besides each other: profiles whose turn comes first, and layers of the same profile
 * on the other side of the cluster. What makes a cluster waits for no other profile.
 *
 * @param isInstalled whether a layer of it was Ready on this cluster once
 */
export function besideOf(street: Street, isInstalled: boolean): Beside | Failure {
  const { own, side, others } = street;
  const turn = turnOf(own, others, isInstalled);
  if (turn.kind === "refused") return turn.failure;
  const waits = turn.kind === "waits" && side === "Workload";
  return {
    all: waits ? { on: turn.on, reason: "WaitingForProfile" } : undefined,
    order: own.profile.spec.layers.map(({ name }) => name),
    closed: closedElsewhere(street),
  };
}

/** Layers of the other side that are not done. That a cluster is as expected is not waited for by what makes it. */
function closedElsewhere({ own: { profile }, side, sibling }: Street): ReadonlyMap<string, Wait> {
  if (profile.spec.layers.every((layer) => sideOf(layer) === side)) return new Map();
  const isCurrent = sibling?.status?.profileGeneration === profile.metadata.generation;
  const rows = isCurrent ? (sibling?.status?.layers ?? []) : [];
  const where = side === "Workload" ? "on the hub" : "on the cluster";
  return new Map(
    profile.spec.layers.flatMap((layer): [string, Wait][] => {
      if (sideOf(layer) === side || rows.some(({ name, gate }) => name === layer.name && gate === "Open")) return [];
      return [[layer.name, { on: `layer ${layer.name} ${where}`, reason: "WaitingForLayer" }]];
    }),
  );
}
