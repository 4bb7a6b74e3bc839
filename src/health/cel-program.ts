import {
  type TypeError as CelTypeError,
  Environment,
  type EvaluationError,
  type ParseError,
  type ParseResult,
} from "@marcbachmann/cel-js";
import type { Result } from "../objects/types.ts";
import { isFields } from "./fields.ts";
import { compileRegex, search } from "./regex.ts";
import { RegexSyntaxError } from "./regex-syntax.ts";

/** A checked expression. */
export interface Program {
  readonly source: string;
  /** The identifiers in it: the fields of the object that it may read, and its own loop variables. */
  readonly names: ReadonlySet<string>;
  /** How deep loops stand in loops: 0 without any. */
  readonly loops: number;
  /** @throws CelError, and BudgetError when `matches` takes too many steps */
  run(variables: Record<string, unknown>): unknown;
}

export type CelError = EvaluationError | ParseError | CelTypeError;

export class BudgetError extends Error {
  override readonly name = "BudgetError";
}

/*
 * Whoever may write a profile writes expressions that run in the operator, over objects that they also write. CEL has no
 * unbounded loop, yet nested macros are polynomial and doubled values exponential, and the library meters nothing. So an
 * expression is small, loops are nested twice at most, and what makes values grow (`+`, `map`) is rare.
 */
const MAX_SOURCE = 2048;
const MAX_LOOP_DEPTH = 2;
const MAX_ADDITIONS = 4;
const MAX_MAPS = 2;
const MAX_REGEX_STEPS = 1_000_000;
const LIMITS = { maxAstNodes: 256, maxDepth: 48, maxListElements: 64, maxMapEntries: 16, maxCallArguments: 8 };

const MACROS = new Set(["all", "exists", "exists_one", "filter", "map"]);

/** Left out: what builds large values (`split`, `join`, `cel.bind`, bytes) and what needs a clock or backtracks (`duration`). */
const FUNCTIONS = new Set([
  ...MACROS,
  ...["has", "size", "type", "dyn", "int", "uint", "double", "string", "bool", "timestamp"],
  ...["contains", "startsWith", "endsWith", "lowerAscii", "upperAscii", "trim", "indexOf", "lastIndexOf", "substring"],
]);

/**
 * The library's `matches` is JavaScript's backtracking RegExp and cannot be replaced, so `matches` in a source becomes
 * this function of ours: of the same length, so that positions in errors stay true.
 */
const MATCHES = "matches";
const SAFE_MATCHES = "reMatch";

let steps = 0;
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: LIMITS,
}).registerFunction(
  `string.${SAFE_MATCHES}(string): bool`,
  (text: string, pattern: string) =>
    search(compileRegex(pattern), text, (taken) => {
      steps += taken;
      if (steps > MAX_REGEX_STEPS) throw new BudgetError("matches takes too long on this object");
    }),
  { async: false },
);

/**
 * Compiles one expression that must give true or false. Problems are clauses with the position in it, such as
 * `unexpected token: EOF at character 12`.
 */
export function compileProgram(source: string): Result<Program> {
  if (source.trim() === "") return problem("must not be empty");
  if (source.length > MAX_SOURCE) return problem(`is longer than ${MAX_SOURCE} characters`);
  try {
    const original = survey(environment.parse(source).ast);
    const refused = refusal(original, source);
    if (refused !== undefined) return problem(refused);
    const parsed = environment.parse(renamed(source, original.matches));
    if (survey(parsed.ast).matches.length > 0) return problem("matches is written in a way that is not understood");
    const checked = parsed.check();
    if (!checked.valid) return problem(syntaxClause(checked.error, source));
    if (checked.type !== "bool" && checked.type !== "dyn") {
      return problem(`gives ${checked.type}, but must give true or false`);
    }
    return { ok: true, value: { source, names: original.names, loops: original.loops, run: runner(parsed) } };
  } catch (error) {
    return problem(syntaxClause(error, source));
  }
}

function runner(parsed: ParseResult): Program["run"] {
  return (variables) => {
    steps = 0;
    return parsed(variables);
  };
}

const problem = (text: string): Result<never> => ({ ok: false, problems: [text] });

interface Call {
  name: string;
  start: number;
  pattern: string | undefined;
  /** Where, in the source, the function's name must stand: behind its receiver and before its arguments. */
  nameFrom: number;
  end: number;
}

interface Survey {
  names: Set<string>;
  calls: Call[];
  matches: Call[];
  additions: number;
  loops: number;
}

interface Node {
  op: string;
  args: unknown;
  start: number;
  end: number;
}

const isNode = (value: unknown): value is Node => isFields(value) && typeof value["op"] === "string" && "args" in value;

function survey(ast: unknown): Survey {
  const seen: Survey = { names: new Set(), calls: [], matches: [], additions: 0, loops: 0 };
  visit(ast, 0, seen);
  return seen;
}

function visit(value: unknown, depth: number, seen: Survey): void {
  if (Array.isArray(value)) for (const item of value) visit(item, depth, seen);
  if (!isNode(value)) return;
  if (value.op === "id") seen.names.add(String(value.args));
  if (value.op === "+") seen.additions += 1;
  if (value.op === "call" || value.op === "rcall") visitCall(value, depth, seen);
  else visit(value.args, depth, seen);
}

function visitCall(node: Node, depth: number, seen: Survey): void {
  const parts: unknown[] = Array.isArray(node.args) ? node.args : [];
  const [name, receiver, args] = node.op === "call" ? [parts[0], undefined, parts[1]] : parts;
  const first = Array.isArray(args) ? args[0] : undefined;
  const call: Call = {
    name: String(name),
    start: node.start,
    pattern: isNode(first) && typeof first.args === "string" && first.op === "value" ? first.args : undefined,
    nameFrom: isNode(receiver) ? receiver.end : node.start,
    end: isNode(first) ? first.start : node.end,
  };
  (call.name === MATCHES && receiver !== undefined ? seen.matches : seen.calls).push(call);
  const inner = MACROS.has(call.name) && receiver !== undefined ? depth + 1 : depth;
  seen.loops = Math.max(seen.loops, inner);
  visit(receiver, depth, seen);
  visit(args, inner, seen);
}

/** The first thing in the expression that is not allowed, as a clause. */
function refusal(seen: Survey, source: string): string | undefined {
  const unknown = seen.calls.find(({ name }) => !FUNCTIONS.has(name));
  if (unknown !== undefined)
    return `${unknown.name}() is not available in health checks${position(unknown.start, source)}`;
  if (seen.loops > MAX_LOOP_DEPTH)
    return `nests more than ${MAX_LOOP_DEPTH} loops (all, exists, filter, map) in each other`;
  if (seen.calls.filter(({ name }) => name === "map").length > MAX_MAPS)
    return `uses map() more than ${MAX_MAPS} times`;
  if (seen.additions > MAX_ADDITIONS) return `uses + more than ${MAX_ADDITIONS} times`;
  for (const { pattern, end } of seen.matches) {
    try {
      if (pattern !== undefined) compileRegex(pattern);
    } catch (error) {
      if (error instanceof RegexSyntaxError) return `${badPattern(error)}${position(end, source)}`;
      throw error;
    }
  }
  return undefined;
}

export const badPattern = (error: RegexSyntaxError): string => `has a pattern that does not work: ${error.message}`;

function renamed(source: string, matches: readonly Call[]): string {
  let text = source;
  for (const { nameFrom, end } of matches) {
    const at = text.lastIndexOf(MATCHES, end);
    if (at >= nameFrom) text = text.slice(0, at) + SAFE_MATCHES + text.slice(at + MATCHES.length);
  }
  return text;
}

/** These errors speak of types and operators. The others may quote a value, which could be a Secret's. */
const VALUELESS = new Set([
  "no_such_overload",
  "no_matching_overload",
  "cannot_index_type",
  "invalid_condition_type",
  "invalid_comprehension_range",
  "invalid_logical_operand",
]);

/** What went wrong in an evaluation, as a clause without any value of the object. */
export function clauseOf(error: CelError): string {
  const clause = VALUELESS.has(error.code) ? error.summary : error.code.replaceAll("_", " ");
  return clause.replaceAll(SAFE_MATCHES, MATCHES);
}

/** What is wrong with the text of an expression, as a clause with the position in it. */
export function syntaxClause(error: unknown, source: string): string {
  if (!isCelError(error)) return "cannot be read";
  const clause = error.summary.replaceAll(SAFE_MATCHES, MATCHES);
  const at = error.range === undefined ? "" : position(error.range.start, source);
  return `${clause.charAt(0).toLowerCase()}${clause.slice(1)}${at}`;
}

export function isCelError(error: unknown): error is CelError {
  return error instanceof Error && "summary" in error && typeof error.summary === "string" && "code" in error;
}

/** ` at character 12`, or ` at line 2, character 3`; both count from 1. */
export function position(offset: number, source: string): string {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  const character = offset - (before.lastIndexOf("\n") + 1) + 1;
  return source.includes("\n") ? ` at line ${line}, character ${character}` : ` at character ${character}`;
}
