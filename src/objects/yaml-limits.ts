import { cloneJson, isExactNumber } from "./json.ts";

/** Maps and lists inside one another. */
export const MAX_DEPTH = 64;

/** What aliases may add to a text: nodes and characters. Without aliases a document weighs at most twice its text. */
const MAX_ADDED_BY_ALIASES = 1_000_000;

export const TOO_DEEP = `maps and lists are nested deeper than ${MAX_DEPTH}`;
const TOO_LARGE_EXPANDED = "the document is too large once its aliases are written out";

/** A limit of ours that a document exceeds; the message is a sentence for people. */
export class LimitExceeded extends Error {}

interface Measure {
  /** Nodes and characters with aliases written out. */
  weight: number;
  /** Of maps and lists. */
  depth: number;
}

/** Each map and list is measured once, however many aliases name it. Throws LimitExceeded when it is too deep. */
function measure(node: unknown, known: Map<object, Measure>): Measure {
  if (typeof node === "string") return { weight: node.length + 1, depth: 0 };
  if (typeof node !== "object" || node === null || isExactNumber(node)) return { weight: 1, depth: 0 };
  const measured = known.get(node);
  if (measured !== undefined) return measured;
  const sum = { weight: 1, depth: 1 };
  for (const [key, item] of Object.entries(node)) {
    const { weight, depth } = measure(item, known);
    sum.weight += weight + (Array.isArray(node) ? 0 : key.length);
    sum.depth = Math.max(sum.depth, depth + 1);
  }
  if (sum.depth > MAX_DEPTH) throw new LimitExceeded(TOO_DEEP);
  known.set(node, sum);
  return sum;
}

/**
 * Writes out aliases: the result shares no map or list between two places. Throws LimitExceeded, before it takes
 * memory, where that gets too deep or too large ("billion laughs").
 *
 * @param textLength of the text that the value was read from
 */
export function expand(value: unknown, textLength: number): unknown {
  const { weight } = measure(value, new Map());
  if (weight > 2 * textLength + MAX_ADDED_BY_ALIASES) throw new LimitExceeded(TOO_LARGE_EXPANDED);
  return cloneJson(value);
}
