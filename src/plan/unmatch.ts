import type { ClusterRef, Profile } from "../api/types.ts";

/** Up to so many clusters, or to this share of all, may be left at once without being asked. */
const FREE_CLUSTERS = 1;
const FREE_SHARE = 0.2;
const MOST_NAMES = 10;

/** A profile that leaves clusters: what it had before, and which of it it goes to no more. */
interface Departure {
  /** All clusters that it had, those that it leaves among them. */
  before: readonly ClusterRef[];
  left: readonly ClusterRef[];
  /** Whether it was held the last time that somebody looked: it then stays so until a person acts. */
  wasHeld: boolean;
}

/**
 * Why the objects on clusters that a profile has left are not deleted: too many at once, as when a selector is mistyped or a
 * template lost its labels. Undefined when nothing holds them.
 */
export function heldUnmatch({ spec }: Profile, { before, left, wasHeld }: Departure): string | undefined {
  if (spec.unmatchPolicy !== "Delete" || spec.allowMassPrune || left.length <= FREE_CLUSTERS) return undefined;
  if (!wasHeld && left.length <= before.length * FREE_SHARE) return undefined;
  const names = left.map(({ name }) => name).sort();
  const more = names.length - MOST_NAMES;
  const list = names.slice(0, MOST_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return (
    `the profile goes to ${left.length} of ${before.length} clusters no more (${list}), and by unmatchPolicy Delete would delete ` +
    "its objects there: nothing is deleted. Bring the clusters back (clusterSelector, labels, clusterRefs), or set allowMassPrune: true to let the objects go, or unmatchPolicy: Orphan to leave them"
  );
}
