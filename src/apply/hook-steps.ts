import { HOOK_ANNOTATION } from "../api/names.ts";
import { Failure } from "../errors.ts";
import type { Resource } from "../kube/resource.ts";
import { apiVersionOf, describeRef, gvkOf, isCrd } from "../objects/identity.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import type { HookRun, ReleaseProgress } from "../plan/release.ts";
import type { Step } from "../plan/step.ts";
import { isConflictError, isNotFoundError } from "./conflicts.ts";
import type { WriteContext } from "./context.ts";
import { annotate, DONE, type ReleaseContext, type Released } from "./release-records.ts";

/** Creates the object of a hook. One that is there already is judged by the next pass; a CRD is changed where it is. */
export async function runHook(
  { hook, id }: Step & { kind: "RunHook" },
  { writes }: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const { object, ref } = hook;
  const what = describeRef(ref);
  try {
    const resource = writes.resourceFor(ref) ?? (await lookAgain(ref, writes, signal));
    const annotations = { ...object.metadata.annotations, [HOOK_ANNOTATION]: id };
    // Before the kind was served, nobody knew whether it has namespaces.
    const { namespace, ...metadata } = object.metadata;
    const home = resource.namespaced && namespace !== undefined ? { namespace } : {};
    const body = { ...object, metadata: { ...metadata, ...home, annotations } };
    await createOrChange(resource, body, writes, signal);
  } catch (error) {
    if (!isConflictError(error)) throw writes.toFailure(error, what);
  }
  return DONE;
}

/** What is not said in the hook stays as it is: the CRD may be a member of another layer. */
async function createOrChange(
  resource: Resource,
  object: KubeObject,
  { client, set }: WriteContext,
  signal: AbortSignal,
): Promise<void> {
  const options = { manager: set.manager, hideEchoes: true, signal };
  try {
    await client.create(resource, object, options);
  } catch (error) {
    if (!isConflictError(error) || !isCrd(gvkOf(object))) throw error;
    await client.mergePatch(resource, { name: object.metadata.name ?? "" }, object, options);
  }
}

async function lookAgain(ref: ObjectRef, writes: WriteContext, signal: AbortSignal) {
  await writes.resources(signal);
  const resource = writes.resourceFor(ref);
  if (resource) return resource;
  const served = writes.versionsOf(ref).join(", ");
  const remedy = served === "" ? "" : `: it serves ${served}`;
  const what = `the cluster does not serve ${ref.kind} in ${apiVersionOf(ref)}`;
  throw new Failure("KindNotFound", `${describeRef(ref)}: ${what}${remedy}`);
}

/** Notes on the record how a hook ended, before anything is deleted for it. */
export async function noteHook(
  { record, run, ended }: Step & { kind: "NoteHook" },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const now = context.now();
  const { phase, attempt, why } = ended;
  const startedAt = new Date(ended.startedAt ?? now.getTime()).toISOString();
  const result: HookRun = { phase, attempt, startedAt, completedAt: now.toISOString(), ...(why ? { why } : {}) };
  const progress: ReleaseProgress = {
    inputs: "",
    operation: "upgrade",
    ...record.progress,
    runs: { ...record.progress?.runs, [run]: result },
  };
  await annotate(record, progress, context, signal);
  return DONE;
}

export async function removeHook(
  { ref, uid, resourceVersion }: Step & { kind: "RemoveHook" },
  { writes }: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const resource = writes.resourceFor(ref);
  if (!resource) return DONE;
  try {
    await writes.client.delete(resource, ref, { uid, resourceVersion, propagationPolicy: "Background", signal });
  } catch (error) {
    if (isNotFoundError(error)) return DONE;
    if (isConflictError(error)) throw new Failure("StaleRead", `${describeRef(ref)} was changed just now; tried again`);
    throw writes.toFailure(error, describeRef(ref));
  }
  return DONE;
}
