import { cloneJson, isMap } from "../objects/json.ts";
import type { Result } from "../objects/types.ts";
import { parseYaml } from "../objects/yaml.ts";

export type Values = Record<string, unknown>;

/** Own properties only, so that a key named `constructor` is not found on every object. */
function get(map: Values, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

type OnNull = "delete" | "keep";

function merge(base: Values, over: Values, onNull: OnNull): Values {
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = get(base, key);
    if (value === null && onNull === "delete") result.delete(key);
    else if (isMap(value)) result.set(key, merge(isMap(below) ? below : {}, value, onNull));
    else result.set(key, value);
  }
  return Object.fromEntries(result);
}

/**
 * Helm's rule for values over a chart's own: maps are merged deep, anything else (lists too) is replaced, null deletes
 * the key. Changes neither input and shares nothing with them.
 */
export function mergeValues(base: Values, over: Values): Values {
  return cloneJson(merge(base, over, "delete"));
}

/**
 * Stacks values that go over a chart's own later: like `mergeValues`, but a null stays, to delete the chart's key in
 * the end (as with several `helm -f`).
 */
export function overlayValues(base: Values, over: Values): Values {
  return cloneJson(merge(base, over, "keep"));
}

/** A YAML map; an empty text is an empty map. Problems name `what` and never quote the text. */
export function parseValues(text: string, what: string): Result<Values> {
  const parsed = parseYaml(text, what);
  if (!parsed.ok) return parsed;
  if (parsed.value === null) return { ok: true, value: {} };
  if (!isMap(parsed.value)) return { ok: false, problems: [`${what}: values must be a YAML map`] };
  return { ok: true, value: parsed.value };
}

type Step = string | number;

/** Helm's own bound: an index is written by hand, and a typing error must not make a list of a billion nulls. */
const MAX_INDEX = 65_536;

const SEGMENT = /((?:\\.|[^.[\]\\])*)((?:\[[^\]]*\])*)(\.|$)/y;

function indexes(brackets: string): number[] | undefined {
  const numbers = [...brackets.matchAll(/\[([^\]]*)\]/g)].map(([, text = ""]) =>
    /^\d{1,6}$/.test(text) ? Number(text) : -1,
  );
  return numbers.every((number) => number >= 0 && number <= MAX_INDEX) ? numbers : undefined;
}

/** `a.b\.c[0]` → `["a", "b.c", 0]`; a string is what is wrong. */
function parsePath(path: string): Step[] | string {
  const steps: Step[] = [];
  SEGMENT.lastIndex = 0;
  for (let more = true; more; ) {
    const match = SEGMENT.exec(path);
    if (match === null) return "brackets and backslashes must be in pairs: a.b, a\\.b, a[0].b";
    const [, key = "", brackets = "", end] = match;
    if (key === "") return "a key is empty";
    const found = indexes(brackets);
    if (found === undefined) return `an index must be a whole number from 0 to ${MAX_INDEX}`;
    steps.push(key.replace(/\\(.)/g, "$1"), ...found);
    more = end === ".";
  }
  return steps;
}

interface Target {
  steps: readonly Step[];
  value: unknown;
}

function printSteps(steps: readonly Step[]): string {
  return steps.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return `${text}${text === "" ? "" : "."}${step.replaceAll(".", "\\.")}`;
  }, "");
}

/** A copy of `node` in which the value is set `depth` steps down the path; throws a sentence where the path does not fit. */
function place(node: unknown, target: Target, depth: number): unknown {
  const step = target.steps[depth];
  if (step === undefined) return target.value;
  const here = printSteps(target.steps.slice(0, depth));
  if (typeof step === "number") {
    if (node !== undefined && node !== null && !Array.isArray(node)) throw new PathMismatch(`"${here}" is not a list`);
    const list: unknown[] = node ?? [];
    const length = Math.max(list.length, step + 1);
    return Array.from({ length }, (_, i) => (i === step ? place(list[i], target, depth + 1) : (list[i] ?? null)));
  }
  if (node !== undefined && node !== null && !isMap(node)) throw new PathMismatch(`"${here}" is not a map`);
  const map = node ?? {};
  return Object.fromEntries([...Object.entries(map), [step, place(get(map, step), target, depth + 1)]]);
}

class PathMismatch extends Error {}

/**
 * Sets one value, as `helm --set` addresses it: `a.b`, `a\.b` for a dot inside a key, `a[0].b` for a list. What is
 * missing on the way is made. Changes no input. Problems name the path, never a value.
 */
export function setAtPath(values: Values, path: string, value: unknown): Result<Values> {
  const steps = parsePath(path);
  if (typeof steps === "string") return { ok: false, problems: [`targetPath "${path}": ${steps}`] };
  try {
    return { ok: true, value: cloneJson(place(values, { steps, value }, 0)) as Values };
  } catch (error) {
    if (!(error instanceof PathMismatch)) throw error;
    return { ok: false, problems: [`targetPath "${path}": ${error.message}`] };
  }
}
