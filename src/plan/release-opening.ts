import { durationMs } from "../api/duration.ts";
import { PARENT_LABEL } from "../api/names.ts";
import { Failure } from "../errors.ts";
import { outranks } from "../membership/judge.ts";
import { attemptAt, type ChartLayer, claimAttempt, HELM_TIMEOUT_MS, releaseOf } from "./chart-layer.ts";
import { failing, type LayerView, type Surroundings, working } from "./layer-view.ts";
import { isInstalled, isPending, latestOf, type ReleaseRecord, releaseKey, surplus } from "./release.ts";
import type { Seen } from "./seen.ts";

export function openRevision(layer: ChartLayer, records: readonly ReleaseRecord[], around: Surroundings): LayerView {
  const latest = latestOf(records);
  const revision = (latest?.version ?? 0) + 1;
  const busy = latest && busyView(layer, latest, around);
  if (busy) return busy;
  const goesOn = mayGoOn(layer, records, around);
  const conflict = goesOn ? undefined : conflictOf(layer, latest, around);
  if (latest && conflict) return conflictView(layer, latest, { conflict, seen: around.seen });
  const key = contentKey(layer);
  const { rolledBack } = layer.state.content.release;
  const goesBack = records.some(({ version }) => version === rolledBack?.to);
  const operation = goesBack ? "rollback" : isInstalled(latest) ? "upgrade" : "install";
  return {
    ...working(layer, "Applying", `opening revision ${revision} of the Helm release`),
    step: {
      kind: "OpenRelease",
      attempt: attemptAt(layer, "record", `open/${revision}/${key}`),
      layer,
      release: releaseOf(layer),
      revision,
      latest,
      adopts: latest !== undefined && !goesOn,
      progress: { inputs: key, operation, runs: {} },
      records,
      surplus: surplus(records, layer.spec),
    },
  };
}

/**
 * Whether the release is the layer's own, or that of a profile that gives way. Whoever took an own release over with helm left
 * records of ours below; another layer's claim stands.
 */
function mayGoOn(layer: ChartLayer, records: readonly ReleaseRecord[], around: Surroundings): boolean {
  const latest = latestOf(records);
  if (!latest) return false;
  const isOurs = (record: ReleaseRecord) => isOwn(record, layer, around);
  return isOurs(latest) || (latest.parent === undefined && records.some(isOurs)) || yields(latest, layer, around);
}

/** A profile of a lower tier gives way, and says so itself: its objects are taken over as they are. */
function yields({ parent }: ReleaseRecord, { spec }: ChartLayer, { seen }: Surroundings): boolean {
  if (parent === undefined || parent === seen.set.parent || spec.adoption === "Never") return false;
  return outranks(seen.profile.kind, seen.profileOf?.(parent)?.replace(" ", "/") ?? "");
}

/** Where another profile has the release, the layer gets it when that one gives it up, if it may write the records. */
function conflictView(
  layer: ChartLayer,
  record: ReleaseRecord,
  { conflict, seen }: { conflict: Failure; seen: Seen },
): LayerView {
  const view = failing(layer, conflict);
  const { name, adoption } = layer.spec;
  const { parent } = record;
  if (adoption === "Never" || parent === undefined || parent === seen.set.parent) return view;
  const key = releaseKey(releaseOf(layer));
  const attempt = claimAttempt(layer);
  const tried = seen.attempts.get(attempt.key);
  const isClaimed = tried?.digest === attempt.digest && !tried.failure;
  if (!isClaimed) return { ...view, step: { kind: "ClaimRelease", attempt, record } };
  const { namespace } = record.release;
  const ref = { group: "", version: "v1", kind: "Secret", namespace, name: record.secret };
  return { ...view, awaits: [{ ref, key, isNamed: false, heir: name }] };
}

/** Of this layer, or of one that left the list: a layer that was renamed, or has a pack now, goes on with its release. */
function isOwn(record: ReleaseRecord, layer: ChartLayer, { seen, order }: Surroundings): boolean {
  const { layer: owner, parent } = record;
  if (owner === undefined || parent !== seen.set.parent) return false;
  return owner === layer.spec.name || owner === layer.spec.part?.of || !order.includes(owner);
}

/** What a revision was made from; the content to which a failed one was rolled back is another one. */
export function contentKey({ inputs, state }: ChartLayer): string {
  const { rolledBack } = state.content.release;
  return rolledBack ? `${inputs?.digest}-rollback-${rolledBack.from}` : (inputs?.digest ?? "");
}

/** Somebody else is at work on the release, or was cut off in the middle: after a time it is taken up from there. */
function busyView(layer: ChartLayer, latest: ReleaseRecord, { seen }: Surroundings): LayerView | undefined {
  if (latest.progress || !(isPending(latest.status) || latest.status === "uninstalling")) return undefined;
  const patience = Math.min(HELM_TIMEOUT_MS, durationMs(layer.spec.timeout) ?? HELM_TIMEOUT_MS);
  const until = latest.touchedAt + patience;
  // A clock that is far ahead of ours tells nothing.
  if (seen.now >= until || until > seen.now + 2 * patience) return undefined;
  const { namespace, name } = releaseOf(layer);
  const clock = new Date(until).toISOString().slice(0, 19).replace("T", " ");
  const message =
    `somebody else is at work on Helm release ${namespace}/${name} (revision ${latest.version} is ${latest.status}): ` +
    `waits until that has ended, or ${clock} UTC`;
  return { ...failing(layer, new Failure("ReleaseBusy", message)), wakeAt: until };
}

function conflictOf(layer: ChartLayer, latest: ReleaseRecord | undefined, { seen }: Surroundings): Failure | undefined {
  if (!latest) return undefined;
  const { namespace, name } = releaseOf(layer);
  const what = `Helm release ${namespace}/${name} exists (revision ${latest.version}, ${latest.status})`;
  if (latest.parent !== undefined) {
    const isOurs = latest.parent === seen.set.parent;
    const remedy = `give one of them another helm.releaseName${isOurs ? "" : orphanRemedy(latest)}`;
    const other = seen.profileOf?.(latest.parent) ?? "another profile";
    const owner = `layer ${latest.layer ?? "?"} of ${isOurs ? "this profile" : other}`;
    return new Failure("Conflict", `${what} and belongs to ${owner}: ${remedy}`);
  }
  if (layer.spec.adoption === "SameRelease" || layer.spec.adoption === "Always") return undefined;
  const remedy =
    "set the layer's adoption to SameRelease to go on with its history, or choose another helm.releaseName";
  return new Failure("Conflict", `${what} and was not made by Strata: ${remedy}`);
}

/** A profile that was deleted with its objects left behind cannot give its release back. */
function orphanRemedy({ secret }: ReleaseRecord): string {
  return `; if that profile is gone, take the label ${PARENT_LABEL} off Secret ${secret}`;
}
