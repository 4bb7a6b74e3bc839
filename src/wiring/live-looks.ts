import { LOCAL_CLUSTER } from "../api/names.ts";
import { parseTargetCluster } from "../api/parse.ts";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { ApiError } from "../kube/api-error.ts";
import type { KubeClient } from "../kube/client.ts";
import { toFailure } from "../kube/failures.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { NAMESPACES, type Resource, SECRETS } from "../kube/resource.ts";
import { secretRef } from "../kube/targets/targets.ts";
import type { KubeObject } from "../objects/types.ts";

/**
 * What is not on the hub any more of that which leads to a cluster, by a live look: a watch may be behind, and what is left in
 * a cluster, or deleted on the hub, because of it is so for good. To what makes the cluster no Secret leads.
 *
 * @returns a sentence; undefined when all is there; a Failure where Strata may not look. With a namespace that is being
 * deleted goes its right to look there: then the Secret is gone too.
 */
export async function absenceOf(
  hub: KubeClient,
  { clusterRef: { namespace = "", name }, applyTo }: Pick<ProfileDeployment["spec"], "clusterRef" | "applyTo">,
  signal: AbortSignal,
): Promise<string | Failure | undefined> {
  if (name === LOCAL_CLUSTER) return undefined;
  const target = await named(hub, HUB_RESOURCES.TargetCluster, { namespace, name, signal });
  const parsed = target && parseTargetCluster(target);
  if (!parsed) return `TargetCluster ${namespace}/${name} does not exist`;
  if (!parsed.ok || applyTo === "Management") return undefined;
  const secret = secretRef(parsed.value).name;
  const absent = `Secret ${namespace}/${secret}, the kubeconfig of TargetCluster ${name}, does not exist`;
  try {
    const found = await named(hub, SECRETS, { namespace, name: secret, metadataOnly: true, signal });
    return found ? undefined : absent;
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 403)) throw error;
    if (await isNamespaceGoing(hub, namespace, signal)) return absent;
    return toFailure(error, `reading Secret ${namespace}/${secret}`);
  }
}

/** Whether the namespace of a profile is being deleted, by a live look. */
export async function isTenantGoing(hub: KubeClient, { metadata }: Profile, signal: AbortSignal): Promise<boolean> {
  return metadata.namespace !== undefined && (await isNamespaceGoing(hub, metadata.namespace, signal));
}

async function isNamespaceGoing(hub: KubeClient, name: string, signal: AbortSignal): Promise<boolean> {
  const namespace = await named(hub, NAMESPACES, { name, metadataOnly: true, signal });
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
