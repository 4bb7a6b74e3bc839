import type { LayerState } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { widen } from "../membership/applyset.ts";
import { describeRef, groupKindKey } from "../objects/identity.ts";
import type { GroupVersionKind } from "../objects/types.ts";
import { judgeHealth, type LayerHealth } from "./layer-health.ts";
import { membersByLayer, pruneItems } from "./removal.ts";
import type { Seen, Tracked } from "./seen.ts";
import { type ObjectStanding, standingOf } from "./standing.ts";
import type { ApplyItem, RemoveItem, Step, WatchRequest } from "./step.ts";
import type { ContentState, Desired, PlannedLayer } from "./types.ts";

/** What one layer is doing on one cluster, and the next thing to do for it. */
export interface LayerView {
  name: string;
  state: LayerState;
  reason: string;
  message: string;
  /** Whether later layers may go on. */
  gateOpen: boolean;
  /** Whether every object of the present content was written. */
  applied: boolean;
  health: LayerHealth | undefined;
  failure?: Failure;
  step?: Step;
  /** When time alone changes the answer, in milliseconds since the epoch. */
  wakeAt?: number;
}

/** A layer's own objects are members of the set that carry its mark. */
export interface Surroundings {
  seen: Seen;
  prepared: NonNullable<Seen["site"]["prepared"]>;
  /** The names of all listed layers, in order. */
  order: readonly string[];
  /** The name of the layer that this one waits for, if its turn has not come. */
  waitsFor: string | undefined;
  /** Whether a layer of the profile wants the object: what moves to another layer is not pruned here. */
  wantedElsewhere: (key: string) => boolean;
}

interface KnownLayer extends PlannedLayer {
  state: Extract<ContentState, { kind: "known" }>;
}

/**
 * Judges one layer: its state, its message and its next step. The order of the questions is the order of the work:
 * content, reach (membership is written before the first object), namespace, objects by wave, prune, health.
 */
export function evaluateLayer(layer: PlannedLayer, around: Surroundings): LayerView {
  const { seen, waitsFor } = around;
  if (layer.state.kind !== "known") return withoutContent(layer, around);
  const known = layer as KnownLayer;
  const installedBefore = seen.rows.get(layer.spec.name)?.readyDigest === known.state.digest;
  if (waitsFor !== undefined && !installedBefore) return pending(layer, waitsFor);
  const reach = reachStep(known, around);
  if (reach instanceof Failure) return failing(layer, reach);
  if (reach) return { ...working(layer, "Applying", "getting ready to apply"), ...reach };
  const namespace = namespaceStep(known, seen);
  if (namespace instanceof Failure) return failing(layer, namespace);
  if (namespace) return { ...working(layer, "Applying", `creating namespace ${layer.namespace}`), step: namespace };
  return evaluateObjects(known, around, installedBefore);
}

function withoutContent(layer: PlannedLayer, { seen, waitsFor }: Surroundings): LayerView {
  const { state } = layer;
  if (waitsFor !== undefined && state.kind !== "failed") return pending(layer, waitsFor);
  if (state.kind === "reading")
    return working(layer, "Resolving", "reading the ConfigMaps and Secrets that it refers to");
  if (state.kind === "missing") return failing(layer, state.failure);
  if (state.kind === "failed") {
    const retry = seen.now >= state.retryAt;
    return {
      ...failing(layer, state.failure),
      ...(retry ? { step: { kind: "Render", layer } } : { wakeAt: state.retryAt }),
    };
  }
  return {
    ...working(layer, "Resolving", layer.spec.helm ? "rendering the chart" : "reading the manifests"),
    step: { kind: "Render", layer },
  };
}

/** The parent is widened, and the kinds are watched, before the first object: a crash then loses nothing. */
function reachStep(
  { state, spec, namespace }: KnownLayer,
  around: Surroundings,
): { step?: Step } | Failure | undefined {
  const { seen, prepared, order } = around;
  const parent = widen(prepared.parent, {
    kinds: state.desired.map(({ ref }) => ref),
    namespaces: state.desired.flatMap(({ ref }) => ref.namespace ?? []),
    layers: order,
    ownNamespaces: ownsNamespace(state.desired, namespace) && namespace ? [namespace] : [],
  });
  const watches: WatchRequest[] = [];
  let starting = false;
  for (const { kind, namespace: where } of placesOf(state.desired)) {
    const watch = seen.site.watchState(kind, where);
    if (watch instanceof Failure)
      return new Failure(watch.reason, `layer ${spec.name}: ${watch.message}`, { cause: watch });
    if (watch === "unwatched") watches.push({ kind, namespace: where });
    if (watch === "starting") starting = true;
  }
  if (parent !== prepared.parent || watches.length > 0) return { step: { kind: "Reach", parent, watches } };
  return starting ? {} : undefined;
}

function placesOf(desired: readonly Desired[]): WatchRequest[] {
  const places = new Map<string, WatchRequest>();
  for (const { ref } of desired) {
    places.set(`${groupKindKey(ref)}/${ref.namespace ?? ""}`, { kind: ref, namespace: ref.namespace });
  }
  return [...places.values()];
}

/** A layer's `namespace:` is infrastructure, unless the layer brings the Namespace itself, as a member. */
function ownsNamespace(desired: readonly Desired[], namespace: string | undefined): boolean {
  if (namespace === undefined) return false;
  if (desired.some(({ ref }) => ref.group === "" && ref.kind === "Namespace" && ref.name === namespace)) return false;
  return desired.some(({ ref }) => ref.namespace === namespace);
}

function namespaceStep(layer: KnownLayer, seen: Seen): Step | Failure | undefined {
  const { namespace } = layer;
  if (namespace === undefined || !ownsNamespace(layer.state.desired, namespace)) return undefined;
  const done = seen.namespaces.get(namespace);
  if (done === true) return undefined;
  const attempt = seen.attempts.get(`namespace/${namespace}`);
  if (done && attempt?.retryAt !== undefined && seen.now < attempt.retryAt) return done;
  return { kind: "EnsureNamespace", layer, namespace };
}

interface ObjectView {
  desired: Desired;
  tracked: Tracked | undefined;
  standing: ObjectStanding;
}

function evaluateObjects(layer: KnownLayer, around: Surroundings, installedBefore: boolean): LayerView {
  const { seen } = around;
  const views = layer.state.desired.map((desired): ObjectView => {
    const tracked = seen.site.member(desired.key);
    return { desired, tracked, standing: standingOf(desired, layer.spec.name, tracked, seen) };
  });
  const held = heldBack(layer, views, seen);
  const failures = failuresOf(layer, views, seen);
  const wakeAt = nextRetry(failures, seen);
  const due = views.filter((view) => isDue(view, held, seen));
  const base = { wakeAt, applied: false, gateOpen: installedBefore, health: undefined };
  const first = Math.min(...due.map(({ desired }) => desired.wave));
  const step: Step | undefined =
    due.length > 0
      ? { kind: "Apply", layer, items: due.filter(({ desired }) => desired.wave === first).map(toItem) }
      : discoverStep(held, seen);
  if (failures.length > 0) return { ...failing(layer, summed(failures)), ...strip(base), ...(step ? { step } : {}) };
  const open = views.filter(({ standing }) => standing !== "current");
  if (open.length > 0)
    return { ...applying(layer, views, open, installedBefore), ...strip(base), ...(step ? { step } : {}) };
  return finished(layer, views, around);
}

/** Objects whose kind is not served yet: their CRD, from this profile, must be Established first. */
function heldBack(layer: KnownLayer, views: readonly ObjectView[], seen: Seen): ReadonlyMap<string, GroupVersionKind> {
  const held = new Map<string, GroupVersionKind>();
  const crds = new Map(
    views
      .filter(({ desired }) => desired.ref.kind === "CustomResourceDefinition")
      .map((view) => [servedKind(view.desired), view]),
  );
  for (const { desired } of views) {
    const crd = crds.get(groupKindKey(desired.ref));
    const waits = crd !== undefined && (crd.standing !== "current" || crd.tracked?.verdict.state !== "Current");
    if (waits || !seen.site.served(desired.ref)) held.set(desired.key, desired.ref);
  }
  return layer.state.desired.length === 0 ? new Map() : held;
}

function servedKind({ object }: Desired): string {
  const spec = object["spec"] as { group?: string; names?: { kind?: string } } | undefined;
  return groupKindKey({ group: spec?.group ?? "", kind: spec?.names?.kind ?? "" });
}

function discoverStep(held: ReadonlyMap<string, GroupVersionKind>, seen: Seen): Step | undefined {
  const wanted = [...held.values()].filter((kind) => !seen.site.served(kind) && seen.site.scopeOf(kind) !== undefined);
  return wanted.length > 0 ? { kind: "Discover", wanted } : undefined;
}

function isDue({ desired, standing }: ObjectView, held: ReadonlyMap<string, unknown>, seen: Seen): boolean {
  if (standing === "current" || standing === "terminating" || held.has(desired.key)) return false;
  const attempt = seen.attempts.get(desired.key);
  return attempt?.failure === undefined || attempt.digest !== desired.digest || seen.now >= (attempt.retryAt ?? 0);
}

function toItem({ desired, tracked, standing }: ObjectView): ApplyItem {
  const mode = standing === "missing" ? "create" : standing === "drifted" ? "repair" : "update";
  return { desired, mode, observed: tracked };
}

interface ObjectFailure {
  failure: Failure;
  retryAt: number | undefined;
}

function failuresOf(layer: KnownLayer, views: readonly ObjectView[], seen: Seen): ObjectFailure[] {
  const unplaced = layer.state.problems.map((failure) => ({ failure, retryAt: undefined }));
  const attempted = views.flatMap(({ desired, standing }) => {
    const attempt = seen.attempts.get(desired.key);
    if (standing === "current" || !attempt?.failure || attempt.digest !== desired.digest) return [];
    return [{ failure: attempt.failure, retryAt: attempt.retryAt }];
  });
  return [...unplaced, ...attempted];
}

function nextRetry(failures: readonly ObjectFailure[], seen: Seen): number | undefined {
  const times = failures.flatMap(({ retryAt }) => (retryAt !== undefined && retryAt > seen.now ? [retryAt] : []));
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** The first failure speaks; a person must act before a machine can, so configuration comes before the transient ones. */
function summed(failures: readonly ObjectFailure[]): Failure {
  const sorted = failures.map(({ failure }) => failure).sort((a, b) => rank(a) - rank(b));
  const [first] = sorted;
  if (!first) throw new Error("no failure to sum up");
  const more = sorted.length > 1 ? ` (and ${sorted.length - 1} more)` : "";
  return new Failure(first.reason, `${first.message}${more}`, { cause: first });
}

function rank(failure: Failure): number {
  return failure.retry === "configuration" ? 0 : failure.retry === "waiting" ? 1 : 2;
}

function applying(
  layer: KnownLayer,
  views: readonly ObjectView[],
  open: readonly ObjectView[],
  installedBefore: boolean,
): LayerView {
  const terminating = open.find(({ standing }) => standing === "terminating");
  const done = views.length - open.length;
  const progress = `${done} of ${views.length} objects applied`;
  const message = terminating ? `${progress}; ${terminatingSentence(terminating)}` : progress;
  const repairs = installedBefore && open.every(({ standing }) => standing !== "outdated");
  return working(layer, repairs ? "Drifted" : "Applying", repairs ? driftSentence(open) : message);
}

function driftSentence(open: readonly ObjectView[]): string {
  const names = open.slice(0, 3).map(({ desired }) => describeRef(desired.ref));
  return `${names.join(", ")}${open.length > 3 ? ` and ${open.length - 3} more` : ""} changed or deleted by somebody: repairing`;
}

function terminatingSentence({ desired, tracked }: ObjectView): string {
  const finalizers = tracked?.observed.finalizers ?? [];
  const why = finalizers.length > 0 ? `, held by finalizer ${finalizers.join(", ")}` : "";
  return `${describeRef(desired.ref)} is being deleted${why}; it is created again when it is gone`;
}

/** All objects are written: what the layer dropped goes, then health decides. */
function finished(layer: KnownLayer, views: readonly ObjectView[], around: Surroundings): LayerView {
  const { seen } = around;
  const prune = layer.spec.prune === "Never" ? [] : dropped(layer, around);
  const health = judgeHealth(layer.spec, views, seen);
  const step: Step | undefined =
    prune.length > 0 ? { kind: "Remove", layer: layer.spec.name, items: prune } : undefined;
  const opens = health.state === "Ready" || layer.spec.gate === "Applied";
  return {
    name: layer.spec.name,
    state: health.state,
    reason: health.reason,
    message: health.message,
    gateOpen: opens || seen.rows.get(layer.spec.name)?.readyDigest === layer.state.digest,
    applied: true,
    health,
    ...(step ? { step } : {}),
    ...(health.wakeAt === undefined ? {} : { wakeAt: health.wakeAt }),
  };
}

function dropped(layer: KnownLayer, { seen, wantedElsewhere }: Surroundings): RemoveItem[] {
  const wanted = new Set(layer.state.desired.map(({ key }) => key));
  const members = membersByLayer(seen).get(layer.spec.name) ?? [];
  return pruneItems(
    members.filter(({ observed: { key } }) => !wanted.has(key) && !wantedElsewhere(key)),
    seen,
  );
}

function pending(layer: PlannedLayer, waitsFor: string): LayerView {
  return { ...working(layer, "Pending", `waits for layer ${waitsFor}`), reason: "WaitingForLayer" };
}

function working(layer: PlannedLayer, state: LayerState, message: string): LayerView {
  return { name: layer.spec.name, state, reason: state, message, gateOpen: false, applied: false, health: undefined };
}

function failing(layer: PlannedLayer, failure: Failure): LayerView {
  return { ...working(layer, failure.state, failure.message), reason: failure.reason, failure };
}

function strip<T extends { wakeAt: number | undefined }>({
  wakeAt,
  ...rest
}: T): Omit<T, "wakeAt"> & { wakeAt?: number } {
  return wakeAt === undefined ? rest : { ...rest, wakeAt };
}
