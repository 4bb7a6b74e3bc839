import { conditionOf, type NextCondition, setCondition } from "../api/conditions.ts";
import { FINALIZER } from "../api/names.ts";
import type { ProfileDeployment, TargetCluster, TargetClusterStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { describeRef } from "../objects/identity.ts";
import { cut } from "./row-text.ts";

/** What is known of a cluster: that it answers and which one it is, or why not. */
export type TargetState =
  | { kind: "connecting" }
  | { kind: "failing"; failure: Failure }
  | { kind: "live"; uid: string; version: string };

/** So many of those that a cluster waits for are named. */
const MAX_NAMED = 3;

/**
 * The status of a TargetCluster. What was known of a cluster that is away stays. Ready speaks of the cluster, also while it is
 * being deleted: since when it is False is when the cluster was lost, by which `deletionGrace` is counted.
 *
 * @param users deployments that have something on the cluster
 * @param now RFC 3339
 */
export function targetStatus(
  target: TargetCluster,
  state: TargetState,
  { users, now }: { users: readonly ProfileDeployment[]; now: string },
): TargetClusterStatus {
  const observedGeneration = target.metadata.generation ?? 0;
  // A process that has just begun knows no better than the one before it.
  if (state.kind === "connecting" && target.status?.observedGeneration === observedGeneration) return target.status;
  const told = toldOf(state);
  const message = cut([...goingWords(target, users), told.message].join("; "));
  const condition = { type: "Ready", observedGeneration, ...told, message };
  return {
    ...target.status,
    observedGeneration,
    conditions: [...setCondition(target.status?.conditions ?? [], condition, now)],
    ...(state.kind === "live" ? { kubernetesVersion: state.version, uid: state.uid } : {}),
  };
}

function toldOf(state: TargetState): Pick<NextCondition, "status" | "reason" | "message"> {
  if (state.kind === "live")
    return { status: "True", reason: "Connected", message: `Kubernetes ${state.version} answers` };
  if (state.kind === "failing")
    return { status: "False", reason: state.failure.reason, message: state.failure.message };
  return { status: "Unknown", reason: "Progressing", message: "connecting" };
}

/** Which profiles hold a TargetCluster that is being deleted, and what each of them waits for. */
function goingWords({ metadata }: TargetCluster, users: readonly ProfileDeployment[]): string[] {
  const isHeld = metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(FINALIZER);
  if (!isHeld || users.length === 0) return [];
  const byProfile = [...Map.groupBy(users, ({ spec }) => describeRef(spec.profileRef))];
  const named = byProfile.slice(0, MAX_NAMED).map(([name, own]) => `${name}${whyStill(own)}`);
  const more = byProfile.length > MAX_NAMED ? ` and ${byProfile.length - MAX_NAMED} more` : "";
  return [`being deleted, waits for ${named.join(", ")}${more}`];
}

/** The deployments of one profile: one, or one for each side of the cluster. */
function whyStill(own: readonly ProfileDeployment[]): string {
  if (own.some(({ metadata }) => metadata.deletionTimestamp === undefined))
    return " (has not begun to leave: its own status says why, or Strata's log if it cannot be read)";
  const late = own.map((one) => conditionOf(one, "Ready")).find((ready) => ready?.status === "False");
  return late ? ` (${late.message})` : "";
}
