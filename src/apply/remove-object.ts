import { Failure } from "../errors.ts";
import { isMember, observe, saysKeep } from "../membership/observed.ts";
import { describeRef, groupKindKey } from "../objects/identity.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import type { RemoveItem } from "../plan/step.ts";
import { isConflictError, isNotFoundError } from "./conflicts.ts";
import type { Heir, WriteContext } from "./context.ts";
import { handOverOperations, type Operation, releaseOperations } from "./fold.ts";
import { strangerInNamespace, strangerOfKind } from "./strangers.ts";

const MAX_RACES = 6;

export interface RemoveOutcome {
  /** `gone` also when it was not there, or was not ours any more. */
  kind: "gone" | "deleting" | "released";
  /** Why it was released where it should have been deleted. */
  why?: string;
  /** The object as its new owner has it. */
  handedOver?: KubeObject;
}

/**
 * Removes one member: hands it over to another profile that waits for it, else deletes it in the foreground (its pods go
 * first), or gives it back as it is. A Namespace or a CustomResourceDefinition with which something of others would go is
 * given back too.
 *
 * The delete carries uid and resourceVersion, so that only the very object that was judged goes. When it has moved, it is
 * read live and judged again.
 *
 * @throws Failure with the sentence for people
 */
export async function removeItem(item: RemoveItem, context: WriteContext, signal: AbortSignal): Promise<RemoveOutcome> {
  const { ref, key, resourceVersion } = item.tracked.observed;
  try {
    if (!context.resourceFor(ref)) await refresh(ref, context, signal);
    const heir = context.heirOf(key);
    if (heir) return await handOver(item, heir, context, signal);
    if (item.how === "release")
      return { ...(await release(item, context, signal)), ...(item.why === undefined ? {} : { why: item.why }) };
    const why = await reasonToKeep(ref, context, signal);
    if (why !== undefined) return { ...(await release(item, context, signal)), why };
    return await remove({ item, resourceVersion, races: 0 }, context, signal);
  } catch (error) {
    throw context.toFailure(error, describeRef(ref));
  }
}

/** The version in which a member was seen may be served no more, and the member live on in another: it is then not gone. */
async function refresh(ref: ObjectRef, context: WriteContext, signal: AbortSignal): Promise<void> {
  await context.resources(signal);
  if (context.resourceFor(ref) || context.versionsOf(ref).length === 0) return;
  throw new Failure("StaleRead", `${describeRef(ref)} is served in another version now; it is read again`);
}

/** Why a Namespace or a CustomResourceDefinition must stay: something that is not ours would go with it. */
export async function reasonToKeep(
  ref: ObjectRef,
  context: Pick<WriteContext, "client" | "set" | "resources" | "stale">,
  signal: AbortSignal,
): Promise<string | undefined> {
  const kind = groupKindKey(ref);
  if (kind !== "Namespace" && kind !== "CustomResourceDefinition.apiextensions.k8s.io") return undefined;
  const { client, set } = context;
  const resources = await context.resources(signal);
  const look = { client, set, resources, stale: context.stale() };
  return kind === "Namespace"
    ? await strangerInNamespace(ref.name, look, signal)
    : await strangerOfKind(ref.name, look, signal);
}

interface Removal {
  item: RemoveItem;
  resourceVersion: string;
  races: number;
}

async function remove(removal: Removal, context: WriteContext, signal: AbortSignal): Promise<RemoveOutcome> {
  const { item, resourceVersion, races } = removal;
  const { ref, uid } = item.tracked.observed;
  const resource = context.resourceFor(ref);
  if (!resource) return { kind: "gone" };
  try {
    await context.client.delete(resource, ref, { uid, resourceVersion, propagationPolicy: "Foreground", signal });
    return { kind: "deleting" };
  } catch (error) {
    if (isNotFoundError(error)) return { kind: "gone" };
    if (!isConflictError(error) || races >= MAX_RACES) throw error;
    const live = await readMember(ref, context, signal);
    if (live?.metadata.uid !== uid) return { kind: "gone" };
    if (saysKeep(live)) return await release(item, context, signal);
    return await remove(
      { ...removal, resourceVersion: live.metadata.resourceVersion ?? "", races: races + 1 },
      context,
      signal,
    );
  }
}

async function readMember(ref: ObjectRef, context: WriteContext, signal: AbortSignal): Promise<KubeObject | undefined> {
  const resource = context.resourceFor(ref);
  const live = resource && (await context.client.find(resource, ref, { metadataOnly: true, signal }));
  const observed = live && observe(live);
  return observed && isMember(observed, context.set) ? live : undefined;
}

/** Takes our label, annotations and field ownership off and leaves every other field as it is. */
async function release(item: RemoveItem, context: WriteContext, signal: AbortSignal): Promise<RemoveOutcome> {
  const { ref, adopted } = item.tracked.observed;
  const { manager } = context.set;
  const operations = ({ metadata }: KubeObject) => releaseOperations(metadata, manager, adopted);
  const released = await patchMember({ ref, manager, operations }, context, signal);
  return { kind: released ? "released" : "gone" };
}

/** Gives a member to a profile that waits for it, as it is: the new owner then applies what it wants of it. */
async function handOver(
  item: RemoveItem,
  heir: Heir,
  context: WriteContext,
  signal: AbortSignal,
): Promise<RemoveOutcome> {
  const { ref, adopted } = item.tracked.observed;
  const operations = (live: KubeObject) => handOverOperations(live, context.set.manager, { ...heir, adopted });
  const object = await patchMember({ ref, manager: heir.set.manager, operations }, context, signal);
  if (!object) return { kind: "gone" };
  return { kind: "released", why: `${heir.profile} has it now`, handedOver: object };
}

interface MemberPatch {
  ref: ObjectRef;
  /** By whose field manager it is written. */
  manager: string;
  operations: (live: KubeObject) => Operation[];
}

/** @returns undefined when it was gone, or not ours any more */
async function patchMember(
  patch: MemberPatch,
  context: WriteContext,
  signal: AbortSignal,
  races = 0,
): Promise<KubeObject | undefined> {
  const { ref, manager, operations } = patch;
  const resource = context.resourceFor(ref);
  const live = await readMember(ref, context, signal);
  if (!resource || !live) return undefined;
  try {
    const options = { manager, metadataOnly: context.metadataOnly(ref), signal };
    return await context.client.jsonPatch(resource, ref, operations(live), options);
  } catch (error) {
    if (isNotFoundError(error)) return undefined;
    if (races >= MAX_RACES) throw error;
    return await patchMember(patch, context, signal, races + 1);
  }
}
