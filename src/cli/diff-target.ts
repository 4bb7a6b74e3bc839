import { CLUSTER_PROFILE } from "../api/kinds.ts";
import { GROUP, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { WriteContext } from "../apply/context.ts";
import { digestKey, profileOfApplySet } from "../apply/system-objects.ts";
import type { Failure } from "../errors.ts";
import { ApiError } from "../kube/api-error.ts";
import { Discovery } from "../kube/discovery.ts";
import { toFailure } from "../kube/failures.ts";
import { ownAccess } from "../kube/own-access.ts";
import { CONFIG_MAPS, NAMESPACES } from "../kube/resource.ts";
import { Site } from "../kube/site/site.ts";
import { type ApplySet, EMPTY_PARENT, type Parent, parseParent } from "../membership/applyset.ts";
import { groupKindKey } from "../objects/identity.ts";
import type { GroupKind, KubeObject } from "../objects/types.ts";
import type { NamedRef } from "../plan/seen.ts";
import { DryRunClient } from "./dry-run-client.ts";
import type { PlanPlace } from "./plan-profile.ts";

/** The cluster that profiles are compared with, as the person of the kubeconfig sees it. */
export interface DiffTarget {
  client: DryRunClient;
  site: Site;
  /** `v1.36.3`. */
  version: string;
  /** Whether it has Strata's own kinds: then it also has what profiles refer to. */
  isHub: boolean;
  /** The key of the digests in the cluster; undefined if there is none yet, or if it may not be read. */
  digestKey: Uint8Array | undefined;
}

export interface TargetOptions {
  kubeconfig: string | undefined;
  context: string | undefined;
  userAgent: string;
}

/** Digests by it are equal to none in the cluster. */
const NO_KEY = new Uint8Array(32);

/** Connects as the kubeconfig says, and asks the cluster what it is. Close the client when done. */
export async function openTarget(
  { kubeconfig, context, userAgent }: TargetOptions,
  signal: AbortSignal,
): Promise<DiffTarget> {
  const client = new DryRunClient(await ownAccess({ kubeconfigPath: kubeconfig, context, env: {} }), userAgent);
  try {
    const site = new Site({
      client,
      discovery: new Discovery(client),
      byNamespace: false,
      onChange: () => undefined,
      onBreak: () => undefined,
      onError: () => undefined,
    });
    const [{ body }, key] = await Promise.all([
      client.request("/version", { signal }),
      digestKey(client, signal).catch(undefinedIfRefused),
      site.discover(signal, false),
    ]);
    const { gitVersion = "" } = body as { gitVersion?: string };
    const isHub = site.served({ group: GROUP, kind: CLUSTER_PROFILE.kind });
    return { client, site, version: gitVersion, isHub, digestKey: key };
  } catch (error) {
    await client.close();
    throw toFailure(error, "looking at the cluster");
  }
}

/** It does not exist, or the person may not read it: who may not is told so where it is compared. */
export function undefinedIfRefused(error: unknown): undefined {
  if (error instanceof ApiError) return undefined;
  throw error;
}

/** The uid of its `kube-system`, by which a cluster is known; undefined for a person who may not read that. */
export async function uidOf({ client }: DiffTarget, signal: AbortSignal): Promise<string | undefined> {
  const key = { name: "kube-system" };
  const live = await client.find(NAMESPACES, key, { metadataOnly: true, signal }).catch(undefinedIfRefused);
  return live?.metadata.uid;
}

/** The parent of a profile's ApplySet; undefined when the profile never came to this cluster. */
export async function parentIn(
  { client }: DiffTarget,
  set: ApplySet,
  signal: AbortSignal,
): Promise<Parent | undefined> {
  const live = await client.find(CONFIG_MAPS, { namespace: SYSTEM_NAMESPACE, name: set.parent }, { signal });
  return live && parseParent(live);
}

/** An object that an output is read from. */
export async function readOutput(
  ref: NamedRef,
  { client, site }: DiffTarget,
  signal: AbortSignal,
): Promise<KubeObject | "absent" | Failure> {
  const resource = site.resourceFor(ref);
  if (!resource) return "absent";
  const { namespace, name } = ref;
  try {
    const place = namespace === undefined ? { name } : { namespace, name };
    return (await client.find(resource, place, { signal })) ?? "absent";
  } catch (error) {
    signal.throwIfAborted();
    return toFailure(error, `${ref.kind} ${name}`);
  }
}

/** The cluster as a plan looks at it; the members are those that were recorded in its site. */
export function viewOf(target: DiffTarget, set: ApplySet, parent: Parent | undefined): PlanPlace["site"] {
  const { site, version } = target;
  return {
    prepared: { digestKey: target.digestKey ?? NO_KEY, parent: parent ?? { ...EMPTY_PARENT, hub: "" } },
    kubernetesVersion: version,
    scopeOf: (kind) => site.scopeOf(kind),
    served: (kind) => site.served(kind),
    servedIn: (kind) => site.resourceFor(kind) !== undefined,
    watchState: () => "live",
    crdOf: (kind) => site.crdOf(kind),
    member: (key) => site.member(key),
    members: () => site.members(set.id),
    named: () => "absent",
    deleted: () => undefined,
    nodes: () => undefined,
    storage: () => ({ classes: undefined, drivers: undefined }),
    releases: () => [],
    explain: () => undefined,
  };
}

/** What the operator's writes need to know, with hands that write nothing. */
export function writesOn(
  { client, site }: DiffTarget,
  { set, profile }: { set: ApplySet; profile: { kind: string } },
  hideEchoes: boolean,
): WriteContext {
  return {
    hideEchoes,
    client,
    set,
    profileKind: profile.kind,
    resourceFor: (kind) => site.resourceFor(kind),
    versionsOf: (kind) => site.versionsOf(kind),
    resources: async () => site.resources(),
    stale: () => site.stale(),
    metadataOnly: () => false,
    toFailure,
    ownerOf: (id, signal) => profileOfApplySet(client, id, signal).catch(undefinedIfRefused),
    // Who else waits for an object, only the operator knows.
    heirOf: () => undefined,
  };
}

/** The preferred resource of a kind, in whatever version. */
export function anyResource({ site }: DiffTarget, kind: GroupKind): ReturnType<Site["resourceFor"]> {
  return site.resources().find((resource) => groupKindKey(resource) === groupKindKey(kind));
}
