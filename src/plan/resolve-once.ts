import type { Layer } from "../api/types.ts";
import type { Scope } from "./expression-scope.ts";
import { scopeDigest } from "./manifest-expressions.ts";
import { type ResolvedLayer, resolveLayer } from "./resolve-layer.ts";
import type { Seen } from "./seen.ts";

interface Known {
  written: Layer;
  scope: string;
  resolved: ResolvedLayer;
}

const known = new WeakMap<Seen["contents"], Map<string, Known>>();

/**
 * As `resolveLayer`; the very same answer as in the pass before, while nothing has changed that expressions may read.
 *
 * @param written the layer as the profile has it, from which `layer` is made
 * @param memory lives as long as what is remembered of the deployment
 * @param as tells apart what is asked of one layer in one pass
 */
export function resolveOnce(
  layer: Layer,
  scope: Scope,
  { written, memory, digestKey, as }: { written: Layer; memory: Seen["contents"]; digestKey: Uint8Array; as: string },
): ResolvedLayer {
  const all = known.get(memory) ?? new Map<string, Known>();
  known.set(memory, all);
  const key = `${written.name} ${as}`;
  const before = all.get(key);
  const digest = scopeDigest(scope, digestKey);
  if (before?.written === written && before.scope === digest) return before.resolved;
  const resolved = resolveLayer(layer, scope);
  all.set(key, { written, scope: digest, resolved });
  return resolved;
}
