import { cloneJson, isMap } from "../objects/json.ts";
import { pointerTokens } from "../objects/json-patch.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import { type FieldSet, isItem, isLeaf } from "./field-sets.ts";
import { fieldsDigest, mergeFields } from "./fields.ts";
import { memberAt } from "./owned-values.ts";

/** The way to a field in a field set: `f:spec`, `f:containers`, `k:{"name":"web"}`. */
type FieldPath = readonly string[];

/**
 * The path of a field to which a JSON pointer leads in an object.
 *
 * @param set a field set that has the lists on the way: it tells by which keys their items are known
 * @returns undefined where the pointer leads to no field of the object; a list that is owned as a whole ends the path
 */
function fieldPath(pointer: string, object: Record<string, unknown>, set: FieldSet): FieldPath | undefined {
  const path: string[] = [];
  let value: unknown = object;
  let node: unknown = set;
  for (const token of pointerTokens(pointer)) {
    if (isMap(node) && isLeaf(node) && path.length > 0) return path;
    const key = keyOf(token, value, node);
    if (key === undefined) return undefined;
    value = Array.isArray(value) ? value[Number(token)] : isMap(value) ? value[token] : undefined;
    if (value === undefined) return undefined;
    node = isMap(node) ? node[key] : undefined;
    path.push(key);
  }
  return path;
}

function keyOf(token: string, value: unknown, node: unknown): string | undefined {
  if (!Array.isArray(value)) return `f:${token}`;
  const item: unknown = value[Number(token)];
  return isMap(node) ? Object.keys(node).find((key) => isItem(key, item)) : undefined;
}

/** A field set without the fields that a layer ignores in an object, and without what is empty for it. */
export function withoutIgnored(set: FieldSet, object: KubeObject, pointers: readonly string[]): FieldSet {
  return pointers.reduce((left, pointer) => {
    const path = fieldPath(pointer, object, left);
    return path ? withoutPath(left, path) : left;
  }, set);
}

/** The digest of what our entry owns of an object, without what its layer ignores. */
export function ownFieldsDigest(
  entry: ManagedFieldsEntry,
  { object, ignored = [] }: { object: KubeObject; ignored?: readonly string[] },
): string {
  if (ignored.length === 0) return fieldsDigest(entry);
  return fieldsDigest({ fieldsV1: withoutIgnored(entry.fieldsV1 ?? {}, object, ignored) });
}

function withoutPath(set: FieldSet, [key, ...rest]: FieldPath): FieldSet {
  const below = key === undefined ? undefined : set[key];
  if (key === undefined || !isMap(below)) return set;
  const { [key]: _, ...others } = set;
  const left = rest.length === 0 ? {} : withoutPath(below, rest);
  return Object.keys(left).length === 0 ? others : { ...others, [key]: left };
}

/** An object without the fields that a layer ignores in it. */
export function withoutPointers(object: KubeObject, pointers: readonly string[]): KubeObject {
  if (pointers.length === 0) return object;
  const result = cloneJson(object);
  for (const pointer of lastFirst(pointers)) setAt(result, pointer, undefined);
  return result;
}

/**
 * An object as it is applied on top of a live one: a field that the layer ignores is left out once somebody else has it.
 * Until then it keeps its live value: left out by its only owner, it would go.
 *
 * @param manager our own field manager
 */
export function withLiveIgnored(
  object: KubeObject,
  live: KubeObject,
  { pointers, manager }: { pointers: readonly string[]; manager: string },
): KubeObject {
  const entries = live.metadata.managedFields ?? [];
  const set = mergeFields(entries.map(({ fieldsV1 }) => fieldsV1 ?? {}));
  const others = entries.filter((entry) => entry.manager !== manager);
  const result = cloneJson(object);
  for (const pointer of lastFirst(pointers)) {
    const path = fieldPath(pointer, object, set);
    if (!path) continue;
    const isTheirs = others.some((entry) => owns(entry, path));
    setAt(result, pointer, isTheirs ? undefined : path.reduce<unknown>((value, key) => memberAt(key, value), live));
  }
  return result;
}

/** The items of a list from its end: taking one out moves none that is still to come. */
function lastFirst(pointers: readonly string[]): string[] {
  return pointers.toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }));
}

function owns({ fieldsV1 = {} }: ManagedFieldsEntry, path: FieldPath): boolean {
  let node: unknown = fieldsV1;
  for (const key of path) {
    if (!isMap(node)) return false;
    node = node[key];
    if (isMap(node) && isLeaf(node)) return true;
  }
  return node !== undefined;
}

function setAt(object: KubeObject, pointer: string, value: unknown): void {
  const tokens = pointerTokens(pointer);
  const last = tokens.pop() ?? "";
  const parent = tokens.reduce<unknown>((node, token) => {
    if (Array.isArray(node)) return node[Number(token)];
    return isMap(node) ? node[token] : undefined;
  }, object);
  if (Array.isArray(parent)) parent.splice(Number(last), 1, ...(value === undefined ? [] : [value]));
  else if (isMap(parent) && value === undefined) delete parent[last];
  else if (isMap(parent)) parent[last] = value;
}
