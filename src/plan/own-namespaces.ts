import type { Parent } from "../membership/applyset.ts";
import { isHome } from "./home.ts";
import { namespacesOf } from "./layer-namespace.ts";
import { REMOVAL } from "./removal.ts";
import type { Attempt, NamedRef, Seen } from "./seen.ts";
import type { Step } from "./step.ts";
import type { Plan } from "./types.ts";

/** The namespaces that no layer uses any more. One that is suspended may be written down otherwise than it is. */
export function abandonedBy({ layers }: Plan, { ownNamespaces }: Parent): string[] {
  if (layers.some(({ spec }) => spec.suspend)) return [];
  const used = new Set(layers.flatMap((layer) => namespacesOf(layer)));
  return [...ownNamespaces].filter((namespace) => !used.has(namespace));
}

/** Gives up the first of these namespaces that is due. */
export function leaveStep(left: readonly string[], seen: Seen): Step | undefined {
  const isDue = (namespace: string) => seen.now >= (stuckOf(namespace, seen)?.retryAt ?? 0);
  const namespace = left.find((one) => !seen.leaving.has(one) && isDue(one));
  return namespace === undefined ? undefined : { kind: "LeaveNamespace", namespace };
}

function stuckOf(namespace: string, seen: Seen): Attempt | undefined {
  const attempt = seen.namespaces.get(namespace);
  return attempt?.digest === REMOVAL ? attempt : undefined;
}

/** The tries to give up a namespace that failed. */
export function stuckNamespaces(left: Iterable<string>, seen: Seen): Attempt[] {
  return [...left].flatMap((namespace) => stuckOf(namespace, seen) ?? []);
}

/** Whether a namespace is given up: it is gone, or stays for good. */
export function isLeft(namespace: string, seen: Seen): boolean {
  const state = seen.leaving.get(namespace);
  return (
    state === "left" ||
    state === "kept" ||
    (state === "deleting" && (isHome(namespace, seen) || seen.site.named(namespaceRef(namespace)) === "absent"))
  );
}

/** How a namespace is watched while it goes. */
export function namespaceRef(name: string): NamedRef {
  return { group: "", version: "v1", kind: "Namespace", namespace: undefined, name };
}
