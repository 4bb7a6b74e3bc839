import { RELEASE_ANNOTATION, RELEASE_SEAL_LABEL } from "../api/names.ts";
import { Failure, type FailureReason } from "../errors.ts";
import type { ApplySet } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";
import { hooksOf } from "../plan/hooks.ts";
import type { Outcome } from "../plan/outcome.ts";
import {
  type HookRun,
  packProgress,
  progressLabels,
  RELEASE_TYPE,
  type ReleaseName,
  type ReleaseProgress,
  type ReleaseRecord,
  type ReleaseStatus,
  recordLabels,
  recordName,
} from "../plan/release.ts";
import type { LayerContent, PlacedHook, PlannedLayer, ReleaseSource } from "../plan/types.ts";
import { isConflictError, isNotFoundError } from "./conflicts.ts";
import type { WriteContext } from "./context.ts";
import { type HelmRelease, packRelease, unpackRelease, withRuns } from "./release-payload.ts";
import { SECRETS } from "./system-objects.ts";

/** Releases that this process wrote last: what only changes its status need not be read again. */
export interface ReleaseCache {
  get(uid: string): CachedRelease | undefined;
  set(uid: string, entry: CachedRelease): unknown;
}

export interface CachedRelease {
  resourceVersion: string;
  /** The `release` key of the Secret's `data`. */
  packed: string;
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

export type Released = Outcome & { kind: "Released" };

export const DONE: Released = { kind: "Released" };

/** What a record holds: as this process wrote it last, else as it stands in the cluster. */
export async function read(
  record: ReleaseRecord,
  { writes, cache }: ReleaseContext,
  signal: AbortSignal,
): Promise<HelmRelease> {
  const key = keyOf(record);
  const known = cache.get(record.uid);
  const isKnown = known?.resourceVersion === record.resourceVersion;
  const packed = isKnown ? known.packed : packedIn(await writes.client.get(SECRETS, key, { signal }));
  return await unpackRelease(packed, `${key.namespace}/${key.name}`);
}

function packedIn(secret: KubeObject): string | undefined {
  return (secret["data"] as Record<string, string> | undefined)?.["release"];
}

function keyOf({ release, secret }: ReleaseRecord): { namespace: string; name: string } {
  return { namespace: release.namespace, name: secret };
}

/** @throws Failure StaleRead when the revision exists by now */
export async function create(
  release: HelmRelease,
  { layer, progress }: { layer: string; progress: ReleaseProgress },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  const { writes, set } = context;
  const { name, namespace, version, info } = release;
  const labels = {
    ...recordLabels(set.parent, layer, { version, inputs: progress.inputs }),
    name,
    owner: "helm",
    status: info.status ?? "unknown",
    version: String(version),
    createdAt: unixSeconds(context),
  };
  const annotations = { [RELEASE_ANNOTATION]: packProgress(progress) };
  const metadata = { name: recordName({ namespace, name }, version), namespace, labels, annotations };
  const packed = await packRelease(release);
  const secret = { apiVersion: "v1", kind: "Secret", metadata, type: RELEASE_TYPE, data: { release: packed } };
  try {
    const options = { manager: set.manager, metadataOnly: true, signal };
    taken(await writes.client.create(SECRETS, secret, options), packed, context);
  } catch (error) {
    const what = nameOf(release);
    if (isConflictError(error))
      throw new Failure("StaleRead", `${what}: somebody made revision ${release.version} just now; looked at again`);
    throw writes.toFailure(error, what);
  }
}

interface NewStatus {
  status: ReleaseStatus;
  description?: string;
  /** Undefined for what somebody else wrote last. */
  progress: ReleaseProgress | undefined;
  /** The hooks of which `progress` has the runs. */
  hooks?: readonly PlacedHook[];
  seal?: string | undefined;
}

/** Gives a record another status, on top of the version that was seen; whatever else stands on it stays. */
export async function rewrite(
  record: ReleaseRecord,
  { status, description, progress, hooks = [], seal }: NewStatus,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  const old = await read(record, context, signal);
  const info = { ...old.info, status, ...(description === undefined ? {} : { description }) };
  // The record is what its labels say, whatever somebody may have packed into it.
  const { version } = record;
  const release = withRuns({ ...old, ...record.release, version, info }, runsOf(hooks, progress));
  const labels = {
    status,
    modifiedAt: unixSeconds(context),
    ...(seal === undefined ? {} : { [RELEASE_SEAL_LABEL]: seal }),
  };
  await change(record, { labels, progress, packed: await packRelease(release) }, context, signal);
}

/** What keeps a payload as it is, however often one tries. */
const UNCHANGEABLE: readonly FailureReason[] = ["InvalidObject", "TooLarge", "ImmutableField"];

/** Gives an older record another status; of one that cannot be read only the label, as a new revision must not fail for it. */
export async function rewriteOlder(
  record: ReleaseRecord,
  mark: NewStatus,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  try {
    await rewrite(record, mark, context, signal);
  } catch (error) {
    if (!(error instanceof Failure) || !UNCHANGEABLE.includes(error.reason)) throw error;
    const labels = { status: mark.status, modifiedAt: unixSeconds(context) };
    await change(record, { labels, progress: undefined }, context, signal);
  }
}

/** Writes down what was done of a revision, and leaves what Helm reads as it is. */
export async function annotate(
  record: ReleaseRecord,
  progress: ReleaseProgress,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  await change(record, { labels: progressLabels(progress), progress }, context, signal);
}

interface Change {
  labels: Record<string, string>;
  progress: ReleaseProgress | undefined;
  packed?: string;
}

/** Changes what is said and nothing else, on top of the version that was seen: Helm, too, keeps labels that people set. */
async function change(
  record: ReleaseRecord,
  { labels, progress, packed }: Change,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<void> {
  const { writes, set, cache } = context;
  const known = cache.get(record.uid);
  const metadata = {
    uid: record.uid,
    resourceVersion: record.resourceVersion,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(progress ? { annotations: { [RELEASE_ANNOTATION]: packProgress(progress) } } : {}),
  };
  const body = { metadata, ...(packed === undefined ? {} : { data: { release: packed } }) };
  try {
    const options = { manager: set.manager, metadataOnly: true, signal };
    const answer = await writes.client.mergePatch(SECRETS, keyOf(record), body, options);
    const last = known?.resourceVersion === record.resourceVersion ? known.packed : undefined;
    taken(answer, packed ?? last, context);
  } catch (error) {
    throw refusal(error, record.release, context);
  }
}

export async function forget(record: ReleaseRecord, context: ReleaseContext, signal: AbortSignal): Promise<void> {
  const key = keyOf(record);
  try {
    await context.writes.client.delete(SECRETS, key, { uid: record.uid, signal });
  } catch (error) {
    if (!isNotFoundError(error)) throw context.writes.toFailure(error, `Secret ${key.namespace}/${key.name}`);
  }
  context.forgetRelease(record);
}

/** Why a record could not be changed: that somebody else did, or what the API server says. */
function refusal(error: unknown, release: ReleaseName, { writes }: ReleaseContext): Failure {
  const what = nameOf(release);
  if (isConflictError(error) || isNotFoundError(error))
    return new Failure("StaleRead", `${what} was changed just now; looked at again`);
  return writes.toFailure(error, what);
}

function nameOf({ namespace, name }: ReleaseName): string {
  return `the record of Helm release ${namespace}/${name}`;
}

function taken(answer: KubeObject, packed: string | undefined, context: ReleaseContext): void {
  const { uid = "", resourceVersion = "" } = answer.metadata;
  if (packed !== undefined) context.cache.set(uid, { resourceVersion, packed });
  context.recordRelease(answer);
}

/** The last run of each hook, by kind and name: what `helm status` shows. */
function runsOf(hooks: readonly PlacedHook[], progress: ReleaseProgress | undefined): Map<string, HookRun> {
  const runs = Object.entries(progress?.runs ?? {}).flatMap(([key, run]): [string, HookRun][] => {
    const [event = "", index = ""] = key.split("/");
    const hook = hooksOf(hooks, event)[Number(index)]?.hook;
    return hook ? [[`${hook.kind}/${hook.name}`, run]] : [];
  });
  return new Map(runs);
}

function unixSeconds({ now }: ReleaseContext): string {
  return String(Math.floor(now().getTime() / 1000));
}
