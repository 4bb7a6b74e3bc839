import { isExactNumber, parseJson } from "../objects/json.ts";

/** The `fieldsV1` tree of structured-merge-diff: `f:` fields, `k:` list-map items, `v:` set items, `.` the node itself. */
export type FieldSet = Record<string, unknown>;

/** The fields of a set that an object gives a value to, and with a field all that the set has below it. */
export function fieldsGiven(set: FieldSet, object: Record<string, unknown>): FieldSet {
  const given: FieldSet = {};
  for (const [key, below] of Object.entries(set)) {
    const value = key.startsWith("f:") ? object[key.slice(2)] : undefined;
    if (value !== undefined && isFieldSet(below)) keep(given, key, below, value);
  }
  return given;
}

function keep(given: FieldSet, key: string, below: FieldSet, value: unknown): void {
  const part = partGiven(below, value);
  if (part) given[key] = part;
}

/** Undefined when nothing of it is given. */
function partGiven(below: FieldSet, value: unknown): FieldSet | undefined {
  if (isLeaf(below) || typeof value !== "object" || value === null || isExactNumber(value)) return below;
  const part = Array.isArray(value) ? itemsGiven(below, value) : fieldsGiven(below, value as Record<string, unknown>);
  if (Object.keys(part).length === 0) return undefined;
  return "." in below ? { ".": {}, ...part } : part;
}

function itemsGiven(set: FieldSet, items: readonly unknown[]): FieldSet {
  const given: FieldSet = {};
  for (const [key, below] of Object.entries(set)) {
    const item = items.find((one) => isItem(key, one));
    if (item !== undefined && isFieldSet(below)) keep(given, key, below, item);
  }
  return given;
}

/** A key that a manifest leaves out was defaulted by the server (a port's `protocol`), so only the given ones count. */
export function isItem(key: string, item: unknown): boolean {
  if (key.startsWith("v:")) return key.slice(2) === JSON.stringify(item);
  if (!key.startsWith("k:") || !isFieldSet(item)) return false;
  const keys = parseJson(key.slice(2));
  return isFieldSet(keys) && Object.entries(keys).every(([name, value]) => (item[name] ?? value) === value);
}

/** What of a set is left without the fields of another; undefined when nothing is. */
export function withoutFields(set: FieldSet, taken: FieldSet): FieldSet | undefined {
  const left: FieldSet = {};
  for (const [key, below] of Object.entries(set)) {
    const gone = taken[key];
    if (key === "." || !isFieldSet(below)) continue;
    const rest = gone === undefined ? below : isFieldSet(gone) && !isLeaf(gone) && withoutFields(below, gone);
    if (rest) left[key] = rest;
  }
  if (Object.keys(left).length === 0) return undefined;
  return "." in set ? { ".": {}, ...left } : left;
}

/**
 * Whether a forced apply that took fields back gave none of them another value: a field of which the value differed is taken
 * from whoever had it, one with the same value is his too from then on. What only the set before has is gone, with its values.
 *
 * @param others what everybody else owns after the apply
 */
export function isRetaken(own: { before: FieldSet; after: FieldSet }, others: FieldSet): boolean {
  const { before, after } = own;
  const taken = withoutFields(after, before);
  return withoutFields(before, after) === undefined && (!taken || withoutFields(taken, others) === undefined);
}

/** Whether a set has a field that another has too: what `withoutFields` would take from it. */
export function sharesFields(set: FieldSet, other: FieldSet): boolean {
  return Object.entries(set).some(([key, below]) => {
    const there = other[key];
    if (key === "." || !isFieldSet(below) || !isFieldSet(there)) return false;
    const isWhole = isLeaf(there) || Object.keys(below).every((name) => name === ".");
    return isWhole || sharesFields(below, there);
  });
}

/** A field without fields of its own: a scalar, or what is owned as a whole. */
export function isLeaf(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

function isFieldSet(value: unknown): value is FieldSet {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
