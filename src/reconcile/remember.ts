import { Failure } from "../errors.ts";
import type { Parent } from "../membership/applyset.ts";
import { macroKey } from "../pack/macro-plan.ts";
import type { MacroAnswer } from "../pack/macro-types.ts";
import { DISCOVERY } from "../plan/evaluate-objects.ts";
import { namespaceDigest } from "../plan/layer-namespace.ts";
import type { Outcome } from "../plan/outcome.ts";
import { REMOVAL } from "../plan/removal.ts";
import type { ApplyItem, Step } from "../plan/step.ts";
import type { ContentMemory, LayerContent } from "../plan/types.ts";
import { DELETE_EVENTS } from "../plan/uninstall.ts";
import { type LoadedPack, PackLost } from "../plan/valued-pack.ts";
import { failedAttempt, type Moment, normal, rememberApply, rememberRemoval } from "./attempts.ts";
import { isDoubted, rememberDoubt } from "./doubts.ts";
import { retryDelay } from "./error-policy.ts";
import type { DeploymentMemory, Renewal } from "./memory.ts";
import type { Tiding } from "./ports.ts";
import { forgetWaits } from "./settling.ts";

/** Takes what came of a step into the memory, and answers what people should hear of it. */
export function remember(memory: DeploymentMemory, step: Step, outcome: Outcome, moment: Moment): Tiding[] {
  // One more look at whose the objects are comes before each try of a step that takes away, and says nothing of that.
  if (outcome.kind !== "Prepared") memory.trouble = undefined;
  switch (outcome.kind) {
    case "Prepared":
      rememberRecord(memory, outcome.parent, moment.now);
      memory.prepared = { digestKey: outcome.digestKey, parent: outcome.parent };
      return [];
    case "Reached":
      rememberReach(memory, step, outcome.parent);
      return [];
    case "Rendered":
      rememberContent(memory, step, outcome.result, moment);
      return [];
    case "Fetched":
      rememberPack(memory, step, outcome.result, moment);
      return [];
    case "Evaluated":
      rememberMacros(memory, step, outcome.answers);
      return [];
    case "NamespaceEnsured":
      rememberNamespace(memory, step, outcome.failure, moment);
      return [];
    case "VersionsRetired":
      rememberRetirement(memory, step, outcome.failure, moment);
      return [];
    case "Applied":
      return outcome.results.flatMap((result) => rememberApply(memory, result, moment));
    case "Removed":
      return outcome.results.flatMap((result) => rememberRemoval(memory, result, moment));
    case "Released":
      return rememberRelease(memory, step, outcome, moment);
    case "Recalled":
      if (step.kind === "Recall") memory.contents.set(step.layer, recalled(outcome.content));
      if (step.kind === "RecallHooks") memory.contents.set(step.as, recalled(outcome.content));
      return [];
    case "NamespaceLeft":
      return rememberLeaving(memory, step, outcome.result, moment);
    case "Discovered":
      rememberDiscovery(memory, outcome.missing, moment);
      return [];
    case "Forgotten":
    case "Done":
      return [];
  }
}

/**
 * A person has changed the profile: whatever was refused is tried again at once. The remedy may be in a field that is no
 * part of any object, such as `adoption`.
 */
export function noticeSpec(memory: DeploymentMemory, generation: number | undefined): void {
  if (memory.generation === generation) return;
  forgetWaits(memory);
  memory.generation = generation;
  for (const attempt of [...memory.attempts.values(), ...memory.namespaces.values()]) {
    if (attempt.failure) attempt.retryAt = 0;
  }
  noticeSources(memory);
}

/**
 * Before anything is deleted it is looked at once more whose it is: another hub may have taken it over. A cluster may go from
 * one profile to another by its labels alone: who takes over what is left behind is waited for as after a new spec.
 */
export function noticeLeaving(memory: DeploymentMemory, leaving: boolean): void {
  if (!leaving || memory.isLeaving) return;
  memory.isLeaving = true;
  forgetWaits(memory);
  memory.prepared = undefined;
}

/**
 * The step to take, or first one more look at whose the objects are: another hub may have taken them over. Who takes over the
 * very same content writes none of them, so that nothing tells of it before something is taken away; and one that this process
 * has brought may have another content by now, and a mark that only Strata writes.
 */
export function afterLook(memory: DeploymentMemory, step: Step): Step {
  const isDisputed = takesAway(step) || (step.kind === "Apply" && step.items.some((item) => isRewritten(memory, item)));
  const looks = isDisputed && !memory.confirmed;
  memory.confirmed = looks || step.kind === "Prepare";
  // Its answer may be lost: whose record is missing then is no question.
  if (!looks && step.kind === "Forget") memory.isRecorded = false;
  if (!looks) return step;
  memory.prepared = undefined;
  return { kind: "Prepare" };
}

/** Steps after which something is gone, and the hooks and the mark of a Helm release that goes. */
function takesAway(step: Step): boolean {
  switch (step.kind) {
    case "Remove":
    case "LeaveNamespace":
    case "RemoveStrays":
    case "HandOverRelease":
    case "ForgetRelease":
    case "Forget":
      return true;
    case "MarkRelease":
      return step.progress.uninstalling === true;
    case "RunHook":
      return step.hook.hook.events.some((event) => DELETE_EVENTS.includes(event));
    default:
      return false;
  }
}

function isRewritten({ attempts }: DeploymentMemory, { desired, observed }: ApplyItem): boolean {
  const attempt = attempts.get(desired.key);
  const mark = observed?.observed.digest;
  const isBrought = attempt?.digest === desired.digest && attempt.fields !== undefined;
  return isBrought && mark !== undefined && mark !== desired.digest;
}

/** What layers come from may be had now, or from elsewhere: what could not be had is asked for again at once. */
function noticeSources(memory: DeploymentMemory): void {
  for (const { result } of [...memory.contents.values(), ...memory.packs.values()]) {
    if (result.kind === "failed") result.retryAt = 0;
  }
  for (const layer of memory.doubts.keys()) memory.doubts.set(layer, 0);
  if (memory.trouble) memory.trouble.retryAt = 0;
}

/**
 * Of a Registry that answers again, what could not be had is asked for again. When it has changed, and with it perhaps whose
 * signatures it asks for, what its packs are is read again too, from what is stored beside the objects. As after a
 * restart, nobody hears of it unless something else comes out.
 */
export function noticeRegistry(memory: DeploymentMemory, how: Renewal): void {
  noticeSources(memory);
  if (how === "answers") return;
  for (const [layer, { result }] of memory.packs) if (result.kind === "loaded") memory.packs.delete(layer);
}

/** Another hub looks each minute whether it may take over, and then writes a record of its own. */
const TAKEOVER_MS = 2 * 60_000;

/** @throws Failure StaleRead when it is missing since too short a time: who lets another hub take over deletes it */
function rememberRecord(memory: DeploymentMemory, parent: Parent, now: number): void {
  const isMissing = !isRecord(parent) && (memory.isRecorded || memory.missingSince !== undefined);
  memory.isRecorded = isRecord(parent);
  memory.missingSince = isMissing ? (memory.missingSince ?? now) : undefined;
  const retryAfterMs = (memory.missingSince ?? Number.NEGATIVE_INFINITY) + TAKEOVER_MS - now;
  if (retryAfterMs <= 0) return;
  const message =
    "the ConfigMap in the cluster's strata-system that names the hub of this profile is gone: another Strata may be about to take " +
    "over, and has two minutes to do so before anything is taken away; then this goes on by itself";
  throw new Failure("StaleRead", message, { retryAfterMs });
}

function isRecord({ layers, places }: Parent): boolean {
  return layers.length > 0 || places.size > 0;
}

function rememberReach(memory: DeploymentMemory, step: Step, parent: Parent): void {
  memory.isRecorded = isRecord(parent);
  memory.missingSince = undefined;
  if (memory.prepared) memory.prepared = { ...memory.prepared, parent };
  if (step.kind !== "Narrow") return;
  // A layer of this name may come again: it is then a new one, to be fetched and verified as such.
  for (const layer of step.gone) {
    memory.contents.delete(layer);
    memory.packs.delete(layer);
    memory.doubts.delete(layer);
    memory.installed.delete(layer);
  }
}

/** A step that failed as a whole: nothing else is tried before its time. */
export function rememberTrouble(memory: DeploymentMemory, failure: Failure, { now, random }: Moment): void {
  const attempts = (memory.trouble?.attempts ?? 0) + 1;
  memory.trouble = { failure, attempts, retryAt: now + retryDelay(failure, attempts, random) };
}

function rememberContent(
  memory: DeploymentMemory,
  step: Step,
  result: Parameters<typeof isFailure>[0],
  { now, random }: Moment,
): void {
  if ((step.kind !== "Render" && step.kind !== "Rollback") || !step.layer.inputs) return;
  const { digest, specDigest } = step.layer.inputs;
  const { of = "" } = step.layer.spec.part ?? {};
  // Nothing new is made of a pack that is not verified: by now it is.
  if (isFailure(result) ? result instanceof PackLost : isDoubted(memory, of)) memory.packs.delete(of);
  const before = memory.contents.get(step.layer.spec.name);
  const attempts = before?.inputs === digest ? before.attempts + 1 : 1;
  memory.contents.set(step.layer.spec.name, {
    inputs: digest,
    specDigest,
    attempts,
    result: isFailure(result)
      ? { kind: "failed", failure: result, retryAt: now + retryDelay(result, attempts, random) }
      : { kind: "known", content: result },
  });
}

function rememberPack(
  memory: DeploymentMemory,
  step: Step,
  result: LoadedPack | Failure,
  { now, random }: Moment,
): void {
  if (step.kind !== "FetchPack") return;
  const { key } = step;
  if (!(result instanceof Failure)) rememberDoubt(memory, { ...result, layer: step.layer.spec.name }, now);
  // What it was before it had a pack: should it be that again, it is another revision.
  memory.contents.delete(step.layer.spec.name);
  const before = memory.packs.get(step.layer.spec.name);
  const attempts = before?.key === key ? before.attempts + 1 : 1;
  memory.packs.set(step.layer.spec.name, {
    key,
    attempts,
    result:
      result instanceof Failure
        ? { kind: "failed", failure: result, retryAt: now + retryDelay(result, attempts, random) }
        : { kind: "loaded", loaded: result },
  });
}

/** So many answers are kept: whatever is asked again is evaluated again. */
const MAX_MACROS = 10_000;

function rememberMacros(memory: DeploymentMemory, step: Step, answers: readonly MacroAnswer[]): void {
  if (step.kind !== "EvaluateMacros") return;
  if (memory.macros.size > MAX_MACROS) memory.macros.clear();
  for (const [index, expression] of step.batch.entries()) {
    const answer = answers[index];
    if (answer) memory.macros.set(macroKey(expression), answer);
  }
}

function rememberRelease(
  memory: DeploymentMemory,
  step: Step,
  { failure, note }: Outcome & { kind: "Released" },
  moment: Moment,
): Tiding[] {
  if (!("attempt" in step)) return [];
  const { key, digest } = step.attempt;
  const before = memory.attempts.get(key);
  // The namespace was there when it was looked for, and somebody has deleted it since.
  if (failure?.reason === "NamespaceNotFound") memory.namespaces.clear();
  memory.attempts.set(
    key,
    failure ? failedAttempt(before, digest, failure, moment) : { digest, writtenAt: moment.now },
  );
  return note ? [normal(note.reason, note.message)] : [];
}

/** The stored content of a layer that is not listed: no inputs ever match it, should the layer come back. */
function recalled(content: LayerContent | undefined): ContentMemory {
  const about = { inputs: "", specDigest: "", attempts: 1 };
  return { ...about, result: { kind: "known", content: content ?? { objects: [], crds: [] } } };
}

/** A kind that is not served yet although its CRD is Established: soon, then ever more seldom. */
function rememberDiscovery(memory: DeploymentMemory, missing: string | undefined, { now }: Moment): void {
  const attempts = (memory.attempts.get(DISCOVERY)?.attempts ?? 0) + 1;
  if (missing === undefined) memory.attempts.delete(DISCOVERY);
  else
    memory.attempts.set(DISCOVERY, { digest: missing, attempts, retryAt: now + Math.min(60_000, 100 * 2 ** attempts) });
}

function isFailure(result: (Outcome & { kind: "Rendered" })["result"]): result is Failure {
  return result instanceof Failure;
}

function rememberNamespace(memory: DeploymentMemory, step: Step, failure: Failure | undefined, moment: Moment): void {
  if (step.kind !== "EnsureNamespace") return;
  const digest = namespaceDigest(step.metadata);
  const before = memory.namespaces.get(step.namespace);
  memory.namespaces.set(step.namespace, failure ? failedAttempt(before, digest, failure, moment) : { digest });
  memory.leaving.delete(step.namespace);
}

function rememberLeaving(
  memory: DeploymentMemory,
  step: Step,
  result: (Outcome & { kind: "NamespaceLeft" })["result"],
  moment: Moment,
): Tiding[] {
  if (step.kind !== "LeaveNamespace") return [];
  const { namespace } = step;
  if (result instanceof Failure) {
    const before = memory.namespaces.get(namespace);
    memory.namespaces.set(namespace, failedAttempt(before, REMOVAL, result, moment));
    const isNews = before?.failure?.message !== result.message;
    return isNews ? [{ type: "Warning", reason: result.reason, message: result.message }] : [];
  }
  memory.leaving.set(namespace, result.state);
  // Whoever wants it again asks for it as for a new one.
  memory.namespaces.delete(namespace);
  return result.why ? [normal("NamespaceKept", result.why)] : [];
}

function rememberRetirement(
  { attempts }: DeploymentMemory,
  step: Step,
  failure: Failure | undefined,
  moment: Moment,
): void {
  if (step.kind !== "RetireVersions") return;
  const { key, digest } = step.look;
  attempts.set(
    key,
    failure ? failedAttempt(attempts.get(key), digest, failure, moment) : { digest, lookedAt: moment.now },
  );
}
