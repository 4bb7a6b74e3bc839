import { cloneJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";

const REFUSED = /must be of type \w+: "null"$/;

/**
 * An object without the nulls that the API server has just refused in it: where the schema of a custom resource does not
 * allow one, it drops a null from what is created or updated, as Helm 3 and `kubectl apply` do, but not from a server-side
 * apply. Undefined when the error is about something else too.
 *
 * @param error what the API server answered, read by its shape
 */
export function withoutRefusedNulls(error: unknown, object: KubeObject): KubeObject | undefined {
  const { status, causes = [] } = error as { status?: unknown; causes?: { field: string; message: string }[] };
  if (status !== 422 || causes.length === 0 || causes.some(({ message }) => !REFUSED.test(message))) return undefined;
  const result = cloneJson(object);
  const areGone = causes.map(({ field }) => dropNull(result, stepsOf(field)));
  return areGone.every(Boolean) ? result : undefined;
}

/** `spec.tiers[0].labels[a.b]` → its keys. */
function stepsOf(field: string): string[] {
  return [...field.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([step, bracketed]) => bracketed ?? step);
}

function dropNull(root: unknown, steps: readonly string[]): boolean {
  const last = steps.at(-1) ?? "";
  let parent = root;
  for (const step of steps.slice(0, -1)) parent = (parent as Record<string, unknown> | null | undefined)?.[step];
  if (typeof parent !== "object" || parent === null || Array.isArray(parent)) return false;
  const map = parent as Record<string, unknown>;
  if (map[last] !== null) return false;
  delete map[last];
  return true;
}
