import { setCondition } from "../api/conditions.ts";
import type { TargetCluster, TargetClusterStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { cut } from "./deployment-status.ts";

/** What is known of a cluster: that it answers and which one it is, or why not. */
export type TargetState =
  | { kind: "connecting" }
  | { kind: "failing"; failure: Failure }
  | { kind: "live"; uid: string; version: string };

/** The status of a TargetCluster. `now` is RFC 3339. What was known of a cluster that is away stays. */
export function targetStatus(target: TargetCluster, state: TargetState, now: string): TargetClusterStatus {
  const observedGeneration = target.metadata.generation ?? 0;
  // A process that has just begun knows no better than the one before it.
  if (state.kind === "connecting" && target.status?.observedGeneration === observedGeneration) return target.status;
  const condition = {
    type: "Ready",
    observedGeneration,
    ...(state.kind === "live"
      ? { status: "True" as const, reason: "Connected", message: `Kubernetes ${state.version} answers` }
      : state.kind === "failing"
        ? { status: "False" as const, reason: state.failure.reason, message: cut(state.failure.message) }
        : { status: "Unknown" as const, reason: "Progressing", message: "connecting" }),
  };
  return {
    ...target.status,
    observedGeneration,
    conditions: [...setCondition(target.status?.conditions ?? [], condition, now)],
    ...(state.kind === "live" ? { kubernetesVersion: state.version, uid: state.uid } : {}),
  };
}
