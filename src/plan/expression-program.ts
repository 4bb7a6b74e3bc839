import { BudgetError, badPattern, clauseOf, isCelError, position, syntaxClause } from "../health/cel-program.ts";
import { RegexSyntaxError } from "../health/regex-syntax.ts";
import type { Result } from "../objects/types.ts";
import {
  BadArgument,
  checkPattern,
  environment,
  FUNCTIONS,
  redirectCalls,
  withPlainNames,
} from "./expression-functions.ts";
import { type Budget, meter, onBudget } from "./expression-meter.ts";
import { namesIn, type Reference, type Subject } from "./expression-names.ts";
import { callOf, type Node, nodesOf } from "./expression-node.ts";

/** A checked expression. */
export interface Program {
  /** Every name of ours that it reads. */
  readonly references: readonly Reference[];
  /** What it gives, as far as that is known before it runs: `bool`, `string`, `dyn`, … */
  readonly type: string;
  /** Never throws. A problem is a clause without any value. */
  run(scope: Readonly<Record<string, unknown>>, budget: Budget): Outcome;
}

/** `isMissing` when something that the expression reads is not there; `what` names it, as far as that is known. */
export type Outcome =
  | { ok: true; value: unknown }
  | { ok: false; problem: string; isMissing: boolean; what?: string | undefined };

const MAX_SOURCE = 4096;

type Compiled = Result<Program>;

const programs = new Map<string, Compiled>();
const MAX_PROGRAMS = 2048;

/**
 * Compiles one expression of CEL. Problems are clauses with the position in it, such as `unexpected token: EOF at
 * character 12`. Never throws. An expression that was seen lately is not compiled again: thousands of clusters have
 * the same ones.
 */
export function compileExpression(source: string, subject: Subject = "cluster"): Compiled {
  const key = `${subject} ${source}`;
  const known = programs.get(key);
  if (known !== undefined) return known;
  const compiled = compile(source, subject);
  if (source.length > MAX_SOURCE) return compiled;
  if (programs.size >= MAX_PROGRAMS) programs.clear();
  programs.set(key, compiled);
  return compiled;
}

function compile(source: string, subject: Subject): Compiled {
  if (source.trim() === "") return { ok: false, problems: ["an expression must not be empty"] };
  if (source.length > MAX_SOURCE)
    return { ok: false, problems: [`the expression is longer than ${MAX_SOURCE} characters`] };
  try {
    const parsed = environment.parse(source);
    const names = namesIn(parsed.ast, source, subject);
    const problems = [...refusals(parsed.ast, source), ...names.problems];
    if (problems.length > 0) return { ok: false, problems };
    redirectCalls(parsed.ast);
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, problems: [withPlainNames(syntaxClause(checked.error, source))] };
    meter(parsed.ast);
    const run: Program["run"] = (scope, budget) => outcome(() => onBudget(budget, () => parsed(scope)), source);
    return { ok: true, value: { references: names.references, type: checked.type ?? "dyn", run } };
  } catch (error) {
    return { ok: false, problems: [withPlainNames(syntaxClause(error, source))] };
  }
}

/** What CEL has and expressions have not, as clauses. */
function refusals(ast: unknown, source: string): string[] {
  return [...nodesOf(ast)].flatMap((node) => {
    const at = position(node.start, source);
    const call = callOf(node);
    if (call !== undefined && !FUNCTIONS.has(call.name)) return [`${call.name}() is not available here${at}`];
    if (call?.name === "matches") return badPatterns(call.args[0], source);
    if (node.op === "map") return lostKeys(node, at);
    return [];
  });
}

function badPatterns(pattern: Node | undefined, source: string): string[] {
  if (pattern?.op !== "value" || typeof pattern.args !== "string") return [];
  try {
    checkPattern(pattern.args);
    return [];
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return [badPattern(error) + position(pattern.start, source)];
  }
}

/** The library drops these keys from a map that is written in an expression. */
const LOST_KEYS: readonly unknown[] = ["__proto__", "constructor", "prototype"];

function lostKeys(node: Node, at: string): string[] {
  const entries = Array.isArray(node.args) ? node.args : [];
  const keys: unknown[] = entries.map((entry: unknown) => (Array.isArray(entry) ? entry[0]?.args : undefined));
  return keys.filter((key) => LOST_KEYS.includes(key)).map((key) => `a map${at} cannot have the key ${String(key)}`);
}

const MISSING = new Set(["no_such_key", "unknown_variable", "index_out_of_bounds", "optional_value_missing"]);

function outcome(run: () => unknown, source: string): Outcome {
  try {
    return { ok: true, value: run() };
  } catch (error) {
    return failure(error, source);
  }
}

function failure(error: unknown, source: string): Outcome & { ok: false } {
  const failed = (problem: string, isMissing = false) => ({ ok: false as const, problem, isMissing });
  if (error instanceof BudgetError || error instanceof BadArgument) return failed(error.message);
  if (error instanceof RegexSyntaxError) return failed(badPattern(error));
  if (!isCelError(error)) return failed("cannot be evaluated");
  const at = error.range === undefined ? "" : position(error.range.start, source);
  if (!MISSING.has(error.code)) return failed(withPlainNames(clauseOf(error)) + at);
  const { node } = error;
  const what = node && source.slice(node.start, node.end);
  return { ...failed(`${what ?? "something"} is not there`, true), what };
}
