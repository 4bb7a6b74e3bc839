import { isMap } from "../objects/json.ts";

/** Keys and indexes from the root of a tree. */
export type TreePath = readonly (string | number)[];

/** A place in a tree and what stands there. */
export interface Spot {
  path: TreePath;
  value: unknown;
  /** It stands inside of a macro's value, where nothing is a macro. */
  isData: boolean;
}

/** How a reader goes into what stands at a place: into a macro's value, or under a key that is a macro. */
export interface SpotReader {
  /** Called for what is neither a map nor a list, when a path goes on below it. */
  open(spot: Spot): Spot[];
  /** The keys of a map that are not what they seem; the name of each is what a path calls it. */
  hiddenKeys(spot: Spot): readonly { key: string; name: string }[];
}

/** Reads plain data. */
export const DATA_READER: SpotReader = { open: () => [], hiddenKeys: () => [] };

/**
 * All places that a dotted path can mean. Keys may have dots themselves (`options: { "system.uri": … }`), so a path has
 * several readings, of which mostly one leads somewhere. A number leads into a list.
 */
export function readings(root: Spot, segments: readonly string[], reader: SpotReader): Spot[] {
  if (segments.length === 0) return [root];
  const { value, path, isData } = root;
  if (Array.isArray(value)) {
    const [index = "", ...rest] = segments;
    const isThere = /^\d{1,6}$/.test(index) && Number(index) < value.length;
    if (!isThere) return [];
    return readings({ path: [...path, Number(index)], value: value[Number(index)], isData }, rest, reader);
  }
  if (!isMap(value)) return reader.open(root).flatMap((spot) => readings(spot, segments, reader));
  const found = segments.flatMap((_, index) => {
    const key = segments.slice(0, index + 1).join(".");
    if (!Object.hasOwn(value, key)) return [];
    return readings({ path: [...path, key], value: value[key], isData }, segments.slice(index + 1), reader);
  });
  if (found.length > 0) return found;
  return reader.hiddenKeys(root).flatMap(({ key, name }) => {
    const parts = name.split(".");
    if (parts.some((part, index) => part !== segments[index])) return [];
    return readings({ path: [...path, key], value: value[key], isData }, segments.slice(parts.length), reader);
  });
}

/** A path for people: `options."system.uri"`, `images[0].name`. */
export function tellPath(path: TreePath): string {
  return path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      return /[.\s]/.test(step) ? `.${JSON.stringify(step)}` : `.${step}`;
    })
    .join("")
    .replace(/^\./, "");
}
