import { Optional } from "@marcbachmann/cel-js";
import { type ExactNumber, integerOf, isExactNumber } from "../objects/json.ts";

/** A value cannot be used. The message is a clause without any value. */
export class BadValue extends Error {
  override readonly name = "BadValue";
}

const MAX_DEPTH = 100;
/** Characters, and one for each entry, of what one expression gives: more than an object in Kubernetes can hold. */
const MAX_RESULT = 1_048_576;

/** JSON as CEL sees it: integers are ints, other numbers doubles, maps `Map`s, so that `constructor` is a key like any other. */
export function toCel(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new BadValue(`is nested deeper than ${MAX_DEPTH}`);
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (isExactNumber(value)) return exact(value);
  if (Array.isArray(value)) return value.map((item) => toCel(item, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return new Map(entries.map(([key, item]) => [key, toCel(item, depth + 1)]));
}

/** A number of which CEL shall think as a double, whole or not. */
export function toDouble(value: unknown): number {
  return isExactNumber(value) ? Number(value.rawJSON) : Number(value);
}

function exact({ rawJSON }: ExactNumber): bigint | number {
  return /^-?\d+$/.test(rawJSON) ? BigInt(rawJSON) : Number(rawJSON);
}

/** What an expression gave as JSON; an int keeps every digit. Throws BadValue. */
export function fromCel(value: unknown): unknown {
  return convert(value, { left: MAX_RESULT }, 0);
}

function convert(value: unknown, size: { left: number }, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new BadValue(`gives a value that is nested deeper than ${MAX_DEPTH}`);
  size.left -= typeof value === "string" ? value.length + 1 : 1;
  if (size.left < 0) throw new BadValue(`gives more than ${MAX_RESULT} characters`);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return integerOf(value);
  if (typeof value === "number") return finite(value);
  if (Array.isArray(value)) return value.map((item) => convert(item, size, depth + 1));
  return convertMap(value, size, depth);
}

function convertMap(value: unknown, size: { left: number }, depth: number): unknown {
  const entries = entriesOf(value);
  if (entries === undefined) return convertUnsigned(value);
  return Object.fromEntries(
    entries.map(([key, item]) => {
      size.left -= String(key).length;
      return [String(key), convert(item, size, depth + 1)];
    }),
  );
}

function entriesOf(value: unknown): (readonly [unknown, unknown])[] | undefined {
  if (value instanceof Map) return [...value.entries()];
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.entries(value) : undefined;
}

/** The library's unsigned ints are objects of their own, and so is what has no place in YAML. */
function convertUnsigned(value: unknown): unknown {
  const number = typeof value === "object" && value !== null ? value.valueOf() : undefined;
  if (typeof number === "bigint") return integerOf(number);
  throw new BadValue(`gives ${kindOf(value)}, which has no place in YAML`);
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new BadValue("gives a number without an end, or none");
  return value === 0 ? 0 : value;
}

/**
 * What stands in a text for what an expression gave: text as it is, numbers in plain decimal digits, true and false.
 * Throws BadValue for anything else.
 */
export function textOf(value: unknown): string {
  if (typeof value === "string" && value.length > MAX_RESULT) {
    throw new BadValue(`gives more than ${MAX_RESULT} characters`);
  }
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return plainDecimal(finite(value));
  if (typeof value === "object" && value !== null && typeof value.valueOf() === "bigint") return String(value);
  throw new BadValue(`gives ${kindOf(value)}, which cannot stand in a text`);
}

/** A number without exponent: `1e21` is 1 and 21 zeros. */
function plainDecimal(value: number): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (match === null) return String(value);
  const [, sign = "", whole = "", fraction = "", exponent] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}

/** The kind of what an expression gave, with its article. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (entriesOf(value) !== undefined) return "a map";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "true or false";
  if (typeof value === "bigint" || typeof value === "number") return "a number";
  if (value instanceof Optional) return "an optional value (add .orValue(…) to it)";
  return "something";
}
