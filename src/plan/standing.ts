import { coversObject } from "../membership/fields.ts";
import { ownFieldsDigest, withoutPointers } from "../membership/ignored-fields.ts";
import { isMember, memberEntry } from "../membership/observed.ts";
import { isLent } from "./lent.ts";
import { withMark } from "./place.ts";
import type { Seen, Tracked } from "./seen.ts";
import type { Desired } from "./types.ts";

/**
 * How a desired object stands in the cluster.
 *
 * - `missing`: not there, or not ours any more (somebody took our label off: it has left the watch).
 * - `terminating`: somebody deleted it; it is created again when it is gone.
 * - `outdated`: it has other content than the layer wants now.
 * - `drifted`: it has our content, but somebody took a field from us.
 */
export type ObjectStanding = "missing" | "terminating" | "outdated" | "drifted" | "current";

/** How an object that a layer wants is in the cluster. What the layer leaves to others is `current`. */
export function standingOf(desired: Desired, layer: string, tracked: Tracked | undefined, seen: Seen): ObjectStanding {
  if (!tracked || !isMember(tracked.observed, seen.set)) return isLeftAlone(desired, seen) ? "current" : "missing";
  const { observed } = tracked;
  if (desired.createOnly && !observed.terminating) return "current";
  if (observed.terminating) return "terminating";
  if (observed.frozen) return "current";
  if (observed.digest !== desired.digest || observed.layer !== layer) return "outdated";
  // Helm owns nothing of what Strata brings: whatever it wrote was a person's command.
  return observed.helmWrote || observed.isDisowned || hasDrifted(desired, layer, tracked, seen) ? "drifted" : "current";
}

/** A CRD that somebody else had brought, where the layer only creates. */
export function isLeftAlone({ key, digest, createOnly }: Desired, seen: Seen): boolean {
  const attempt = seen.attempts.get(key);
  return createOnly && attempt?.digest === digest && attempt.leftAlone === true;
}

/** The answer to our own apply is the measure; a fresh process, which has none, measures against the object itself. */
function hasDrifted(desired: Desired, layer: string, { observed }: Tracked, seen: Seen): boolean {
  const entry = memberEntry(observed, seen.set);
  if (!entry) return true;
  const attempt = seen.attempts.get(desired.key);
  if (attempt?.digest === desired.digest && attempt.fields !== undefined) {
    return ownFieldsDigest(entry, desired) !== attempt.fields;
  }
  const isUnmarked = !observed.adopted && isLent(observed, seen);
  return isUnmarked || !coversObject(entry, withoutPointers(withMark(desired, layer), desired.ignored ?? []));
}
