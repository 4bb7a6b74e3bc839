import { isExactNumber } from "../../objects/json.ts";
import { scanMacros } from "../../pack/macro-scan.ts";
import { type MacroScalar, macroScalarOf } from "../../pack/macro-text.ts";
import type { MacroTable, MacroUse } from "../../pack/macro-types.ts";
import { escapeExpressions } from "../../plan/expression-text.ts";
import type { Findings } from "./findings.ts";
import { type ImportedVariable, MASKED } from "./variables.ts";

/** Variables by the name that macros give them. */
export type VariableNames = ReadonlyMap<string, ImportedVariable["declaration"]>;

/** What Palette's names of the system are in expressions. Palette tells the version of Kubernetes without a v. */
const SYSTEM: Readonly<Record<string, string>> = {
  "cluster.name": "cluster.name",
  "kubernetes.version": "cluster.kubernetesVersion.substring(1)",
  "clusterprofile.name": "profile.name",
  "clusterprofile.version": "profile.version",
  "project.name": "profile.namespace",
};
/** Those that packs may still ask for (plan/profile-scope.ts). */
const IN_PACKS = [...Object.keys(SYSTEM), "clusterprofile.infra.name", "clusterprofile.infra.version"];
const TEXTUAL = ["number", "boolean"];

export interface Conversion {
  macros: MacroTable;
  variables: VariableNames;
  /** The layer's source: the engine replaces Palette's macros in the values of packs only. */
  source: "pack" | "chart";
}

/**
 * Values as they stand in a profile: texts that look like expressions are escaped; macros become expressions in a chart's
 * values, and in a pack's values where they are a scalar without quotes, because only so a number stays a number.
 */
export function withExpressions(node: unknown, conversion: Conversion): unknown {
  if (typeof node === "string") return scalarOf(node, conversion);
  if (typeof node !== "object" || node === null || isExactNumber(node)) return node;
  if (Array.isArray(node)) return node.map((item) => withExpressions(item, conversion));
  const entries = Object.entries(node).map(([key, item]) => [
    keyOf(key, conversion),
    withExpressions(item, conversion),
  ]);
  return Object.fromEntries(entries);
}

function scalarOf(text: string, conversion: Conversion): string {
  const scalar = macroScalarOf(text, conversion.macros);
  if (scalar === undefined) return escapeExpressions(text);
  const parts = scalar.parts.map((part) => {
    if (typeof part === "string") return escapeExpressions(part);
    return expressionFor(part, scalar, conversion) ?? macroText(part);
  });
  return parts.join("");
}

/** Keys are never evaluated; macros in those of packs are replaced. */
function keyOf(key: string, { macros }: Conversion): string {
  const parts = macroScalarOf(key, macros)?.parts ?? [key];
  return parts.map((part) => (typeof part === "string" ? part : macroText(part))).join("");
}

function expressionFor(
  use: MacroUse,
  { isPlain, parts }: MacroScalar,
  { variables, source }: Conversion,
): string | undefined {
  if (use.kind === "malformed" || use.expression !== ".r0") return undefined;
  const isWhole = parts.length === 1;
  const [reference = ""] = use.references;
  const [, root, name = ""] = /^(\w+)\.(.*)$/.exec(reference) ?? [];
  if (root === "system") return source === "chart" && SYSTEM[name] ? `\${{ ${SYSTEM[name]} }}` : undefined;
  const variable = root === "var" || root === "macro" ? variables.get(name) : undefined;
  if (variable === undefined || (source === "pack" && !(isWhole && isPlain))) return undefined;
  // Quotes made a text of whatever the variable was.
  const isText = isWhole && !isPlain && TEXTUAL.includes(variable.type);
  return isText ? `\${{ string(variables.${variable.name}) }}` : `\${{ variables.${variable.name} }}`;
}

/** A macro as somebody may have written it. */
function macroText(use: MacroUse): string {
  if (use.kind === "malformed") return "{{ .spectro }}";
  const expression = use.expression.replace(
    /\.r(\d+)/g,
    (_, index: string) => `.spectro.${use.references[Number(index)]}`,
  );
  return `{{ ${expression} }}`;
}

export interface Inspection {
  /** In words: `layer web, values`. */
  where: string;
  source: "pack" | "chart" | "manifests";
  variables: VariableNames;
}

/** Says what in values, or in the text of manifests, needs somebody: hidden secrets, and macros that nothing replaces. */
export function inspect(node: unknown, inspection: Inspection, findings: Findings): void {
  const { where } = inspection;
  if (typeof node === "string") {
    if (MASKED.test(node)) findings.toDecide(where, "holds a secret that the export hides: give it by valuesFrom");
    for (const sentence of new Set(macroSentences(node, inspection))) findings.toDecide(where, sentence);
    return;
  }
  if (typeof node !== "object" || node === null || isExactNumber(node)) return;
  for (const [key, item] of Object.entries(node)) {
    const step = Array.isArray(node) ? `[${key}]` : `.${key.replaceAll(".", "\\.")}`;
    inspect(item, { ...inspection, where: `${where}${step}` }, findings);
  }
}

function macroSentences(text: string, inspection: Inspection): string[] {
  if (!text.includes(".spectro")) return [];
  return scanMacros(text).flatMap(({ macro }) => {
    if (macro.kind === "malformed") return [macro.sentence];
    return macro.references.flatMap((reference) => sentenceOf(reference, inspection) ?? []);
  });
}

function sentenceOf(reference: string, { source, variables }: Inspection): string | undefined {
  const macro = `{{ .spectro.${reference} }}`;
  if (source === "manifests")
    return `${macro} is not replaced in manifests: put its value there, or make a pack of them`;
  if (source === "chart") return `${macro} is not replaced in the values of a chart: write an expression for it`;
  const [, root, name = ""] = /^(\w+)\.(.*)$/.exec(reference) ?? [];
  if (root === "system") return IN_PACKS.includes(name) ? undefined : `Strata has no ${macro}: put its value there`;
  if (root === "pack") return undefined;
  const isKnown = variables.get(name)?.name === name;
  return isKnown ? undefined : `${macro} names no variable of the profile: declare one, or put its value there`;
}

/** The macros of projects and tenants that values ask for. */
export function userMacros(macros: MacroTable): string[] {
  const uses = [...macros.values()].flatMap((use) => (use.kind === "pipeline" ? use.references : []));
  return uses.flatMap((reference) => (reference.startsWith("macro.") ? [reference.slice("macro.".length)] : []));
}
