import { type Parent, releaseText } from "../membership/applyset.ts";
import { wantedRelease } from "./chart-layer.ts";
import { isSettled, type LayerView } from "./layer-view.ts";
import { keepsAll } from "./listed-layers.ts";
import { isPartOf, layerOf } from "./pack-parts.ts";
import { membersByLayer, type RemovalView } from "./removal.ts";
import type { Seen } from "./seen.ts";
import type { Plan, PlannedLayer } from "./types.ts";

/**
 * The names under which listed layers have something in the cluster: a pack under its own and those of its parts. While
 * it is not known what a pack is made of, it still has the parts that it had.
 */
export function listedNames({ layers }: Plan, parent: Parent): string[] {
  const names = layers.flatMap(({ spec, state }) => {
    const own = layerOf(spec);
    const keeps = keepsAll(spec) || (spec.pack !== undefined && state.kind !== "known");
    return [own, spec.name, ...(keeps ? parent.layers.filter((known) => isPartOf(known, own)) : [])];
  });
  return [...new Set(names)];
}

/**
 * Without the layers of opened packs: what these bring is their parts'. What a layer with a pack has under its own name, it
 * brought when it was a chart or manifests, and that goes.
 */
export function withoutOpened(listed: readonly string[], { layers }: Plan): ReadonlySet<string> {
  const opened = new Set(layers.flatMap(({ spec }) => (spec.part && !keepsAll(spec) ? [spec.part.of] : [])));
  return new Set(listed.filter((name) => !opened.has(name)));
}

/** The releases that stay: those of listed layers, and those of parts that are not pruned. */
export function listedReleases(plan: Plan, parent: Parent): Parent["releases"] {
  const wanted = new Set(plan.layers.flatMap((layer) => releaseTextOf(layer) ?? []));
  const own = new Set(plan.layers.map(({ spec }) => spec.name));
  const spared = withoutOpened(listedNames(plan, parent), plan);
  return parent.releases.filter(
    (release) => wanted.has(releaseText(release)) || (spared.has(release.layer) && !own.has(release.layer)),
  );
}

function releaseTextOf(layer: PlannedLayer): string | undefined {
  const release = wantedRelease(layer);
  return release && releaseText({ layer: layer.spec.name, ...release });
}

interface Around {
  seen: Seen;
  plan: Plan;
  views: readonly LayerView[];
  parent: Parent;
}

/**
 * What goes before a listed layer is healthy: parts that its pack has no more, and what it was before it had a pack. The new may
 * need what the old still holds, a port of the host say, and would never be Ready. Nobody knows which part stands in whose
 * place, so that all of the layer is written first, save parts that bring nothing new; these wait, perhaps, for the one that
 * waits for the port. Of one layer one goes after the other.
 *
 * @returns the next removals, by the name of the layer or part after which they come
 */
export function leftoversDue(removals: readonly RemovalView[], around: Around): ReadonlyMap<string, RemovalView> {
  const due = new Map<string, RemovalView>();
  for (const removal of removals) {
    const last = afterWhich(removal, around);
    if (last !== undefined && !due.has(last)) due.set(last, removal);
  }
  return due;
}

/** What decides whose turn it is. */
interface Whether {
  /** All that stays is as it should be. */
  isLast: boolean;
  /** Whether no brake holds what has this name. */
  isFree: (layer: string) => boolean;
  /** Why it cannot be told what goes. */
  blind: object | undefined;
  unknown: object | undefined;
}

/**
 * Whose turn it is to go, by the names of layers: of all that left the list when nothing else is to be done, before that of
 * what is left of listed ones, though one goes after the other.
 *
 * @param removalsWhen what is left of layers
 */
export function whoseTurn(
  { isLast, isFree, blind, unknown }: Whether,
  removalsWhen: (isTurn: () => boolean) => readonly RemovalView[],
  around: Around,
): (layer: string) => boolean {
  if (isLast) return isFree;
  if (blind || unknown) return () => false;
  const due = removalsWhen(() => false).filter((removal) => afterWhich(removal, around) !== undefined);
  const layers = new Set(due.map(({ layer }) => layer));
  return (layer) => layers.has(layer);
}

/** The last layer or part that is written of what has taken its place; undefined while its time has not come. */
function afterWhich(removal: RemovalView, around: Around): string | undefined {
  const parts = partsOf(removal, around);
  const last = parts.findLast((part) => isWritten(part, around))?.spec.name;
  const isDue = parts.every((part) => isWritten(part, around) || addsNothing(part, around));
  return isDue && !isAwaited(removal.layer, around) ? last : undefined;
}

/** What is listed of the layer that something is left of. */
function partsOf({ layer }: RemovalView, { plan }: Around): PlannedLayer[] {
  return plan.layers.filter(({ spec }) => isPartOf(layer, layerOf(spec)) || layerOf(spec) === layer);
}

/** Where one goes back to what it was when it fails, what it was is not taken away before it is healthy. */
function isWritten(part: PlannedLayer, { views }: Around): boolean {
  const view = views.find(({ name }) => name === part.spec.name);
  return view?.applied === true && !isBack(part) && (part.spec.onFailure !== "Rollback" || isSettled(view));
}

function isBack({ state }: PlannedLayer): boolean {
  return state.kind === "known" && state.content.release?.rolledBack !== undefined;
}

/** Of an installed part that is yet to come in its new version: all its objects are there as its own. Else it is rendered first. */
function addsNothing(part: PlannedLayer, { seen }: Around): boolean {
  const { spec, state } = part;
  if (seen.rows.get(spec.name)?.readyDigest === undefined || spec.onFailure === "Rollback" || isBack(part))
    return false;
  if (state.kind !== "known") return state.kind === "unknown";
  const own = new Set((membersByLayer(seen).get(spec.name) ?? []).map(({ observed }) => observed.key));
  return state.desired.every(({ key }) => own.has(key));
}

export interface Leftovers {
  removals: readonly RemovalView[];
  /** Those of them whose time has come. */
  due: ReadonlyMap<string, RemovalView>;
  /** A layer whose objects are not known (yet). */
  unknown: PlannedLayer | undefined;
}

/** The views, where the first one of a layer that is late says what is still left of what it was, and what that waits for. */
export function withLeftovers({ removals, due, unknown }: Leftovers, around: Around): LayerView[] {
  const words = new Map<string, string>();
  for (const removal of removals) {
    const parts = new Set(partsOf(removal, around).map(({ spec }) => spec.name));
    const late = around.views.find((view) => parts.has(view.name) && !isSettled(view));
    const when = [...due.values()].includes(removal) ? wantedBy(unknown) : "when all of it is written";
    if (late && when !== undefined && !words.has(late.name))
      words.set(late.name, `${removal.layer}, which is left of what it was, goes ${when}`);
  }
  return around.views.map((view) => {
    const text = words.get(view.name);
    return text === undefined ? view : { ...view, message: `${view.message}; ${text}` };
  });
}

function wantedBy(unknown: PlannedLayer | undefined): string | undefined {
  return unknown && `when it is known what layer ${unknown.spec.name} wants of it`;
}

/** Whether a listed layer is still to take over the release of one that goes. */
function isAwaited(layer: string, { plan, views, parent }: Around): boolean {
  const releases = parent.releases.filter((release) => release.layer === layer);
  const late = plan.layers.filter(({ spec }) => !views.some((one) => one.name === spec.name && one.applied));
  const wanted = late.flatMap((one) => wantedRelease(one) ?? []);
  return releases.some(({ namespace, name }) => wanted.some((one) => one.namespace === namespace && one.name === name));
}
