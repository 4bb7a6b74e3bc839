import { Failure } from "../errors.ts";
import { parseManifests } from "../objects/yaml.ts";
import type { Outcome } from "../plan/outcome.ts";
import { releaseNameOf } from "../plan/place.ts";
import { isPending, latestOf } from "../plan/release.ts";
import type { MarkRelease, OpenRelease, Step } from "../plan/step.ts";
import type { LayerContent } from "../plan/types.ts";
import { type HelmRelease, newRelease, parsedHooks, sourceIn } from "./release-payload.ts";
import {
  create,
  DONE,
  forget,
  type ReleaseContext,
  type Released,
  read,
  rewrite,
  rewriteOlder,
} from "./release-records.ts";
import { readIfPossible, sourceOf } from "./release-source.ts";
import { straysOf } from "./release-strays.ts";
import { readSealed } from "./sealed-release.ts";

/**
 * Writes the record of a new revision, before its first object. What somebody left `pending-*` is recorded as failed, as
 * Flux does it; records that make room go.
 */
export async function openRelease(step: OpenRelease, context: ReleaseContext, signal: AbortSignal): Promise<Released> {
  const { layer, release: name, revision, progress } = step;
  const content = layer.state.kind === "known" ? layer.state.content : undefined;
  if (!content?.release) throw new Error(`layer ${layer.spec.name} has no chart`);
  const { release: chart } = content;
  const before = await previous(step, context, signal);
  const source = await sourceOf(step, { ...content, release: chart }, context, signal);
  await giveUp(step, context, signal);
  const now = context.now().toISOString();
  const firstDeployed = before.firstDeployed ?? now;
  const strays = before.overruled ? straysOf(before.overruled, layer) : { listed: [] };
  const release = newRelease({
    ...name,
    version: revision,
    status: `pending-${progress.operation}`,
    description: DESCRIPTIONS[progress.operation],
    firstDeployed,
    lastDeployed: now,
    ...(chart.rolledBack && progress.operation === "rollback" ? { rollbackRevision: chart.rolledBack.to } : {}),
    manifest: chart.manifest,
    notes: chart.notes,
    hooks: chart.hooks,
    source,
  });
  const kept = { ...progress, firstDeployed, ...(strays.listed.length > 0 ? { strays: strays.listed } : {}) };
  await create(release, { layer: layer.spec.name, progress: kept }, context, signal);
  for (const record of step.surplus) await forget(record, context, signal);
  return { ...DONE, ...noteOf(step, strays.left) };
}

const DESCRIPTIONS = {
  install: "Initial install underway",
  upgrade: "Preparing upgrade",
  rollback: "Preparing rollback",
} as const;

/** What people should hear: that a release was taken over, or that somebody's revision is overruled. */
function noteOf({ latest, adopts, release, revision }: OpenRelease, left: string | undefined): Pick<Released, "note"> {
  if (!latest || latest.progress) return {};
  const what = `Helm release ${release.namespace}/${release.name}`;
  if (adopts) {
    const message = `${what} was there before and is managed from now on, from revision ${revision}`;
    return { note: { reason: "Adopted", message } };
  }
  const changed = `${what} was changed by somebody (revision ${latest.version}, ${latest.status}) and is as the layer wants it again, with revision ${revision}`;
  const message = left === undefined ? changed : `${changed}; ${left}`;
  return { note: { reason: "ReleaseOverruled", message } };
}

interface Before {
  firstDeployed?: string | undefined;
  /** What somebody made of the layer's release: what only that has goes again. Nothing goes of a release that is taken over. */
  overruled?: HelmRelease;
}

async function previous(step: OpenRelease, context: ReleaseContext, signal: AbortSignal): Promise<Before> {
  const { latest, adopts, layer, records } = step;
  const known = latestOf(records.filter(({ progress }) => progress?.firstDeployed))?.progress?.firstDeployed;
  if (!latest || latest.progress?.firstDeployed) return { firstDeployed: known };
  const isChecked = adopts && layer.spec.adoption === "SameRelease";
  const release = await (isChecked ? read : readIfPossible)(latest, context, signal);
  if (isChecked) refuseOtherChart(step, release);
  const time = release?.info.first_deployed;
  const firstDeployed = time !== undefined && RFC_3339.test(time) ? time : known;
  const goes = release !== undefined && !latest.progress && !adopts && layer.spec.prune !== "Never";
  return { firstDeployed, ...(goes ? { overruled: release } : {}) };
}

/** Helm reads no record with another time. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/;

/** What was left in the middle is not the latest for long; records that make room need no other status. */
async function giveUp(
  { records, surplus, revision }: OpenRelease,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  for (const record of records.filter(({ status }) => isPending(status))) {
    if (surplus.includes(record)) continue;
    const description = `Given up in favour of revision ${revision}: left ${record.status}`;
    await rewriteOlder(record, { status: "failed", description, progress: record.progress }, context, signal);
  }
}

function refuseOtherChart({ release, layer }: OpenRelease, existing: HelmRelease | undefined): void {
  const chart = layer.state.kind === "known" ? layer.state.content.release?.chart : undefined;
  const other = existing?.chart?.metadata?.name;
  if (other === chart) return;
  throw new Failure(
    "Conflict",
    `Helm release ${release.namespace}/${release.name} is of chart ${other ?? "unknown"}, the layer's chart is ${chart}: ` +
      "choose another helm.releaseName, or set the layer's adoption to Always",
  );
}

/** Writes the status of a record, and takes `deployed` from the older ones first, as Helm does it. */
export async function markRelease(step: MarkRelease, context: ReleaseContext, signal: AbortSignal): Promise<Released> {
  for (const record of step.superseded) {
    await rewriteOlder(record, { status: "superseded", progress: record.progress }, context, signal);
  }
  const { status, description, progress, hooks, seal } = step;
  await rewrite(step.record, { status, description, progress, hooks, seal }, context, signal);
  return DONE;
}

export async function forgetRelease(
  { records }: Step & { kind: "ForgetRelease" },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  for (const record of records) await forget(record, context, signal);
  return DONE;
}

/**
 * Goes back to the content of a revision that was Ready once: it becomes the layer's stored content, and the next pass opens
 * a revision for it. CRDs stay as they are, as with `helm rollback`.
 *
 * @throws Failure InvalidObject when the record is not as Strata wrote it
 */
export async function rollback(
  { layer, from, to, why, key }: Step & { kind: "Rollback" },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const content = layer.state.kind === "known" ? layer.state.content : undefined;
  const sealed = await readSealed(to, { layer: layer.spec.name, key }, context, signal);
  const parsed = sealed && parseManifests(sealed.manifest, `revision ${to.version}`);
  if (!content?.release || !sealed || !parsed?.ok) {
    throw new Failure(
      "InvalidObject",
      `revision ${to.version} of Helm release ${to.release.namespace}/${releaseNameOf(layer.spec)} is not as Strata wrote it: ` +
        "it is not rolled back to; change the layer instead",
    );
  }
  const { release, manifest, hooks } = sealed;
  const { version, digest, pins } = content;
  const pinned = {
    ...(version === undefined ? {} : { version }),
    ...(digest === undefined ? {} : { digest }),
    ...(pins === undefined ? {} : { pins }),
  };
  const chart = release.chart?.metadata;
  const rolledBack: LayerContent = {
    objects: parsed.value,
    crds: content.crds,
    release: {
      chart: chart?.name ?? content.release.chart,
      hooks: parsedHooks(hooks),
      manifest,
      notes: release.info.notes ?? "",
      rolledBack: { from: from.version, to: to.version, why, pinned },
      source: sourceIn(release),
    },
    ...(chart?.version === undefined ? {} : { version: chart.version }),
  };
  await context.store(layer, rolledBack, signal);
  return { kind: "Rendered", result: rolledBack };
}
