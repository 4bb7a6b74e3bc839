import type { Failure } from "../errors.ts";
import { isMember } from "../membership/observed.ts";
import { describeRef, isVolume, keyOf } from "../objects/identity.ts";
import { WAVES, type Wave, waveOf } from "../objects/waves.ts";
import type { LayerView } from "./layer-view.ts";
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
  const { current, items, failed, notBefore } = nextToGo(members, leaving);
  const [first] = failed;
  const wakeAt = notBefore ?? first?.retryAt;
  return {
    layer,
    left: members.length,
    message: first ? first.failure.message : waitingSentence(members, current),
    ...(first ? { failure: first.failure } : {}),
    ...(items.length > 0 ? { step: { kind: "Remove", layer, items } } : {}),
    ...(wakeAt === undefined ? {} : { wakeAt }),
  };
}

/** Members on their way out, and who is not. */
export interface Leaving {
  seen: Seen;
  /** Whether a member remains: what it lives in must then not be deleted under it. */
  stays: (tracked: Tracked) => boolean;
}

export interface NextToGo {
  /** The members of the last wave that has any. */
  current: readonly Tracked[];
  items: RemoveItem[];
  failed: readonly { failure: Failure; retryAt: number | undefined }[];
  /** Nothing goes before this time, in milliseconds since the epoch. */
  notBefore: number | undefined;
}

/** What of some members goes now: the last wave that is still there; the waves before it wait until that is gone. */
export function nextToGo(members: readonly Tracked[], leaving: Leaving): NextToGo {
  const { seen } = leaving;
  const byWave = Map.groupBy(members, (tracked) => waveOfMember(tracked, seen));
  const wave = WAVES.toReversed().find((candidate) => byWave.has(candidate)) ?? 1;
  const current = byWave.get(wave) ?? [];
  const due = current.filter((tracked) => !tracked.observed.terminating && removalIsDue(tracked, seen));
  const failed = current.flatMap((tracked) => removalFailure(tracked, seen) ?? []);
  const notBefore = due.length > 0 && seen.pruneAt !== undefined && seen.now < seen.pruneAt ? seen.pruneAt : undefined;
  const items = notBefore === undefined ? due.flatMap((tracked) => toRemoval(tracked, leaving) ?? []) : [];
  return { current, items, failed, notBefore };
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
  const { ref, key, kept } = tracked.observed;
  if (isLent(tracked, seen) || kept || isVolume(ref)) return { tracked, how: "release" };
  const dwellers = dwellersOf(key, seen);
  const staying = dwellers.find(stays);
  if (staying) return { tracked, how: "release", why: `${describeRef(staying.observed.ref)} of this profile needs it` };
  return dwellers.length > 0 ? undefined : { tracked, how: "delete" };
}

/** The layer may have got its `Always` after it adopted the object. */
function isLent({ observed: { adopted, layer } }: Tracked, { profile }: Seen): boolean {
  return adopted && profile.spec.layers.find(({ name }) => name === layer)?.adoption !== "Always";
}

/** A member's content is not known here, so whether its CRD is one of ours is read off the members themselves. */
function waveOfMember({ observed: { ref } }: Tracked, seen: Seen): Wave {
  const crd = seen.site.crdOf(ref);
  const served = crd !== undefined && seen.site.member(crd) !== undefined;
  return served ? 5 : waveOf({ apiVersion: `${ref.group}/${ref.version}`, kind: ref.kind, metadata: {} }, new Set());
}

function waitingSentence(members: readonly Tracked[], current: readonly Tracked[]): string {
  const [first] = current.filter(({ observed }) => observed.terminating);
  const left = `${members.length} ${members.length === 1 ? "object" : "objects"} left`;
  if (!first) return left;
  const { ref, finalizers } = first.observed;
  const held = finalizers.filter((name) => name !== "foregroundDeletion");
  return `${left}; ${describeRef(ref)} is being deleted${held.length > 0 ? `, held by finalizer ${held.join(", ")}` : ""}`;
}
