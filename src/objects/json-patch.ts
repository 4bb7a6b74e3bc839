import { canonicalJson, cloneJson, isExactNumber } from "./json.ts";
import type { Result } from "./types.ts";

/** One operation of a JSON patch (RFC 6902). Paths are JSON pointers (RFC 6901). */
export type PatchOperation =
  | { op: "add" | "replace" | "test"; path: string; value: unknown }
  | { op: "remove"; path: string }
  | { op: "move" | "copy"; path: string; from: string };

/** A JSON patch, or a merge patch (RFC 7386): maps deep, everything else replaced, null takes a key away. */
export type Patch = { kind: "operations"; operations: readonly PatchOperation[] } | { kind: "merge"; value: JsonMap };

type JsonMap = Record<string, unknown>;

const OPS = ["add", "remove", "replace", "move", "copy", "test"] as const;

function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isExactNumber(value);
}

/**
 * What a patch is, by its shape: a list is a JSON patch, a map a merge patch.
 *
 * @param where names the patch in problems, which never quote a value
 */
export function readPatch(value: unknown, where: string): Result<Patch> {
  if (isMap(value)) return { ok: true, value: { kind: "merge", value } };
  if (!Array.isArray(value) || value.length === 0)
    return {
      ok: false,
      problems: [`${where}: must be a list of operations (JSON patch, RFC 6902) or a map (merge patch, RFC 7386)`],
    };
  const problems = value.flatMap((one, index) => operationProblems(one, `${where}[${index}]`));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { kind: "operations", operations: value as PatchOperation[] } };
}

function operationProblems(operation: unknown, where: string): string[] {
  if (!isMap(operation)) return [`${where}: an operation must be a map with op and path`];
  const { op } = operation;
  if (!OPS.some((known) => known === op))
    return [`${where}.op: must be ${OPS.slice(0, -1).join(", ")} or ${OPS.at(-1)}`];
  const pointers = op === "move" || op === "copy" ? ["path", "from"] : ["path"];
  const needsValue = op === "add" || op === "replace" || op === "test";
  return [
    ...pointers.filter((field) => !isPointer(operation[field])).map((field) => `${where}.${field}: ${POINTER}`),
    ...(needsValue && !Object.hasOwn(operation, "value") ? [`${where}: ${op} needs a value`] : []),
  ];
}

const POINTER = 'must be a JSON pointer such as /spec/replicas; "/" in a key is written ~1, and "~" ~0';

function isPointer(text: unknown): text is string {
  return typeof text === "string" && /^(\/([^~/]|~[01])*)*$/.test(text);
}

/** The keys on the way of a JSON pointer. */
export function pointerTokens(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pointerOf(tokens: readonly string[]): string {
  return tokens.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** A pointer that leads nowhere, or a test that fails; the sentence names pointers and no value. */
class Mismatch extends Error {}

/**
 * The document with the patch applied; neither input is changed.
 *
 * @returns the problem of the first operation that cannot be done, led by its number where there are several
 */
export function applyPatch(document: unknown, patch: Patch): Result<unknown> {
  if (patch.kind === "merge") return { ok: true, value: cloneJson(merged(document, patch.value)) };
  let result = document;
  for (const [index, operation] of patch.operations.entries()) {
    try {
      result = operated(result, operation);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      return { ok: false, problems: [`[${index}] (${operation.op} ${operation.path}): ${error.message}`] };
    }
  }
  return { ok: true, value: cloneJson(result) };
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result = new Map(isMap(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  }
  return Object.fromEntries(result);
}

function operated(document: unknown, operation: PatchOperation): unknown {
  const path = pointerTokens(operation.path);
  switch (operation.op) {
    case "add":
    case "replace":
      return edited(document, path, { kind: operation.op, value: operation.value });
    case "remove":
      return edited(document, path, { kind: "remove" });
    case "test":
      if (canonicalJson(valueAt(document, path)) === canonicalJson(operation.value)) return document;
      throw new Mismatch("it has another value");
    case "copy":
      return edited(document, path, { kind: "add", value: valueAt(document, pointerTokens(operation.from)) });
    case "move": {
      const from = pointerTokens(operation.from);
      const isInside = from.length < path.length && from.every((token, index) => token === path[index]);
      if (isInside) throw new Mismatch("a value cannot be moved into itself");
      const value = valueAt(document, from);
      return edited(edited(document, from, { kind: "remove" }), path, { kind: "add", value });
    }
  }
}

function valueAt(document: unknown, path: readonly string[]): unknown {
  return path.reduce((node, token, index) => {
    if (Array.isArray(node)) return node[indexIn(node, path.slice(0, index + 1), "in")];
    return isMap(node) && Object.hasOwn(node, token) ? node[token] : lost(path.slice(0, index + 1));
  }, document);
}

type Edit = { kind: "add" | "replace"; value: unknown } | { kind: "remove" };

interface Errand {
  path: readonly string[];
  edit: Edit;
  /** How many steps of the path are behind it. */
  done: number;
}

/** A copy of the document in which what the path leads to is changed. */
function edited(document: unknown, path: readonly string[], edit: Edit): unknown {
  if (path.length > 0) return changed(document, { path, edit, done: 0 });
  if (edit.kind === "remove") throw new Mismatch("the whole object cannot be removed");
  return edit.value;
}

function changed(node: unknown, errand: Errand): unknown {
  if (Array.isArray(node)) return changedList(node, errand);
  return isMap(node) ? changedMap(node, errand) : lost(hereOf(errand));
}

function hereOf({ path, done }: Errand): readonly string[] {
  return path.slice(0, done + 1);
}

function isLast({ path, done }: Errand): boolean {
  return done === path.length - 1;
}

function changedList(list: readonly unknown[], errand: Errand): unknown[] {
  const { edit, done } = errand;
  const index = indexIn(list, hereOf(errand), isLast(errand) && edit.kind === "add" ? "behind" : "in");
  if (!isLast(errand)) return list.with(index, changed(list[index], { ...errand, done: done + 1 }));
  if (edit.kind === "remove") return list.toSpliced(index, 1);
  return edit.kind === "add" ? list.toSpliced(index, 0, edit.value) : list.with(index, edit.value);
}

function changedMap(map: JsonMap, errand: Errand): JsonMap {
  const { path, edit, done } = errand;
  const key = path[done] ?? "";
  const mayBeNew = isLast(errand) && edit.kind === "add";
  if (!mayBeNew && !Object.hasOwn(map, key)) return lost(hereOf(errand));
  const fields = new Map(Object.entries(map));
  if (!isLast(errand)) fields.set(key, changed(map[key], { ...errand, done: done + 1 }));
  else if (edit.kind === "remove") fields.delete(key);
  else fields.set(key, edit.value);
  return Object.fromEntries(fields);
}

/** @param reach `behind`: the place after the last item counts, which `-` stands for as well */
function indexIn(list: readonly unknown[], here: readonly string[], reach: "in" | "behind"): number {
  const token = here.at(-1) ?? "";
  if (token === "-" && reach === "behind") return list.length;
  const index = /^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : -1;
  const isThere = index >= 0 && (index < list.length || (reach === "behind" && index === list.length));
  return isThere ? index : lost(here);
}

function lost(path: readonly string[]): never {
  throw new Mismatch(`there is no ${pointerOf(path)}`);
}
