import { sha256Hex } from "../objects/digest.ts";
import { canonicalJson, isExactNumber, parseJson } from "../objects/json.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";

/** The `fieldsV1` tree of structured-merge-diff: `f:` fields, `k:` list-map items, `v:` set items, `.` the node itself. */
type FieldTree = Record<string, unknown>;

/** Fields that the API server never lists in a field set, because nobody owns them. */
const UNOWNED = new Set(["apiVersion", "kind"]);
const UNOWNED_META = new Set(["name", "namespace"]);

/** The entry of one field manager's server-side apply to the main resource, when there is one. */
export function applyEntryOf(object: KubeObject, manager: string): ManagedFieldsEntry | undefined {
  return object.metadata.managedFields?.find(
    (entry) => entry.operation === "Apply" && entry.manager === manager && !entry.subresource,
  );
}

/** Each pass asks for the digest of every object again, and an entry never changes: the server's next answer brings new ones. */
const digests = new WeakMap<ManagedFieldsEntry, string>();

/** A digest of what a field manager owns (not of the values): it moves when anybody takes one of its fields away. */
export function fieldsDigest(entry: ManagedFieldsEntry): string {
  const known = digests.get(entry);
  if (known !== undefined) return known;
  const text = canonicalJson(entry.fieldsV1 ?? {});
  const digest = sha256Hex(text).slice(0, 16);
  digests.set(entry, digest);
  return digest;
}

/** Whether a field set contains `path`, for instance `metadata`, `labels`, `some.dev/label`. */
export function ownsField(entry: ManagedFieldsEntry, path: readonly string[]): boolean {
  let node: unknown = entry.fieldsV1;
  for (const step of path) {
    if (!isTree(node)) return false;
    node = node[`f:${step}`];
  }
  return node !== undefined;
}

/**
 * Whether a field set still covers every field of the object that we applied. A scale, an edit, a `set image` and a
 * removal by JSON patch each take a path out of our Apply entry, so this finds drift without any record of our own:
 * it is how a fresh process judges objects of which it has not seen an apply's answer.
 */
export function coversObject(entry: ManagedFieldsEntry, applied: KubeObject): boolean {
  const tree = entry.fieldsV1 ?? {};
  return Object.entries(applied).every(([key, value]) => {
    if (UNOWNED.has(key)) return true;
    if (key !== "metadata") return coversField(tree, key, value);
    const metadata = tree["f:metadata"];
    return Object.entries(applied.metadata).every(
      ([name, field]) => UNOWNED_META.has(name) || (isTree(metadata) && coversField(metadata, name, field)),
    );
  });
}

function coversField(tree: FieldTree, key: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  const node = tree[`f:${key}`];
  return isTree(node) && covers(node, value);
}

function covers(node: FieldTree, value: unknown): boolean {
  // A leaf owns everything below it: scalars, atomic lists and maps, empty ones.
  if (Object.keys(node).length === 0) return true;
  if (Array.isArray(value)) return value.every((item) => coversItem(node, item));
  if (isTree(value) && !isExactNumber(value)) {
    return Object.entries(value).every(([key, field]) => coversField(node, key, field));
  }
  return true;
}

function coversItem(node: FieldTree, item: unknown): boolean {
  return Object.entries(node).some(([path, child]) => {
    if (path.startsWith("v:")) return path.slice(2) === JSON.stringify(item);
    return (
      path.startsWith("k:") && isTree(item) && isTree(child) && hasKeys(item, path.slice(2)) && covers(child, item)
    );
  });
}

/** A key that the manifest leaves out was defaulted by the server (a port's `protocol`), so only the given ones count. */
function hasKeys(item: FieldTree, keysJson: string): boolean {
  const keys = parseJson(keysJson);
  return isTree(keys) && Object.entries(keys).every(([key, value]) => item[key] === undefined || item[key] === value);
}

function isTree(value: unknown): value is FieldTree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The union of field sets (`fieldsV1`): a map in which each key stands for a field, deep. */
export function mergeFields(sets: readonly Record<string, unknown>[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const set of sets) {
    for (const [key, below] of Object.entries(set)) {
      const known = merged[key];
      merged[key] = isFields(known) && isFields(below) ? mergeFields([known, below]) : below;
    }
  }
  return merged;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
