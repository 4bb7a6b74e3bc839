import { ADOPTED_ANNOTATION, PART_OF_LABEL } from "../api/names.ts";
import { Failure } from "../errors.ts";
import { withLiveIgnored } from "../membership/ignored-fields.ts";
import { type Claim, conflictSentence, judge, type Owner, outranks } from "../membership/judge.ts";
import { isProtectedManager, observe, ownsLabel, wasAdopted } from "../membership/observed.ts";
import { describeRef, isCrd, refOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import { withMark } from "../plan/place.ts";
import type { ApplyItem } from "../plan/step.ts";
import type { Desired } from "../plan/types.ts";
import { fieldConflictsOf, isConflictError, isFailedTest } from "./conflicts.ts";
import type { WriteContext, WriteOutcome } from "./context.ts";
import { foldOperations, handOverOperations, type Operation, reownOperations } from "./fold.ts";
import { recreate } from "./recreate.ts";
import { withoutRefusedNulls } from "./refused-nulls.ts";
import { spareVersions } from "./retire-versions.ts";
import { hasSameValues, repairOf, valuesDiffer } from "./witness.ts";

/** How often a write is tried on top of what somebody else wrote in between. */
const MAX_RACES = 4;

interface Write {
  desired: Desired;
  claim: Claim;
  /** The uid of the object that goes back, though it may not say so any more. */
  lent: string | undefined;
  context: WriteContext;
  signal: AbortSignal;
}

/**
 * Brings one object to what its layer wants, by the write rules of the design:
 *
 * - create: apply that can only create; when the object exists, it is judged by a live read: ours, adopted, or Conflict;
 * - update: apply without force; a conflict with Helm, Flux, Argo CD or another ApplySet is a Conflict, any other is forced
 *   on the version that we saw;
 * - repair: apply with force on the version that we saw;
 * - verify: a read, and a repair of what it shows.
 *
 * What another profile, tool or person has is `occupied`: no failure to try again, but something to wait for.
 *
 * @throws Failure with the sentence for people
 */
export async function applyItem(
  item: ApplyItem,
  claim: Claim,
  options: Pick<Write, "context" | "signal">,
): Promise<WriteOutcome> {
  const write: Write = { ...options, desired: item.desired, claim, lent: item.lent };
  const what = describeRef(item.desired.ref);
  try {
    return await brought(item, write);
  } catch (error) {
    const failure = options.context.toFailure(error, what);
    if (failure.reason !== "ImmutableField") throw failure;
    const going = recreate(write, failure);
    const uid = await going.catch((refusal: unknown) => Promise.reject(options.context.toFailure(refusal, what)));
    return { kind: "recreating", uid };
  }
}

async function brought(item: ApplyItem, write: Write): Promise<WriteOutcome> {
  const { context, signal } = write;
  // A CRD may have got this version since the cluster was asked what it serves.
  if (!context.resourceFor(item.desired.ref)) await context.resources(signal);
  if (item.mode === "create" || !item.observed) return await create(write);
  if (item.mode === "verify") return await verify(item, write);
  const { uid, resourceVersion, helmWrote, isDisowned, heir, digest } = item.observed.observed;
  const adopted = item.observed.observed.adopted || (item.lent !== undefined && item.lent === uid);
  if (helmWrote) return await takeExisting(write, await readLive(write), 0);
  if (isDisowned && item.mode === "repair") return await reown(write, await readLive(write));
  // Handed over: the label and the mark were not written by an apply, which would meet itself as somebody else.
  const isNew = heir === context.set.manager && digest === undefined;
  if (isNew) return await overwrite(write, { adopted, resourceVersion }, "updated");
  if (item.mode === "repair")
    return repairOf(await overwrite(write, { adopted, resourceVersion }, "repaired"), item.observed, context.set);
  return await update(write, { adopted, resourceVersion });
}

/** An apply that names resourceVersion "1" creates, or answers 409: it never updates (a contract test keeps watch on it). */
async function create(write: Write): Promise<WriteOutcome> {
  try {
    const object = await send(write, { resourceVersion: "1", force: false, adopted: false });
    return { kind: "written", object, how: "created" };
  } catch (error) {
    if (!isConflictError(error)) throw error;
    if (write.desired.createOnly) return { kind: "exists" };
    return await takeExisting(write, await readLive(write), 0);
  }
}

/** The object of that name exists: ours, to be adopted, or somebody else's. */
async function takeExisting(write: Write, live: KubeObject | undefined, races: number): Promise<WriteOutcome> {
  if (!live) throw wentAway(write.desired);
  const { fromCrdsFolder } = write.desired;
  const standing = judge(live, write.context.set, { ...write.claim, fromCrdsFolder });
  if (standing.kind === "terminating") return { kind: "terminating" };
  try {
    if (standing.kind === "foreign") {
      const profile = await ownerOf(write, standing.owner);
      if (!yields(write, profile)) return occupied(live, standing.owner, profile);
      const outcome = await takeExisting(write, await takeOver(write, live), races);
      return outcome.kind === "written" ? { ...outcome, how: "adopted" } : outcome;
    }
    if (isCrd(live)) await spareVersions({ desired: write.desired, live }, write.context, write.signal);
    const isAdopting = standing.kind === "adoptable";
    const adopted = isAdopting || wasAdopted(live, write.lent);
    const folded = await fold(write, live, { isAdopting, adopted });
    const { resourceVersion } = folded.metadata;
    const object = await send(write, { resourceVersion, force: true, adopted, live: folded });
    return { kind: "written", object, how: isAdopting ? "adopted" : "repaired" };
  } catch (error) {
    if (!isMoved(error) || races >= MAX_RACES) throw error;
    return await takeExisting(write, await readLive(write), races + 1);
  }
}

/** The version that was judged is not there any more: an apply answers 409, the test of a JSON patch 422. */
function isMoved(error: unknown): boolean {
  return isConflictError(error) || isFailedTest(error);
}

async function fold(
  { desired, claim, context, signal }: Write,
  live: KubeObject,
  { isAdopting, adopted }: { isAdopting: boolean; adopted: boolean },
): Promise<KubeObject> {
  const taking = { set: context.set, desired: desired.object, isAdopting, adopted: adopted && goesBack(claim) };
  const operations = foldOperations(live, taking);
  return operations ? await patch({ desired, context, signal }, operations) : live;
}

/** A higher tier takes an object over as it is; what the other profile brought and this one does not goes with the apply. */
async function takeOver(write: Write, live: KubeObject): Promise<KubeObject> {
  const { context, claim } = write;
  return await patch(write, handOverOperations(live, managerOf(live), { set: context.set, layer: claim.layer }));
}

/** Makes ours alone what nobody owned for a moment. Whether the fields have the right values is seen thereafter. */
async function reown(write: Write, live: KubeObject | undefined): Promise<WriteOutcome> {
  if (!live) throw wentAway(write.desired);
  const operations = reownOperations(live, write.context.set);
  if (!operations) return await takeExisting(write, live, 0);
  return { kind: "written", object: await patch(write, operations, false), how: "retaken" };
}

/** @param metadataOnly whether the answer is read on as `readLive` reads it */
async function patch(
  { desired, context, signal }: Pick<Write, "desired" | "context" | "signal">,
  operations: readonly Operation[],
  metadataOnly = !isReadWhole(desired),
): Promise<KubeObject> {
  const { manager } = context.set;
  return await context.client.jsonPatch(resourceOf(desired, context), desired.ref, operations, {
    manager,
    metadataOnly: metadataOnly || (context.metadataOnly(desired.ref) && !isReadWhole(desired)),
    signal,
  });
}

/** With `Always` an object is the layer's own from then on. */
function goesBack({ adoption }: Claim): boolean {
  return adoption !== "Always";
}

interface Version {
  adopted: boolean;
  resourceVersion: string;
}

async function update(write: Write, version: Version): Promise<WriteOutcome> {
  const { adopted } = version;
  const live = write.desired.ignored ? await readLive(write) : undefined;
  const { resourceVersion } = live?.metadata ?? {};
  try {
    const object = await send(write, { force: false, adopted, live, resourceVersion });
    return { kind: "written", object, how: "updated" };
  } catch (error) {
    const conflicts = fieldConflictsOf(error);
    const isOvertaken = conflicts.length === 0 && live !== undefined && isConflictError(error);
    if (isOvertaken) return await takeExisting(write, await readLive(write), 0);
    if (conflicts.length === 0) throw error;
    const { manager: own } = write.context.set;
    const foreign = conflicts.filter(({ manager }) => manager !== own && isProtectedManager(manager));
    if (foreign.length > 0) throw fieldConflict(write.desired, foreign);
    return await overwrite(write, version, "updated");
  }
}

/** Takes our fields back, on top of the very version that was judged: who writes in between is read and judged again. */
async function overwrite(write: Write, version: Version, how: "updated" | "repaired"): Promise<WriteOutcome> {
  const live = write.desired.ignored ? await readLive(write) : undefined;
  if (write.desired.ignored && live?.metadata.resourceVersion !== version.resourceVersion)
    return await takeExisting(write, live, 0);
  try {
    const object = await send(write, { ...version, force: true, live });
    return { kind: "written", object, how };
  } catch (error) {
    if (!isConflictError(error)) throw error;
    return await takeExisting(write, await readLive(write), 0);
  }
}

/**
 * Others have written the object and taken no field of ours: it is read, to see whether they, or what rewrites objects on
 * their way in, changed a value. What our own apply leaves as it is does not count, such as a quantity that the API server
 * writes otherwise: where nothing is to be repaired, and it is not known what the last one was answered with, a dry run tells.
 */
async function verify(item: ApplyItem, write: Write): Promise<WriteOutcome> {
  const { desired, claim, context, signal } = write;
  const live = await context.client.find(resourceOf(desired, context), desired.ref, { signal });
  if (!live) throw wentAway(desired);
  const differs = valuesDiffer(live, item, { set: context.set, claim });
  const { looksOnly = false, values } = item;
  if (!differs || (looksOnly && values !== undefined)) return { kind: "seen", object: live, differs };
  const { resourceVersion } = live.metadata;
  const adopted = wasAdopted(live, write.lent);
  try {
    const object = await send(write, { resourceVersion, force: true, adopted, live, isWhole: true, dryRun: looksOnly });
    if (looksOnly)
      return { kind: "seen", object: live, differs: !hasSameValues(live, object, { desired, set: context.set }) };
    if (object.metadata.resourceVersion === resourceVersion) return { kind: "seen", object, differs: false };
    return { kind: "written", object, how: "repaired" };
  } catch (error) {
    signal.throwIfAborted();
    if (isConflictError(error))
      throw new Failure("StaleRead", `${describeRef(desired.ref)} changed while it was looked at; tried again`);
    // A webhook may refuse dry runs.
    if (looksOnly) return { kind: "seen", object: live, differs };
    throw error;
  }
}

interface SendOptions {
  resourceVersion?: string | undefined;
  force: boolean;
  adopted: boolean;
  /** The object as it is, where the layer leaves fields of it to others. */
  live?: KubeObject | undefined;
  /** Whether all of the answer is wanted. */
  isWhole?: boolean;
  dryRun?: boolean;
}

async function send({ desired, claim, context, signal }: Write, options: SendOptions): Promise<KubeObject> {
  const isLent = options.adopted && goesBack(claim);
  const whole = withMark(desired, claim.layer, isLent ? { [ADOPTED_ANNOTATION]: "true" } : {});
  const { resourceVersion, live } = options;
  const { manager } = context.set;
  const { ignored } = desired;
  const marked = ignored && live ? withLiveIgnored(whole, live, { pointers: ignored, manager }) : whole;
  const body =
    resourceVersion === undefined ? marked : { ...marked, metadata: { ...marked.metadata, resourceVersion } };
  const apply = async (wanted: KubeObject): Promise<KubeObject> => {
    const { object } = await context.client.apply(resourceOf(desired, context), wanted, {
      manager,
      force: options.force,
      metadataOnly: context.metadataOnly(desired.ref) && options.isWhole !== true,
      hideEchoes: context.hideEchoes,
      ...(options.dryRun ? { dryRun: true } : {}),
      signal,
    });
    return object;
  };
  try {
    return await apply(body);
  } catch (error) {
    const allowed = withoutRefusedNulls(error, body);
    if (!allowed) throw error;
    return await apply(allowed);
  }
}

function readLive({ desired, context, signal }: Write): Promise<KubeObject | undefined> {
  return context.client.find(resourceOf(desired, context), desired.ref, {
    metadataOnly: !isReadWhole(desired),
    signal,
  });
}

/** Whether more than the metadata of an object decides how it is written. */
function isReadWhole({ ref, ignored }: Desired): boolean {
  return isCrd(ref) || ignored !== undefined;
}

function resourceOf(desired: Desired, context: WriteContext): ReturnType<WriteContext["resourceFor"]> & object {
  const resource = context.resourceFor(desired.ref);
  if (resource) return resource;
  const served = context.versionsOf(desired.ref).join(", ");
  const remedy = served === "" ? "" : `: it serves ${served}`;
  const what = `the cluster does not serve ${desired.ref.kind} in ${desired.object.apiVersion}`;
  throw new Failure("KindNotFound", `${describeRef(desired.ref)}: ${what}${remedy}`);
}

async function ownerOf({ context, signal }: Write, owner: Owner): Promise<string | undefined> {
  return owner.kind === "applySet" ? await context.ownerOf(owner.id, signal) : undefined;
}

/** Whether the profile that has an object gives way to this one. */
function yields({ context, claim }: Write, profile: string | undefined): boolean {
  return profile !== undefined && claim.adoption !== "Never" && outranks(context.profileKind, profile);
}

function occupied(live: KubeObject, owner: Owner, profile: string | undefined): WriteOutcome {
  const failure = new Failure("Conflict", conflictSentence(live, owner, profile));
  return { kind: "occupied", failure, by: owner.kind === "applySet" ? owner.id : "" };
}

/** By whose field manager a profile's object was applied. */
function managerOf(live: KubeObject): string {
  const observed = observe(live);
  const entry = observed?.entries.find((one) => ownsLabel(one) || one.manager === observed.heir);
  if (entry?.manager) return entry.manager;
  const what = `${describeRef(refOf(live))} has the label ${PART_OF_LABEL} of another profile`;
  throw new Failure("Conflict", `${what}, which has not applied it: take the label off`);
}

function fieldConflict({ ref }: Desired, conflicts: readonly { field: string; manager: string }[]): Failure {
  const fields = conflicts.map(({ field, manager }) => `${field} (${manager})`).join(", ");
  return new Failure(
    "Conflict",
    `${describeRef(ref)}: other tools manage ${fields}: take the fields out of this layer, or the object out of the other tool`,
  );
}

function wentAway({ ref }: Desired): Failure {
  return new Failure("StaleRead", `${describeRef(ref)} went away while it was read; tried again`);
}
