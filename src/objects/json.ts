/**
 * JSON in which no integer loses a digit. JavaScript's numbers are exact up to 2^53; Kubernetes has int64 fields.
 * An integer beyond that is kept as the frozen object that `JSON.rawJSON` makes of its text.
 */

import { hasBackslashKey, hideEscapedKeys } from "./json-keys.ts";

/** An integer beyond 2^53, as its digits. Compare two of them by `rawJSON`; never spread or `structuredClone` one. */
export interface ExactNumber {
  readonly rawJSON: string;
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** The "JSON.parse source text access" proposal, in Node since 21, not yet in TypeScript's library. */
interface SourceTextJson {
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
  parse(text: string, reviver: Reviver): unknown;
}

const json = JSON as unknown as SourceTextJson;

const LONG_DIGITS = /\d{16}/;
const INTEGER = /^-?\d+$/;

/** True for an integer that is kept as its digits. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value);
}

/** The number that these decimal digits name: a plain number where that is exact, else an `ExactNumber`. */
export function integerOf(value: bigint): number | ExactNumber {
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : json.rawJSON(value.toString());
}

function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  const source = context.source;
  if (typeof value !== "number" || source === undefined || Number.isSafeInteger(value) || !INTEGER.test(source)) {
    return value;
  }
  return json.rawJSON(source);
}

function parseDigits(text: string): unknown {
  return LONG_DIGITS.test(text) ? json.parse(text, keepDigits) : JSON.parse(text);
}

/** Parses JSON; integers keep every digit. Throws SyntaxError, whose message may quote the text: do not show it. */
export function parseJson(text: string): unknown {
  const value = parseDigits(text);
  if (!text.includes("\\") || !hasBackslashKey(value)) return value;
  const hidden = hideEscapedKeys(text);
  return copy(parseDigits(hidden.text), (key) => hidden.keys.get(key) ?? key);
}

/** The JSON text of plain data; what `JSON` cannot hold (functions, undefined) is left out as `JSON.stringify` does. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value);
}

/** A map, which a list, null or an exact number is not. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isExactNumber(value);
}

function sorted(_key: string, value: unknown): unknown {
  if (!isMap(value)) return value;
  // `fromEntries` defines own properties, so a key named __proto__ stays data.
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** The same text for the same data, in whatever order its keys were written. Made for digests. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, sorted);
}

/** A deep copy that shares nothing mutable with its input; exact numbers stay exact. */
export function cloneJson<T>(value: T): T {
  return copy(value, (key) => key) as T;
}

function copy(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => copy(item, rename));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [rename(key), copy(item, rename)]));
}
