import { Failure } from "../errors.ts";
import { type Parent, widen } from "../membership/applyset.ts";
import type { GroupKind, ObjectRef } from "../objects/types.ts";
import { brakesOf, isHeld } from "./brakes.ts";
import { withDeparted } from "./departed-release.ts";
import { evaluateLayer } from "./evaluate.ts";
import { DISCOVERY } from "./evaluate-objects.ts";
import { Gates } from "./gates.ts";
import { isHome } from "./home.ts";
import { driftLeft, isSettled, type LayerView, type Surroundings } from "./layer-view.ts";
import { leftoversDue, listedNames, listedReleases, whoseTurn, withLeftovers, withoutOpened } from "./leftovers.ts";
import { noteAdopted, stillAdopted } from "./lent.ts";
import { isWrong, remains, unknownLayer, wantedKeys, withoutSkipped } from "./listed-layers.ts";
import { abandonedBy, isLeft, leaveStep, stuckNamespaces } from "./own-namespaces.ts";
import { dwellersOf, type Leaving, membersByLayer, nextRemoval, type RemovalView, removeLayer } from "./removal.ts";
import { onceRendered } from "./render-step.ts";
import type { Seen, Tracked } from "./seen.ts";
import type { Step, WatchRequest } from "./step.ts";
import type { Plan } from "./types.ts";
import { evaluateUninstall } from "./uninstall.ts";

/** The whole deployment as judged in one pass, and the one step to take now. */
export interface DeploymentView {
  layers: readonly LayerView[];
  /** Layers that left the list, or all of them in a teardown, in the order in which they go. */
  removals: readonly RemovalView[];
  step: Step;
  wakeAt: number | undefined;
  /** Nothing left to do: every layer is Ready. */
  done: boolean;
  /** A fresh process does not know yet what is there: what was told before it stands until it does. */
  looking: boolean;
  /** Why nobody can tell what is still there: the identity may not read a kind that members have. */
  blocked?: Failure;
}

type Prepared = NonNullable<Seen["site"]["prepared"]>;

/**
 * Walks the layers in order; each waits for the gates of all before it. The first step that is found is taken. While the
 * expressions of one are wrong, none is changed: what is wrong is told before anything is applied. Layers that
 * left the list go when all listed ones are Ready, in reverse order, what is left of a listed one as soon as that is
 * written; then namespaces and the parent are tidied.
 */
export function evaluate(plan: Plan, seen: Seen, prepared: Prepared): DeploymentView {
  const listed = withoutSkipped(plan);
  const order = listedNames(listed, prepared.parent);
  const wanted = wantedKeys(listed);
  const unknown = unknownLayer(listed, seen);
  const stays = remains(listed, wanted);
  const reach = knownKinds(seen, prepared);
  const isBlind = reach !== undefined || isStarting(seen, prepared);
  const brakes = brakesOf(listed, { seen, wanted });
  const [silence] = unanswered(seen, prepared.parent);
  const blind = isBlind ? { step: reach, silence: silence?.why } : undefined;
  const layers = inOrder(plan, wanted, { seen, prepared, order, unknown, stays, layers: listed.layers, brakes, blind });
  const allReady = layers.every(isSettled);
  const isWanted = (key: string) => wanted.values().some((keys) => keys.has(key));
  const isLeaving = layers.some(({ leaving }) => leaving === true);
  const about = { seen, plan: listed, views: layers, parent: prepared.parent };
  const names = withoutOpened(order, listed);
  const isFree = (layer: string) => !isHeld(layer, brakes);
  const removalsWhen = (isTurn: (layer: string) => boolean) =>
    removalsOf({ names, isWanted, isTurn }, { seen, stays }, prepared).filter(({ layer }) => isFree(layer));
  const isLast = allReady && !isLeaving && !isBlind;
  const removals = removalsWhen(whoseTurn({ isLast, isFree, blind, unknown }, removalsWhen, about));
  // Two profiles may each wait for what the other one has.
  const given = unknown ? undefined : removals.find(({ handsOver }) => handsOver)?.step;
  const after = isLast ? afterLayers(listed, removals, { seen, prepared }) : given;
  const hasLeft = prepared.parent.layers.some((name) => !order.includes(name));
  const unreadable = hasLeft || silence ? unreadableKind(seen, prepared.parent) : undefined;
  const abandoned = abandonedBy(listed, prepared.parent);
  const blocked = unreadable ?? stuckNamespaces(abandoned, seen)[0]?.failure;
  const looking = allReady && isBlind && !silence;
  // What cannot be seen may be of those that go, or live in them.
  const visible = isBlind ? [] : removals;
  const due = leftoversDue(visible, about);
  const next = nextOf(layers, (name) => onceRendered(due.get(name)?.step, unknown, seen));
  const noted = noteAdopted(seen, prepared.parent);
  const step = next?.step ?? reach ?? noted ?? after ?? { kind: "None" };
  const isIdle = step.kind === "None" || step === noted || next?.aside === true;
  return {
    layers: withLeftovers({ removals: visible, due, unknown }, about),
    removals,
    step,
    wakeAt: earliest([...layers, ...removals, ...lookAgain(seen, prepared.parent, abandoned)], seen),
    done: allReady && removals.length === 0 && isIdle && !isLeaving && !looking && !blocked,
    looking: looking || layers.some((layer) => layer.looking === true),
    ...(blocked ? { blocked } : {}),
  };
}

/** Each layer as it is judged after those before it. */
function inOrder(
  plan: Plan,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  around: Omit<Surroundings, "waitsFor" | "heldBy" | "wantedElsewhere">,
): LayerView[] {
  const heldBy = plan.layers.find((layer) => isWrong(layer))?.spec.name;
  const gates = new Gates(around.seen.profile, around.seen.beside);
  return plan.layers.map((layer) => {
    const wantedElsewhere = (key: string) =>
      [...wanted].some(([name, keys]) => name !== layer.spec.name && keys.has(key));
    const judged = evaluateLayer(layer, { ...around, waitsFor: gates.before(layer), heldBy, wantedElsewhere });
    const view = driftLeft(withDeparted(judged, layer, around));
    if (!view.gateOpen) gates.close(layer);
    return view;
  });
}

/** The first step in the order of the layers; after those of a layer comes that for what is left of it. */
function nextOf(
  layers: readonly LayerView[],
  leftover: (layer: string) => Step | undefined,
): Pick<LayerView, "step" | "aside"> | undefined {
  const opening = layers.find(isOpening);
  if (opening) return opening;
  for (const view of layers) {
    if (view.step) return view;
    const step = leftover(view.name);
    if (step) return { step };
  }
  return undefined;
}

/** What all packs are made of is known before anything is written: one may change what is asked of another's namespace. */
function isOpening({ step }: LayerView): boolean {
  return step?.kind === "FetchPack" || step?.kind === "EvaluateMacros";
}

/** Takes everything back, in reverse order of the layers, each gone before the next, and last the parent. */
export function evaluateTeardown(seen: Seen, prepared: Prepared): DeploymentView {
  const reach = knownKinds(seen, prepared);
  const unreadable = unreadableKind(seen, prepared.parent);
  const waiting = unreadable !== undefined || isStarting(seen, prepared);
  const all = { names: new Set<string>(), isWanted: () => false, isTurn: () => !reach && !waiting };
  const removals = removalsOf(all, { seen, stays: () => false }, prepared);
  const first = nextRemoval(removals);
  const step: Step =
    reach ?? (waiting ? { kind: "None" } : (first?.step ?? (first ? { kind: "None" } : tidy(seen, prepared))));
  const looking = unreadable === undefined && (reach !== undefined || waiting);
  const { ownNamespaces } = prepared.parent;
  const blocked = unreadable ?? stuckNamespaces(ownNamespaces, seen)[0]?.failure;
  const wakes = [...removals, ...lookAgain(seen, prepared.parent, ownNamespaces)];
  const about = { removals, step, wakeAt: earliest(wakes, seen), looking };
  return { layers: [], ...about, done: false, ...(blocked ? { blocked } : {}) };
}

/** Namespaces first, all at once (Kubernetes takes its time with each); when they are gone the parent, which remembers them. */
function tidy(seen: Seen, { parent }: Prepared): Step {
  const left = [...parent.ownNamespaces].filter((namespace) => !isLeft(namespace, seen));
  return leaveStep(left, seen) ?? (left.length > 0 ? { kind: "None" } : { kind: "Forget" });
}

/** After a restart the parent says where members may be: all those kinds are watched before anything is judged to be gone. */
function knownKinds(seen: Seen, { parent }: Prepared): Step | undefined {
  const watches = parentPlaces(parent).filter(
    ({ kind, namespace }) => seen.site.watchState(kind, namespace) === "unwatched",
  );
  if (watches.length > 0) return { kind: "Reach", parent, widens: false, watches };
  const wanted = unanswered(seen, parent).map(({ kind }) => kind);
  return wanted.length > 0 && seen.now >= discoveryAt(seen) ? { kind: "Discover", wanted } : undefined;
}

function isStarting(seen: Seen, { parent }: Prepared): boolean {
  const isAny = parentPlaces(parent).some(
    ({ kind, namespace }) => seen.site.watchState(kind, namespace) === "starting",
  );
  return isAny || unanswered(seen, parent).length > 0;
}

/** Kinds of an API that does not answer: nothing of them can be seen, and nobody tells when it answers again. */
function unanswered(seen: Seen, parent: Parent): { kind: GroupKind; why: Failure }[] {
  return parentPlaces(parent).flatMap(({ kind, namespace }) => {
    const why = seen.site.watchState(kind, namespace);
    return why instanceof Failure && !seen.site.served(kind) ? [{ kind, why }] : [];
  });
}

function lookAgain(seen: Seen, parent: Parent, abandoned: Iterable<string>): { wakeAt: number }[] {
  const discovery = unanswered(seen, parent).length > 0 ? [{ wakeAt: discoveryAt(seen) }] : [];
  return [...discovery, ...stuckNamespaces(abandoned, seen).map(({ retryAt = 0 }) => ({ wakeAt: retryAt }))];
}

function discoveryAt(seen: Seen): number {
  return seen.attempts.get(DISCOVERY)?.retryAt ?? 0;
}

function parentPlaces(parent: Parent): WatchRequest[] {
  return [...parent.places].map((text) => {
    const [kind = "", namespace] = text.split("/");
    return { kind: groupKindOf(kind), namespace: namespace || undefined };
  });
}

function groupKindOf(text: string): GroupKind {
  const [kind = "", ...group] = text.split(".");
  return { kind, group: group.join(".") };
}

/** What a listed layer wants is no part of what another leaves behind, also before it was handed over. */
interface Listed {
  names: ReadonlySet<string>;
  isWanted: (key: string) => boolean;
  /** Whether what is left of a layer may go now. */
  isTurn: (layer: string) => boolean;
}

function removalsOf(
  { names: listed, isWanted, isTurn }: Listed,
  around: Omit<Leaving, "isTurn">,
  prepared: Prepared,
): RemovalView[] {
  const { seen } = around;
  const { parent } = prepared;
  const byLayer = membersByLayer(seen);
  const known = parent.layers.filter((name) => !listed.has(name));
  const unknown = [...byLayer.keys()].filter(
    (name): name is string => name !== undefined && !listed.has(name) && !known.includes(name),
  );
  const order = [...known, ...unknown];
  const members = order.flatMap((name) => byLayer.get(name) ?? []).filter(({ observed: { key } }) => !isWanted(key));
  // Somebody took the mark of its layer off: it is still ours, and nobody's turn would come for it.
  if (listed.size === 0) members.push(...(byLayer.get(undefined) ?? []));
  const waited = members.filter(({ observed: { ref, terminating } }) => !(terminating && isHomeItself(ref, seen)));
  const groups = Map.groupBy(waited, (tracked) => goesWith(tracked, order, seen));
  const blocked = unreadableKind(seen, parent);
  return order.toReversed().flatMap((name) => {
    const leaving = { ...around, isTurn: isTurn(name) };
    const objects = removeLayer(name, groups.get(name) ?? [], leaving);
    const view = evaluateUninstall(name, objects, { seen, prepared, isTurn: leaving.isTurn });
    return view ? [blocked ? { ...view, failure: blocked, message: blocked.message } : view] : [];
  });
}

function isHomeItself({ group, kind, name }: ObjectRef, seen: Seen): boolean {
  return group === "" && kind === "Namespace" && isHome(name, seen);
}

/** The layer with which a member is removed: its own; of what others live in, the one of these that goes last. */
function goesWith({ observed }: Tracked, order: readonly string[], seen: Seen): string | undefined {
  const layers = [observed.layer, ...dwellersOf(observed.key, seen).map((dweller) => dweller.observed.layer)];
  const ranks = layers.flatMap((name) => (name !== undefined && order.includes(name) ? [order.indexOf(name)] : []));
  return ranks.length > 0 ? order[Math.min(...ranks)] : order.at(-1);
}

/** A kind that may not be read may hide members: nothing is called gone before it can be. */
function unreadableKind(seen: Seen, parent: Parent): Failure | undefined {
  for (const { kind, namespace } of parentPlaces(parent)) {
    const state = seen.site.watchState(kind, namespace);
    if (state instanceof Failure) return state;
  }
  return undefined;
}

function afterLayers(
  plan: Plan,
  removals: readonly RemovalView[],
  { seen, prepared }: { seen: Seen; prepared: Prepared },
): Step | undefined {
  const first = nextRemoval(removals);
  if (first) return first.step;
  // A suspended layer may be written down otherwise than it is: the parent goes on naming what it has.
  if (plan.layers.some(({ spec }) => spec.suspend)) return undefined;
  // What cannot be seen may hold members: the parent goes on naming it.
  if (isStarting(seen, prepared) || unreadableKind(seen, prepared.parent)) return undefined;
  return leaveStep(abandonedBy(plan, prepared.parent), seen) ?? narrowStep(plan, seen, prepared);
}

/** Kinds that are watched and have no member any more leave the parent; a kind that is not served now may come back, and stays. */
function narrowStep(plan: Plan, seen: Seen, { parent }: Prepared): Step | undefined {
  const desired = plan.layers.flatMap(({ state }) => (state.kind === "known" ? state.desired : []));
  const present = [...seen.site.members()].map(({ observed }: Tracked) => observed.ref);
  const refs = [...desired.map(({ ref }) => ref), ...present];
  const unserved = parentPlaces(parent)
    .filter(({ kind }) => !seen.site.served(kind))
    .map(({ kind, namespace }) => ({ ...kind, namespace }));
  const narrow = widen(
    {
      ...parent,
      kinds: new Set(),
      namespaces: new Set(),
      places: new Set(),
      layers: [],
      releases: [],
      adopted: stillAdopted(parent, new Set(desired.map(({ key }) => key)), seen),
      ownNamespaces: new Set([...parent.ownNamespaces].filter((namespace) => !isLeft(namespace, seen))),
    },
    {
      objects: [...refs, ...unserved],
      layers: listedNames(plan, parent),
      ownNamespaces: [],
      releases: listedReleases(plan, parent),
    },
  );
  const same =
    narrow.places.size === parent.places.size &&
    narrow.namespaces.size === parent.namespaces.size &&
    narrow.ownNamespaces.size === parent.ownNamespaces.size &&
    narrow.releases.length === parent.releases.length &&
    narrow.adopted.size === parent.adopted.size &&
    narrow.layers.join() === parent.layers.join();
  return same
    ? undefined
    : { kind: "Narrow", parent: narrow, gone: parent.layers.filter((name) => !narrow.layers.includes(name)) };
}

/** What has passed by now has changed what it could: whatever is due of it is a step already, or waits for something else. */
function earliest(views: readonly { wakeAt?: number }[], { now }: Seen): number | undefined {
  const times = views.flatMap(({ wakeAt }) => wakeAt ?? []).filter((time) => time > now);
  return times.length > 0 ? Math.min(...times) : undefined;
}
