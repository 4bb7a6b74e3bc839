import { durationMs } from "../api/duration.ts";
import { Failure } from "../errors.ts";
import { type LayerRelease, releaseText } from "../membership/applyset.ts";
import { evaluateHooks, hooksOf, watchedHooks } from "./hooks.ts";
import { isPartOf } from "./pack-parts.ts";
import { placeHooks } from "./place.ts";
import { belongsTo, latestOf, type ReleaseName, type ReleaseRecord, releaseAttempt, releaseKey } from "./release.ts";
import { heldBy } from "./release-attempt.ts";
import { type Leaving, LOOK_MS, type RemovalView } from "./removal.ts";
import type { Seen } from "./seen.ts";
import type { Step } from "./step.ts";
import type { Hook, LayerContent, PlacedHook } from "./types.ts";

/** How long a hook of a layer that left the list may take: its own timeout has left with it. */
const TIMEOUT_MS = durationMs("10m") ?? 0;

/** Of a part of a pack, that of its layer. */
export function timeoutOf(layer: string, { profile }: Pick<Seen, "profile">): number {
  const { layers } = profile.spec;
  const own = layers.find(({ name }) => name === layer) ?? layers.find(({ name }) => isPartOf(layer, name));
  const timeout = own?.timeout;
  return (timeout === undefined ? undefined : durationMs(timeout)) ?? TIMEOUT_MS;
}

/** The events of the hooks that run when a release goes. */
export const DELETE_EVENTS = ["pre-delete", "post-delete"];

/** A release that goes, when it is still the layer's. */
interface Going {
  layer: string;
  /** By what the attempts at its steps are remembered. */
  id: string;
  release: ReleaseName;
  /** Whether it is the one of which the layer's content is. */
  isPresent: boolean;
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
  { seen, prepared, isTurn }: Surroundings & Pick<Leaving, "isTurn">,
): RemovalView | undefined {
  const releases = prepared.parent.releases.filter((release) => release.layer === layer);
  // What is stored under the name of a layer with a pack is the pack.
  const hasPack = seen.profile.spec.layers.some(({ name, pack }) => name === layer && pack !== undefined);
  for (const release of releases) {
    const going = goingOf(release, releases.length === 1 && !hasPack, seen);
    if (going) return viewOf(layer, going, { objects, seen, prepared, isTurn });
  }
  return objects;
}

/** A release that a listed layer had before: its hooks and its records go; what the layer wants of its objects stays. */
export function evaluateDeparted(release: LayerRelease, { seen, prepared }: Surroundings): RemovalView | undefined {
  const going = goingOf(release, false, seen);
  return going && viewOf(release.layer, going, { objects: undefined, seen, prepared, isTurn: true });
}

interface Surroundings {
  seen: Seen;
  prepared: NonNullable<Seen["site"]["prepared"]>;
}

function viewOf(
  layer: string,
  going: Going | Stage,
  { objects, seen, prepared, isTurn }: Surroundings & Pick<Leaving, "isTurn"> & { objects: RemovalView | undefined },
): RemovalView | undefined {
  if (!("latest" in going)) return { layer, left: objects?.left ?? 0, ...going };
  const hooks = hooksOfGoing(going, { seen, prepared });
  const stage = releaseStage(going, { objects, hooks, isTurn }, seen);
  const named = Array.isArray(hooks) ? watchedHooks(hooks, DELETE_EVENTS) : [];
  const view = stage ? { layer, left: objects?.left ?? 0, ...held(stage, seen) } : objects;
  return view && { ...view, hooks: { named, late: view.hooks?.late ?? [] } };
}

function held({ step, ...stage }: Stage, seen: Seen): Stage {
  const refused = heldBy(step, seen);
  if (refused) return { ...stage, message: refused.failure.message, failure: refused.failure, wakeAt: refused.retryAt };
  return step ? { ...stage, step } : stage;
}

type Stage = Omit<RemovalView, "layer" | "left">;

/** Undefined when there is no release, or somebody else has it by now. */
function goingOf(of: LayerRelease, isPresent: boolean, seen: Seen): Going | Stage | undefined {
  const { layer, ...release } = of;
  const records = seen.site.releases(release);
  if (records instanceof Failure) return { message: records.message, failure: records };
  if (records === "unknown") return { message: "reading the records of the Helm release" };
  const latest = latestOf(records);
  if (!latest || !belongsTo(latest, seen.set, layer)) return undefined;
  return { layer, id: isPresent ? layer : releaseText(of), release, isPresent, records, latest };
}

function releaseStage(
  going: Going,
  { objects, hooks, isTurn }: { objects: RemovalView | undefined; hooks: PlacedHook[] | Stage; isTurn: boolean },
  seen: Seen,
): Stage | undefined {
  const { id, latest, records } = going;
  if (!latest.progress?.uninstalling)
    return givenUp(going, isTurn, seen) ?? { message: "uninstalling the Helm release", step: uninstalling(going) };
  if (!Array.isArray(hooks)) return hooks;
  const before = hookStage(going, { event: "pre-delete", hooks }, seen);
  if (before) return before;
  if (objects) return undefined;
  const after = hookStage(going, { event: "post-delete", hooks }, seen);
  if (after) return after;
  // The newest goes last: it is the one that knows which hooks ran.
  const oldestFirst = records.toSorted((a, b) => a.version - b.version);
  const step: Step = {
    kind: "ForgetRelease",
    attempt: { key: releaseAttempt(id, "record"), digest: "forget" },
    records: oldestFirst,
  };
  return { message: "deleting the records of the Helm release", step };
}

/** A release that another profile waits for, or is about to: it is handed over as it is, and nothing is uninstalled. */
function givenUp({ id, release, latest }: Going, isTurn: boolean, seen: Seen): Stage | undefined {
  const key = releaseKey(release);
  const what = `Helm release ${release.namespace}/${release.name}`;
  if (seen.heirs?.claim(key)) {
    const digest = `hand over/${latest.uid}/${latest.resourceVersion}`;
    const attempt = { key: releaseAttempt(id, "record"), digest };
    const message = `handing ${what} over to another profile`;
    const tried = seen.attempts.get(attempt.key);
    // The watch tells both profiles of it.
    if (tried?.digest === digest && !tried.failure) return { message };
    return { message, handsOver: true, step: { kind: "HandOverRelease", attempt, record: latest } };
  }
  if (!isTurn) return undefined;
  const { now } = seen;
  const pruneAt = seen.pruneAt?.(key);
  if (pruneAt !== undefined && now < pruneAt) return { message: `${what} goes soon`, wakeAt: pruneAt };
  if (!seen.heirs?.intend(key, "turn")) return undefined;
  return { message: `${what} stays for now: another profile is about to take it over`, wakeAt: now + LOOK_MS };
}

function uninstalling({ id, latest }: Going): Step {
  return {
    kind: "MarkRelease",
    attempt: {
      key: releaseAttempt(id, "record"),
      digest: `uninstalling/${latest.version}/${latest.resourceVersion}`,
    },
    record: latest,
    status: "uninstalling",
    description: "Deletion in progress (or silently failed)",
    progress: { inputs: "", operation: "upgrade", runs: {}, ...latest.progress, uninstalling: true },
    hooks: [],
    superseded: [],
  };
}

/** The hooks of the layer's content, else those that stand in the record of a revision that was Ready. */
function hooksOfGoing(going: Going, around: Surroundings): PlacedHook[] | Stage {
  const { layer, release, isPresent } = going;
  const { seen } = around;
  const content = isPresent ? contentOf(layer, seen) : undefined;
  if (isPresent && !content) return { message: "reading the stored hooks", step: { kind: "Recall", layer } };
  const hooks = content?.release?.hooks ?? recordedHooks(going, around);
  if (!isHooks(hooks)) return hooks;
  const { placed, problems } = placeHooks(hooks, {
    layer: { name: layer },
    namespace: release.namespace,
    scopes: (kind) => seen.site.scopeOf(kind),
  });
  const [problem] = problems;
  return problem ? { message: problem.message, failure: problem } : placed;
}

/** As it was rendered by this process, else as it is stored: what could not be rendered last does not say what is installed. */
function contentOf(key: string, { contents }: Seen): LayerContent | undefined {
  const result = contents.get(key)?.result;
  return result?.kind === "known" ? result.content : undefined;
}

/** The newest record that cannot have been changed by somebody else is what tells which hooks to run. */
function recordedHooks({ layer, id, records }: Going, { seen, prepared }: Surroundings): readonly Hook[] | Stage {
  const record = latestOf(records.filter((one) => one.seal !== undefined && belongsTo(one, seen.set, layer)));
  if (!record) return [];
  const as = `${id}@${record.uid}`;
  const content = contentOf(as, seen);
  if (content) return content.release?.hooks ?? [];
  const attempt = { key: releaseAttempt(id, "record"), digest: `recall/${record.uid}/${record.resourceVersion}` };
  const step: Step = { kind: "RecallHooks", attempt, layer, as, record, key: prepared.digestKey };
  return { message: "reading the recorded hooks", step };
}

function isHooks(hooks: readonly Hook[] | Stage): hooks is readonly Hook[] {
  return Array.isArray(hooks);
}

function hookStage(
  { layer, id, latest: record, release }: Going,
  { event, hooks }: { event: string; hooks: readonly PlacedHook[] },
  seen: Seen,
): Stage | undefined {
  const ordered = hooksOf(hooks, event);
  if (ordered.length === 0) return undefined;
  const view = evaluateHooks({ layer, id, record, event, hooks: ordered, timeoutMs: timeoutOf(layer, seen) }, seen);
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
