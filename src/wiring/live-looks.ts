import { LOCAL_CLUSTER } from "../api/names.ts";
import { parseTargetCluster } from "../api/parse.ts";
import type { ClusterRef, Profile } from "../api/types.ts";
import type { KubeClient } from "../kube/client.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { coreResource, type Resource } from "../kube/resource.ts";
import { secretRef } from "../kube/targets/targets.ts";
import type { KubeObject } from "../objects/types.ts";

const SECRETS = coreResource("Secret", "secrets", true);
const NAMESPACES = coreResource("Namespace", "namespaces", false);

/**
 * What is not on the hub any more of that which leads to a cluster, by a live look: a watch may be behind, and what is left in
 * a cluster because of it is left for good.
 *
 * @returns a sentence; undefined when all is there
 */
export async function absenceOf(
  hub: KubeClient,
  { namespace = "", name }: ClusterRef,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (name === LOCAL_CLUSTER) return undefined;
  const target = await named(hub, HUB_RESOURCES.TargetCluster, { namespace, name, signal });
  const parsed = target && parseTargetCluster(target);
  if (!parsed) return `TargetCluster ${namespace}/${name} does not exist`;
  if (!parsed.ok) return undefined;
  const secret = secretRef(parsed.value).name;
  const found = await named(hub, SECRETS, { namespace, name: secret, metadataOnly: true, signal });
  return found ? undefined : `Secret ${namespace}/${secret}, the kubeconfig of TargetCluster ${name}, does not exist`;
}

/** Whether the namespace of a profile is being deleted, by a live look. */
export async function isTenantGoing(hub: KubeClient, { metadata }: Profile, signal: AbortSignal): Promise<boolean> {
  if (metadata.namespace === undefined) return false;
  const namespace = await named(hub, NAMESPACES, { name: metadata.namespace, metadataOnly: true, signal });
  return namespace?.metadata.deletionTimestamp !== undefined;
}

interface Named {
  namespace?: string;
  name: string;
  metadataOnly?: boolean;
  signal: AbortSignal;
}

/** As a list of one: Strata has the right to list these, and needs no other. */
async function named(hub: KubeClient, resource: Resource, { name, ...rest }: Named): Promise<KubeObject | undefined> {
  const { items } = await hub.listAll(resource, { ...rest, fieldSelector: `metadata.name=${name}` });
  return items[0];
}
