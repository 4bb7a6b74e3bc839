import type { TreePath } from "./macro-lookup.ts";
import { macroScalarOf } from "./macro-text.ts";
import type { MacroDocument, MacroPlan, MacroTable } from "./macro-types.ts";
import { pathKey } from "./path-key.ts";

type Sensitive = Extract<MacroPlan, { kind: "done" }>["sensitive"];

/** A document whose macros are values now. It still knows where it has something sensitive. */
export function resolvedDocument(document: MacroDocument, tree: unknown, sensitive: Sensitive): MacroDocument {
  const { sensitive: own = [], macros, ...rest } = document;
  const keys = [...own, ...(sensitive?.get(document) ?? []).map((path) => pathKey(withoutMacros(path, macros)))];
  const resolved = { ...rest, tree, macros: new Map() };
  return keys.length > 0 ? { ...resolved, sensitive: [...new Set(keys)] } : resolved;
}

/** Up to a key that is a macro, which has another name by now. */
function withoutMacros(path: TreePath, macros: MacroTable): TreePath {
  const first = path.findIndex((step) => typeof step === "string" && macroScalarOf(step, macros) !== undefined);
  return first === -1 ? path : path.slice(0, first);
}
