import { setCondition } from "../api/conditions.ts";
import { MAX_JOBS } from "../api/schema/status.ts";
import type { Condition, DeploymentLayerStatus } from "../api/types.ts";
import type { LayerView } from "../plan/layer-view.ts";
import { cut } from "./row-text.ts";

/**
 * The conditions with Drifted while something that somebody changed is left so; without it otherwise.
 *
 * @param sentences one for each layer, or cluster
 */
export function withDrifted(
  conditions: readonly Condition[],
  sentences: readonly string[],
  { observedGeneration, now }: { observedGeneration: number; now: string },
): Condition[] {
  if (sentences.length === 0) return conditions.filter(({ type }) => type !== "Drifted");
  const message = cut(sentences.join("; "));
  const next = { type: "Drifted", status: "True" as const, reason: "DriftLeft", message, observedGeneration };
  return [...setCondition(conditions, next, now)];
}

/** What was told last: it stands while nobody can look. */
export function driftedBefore(status: { conditions?: readonly Condition[] } | undefined): string[] {
  return (status?.conditions ?? []).flatMap(({ type, message }) => (type === "Drifted" ? [message] : []));
}

/** Whether a layer is Ready, or would be if something of it were not left as somebody else made it. */
export function isAsGoodAsReady({ state, stateBefore }: LayerView): boolean {
  return state === "Ready" || (state === "Drifted" && stateBefore === "Ready");
}

/** What a later process has to know of a layer. What is known of Jobs stands while the layer is not looked at. */
export function driftFields(
  view: LayerView,
  previous: DeploymentLayerStatus | undefined,
): Partial<DeploymentLayerStatus> {
  const { health, state, stateBefore } = view;
  const isLookedAt = health !== undefined || state === "Skipped";
  const { finished = [], running = [] } = isLookedAt ? view : { ...previous, ...view };
  const writtenAt = view.writtenAt ?? previous?.writtenAt;
  return {
    ...(writtenAt === undefined ? {} : { writtenAt }),
    ...(state === "Drifted" && stateBefore ? { stateBefore } : {}),
    ...(finished.length > 0 ? { finished: finished.slice(0, MAX_JOBS).map((one) => ({ ...one })) } : {}),
    ...(running.length > 0 ? { running: running.slice(0, MAX_JOBS).map((one) => ({ ...one })) } : {}),
  };
}
