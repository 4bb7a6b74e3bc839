import { canonicalJson, isMap } from "../../objects/json.ts";
import { own } from "../../pack/maps.ts";
import type { Values } from "../../plan/values.ts";

/**
 * What has to go over `base` to make `full` of it, by Helm's rule: maps deep, lists replaced, null deletes.
 *
 * @param below what would show if a key of `base` were not there: in its place the value stands, not null
 */
export function sparse(full: Values, base: Values, below?: unknown): Values {
  const changed = Object.entries(full).flatMap(([key, value]): [string, unknown][] => {
    const before = own(base, key);
    if (isMap(value) && isMap(before)) {
      const inside = sparse(value, before, own(below, key));
      return Object.keys(inside).length > 0 ? [[key, inside]] : [];
    }
    return Object.hasOwn(base, key) && canonicalJson(before) === canonicalJson(value) ? [] : [[key, value]];
  });
  const gone = Object.keys(base).filter((key) => !Object.hasOwn(full, key) && base[key] !== null);
  return Object.fromEntries([...changed, ...gone.map((key) => [key, own(below, key) ?? null])]);
}
