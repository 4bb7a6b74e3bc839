import { Failure } from "../errors.ts";
import { describeRef } from "../objects/identity.ts";
import { type About, attemptAt, type ChartLayer, eventOf, type OpenRecord, releaseOf } from "./chart-layer.ts";
import { driftModeOf } from "./drift.ts";
import { evaluateFirst, evaluateObjects } from "./evaluate-objects.ts";
import { evaluateHooks, type HookView, watchedHooks } from "./hooks.ts";
import { failing, jobsOf, type LayerView, noteLeft, type Surroundings, withoutLook, working } from "./layer-view.ts";
import { refusedLookups } from "./refused-lookups.ts";
import { belongsTo, isPending, latestOf, type ReleaseRecord } from "./release.ts";
import { heldBy, refusalOf } from "./release-attempt.ts";
import { failedStage, lasting, mark, orFailed, overdue, rolledBackView, wakeBy } from "./release-failure.ts";
import { contentKey, openRevision } from "./release-opening.ts";
import { tested } from "./release-tests.ts";

/**
 * Judges the layer of a chart by its Helm release. A revision is opened before the first object; then come the attachments
 * and the chart's `crds/`, the hooks before, the objects, what others left, the hooks after (right after the objects, as
 * `helm install` does: there are charts whose pods wait for a hook), health, the record, and the tests.
 */
export function evaluateRelease(layer: ChartLayer, around: Surroundings, installedBefore: boolean): LayerView {
  const records = around.seen.site.releases(releaseOf(layer));
  if (records instanceof Failure) return { ...failing(layer, records), gateOpen: installedBefore };
  if (records === "unknown") {
    const view = working(layer, "Applying", "reading the records of the Helm release");
    return { ...view, looking: true, gateOpen: installedBefore };
  }
  const lost = unplacedHook(layer);
  if (lost) return { ...failing(layer, lost), gateOpen: installedBefore };
  const record = ownRecord(layer, records, around);
  if (record?.status === "deployed") return held(layer, settled(layer, record, { around, installedBefore }), around);
  const left = record ? undefined : leftToHelm(layer, records, { around, installedBefore });
  if (left) return left;
  const view = record ? whileOpen(layer, record, { records, around }) : openRevision(layer, records, around);
  return { ...held(layer, view, around), gateOpen: view.gateOpen || installedBefore };
}

/** Why a hook cannot be created: without it the release would be incomplete, or out of order. */
function unplacedHook({ state }: ChartLayer): Failure | undefined {
  return state.hooks.length < state.content.release.hooks.length ? state.problems.at(-1) : undefined;
}

function held(layer: ChartLayer, view: LayerView, { seen }: Surroundings): LayerView {
  const refused = heldBy(view.step, seen);
  if (!refused) return view;
  const { hooks } = view;
  return { ...failing(layer, refused.failure), ...(hooks ? { hooks } : {}), wakeAt: refused.retryAt };
}

/**
 * What a person did with `helm` to a layer that leaves drift as it is: no revision is opened until the layer changes. Helm
 * drops what says that a record is ours when it writes one.
 */
function leftToHelm(
  layer: ChartLayer,
  records: readonly ReleaseRecord[],
  { around, installedBefore }: { around: Surroundings; installedBefore: boolean },
): LayerView | undefined {
  const mode = driftModeOf(layer);
  const latest = latestOf(records);
  if (mode === "Correct" || !installedBefore || latest?.progress) return undefined;
  const view = evaluateObjects(layer, around, installedBefore);
  const { namespace, name } = releaseOf(layer);
  const what = latest ? `is at revision ${latest.version} (${latest.status})` : "is gone";
  return mode === "Ignore" ? view : noteLeft(view, `Helm release ${namespace}/${name} ${what}: ${LEFT_TO_HELM}`);
}

const LEFT_TO_HELM = "somebody used helm on it, and it is left so, as drift.mode is Warn";

/** The newest record, if it is of this content and Strata wrote it last. */
function ownRecord(
  layer: ChartLayer,
  records: readonly ReleaseRecord[],
  { seen }: Surroundings,
): OpenRecord | undefined {
  const latest = latestOf(records);
  if (!latest?.progress || !belongsTo(latest, seen.set, layer.spec.name)) return undefined;
  if (latest.progress.uninstalling || latest.progress.handedOver) return undefined;
  const isOpen = latest.status === "deployed" || latest.status === "failed" || isPending(latest.status);
  return isOpen && latest.progress.inputs === contentKey(layer) ? { ...latest, progress: latest.progress } : undefined;
}

/** The revision is recorded as deployed: drift is repaired as in any layer, and the tests run. */
function settled(
  layer: ChartLayer,
  record: OpenRecord,
  { around, installedBefore }: { around: Surroundings; installedBefore: boolean },
): LayerView {
  const view = withRefusedLookups(layer, evaluateObjects(layer, around, installedBefore));
  if (view.state !== "Ready" || isAtWork(view)) return view;
  return rolledBackView(layer, view) ?? tested(layer, view, { record, around }) ?? view;
}

/** Objects are looked at aside: the revision does not wait for that. */
function isAtWork({ step, aside }: LayerView): boolean {
  return step !== undefined && aside !== true;
}

/** What the layer dropped is on its way out: its objects may all be healthy, but the release is not Ready before it is recorded. */
function unrecorded(layer: ChartLayer, view: LayerView): LayerView {
  if (view.state !== "Ready") return view;
  return {
    ...view,
    ...working(layer, "Applying", "deleting what it brings no more"),
    applied: true,
    health: view.health,
  };
}

function withRefusedLookups({ spec, state }: ChartLayer, view: LayerView): LayerView {
  const words = refusedLookups(spec, state.content.release);
  return view.state === "Ready" && words ? { ...view, message: `${view.message}; ${words}` } : view;
}

/** While a revision is open, the hooks before and after are watched, as what was done of them is judged at each pass. */
function whileOpen(layer: ChartLayer, record: OpenRecord, about: Omit<About, "record">): LayerView {
  const { operation } = record.progress;
  const view = underWay(layer, record, about);
  const named = watchedHooks(layer.state.hooks, [`pre-${operation}`, `post-${operation}`]);
  return { ...view, hooks: { named, late: view.hooks?.late ?? [] } };
}

/** A revision that is not recorded as deployed yet: from the attachments to the record. */
function underWay(layer: ChartLayer, record: OpenRecord, { records, around }: Omit<About, "record">): LayerView {
  const { operation } = record.progress;
  const about = { record, records, around };
  const first = beforeHooks(layer, { record, around });
  if (first) return orFailed(layer, first, about);
  const before = hookStage(layer, `pre-${operation}`, about);
  if (before) return before;
  const view = evaluateObjects(layer, around, false);
  // As `helm upgrade` does: the hooks after may rely on it that what was dropped is gone.
  if (!view.applied || isAtWork(view) || view.goesSoon) return orFailed(layer, unrecorded(layer, view), about);
  const strays = straysView(layer, record);
  if (strays) return strays;
  const after = hookStage(layer, `post-${operation}`, about);
  if (after) return { ...after, ...jobsOf(view), applied: true, health: view.health };
  return recorded(layer, view, about);
}

/**
 * The layer while its attachments are to be written, or the CRDs of the chart's `crds/`. Hooks that run before wait until
 * those are Established, as with Helm: they may create objects of their kinds.
 */
function beforeHooks(layer: ChartLayer, { record, around }: Pick<About, "record" | "around">): LayerView | undefined {
  const first = evaluateFirst(layer, ({ attached, fromCrdsFolder }) => attached || fromCrdsFolder, around);
  if (first) return first;
  if (eventOf(layer, `pre-${record.progress.operation}`, record).hooks.length === 0) return undefined;
  const fromFolder = layer.state.desired.filter(({ fromCrdsFolder }) => fromCrdsFolder);
  const crds = fromFolder.flatMap(({ key }) => around.seen.site.member(key) ?? []);
  const late = crds.find(({ verdict }) => verdict.state !== "Current");
  return late && working(layer, "Applying", `${describeRef(late.observed.ref)}: ${late.verdict.message}`);
}

/** The view while hooks of an event are to run; undefined when all have. */
function hookStage(layer: ChartLayer, event: string, about: About): LayerView | undefined {
  const hooks = eventOf(layer, event, about.record);
  if (hooks.hooks.length === 0) return undefined;
  const view = evaluateHooks(hooks, about.around.seen);
  if (view.done) return undefined;
  if (view.failure?.reason !== "HookFailed") return waitingHook(layer, view, about);
  return failedStage(layer, view.failure, about) ?? hookLayerView(layer, view);
}

/** A hook that cannot be created or seen now has the layer's time; one that runs has its own. */
function waitingHook(layer: ChartLayer, view: HookView, about: About): LayerView {
  const refused = view.failure ?? refusalOf(view.step, about.around.seen)?.failure;
  const isRunning = !refused && (view.step !== undefined || view.wakeAt !== undefined);
  if (isRunning) return hookLayerView(layer, view);
  const late = overdue(layer, refused ? { ...view, failure: refused } : view, about);
  const shown = hookLayerView(layer, late && !refused ? { ...view, failure: late } : view);
  const failure = lasting(refused) ?? late;
  const staged = (failure && failedStage(layer, failure, about)) ?? shown;
  return { ...staged, ...wakeBy(layer, staged, about) };
}

function hookLayerView(layer: ChartLayer, { message, late, failure, step, wakeAt }: HookView): LayerView {
  return {
    ...(failure ? failing(layer, failure) : { ...working(layer, "Applying", message), reason: "RunningHooks" }),
    hooks: { named: [], late },
    ...(step ? { step } : {}),
    ...(wakeAt === undefined ? {} : { wakeAt }),
  };
}

/** Objects of somebody else's revision: recorded when this one was opened, so that a crash forgets none. */
function straysView(layer: ChartLayer, record: OpenRecord): LayerView | undefined {
  const { strays = [] } = record.progress;
  if (strays.length === 0) return undefined;
  const message = `deleting ${strays.length} objects that somebody else's revision brought`;
  const attempt = attemptAt(layer, "record", `strays/${record.version}`);
  const step = { kind: "RemoveStrays" as const, attempt, record, strays };
  return { ...working(layer, "Applying", message), applied: true, step };
}

/** Healthy, and then recorded as deployed, whatever else is still to go; unhealthy or late, and recorded as failed. */
function recorded(layer: ChartLayer, view: LayerView, about: About): LayerView {
  const { record, records, around } = about;
  const gateOpen = layer.spec.gate === "Applied" && view.gateOpen;
  if (view.health?.state === "Ready") {
    const superseded = records.filter(({ status, version }) => status === "deployed" && version < record.version);
    const shown = {
      ...withoutLook(view),
      ...working(layer, "Applying", "recording the Helm release as deployed"),
      gateOpen,
    };
    return mark(
      layer,
      { ...shown, applied: true, health: view.health },
      { record, status: "deployed", superseded, around },
    );
  }
  if (view.state !== "Failed") return { ...view, gateOpen };
  const failure = view.failure ?? new Failure("HookFailed", view.message);
  const failed = failedStage(layer, failure, about);
  return { ...view, gateOpen, ...(failed?.step ? { step: failed.step } : {}) };
}
