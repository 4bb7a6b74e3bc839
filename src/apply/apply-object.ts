import { ADOPTED_ANNOTATION } from "../api/names.ts";
import { Failure } from "../errors.ts";
import { mergeFields } from "../membership/fields.ts";
import { type Claim, conflictSentence, isProtectedManager, judge, type Standing } from "../membership/judge.ts";
import { helmEntriesOf, ownHookEntryOf, storedVersionsOf } from "../membership/observed.ts";
import { describeRef, isCrd } from "../objects/identity.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import { withMark } from "../plan/place.ts";
import type { ApplyItem } from "../plan/step.ts";
import { droppedVersions } from "../plan/stored-versions.ts";
import type { Desired } from "../plan/types.ts";
import { fieldConflictsOf, isConflictError } from "./conflicts.ts";
import type { WriteContext, WriteOutcome } from "./context.ts";
import { withoutRefusedNulls } from "./refused-nulls.ts";

/** How often a write is tried on top of what somebody else wrote in between. */
const MAX_RACES = 4;

interface Write {
  desired: Desired;
  claim: Claim;
  context: WriteContext;
  signal: AbortSignal;
}

/**
 * Brings one object to what its layer wants, by the write rules of the design:
 *
 * - create: apply that can only create; when the object exists, it is judged by a live read: ours, adopted, or Conflict;
 * - update: apply without force; a conflict with Helm, Flux, Argo CD or another ApplySet is a Conflict, any other is forced
 *   on the version that we saw;
 * - repair: apply with force on the version that we saw.
 *
 * @throws Failure with the sentence for people
 */
export async function applyItem(
  item: ApplyItem,
  claim: Claim,
  options: Omit<Write, "desired" | "claim">,
): Promise<WriteOutcome> {
  const write: Write = { ...options, desired: item.desired, claim };
  const { context, signal } = options;
  try {
    // A CRD may have got this version since the cluster was asked what it serves.
    if (!context.resourceFor(item.desired.ref)) await context.resources(signal);
    if (item.mode === "create" || !item.observed) return await create(write);
    const { adopted, resourceVersion } = item.observed.observed;
    if (item.observed.observed.helmWrote) return await takeExisting(write, await readLive(write), 0);
    if (item.mode === "repair") return await overwrite(write, { adopted, resourceVersion }, "repaired");
    return await update(write, { adopted, resourceVersion });
  } catch (error) {
    throw write.context.toFailure(error, describeRef(item.desired.ref));
  }
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
  if (!live) throw new Failure("StaleRead", "it went away while it was read; tried again");
  const { fromCrdsFolder } = write.desired;
  const standing = judge(live, write.context.set, { ...write.claim, fromCrdsFolder });
  if (standing.kind === "terminating") return { kind: "terminating" };
  if (standing.kind === "foreign") throw await conflict(write, live, standing);
  const inUse = isCrd(live) && droppedVersions(write.desired.object, storedVersionsOf(live));
  if (inUse) throw inUse;
  const adopted = standing.kind === "adoptable" || live.metadata.annotations?.[ADOPTED_ANNOTATION] === "true";
  try {
    const { resourceVersion } = (await fold(write, live)).metadata;
    const object = await send(write, { resourceVersion, force: true, adopted });
    return { kind: "written", object, how: standing.kind === "adoptable" ? "adopted" : "repaired" };
  } catch (error) {
    if (!isConflictError(error) || races >= MAX_RACES) throw error;
    return await takeExisting(write, await readLive(write), races + 1);
  }
}

/**
 * Makes what Helm owns of an object ours to apply, and what we made of it as a hook, so that the apply takes away what we do
 * not want: else fields that a chart dropped, or a person's `helm upgrade` added, would stay for ever.
 */
async function fold({ desired, context, signal }: Write, live: KubeObject): Promise<KubeObject> {
  const { manager } = context.set;
  const hook = ownHookEntryOf(live, context.set);
  const folds = [...helmEntriesOf(live), ...(hook ? [hook] : [])];
  if (folds.length === 0) return live;
  const { managedFields = [], resourceVersion } = live.metadata;
  const others = managedFields.filter((entry) => !folds.includes(entry) && !isOwnApply(entry, manager));
  const own = managedFields.filter((entry) => isOwnApply(entry, manager));
  const fieldsV1 = mergeFields([...own, ...folds].map((entry) => entry.fieldsV1 ?? {}));
  const { apiVersion } = own[0] ?? folds[0] ?? {};
  const folded = { manager, operation: "Apply", apiVersion, fieldsType: "FieldsV1", fieldsV1 };
  const operations = [
    { op: "test" as const, path: "/metadata/resourceVersion", value: resourceVersion },
    { op: "replace" as const, path: "/metadata/managedFields", value: [...others, folded] },
  ];
  const options = { manager, metadataOnly: true, signal };
  return await context.client.jsonPatch(resourceOf(desired, context), desired.ref, operations, options);
}

function isOwnApply(entry: ManagedFieldsEntry, manager: string): boolean {
  return entry.manager === manager && entry.operation === "Apply" && !entry.subresource;
}

interface Version {
  adopted: boolean;
  resourceVersion: string;
}

async function update(write: Write, version: Version): Promise<WriteOutcome> {
  try {
    const object = await send(write, { force: false, adopted: version.adopted });
    return { kind: "written", object, how: "updated" };
  } catch (error) {
    const conflicts = fieldConflictsOf(error);
    if (conflicts.length === 0) throw error;
    const foreign = conflicts.filter(({ manager }) => isProtectedManager(manager));
    if (foreign.length > 0) throw fieldConflict(foreign);
    return await overwrite(write, version, "updated");
  }
}

/** Takes our fields back, on top of the very version that was judged: who writes in between is read and judged again. */
async function overwrite(write: Write, version: Version, how: "updated" | "repaired"): Promise<WriteOutcome> {
  try {
    const object = await send(write, { ...version, force: true });
    return { kind: "written", object, how };
  } catch (error) {
    if (!isConflictError(error)) throw error;
    return await takeExisting(write, await readLive(write), 0);
  }
}

interface SendOptions {
  resourceVersion?: string | undefined;
  force: boolean;
  adopted: boolean;
}

async function send({ desired, claim, context, signal }: Write, options: SendOptions): Promise<KubeObject> {
  const marked = withMark(desired, claim.layer, options.adopted ? { [ADOPTED_ANNOTATION]: "true" } : {});
  const { resourceVersion } = options;
  const body =
    resourceVersion === undefined ? marked : { ...marked, metadata: { ...marked.metadata, resourceVersion } };
  const apply = async (wanted: KubeObject): Promise<KubeObject> => {
    const { object } = await context.client.apply(resourceOf(desired, context), wanted, {
      manager: context.set.manager,
      force: options.force,
      metadataOnly: context.metadataOnly(desired.ref),
      hideEchoes: context.hideEchoes,
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
  return context.client.find(resourceOf(desired, context), desired.ref, { metadataOnly: !isCrd(desired.ref), signal });
}

function resourceOf(desired: Desired, context: WriteContext): ReturnType<WriteContext["resourceFor"]> & object {
  const resource = context.resourceFor(desired.ref);
  if (resource) return resource;
  const served = context.versionsOf(desired.ref).join(", ");
  const remedy = served === "" ? "" : `: it serves ${served}`;
  const what = `the cluster does not serve ${desired.ref.kind} in ${desired.object.apiVersion}`;
  throw new Failure("KindNotFound", `${describeRef(desired.ref)}: ${what}${remedy}`);
}

async function conflict(
  { context, signal }: Write,
  live: KubeObject,
  standing: Standing & { kind: "foreign" },
): Promise<Failure> {
  const { owner } = standing;
  const profile = owner.kind === "applySet" ? await context.ownerOf(owner.id, signal) : undefined;
  return new Failure("Conflict", conflictSentence(live, owner, profile));
}

function fieldConflict(conflicts: readonly { field: string; manager: string }[]): Failure {
  const fields = conflicts.map(({ field, manager }) => `${field} (${manager})`).join(", ");
  return new Failure(
    "Conflict",
    `other tools manage ${fields}: take the fields out of this layer, or the object out of the other tool`,
  );
}
