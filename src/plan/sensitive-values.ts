import { isMap } from "../objects/json.ts";
import { PlaceSet, pathKey } from "../pack/path-key.ts";
import type { LayerInputs } from "./inputs.ts";
import { parseValues, setAtPath } from "./values.ts";

/** The places of a tree that `evaluateTree` calls by paths that begin with `where`. */
export function keysBelow(paths: readonly string[], where: string): string[] {
  return paths.map((path) => path.slice(where.length));
}

/** The places in the merged values of a layer that come from something sensitive, with all below them. */
export function sensitiveValues({ layer, texts, overrides, sensitive }: LayerInputs): readonly string[] {
  let keys = sensitive?.values ?? [];
  const put = (given: readonly string[], secret: readonly string[]) => {
    const replaced = new PlaceSet(given);
    keys = [...keys.filter((key) => !replaced.has(key)), ...secret];
  };
  layer.valuesFrom?.forEach((source, index) => {
    const isSecret = source.secretKeyRef !== undefined;
    for (const { text } of texts.get(`valuesFrom[${index}]`) ?? []) {
      const given = placesOf(text, source.targetPath);
      put(given, isSecret ? given : []);
    }
  });
  overrides.forEach((tree, index) => {
    put(leavesOf(tree), sensitive?.overrides[index] ?? []);
  });
  return [...new Set(keys)];
}

/** Where a text puts values. One that cannot be read is told of by `layerValues`. */
function placesOf(text: string, targetPath: string | undefined): string[] {
  if (targetPath === undefined) {
    const parsed = parseValues(text, "");
    return parsed.ok ? leavesOf(parsed.value) : [];
  }
  const set = setAtPath({}, targetPath, text);
  return set.ok ? endsOf(set.value) : [];
}

/** What replaces whatever was there before: all but maps. */
function leavesOf(tree: unknown, path: readonly string[] = []): string[] {
  if (!isMap(tree)) return [pathKey(path)];
  return Object.entries(tree).flatMap(([key, value]) => leavesOf(value, [...path, key]));
}

/** The only text of a tree that has no other value: `setAtPath` changes one item of a list and leaves the others. */
function endsOf(tree: unknown, path: readonly (string | number)[] = []): string[] {
  if (typeof tree === "string") return [pathKey(path)];
  if (Array.isArray(tree)) return tree.flatMap((value, index) => endsOf(value, [...path, index]));
  if (!isMap(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) => endsOf(value, [...path, key]));
}
