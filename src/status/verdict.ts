import { type NextCondition, setCondition } from "../api/conditions.ts";
import type { Condition, DeploymentLayerStatus, ProfileDeploymentStatus } from "../api/types.ts";
import { isSettled } from "../plan/layer-view.ts";
import { bounded } from "./bound.ts";
import { driftedBefore, withDrifted } from "./drifted.ts";
import { cut } from "./row-text.ts";
import { suspendedWords, withSuspended } from "./suspension.ts";

/** What a status is made from besides the view itself. */
export interface StatusContext {
  /** RFC 3339. */
  now: string;
  /** Generation of the ProfileDeployment. */
  generation: number;
  profileGeneration: number;
  /** The status as last computed: since when each layer is in its state, and what was Ready before. */
  previous: ProfileDeploymentStatus | undefined;
}

/** The row of which a person should read first: none that only waits for another one. */
export function speakingOf<T extends DeploymentLayerStatus>(rows: readonly T[]): T | undefined {
  const late = rows.filter((row) => !isSettled(row));
  return late.find(({ reason }) => reason !== "WaitingForLayer") ?? late[0];
}

interface Verdict {
  /** The whole profile is. */
  isSuspended?: boolean;
  first: DeploymentLayerStatus | undefined;
  stalled: string | undefined;
  done: boolean;
  /** The message when no layer is late. */
  idle: string;
  /** What is left as somebody else made it, in words; undefined when nobody looked. */
  drifted?: readonly string[];
}

/**
 * A status with its conditions and its summary, from the rows and what is to be thought of them. The only place that decides
 * whether a deployment is Ready.
 */
export function finish(
  layers: DeploymentLayerStatus[],
  { first, stalled, done, idle, isSuspended = false, drifted }: Verdict,
  context: StatusContext,
): ProfileDeploymentStatus {
  const message = first ? `${first.name}: ${first.message ?? first.state}` : idle;
  const conditions = conditionsOf(
    {
      ready: done && !first,
      reason: first?.reason ?? (done ? "LayersReady" : "Removing"),
      message: cut(message),
      stalled,
    },
    context.generation,
    context,
  );
  const names = layers.filter(({ state }) => state === "Suspended").map(({ name }) => name);
  const about = { observedGeneration: context.generation, now: context.now };
  return bounded({
    observedGeneration: context.generation,
    profileGeneration: context.profileGeneration,
    conditions: withDrifted(
      withSuspended(conditions, suspendedWords(names, isSuspended), about),
      drifted ?? driftedBefore(context.previous),
      about,
    ),
    summary: first ? { layer: first.name, message: first.message ?? first.state } : { message: cut(idle) },
    layers,
  });
}

export interface Readiness {
  ready: boolean;
  /** `LayersReady` when there is nothing to do any more. */
  reason: string;
  message: string;
  /** The reason why a person must act, when one must. */
  stalled: string | undefined;
}

/** Ready, Reconciling and Stalled as kstatus reads them; all three are written together, so that none is ever stale. */
export function conditionsOf(
  { ready, reason, message, stalled }: Readiness,
  observedGeneration: number,
  { previous, now }: { previous: { conditions?: readonly Condition[] } | undefined; now: string },
): Condition[] {
  // Only a person can go on with what is suspended, and knows it.
  const isIdle = ready || stalled !== undefined || reason === "Suspended";
  const next: NextCondition[] = [
    {
      type: "Ready",
      status: ready ? "True" : "False",
      reason,
      message,
      observedGeneration,
    },
    {
      type: "Reconciling",
      status: isIdle ? "False" : "True",
      reason: stalled ?? (isIdle ? reason : "Progressing"),
      message: reason === "LayersReady" ? "nothing to do" : message,
      observedGeneration,
    },
    {
      type: "Stalled",
      status: stalled ? "True" : "False",
      reason: stalled ?? (isIdle ? reason : "Progressing"),
      message: stalled || reason === "Suspended" ? message : "Strata goes on by itself",
      observedGeneration,
    },
  ];
  const list = next.reduce(
    (conditions, condition) => setCondition(conditions, condition, now),
    previous?.conditions ?? [],
  );
  return [...list];
}
