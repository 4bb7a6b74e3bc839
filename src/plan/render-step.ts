import { Failure } from "../errors.ts";
import { releaseNameOf } from "./place.ts";
import { isInstalled, latestOf } from "./release.ts";
import type { Seen } from "./seen.ts";
import type { Step } from "./step.ts";
import type { MadeContent, PlannedLayer } from "./types.ts";

/**
 * The step that renders a layer. A chart sees the revision that it will be and whether there was one before, so that the
 * records of its release must be known.
 */
export function renderStep(layer: PlannedLayer, seen: Seen): Step | "unknown" | Failure {
  const { spec, namespace } = layer;
  const before = contentBefore(spec.name, seen);
  const about = { kind: "Render" as const, layer, ...(before ? { before } : {}) };
  if (!spec.helm || namespace === undefined) return { ...about, revision: 1, isUpgrade: false };
  const records = seen.site.releases({ namespace, name: releaseNameOf(spec) });
  if (records === "unknown" || records instanceof Failure) return records;
  const latest = latestOf(records);
  return { ...about, revision: (latest?.version ?? 0) + 1, isUpgrade: isInstalled(latest) };
}

/** What was recalled for a layer that had left the list does not say what it was made from. */
function contentBefore(layer: string, { contents }: Seen): MadeContent | undefined {
  const { inputs, specDigest = "", result } = contents.get(layer) ?? {};
  if (inputs === undefined || specDigest === "" || result?.kind !== "known") return undefined;
  return { inputs, specDigest, content: result.content };
}

/**
 * A step that takes something away, or the one that has to come before. What moves to a layer that is not rendered yet must
 * not be deleted for it: that layer is rendered first. While one cannot be rendered nobody knows what it wants, and nothing
 * is deleted; but one that only waits for an output again, and is written as it was, wants what it has.
 *
 * @param unknown a layer whose objects are not known (yet)
 */
export function onceRendered(step: Step | undefined, unknown: PlannedLayer | undefined, seen: Seen): Step | undefined {
  if (!step || !unknown) return step;
  const render = unknown.state.kind === "unknown" && !unknown.spec.suspend ? renderStep(unknown, seen) : undefined;
  return render === "unknown" || render instanceof Failure ? undefined : render;
}
