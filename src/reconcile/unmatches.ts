import type { ClusterRef, Profile, ProfileDeployment } from "../api/types.ts";
import { MASS_UNMATCH } from "../status/held-unmatch.ts";

/** Labels that go one after the other are one change: nothing is done about it before it has been quiet for so long. */
const SETTLE_MS = 2_000;
/** What was let go so long before is no part of what is judged now, however long it takes. */
const SAME_CHANGE_MS = 60_000;

interface Unmatch {
  /** All clusters that the profile had when it began to leave some: those that came since make no brake weaker. */
  before: Map<string, ClusterRef>;
  left: ReadonlySet<string>;
  /** When the last of them was left. */
  since: number;
}

/** The clusters that profiles are about to leave, since when, and of how many. */
export class Unmatches {
  readonly #open = new Map<string, Unmatch>();

  /**
   * @param key of the profile
   * @param all the clusters that it has deployments on
   * @param left those of them that it goes to no more
   * @returns the clusters that it had, and for how many milliseconds more it is to be waited for others
   */
  notice(
    key: string,
    { all, left }: { all: readonly ClusterRef[]; left: readonly ClusterRef[] },
    now: number,
  ): { before: readonly ClusterRef[]; waitMs: number } {
    if (left.length === 0) {
      this.#open.delete(key);
      return { before: all, waitMs: 0 };
    }
    const keys = new Set(left.map(clusterKey));
    const known = this.#open.get(key);
    // Of what an earlier change was about nothing is left: this is another one.
    const isSame = known !== undefined && !keys.isDisjointFrom(known.left);
    const open: Unmatch = isSame ? known : { before: byKey(all), left: new Set(), since: now };
    if (!keys.isSubsetOf(open.left)) open.since = now;
    open.left = keys;
    for (const ref of left) open.before.set(clusterKey(ref), ref);
    this.#open.set(key, open);
    return { before: [...open.before.values()], waitMs: Math.max(0, open.since + SETTLE_MS - now) };
  }
}

/**
 * Since when the brake holds what the profile would delete on clusters that it has left, in milliseconds since the epoch, or
 * since earlier; undefined when it holds nothing, or a person has let it go. So says the status: it outlives a restart.
 */
export function heldSince({ spec, status }: Profile): number | undefined {
  if (spec.unmatchPolicy !== "Delete" || spec.allowMassPrune) return undefined;
  const held = (status?.conditions ?? []).filter(({ reason }) => reason === MASS_UNMATCH);
  return held.length > 0 ? Math.max(...held.map((one) => Date.parse(one.lastTransitionTime))) : undefined;
}

/** Whether a deployment was on its way out long before a moment, in milliseconds since the epoch. */
export function wasLeaving({ metadata }: ProfileDeployment, moment: number): boolean {
  return Date.parse(metadata.deletionTimestamp ?? "") < moment - SAME_CHANGE_MS;
}

/** The clusters of deployments, each once: one may have a deployment for either side. */
export function clustersOf(deployments: readonly ProfileDeployment[]): ClusterRef[] {
  return [...byKey(deployments.map(({ spec }) => spec.clusterRef)).values()];
}

/** One string per cluster: `namespace/name`, and `/local` for the hub. */
export function clusterKey({ namespace, name }: ClusterRef): string {
  return `${namespace ?? ""}/${name}`;
}

function byKey(refs: readonly ClusterRef[]): Map<string, ClusterRef> {
  return new Map(refs.map((ref) => [clusterKey(ref), ref]));
}
