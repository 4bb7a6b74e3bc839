import { canonicalJson, isExactNumber } from "../objects/json.ts";
import type { Values } from "../plan/values.ts";
import { expectation, matchesFormat } from "./format.ts";
import { findPath, type Spot } from "./maps.ts";
import { told } from "./tell.ts";
import type { Judgement, SchemaRule } from "./types.ts";

const MAX_HINT = 160;
/** More of them tell nobody more. */
const MAX_PROBLEMS = 100;

/**
 * Checks a pack's final values against its schema.yaml. Problems name the path and what is expected there, and never
 * the value.
 *
 * A value that is absent, null or "" is only a problem where the rule says `required`. And a required one only where it
 * has a place: half of the paths in public packs lead to no value of the pack, because they belong to a preset that is
 * not chosen, or are misspelt. So when the map that should hold the value is not there either, it is a warning.
 *
 * @param values as `packValues` gives them; `readonly` compares the final ones with those before the layer's
 */
export function checkSchema(rules: readonly SchemaRule[], values: { preset: Values; final: Values }): Judgement {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const rule of rules) {
    const spots = findPath(values.final, rule.path);
    const filled = spots.filter(({ value }) => !isUnset(value));
    const unset = spots.filter(({ value }) => isUnset(value));
    if (rule.required) {
      const absent = spots.length === 0 ? absence(values.final, rule.path) : "none";
      if (absent === "value") problems.push(`${rule.path} is required${hintOf(rule)}`);
      if (absent === "place")
        warnings.push(`schema.yaml asks for ${rule.path}, which the pack's values have no place for`);
      problems.push(...unset.slice(0, MAX_PROBLEMS).map((spot) => `${pathOf(spot)} is required${hintOf(rule)}`));
    }
    problems.push(...filled.flatMap((spot) => misfit(rule, spot)).slice(0, MAX_PROBLEMS));
    if (rule.readonly && isChanged(values, rule.path)) problems.push(`${rule.path} may not be changed`);
  }
  return { problems: told(problems.slice(0, MAX_PROBLEMS)), warnings: told(warnings) };
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** What is missing where a path leads nowhere: the value, also what should hold it, or nothing (a list has no items). */
function absence(values: Values, path: string): "value" | "place" | "none" {
  const [list = "", ...below] = path.split(".$[]");
  if (below.length > 0) return findPath(values, list).length > 0 ? "none" : "place";
  const parent = path.split(".").slice(0, -1).join(".");
  return parent === "" || findPath(values, parent).length > 0 ? "value" : "place";
}

function misfit({ format }: SchemaRule, spot: Spot): string[] {
  if (format === undefined) return [];
  const text = textOf(spot.value);
  if (text !== undefined && matchesFormat(format, text)) return [];
  return [`${pathOf(spot)} ${expectation(format)}`];
}

/** Scalars as one writes them: packs quote numbers and booleans, or not, as their templates need it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return isExactNumber(value) ? value.rawJSON : undefined;
}

function isChanged({ preset, final }: { preset: Values; final: Values }, path: string): boolean {
  const [before, after] = [preset, final].map((values) => canonicalJson(findPath(values, path)));
  return before !== after;
}

function pathOf({ steps }: Spot): string {
  return steps.reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`;
    return path === "" ? step : `${path}.${step}`;
  }, "");
}

function hintOf({ hint }: SchemaRule): string {
  if (hint === undefined) return "";
  return `: ${hint.length > MAX_HINT ? `${hint.slice(0, MAX_HINT - 1)}…` : hint}`;
}
