import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Resource } from "../kube/resource.ts";
import { storedVersionsOf } from "../membership/observed.ts";
import { servedVersionsOf } from "../objects/crd-versions.ts";
import type { KubeObject } from "../objects/types.ts";

const CRDS: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
  verbs: [],
  hasStatus: true,
};

/**
 * What is known of the objects of a CRD whose kind is in no discovery: `empty` when there never was one, `unseen` when it serves
 * no version and there may be some all the same.
 *
 * @throws Failure StaleRead when it serves versions, and discovery is only behind
 */
export async function unservedCrd(name: string, client: KubeClient, signal: AbortSignal): Promise<"empty" | "unseen"> {
  const live = await client.find(CRDS, { name }, { signal });
  if (!live || !wasEstablished(live) || storedVersionsOf(live).length === 0) return "empty";
  if (servedVersionsOf(live).length === 0) return "unseen";
  throw new Failure("StaleRead", `CustomResourceDefinition ${name}: its kind is not served yet; it is looked at again`);
}

/** Once it is, it stays so, also when it loses a name or serves nothing any more. */
function wasEstablished(crd: KubeObject): boolean {
  const { conditions } = (crd["status"] ?? {}) as { conditions?: { type?: unknown; status?: unknown }[] };
  return conditions?.some(({ type, status }) => type === "Established" && status === "True") === true;
}
