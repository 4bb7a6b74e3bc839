import type { KubeClient } from "../kube/client.ts";
import type { Resource } from "../kube/resource.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { isMember, observe, ownHookEntryOf } from "../membership/observed.ts";
import { groupKindKey, refOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import { isForbiddenError, isNotFoundError } from "./conflicts.ts";

/** A live look at one cluster, to find what deleting a whole namespace or kind would take from others. */
export interface LiveLook {
  client: KubeClient;
  set: ApplySet;
  /** Every resource that the cluster serves, from fresh discovery. */
  resources: readonly Resource[];
}

/** Why a namespace must stay: something in it is not ours, or may not be looked at. Undefined when nothing speaks for it. */
export async function strangerInNamespace(
  namespace: string,
  look: LiveLook,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const resource of look.resources.filter(({ namespaced, verbs }) => namespaced && verbs.includes("list"))) {
    const stranger = await firstOf(resource, { ...look, namespace, isStranger: standsInNamespace }, signal);
    if (stranger === "hidden")
      return `${resource.plural} in it may not be listed, so it may hold something that is not ours`;
    if (stranger) return `${resource.kind} ${stranger.metadata.name} in it is not ours`;
  }
  return undefined;
}

/** Why a CustomResourceDefinition must stay: with it, every object of its kind would go. */
export async function strangerOfKind(crd: string, look: LiveLook, signal: AbortSignal): Promise<string | undefined> {
  const resource = look.resources.find(({ plural, group }) => `${plural}.${group}` === crd);
  if (!resource) return undefined;
  const stranger = await firstOf(resource, { ...look, isStranger }, signal);
  if (stranger === "hidden") return `its ${resource.plural} may not be listed, so some may not be ours`;
  const { namespace, name } = stranger?.metadata ?? {};
  return stranger && `${resource.kind} ${[namespace, name].filter(Boolean).join("/")} is not ours`;
}

interface Search extends LiveLook {
  namespace?: string;
  isStranger(object: KubeObject, set: ApplySet): boolean;
}

async function firstOf(
  resource: Resource,
  { client, set, namespace, isStranger: judge }: Search,
  signal: AbortSignal,
): Promise<KubeObject | "hidden" | undefined> {
  try {
    const { items } = await client.listAll(resource, { namespace, metadataOnly: true, signal });
    return items.find((item) => judge(item, set));
  } catch (error) {
    if (isNotFoundError(error)) return undefined;
    if (isForbiddenError(error)) return "hidden";
    throw error;
  }
}

function isStranger(object: KubeObject, set: ApplySet): boolean {
  if (object.metadata.deletionTimestamp) return false;
  const observed = observe(object);
  return !(observed && isMember(observed, set));
}

/** Beside ours: not what every namespace has, nor what goes by itself with what we delete. */
function standsInNamespace(object: KubeObject, set: ApplySet): boolean {
  const { kind, metadata } = object;
  if ((metadata.ownerReferences?.length ?? 0) > 0) return false;
  if (kind === "ConfigMap" && metadata.name === "kube-root-ca.crt") return false;
  if (kind === "ServiceAccount" && metadata.name === "default") return false;
  if (kind === "Event" || kind === "PodMetrics") return false;
  // Without an owner, but the controller takes them away with their Service.
  if (kind === "Endpoints" && metadata.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller")
    return false;
  if (isSpentHook(object, set)) return false;
  return isStranger(object, set);
}

/** What was run once for a release that has gone: Helm leaves it where it is, by its default policy. */
function isSpentHook(object: KubeObject, set: ApplySet): boolean {
  return ["Job.batch", "Pod"].includes(groupKindKey(refOf(object))) && ownHookEntryOf(object, set) !== undefined;
}
