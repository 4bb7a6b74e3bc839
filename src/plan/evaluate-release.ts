import { durationMs } from "../api/duration.ts";
import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import { describeRef } from "../objects/identity.ts";
import { evaluateObjects } from "./evaluate-objects.ts";
import { evaluateHooks, type HookEvent, type HookView, hooksOf, watchedHooks } from "./hooks.ts";
import { failing, type KnownLayer, type LayerView, type Surroundings, working } from "./layer-view.ts";
import { releaseNameOf } from "./place.ts";
import {
  belongsTo,
  isPending,
  latestOf,
  type ReleaseName,
  type ReleaseProgress,
  type ReleaseRecord,
  releaseAttempt,
  surplus,
} from "./release.ts";
import { sealed } from "./seal.ts";
import type { Seen } from "./seen.ts";
import { standingOf } from "./standing.ts";
import type { ReleaseAttempt, Step } from "./step.ts";
import type { ChartRelease, Desired } from "./types.ts";

/** A layer whose objects are those of a Helm release. */
export interface ChartLayer extends KnownLayer {
  namespace: string;
  state: KnownLayer["state"] & { content: { release: ChartRelease } };
}

export function isChart(layer: KnownLayer): layer is ChartLayer {
  return layer.namespace !== undefined && layer.state.content.release !== undefined;
}

/** The record that the layer's present content has, and how far it is. */
interface OpenRecord extends ReleaseRecord {
  progress: ReleaseProgress;
}

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
  const view = record ? whileOpen(layer, record, { records, around }) : openRevision(layer, records, around);
  return { ...held(layer, view, around), gateOpen: view.gateOpen || installedBefore };
}

/** Why a hook cannot be created: without it the release would be incomplete, or out of order. */
function unplacedHook({ state }: ChartLayer): Failure | undefined {
  return state.hooks.length < state.content.release.hooks.length ? state.problems.at(-1) : undefined;
}

/** A step that failed not long ago waits: until then its failure is what the layer shows. */
function held(layer: ChartLayer, view: LayerView, { seen }: Surroundings): LayerView {
  const refused = refusalOf(view.step, seen);
  if (!refused || seen.now >= refused.retryAt) return view;
  const { hooks } = view;
  return { ...failing(layer, refused.failure), ...(hooks ? { hooks } : {}), wakeAt: refused.retryAt };
}

/** Why a step was refused when it was last tried. */
function refusalOf(step: Step | undefined, seen: Seen): { failure: Failure; retryAt: number } | undefined {
  if (!step || !("attempt" in step)) return undefined;
  const tried = seen.attempts.get(step.attempt.key);
  if (tried?.digest !== step.attempt.digest || !tried.failure) return undefined;
  return { failure: tried.failure, retryAt: tried.retryAt ?? 0 };
}

export function releaseOf({ spec, namespace }: Pick<ChartLayer, "spec" | "namespace">): ReleaseName {
  return { namespace, name: releaseNameOf(spec) };
}

/** The newest record, if it is of this content and Strata wrote it last. */
function ownRecord(
  layer: ChartLayer,
  records: readonly ReleaseRecord[],
  { seen }: Surroundings,
): OpenRecord | undefined {
  const latest = latestOf(records);
  if (!latest?.progress || latest.progress.uninstalling || !belongsTo(latest, seen.set, layer.spec.name))
    return undefined;
  const isOpen = latest.status === "deployed" || latest.status === "failed" || isPending(latest.status);
  return isOpen && latest.progress.inputs === contentKey(layer) ? { ...latest, progress: latest.progress } : undefined;
}

/** What a revision was made from; the content to which a failed one was rolled back is another one. */
function contentKey({ inputs, state }: ChartLayer): string {
  const { rolledBack } = state.content.release;
  return rolledBack ? `${inputs?.digest}-rollback-${rolledBack.from}` : (inputs?.digest ?? "");
}

function attemptAt(layer: ChartLayer, digest: string): ReleaseAttempt {
  return { key: releaseAttempt(layer.spec.name), digest };
}

function openRevision(layer: ChartLayer, records: readonly ReleaseRecord[], around: Surroundings): LayerView {
  const latest = latestOf(records);
  const revision = (latest?.version ?? 0) + 1;
  const busy = latest && busyView(layer, latest, around);
  if (busy) return busy;
  const own = records.some((record) => isOwn(record, layer, around));
  const conflict = own ? undefined : conflictOf(layer, latest);
  if (conflict) return failing(layer, conflict);
  const key = contentKey(layer);
  const content = layer.state.content.release;
  const { rolledBack } = content;
  const operation = rolledBack ? "rollback" : latest ? "upgrade" : "install";
  return {
    ...working(layer, "Applying", `opening revision ${revision} of the Helm release`),
    step: {
      kind: "OpenRelease",
      attempt: attemptAt(layer, `open/${revision}/${key}`),
      layer,
      release: releaseOf(layer),
      revision,
      latest,
      adopts: latest !== undefined && !own,
      progress: { inputs: key, operation, runs: {}, seal: hmacDigest(around.prepared.digestKey, sealed(content)) },
      surplus: surplus(records, layer.spec),
    },
  };
}

/** Of this layer, or of one that left the list: a layer that was renamed goes on with its release. */
function isOwn(record: ReleaseRecord, layer: ChartLayer, { seen, order }: Surroundings): boolean {
  if (record.layer === undefined) return false;
  return (
    belongsTo(record, seen.set, layer.spec.name) || (record.parent === seen.set.parent && !order.includes(record.layer))
  );
}

/** Helm's own default for how long an operation may take. */
const HELM_TIMEOUT_MS = 5 * 60_000;

/** Somebody else is at work on the release, or was cut off in the middle: after a time it is taken up from there. */
function busyView(layer: ChartLayer, latest: ReleaseRecord, { seen }: Surroundings): LayerView | undefined {
  if (latest.progress || !(isPending(latest.status) || latest.status === "uninstalling")) return undefined;
  const until = latest.touchedAt + Math.min(HELM_TIMEOUT_MS, durationMs(layer.spec.timeout) ?? HELM_TIMEOUT_MS);
  if (seen.now >= until) return undefined;
  const { namespace, name } = releaseOf(layer);
  const clock = new Date(until).toISOString().slice(11, 19);
  const message =
    `somebody else is at work on Helm release ${namespace}/${name} (revision ${latest.version} is ${latest.status}): ` +
    `waits until that has ended, or ${clock} UTC`;
  return { ...failing(layer, new Failure("ReleaseBusy", message)), wakeAt: until };
}

function conflictOf(layer: ChartLayer, latest: ReleaseRecord | undefined): Failure | undefined {
  if (!latest || layer.spec.adoption === "Always") return undefined;
  const { namespace, name } = releaseOf(layer);
  const what = `Helm release ${namespace}/${name} exists (revision ${latest.version}, ${latest.status})`;
  if (latest.parent !== undefined)
    return new Failure(
      "Conflict",
      `${what} and belongs to another layer or profile: give one of them another helm.releaseName`,
    );
  if (layer.spec.adoption === "SameRelease") return undefined;
  const remedy =
    "set the layer's adoption to SameRelease to go on with its history, or choose another helm.releaseName";
  return new Failure("Conflict", `${what} and was not made by Strata: ${remedy}`);
}

/** The revision is recorded as deployed: drift is repaired as in any layer, and the tests run. */
function settled(
  layer: ChartLayer,
  record: OpenRecord,
  { around, installedBefore }: { around: Surroundings; installedBefore: boolean },
): LayerView {
  const view = withRefusedLookups(layer, evaluateObjects(layer, around, installedBefore));
  if (view.state !== "Ready" || view.step) return view;
  return rolledBackView(layer, view) ?? tested(layer, view, { record, around }) ?? view;
}

/** A chart that looked for something in vain may have come out as nobody expects. */
function withRefusedLookups({ state }: ChartLayer, view: LayerView): LayerView {
  const { refusedLookups = [] } = state.content.release;
  if (view.state !== "Ready" || refusedLookups.length === 0) return view;
  const what = refusedLookups.slice(0, 3).join(", ");
  const more = refusedLookups.length > 3 ? ` and ${refusedLookups.length - 3} more` : "";
  return {
    ...view,
    message: `${view.message}; rendered as if ${what}${more} did not exist: helm.lookup does not allow it`,
  };
}

function rolledBackView(layer: ChartLayer, view: LayerView): LayerView | undefined {
  const { rolledBack } = layer.state.content.release;
  if (!rolledBack) return undefined;
  const { from, to, why } = rolledBack;
  const message = `rolled back to revision ${to}, which is healthy: revision ${from} failed: ${why}; change the layer to try again`;
  const failure = new Failure("RolledBack", message);
  return { ...view, state: failure.state, reason: failure.reason, message, failure };
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
  const first = beforeHooks(layer, around);
  if (first) return orFailed(layer, first, about);
  const before = hookStage(layer, `pre-${operation}`, about);
  if (before) return before;
  const view = evaluateObjects(layer, around, false);
  if (!view.applied || view.step) return orFailed(layer, view, about);
  const strays = straysView(layer, record);
  if (strays) return strays;
  const after = hookStage(layer, `post-${operation}`, about);
  if (after) return { ...after, applied: true, health: view.health };
  return recorded(layer, view, about);
}

/** A layer on its way; what the API server refuses for good ends the revision. */
function orFailed(layer: ChartLayer, view: LayerView, about: About): LayerView {
  const refused = view.step ? undefined : lasting(view.failure);
  const failed = refused && failedStage(layer, refused, about);
  return { ...view, gateOpen: false, ...(failed?.step ? { step: failed.step } : {}) };
}

/**
 * The layer while its attachments are to be written, or the CRDs of the chart's `crds/`: like Helm, which waits until those
 * are Established, as the first hook may already create objects of their kinds.
 */
function beforeHooks(layer: ChartLayer, around: Surroundings): LayerView | undefined {
  const { seen } = around;
  const first = layer.state.desired.filter(({ attached, fromCrdsFolder }) => attached || fromCrdsFolder);
  const isOpen = (desired: Desired): boolean =>
    standingOf(desired, layer.spec.name, seen.site.member(desired.key), seen) !== "current";
  if (first.some(isOpen)) {
    return evaluateObjects({ ...layer, state: { ...layer.state, desired: first, problems: [] } }, around, false);
  }
  const crds = first.filter(({ fromCrdsFolder }) => fromCrdsFolder).flatMap(({ key }) => seen.site.member(key) ?? []);
  const late = crds.find(({ verdict }) => verdict.state !== "Current");
  return late && working(layer, "Applying", `${describeRef(late.observed.ref)}: ${late.verdict.message}`);
}

interface About {
  record: OpenRecord;
  records: readonly ReleaseRecord[];
  around: Surroundings;
}

/** The view while hooks of an event are to run; undefined when all have. */
function hookStage(layer: ChartLayer, event: string, about: About): LayerView | undefined {
  const hooks = eventOf(layer, event, about.record);
  if (hooks.hooks.length === 0) return undefined;
  const view = evaluateHooks(hooks, about.around.seen);
  if (view.done) return undefined;
  const shown = hookLayerView(layer, view);
  const failure = view.failure ?? lasting(refusalOf(view.step, about.around.seen)?.failure);
  return (failure && failedStage(layer, failure, about)) ?? shown;
}

/** A failure that only a person can mend: to Helm the operation has then failed. */
function lasting(failure: Failure | undefined): Failure | undefined {
  return failure?.retry === "configuration" ? failure : undefined;
}

function hookLayerView(layer: ChartLayer, { message, late, failure, step, wakeAt }: HookView): LayerView {
  return {
    ...(failure ? failing(layer, failure) : { ...working(layer, "Applying", message), reason: "RunningHooks" }),
    hooks: { named: [], late },
    ...(step ? { step } : {}),
    ...(wakeAt === undefined ? {} : { wakeAt }),
  };
}

/** What failed is recorded, and goes back to what was Ready before if the layer says so. */
function failedStage(layer: ChartLayer, failure: Failure, { record, records, around }: About): LayerView | undefined {
  const view = failing(layer, failure);
  if (record.status !== "failed") return mark(layer, view, { record, status: "failed", superseded: [] });
  const to = rollbackTarget(layer, record, records, around);
  if (!to) return undefined;
  const attempt = attemptAt(layer, `rollback/${record.version}/${to.version}`);
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
    (one) => one.version < record.version && one.progress?.ready && belongsTo(one, seen.set, layer.spec.name),
  );
  return latestOf(ready);
}

function eventOf({ spec, state }: ChartLayer, event: string, record: ReleaseRecord): HookEvent {
  const timeoutMs = durationMs(spec.timeout) ?? HELM_TIMEOUT_MS;
  return { event, layer: spec.name, record, hooks: hooksOf(state.hooks, event), timeoutMs };
}

/** Objects of somebody else's revision: recorded when this one was opened, so that a crash forgets none. */
function straysView(layer: ChartLayer, record: OpenRecord): LayerView | undefined {
  const { strays = [] } = record.progress;
  if (strays.length === 0) return undefined;
  const message = `deleting ${strays.length} objects that somebody else's revision brought`;
  const attempt = attemptAt(layer, `strays/${record.version}`);
  const step = { kind: "RemoveStrays" as const, attempt, record, strays };
  return { ...working(layer, "Applying", message), applied: true, step };
}

/** Ready, and then recorded as deployed; too late, and recorded as failed. */
function recorded(layer: ChartLayer, view: LayerView, about: About): LayerView {
  const { record, records } = about;
  const gateOpen = layer.spec.gate === "Applied" && view.gateOpen;
  if (view.state === "Ready") {
    const superseded = records.filter(({ status, version }) => status === "deployed" && version < record.version);
    const shown = { ...view, ...working(layer, "Applying", "recording the Helm release as deployed"), gateOpen };
    return mark(layer, { ...shown, applied: true, health: view.health }, { record, status: "deployed", superseded });
  }
  if (view.state !== "Failed") return { ...view, gateOpen };
  const failure = view.failure ?? new Failure("HookFailed", view.message);
  const failed = failedStage(layer, failure, about);
  return { ...view, gateOpen, ...(failed?.step ? { step: failed.step } : {}) };
}

const DESCRIPTIONS = { install: "Install complete", upgrade: "Upgrade complete", rollback: "Rollback to" } as const;

function mark(
  layer: ChartLayer,
  view: LayerView,
  {
    record,
    status,
    superseded,
  }: { record: OpenRecord; status: "deployed" | "failed"; superseded: readonly ReleaseRecord[] },
): LayerView {
  const { operation } = record.progress;
  const { rolledBack } = layer.state.content.release;
  const done = rolledBack ? `${DESCRIPTIONS.rollback} ${rolledBack.to}` : DESCRIPTIONS[operation];
  return {
    ...view,
    step: {
      kind: "MarkRelease",
      attempt: attemptAt(layer, `${status}/${record.version}/${record.resourceVersion}`),
      record,
      status,
      description: status === "deployed" ? done : `${operation} failed: ${view.message}`,
      progress: { ...record.progress, ...(status === "deployed" ? { ready: true } : {}) },
      superseded,
    },
  };
}

/** The chart's tests, once the layer is Ready; undefined when it has none or wants none. */
function tested(
  layer: ChartLayer,
  view: LayerView,
  { record, around }: { record: OpenRecord; around: Surroundings },
): LayerView | undefined {
  const { test = "None" } = layer.spec;
  const hooks = eventOf(layer, "test", record);
  if (test === "None" || hooks.hooks.length === 0) return undefined;
  const tests = evaluateHooks(hooks, around.seen);
  // They stay watched: what was done of them is judged again at each pass.
  if (tests.done) return { ...view, hooks: { named: watchedHooks(layer.state.hooks, ["test"]), late: [] } };
  const { message, failure, step, wakeAt, late } = tests;
  const named = watchedHooks(layer.state.hooks, ["test"]);
  const words = `${view.message}; ${failure ? "" : "testing: "}${message}`;
  const next = { hooks: { named, late }, ...(step ? { step } : {}), ...(wakeAt === undefined ? {} : { wakeAt }) };
  if (test === "Warn") return { ...view, ...next, message: words };
  const shown = failure ? failing(layer, new Failure("TestFailed", words)) : working(layer, "Waiting", words);
  return { ...view, ...shown, ...next, reason: failure ? "TestFailed" : "Testing", applied: true, health: view.health };
}
