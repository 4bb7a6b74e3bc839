import { RECONCILE_ANNOTATION } from "../api/names.ts";
import type { Verdict } from "../health/verdict.ts";
import { describeRef } from "../objects/identity.ts";
import {
  driftModeOf,
  isFoughtOver,
  isKnownToDiffer,
  type Leaving,
  lastWriteOf,
  leftSentence,
  leftStanding,
  rewriteSentence,
} from "./drift.ts";
import { expiredVerdict, finishedOf, lastRun, runningOf } from "./expiry.ts";
import { type KnownLayer, type LayerView, noteLeft } from "./layer-view.ts";
import type { Seen, Tracked } from "./seen.ts";
import { standingOf } from "./standing.ts";
import type { Desired } from "./types.ts";

/** An object of a layer, with how it stands in the cluster. */
export interface ObjectView {
  desired: Desired;
  tracked: Tracked | undefined;
  /** `left`: somebody changed or deleted it, and the layer leaves it so. */
  standing: Leaving;
  /** Of an object that was done, and that the cluster has deleted. */
  expired?: Verdict | undefined;
  /** Of one that is missing: the uid of a Job that may have ended while nobody looked. */
  lastRun?: string | undefined;
}

export function viewsOf(layer: KnownLayer, seen: Seen): ObjectView[] {
  return layer.state.desired.map((desired) => {
    const tracked = seen.site.member(desired.key);
    const expired = expiredVerdict(desired, layer, seen);
    const standing = expired ? "current" : standingOf(desired, layer.spec.name, tracked, seen);
    const ran = standing === "missing" ? lastRun(desired, layer, seen) : undefined;
    const view = { desired, tracked, expired, lastRun: ran };
    return { ...view, standing: leftStanding(layer, { desired, tracked }, { standing, seen }) };
  });
}

/** Whether something is to be done for the object, or to be waited for. */
export function isOpen({ standing }: ObjectView): boolean {
  return standing !== "current" && standing !== "left";
}

/** Somebody has said on the object itself that it is to be left as it is. */
function frozenWarning({ spec }: KnownLayer, { desired, tracked }: ObjectView): string | undefined {
  if (!tracked?.observed.frozen) return undefined;
  const { digest, layer } = tracked.observed;
  const isOld = digest !== desired.digest || layer !== spec.name;
  const why = `as it says ${RECONCILE_ANNOTATION}: Disabled`;
  return `${describeRef(desired.ref)} is left as it is, ${why}${isOld ? "; the layer wants it otherwise by now" : ""}`;
}

interface Standings {
  /** Of all objects of the layer. */
  views: readonly ObjectView[];
  seen: Seen;
}

/** Says what is left as somebody else made it or wants it to be, and what a later process has to know. */
export function withStandings(layer: KnownLayer, view: LayerView, about: Standings): LayerView {
  const shown = withDrift(layer, view, about);
  const warnings = about.views.flatMap((one) => frozenWarning(layer, one) ?? []);
  return warnings.length > 0 ? { ...shown, warnings: [...(shown.warnings ?? []), ...warnings] } : shown;
}

function withDrift(layer: KnownLayer, view: LayerView, { views, seen }: Standings): LayerView {
  const writtenAt = lastWriteOf(layer, views, seen);
  const finished = finishedOf(layer, seen);
  const running = runningOf(layer, seen);
  const known = {
    ...view,
    ...(writtenAt === undefined ? {} : { writtenAt }),
    ...(finished.length > 0 ? { finished } : {}),
    ...(running.length > 0 ? { running } : {}),
  };
  const mode = driftModeOf(layer);
  if (mode === "Correct") return withFight(known, views, seen);
  if (mode === "Ignore") return known;
  const left = views.filter((one) => one.standing === "left" || isKnownToDiffer(one, seen));
  return left.length > 0 ? noteLeft(known, leftSentence(left.map(({ desired }) => describeRef(desired.ref)))) : known;
}

/** A fight in which no field changes hands: all objects are there, and one is written otherwise again and again. */
function withFight(view: LayerView, views: readonly ObjectView[], seen: Seen): LayerView {
  if (view.state !== "Ready") return view;
  const fought = views.find((one) => one.standing === "current" && isFoughtOver(one, seen));
  if (!fought) return view;
  return { ...view, state: "Drifted", reason: "DriftFight", message: rewriteSentence(fought) };
}
