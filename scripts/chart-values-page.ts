import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";

const VALUES = join(import.meta.dirname, "../charts/operator/values.yaml");

/** A value of the operator's chart. */
export interface ChartValue {
  /** `image.tag`. */
  path: string;
  fallback: unknown;
  /** The comment above it. Empty: it has none, or it is a part of a value that has one. */
  meaning: string;
}

const INTRODUCTION = `All values of the operator's chart, \`charts/operator\`. How it is installed, and what the rights are for, stands in
[Installing](install.md). A slip in a value's name is refused by the chart's schema.`;

/** The text of docs/chart-values.md. */
export function chartValuesPage(note: string): string {
  const rows = chartValues().map(({ path, fallback, meaning }) => `| \`${path}\` | ${shown(fallback)} | ${meaning} |`);
  const table = ["| Value | Default | Meaning |", "|---|---|---|", ...rows].join("\n");
  return `${["# Values of the operator's chart", `<!-- ${note} -->`, INTRODUCTION, table].join("\n\n")}\n`;
}

/** The values that have a comment, in the order of values.yaml, then those that no comment speaks of. */
export function chartValues(text = readFileSync(VALUES, "utf8")): ChartValue[] {
  const values = load(text);
  const told = commentedPaths(text).map(({ path, meaning }) => ({ path, meaning, fallback: at(values, path) }));
  const isTold = (path: string): boolean => told.some((one) => path === one.path || path.startsWith(`${one.path}.`));
  const untold = leaves(values, "").filter((path) => !isTold(path));
  return [...told, ...untold.map((path) => ({ path, meaning: "", fallback: at(values, path) }))];
}

/** Keys right below a comment. Only maps of maps are read so, two spaces deeper each: that is how values.yaml is written. */
function commentedPaths(text: string): { path: string; meaning: string }[] {
  const found: { path: string; meaning: string }[] = [];
  const keys: string[] = [];
  let comment: string[] = [];
  for (const line of text.split("\n")) {
    const [, words] = /^ *# ?(.*)$/.exec(line) ?? [];
    const [, indent = "", key] = /^( *)([\w-]+):/.exec(line) ?? [];
    if (words !== undefined) {
      comment.push(words);
      continue;
    }
    if (key !== undefined) {
      keys.splice(indent.length / 2, keys.length, key);
      if (comment.length > 0) found.push({ path: keys.join("."), meaning: comment.join(" ") });
    }
    comment = [];
  }
  return found;
}

function leaves(value: unknown, path: string): string[] {
  const entries = isMap(value) ? Object.entries(value) : [];
  if (entries.length === 0) return [path];
  return entries.flatMap(([key, below]) => leaves(below, path === "" ? key : `${path}.${key}`));
}

function at(values: unknown, path: string): unknown {
  return path.split(".").reduce((value, key) => (isMap(value) ? value[key] : undefined), values);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === "") return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
