import type { Layer } from "../api/types.ts";
import { gvkOf } from "../objects/identity.ts";
import { scopeOfBuiltIn } from "../objects/scope.ts";
import type { KubeObject } from "../objects/types.ts";
import { matches } from "./targets.ts";

/** Chooses among the objects of a layer: those of which everything that is set holds. */
export type ObjectTarget = NonNullable<Layer["patches"]>[number]["target"];

/**
 * Whether a target takes an object.
 *
 * @param ofLayer the namespace of objects that name none
 */
export function isMeant(
  { group, version, kind, name, namespace, labelSelector }: ObjectTarget,
  object: KubeObject,
  ofLayer: string | undefined,
): boolean {
  const gvk = gvkOf(object);
  const { metadata } = object;
  const home = metadata.namespace || (scopeOfBuiltIn(gvk) === "Cluster" ? undefined : ofLayer);
  const pairs = [
    [group, gvk.group],
    [version, gvk.version],
    [kind, gvk.kind],
    [name, metadata.name],
    [namespace, home],
  ];
  const isNamed = pairs.every(([wanted, actual]) => wanted === undefined || wanted === actual);
  return isNamed && (labelSelector === undefined || matches(labelSelector, metadata.labels ?? {}));
}
