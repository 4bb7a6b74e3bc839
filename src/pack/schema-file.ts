import type { Result } from "../objects/types.ts";
import { parseValues } from "../plan/values.ts";
import { FormatError, parseFormat } from "./format.ts";
import { own } from "./maps.ts";
import type { SchemaRule } from "./types.ts";

/** Each is looked for in all values. Public packs have up to 21. */
const MAX_RULES = 1000;

/** Rules that were understood; what was not is left out, with a warning. */
export interface SchemaFile {
  rules: readonly SchemaRule[];
  warnings: readonly string[];
}

/**
 * Reads schema.yaml: path → `{schema: '{{ required | readonly | format "…" | hints "…" }}'}`. A rule that is not
 * understood is the pack's defect and would lock out its users, so it is only a warning.
 */
export function parseSchema(text: string, what: string): Result<SchemaFile> {
  const parsed = parseValues(text, what);
  if (!parsed.ok) return parsed;
  const warnings: string[] = [];
  const entries = Object.entries(parsed.value);
  if (entries.length > MAX_RULES) warnings.push(`all rules after the first ${MAX_RULES} are left out`);
  const rules = entries.slice(0, MAX_RULES).flatMap(([path, entry]): SchemaRule[] => {
    const template = own(entry, "schema");
    const rule = typeof template === "string" ? parseRule(path, template) : "it has no schema";
    if (typeof rule !== "string") return [rule];
    warnings.push(`${path}: the rule is left out: ${rule}`);
    return [];
  });
  return { ok: true, value: { rules, warnings } };
}

/** A rule, or the clause of what is wrong with it. */
function parseRule(path: string, template: string): SchemaRule | string {
  const calls = parseTemplate(template.trim());
  if (calls === undefined) return 'it is not of the form {{ required | format "…" | hints "…" }}';
  const unknown = calls.find(({ name }) => !NAMES.includes(name));
  if (unknown !== undefined) return `there is no "${unknown.name}"; there are ${NAMES.join(", ")}`;
  const firstOf = (name: string): string | undefined => calls.find((call) => call.name === name)?.texts[0];
  const has = (name: string): boolean => calls.some((call) => call.name === name);
  const format = firstOf("format");
  if (has("format") && format === undefined) return "the format has no text";
  try {
    return {
      path,
      required: has("required"),
      readonly: has("readonly"),
      format: format === undefined ? undefined : parseFormat(format),
      hint: firstOf("hints"),
    };
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

const NAMES = ["required", "readonly", "format", "hints"];

interface Call {
  name: string;
  texts: string[];
}

const TOKEN = /\s*(?:(\|)|([A-Za-z]\w*)|"((?:[^"\\]|\\.)*)"|`([^`]*)`)/sy;

const MAX_TEMPLATE = 4096;

function parseTemplate(template: string): Call[] | undefined {
  const isAction = template.startsWith("{{") && template.endsWith("}}") && template.length <= MAX_TEMPLATE;
  return isAction ? parseCalls(template.slice(2, -2)) : undefined;
}

/** `required | format "a" | hints "b" "c"`; undefined when it is something else. */
function parseCalls(body: string): Call[] | undefined {
  const calls: Call[] = [];
  let wantsName = true;
  TOKEN.lastIndex = 0;
  while (body.slice(TOKEN.lastIndex).trim() !== "") {
    const token = TOKEN.exec(body);
    if (token === null) return undefined;
    const [, pipe, name, quoted, raw] = token;
    if (wantsName !== (name !== undefined)) return undefined;
    if (name !== undefined) calls.push({ name, texts: [] });
    else if (pipe === undefined) calls.at(-1)?.texts.push(raw ?? unescaped(quoted ?? ""));
    wantsName = pipe !== undefined;
  }
  return wantsName ? undefined : calls;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", '"': '"', "\\": "\\" };

/** Go's escapes, but `\d` stays: packs write regular expressions with single backslashes. */
function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (all, letter: string) => ESCAPES[letter] ?? all);
}
