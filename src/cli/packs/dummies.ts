import { isMap } from "../../objects/json.ts";
import { macroScalarOf } from "../../pack/macro-text.ts";
import type { MacroTable } from "../../pack/macro-types.ts";
import type { Values } from "../../plan/values.ts";

/** A name of a namespace, a value of a label, a name of a release: whatever a macro may stand for. */
const DUMMY = "x1";
const PRIORITY = "spectrocloud.com/install-priority";

/** Whether a hidden macro stands somewhere in a value. */
export function holdsMacro(value: unknown, macros: MacroTable): boolean {
  if (typeof value === "string") return macroScalarOf(value, macros) !== undefined;
  if (Array.isArray(value)) return value.some((item) => holdsMacro(item, macros));
  return (
    isMap(value) &&
    Object.entries(value)
      .flat()
      .some((item) => holdsMacro(item, macros))
  );
}

/** Values in which every hidden macro has some value, so that what stands around it can be judged. */
export function withDummies(values: Values, macros: MacroTable): Values {
  const { pack } = values;
  const isOpen = isMap(pack) && holdsMacro(pack[PRIORITY], macros);
  return replaced(isOpen ? { ...values, pack: { ...pack, [PRIORITY]: "0" } } : values, macros) as Values;
}

function replaced(value: unknown, macros: MacroTable): unknown {
  const inText = (text: string): string =>
    macroScalarOf(text, macros)
      ?.parts.map((part) => (typeof part === "string" ? part : DUMMY))
      .join("") ?? text;
  if (typeof value === "string") return inText(value);
  if (Array.isArray(value)) return value.map((item) => replaced(item, macros));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [inText(key), replaced(item, macros)]));
}
