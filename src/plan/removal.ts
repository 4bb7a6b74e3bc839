import type { Failure } from "../errors.ts";
import { isMember } from "../membership/observed.ts";
import { describeRef } from "../objects/identity.ts";
import { WAVES, type Wave, waveOf } from "../objects/waves.ts";
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
}

/** Stands in an attempt where the digest of an applied object would. */
export const REMOVAL = "removal";

/**
 * Removes what is left of a layer, waves backwards, each gone before the next: custom objects before their controller,
 * webhooks before what they call, workloads before their configuration, CRDs and namespaces last.
 *
 * @returns undefined when nothing is left
 */
export function removeLayer(layer: string, members: readonly Tracked[], seen: Seen): RemovalView | undefined {
  if (members.length === 0) return undefined;
  const byWave = Map.groupBy(members, (tracked) => waveOfMember(tracked, seen));
  const wave = WAVES.toReversed().find((candidate) => byWave.has(candidate)) ?? 1;
  const current = byWave.get(wave) ?? [];
  const due = current.filter((tracked) => !tracked.observed.terminating && removalIsDue(tracked, seen));
  const failed = current.flatMap((tracked) => removalFailure(tracked, seen) ?? []);
  const [first] = failed;
  return {
    layer,
    left: members.length,
    message: first ? first.failure.message : waitingSentence(members, current),
    ...(first ? { failure: first.failure } : {}),
    ...(due.length > 0 ? { step: { kind: "Remove", layer, items: due.map(toRemoval) } } : {}),
    ...(first?.retryAt === undefined ? {} : { wakeAt: first.retryAt }),
  };
}

/** The members of a layer that is still listed but no longer brings them. */
export function pruneItems(members: Iterable<Tracked>, seen: Seen): RemoveItem[] {
  return [...members].filter((tracked) => !tracked.observed.terminating && removalIsDue(tracked, seen)).map(toRemoval);
}

/** The members of the profile's ApplySet in this cluster, by layer; the key is undefined where somebody removed the mark. */
export function membersByLayer(seen: Seen): Map<string | undefined, Tracked[]> {
  const members = [...seen.site.members()].filter(({ observed }) => isMember(observed, seen.set));
  return Map.groupBy(members, ({ observed }) => observed.layer);
}

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
 * What was there before us is given back, and what may hold data or other people's objects stays: adopted objects,
 * persistent volumes and their claims, and the CRDs of a chart's `crds/` folder are released instead of deleted.
 */
function toRemoval(tracked: Tracked): RemoveItem {
  const { ref, adopted, kept } = tracked.observed;
  const isVolume = ref.group === "" && /^PersistentVolume(Claim)?$/.test(ref.kind);
  return { tracked, how: adopted || kept || isVolume ? "release" : "delete" };
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
