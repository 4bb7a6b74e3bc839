import type { TreePath } from "./macro-lookup.ts";

/** A place in a tree as one text, as expressions name it too: `.images[0].app\.kubernetes`. No two places share one. */
export function pathKey(path: TreePath): string {
  return path.map((step) => (typeof step === "number" ? `[${step}]` : keyStep(step))).join("");
}

/** The step to a key of a map; what would begin another step is escaped. */
export function keyStep(key: string): string {
  return `.${key.replaceAll(/[\\.[]/g, "\\$&")}`;
}

/** The places on the way to one, from the root to itself. */
function placesTo(key: string): string[] {
  const ends = [...key.matchAll(/\\.|([.[])/g)].flatMap(({ index, 1: begins }) => (begins ? [index] : []));
  return [...ends, key.length].map((end) => key.slice(0, end));
}

/** Places, each with all that is below it. */
export class PlaceSet {
  readonly #keys: ReadonlySet<string>;
  readonly #above: ReadonlySet<string>;

  constructor(keys: Iterable<string>) {
    this.#keys = new Set(keys);
    this.#above = new Set([...this.#keys].flatMap(placesTo));
  }

  /** Whether a place is one of these, or below one. */
  has(key: string): boolean {
    return placesTo(key).some((place) => this.#keys.has(place));
  }

  /** Whether a place has anything of these, or is part of it. */
  touches(key: string): boolean {
    return this.#above.has(key) || this.has(key);
  }
}
