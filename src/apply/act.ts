import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Site } from "../kube/site/site.ts";
import type { ApplySet, ProfileIdentity } from "../membership/applyset.ts";
import { describeRef } from "../objects/identity.ts";
import type { MacroAnswer, MacroExpression } from "../pack/macro-types.ts";
import { claimOf } from "../plan/chart-layer.ts";
import { isEvaluated } from "../plan/manifests.ts";
import type { ApplyResult, Outcome, RemoveResult } from "../plan/outcome.ts";
import type { Step } from "../plan/step.ts";
import type { EngineLayer, LayerContent } from "../plan/types.ts";
import type { LoadedPack } from "../plan/valued-pack.ts";
import { applyItem } from "./apply-object.ts";
import type { WriteContext } from "./context.ts";
import { endOfRun } from "./ended-job.ts";
import { noteHook, removeHook, runHook } from "./hook-steps.ts";
import { ensureNamespace, leaveNamespace } from "./layer-namespace.ts";
import { claimRelease, handOverRelease } from "./release-handover.ts";
import type { ReleaseCache, ReleaseContext } from "./release-records.ts";
import { forgetRelease, markRelease, openRelease, rollback } from "./release-steps.ts";
import { removeStrays } from "./release-strays.ts";
import { removeItem } from "./remove-object.ts";
import { retireVersions } from "./retire-versions.ts";
import { recallHooks } from "./sealed-release.ts";
import {
  deleteStoredSet,
  deleteSystemObjects,
  digestKeyOf,
  profileOfApplySet,
  readParent,
  writeParent,
} from "./system-objects.ts";
import { resultOf } from "./witness.ts";

/** One deployment's hands on one cluster. */
export interface ActContext {
  /** The deployment's key, to which watches belong. */
  owner: string;
  profile: ProfileIdentity;
  set: ApplySet;
  /** Acts as the identity that the profile may use. */
  site: Site;
  /** Acts as Strata itself, in the target's `strata-system` only. */
  system: KubeClient;
  /** The uid of the hub's `kube-system`, and that of the cluster's. */
  hub: string;
  cluster: string | undefined;
  toFailure(error: unknown, what: string): Failure;
  /** The pack of a layer from its registry. */
  loadPack(step: Step & { kind: "FetchPack" }, signal: AbortSignal): Promise<LoadedPack | Failure>;
  evaluateMacros(batch: readonly MacroExpression[], signal: AbortSignal): Promise<readonly MacroAnswer[]>;
  /** Another profile on this cluster that waits for an object, by its key. */
  heirOf: WriteContext["heirOf"];
  /** Content of a layer from its source. */
  render(step: Step & { kind: "Render" }, signal: AbortSignal): Promise<LayerContent | Failure>;
  /** The content of a layer as it is stored in the cluster. */
  recall(layer: string, signal: AbortSignal): Promise<LayerContent | undefined>;
  releases: Pick<ReleaseContext, "sourceOf" | "store"> & { cache: ReleaseCache };
}

/**
 * Takes one step of a plan: the only I/O of a pass.
 *
 * @throws Failure when the step as a whole fails; failures of single objects, and of a render, are in the outcome
 */
export async function act(step: Step, context: ActContext, signal: AbortSignal): Promise<Outcome> {
  try {
    return await take(step, context, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw context.toFailure(error, whatOf(step));
  }
}

async function take(step: Step, context: ActContext, signal: AbortSignal): Promise<Outcome> {
  const { set, site, system, profile } = context;
  switch (step.kind) {
    case "Prepare":
      return await prepare(context, signal);
    case "Render":
      return { kind: "Rendered", result: await context.render(step, signal) };
    case "FetchPack":
      return { kind: "Fetched", result: await context.loadPack(step, signal) };
    case "EvaluateMacros":
      return { kind: "Evaluated", answers: await context.evaluateMacros(step.batch, signal) };
    case "Discover": {
      await site.discover(signal, true);
      const missing = step.wanted.filter((kind) => !site.served(kind)).map(({ kind }) => kind);
      return { kind: "Discovered", missing: missing.length > 0 ? missing.join(", ") : undefined };
    }
    case "Reach":
      // Membership first: what is applied after it is found again by whoever comes after a crash.
      if (step.widens) await writeParent(system, { set, profile, parent: step.parent }, signal);
      site.watch(context.owner, step.watches);
      return { kind: "Reached", parent: step.parent };
    case "RetireVersions":
      return await retire(step, context, signal);
    case "EnsureNamespace":
      return await ensure(step, context, signal);
    case "Apply":
      return { kind: "Applied", results: await applyAll(step, context, signal) };
    case "Remove":
      return { kind: "Removed", results: await removeAll(step, context, signal) };
    case "OpenRelease":
    case "MarkRelease":
    case "RunHook":
    case "NoteHook":
    case "RemoveHook":
    case "RemoveStrays":
    case "ClaimRelease":
    case "HandOverRelease":
    case "ForgetRelease":
    case "Rollback":
    case "RecallHooks":
      return await takeOnRelease(step, context, signal);
    case "Recall":
      return { kind: "Recalled", content: await context.recall(step.layer, signal) };
    case "LeaveNamespace":
      return await leave(step.namespace, context, signal);
    case "Narrow":
      // The parent last: it is the only one that knows of the layers that are gone.
      for (const layer of step.gone) await deleteStoredSet(system, set, layer, signal);
      await writeParent(system, { set, profile, parent: step.parent }, signal);
      return { kind: "Reached", parent: step.parent };
    case "Forget":
      await deleteSystemObjects(system, set, signal);
      return { kind: "Forgotten" };
    case "None":
      return { kind: "Done" };
  }
}

type ReleaseStep = Extract<Step, { attempt: unknown }>;

/** A step on a Helm release concerns its layer alone, and so does its failure. */
async function takeOnRelease(step: ReleaseStep, context: ActContext, signal: AbortSignal): Promise<Outcome> {
  const { site, set, releases } = context;
  const on: ReleaseContext = {
    ...releases,
    set,
    writes: writeContext(context, true),
    now: () => new Date(),
    recordRelease: (object) => site.recordRelease(object),
    forgetRelease: (record) => site.forgetRelease(record),
  };
  try {
    return await dispatch(step, on, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "Released", failure: asFailure(error, context, "the Helm release") };
  }
}

function dispatch(step: ReleaseStep, on: ReleaseContext, signal: AbortSignal): Promise<Outcome> {
  switch (step.kind) {
    case "OpenRelease":
      return openRelease(step, on, signal);
    case "MarkRelease":
      return markRelease(step, on, signal);
    case "RunHook":
      return runHook(step, on, signal);
    case "NoteHook":
      return noteHook(step, on, signal);
    case "RemoveHook":
      return removeHook(step, on, signal);
    case "RemoveStrays":
      return removeStrays(step, on, signal);
    case "ClaimRelease":
      return claimRelease(step, on, signal);
    case "HandOverRelease":
      return handOverRelease(step, on, signal);
    case "ForgetRelease":
      return forgetRelease(step, on, signal);
    case "Rollback":
      return rollback(step, on, signal);
    case "RecallHooks":
      return recallHooks(step, on, signal);
  }
}

async function prepare({ site, system, set, hub, cluster }: ActContext, signal: AbortSignal): Promise<Outcome> {
  const [key, parent] = await Promise.all([
    digestKeyOf(system, cluster, signal),
    readParent(system, set, hub, signal),
    site.discover(signal, false),
  ]);
  return { kind: "Prepared", digestKey: key, parent };
}

async function ensure(
  step: Step & { kind: "EnsureNamespace" },
  context: ActContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const { site, set } = context;
  try {
    const { namespace: name, metadata } = step;
    // Who may not do all may be without the right to make namespaces: to be refused would be noise in somebody's audit log.
    const isNew = step.isNew && !site.isBounded;
    await ensureNamespace(site.client, { set, name, metadata, isNew }, signal);
    return { kind: "NamespaceEnsured" };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "NamespaceEnsured", failure: context.toFailure(error, `Namespace ${step.namespace}`) };
  }
}

async function retire(
  { retirement }: Step & { kind: "RetireVersions" },
  context: ActContext,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    await retireVersions(retirement, writeContext(context, true), signal);
    return { kind: "VersionsRetired" };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "VersionsRetired", failure: asFailure(error, context, describeRef(retirement.crd.ref)) };
  }
}

/** All at once: the client bounds how many requests are on their way. Whoever aborts stops between objects. */
function applyAll(step: Step & { kind: "Apply" }, context: ActContext, signal: AbortSignal): Promise<ApplyResult[]> {
  const claim = claimOf(step.layer);
  const writes = writeContext(context, isConfidential(step.layer.spec));
  return Promise.all(
    step.items.map(async (item): Promise<ApplyResult> => {
      try {
        const end = await endOfRun(item, writes, signal);
        if (end) return { item, ok: true, how: "ended", end };
        const outcome = await applyItem(item, claim, { context: writes, signal });
        if (outcome.kind === "occupied") return { item, ok: false, failure: outcome.failure, occupiedBy: outcome.by };
        if (outcome.kind === "recreating") return { item, ok: true, how: outcome.kind, uid: outcome.uid };
        if (outcome.kind !== "written" && outcome.kind !== "seen") return { item, ok: true, how: outcome.kind };
        context.site.record(outcome.object);
        return resultOf(item, outcome, context.set);
      } catch (error) {
        signal.throwIfAborted();
        return { item, ok: false, failure: asFailure(error, context, describeRef(item.desired.ref)) };
      }
    }),
  );
}

function removeAll(step: Step & { kind: "Remove" }, context: ActContext, signal: AbortSignal): Promise<RemoveResult[]> {
  const writes = writeContext(context, false);
  return Promise.all(
    step.items.map(async (item): Promise<RemoveResult> => {
      const { key, ref } = item.tracked.observed;
      try {
        const { kind, why, handedOver } = await removeItem(item, writes, signal);
        if (handedOver) context.site.record(handedOver);
        else if (kind !== "deleting") context.site.forget(key);
        const how = kind === "released" || item.how === "release" ? "released" : "deleted";
        return { item, ok: true, how, ...(why === undefined ? {} : { kept: `${describeRef(ref)} stays: ${why}` }) };
      } catch (error) {
        signal.throwIfAborted();
        return { item, ok: false, failure: asFailure(error, context, describeRef(ref)) };
      }
    }),
  );
}

async function leave(namespace: string, context: ActContext, signal: AbortSignal): Promise<Outcome> {
  const { site, set } = context;
  try {
    await site.discover(signal, true);
    const served = { resources: site.resources(), stale: site.stale() };
    const outcome = await leaveNamespace(site.client, { set, name: namespace, ...served }, signal);
    const why = outcome.kind === "kept" ? { why: `namespace ${namespace} stays: ${outcome.why}` } : {};
    return { kind: "NamespaceLeft", result: { state: outcome.kind, ...why } };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "NamespaceLeft", result: asFailure(error, context, `Namespace ${namespace}`) };
  }
}

/** Whether a layer's objects hold values that may be secret: of a chart, of an expression, or from a Secret. */
export function isConfidential(layer: EngineLayer): boolean {
  const { helm, part, manifests = [], patches } = layer;
  const isSecret = (source: (typeof manifests)[number]) =>
    (source.secretRef ?? source.secretKeyRef) !== undefined || isEvaluated(layer, source);
  return helm !== undefined || part !== undefined || patches !== undefined || manifests.some(isSecret);
}

function writeContext(
  { site, set, system, profile, heirOf, toFailure }: ActContext,
  hideEchoes: boolean,
): WriteContext {
  return {
    hideEchoes,
    client: site.client,
    set,
    profileKind: profile.kind,
    heirOf,
    resourceFor: (kind) => site.resourceFor(kind),
    versionsOf: (kind) => site.versionsOf(kind),
    resources: async (signal) => {
      await site.discover(signal, true);
      return site.resources();
    },
    stale: () => site.stale(),
    metadataOnly: (kind) => site.metadataOnly(kind),
    toFailure,
    ownerOf: (id, signal) => profileOfApplySet(system, id, signal),
  };
}

function asFailure(error: unknown, context: ActContext, what: string): Failure {
  return error instanceof Failure ? error : context.toFailure(error, what);
}

function whatOf(step: Step): string {
  switch (step.kind) {
    case "Prepare":
      return "reading what is known of this profile in the cluster";
    case "Render":
    case "FetchPack":
      return `layer ${step.layer.spec.name}`;
    case "LeaveNamespace":
      return `Namespace ${step.namespace}`;
    case "Discover":
      return "asking the cluster what it serves";
    default:
      return "writing the record of this profile in the cluster's strata-system";
  }
}
