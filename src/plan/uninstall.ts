import { durationMs } from "../api/duration.ts";
import { Failure } from "../errors.ts";
import type { Parent } from "../membership/applyset.ts";
import { evaluateHooks, hooksOf, watchedHooks } from "./hooks.ts";
import { placeHooks } from "./place.ts";
import { belongsTo, latestOf, type ReleaseName, type ReleaseRecord, releaseAttempt } from "./release.ts";
import type { RemovalView } from "./removal.ts";
import type { Seen } from "./seen.ts";
import type { Step } from "./step.ts";
import type { PlacedHook } from "./types.ts";

/** How long a hook of a layer that left the list may take: its own timeout has left with it. */
const TIMEOUT_MS = durationMs("10m") ?? 0;

const DELETE_EVENTS = ["pre-delete", "post-delete"];

/** The release of a layer that goes, when it has one that is still this layer's. */
interface Going {
  layer: string;
  release: ReleaseName;
  records: readonly ReleaseRecord[];
  latest: ReleaseRecord;
}

/**
 * What comes before and after the objects of a release that goes, as `helm uninstall` does it: the status, the hooks before,
 * the objects (`objects`), the hooks after, and last the records.
 *
 * @param objects the view of the removal of the layer's members; undefined when none is left
 */
export function evaluateUninstall(
  layer: string,
  objects: RemovalView | undefined,
  { seen, parent }: { seen: Seen; parent: Parent },
): RemovalView | undefined {
  const going = goingOf(layer, seen, parent);
  if (going === undefined) return objects;
  if (!("latest" in going)) return { layer, left: objects?.left ?? 0, ...going };
  const hooks = hooksOfGoing(going, seen);
  const stage = releaseStage(going, { objects, hooks }, seen);
  const named = Array.isArray(hooks) ? watchedHooks(hooks, DELETE_EVENTS) : [];
  const view = stage ? { layer, left: objects?.left ?? 0, ...held(stage, seen) } : objects;
  return view && { ...view, hooks: { named, late: view.hooks?.late ?? [] } };
}

/** A step that failed not long ago waits: until then its failure is what is shown. */
function held(stage: Stage, seen: Seen): Stage {
  const { step, ...rest } = stage;
  if (!step || !("attempt" in step)) return stage;
  const tried = seen.attempts.get(step.attempt.key);
  if (tried?.digest !== step.attempt.digest || !tried.failure || seen.now >= (tried.retryAt ?? 0)) return stage;
  return { ...rest, message: tried.failure.message, failure: tried.failure, wakeAt: tried.retryAt ?? seen.now };
}

type Stage = Omit<RemovalView, "layer" | "left">;

/** Undefined when there is no release, or somebody else has it by now. */
function goingOf(layer: string, seen: Seen, parent: Parent): Going | Stage | undefined {
  const release = parent.releases.get(layer);
  if (!release) return undefined;
  const records = seen.site.releases(release);
  if (records instanceof Failure) return { message: records.message, failure: records };
  if (records === "unknown") return { message: "reading the records of the Helm release" };
  const latest = latestOf(records);
  return latest && belongsTo(latest, seen.set, layer) ? { layer, release, records, latest } : undefined;
}

function releaseStage(
  going: Going,
  { objects, hooks }: { objects: RemovalView | undefined; hooks: PlacedHook[] | Stage },
  seen: Seen,
): Stage | undefined {
  const { layer, latest, records } = going;
  const attempt = (digest: string) => ({ key: releaseAttempt(layer), digest });
  if (!latest.progress?.uninstalling) return { message: "uninstalling the Helm release", step: uninstalling(going) };
  if (!Array.isArray(hooks)) return hooks;
  const before = hookStage(going, { event: "pre-delete", hooks }, seen);
  if (before) return before;
  if (objects) return undefined;
  const after = hookStage(going, { event: "post-delete", hooks }, seen);
  if (after) return after;
  // The newest goes last: it is the one that knows which hooks ran.
  const oldestFirst = records.toSorted((a, b) => a.version - b.version);
  const step: Step = { kind: "ForgetRelease", attempt: attempt("forget"), records: oldestFirst };
  return { message: "deleting the records of the Helm release", step };
}

function uninstalling({ layer, latest }: Going): Step {
  return {
    kind: "MarkRelease",
    attempt: { key: releaseAttempt(layer), digest: `uninstalling/${latest.version}/${latest.resourceVersion}` },
    record: latest,
    status: "uninstalling",
    description: "Deletion in progress (or silently failed)",
    progress: { inputs: "", operation: "upgrade", runs: {}, ...latest.progress, uninstalling: true },
    superseded: [],
  };
}

/** The hooks of the layer's content: as it was rendered by this process, else as it is stored. */
function hooksOfGoing({ layer, release }: Going, seen: Seen): PlacedHook[] | Stage {
  const memory = seen.contents.get(layer);
  if (memory === undefined) return { message: "reading the stored hooks", step: { kind: "Recall", layer } };
  if (memory.result.kind === "failed") return [];
  const hooks = memory.result.content.release?.hooks ?? [];
  const { placed, problems } = placeHooks(hooks, {
    layer: { name: layer },
    namespace: release.namespace,
    scopes: (kind) => seen.site.scopeOf(kind),
  });
  const [problem] = problems;
  return problem ? { message: problem.message, failure: problem } : placed;
}

function hookStage(
  { layer, latest: record, release }: Going,
  { event, hooks }: { event: string; hooks: readonly PlacedHook[] },
  seen: Seen,
): Stage | undefined {
  const ordered = hooksOf(hooks, event);
  if (ordered.length === 0) return undefined;
  const view = evaluateHooks({ layer, record, event, hooks: ordered, timeoutMs: TIMEOUT_MS }, seen);
  if (view.done) return undefined;
  const { message, failure, step, wakeAt, late } = view;
  const remedy = `; to go without hooks: helm uninstall ${release.name} -n ${release.namespace} --no-hooks`;
  return {
    message: failure ? `${message}${remedy}` : message,
    hooks: { named: [], late },
    ...(failure ? { failure } : {}),
    ...(step ? { step } : {}),
    ...(wakeAt === undefined ? {} : { wakeAt }),
  };
}
