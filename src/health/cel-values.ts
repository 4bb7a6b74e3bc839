import type { KubeObject } from "../objects/types.ts";
import { isFields } from "./fields.ts";

/** What an expression sees, and how large it is. */
export interface Scope {
  variables: Record<string, unknown>;
  /** Entries of the largest list or map. */
  largest: number;
  /** Characters of the longest string. */
  longest: number;
}

export class TooDeepError extends Error {
  override readonly name = "TooDeepError";
}

const MAX_DEPTH = 200;

/**
 * The object as variables: each top-level field by its name, as Flux has it, and the whole as `self`. Only what `wanted`
 * names is converted. Integers become CEL ints (bigint), other numbers are doubles. `managedFields` is left out: it is
 * large, and no business of a health check.
 *
 * @throws TooDeepError for an object nested more than 200 levels deep
 */
export function scopeOf(object: KubeObject, wanted: ReadonlySet<string>): Scope {
  const scope: Scope = { variables: Object.create(null), largest: 0, longest: 0 };
  const { managedFields: _, ...metadata } = object.metadata;
  const visible: Record<string, unknown> = { ...object, metadata };
  for (const [field, value] of Object.entries(visible)) {
    if (wanted.has(field)) scope.variables[field] = convert(value, scope, 1);
  }
  if (wanted.has("self")) scope.variables["self"] = convert(visible, scope, 0);
  return scope;
}

function convert(value: unknown, scope: Scope, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new TooDeepError();
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "string") {
    scope.longest = Math.max(scope.longest, value.length);
    return value;
  }
  if (Array.isArray(value)) {
    scope.largest = Math.max(scope.largest, value.length);
    return value.map((item) => convert(item, scope, depth + 1));
  }
  return isFields(value) ? convertMap(value, scope, depth) : value;
}

function convertMap(value: Record<string, unknown>, scope: Scope, depth: number): unknown {
  const exact = exactInteger(value);
  if (exact !== undefined) return exact;
  // A Map, so that a field named `__proto__` or `constructor` is a field like any other.
  const map = new Map<string, unknown>();
  const entries = Object.entries(value);
  scope.largest = Math.max(scope.largest, entries.length);
  for (const [key, item] of entries) {
    scope.longest = Math.max(scope.longest, key.length);
    // A key without a value is no JSON: it is absent.
    if (item !== undefined) map.set(key, convert(item, scope, depth + 1));
  }
  return map;
}

interface RawJSON {
  isRawJSON?: (value: unknown) => boolean;
}

/** An integer beyond 2^53 that was kept as its text (`JSON.rawJSON`). */
function exactInteger(value: Record<string, unknown>): bigint | number | undefined {
  if (!(JSON as RawJSON).isRawJSON?.(value)) return undefined;
  const text = String(value["rawJSON"]);
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}
