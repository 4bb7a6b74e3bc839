import { MAX_COUNTS, MAX_UNHEALTHY, MAX_WARNINGS } from "../api/schema/status.ts";
import type { DeploymentLayerStatus } from "../api/types.ts";
import type { LayerView } from "../plan/layer-view.ts";
import type { RemovalView } from "../plan/removal.ts";
import type { ContentKnown, PlannedLayer } from "../plan/types.ts";
import { driftFields, isAsGoodAsReady } from "./drifted.ts";
import { cut, since, sourceOf } from "./row-text.ts";

/** The row of a layer that is planned, or of a part of a pack, as it is judged now. */
export function listedRow(
  view: LayerView,
  planned: PlannedLayer,
  { previous, now }: { previous: DeploymentLayerStatus | undefined; now: string },
): DeploymentLayerStatus {
  const known = planned.state.kind === "known" ? planned.state : undefined;
  const digest = known?.digest;
  const same = previous?.digest === digest;
  const isReady = isAsGoodAsReady(view);
  const isSkipped = view.state === "Skipped";
  // A layer that comes back is brought anew, in its turn.
  const readyDigest = isReady || isSkipped ? digest : previous?.readyDigest;
  const appliedAt = view.applied ? (same && previous?.appliedAt) || now : undefined;
  const readyAt = isReady ? (same && previous?.readyAt) || now : undefined;
  // Until it is known what the pack is made of now, it has the parts that it had, in the version that they had.
  const opened = planned.spec.pack && !known && !isSkipped && previous?.parts ? previous : undefined;
  const row = {
    name: view.name,
    type: planned.spec.type,
    source: sourceOf(planned.spec),
    ...defined({
      version: known?.content.version ?? opened?.version,
      digest,
      inputsDigest: planned.inputs?.digest,
      readyDigest,
      appliedAt,
      readyAt,
    }),
    ...readyObjects(view, known, previous),
    state: view.state,
    reason: view.reason,
    message: cut(view.message),
    gate: view.gateOpen ? ("Open" as const) : ("Closed" as const),
    ...healthFields(view),
    ...driftFields(view, previous),
    ...(opened?.parts ? { parts: opened.parts } : {}),
    ...warningFields(view.warnings ?? []),
  };
  return { ...row, lastTransitionTime: since(row, previous, now) };
}

/** The row of something that is going from the cluster. */
export function removingRow(
  removal: RemovalView,
  previous: DeploymentLayerStatus | undefined,
  now: string,
): DeploymentLayerStatus {
  const row = {
    name: removal.layer,
    state: removal.failure ? ("Failed" as const) : ("Removing" as const),
    reason: removal.failure?.reason ?? "Removing",
    message: cut(removal.message),
  };
  return { ...row, lastTransitionTime: since(row, previous, now) };
}

/** How many objects the layer had when all that it has was as it should be; a skipped layer has none. */
function readyObjects(
  view: LayerView,
  known: ContentKnown | undefined,
  previous: DeploymentLayerStatus | undefined,
): Pick<DeploymentLayerStatus, "readyObjects"> {
  if (view.state === "Skipped") return {};
  const isWhole = isAsGoodAsReady(view) && view.dropping !== true;
  const count = isWhole ? known?.desired.length : previous?.readyObjects;
  return count === undefined ? {} : { readyObjects: count };
}

function healthFields({ health }: LayerView): Partial<DeploymentLayerStatus> {
  if (!health) return {};
  return {
    ready: `${health.ready}/${health.total}`,
    counts: health.counts.slice(0, MAX_COUNTS).map((count) => ({ ...count })),
    ...(health.unhealthy.length > 0
      ? {
          unhealthy: health.unhealthy
            .slice(0, MAX_UNHEALTHY)
            .map(({ object, message }) => ({ object, message: cut(message) })),
        }
      : {}),
  };
}

/** What a person should know and need not act upon; absent when there is nothing. */
export function warningFields(warnings: readonly string[]): Partial<DeploymentLayerStatus> {
  if (warnings.length === 0) return {};
  return { warnings: warnings.slice(0, MAX_WARNINGS).map((warning) => cut(warning)) };
}

/** Without the fields that have no value. */
export function defined<T extends Record<string, string | undefined>>(fields: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
