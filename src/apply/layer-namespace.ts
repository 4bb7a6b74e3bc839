import { CREATED_ANNOTATION, NAMESPACE_USER_LABEL_PREFIX, PART_OF_LABEL } from "../api/names.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { applyEntryOf } from "../membership/fields.ts";
import { isMember, isProtectedManager, observe, saysKeep } from "../membership/observed.ts";
import type { KubeObject } from "../objects/types.ts";
import type { NamespaceMetadata } from "../plan/layer-namespace.ts";
import { isConflictError, isForbiddenError, isNotFoundError } from "./conflicts.ts";
import { type LiveLook, strangerInNamespace } from "./strangers.ts";
import { NAMESPACES } from "./system-objects.ts";

interface Wanted {
  set: ApplySet;
  name: string;
  metadata: NamespaceMetadata;
  /** Nothing speaks for it that the namespace is there: it is made without a look. */
  isNew?: boolean;
}

/**
 * Sees to it that a layer's namespace is there. It is infrastructure, not a member: marked when we create it, used by every
 * ApplySet that has its label on it, and each user's labels belong to that user's field manager. A namespace that others
 * made is left alone, unless the layer asks for labels or annotations on it.
 */
export async function ensureNamespace(
  client: KubeClient,
  { isNew = false, ...wanted }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  if (isNew && (await make(client, wanted, signal).catch(falseIfForbidden))) return;
  const { set, name, metadata } = wanted;
  const asks = Object.keys({ ...metadata.labels, ...metadata.annotations }).length > 0;
  // What was asked for must not be left out in silence because the namespace may not be looked at.
  const live = asks
    ? await client.find(NAMESPACES, { name }, { metadataOnly: true, signal })
    : await lookUp(client, name, signal);
  if (live === "hidden" || (live && isMemberOf(live, set))) return;
  if (!live) {
    if (!(await make(client, wanted, signal))) await ensureNamespace(client, wanted, signal);
    return;
  }
  const object = namespaceObject({ ...wanted, ours: live.metadata.annotations?.[CREATED_ANNOTATION] === "true" });
  if (isAsWanted(live, object, set)) return;
  await client.apply(NAMESPACES, object, { manager: set.manager, force: true, metadataOnly: true, signal });
}

/** Whether it was not there, and is by now. Another profile may have made it just now: it is then one of two that use it. */
async function make(client: KubeClient, wanted: Omit<Wanted, "isNew">, signal: AbortSignal): Promise<boolean> {
  const object = namespaceObject({ ...wanted, ours: true });
  const guarded = { ...object, metadata: { ...object.metadata, resourceVersion: "1" } };
  const { manager } = wanted.set;
  try {
    await client.apply(NAMESPACES, guarded, { manager, force: false, metadataOnly: true, signal });
    return true;
  } catch (error) {
    if (isConflictError(error)) return false;
    throw error;
  }
}

function falseIfForbidden(error: unknown): false {
  if (isForbiddenError(error)) return false;
  throw error;
}

/** A tenant may often work in a namespace without being allowed to look at it: then it is taken to be there. */
async function lookUp(
  client: KubeClient,
  name: string,
  signal: AbortSignal,
): Promise<KubeObject | undefined | "hidden"> {
  try {
    return await client.find(NAMESPACES, { name }, { metadataOnly: true, signal });
  } catch (error) {
    if (isForbiddenError(error)) return "hidden";
    throw error;
  }
}

function namespaceObject(facts: {
  set: ApplySet;
  name: string;
  metadata: NamespaceMetadata;
  ours: boolean;
}): KubeObject {
  const { set, name, metadata, ours } = facts;
  const annotations = { ...metadata.annotations, ...(ours ? { [CREATED_ANNOTATION]: "true" } : {}) };
  const isUsed = ours || Object.keys({ ...metadata.labels, ...annotations }).length > 0;
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      ...(isUsed ? { labels: { ...metadata.labels, [userLabel(set)]: "" } } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
  };
}

/** Whether the namespace carries all that is wanted, and nothing that we asked for once and want no more. */
function isAsWanted(live: KubeObject, wanted: KubeObject, set: ApplySet): boolean {
  const entry = applyEntryOf(live, set.manager);
  const owned = (entry?.fieldsV1?.["f:metadata"] ?? {}) as Record<string, Record<string, unknown>>;
  return (["labels", "annotations"] as const).every((field) => {
    const asked = wanted.metadata[field] ?? {};
    const keys = Object.keys(owned[`f:${field}`] ?? {}).filter((key) => key !== ".");
    const isCarried = Object.entries(asked).every(([key, value]) => live.metadata[field]?.[key] === value);
    return isCarried && keys.every((key) => key.slice(2) in asked);
  });
}

/** A manifest of the profile brought it: its labels are that layer's, and this apply would take them off. */
function isMemberOf(live: KubeObject, set: ApplySet): boolean {
  const observed = observe(live);
  return observed !== undefined && isMember(observed, set);
}

function userLabel(set: ApplySet): string {
  return `${NAMESPACE_USER_LABEL_PREFIX}${set.parent}`;
}

/** What became of a namespace that a layer used. */
export type LeaveOutcome = { kind: "left" } | { kind: "deleting" } | { kind: "kept"; why: string };

/**
 * Gives up a layer's namespace. It is deleted only when we created it, nobody else uses it, and a live look at all kinds
 * finds nothing in it that we do not know; otherwise our labels come off and it stays.
 *
 * @param from what the cluster serves, from fresh discovery
 * @throws Failure ServerError while an API does not answer that may have objects in it
 */
export async function leaveNamespace(
  client: KubeClient,
  { name, ...from }: Omit<LiveLook, "client"> & { name: string },
  signal: AbortSignal,
): Promise<LeaveOutcome> {
  const { set } = from;
  const live = await lookUp(client, name, signal);
  if (!live || live === "hidden") return { kind: "left" };
  if (live.metadata.labels?.[userLabel(set)] === undefined) return { kind: "left" };
  if (live.metadata.deletionTimestamp) return { kind: "deleting" };
  const why = await reasonToKeep(live, { client, ...from }, signal);
  if (why !== undefined) {
    await client.apply(
      NAMESPACES,
      { apiVersion: "v1", kind: "Namespace", metadata: { name } },
      { manager: set.manager, force: false, metadataOnly: true, signal },
    );
    return { kind: "kept", why };
  }
  try {
    const { uid, resourceVersion } = live.metadata;
    await client.delete(
      NAMESPACES,
      { name },
      { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}), signal },
    );
    return { kind: "deleting" };
  } catch (error) {
    if (isNotFoundError(error)) return { kind: "left" };
    if (isConflictError(error)) return await leaveNamespace(client, { name, ...from }, signal);
    throw error;
  }
}

async function reasonToKeep(live: KubeObject, look: LiveLook, signal: AbortSignal): Promise<string | undefined> {
  const { set } = look;
  if (live.metadata.annotations?.[CREATED_ANNOTATION] !== "true") return "it was there before";
  if (saysKeep(live)) return "it says so itself, by an annotation";
  const user = Object.keys(live.metadata.labels ?? {}).find(
    (label) => label.startsWith(NAMESPACE_USER_LABEL_PREFIX) && label !== userLabel(set),
  );
  if (user) return `another profile uses it (${user})`;
  const other = ownerBeside(live, set);
  if (other !== undefined) return `${other} has it as an object of its own`;
  return await strangerInNamespace(live.metadata.name ?? "", look, signal);
}

/** Who manages the namespace itself by now: a profile that has a manifest of it, Helm, Flux or Argo CD. */
function ownerBeside({ metadata: { labels, managedFields = [] } }: KubeObject, set: ApplySet): string | undefined {
  const partOf = labels?.[PART_OF_LABEL];
  if (partOf !== undefined && partOf !== set.id) return "another profile";
  const tools = managedFields.flatMap(({ manager = "" }) => (manager.startsWith("strata-") ? [] : [manager]));
  const tool = tools.find(isProtectedManager);
  return tool && `field manager ${tool}`;
}
