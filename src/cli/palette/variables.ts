import type { VariableType } from "../../api/schema/variables.ts";
import { compileRegex } from "../../health/regex.ts";
import { readValue } from "../../plan/variable-types.ts";
import type { PaletteVariable } from "./export-file.ts";
import type { Findings } from "./findings.ts";

/** A variable of an export, as it is declared in a profile of ours. */
export interface ImportedVariable {
  /** As macros name it. */
  paletteName: string;
  declaration: { name: string; type: VariableType } & Record<string, unknown>;
}

const TYPES: Readonly<Record<string, VariableType>> = {
  string: "string",
  number: "number",
  boolean: "boolean",
  ipv4: "ipv4",
  ipv4cidr: "ipv4cidr",
  ipv6: "ipv6",
  version: "semver",
  base64: "base64",
};
const WITHOUT_TEXT: readonly VariableType[] = ["number", "boolean"];
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const WORDS = ["true", "false", "null", "in"];
const MAX_DESCRIPTION = 1024;
/** What an export has instead of a secret. */
export const MASKED = /^\*{3,}$/;

/** Declares the variables of an export. */
export function importVariables(variables: readonly PaletteVariable[], findings: Findings): ImportedVariable[] {
  return variables.map((variable) => importVariable(variable, findings));
}

/** The variable that a macro of a project or tenant becomes: its value is in no export. */
export function macroVariable(paletteName: string, findings: Findings): ImportedVariable {
  const name = nameOf(paletteName);
  const sentence = "was a macro of a project or tenant, and is a required variable now: give it its value";
  findings.toDecide(`variable ${name}`, sentence);
  return { paletteName, declaration: { name, type: "string", required: true } };
}

function nameOf(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9_]/g, "_")
    .replace(/^(?=[0-9])/, "_")
    .slice(0, 63);
  return WORDS.includes(plain) ? `${plain}_` : plain;
}

function importVariable(variable: PaletteVariable, findings: Findings): ImportedVariable {
  const { name: paletteName, format = "string", isSensitive, required, immutable, hidden } = variable;
  const name = nameOf(paletteName);
  const where = `variable ${name}`;
  if (!IDENTIFIER.test(paletteName) || name !== paletteName)
    findings.toDecide(
      where,
      `was named ${paletteName}, which no variable can be named: packs that use that name need this one`,
    );
  const type = TYPES[format];
  if (type === undefined) findings.toDecide(where, `has the format ${format}, which is not known: it is text now`);
  if (hidden) findings.toKnow(where, "was hidden from forms, which Strata has none of");
  const known = { ...variable, name, type: type ?? "string", where };
  const description = descriptionOf(known);
  return {
    paletteName,
    declaration: {
      name,
      type: known.type,
      ...(description === undefined ? {} : { description }),
      ...(isSensitive ? secretOf(known, findings) : openOf(known, findings)),
      ...patternOf(known, findings),
      ...(required ? { required } : {}),
      ...(isSensitive ? { sensitive: true } : {}),
      ...(immutable ? { immutable } : {}),
    },
  };
}

type Known = PaletteVariable & { type: VariableType; where: string };

function descriptionOf({ name, displayName, description }: Known): string | undefined {
  const texts = [displayName === name ? undefined : displayName, description].filter((one) => one !== undefined);
  return texts.length === 0 ? undefined : [...new Set(texts)].join(": ").slice(0, MAX_DESCRIPTION);
}

function secretOf({ options, where }: Known, findings: Findings): object {
  if (options.length > 0)
    findings.toDecide(where, "is sensitive, and can have no list of allowed values: it is left out");
  return {};
}

function openOf(variable: Known, findings: Findings): object {
  const { type, options, defaultValue, required, where } = variable;
  const read = (text: string, what: string): unknown => {
    const value = readValue(type, text);
    if (value.ok) return value.value;
    findings.toDecide(where, `${what} ${value.problem}: it is left out`);
    return undefined;
  };
  const allowed = options.flatMap(({ value }, index) =>
    value === undefined ? [] : [read(value, `options[${index}]`)],
  );
  const values = allowed.filter((value) => value !== undefined);
  const chosen = defaultValue ?? options.find((option) => option.default)?.value;
  const isMasked = chosen !== undefined && MASKED.test(chosen);
  if (isMasked)
    findings.toDecide(where, "has a default that the export hides: give it one, or make the variable sensitive");
  const fallback =
    chosen === undefined || isMasked ? emptyText(type, { required, values }) : read(chosen, "its default");
  if (fallback === undefined && !required)
    findings.toKnow(
      where,
      "has no default: where an expression uses it, a value must be given, which Palette left empty",
    );
  return { ...(fallback === undefined ? {} : { default: fallback }), ...(values.length > 0 ? { enum: values } : {}) };
}

/** Where Palette knows no value it puts nothing, and says no error. */
function emptyText(
  type: VariableType,
  { required, values }: { required: boolean; values: readonly unknown[] },
): "" | undefined {
  return type === "string" && !required && values.length === 0 ? "" : undefined;
}

function patternOf({ regex, type, where }: Known, findings: Findings): object {
  if (regex === undefined) return {};
  if (WITHOUT_TEXT.includes(type)) {
    findings.toDecide(where, `has a regex, which a ${type} cannot have: it is left out; use minimum, maximum or enum`);
    return {};
  }
  try {
    compileRegex(regex);
    return { pattern: regex };
  } catch {
    findings.toDecide(where, "has a regex that does not work: it is left out");
    return {};
  }
}
