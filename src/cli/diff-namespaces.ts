import { ensureNamespace } from "../apply/layer-namespace.ts";
import { Failure } from "../errors.ts";
import { NAMESPACES } from "../kube/resource.ts";
import { keyOf } from "../objects/identity.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import { namespaceMetadataOf } from "../plan/layer-namespace.ts";
import { secrecyOf } from "./diff-mask.ts";
import { difference, refused } from "./diff-objects.ts";
import { comparable, foretold } from "./diff-shape.ts";
import type { DiffTarget } from "./diff-target.ts";
import type { ObjectDiff } from "./diff-types.ts";
import type { ProfilePlan } from "./plan-profile.ts";

const NOTHING_SECRET = secrecyOf({ exact: [], contained: [], sealed: [] });

export function namespaceRefOf(name: string): ObjectRef {
  return { group: "", version: "v1", kind: "Namespace", name };
}

/** The namespaces that layers ask for (`namespace:`), by the layer that is first to need each; not those that a manifest brings. */
export function layerNamespaces({ layers }: ProfilePlan): ReadonlyMap<string, string> {
  const desired = layers.flatMap(({ state }) => (state.kind === "known" ? state.desired : []));
  const brought = new Set(desired.map(({ key }) => key));
  const first = new Map<string, string>();
  for (const { spec, namespace, state } of layers) {
    if (namespace === undefined || state.kind !== "known" || first.has(namespace)) continue;
    const isUsed = state.desired.some(({ ref }) => ref.namespace === namespace);
    if (isUsed && !brought.has(keyOf(namespaceRefOf(namespace)))) first.set(namespace, spec.name);
  }
  return first;
}

/** What Strata would do to a layer's namespace; undefined when that is nothing that people would see. */
export async function compareNamespace(
  name: string,
  { target, plan }: { target: DiffTarget; plan: ProfilePlan },
  signal: AbortSignal,
): Promise<ObjectDiff | undefined> {
  const ref = namespaceRefOf(name);
  const key = keyOf(ref);
  const { client } = target;
  try {
    const metadata = namespaceMetadataOf(plan.layers, name);
    if (metadata instanceof Failure) throw metadata;
    await ensureNamespace(client, { set: plan.seen.set, name, metadata }, signal);
    const answer = client.applied(key);
    if (!answer) return undefined;
    const live = await client.find<KubeObject>(NAMESPACES, { name }, { signal });
    const after = live ? comparable(answer) : foretold(answer, answer);
    const diff = difference({ ref, key, notes: [] }, { before: live && comparable(live), after }, NOTHING_SECRET);
    return diff.change === "unchanged" ? undefined : diff;
  } catch (error) {
    signal.throwIfAborted();
    return refused(ref, error, NOTHING_SECRET);
  }
}
