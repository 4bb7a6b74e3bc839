import { sha256Hex } from "../objects/digest.ts";
import { canonicalJson, isMap, parseJson } from "../objects/json.ts";
import { type FieldSet, isItem, isLeaf } from "./field-sets.ts";

/**
 * A digest of the values that an object has at the fields of a set. It moves when somebody writes another value without
 * taking the field: an admission policy that rewrites it while others write, or whoever applies by our own name. What is
 * empty counts as absent, as the API server drops it from most kinds.
 */
export function valuesDigest(set: FieldSet, object: Record<string, unknown>): string {
  return sha256Hex(canonicalJson(valuesAt(set, object) ?? null)).slice(0, 16);
}

function valuesAt(set: FieldSet, value: unknown): unknown {
  if (isLeaf(set)) return present(value);
  if (isBare(set)) return value === undefined ? undefined : true;
  const found: Record<string, unknown> = {};
  for (const [key, below] of Object.entries(set)) {
    if (key === "." || !isMap(below)) continue;
    const part = key.startsWith("v:") ? holds(value, key) : valuesAt(withoutKeys(key, below), memberAt(key, value));
    if (part !== undefined) found[key] = part;
  }
  return present(found);
}

function holds(list: unknown, key: string): true | undefined {
  return Array.isArray(list) && list.some((item) => isItem(key, item)) ? true : undefined;
}

/** What an item is known by says its key already, also where a manifest leaves it to the server (a port's `protocol`). */
function withoutKeys(key: string, below: FieldSet): FieldSet {
  const keys = key.startsWith("k:") ? parseJson(key.slice(2)) : undefined;
  if (!isMap(keys)) return below;
  const left = Object.fromEntries(Object.entries(below).filter(([field]) => !(field.slice(2) in keys)));
  return Object.keys(left).length > 0 ? left : { ".": {} };
}

/** A map or an item of which nothing but that it is there is ours. */
function isBare(set: FieldSet): boolean {
  return Object.keys(set).every((key) => key === ".");
}

/** What a value has under the key of a field set: `f:` a field, `k:` the item with these keys. */
export function memberAt(key: string, value: unknown): unknown {
  if (key.startsWith("f:")) return isMap(value) ? value[key.slice(2)] : undefined;
  return Array.isArray(value) ? value.find((item) => isItem(key, item)) : undefined;
}

function present(value: unknown): unknown {
  if (value === null) return undefined;
  const isEmpty = Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
  return isEmpty ? undefined : value;
}
