import { durationMs } from "../api/duration.ts";
import { Failure } from "../errors.ts";
import { type About, attemptAt, type ChartLayer, type OpenRecord, releaseOf } from "./chart-layer.ts";
import { failing, type LayerView, type Surroundings } from "./layer-view.ts";
import { belongsTo, latestOf, type ReleaseRecord } from "./release.ts";
import { sealOf } from "./seal.ts";

/** A layer on its way; what the API server refuses for good, or until the time is over, ends the revision. */
export function orFailed(layer: ChartLayer, view: LayerView, about: About): LayerView {
  const late = view.step || view.looking ? undefined : overdue(layer, view, about);
  const shown = late && !view.failure ? { ...view, ...failing(layer, late) } : view;
  const refused = view.step ? undefined : (lasting(view.failure) ?? late);
  const failed = refused && failedStage(layer, refused, about);
  return { ...shown, gateOpen: false, ...(failed?.step ? { step: failed.step } : {}), ...wakeBy(layer, shown, about) };
}

/** What keeps a revision open longer than the layer's timeout; one that has failed once has no more time. */
export function overdue(
  layer: ChartLayer,
  { failure, message }: { failure?: Failure; message: string },
  { record, around }: About,
): Failure | undefined {
  if (record.status !== "failed" && around.seen.now < deadlineOf(layer, record)) return undefined;
  return failure ?? new Failure("Timeout", `not applied after ${layer.spec.timeout}: ${message}`);
}

/** Each hook has its own time: that of the objects counts from the end of the last one. */
function deadlineOf({ spec }: ChartLayer, { touchedAt, progress }: OpenRecord): number {
  // Whoever may write Secrets there may write any text: what is no time must not become a moment to wake at.
  const ends = Object.values(progress.runs).map(({ completedAt }) => Date.parse(completedAt) || 0);
  return Math.max(touchedAt, ...ends) + (durationMs(spec.timeout) ?? 0);
}

export function wakeBy(
  layer: ChartLayer,
  { wakeAt }: { wakeAt?: number },
  { record, around }: About,
): { wakeAt?: number } {
  const deadline = deadlineOf(layer, record);
  if (record.status === "failed" || deadline <= around.seen.now) return wakeAt === undefined ? {} : { wakeAt };
  return { wakeAt: Math.min(wakeAt ?? deadline, deadline) };
}

/** A failure that only a person can mend: to Helm the operation has then failed. */
export function lasting(failure: Failure | undefined): Failure | undefined {
  return failure?.retry === "configuration" ? failure : undefined;
}

/** What failed is recorded, and goes back to what was Ready before if the layer says so. */
export function failedStage(
  layer: ChartLayer,
  failure: Failure,
  { record, records, around }: About,
): LayerView | undefined {
  const view = failing(layer, failure);
  if (record.status !== "failed") return mark(layer, view, { record, status: "failed", superseded: [], around });
  const to = rollbackTarget(layer, record, records, around);
  if (!to) return undefined;
  const attempt = attemptAt(layer, "rollback", `rollback/${record.version}/${to.version}`);
  return {
    ...view,
    step: { kind: "Rollback", attempt, layer, from: record, to, why: failure.message, key: around.prepared.digestKey },
  };
}

function rollbackTarget(
  layer: ChartLayer,
  record: OpenRecord,
  records: readonly ReleaseRecord[],
  { seen }: Surroundings,
): ReleaseRecord | undefined {
  if (layer.spec.onFailure !== "Rollback" || layer.state.content.release.rolledBack) return undefined;
  const ready = records.filter(
    (one) => one.version < record.version && one.seal !== undefined && belongsTo(one, seen.set, layer.spec.name),
  );
  return latestOf(ready);
}

export function rolledBackView(layer: ChartLayer, view: LayerView): LayerView | undefined {
  const { rolledBack } = layer.state.content.release;
  if (!rolledBack) return undefined;
  const { from, to, why } = rolledBack;
  const message = `rolled back to revision ${to}, which is healthy: revision ${from} failed: ${why}; change the layer to try again`;
  const failure = new Failure("RolledBack", message);
  return { ...view, gateOpen: false, state: failure.state, reason: failure.reason, message, failure };
}

export function mark(
  layer: ChartLayer,
  view: LayerView,
  {
    record,
    status,
    superseded,
    around,
  }: Pick<About, "record" | "around"> & { status: "deployed" | "failed"; superseded: readonly ReleaseRecord[] },
): LayerView {
  const { operation } = record.progress;
  const { rolledBack } = layer.state.content.release;
  const done = rolledBack ? `${DESCRIPTIONS.rollback} ${rolledBack.to}` : DESCRIPTIONS[operation];
  return {
    ...view,
    step: {
      kind: "MarkRelease",
      attempt: attemptAt(layer, "record", `${status}/${record.version}/${record.resourceVersion}`),
      record,
      status,
      description: status === "deployed" ? done : `${operation} failed: ${view.message}`,
      progress: record.progress,
      hooks: layer.state.hooks,
      ...(status === "deployed" ? { seal: sealOfLayer(layer, record, around) } : {}),
      superseded,
    },
  };
}

function sealOfLayer(layer: ChartLayer, { version }: OpenRecord, { seen, prepared }: Surroundings): string {
  const { manifest, hooks } = layer.state.content.release;
  const about = { parent: seen.set.parent, layer: layer.spec.name, release: releaseOf(layer), revision: version };
  return sealOf(prepared.digestKey, { ...about, manifest, hooks });
}

const DESCRIPTIONS = { install: "Install complete", upgrade: "Upgrade complete", rollback: "Rollback to" } as const;
