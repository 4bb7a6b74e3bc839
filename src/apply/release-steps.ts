import { HOOK_ANNOTATION, PART_OF_LABEL, RELEASE_ANNOTATION } from "../api/names.ts";
import { Failure } from "../errors.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { saysKeep } from "../membership/observed.ts";
import { hmacDigest } from "../objects/digest.ts";
import { describeRef, keyOf, refOf } from "../objects/identity.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import type { Outcome } from "../plan/outcome.ts";
import { releaseNameOf } from "../plan/place.ts";
import {
  type HookRun,
  isPending,
  packProgress,
  RELEASE_TYPE,
  type ReleaseProgress,
  type ReleaseRecord,
  type ReleaseStatus,
  recordLabels,
  recordName,
} from "../plan/release.ts";
import { sealed } from "../plan/seal.ts";
import type { MarkRelease, OpenRelease, Step } from "../plan/step.ts";
import type { Hook, LayerContent, PlannedLayer, ReleaseSource } from "../plan/types.ts";
import { isConflictError, isNotFoundError } from "./conflicts.ts";
import type { WriteContext } from "./context.ts";
import { type HelmRelease, newRelease, packRelease, unpackRelease, withRuns } from "./release-payload.ts";
import { SECRETS } from "./system-objects.ts";

/** Releases that this process wrote or read last: what only changes its status need not be read again. */
export interface ReleaseCache {
  get(uid: string): CachedRelease | undefined;
  set(uid: string, entry: CachedRelease): unknown;
}

export interface CachedRelease {
  resourceVersion: string;
  release: HelmRelease;
}

export interface ReleaseContext {
  /** Acts as the identity that the profile may use. */
  writes: WriteContext;
  set: ApplySet;
  cache: ReleaseCache;
  now: () => Date;
  /** The answer to a write of a record, so that the next pass need not wait for the watch. */
  recordRelease(object: KubeObject): void;
  forgetRelease(record: ReleaseRecord): void;
  /** What only Helm's own commands need of a chart. */
  sourceOf(layer: PlannedLayer, signal: AbortSignal): Promise<ReleaseSource | Failure>;
  /** Makes this the stored content of a layer. */
  store(layer: PlannedLayer, content: LayerContent, signal: AbortSignal): Promise<void>;
}

type Released = Outcome & { kind: "Released" };

const DONE: Released = { kind: "Released" };

/**
 * Writes the record of a new revision, before its first object. What somebody left `pending-*` is recorded as failed, as
 * Flux does it; records that make room go.
 */
export async function openRelease(step: OpenRelease, context: ReleaseContext, signal: AbortSignal): Promise<Released> {
  const { layer, latest, release: name, revision, progress } = step;
  const content = layer.state.kind === "known" ? layer.state.content : undefined;
  if (!content?.release) throw new Error(`layer ${layer.spec.name} has no chart`);
  const source = content.release.source ?? (await context.sourceOf(layer, signal));
  if (source instanceof Failure) throw source;
  const before = latest && (await previous(step, context, signal));
  const now = context.now().toISOString();
  const firstDeployed = before?.firstDeployed ?? now;
  const strays = before?.release ? straysOf(before.release, layer) : [];
  const { rolledBack } = content.release;
  const release = newRelease({
    ...name,
    version: revision,
    status: `pending-${progress.operation}`,
    description: DESCRIPTIONS[progress.operation],
    firstDeployed,
    lastDeployed: now,
    ...(rolledBack ? { rollbackRevision: rolledBack.to } : {}),
    manifest: content.release.manifest,
    notes: content.release.notes,
    hooks: content.release.hooks,
    source,
  });
  const kept = { ...progress, firstDeployed, ...(strays.length > 0 ? { strays } : {}) };
  await create(release, { layer: layer.spec.name, progress: kept }, context, signal);
  for (const record of step.surplus) await forget(record, context, signal);
  return { ...DONE, ...noteOf(step) };
}

const DESCRIPTIONS = {
  install: "Initial install underway",
  upgrade: "Preparing upgrade",
  rollback: "Preparing rollback",
} as const;

/** What people should hear: that a release was taken over, or that somebody's revision is overruled. */
function noteOf({ latest, adopts, release, revision }: OpenRelease): Pick<Released, "note"> {
  if (!latest || latest.progress) return {};
  const what = `Helm release ${release.namespace}/${release.name}`;
  if (adopts) {
    const message = `${what} was there before and is managed from now on, from revision ${revision}`;
    return { note: { reason: "Adopted", message } };
  }
  const message = `${what} was changed by somebody (revision ${latest.version}, ${latest.status}) and is as the layer wants it again, with revision ${revision}`;
  return { note: { reason: "ReleaseOverruled", message } };
}

interface Before {
  firstDeployed: string | undefined;
  /** Only of a revision that somebody else made. */
  release?: HelmRelease;
}

async function previous(step: OpenRelease, context: ReleaseContext, signal: AbortSignal): Promise<Before> {
  const { latest, adopts, layer } = step;
  if (!latest) return { firstDeployed: undefined };
  if (latest.progress && !isPending(latest.status)) return { firstDeployed: latest.progress.firstDeployed };
  const release = await read(latest, context, signal);
  const chart = layer.state.kind === "known" ? layer.state.content.release?.chart : undefined;
  const other = release.chart?.metadata?.name;
  if (adopts && layer.spec.adoption === "SameRelease" && other !== chart) throw otherChart(step, other, chart);
  if (isPending(latest.status)) {
    const description = `Given up in favour of revision ${step.revision}: left ${latest.status}`;
    await rewrite(latest, { status: "failed", description, progress: latest.progress }, context, signal);
  }
  return { firstDeployed: release.info.first_deployed, ...(latest.progress ? {} : { release }) };
}

function otherChart({ release }: OpenRelease, other: string | undefined, chart: string | undefined): Failure {
  return new Failure(
    "Conflict",
    `Helm release ${release.namespace}/${release.name} is of chart ${other ?? "unknown"}, the layer's chart is ${chart}: ` +
      "choose another helm.releaseName, or set the layer's adoption to Always",
  );
}

/** The objects of a release that the layer does not bring, as keys. */
function straysOf(release: HelmRelease, layer: PlannedLayer): string[] {
  const parsed = parseManifests(release.manifest ?? "", "manifest");
  if (!parsed.ok || layer.state.kind !== "known") return [];
  const wanted = new Set(layer.state.desired.flatMap(({ ref }) => [keyOf(ref), keyOf({ ...ref, namespace: "" })]));
  const refs = parsed.value.map((object) => refOf(object));
  return refs
    .filter(
      (ref) => !wanted.has(keyOf(ref)) && !wanted.has(keyOf({ ...ref, namespace: ref.namespace ?? release.namespace })),
    )
    .map((ref) => strayText(ref, release.namespace));
}

const strayText = ({ group, version, kind, namespace, name }: ObjectRef, home: string): string =>
  [group, version, kind, namespace ?? home, name].join("/");

/** Writes the status of a record, and takes `deployed` from the older ones first, as Helm does it. */
export async function markRelease(step: MarkRelease, context: ReleaseContext, signal: AbortSignal): Promise<Released> {
  for (const record of step.superseded) {
    await rewrite(record, { status: "superseded", progress: record.progress }, context, signal);
  }
  const { status, description, progress } = step;
  await rewrite(step.record, { status, description, progress }, context, signal);
  return DONE;
}

/** Creates the object of a hook. One that is there already is judged by the next pass. */
export async function runHook(
  { hook, id }: Step & { kind: "RunHook" },
  { writes }: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const { object, ref } = hook;
  const what = describeRef(ref);
  try {
    const resource = writes.resourceFor(ref) ?? (await lookAgain(ref, writes, signal));
    const annotations = { ...object.metadata.annotations, [HOOK_ANNOTATION]: id };
    // Before the kind was served, nobody knew whether it has namespaces.
    const { namespace, ...metadata } = object.metadata;
    const home = resource.namespaced && namespace !== undefined ? { namespace } : {};
    const body = { ...object, metadata: { ...metadata, ...home, annotations } };
    await writes.client.create(resource, body, { manager: writes.set.manager, hideEchoes: true, signal });
  } catch (error) {
    if (!isConflictError(error)) throw writes.toFailure(error, what);
  }
  return DONE;
}

async function lookAgain(ref: ObjectRef, writes: WriteContext, signal: AbortSignal) {
  await writes.resources(signal);
  const resource = writes.resourceFor(ref);
  if (resource) return resource;
  const served = writes.versionsOf(ref).join(", ");
  const remedy = served === "" ? "" : `: it serves ${served}`;
  throw new Failure("KindNotFound", `${describeRef(ref)}: the cluster does not serve ${ref.kind}${remedy}`);
}

/** Notes on the record how a hook ended, before anything is deleted for it. */
export async function noteHook(
  { record, run, ended }: Step & { kind: "NoteHook" },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const now = context.now();
  const { phase, attempt, why } = ended;
  const startedAt = new Date(ended.startedAt ?? now.getTime()).toISOString();
  const result: HookRun = { phase, attempt, startedAt, completedAt: now.toISOString(), ...(why ? { why } : {}) };
  const progress: ReleaseProgress = {
    inputs: "",
    operation: "upgrade",
    ...record.progress,
    runs: { ...record.progress?.runs, [run]: result },
  };
  await annotate(record, progress, context, signal);
  return DONE;
}

export async function removeHook(
  { ref, uid, resourceVersion }: Step & { kind: "RemoveHook" },
  { writes }: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const resource = writes.resourceFor(ref);
  if (!resource) return DONE;
  try {
    await writes.client.delete(resource, ref, { uid, resourceVersion, propagationPolicy: "Background", signal });
  } catch (error) {
    if (isNotFoundError(error)) return DONE;
    if (isConflictError(error)) throw new Failure("StaleRead", `${describeRef(ref)} was changed just now; tried again`);
    throw writes.toFailure(error, describeRef(ref));
  }
  return DONE;
}

/** Deletes what is still of the release and nobody else's, one after the other. */
export async function removeStrays(
  { record, strays }: Step & { kind: "RemoveStrays" },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  for (const text of strays) await removeStray(text, record, context, signal);
  const { strays: _, ...progress } = record.progress ?? { inputs: "", operation: "upgrade", runs: {} };
  await annotate(record, progress, context, signal);
  return DONE;
}

async function removeStray(
  text: string,
  { release }: ReleaseRecord,
  { writes }: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  const [group = "", version = "", kind = "", namespace = "", name = ""] = text.split("/");
  const resource = writes.resourceFor({ group, version, kind });
  if (!resource) return;
  const key = { name, ...(resource.namespaced ? { namespace } : {}) };
  const live = await writes.client.find(resource, key, { metadataOnly: true, signal });
  const annotations = live?.metadata.annotations ?? {};
  const isOfRelease =
    annotations["meta.helm.sh/release-name"] === release.name &&
    annotations["meta.helm.sh/release-namespace"] === release.namespace;
  if (!live || !isOfRelease || saysKeep(live)) return;
  if (live.metadata.labels?.[PART_OF_LABEL] !== undefined) return;
  const { uid = "", resourceVersion = "" } = live.metadata;
  await writes.client.delete(resource, key, { uid, resourceVersion, propagationPolicy: "Background", signal });
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
  const release = await read(to, context, signal);
  const hooks = hooksOf(release);
  const parsed = parseManifests(release.manifest ?? "", `revision ${to.version}`);
  const seal = hmacDigest(key, sealed({ manifest: release.manifest ?? "", hooks }));
  if (!content?.release || !parsed.ok || seal !== to.progress?.seal) {
    throw new Failure(
      "InvalidObject",
      `revision ${to.version} of Helm release ${to.release.namespace}/${releaseNameOf(layer.spec)} is not as Strata wrote it: ` +
        "it is not rolled back to; change the layer instead",
    );
  }
  const { attachments: _, ...rest } = content;
  const rolledBack: LayerContent = {
    ...rest,
    objects: parsed.value,
    release: {
      chart: release.chart?.metadata?.name ?? content.release.chart,
      hooks,
      manifest: release.manifest ?? "",
      notes: release.info.notes ?? "",
      rolledBack: { from: from.version, to: to.version, why },
      source: { chart: JSON.stringify(release.chart ?? {}), config: JSON.stringify(release["config"] ?? {}) },
    },
    ...(release.chart?.metadata?.version ? { version: release.chart.metadata.version } : {}),
  };
  await context.store(layer, rolledBack, signal);
  return { kind: "Rendered", result: rolledBack };
}

function hooksOf(release: HelmRelease): Hook[] {
  return (release.hooks ?? []).flatMap((hook): Hook[] => {
    const manifest = String(hook["manifest"] ?? "");
    const parsed = parseManifests(manifest, String(hook["path"] ?? "hook"));
    const [object] = parsed.ok ? parsed.value : [];
    if (!object) return [];
    return [
      {
        name: String(hook["name"] ?? ""),
        kind: String(hook["kind"] ?? ""),
        path: String(hook["path"] ?? ""),
        manifest,
        events: strings(hook["events"]),
        weight: Number(hook["weight"] ?? 0),
        deletePolicies: strings(hook["delete_policies"]),
        outputLogPolicies: strings(hook["output_log_policies"]),
        object,
      },
    ];
  });
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

async function read(
  record: ReleaseRecord,
  { writes, cache }: ReleaseContext,
  signal: AbortSignal,
): Promise<HelmRelease> {
  const known = cache.get(record.uid);
  if (known?.resourceVersion === record.resourceVersion) return known.release;
  const key = { namespace: record.release.namespace, name: record.secret };
  const live = await writes.client.get(SECRETS, key, { signal });
  return await unpackRelease(
    (live["data"] as Record<string, string> | undefined)?.["release"],
    `${key.namespace}/${key.name}`,
  );
}

function secretOf(
  release: HelmRelease,
  packed: string,
  {
    layer,
    progress,
    set,
    times,
  }: { layer: string | undefined; progress: ReleaseProgress | undefined; set: ApplySet; times: Record<string, string> },
): KubeObject {
  const { name, namespace, version, info } = release;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: recordName({ namespace, name }, version),
      namespace,
      labels: {
        ...(layer !== undefined && progress
          ? recordLabels(set.parent, layer, { version, inputs: progress.inputs })
          : {}),
        name,
        owner: "helm",
        status: info.status ?? "unknown",
        version: String(version),
        ...times,
      },
      ...(progress ? { annotations: { [RELEASE_ANNOTATION]: packProgress(progress) } } : {}),
    },
    type: RELEASE_TYPE,
    data: { release: packed },
  };
}

async function create(
  release: HelmRelease,
  { layer, progress }: { layer: string; progress: ReleaseProgress },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  const { writes, set, cache } = context;
  const times = { createdAt: unixSeconds(context) };
  const secret = secretOf(release, await packRelease(release), { layer, progress, set, times });
  const what = `the record of Helm release ${release.namespace}/${release.name}`;
  try {
    const answer = await writes.client.create(SECRETS, secret, {
      manager: writes.set.manager,
      metadataOnly: true,
      signal,
    });
    taken(answer, release, { cache, context });
  } catch (error) {
    if (isConflictError(error))
      throw new Failure("StaleRead", `${what}: somebody made revision ${release.version} just now; looked at again`);
    throw writes.toFailure(error, what);
  }
}

interface NewStatus {
  status: ReleaseStatus;
  description?: string;
  progress: ReleaseProgress | undefined;
}

/** Writes a record anew with another status, on top of the version that was seen. */
async function rewrite(
  record: ReleaseRecord,
  { status, description, progress }: NewStatus,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  const { writes, set, cache } = context;
  const old = await read(record, context, signal);
  const info = { ...old.info, status, ...(description === undefined ? {} : { description }) };
  // The record is what its labels say, whatever somebody may have packed into it.
  const { version } = record;
  const release = withRuns({ ...old, ...record.release, version, info }, runsOf(old, progress));
  const times = { modifiedAt: unixSeconds(context) };
  const about = { layer: record.parent === undefined ? undefined : record.layer, progress, set, times };
  const secret = secretOf(release, await packRelease(release), about);
  const body = {
    ...secret,
    metadata: { ...secret.metadata, uid: record.uid, resourceVersion: record.resourceVersion },
  };
  try {
    const answer = await writes.client.update(SECRETS, body, { manager: set.manager, metadataOnly: true, signal });
    taken(answer, release, { cache, context });
  } catch (error) {
    const what = `the record of Helm release ${release.namespace}/${release.name}`;
    if (isConflictError(error) || isNotFoundError(error))
      throw new Failure("StaleRead", `${what} was changed just now; looked at again`);
    throw writes.toFailure(error, what);
  }
}

async function annotate(
  record: ReleaseRecord,
  progress: ReleaseProgress,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  const { writes, set, cache } = context;
  const known = cache.get(record.uid);
  const key = { namespace: record.release.namespace, name: record.secret };
  const metadata = {
    uid: record.uid,
    resourceVersion: record.resourceVersion,
    annotations: { [RELEASE_ANNOTATION]: packProgress(progress) },
  };
  try {
    const options = { manager: set.manager, metadataOnly: true, signal };
    const answer = await writes.client.mergePatch(SECRETS, key, { metadata }, options);
    context.recordRelease(answer);
    if (known?.resourceVersion === record.resourceVersion) {
      cache.set(record.uid, { ...known, resourceVersion: answer.metadata.resourceVersion ?? "" });
    }
  } catch (error) {
    const what = `the record of Helm release ${record.release.namespace}/${record.release.name}`;
    if (isConflictError(error) || isNotFoundError(error))
      throw new Failure("StaleRead", `${what} was changed just now; looked at again`);
    throw writes.toFailure(error, what);
  }
}

async function forget(record: ReleaseRecord, context: ReleaseContext, signal: AbortSignal): Promise<void> {
  const key = { namespace: record.release.namespace, name: record.secret };
  try {
    await context.writes.client.delete(SECRETS, key, { uid: record.uid, signal });
  } catch (error) {
    if (!isNotFoundError(error)) throw context.writes.toFailure(error, `Secret ${key.namespace}/${key.name}`);
  }
  context.forgetRelease(record);
}

function taken(
  answer: KubeObject,
  release: HelmRelease,
  { cache, context }: { cache: ReleaseCache; context: ReleaseContext },
): void {
  const { uid = "", resourceVersion = "" } = answer.metadata;
  cache.set(uid, { resourceVersion, release });
  context.recordRelease(answer);
}

/** The last run of each hook, by kind and name: what `helm status` shows. */
function runsOf(release: HelmRelease, progress: ReleaseProgress | undefined): Map<string, HookRun> {
  const runs = new Map<string, HookRun>();
  for (const [key, run] of Object.entries(progress?.runs ?? {})) {
    const [event = "", index = ""] = key.split("/");
    const sorted = sortedHooks(release, event);
    const hook = sorted[Number(index)];
    if (hook) runs.set(`${hook["kind"]}/${hook["name"]}`, run);
  }
  return runs;
}

function sortedHooks({ hooks = [] }: HelmRelease, event: string): { [field: string]: unknown }[] {
  const nameOf = (hook: { [field: string]: unknown }) => String(hook["name"]);
  return hooks
    .filter((hook) => strings(hook["events"]).includes(event))
    .toSorted(
      (a, b) =>
        Number(a["weight"] ?? 0) - Number(b["weight"] ?? 0) ||
        (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0),
    );
}

function unixSeconds({ now }: ReleaseContext): string {
  return String(Math.floor(now().getTime() / 1000));
}
