import type { Failure } from "../errors.ts";
import { isMember } from "../membership/observed.ts";
import { describeRef, isVolume, keyOf } from "../objects/identity.ts";
import { removalWaveOf, WAVES } from "../objects/waves.ts";
import { goingSentence } from "./held.ts";
import type { LayerView } from "./layer-view.ts";
import { isLent } from "./lent.ts";
import type { Seen, Tracked } from "./seen.ts";
import type { RemoveItem, Step } from "./step.ts";

/** How far the removal of one layer is. */
export interface RemovalView {
  layer: string;
  left: number;
  message: string;
  failure?: Failure;
  step?: Step;
  wakeAt?: number;
  /** The step gives something to another profile, which may need it before it can say what else it wants. */
  handsOver?: boolean;
  /** Hooks: objects to be watched by name, and those that are late. */
  hooks?: LayerView["hooks"];
}

/** Stands in an attempt where the digest of an applied object would. */
export const REMOVAL = "removal";

/**
 * Removes what is left of a layer, waves backwards, each gone before the next: custom objects before their controller,
 * webhooks before what they call, workloads before their configuration, CRDs and namespaces last.
 *
 * @returns undefined when nothing is left
 */
export function removeLayer(layer: string, members: readonly Tracked[], leaving: Leaving): RemovalView | undefined {
  if (members.length === 0) return undefined;
  const { current, items, failed, notBefore, handsOver, intended } = nextToGo(members, leaving);
  const [first] = failed;
  const wakeAt = notBefore ?? first?.retryAt;
  const words = intended ? intendedSentence(intended) : waitingSentence(members, current);
  return {
    layer,
    left: members.length,
    message: first ? first.failure.message : words,
    ...(handsOver ? { handsOver } : {}),
    ...(first ? { failure: first.failure } : {}),
    ...(items.length > 0 ? { step: { kind: "Remove", layer, items } } : {}),
    ...(wakeAt === undefined ? {} : { wakeAt }),
  };
}

/** The removal whose turn it is: first what another profile waits for, as it may not go on without. */
export function nextRemoval(removals: readonly RemovalView[]): RemovalView | undefined {
  return removals.find(({ handsOver }) => handsOver) ?? removals[0];
}

/** Members on their way out, and who is not. */
export interface Leaving {
  seen: Seen;
  /** Whether a member remains: what it lives in must then not be deleted under it. */
  stays: (tracked: Tracked) => boolean;
  /** Whether it is their turn, and their time runs. Before that nobody takes away what is answered, save who waits for it. */
  isTurn: boolean;
}

export interface NextToGo {
  /** The members of the last wave that has any. */
  current: readonly Tracked[];
  items: RemoveItem[];
  failed: readonly { failure: Failure; retryAt: number | undefined }[];
  /** Before this time, in milliseconds since the epoch, the others do not go. */
  notBefore: number | undefined;
  /** The items are what other profiles wait for. */
  handsOver?: boolean;
  /** One that stays for now, as another profile is about to write it. */
  intended?: Tracked | undefined;
}

/** So often it is looked whether another profile has said by now what it wants. */
export const LOOK_MS = 500;

/**
 * What of some members goes now: first what other profiles wait for, whatever it is; then the last wave that is still there.
 * The waves before it wait until that is gone. What another profile is about to write stays until it has. How long others
 * have for that is counted for all at once, from when the turn of the first has come.
 */
export function nextToGo(members: readonly Tracked[], leaving: Leaving): NextToGo {
  const { seen, isTurn } = leaving;
  const claimed = members.filter(({ observed }) => seen.heirs?.claim(observed.key));
  const handed = claimed.filter((tracked) => isDueToGo(tracked, seen)).flatMap((one) => toRemoval(one, leaving) ?? []);
  if (handed.length > 0) return { current: claimed, items: handed, failed: [], notBefore: undefined, handsOver: true };
  const byWave = Map.groupBy(members, ({ observed }) => removalWaveOf(observed.ref));
  const wave = WAVES.toReversed().find((candidate) => byWave.has(candidate)) ?? 1;
  const current = byWave.get(wave) ?? [];
  const due = current.filter((tracked) => isDueToGo(tracked, seen));
  const failed = current.flatMap((tracked) => removalFailure(tracked, seen) ?? []);
  const { free, notBefore, intended } = isTurn ? ripe(due, members, seen) : { free: due };
  const items = free.flatMap((tracked) => toRemoval(tracked, leaving) ?? []);
  return { current, items, failed, notBefore, intended };
}

/** What of that whose turn it is may go now. The time of all members runs, also of those that go after it. */
function ripe(
  due: readonly Tracked[],
  members: readonly Tracked[],
  seen: Seen,
): Pick<NextToGo, "notBefore" | "intended"> & { free: readonly Tracked[] } {
  const times = new Map(members.map(({ observed: { key } }) => [key, seen.pruneAt?.(key) ?? 0]));
  const timeOf = ({ observed }: Tracked): number => times.get(observed.key) ?? 0;
  const [early, rest] = partition(due, (tracked) => seen.now < timeOf(tracked));
  const [intended, free] = partition(rest, ({ observed }) => seen.heirs?.intend(observed.key, "turn") === true);
  if (early.length > 0) return { free, notBefore: Math.min(...early.map(timeOf)) };
  const [first] = intended;
  return first ? { free, notBefore: seen.now + LOOK_MS, intended: first } : { free, notBefore: undefined };
}

function isDueToGo(tracked: Tracked, seen: Seen): boolean {
  return !tracked.observed.terminating && removalIsDue(tracked, seen);
}

/** Those that are, and those that are not. */
export function partition<T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] {
  return [all.filter(is), all.filter((one) => !is(one))];
}

const dwellings = new WeakMap<Seen, Map<string, Tracked[]>>();

/** The members that would go with a Namespace or a CustomResourceDefinition: what is in the one, or of the other's kind. */
export function dwellersOf(key: string, seen: Seen): readonly Tracked[] {
  let all = dwellings.get(seen);
  if (!all) {
    all = new Map();
    for (const tracked of [...membersByLayer(seen).values()].flat()) {
      for (const home of homesOf(tracked, seen)) all.set(home, [...(all.get(home) ?? []), tracked]);
    }
    dwellings.set(seen, all);
  }
  return all.get(key) ?? [];
}

function homesOf({ observed: { ref } }: Tracked, seen: Seen): string[] {
  const crd = seen.site.crdOf(ref);
  const namespace = { group: "", version: "v1", kind: "Namespace" };
  return [
    ...(ref.namespace === undefined ? [] : [keyOf({ ...namespace, name: ref.namespace })]),
    ...(crd === undefined ? [] : [crd]),
  ];
}

/** The members of the profile's ApplySet in this cluster, by layer; the key is undefined where somebody removed the mark. */
export function membersByLayer(seen: Seen): ReadonlyMap<string | undefined, Tracked[]> {
  const known = grouped.get(seen);
  if (known) return known;
  const members = [...seen.site.members()].filter(({ observed }) => isMember(observed, seen.set));
  const groups = Map.groupBy(members, ({ observed }) => observed.layer);
  grouped.set(seen, groups);
  return groups;
}

const grouped = new WeakMap<Seen, Map<string | undefined, Tracked[]>>();

/** A refused delete is tried again, but not before its time; one that was accepted is not sent twice. */
function removalIsDue(tracked: Tracked, seen: Seen): boolean {
  const attempt = seen.attempts.get(tracked.observed.key);
  if (attempt?.digest !== REMOVAL) return true;
  return attempt.failure ? seen.now >= (attempt.retryAt ?? 0) : attempt.removed !== tracked.observed.uid;
}

function removalFailure(
  { observed }: Tracked,
  seen: Seen,
): { failure: Failure; retryAt: number | undefined } | undefined {
  const attempt = seen.attempts.get(observed.key);
  if (attempt?.digest !== REMOVAL || !attempt.failure) return undefined;
  return { failure: attempt.failure, retryAt: attempt.retryAt };
}

/**
 * What was there before us is given back, and what may hold data or other people's objects stays: adopted objects (save with
 * `adoption: Always`),
 * persistent volumes and their claims, and the CRDs of a chart's `crds/` folder are released instead of deleted. So is a
 * Namespace or a CRD that other members need; when those are leaving too, it waits for them (undefined).
 */
function toRemoval(tracked: Tracked, { seen, stays }: Leaving): RemoveItem | undefined {
  const { observed } = tracked;
  const { ref, key, kept } = observed;
  if (isLent(observed, seen))
    return { tracked: { ...tracked, observed: { ...observed, adopted: true } }, how: "release" };
  if (kept || isVolume(ref)) return { tracked, how: "release" };
  const dwellers = dwellersOf(key, seen);
  const staying = dwellers.find(stays);
  if (staying) return { tracked, how: "release", why: `${describeRef(staying.observed.ref)} of this profile needs it` };
  return dwellers.length > 0 ? undefined : { tracked, how: "delete" };
}

function intendedSentence({ observed: { ref } }: Tracked): string {
  return `${describeRef(ref)} stays for now: another profile is about to take it over`;
}

function waitingSentence(members: readonly Tracked[], current: readonly Tracked[]): string {
  const [first] = current.filter(({ observed }) => observed.terminating);
  const left = `${members.length} ${members.length === 1 ? "object" : "objects"} left`;
  if (!first) return left;
  return `${left}; ${goingSentence(first.observed)}`;
}
