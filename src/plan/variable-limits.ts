import type { VariableDeclaration } from "../api/schema/variables.ts";
import { BudgetError } from "../health/cel-program.ts";
import { compileRegex, search } from "../health/regex.ts";
import { RegexSyntaxError } from "../health/regex-syntax.ts";
import { canonicalJson } from "../objects/json.ts";
import { checkValue, comparable } from "./variable-types.ts";

/** Steps that comparing with patterns may still take. */
export interface Effort {
  left: number;
}

/** For all variables of a profile: less than a second. */
export function effort(): Effort {
  return { left: 4 * MAX_STEPS };
}

/** A clause for each limit of its declaration that a value of the right type breaks. None holds the value. */
export function brokenLimits(declaration: VariableDeclaration, value: unknown, left: Effort): string[] {
  const clauses = [outsideEnum(declaration, value), ...outsideBounds(declaration, value)];
  if (typeof value === "string")
    clauses.push(...outsideLength(declaration, value), patternMissed(declaration, value, left));
  return clauses.filter((clause) => clause !== undefined);
}

function outsideEnum({ enum: allowed }: VariableDeclaration, value: unknown): string | undefined {
  const text = canonicalJson(value);
  if (allowed === undefined || allowed.some((item) => canonicalJson(item) === text)) return undefined;
  return `must be one of ${allowed.map((item) => canonicalJson(item)).join(", ")}`;
}

function outsideBounds({ type, minimum, maximum }: VariableDeclaration, value: unknown): (string | undefined)[] {
  if (type !== "integer" && type !== "number") return [];
  const number = comparable(value);
  return [
    minimum !== undefined && number < minimum ? `must be at least ${minimum}` : undefined,
    maximum !== undefined && number > maximum ? `must be at most ${maximum}` : undefined,
  ];
}

function outsideLength({ minLength, maxLength }: VariableDeclaration, text: string): (string | undefined)[] {
  const length = Array.from(text).length;
  return [
    minLength !== undefined && length < minLength ? `must have at least ${minLength} characters` : undefined,
    maxLength !== undefined && length > maxLength ? `must have at most ${maxLength} characters` : undefined,
  ];
}

/** About a fifth of a second: a long text with a large pattern is beyond it. */
const MAX_STEPS = 1_000_000;

function patternMissed({ pattern }: VariableDeclaration, text: string, all: Effort): string | undefined {
  if (pattern === undefined) return undefined;
  let own = MAX_STEPS;
  const spend = (taken: number) => {
    own -= taken;
    all.left -= taken;
    if (own < 0 || all.left < 0) throw new BudgetError();
  };
  try {
    return search(compileRegex(pattern), text, spend) ? undefined : `must match the pattern ${pattern}`;
  } catch (error) {
    if (error instanceof BudgetError) return "is too long to be compared with its pattern";
    if (error instanceof RegexSyntaxError) return undefined; // a problem of the declaration
    throw error;
  }
}

/**
 * Everything that is wrong with declarations by themselves, as sentences: what their schema cannot see (a default or an
 * enum of another type, a pattern that is none). For offline checks, and part of every `resolveVariables`.
 */
export function checkDeclarations(declared: readonly VariableDeclaration[], left = effort()): string[] {
  return declared.flatMap((declaration) =>
    declarationProblems(declaration, left).map((p) => `variable ${declaration.name}${p}`),
  );
}

function declarationProblems(declaration: VariableDeclaration, left: Effort): string[] {
  const { type, pattern, sensitive } = declaration;
  const problems: string[] = [];
  if (pattern !== undefined) problems.push(...patternProblems(pattern));
  if (sensitive && (declaration.default !== undefined || declaration.enum !== undefined)) {
    problems.push(" is sensitive and must have no default and no enum: give its value by a Secret in variablesFrom");
    return problems;
  }
  const { enum: allowed = [] } = declaration;
  allowed.forEach((item, index) => {
    const checked = checkValue(type, item);
    if (!checked.ok) problems.push(`, enum[${index}]: ${checked.problem}`);
  });
  return [...problems, ...defaultProblems(declaration, left)];
}

function patternProblems(pattern: string): string[] {
  try {
    compileRegex(pattern);
    return [];
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return [`, pattern: ${error.message}`];
  }
}

function defaultProblems(declaration: VariableDeclaration, left: Effort): string[] {
  if (!hasDefault(declaration)) return [];
  const checked = checkValue(declaration.type, declaration.default);
  const clauses = checked.ok ? brokenLimits(declaration, checked.value, left) : [checked.problem];
  return clauses.map((clause) => `, default: ${clause}`);
}

/** A null stands for nothing: whether it survives depends on how it was applied. */
export function hasDefault(declaration: VariableDeclaration): boolean {
  return declaration.default !== undefined && declaration.default !== null;
}
