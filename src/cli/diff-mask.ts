import { isExactNumber, isMap } from "../objects/json.ts";
import { HIDDEN } from "../objects/mask.ts";
import type { KubeObject } from "../objects/types.ts";

/** What no line of a diff, nor of what is rendered, may show. */
export interface Secrecy {
  /** Values that are secret as a whole: a field that holds just this is hidden. */
  exact: ReadonlySet<string>;
  /** Values that are hidden wherever they stand in a text, plain or base64. */
  contained: readonly string[];
  /** Objects that come out of a Secret as a whole, by their keys. */
  sealed: ReadonlySet<string>;
}

const HIDDEN_VALUE = "***";
const BEFORE = "*** (before)";
const AFTER = "*** (after)";

/** Shorter values are parts of ordinary words: they are hidden only where they stand alone. */
const SHORTEST_CONTAINED = 8;
/** Tools write whole objects into annotations; what people read there is short. */
const LONGEST_SHOWN_ANNOTATION = 200;
const WHOLE_OBJECTS = /last-applied|objectset\.rio\.cattle\.io/;

export interface SecretValues {
  /** Hidden also where they stand alone, however short they are. */
  exact: Iterable<string>;
  /** Hidden where they stand in a text, if they are long enough to be no part of ordinary words. */
  contained: Iterable<string>;
  sealed: Iterable<string>;
}

export function secrecyOf({ exact, contained, sealed }: SecretValues): Secrecy {
  const alone = new Set([...exact].flatMap((value) => [value, value.trim()]).filter((value) => value !== ""));
  const long = [...alone, ...contained].filter((value) => value.trim().length >= SHORTEST_CONTAINED);
  const forms = new Set(long.flatMap((value) => [value.trim(), base64(value), base64(value.trim())]));
  // The longest first: a value that holds another must not be left half shown.
  return { exact: alone, contained: [...forms].sort((a, b) => b.length - a.length), sealed: new Set(sealed) };
}

/** The text without any value that is secret; for sentences of others, such as an admission webhook's. */
export function hideIn(text: string, { contained }: Secrecy): string {
  return contained.reduce((shown, value) => shown.replaceAll(value, HIDDEN_VALUE), text);
}

export interface Pair {
  before?: KubeObject | undefined;
  after?: KubeObject | undefined;
}

/**
 * Both sides of a comparison without secret values. A hidden value is `***`; one that differs is `*** (before)` and `***
 * (after)`, so that a diff shows that it changes and not what it is.
 *
 * @param isSealed whether the object as a whole comes out of a Secret
 */
export function maskPair({ before, after }: Pair, secrecy: Secrecy, isSealed: boolean): Pair {
  const place = { path: [], isHidden: hidingOf({ before, after }, secrecy, isSealed), alike: HIDDEN_VALUE };
  return {
    before: before && (masked(before, after, { ...place, otherwise: BEFORE }) as KubeObject),
    after: after && (masked(after, before, { ...place, otherwise: AFTER }) as KubeObject),
  };
}

/** An object without any value that is secret, which is `(hidden)`. */
export function hideSecrets(object: KubeObject, secrecy: Secrecy, isSealed: boolean): KubeObject {
  const isHidden = hidingOf({ after: object }, secrecy, isSealed);
  return masked(object, undefined, { path: [], isHidden, alike: HIDDEN, otherwise: HIDDEN }) as KubeObject;
}

function hidingOf({ before, after }: Pair, secrecy: Secrecy, isSealed: boolean): Place["isHidden"] {
  const [object] = [after, before].filter((one) => one !== undefined);
  const isSecret = object?.apiVersion === "v1" && object.kind === "Secret";
  const values = isSecret ? [...valuesOf(before), ...valuesOf(after)] : [];
  const all = values.length > 0 ? { ...secrecy, contained: [...secrecy.contained, ...values] } : secrecy;
  return (path, leaf) => {
    if (isName(path)) return false;
    const [root = "", second = ""] = path;
    if (isSecret && (root === "data" || root === "stringData")) return true;
    if (isSecret && root === "metadata" && second === "annotations" && isLong(path, leaf)) return true;
    const isTold = root === "metadata" && second !== "annotations";
    return (isSealed && !isTold) || holdsSecret(leaf, all);
  };
}

interface Place {
  path: readonly string[];
  isHidden: (path: readonly string[], leaf: unknown) => boolean;
  /** What is shown of a hidden value that both sides have, or that has no other side. */
  alike: string;
  /** What is shown of a hidden value that the other side has otherwise. */
  otherwise: string;
}

/** One side without hidden values: a value that the other side must hide is hidden here too. */
function masked(value: unknown, other: unknown, place: Place): unknown {
  const { path, isHidden, alike, otherwise } = place;
  const below = (step: string): Place => ({ ...place, path: [...path, step] });
  if (Array.isArray(value)) return value.map((item, index) => masked(item, partnerOf(item, index, other), below("*")));
  if (isMap(value)) {
    const fields = Object.entries(value);
    return Object.fromEntries(fields.map(([key, field]) => [key, masked(field, own(other, key), below(key))]));
  }
  const sides = [value, other].filter((side) => side !== undefined);
  if (!sides.some((side) => isHidden(path, side))) return value;
  return other === undefined || text(other) === text(value) ? alike : otherwise;
}

/** Items belong together by their name, where they have one: what is inserted before them must not uncover the old value. */
function partnerOf(item: unknown, index: number, others: unknown): unknown {
  if (!Array.isArray(others)) return undefined;
  const name = nameOf(item);
  return name === undefined ? others[index] : others.find((other) => nameOf(other) === name);
}

/** What an object is called is known to all who may list it. */
function isName(path: readonly string[]): boolean {
  const [root = "", second = ""] = path;
  if (path.length === 1) return root === "apiVersion" || root === "kind";
  return path.length === 2 && root === "metadata" && (second === "name" || second === "namespace");
}

function isLong([, , key = ""]: readonly string[], leaf: unknown): boolean {
  return WHOLE_OBJECTS.test(key) || text(leaf).length > LONGEST_SHOWN_ANNOTATION;
}

function holdsSecret(leaf: unknown, { exact, contained }: Secrecy): boolean {
  if (typeof leaf === "boolean" || leaf === null) return false;
  const shown = text(leaf);
  return exact.has(shown) || contained.some((value) => shown.includes(value));
}

/** The values of a Secret, plain and as they are stored, as far as they are no parts of ordinary words. */
export function valuesOf(secret: KubeObject | undefined): string[] {
  const encoded = stringsIn(secret?.["data"]);
  const decoded = encoded.map((value) => Buffer.from(value, "base64").toString("utf8").trim());
  const all = [...encoded, ...decoded, ...stringsIn(secret?.["stringData"])];
  return all.filter((value) => value.length >= SHORTEST_CONTAINED);
}

function stringsIn(map: unknown): string[] {
  return isMap(map) ? Object.values(map).filter((value) => typeof value === "string") : [];
}

function nameOf(item: unknown): string | undefined {
  const name = isMap(item) ? item["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

function own(map: unknown, key: string): unknown {
  return isMap(map) && Object.hasOwn(map, key) ? map[key] : undefined;
}

function text(leaf: unknown): string {
  return isExactNumber(leaf) ? leaf.rawJSON : String(leaf);
}

function base64(value: string): string {
  return Buffer.from(value, "utf8").toString("base64");
}
