import { isMap } from "../objects/json.ts";
import type { Values } from "../plan/values.ts";

/** Deeper than any values.yaml, and short enough that trying every reading of a dotted path costs nothing. */
const MAX_SEGMENTS = 64;

/** Own properties only, so that a key named `constructor` is not found on every map. */
export function own(map: unknown, key: string): unknown {
  return isMap(map) && Object.hasOwn(map, key) ? map[key] : undefined;
}

/** The map at a key; an empty one where there is nothing, or something else. */
export function mapAt(map: unknown, key: string): Values {
  const value = own(map, key);
  return isMap(value) ? value : {};
}

/** A place in values: the keys and indexes that lead there. */
export interface Spot {
  steps: readonly (string | number)[];
  value: unknown;
}

/**
 * Where a dotted path leads: nowhere, to one place, or with `$[]` (each item of a list) to several. A key may itself
 * have dots (`system.uri`), so that a path has several readings; the one with the shortest keys that leads somewhere
 * is taken.
 */
export function findPath(values: unknown, path: string): Spot[] {
  const segments = path.split(".");
  return segments.length > MAX_SEGMENTS ? [] : find({ steps: [], value: values }, segments);
}

function find(spot: Spot, segments: readonly string[]): Spot[] {
  const [first] = segments;
  if (first === undefined) return [spot];
  const { steps, value } = spot;
  if (first === "$[]") {
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    return items.flatMap((item, index) => find({ steps: [...steps, index], value: item }, segments.slice(1)));
  }
  if (!isMap(value)) return [];
  for (let length = 1; length <= segments.length; length++) {
    const key = segments.slice(0, length).join(".");
    if (!Object.hasOwn(value, key)) continue;
    const found = find({ steps: [...steps, key], value: value[key] }, segments.slice(length));
    if (found.length > 0) return found;
  }
  return [];
}

/** A copy without what stands at these steps; maps on the way stay, even if they are empty now. */
export function without(values: Values, steps: readonly (string | number)[]): Values {
  const [key, ...rest] = steps;
  if (typeof key !== "string" || !Object.hasOwn(values, key)) return values;
  const { [key]: below, ...others } = values;
  if (rest.length === 0) return others;
  if (!isMap(below)) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, name === key ? without(below, rest) : value]),
  );
}
