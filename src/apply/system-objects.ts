import { randomBytes } from "node:crypto";
import { APPLYSET_ID_LABEL, PARENT_LABEL, PROFILE_ANNOTATION, SYSTEM_NAMESPACE } from "../api/names.ts";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Resource } from "../kube/resource.ts";
import {
  type ApplySet,
  EMPTY_PARENT,
  type Parent,
  type ProfileIdentity,
  parentObject,
  parseParent,
} from "../membership/applyset.ts";
import { fieldConflictsOf, isConflictError, isForbiddenError } from "./conflicts.ts";

/** The field manager of what Strata keeps for itself in a target's `strata-system`. */
const MANAGER = "strata";
const DIGEST_KEY_SECRET = "strata-digest-key";

const core = (kind: string, plural: string, namespaced: boolean): Resource => ({
  group: "",
  version: "v1",
  kind,
  plural,
  namespaced,
  verbs: [],
  hasStatus: false,
});
export const NAMESPACES = core("Namespace", "namespaces", false);
export const SECRETS = core("Secret", "secrets", true);
const CONFIG_MAPS = core("ConfigMap", "configmaps", true);

/** The keys that this process has read. */
const knownKeys = new WeakMap<KubeClient, { cluster: string; key: Uint8Array }>();

/**
 * As `digestKey`; of one cluster it is read once, however many profiles go there.
 *
 * @param cluster the uid of its `kube-system`: behind the same address may be another one by now
 */
export async function digestKeyOf(
  client: KubeClient,
  cluster: string | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const known = knownKeys.get(client);
  if (cluster !== undefined && known?.cluster === cluster) return known.key;
  const key = await digestKey(client, signal);
  if (cluster !== undefined) knownKeys.set(client, { cluster, key });
  return key;
}

/**
 * The key with which digests of a target's objects are made, from the target itself: they stand in annotations and
 * statuses, and must not tell what a Secret holds. Made, with `strata-system`, when Strata first works on a cluster.
 */
export async function digestKey(client: KubeClient, signal: AbortSignal): Promise<Uint8Array> {
  const key = { namespace: SYSTEM_NAMESPACE, name: DIGEST_KEY_SECRET };
  const existing = await client.find(SECRETS, key, { signal });
  if (existing) return keyOf(existing);
  await ensureSystemNamespace(client, signal);
  try {
    const data = { key: randomBytes(32).toString("base64") };
    const object = { apiVersion: "v1", kind: "Secret", metadata: key, type: "Opaque", data };
    return keyOf(await client.create(SECRETS, object, { manager: MANAGER, signal }));
  } catch (error) {
    if (!isConflictError(error)) throw error;
    return keyOf(await client.get(SECRETS, key, { signal }));
  }
}

function keyOf(secret: { [field: string]: unknown }): Uint8Array {
  const encoded = (secret["data"] as Record<string, string> | undefined)?.["key"];
  if (encoded) return Buffer.from(encoded, "base64");
  throw new Failure(
    "InvalidObject",
    `Secret ${SYSTEM_NAMESPACE}/${DIGEST_KEY_SECRET} has no key: delete it, and it is made again`,
  );
}

async function ensureSystemNamespace(client: KubeClient, signal: AbortSignal): Promise<void> {
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: SYSTEM_NAMESPACE } };
  try {
    await client.create(NAMESPACES, object, { manager: MANAGER, signal });
  } catch (error) {
    // On the hub it exists, and Strata may not create namespaces there.
    if (!isConflictError(error) && !isForbiddenError(error)) throw error;
  }
}

/** The parent of an ApplySet as it is in the cluster, or an empty one for a first installation. */
export async function readParent(client: KubeClient, set: ApplySet, hub: string, signal: AbortSignal): Promise<Parent> {
  const live = await client.find(CONFIG_MAPS, { namespace: SYSTEM_NAMESPACE, name: set.parent }, { signal });
  if (!live) return { ...EMPTY_PARENT, hub };
  const parent = parseParent(live);
  if (parent.hub === hub) return parent;
  throw anotherHub(set, parent.hub);
}

/** Nobody tells when the other hub has given up: that is looked at again this often. */
const LOOK_MS = 60_000;

function anotherHub({ parent }: ApplySet, hub: string): Failure {
  const message =
    `another Strata (hub ${hub || "unknown"}) brings this profile to this cluster: delete the profile there, or, to take ` +
    `its objects over, delete ConfigMap ${SYSTEM_NAMESPACE}/${parent} in the cluster`;
  return new Failure("Conflict", message, { retryAfterMs: LOOK_MS });
}

/** One field manager per hub: server-side apply itself keeps one Strata from writing over what another has taken over. */
function hubManager(hub: string): string {
  return `${HUB_MANAGER}${hub.slice(0, 8)}`;
}

const HUB_MANAGER = "strata-hub-";

/** @throws Failure Conflict when another hub has taken the profile's objects over meanwhile */
export async function writeParent(
  client: KubeClient,
  { set, profile, parent }: { set: ApplySet; profile: ProfileIdentity; parent: Parent },
  signal: AbortSignal,
): Promise<void> {
  const manager = hubManager(parent.hub);
  const apply = async (force: boolean): Promise<void> => {
    const object = parentObject(set, profile, parent);
    await client.apply(CONFIG_MAPS, object, { manager, force, metadataOnly: true, signal });
  };
  try {
    await apply(false);
  } catch (error) {
    const conflicts = fieldConflictsOf(error);
    if (conflicts.length === 0) throw error;
    if (conflicts.some((conflict) => conflict.manager.startsWith(HUB_MANAGER)))
      await readParent(client, set, parent.hub, signal);
    await apply(true);
  }
}

/** The last act of a teardown: the stored sets go, also of layers that the parent never came to know, then the parent. */
export async function deleteSystemObjects(client: KubeClient, set: ApplySet, signal: AbortSignal): Promise<void> {
  const labelSelector = `${PARENT_LABEL}=${set.parent}`;
  const stored = { namespace: SYSTEM_NAMESPACE, labelSelector, metadataOnly: true, signal };
  const { items } = await client.listAll(SECRETS, stored);
  await Promise.all(items.map(({ metadata }) => deleteIfThere(client, SECRETS, metadata.name ?? "", signal)));
  await deleteIfThere(client, CONFIG_MAPS, set.parent, signal);
}

function storedSetName(set: ApplySet, layer: string): string {
  return `${set.parent}.${layer}`;
}

/** What `writeStoredSet` has stored for a layer; undefined when that is nothing. */
export async function readStoredSet(
  client: KubeClient,
  set: ApplySet,
  layer: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const live = await client.find(SECRETS, { namespace: SYSTEM_NAMESPACE, name: storedSetName(set, layer) }, { signal });
  return (live?.["data"] as Record<string, string> | undefined)?.["set"];
}

/** @param content base64 of the compressed set */
export async function writeStoredSet(
  client: KubeClient,
  { set, layer, content }: { set: ApplySet; layer: string; content: string },
  signal: AbortSignal,
): Promise<void> {
  const object = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: storedSetName(set, layer),
      namespace: SYSTEM_NAMESPACE,
      labels: { [PARENT_LABEL]: set.parent },
    },
    type: "strata.dev/stored-set",
    data: { set: content },
  };
  await client.apply(SECRETS, object, { manager: MANAGER, force: true, metadataOnly: true, signal });
}

export async function deleteStoredSet(
  client: KubeClient,
  set: ApplySet,
  layer: string,
  signal: AbortSignal,
): Promise<void> {
  await deleteIfThere(client, SECRETS, storedSetName(set, layer), signal);
}

async function deleteIfThere(client: KubeClient, resource: Resource, name: string, signal: AbortSignal): Promise<void> {
  const key = { namespace: SYSTEM_NAMESPACE, name };
  if (await client.find(resource, key, { metadataOnly: true, signal })) await client.delete(resource, key, { signal });
}

/** Which profile an ApplySet belongs to, as its parent says: `ClusterProfile/acme/base`. */
export async function profileOfApplySet(
  client: KubeClient,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const labelSelector = `${APPLYSET_ID_LABEL}=${id}`;
  const { items } = await client.listAll(CONFIG_MAPS, {
    namespace: SYSTEM_NAMESPACE,
    labelSelector,
    metadataOnly: true,
    signal,
  });
  return items[0]?.metadata.annotations?.[PROFILE_ANNOTATION];
}
