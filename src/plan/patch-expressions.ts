import type { Layer } from "../api/types.ts";
import { stringifyJson } from "../objects/json.ts";
import { parseYaml } from "../objects/yaml.ts";
import type { Scope } from "./expression-scope.ts";
import { type Evaluated, evaluateTree } from "./expressions.ts";
import { SEEN_BY_ALL } from "./seen-names.ts";

const EXPRESSION = "${{";
/** What messages name of an operation. */
const IN_WORDS = /\.patch\[\d+\]\.(op|path|from)$/;

/**
 * The patches of a layer with expressions, by their numbers, with what these give. A patch is read before its scalars are
 * evaluated: what comes out is data, and cannot be another operation.
 */
export function patchTexts(
  { patches = [] }: Pick<Layer, "patches">,
  scope: Scope,
): ReadonlyMap<number, Evaluated<string>> {
  const texts = patches.flatMap(({ patch }, index): [number, Evaluated<string>][] => {
    const parsed = patch.includes(EXPRESSION) ? parseYaml(patch, "") : undefined;
    if (!parsed?.ok) return [];
    return [[index, evaluatedText(parsed.value, `patches[${index}].patch`, scope)]];
  });
  return new Map(texts);
}

function evaluatedText(patch: unknown, where: string, scope: Scope): Evaluated<string> {
  const evaluated = evaluateTree(patch, scope, where);
  if (evaluated.kind !== "value") return evaluated;
  const seen = evaluated.sensitivePaths.filter((path) => IN_WORDS.test(path));
  if (seen.length > 0) return { kind: "failed", problems: seen.map((path) => `${path}: ${SEEN_BY_ALL}`) };
  return { ...evaluated, value: stringifyJson(evaluated.value) };
}

/** The patches with the texts that stand for some. */
export function withTexts(
  { patches }: Pick<Layer, "patches">,
  texts: ReadonlyMap<number, Evaluated<string>>,
): Pick<Layer, "patches"> {
  if (!patches || texts.size === 0) return {};
  return {
    patches: patches.map((one, index) => {
      const text = texts.get(index);
      return text?.kind === "value" ? { ...one, patch: text.value } : one;
    }),
  };
}
