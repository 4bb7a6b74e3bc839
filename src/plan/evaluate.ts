import { Failure } from "../errors.ts";
import { widen } from "../membership/applyset.ts";
import { groupKindKey, keyOf } from "../objects/identity.ts";
import type { GroupKind } from "../objects/types.ts";
import { kindsServedBy } from "../objects/waves.ts";
import { emptiedView } from "./braked-layer.ts";
import { isChart, releaseOf } from "./chart-layer.ts";
import { isCore } from "./core-layers.ts";
import { verified } from "./core-view.ts";
import { evaluateObjects, repairsOf } from "./evaluate-objects.ts";
import { evaluateRelease } from "./evaluate-release.ts";
import { healthChecksOf } from "./layer-health.ts";
import { namespaceDigest, namespaceMetadataOf, namespacesOf } from "./layer-namespace.ts";
import {
  failing,
  held,
  isSettled,
  type KnownLayer,
  type LayerView,
  pending,
  type Surroundings,
  skipped,
  suspended,
  working,
} from "./layer-view.ts";
import { renderStep } from "./render-step.ts";
import { retiringView } from "./retired-versions.ts";
import type { Seen } from "./seen.ts";
import type { Step, WatchRequest } from "./step.ts";
import { versionsInUse } from "./stored-versions.ts";
import type { Desired, PlannedLayer } from "./types.ts";

/**
 * Judges one layer: its state, its message and its next step. The order of the questions is the order of the work:
 * content, reach (membership is written before the first object), namespace, objects by wave, prune, health.
 */
export function evaluateLayer(layer: PlannedLayer, around: Surroundings): LayerView {
  const { seen, waitsFor, heldBy } = around;
  if (layer.spec.suspend) return { ...suspended(layer, seen), ...openedForOthers(layer, around) };
  if (layer.state.kind !== "known") return withRepairs(withoutContent(layer, around), layer, around);
  const known = layer as KnownLayer;
  const installedBefore = seen.rows.get(layer.spec.name)?.readyDigest === known.state.digest;
  if (waitsFor !== undefined && !installedBefore) return withRepairs(pending(layer, waitsFor), layer, around);
  if (heldBy !== undefined && !installedBefore) return withRepairs(held(layer, heldBy), layer, around);
  const checks = healthChecksOf(layer.spec);
  if (!checks.ok) {
    const failure = new Failure("InvalidSpec", checks.problems.join("; "));
    return { ...failing(layer, failure), gateOpen: installedBefore };
  }
  const reach = reachStep(known, around, installedBefore);
  if (reach instanceof Failure) return failing(layer, reach);
  if (reach) return { ...working(layer, "Applying", "getting ready to apply"), ...reach };
  const early = beforeObjects(known, around, installedBefore);
  if (early) return early;
  const view = isChart(known)
    ? evaluateRelease(known, around, installedBefore)
    : evaluateObjects(known, around, installedBefore);
  return isCore(layer.spec) && seen.side !== "Management" && !layer.spec.part?.isFollowed
    ? verified(view, known, around)
    : view;
}

/** What stands before the first object, and would leave the layer half done if it came to light later. */
function beforeObjects(layer: KnownLayer, around: Surroundings, installedBefore: boolean): LayerView | undefined {
  const inUse = versionsInUse(layer, around.seen);
  if (inUse) return { ...failing(layer, inUse), gateOpen: installedBefore };
  const retiring = retiringView(layer, around);
  if (retiring) return { ...retiring, gateOpen: installedBefore };
  const emptied = emptiedView(layer, around, installedBefore);
  if (emptied) return withRepairs(emptied, layer, around);
  return withoutNamespace(layer, around, installedBefore);
}

function withoutContent(layer: PlannedLayer, { seen, waitsFor }: Surroundings): LayerView {
  const { state } = layer;
  if (state.kind === "skipped") return skipped(layer);
  const early = opening(layer, seen);
  if (early) return early;
  if (state.kind === "missing" && state.isWrong) return failing(layer, state.failure);
  if (waitsFor !== undefined && state.kind !== "failed" && !isUnchanged(layer, seen)) return pending(layer, waitsFor);
  if (state.kind === "reading")
    return { ...working(layer, "Resolving", "reading the ConfigMaps and Secrets that it refers to"), looking: true };
  if (state.kind === "missing") return failing(layer, state.failure);
  if (state.kind === "waiting") {
    const wake = state.until === undefined ? {} : { wakeAt: state.until };
    return { ...working(layer, "Pending", `waits for ${state.on}`), reason: "WaitingForOutput", ...wake };
  }
  return unrendered(layer, seen);
}

/**
 * Whether a layer is what was Ready last, as far as a fresh process can tell that has not read its content yet: then it is
 * installed, and waits for nobody.
 */
function isUnchanged({ spec, state, inputs }: PlannedLayer, { rows }: Seen): boolean {
  const row = rows.get(spec.name);
  if (row?.readyDigest === undefined || row.digest !== row.readyDigest) return false;
  return state.kind === "reading" || (state.kind === "unknown" && inputs?.digest === row.inputsDigest);
}

/** What is installed is mended, and stays as it is, while it is not known what it should be. */
function withRepairs(view: LayerView, layer: PlannedLayer, around: Surroundings): LayerView {
  const { installed = [], lost = [] } = layer;
  if (view.step || view.state === "Skipped") return view;
  const [name] = lost;
  if (name !== undefined) return { ...view, step: { kind: "Recall", layer: name } };
  let shown = view;
  for (const one of installed) {
    const { step, message, wakeAt } = repairsOf(one, around);
    const times = [shown.wakeAt, wakeAt].filter((time) => time !== undefined);
    shown = {
      ...shown,
      ...(message === undefined ? {} : { message: `${shown.message}; ${message}` }),
      ...(times.length > 0 ? { wakeAt: Math.min(...times) } : {}),
    };
    if (step) return { ...shown, step };
  }
  return shown;
}

/** The view of a layer whose pack is to be opened, which waits for no other layer. */
function opening(layer: PlannedLayer, seen: Seen): LayerView | undefined {
  const { state } = layer;
  if (state.kind === "unpacked" || (state.kind === "failed" && layer.spec.pack)) return unpacking(layer, state, seen);
  if (state.kind !== "macros") return undefined;
  const step = state.batch.length > 0 ? { step: { kind: "EvaluateMacros" as const, batch: state.batch } } : {};
  return { ...working(layer, "Resolving", "reading the values of the profile's packs"), ...step, looking: true };
}

/** The values of a suspended pack may be what those of others are made of: it is read for them, and that is all. */
function openedForOthers(layer: PlannedLayer, { seen, layers }: Surroundings): Pick<LayerView, "step" | "wakeAt"> {
  const isAsked = layers.some(({ spec: { suspend, pack, part } }) => !suspend && (pack ?? part) !== undefined);
  const { step, wakeAt } = (isAsked && opening(layer, seen)) || {};
  return { ...(step ? { step } : {}), ...(wakeAt === undefined ? {} : { wakeAt }) };
}

function unrendered(layer: PlannedLayer, seen: Seen): LayerView {
  const { state } = layer;
  const step = renderStep(layer, seen);
  if (step instanceof Failure) return failing(layer, step);
  if (step === "unknown")
    return { ...working(layer, "Resolving", "reading the records of the Helm release"), looking: true };
  if (state.kind === "failed") {
    const retry = seen.now >= state.retryAt;
    return { ...failing(layer, state.failure), ...(retry ? { step } : { wakeAt: state.retryAt }) };
  }
  return {
    ...working(layer, "Resolving", layer.spec.helm ? "rendering the chart" : "reading the manifests"),
    step,
    looking: !seen.contents.has(layer.spec.name),
  };
}

/** A pack is fetched, or was not to be had and is tried again. */
function unpacking(
  layer: PlannedLayer,
  state: Extract<PlannedLayer["state"], { kind: "unpacked" | "failed" }>,
  seen: Seen,
): LayerView {
  const key = state.kind === "unpacked" ? state.key : (seen.packs.get(layer.spec.name)?.key ?? "");
  const step: Step = { kind: "FetchPack", layer, key };
  if (state.kind === "unpacked")
    return { ...working(layer, "Resolving", "fetching the pack"), step, looking: !seen.packs.has(layer.spec.name) };
  return { ...failing(layer, state.failure), ...(seen.now >= state.retryAt ? { step } : { wakeAt: state.retryAt }) };
}

/**
 * The kinds are watched and the parent is widened before the first object: a crash then loses nothing. The watches come
 * first: a kind that may not be read brings no member, and must not stand in the way of a deletion. While the layer is
 * installed, the first watch of a kind that it brings itself, which takes a while, holds back only the objects of that kind.
 */
function reachStep(
  layer: KnownLayer,
  around: Surroundings,
  installedBefore: boolean,
): Pick<LayerView, "step" | "looking"> | Failure | undefined {
  const { state } = layer;
  const { seen, prepared, order } = around;
  const parent = widen(prepared.parent, {
    objects: state.desired.map(({ ref }) => ref),
    layers: order,
    ownNamespaces: ownNamespaces(layer, around),
    ...(isChart(layer) ? { releases: [{ layer: layer.spec.name, ...releaseOf(layer) }] } : {}),
  });
  const watches: WatchRequest[] = [];
  const starting: GroupKind[] = [];
  for (const { kind, namespace: where } of placesOf(state.desired)) {
    const watch = seen.site.watchState(kind, where);
    // What the layer brings itself comes to be served by it.
    if (watch instanceof Failure && (seen.site.served(kind) || !isBrought(kind, layer))) return watch;
    if (watch === "unwatched") watches.push({ kind, namespace: where });
    if (watch === "starting") starting.push(kind);
  }
  const looking = parent === prepared.parent;
  if (watches.length > 0) return { step: { kind: "Reach", parent: prepared.parent, widens: false, watches }, looking };
  if (starting.some((kind) => installedBefore || !isBrought(kind, layer))) return { looking };
  return looking ? undefined : { step: { kind: "Reach", parent, widens: true, watches } };
}

function isBrought(kind: GroupKind, { state }: KnownLayer): boolean {
  return kindsServedBy(state.desired.map(({ object }) => object)).has(groupKindKey(kind));
}

function placesOf(desired: readonly Desired[]): WatchRequest[] {
  const places = new Map<string, WatchRequest>();
  for (const { ref } of desired) {
    places.set(`${groupKindKey(ref)}/${ref.namespace ?? ""}`, { kind: ref, namespace: ref.namespace });
  }
  return [...places.values()];
}

function ownNamespaces(layer: KnownLayer, around: Surroundings): string[] {
  return namespacesOf(layer).filter((namespace) => ownsNamespace(layer, namespace, around));
}

/**
 * A layer's `namespace:` is infrastructure, unless this or another layer brings the Namespace itself, as a member. The
 * records of a release need it in any case, before the chart can bring it.
 */
function ownsNamespace(layer: KnownLayer, namespace: string, { wantedElsewhere }: Surroundings): boolean {
  const { state } = layer;
  const key = keyOf({ group: "", version: "v1", kind: "Namespace", name: namespace });
  if (isChart(layer)) return !wantedElsewhere(key);
  if (wantedElsewhere(key) || state.desired.some((desired) => desired.key === key)) return false;
  if (namespace !== layer.namespace) return true;
  return state.desired.some(({ ref }) => ref.namespace === namespace);
}

/** The view of a layer whose namespaces are not as they should be yet; undefined when they are, or are not ours to see to. */
function withoutNamespace(layer: KnownLayer, around: Surroundings, installedBefore: boolean): LayerView | undefined {
  // What a pack asks of a namespace that it shares is not known yet: it keeps what it has.
  if (installedBefore && around.layers.some(({ spec }) => spec.pack)) return undefined;
  for (const namespace of ownNamespaces(layer, around)) {
    const view = unready(layer, namespace, { around, installedBefore });
    if (view) return view;
  }
  return undefined;
}

function unready(
  layer: KnownLayer,
  namespace: string,
  { around: { seen, layers }, installedBefore }: { around: Surroundings; installedBefore: boolean },
): LayerView | undefined {
  const metadata = namespaceMetadataOf(layers, namespace);
  if (metadata instanceof Failure) return failing(layer, metadata);
  const attempt = seen.namespaces.get(namespace);
  const isLivedIn = [...seen.site.members()].some(({ observed: { ref } }) => ref.namespace === namespace);
  if (!attempt && isLivedIn && installedBefore && wasSeenTo(layer, seen)) return undefined;
  const tried = attempt?.digest === namespaceDigest(metadata) ? attempt : undefined;
  if (tried && !tried.failure) return undefined;
  if (tried?.failure && tried.retryAt !== undefined && seen.now < tried.retryAt)
    return { ...failing(layer, tried.failure), wakeAt: tried.retryAt };
  const step: Step = { kind: "EnsureNamespace", namespace, metadata, isNew: !isLivedIn && !installedBefore };
  return { ...working(layer, "Applying", `creating namespace ${namespace}`), step, looking: installedBefore };
}

/** Whether a process before this one had come to the layer's objects, and so had seen to its namespaces. */
function wasSeenTo({ spec }: KnownLayer, { isTold, rows }: Seen): boolean {
  const row = rows.get(spec.name);
  return isTold === true && row !== undefined && (isSettled(row) || row.state === "Waiting" || row.state === "Drifted");
}
