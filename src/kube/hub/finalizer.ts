import { FINALIZER } from "../../api/names.ts";
import type { ObjectMeta } from "../../objects/types.ts";
import { isNotFound } from "../api-error.ts";
import type { KubeClient } from "../client.ts";
import type { Resource } from "../resource.ts";

const MANAGER = "strata";

/**
 * Puts Strata's finalizer on an object. The whole list is written, so that it has to be the one that was read.
 *
 * @throws ApiError Conflict when it is not: its watch brings the next pass
 */
export async function addFinalizer(
  client: KubeClient,
  { resource, metadata }: { resource: Resource; metadata: ObjectMeta },
  signal: AbortSignal,
): Promise<void> {
  const { name = "", namespace, resourceVersion, finalizers = [] } = metadata;
  const patch = { metadata: { resourceVersion, finalizers: [...finalizers, FINALIZER] } };
  const key = { name, ...(namespace === undefined ? {} : { namespace }) };
  try {
    await client.mergePatch(resource, key, patch, { manager: MANAGER, metadataOnly: true, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/**
 * Takes Strata's finalizer off an object, and nothing else. Only the place in the list is a precondition: a status that is
 * written at the same moment must not hold the deletion up.
 */
export async function removeFinalizer(
  client: KubeClient,
  { resource, metadata }: { resource: Resource; metadata: ObjectMeta },
  signal: AbortSignal,
): Promise<void> {
  const { name = "", namespace, uid, finalizers = [] } = metadata;
  const path = `/metadata/finalizers/${finalizers.indexOf(FINALIZER)}`;
  const operations = [
    { op: "test", path: "/metadata/uid", value: uid },
    { op: "test", path, value: FINALIZER },
    { op: "remove", path },
  ] as const;
  const key = { name, ...(namespace === undefined ? {} : { namespace }) };
  try {
    await client.jsonPatch(resource, key, operations, { manager: MANAGER, metadataOnly: true, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
