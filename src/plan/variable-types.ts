import type { VariableType } from "../api/schema/variables.ts";
import { integerOf, isExactNumber, isMap, stringifyJson } from "../objects/json.ts";
import { parseYaml } from "../objects/yaml.ts";
import { isCidr, isIpv4, isIpv6 } from "../text/ip-address.ts";

/** A value, or the clause of what is wrong with it, which never holds the value. */
export type Checked = { ok: true; value: unknown } | { ok: false; problem: string };

/** Characters of the longest value; of an object or list, as JSON. A Secret holds 1 MiB at most. */
const MAX_VALUE = 262_144;

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const MAX_SEMVER = 256;

interface TypeRule {
  /** What a value must be, for people. */
  must: string;
  /** What else to say of one in JSON. */
  inJson?: string;
  isValue: (value: unknown) => boolean;
  /** What a text in a ConfigMap or Secret stands for; undefined when it stands for nothing of this type. */
  read: (text: string) => unknown;
}

/** A type whose values are texts of some form. What surrounds one in a file, such as a last newline, is not part of it. */
function textual(must: string, isForm: (text: string) => boolean): TypeRule {
  return {
    must: `must be ${must}`,
    isValue: (value) => typeof value === "string" && isForm(value),
    read: (text) => (isForm(text.trim()) ? text.trim() : undefined),
  };
}

const RULES: Readonly<Record<VariableType, TypeRule>> = {
  string: {
    must: "must be text",
    inJson: ": put a number, or true and false, in quotes",
    isValue: (value) => typeof value === "string",
    read: (text) => text,
  },
  integer: {
    must: "must be a whole number of at most 64 bits",
    inJson: ", without quotes",
    isValue: (value) => isExactNumber(value) || Number.isSafeInteger(value),
    read: readInteger,
  },
  number: {
    must: "must be a number such as 0.5",
    inJson: ", without quotes",
    isValue: (value) => isExactNumber(value) || (typeof value === "number" && Number.isFinite(value)),
    read: readNumber,
  },
  boolean: {
    must: "must be true or false",
    inJson: ", without quotes",
    isValue: (value) => typeof value === "boolean",
    read: (text) => (/^(true|false)$/.test(text.trim()) ? text.trim() === "true" : undefined),
  },
  ipv4: textual("an IPv4 address such as 10.0.0.1", isIpv4),
  ipv4cidr: textual("an IPv4 network such as 10.0.0.0/16", (text) => isCidr(text, isIpv4, 32)),
  ipv6: textual("an IPv6 address such as fd00::1", isIpv6),
  ipv6cidr: textual("an IPv6 network such as fd00::/64", (text) => isCidr(text, isIpv6, 128)),
  semver: textual("a semantic version such as 1.4.0, without a v before it", (text) => {
    return text.length <= MAX_SEMVER && SEMVER.test(text);
  }),
  base64: textual("base64 with its padding, in one line", (text) => {
    return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  }),
  object: { must: "must be a map", isValue: isMap, read: () => undefined },
  list: { must: "must be a list", isValue: Array.isArray, read: () => undefined },
};

function readInteger(text: string): unknown {
  if (!/^[+-]?\d{1,19}$/.test(text.trim())) return undefined;
  const integer = integerOf(BigInt(text.trim().replace("+", "")));
  return fitsInt64(integer) ? integer : undefined;
}

function readNumber(text: string): unknown {
  const number = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;

function fitsInt64(value: unknown): boolean {
  if (!isExactNumber(value)) return true;
  const integer = BigInt(value.rawJSON);
  return integer >= MIN_INT && integer <= MAX_INT;
}

/** A value given as JSON, in a profile or a TargetCluster. */
export function checkValue(type: VariableType, value: unknown): Checked {
  const { must, inJson = "", isValue } = RULES[type];
  if (!isValue(value) || (type === "integer" && !fitsInt64(value))) return { ok: false, problem: must + inJson };
  const length = typeof value === "string" ? value.length : typeof value === "object" ? stringifyJson(value).length : 0;
  return length > MAX_VALUE
    ? { ok: false, problem: `must be at most ${MAX_VALUE} characters long` }
    : { ok: true, value };
}

/** A value given as the text of a key of a ConfigMap or Secret. */
export function readValue(type: VariableType, text: string): Checked {
  if (type === "object" || type === "list") return readYaml(type, text);
  const value = RULES[type].read(text);
  if (value !== undefined) return checkValue(type, value);
  return { ok: false, problem: RULES[type].must };
}

function readYaml(type: "object" | "list", text: string): Checked {
  const parsed = parseYaml(text, "its YAML");
  return parsed.ok ? checkValue(type, parsed.value) : { ok: false, problem: parsed.problems.join(", ") };
}

/** An integer or number as one that can be compared with any other, exactly. */
export function comparable(value: unknown): bigint | number {
  if (isExactNumber(value)) return BigInt(value.rawJSON);
  return typeof value === "number" ? value : Number.NaN;
}
