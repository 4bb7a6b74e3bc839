import type { KubeClient } from "../kube/client.ts";
import type { Resource } from "../kube/resource.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { isMember, observe, ownHookEntryOf } from "../membership/observed.ts";
import { apiVersionOf, describeRef, groupKindKey, gvkOf, refOf } from "../objects/identity.ts";
import type { KubeObject, OwnerReference } from "../objects/types.ts";
import { unanswered } from "../plan/unanswered.ts";
import { isForbiddenError, isNotFoundError } from "./conflicts.ts";
import { unservedCrd } from "./unserved-crd.ts";

/** A live look at one cluster, to find what deleting a whole namespace or kind would take from others. */
export interface LiveLook {
  client: KubeClient;
  set: ApplySet;
  /** Every resource that the cluster serves, from fresh discovery. */
  resources: readonly Resource[];
  /** Group-versions that did not answer then: what they serve may be missing there. */
  stale: readonly string[];
}

/**
 * Why a namespace must stay: something in it is not ours, or may not be looked at. Undefined when nothing speaks for it.
 *
 * @throws Failure ServerError while an API does not answer that may have objects in it
 */
export async function strangerInNamespace(
  namespace: string,
  look: LiveLook,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { resources, stale } = look;
  const answering = resources.filter((resource) => !stale.includes(apiVersionOf(resource)));
  for (const resource of answering.filter(({ namespaced, verbs }) => namespaced && verbs.includes("list"))) {
    const stranger = await firstOf(resource, { ...look, namespace, isStranger: standsInNamespace }, signal);
    if (stranger === "hidden")
      return `${resource.plural} in it may not be listed, so it may hold something that is not ours`;
    if (stranger) return `${resource.kind} ${stranger.metadata.name} in it is not ours`;
  }
  if (stale.length > 0) throw unanswered(`Namespace ${namespace}`, stale);
  return undefined;
}

/** Why a CustomResourceDefinition must stay: with it, every object of its kind would go. */
export async function strangerOfKind(crd: string, look: LiveLook, signal: AbortSignal): Promise<string | undefined> {
  const resource = look.resources.find(({ plural, group }) => `${plural}.${group}` === crd);
  if (!resource) {
    if ((await unservedCrd(crd, look.client, signal)) === "empty") return undefined;
    return "it serves no version, so nobody can tell whether all of its objects are ours";
  }
  const stranger = await firstOf(resource, { ...look, isStranger }, signal);
  if (stranger === "hidden") return `its ${resource.plural} may not be listed, so some may not be ours`;
  const { namespace, name = "" } = stranger?.metadata ?? {};
  return stranger && `${describeRef({ kind: resource.kind, namespace, name })} is not ours`;
}

interface Search extends LiveLook {
  namespace?: string;
  isStranger(object: KubeObject, look: LiveLook, signal: AbortSignal): boolean | Promise<boolean>;
}

async function firstOf(
  resource: Resource,
  { namespace, isStranger: judge, ...look }: Search,
  signal: AbortSignal,
): Promise<KubeObject | "hidden" | undefined> {
  try {
    const { items } = await look.client.listAll(resource, { namespace, metadataOnly: true, signal });
    for (const item of items) if (await judge(item, look, signal)) return item;
    return undefined;
  } catch (error) {
    if (isNotFoundError(error)) return undefined;
    if (isForbiddenError(error)) return "hidden";
    throw error;
  }
}

function isStranger(object: KubeObject, { set }: Pick<LiveLook, "set">): boolean {
  if (object.metadata.deletionTimestamp) return false;
  const observed = observe(object);
  return !(observed && isMember(observed, set));
}

/** Beside ours: not what every namespace has, nor what goes by itself with what we delete. */
async function standsInNamespace(object: KubeObject, look: LiveLook, signal: AbortSignal): Promise<boolean> {
  const { kind, metadata } = object;
  if (kind === "ConfigMap" && metadata.name === "kube-root-ca.crt") return false;
  if (kind === "ServiceAccount" && metadata.name === "default") return false;
  if (kind === "Event" || kind === "PodMetrics") return false;
  // Without an owner, but the controller takes them away with their Service.
  if (kind === "Endpoints" && metadata.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller")
    return false;
  if (isSpentHook(object, look.set) || !isStranger(object, look)) return false;
  const { ownerReferences = [] } = metadata;
  for (const owner of ownerReferences) if (await isOutside(owner, look, signal)) return true;
  return ownerReferences.length === 0;
}

/**
 * Whether an owner is no part of any namespace, and neither ours nor gone: what it owns would go without it. One in the namespace
 * is looked at there.
 */
async function isOutside(
  { apiVersion, kind, name, uid }: OwnerReference,
  { client, set, resources }: LiveLook,
  signal: AbortSignal,
): Promise<boolean> {
  const key = groupKindKey(gvkOf({ apiVersion, kind }));
  const resource = resources.find((one) => groupKindKey(one) === key);
  if (!resource || resource.namespaced) return false;
  try {
    const live = await client.find(resource, { name }, { metadataOnly: true, signal });
    return live?.metadata.uid === uid && isStranger(live, { set });
  } catch (error) {
    if (isForbiddenError(error)) return true;
    throw error;
  }
}

/** What was run once for a release that has gone: Helm leaves it where it is, by its default policy. */
function isSpentHook(object: KubeObject, set: ApplySet): boolean {
  return ["Job.batch", "Pod"].includes(groupKindKey(refOf(object))) && ownHookEntryOf(object, set) !== undefined;
}
