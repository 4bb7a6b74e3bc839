import {
  CORE_SCHEMA,
  defineMappingTag,
  defineScalarTag,
  defineSequenceTag,
  type MappingTagDefinition,
  mergeTag,
  NOT_RESOLVED,
  type Schema,
  type SequenceTagDefinition,
} from "js-yaml";
import { type ExactNumber, integerOf, isExactNumber } from "./json.ts";

/**
 * YAML as Go's `sigs.k8s.io/yaml` reads it, which is what kubectl and Helm use: YAML 1.1 words (`yes` is true, `0644`
 * is 420), positional merge keys, the last of equal keys wins, unknown tags are ignored. Pinned by a table of that
 * library's own answers in `testdata/go-yaml-scalars.json`.
 */

type Resolved<T> = T | typeof NOT_RESOLVED;

const TRUE = new Set(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]);
const FALSE = new Set(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]);

function resolveBool(source: string): Resolved<boolean> {
  if (TRUE.has(source)) return true;
  return FALSE.has(source) ? false : NOT_RESOLVED;
}

/** What Go's `strconv.ParseInt` takes with base 0, after the underscores are gone. */
const INTEGER = /^([-+]?)(?:0b([01]+)|0o([0-7]+)|0x([0-9a-f]+)|0([0-7]*)|([1-9][0-9]*))$/i;
/** The one thing more that go-yaml takes: a sign after `0b`. */
const SIGNED_BINARY = /^0b([-+])([01]+)$/;
/** Told before the arithmetic, which takes long for a million digits. */
const MORE_THAN_64_BITS = /^[-+]?0?[box]?0*[1-9a-f][0-9a-f]{64}/i;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
/** A scalar that begins with a dot goes to `strconv.ParseFloat` as it is: there an underscore stands between digits. */
const DOT_FLOAT = /^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?$/;
const INFINITY = /^[-+]?\.(?:inf|Inf|INF)$/;
const NAN = /^\.(?:nan|NaN|NAN)$/;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

function magnitude([, , binary, octal, hex, oldOctal, decimal]: readonly (string | undefined)[]): bigint {
  if (binary !== undefined) return BigInt(`0b${binary}`);
  if (hex !== undefined) return BigInt(`0x${hex}`);
  if (decimal !== undefined) return BigInt(decimal);
  return BigInt(`0o${octal ?? oldOctal ?? ""}`.replace(/^0o$/, "0"));
}

/** An integer that fits int64, or uint64 when it is written without a sign; a larger one is left to be a float. */
function resolveInt(source: string): Resolved<number | ExactNumber> {
  if (!/^[-+0-9]/.test(source)) return NOT_RESOLVED;
  const plain = source.replaceAll("_", "").replace(SIGNED_BINARY, "$10b$2");
  const match = INTEGER.exec(plain);
  if (match === null || MORE_THAN_64_BITS.test(plain)) return NOT_RESOLVED;
  const value = match[1] === "-" ? -magnitude(match) : magnitude(match);
  if (value < INT64_MIN || value > (match[1] === "" ? UINT64_MAX : INT64_MAX)) return NOT_RESOLVED;
  return integerOf(value);
}

/** Infinity and NaN are read here, and refused where they would become a value: JSON has no such numbers. */
function resolveFloat(source: string): Resolved<number> {
  if (INFINITY.test(source)) return source.startsWith("-") ? -Infinity : Infinity;
  if (NAN.test(source)) return Number.NaN;
  const plain = source.replaceAll("_", "");
  const isFloat = source.startsWith(".") ? DOT_FLOAT.test(source) : !source.startsWith("_") && FLOAT.test(plain);
  if (!isFloat) return NOT_RESOLVED;
  const value = Number(plain);
  return Number.isFinite(value) ? value : NOT_RESOLVED;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function resolveBinary(source: string): Resolved<string> {
  const text = source.replace(/[\r\n]/g, "");
  return BASE64.test(text) ? Buffer.from(text, "base64").toString("utf8") : NOT_RESOLVED;
}

/** As Go prints a float that is a map key: `%g` with the fewest digits that a 32-bit float keeps. */
function floatKey(value: number): string {
  const single = Math.fround(value);
  if (Number.isNaN(single)) return ".nan";
  if (!Number.isFinite(single)) return single < 0 ? "-.inf" : ".inf";
  let digits = 1;
  while (Math.fround(Number(single.toPrecision(digits))) !== single) digits += 1;
  const shortest = Number(single.toPrecision(digits));
  const [mantissa = "", exponent = ""] = shortest.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(shortest);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** The key of a JSON object that a YAML key becomes; undefined if Go refuses it (null, a list, a map). */
function keyText(key: unknown): string | undefined {
  if (typeof key === "string") return key;
  if (typeof key === "boolean") return String(key);
  if (typeof key === "number") return Number.isInteger(key) ? String(key) : floatKey(key);
  return isExactNumber(key) ? key.rawJSON : undefined;
}

export const NOT_JSON_NUMBER = "infinity and not-a-number cannot be written as JSON";
const NOT_A_KEY = "a key must be a string, a number or a boolean";

function isJsonValue(value: unknown): boolean {
  return typeof value !== "number" || Number.isFinite(value);
}

/**
 * A mapping under construction. `merging` are the keys that the running merge (`<<`) has set: among the maps of one
 * merge the first wins, but a merge overrides keys above it and is overridden by keys below it, as in Go.
 */
interface MapCarrier {
  entries: Map<string, unknown>;
  merging: Set<string>;
  asked: string | undefined;
}

function addPair(carrier: MapCarrier, key: unknown, value: unknown): string {
  const text = keyText(key);
  if (text === undefined) return NOT_A_KEY;
  if (!isJsonValue(value)) return NOT_JSON_NUMBER;
  // js-yaml asks `has` before it adds a merged key, and only then.
  if (carrier.asked === text) carrier.merging.add(text);
  else carrier.merging.clear();
  carrier.asked = undefined;
  carrier.entries.set(text, value);
  return "";
}

function hasKey(carrier: MapCarrier, key: unknown): boolean {
  const text = keyText(key);
  if (text === undefined) return false;
  const has = carrier.merging.has(text);
  carrier.asked = has ? undefined : text;
  return has;
}

type JsonMap = Record<string, unknown>;

/** `finalize` (here and for lists) also makes js-yaml refuse an alias to a collection that contains it. */
function mapTag(tagName: string): MappingTagDefinition<MapCarrier, JsonMap> {
  return defineMappingTag<MapCarrier, JsonMap>(tagName, {
    matchByTagPrefix: tagName === "",
    create: () => ({ entries: new Map(), merging: new Set(), asked: undefined }),
    addPair,
    has: hasKey,
    // `fromEntries` defines own properties: a key named __proto__ is data.
    finalize: (carrier) => Object.fromEntries(carrier.entries),
    keys: (map) => Object.keys(map),
    get: (map, key) => map[String(key)],
    identify: () => false,
  });
}

function listTag(tagName: string): SequenceTagDefinition<unknown[], unknown[]> {
  return defineSequenceTag<unknown[], unknown[]>(tagName, {
    matchByTagPrefix: tagName === "",
    create: () => [],
    addItem: (list, item) => {
      if (!isJsonValue(item)) return NOT_JSON_NUMBER;
      list.push(item);
      return "";
    },
    finalize: (list) => list,
    identify: () => false,
  });
}

const YAML = "tag:yaml.org,2002:";
const loadOnly = { identify: () => false };
const implicit = { implicit: true, identify: () => false };

/** For `load` with `json: true`. */
export const GO_SCHEMA: Schema = CORE_SCHEMA.withTags(
  defineScalarTag(`${YAML}bool`, { ...implicit, resolve: resolveBool }),
  defineScalarTag(`${YAML}int`, { ...implicit, resolve: resolveInt }),
  defineScalarTag(`${YAML}float`, { ...implicit, resolve: resolveFloat }),
  defineScalarTag(`${YAML}binary`, { ...loadOnly, resolve: resolveBinary }),
  mergeTag,
  mapTag(`${YAML}map`),
  listTag(`${YAML}seq`),
  // Any other tag is ignored.
  defineScalarTag("", { ...loadOnly, matchByTagPrefix: true, resolve: (source: string) => source }),
  mapTag(""),
  listTag(""),
);
