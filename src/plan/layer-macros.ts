import type { Layer } from "../api/types.ts";
import { hideMacrosInTree } from "../pack/macro-text.ts";
import type { MacroTable } from "../pack/macro-types.ts";
import { mapLiterals } from "./expression-text.ts";

/** A layer in whose values macros are opaque, and what they are. */
export interface MacroLayer {
  layer: Layer;
  macros?: MacroTable;
}

const known = new WeakMap<Layer, WeakMap<Uint8Array, MacroLayer>>();

/**
 * Hides the macros in the values that a profile gives to a pack. It comes before the expressions in them are evaluated:
 * what a variable or an output gives is data, also where it looks like a macro.
 * The very same layer and key give the very same answer, so that a pass in which nothing changed digests no text.
 *
 * @param key of the target's digests
 */
export function withMacrosHidden(layer: Layer, key: Uint8Array): MacroLayer {
  if (!layer.pack || !layer.values) return { layer };
  const byKey = known.get(layer) ?? new WeakMap<Uint8Array, MacroLayer>();
  known.set(layer, byKey);
  const before = byKey.get(key) ?? hidden(layer, key);
  byKey.set(key, before);
  return before;
}

function hidden(layer: Layer, key: Uint8Array): MacroLayer {
  const { tree, macros } = hideMacrosInTree(layer.values, `layer ${layer.name}, values`, { key, within: mapLiterals });
  return macros.size === 0 ? { layer } : { layer: { ...layer, values: tree as Record<string, unknown> }, macros };
}
