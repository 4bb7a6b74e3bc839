import type { KubeObject, Result } from "../objects/types.ts";
import {
  BudgetError,
  badPattern,
  type CelError,
  clauseOf,
  compileProgram,
  isCelError,
  type Program,
} from "./cel-program.ts";
import { type Scope, scopeOf, TooDeepError } from "./cel-values.ts";
import { RegexSyntaxError } from "./regex-syntax.ts";
import { sentence } from "./text.ts";
import { CURRENT, failed, inProgress, terminating, type Verdict } from "./verdict.ts";

/** One entry of a layer's `healthChecks`, as a person writes it. */
export interface HealthCheckSpec {
  apiVersion: string;
  kind: string;
  name?: string | undefined;
  namespace?: string | undefined;
  /** CEL: true when the object is as it should be. */
  current: string;
  /** CEL: true when it will not become so by itself. Looked at first. */
  failed?: string | undefined;
}

/** A compiled check: which objects it is about, and what it asks of them. */
export interface HealthCheck {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  /** Where it stands in the profile: `healthChecks[1]`. */
  readonly path: string;
  readonly current: Program;
  readonly failed: Program | undefined;
}

/**
 * Compiles a layer's health checks, all or none. Each problem is a sentence that begins with its path:
 * `healthChecks[1].current: unexpected token: EOF at character 9`. Never throws.
 *
 * Expressions are CEL, bounded in size and cost: at most 2,048 characters, two loops in each other, no functions that
 * build large values, and `matches` in RE2's syntax by an engine that does not backtrack.
 */
export function compileHealthChecks(specs: readonly HealthCheckSpec[]): Result<HealthCheck[]> {
  const problems: string[] = [];
  const compile = (source: unknown, path: string): Program | undefined => {
    const result =
      typeof source === "string" ? compileProgram(source) : { ok: false as const, problems: ["must be text"] };
    if (result.ok) return result.value;
    problems.push(...result.problems.map((clause) => sentence(`${path}: ${clause}`)));
    return undefined;
  };
  const checks = specs.flatMap((spec, index): HealthCheck[] => {
    const path = `healthChecks[${index}]`;
    const current = compile(spec.current, `${path}.current`);
    const failing = spec.failed === undefined ? undefined : compile(spec.failed, `${path}.failed`);
    const { apiVersion, kind, name, namespace } = spec;
    return current === undefined ? [] : [{ apiVersion, kind, name, namespace, path, current, failed: failing }];
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: checks };
}

/** Whether the check is about this object: same apiVersion and kind; without a name or namespace, any. */
export function covers(check: HealthCheck, object: KubeObject): boolean {
  return (
    check.apiVersion === object.apiVersion &&
    check.kind === object.kind &&
    (check.name === undefined || check.name === object.metadata.name) &&
    (check.namespace === undefined || check.namespace === object.metadata.namespace)
  );
}

/**
 * What a check says about a live object. `failed` is asked first, then `current`; neither true is InProgress.
 *
 * The expressions see the object's top-level fields by name (`status`, `spec`, `metadata`, `data`, …) and the whole as
 * `self`; integers are CEL ints. A field that is not there yet is InProgress, since controllers write status late. What
 * cannot become right by waiting (no boolean, no such operator for these types, too costly) is Failed with a sentence.
 */
export function evaluate(check: HealthCheck, object: KubeObject): Verdict {
  if (object.metadata.deletionTimestamp) return terminating("is being deleted");
  const failing = check.failed === undefined ? undefined : answer(check.failed, object, `${check.path}.failed`);
  if (failing?.kind === "broken") return badCheck(failing.message);
  if (failing?.kind === "true") return failed(sentence(`${quoted(check.failed)} is true`));
  const current = answer(check.current, object, `${check.path}.current`);
  switch (current.kind) {
    case "true":
      return CURRENT;
    case "false":
      return inProgress(sentence(`${quoted(check.current)} is not true yet`));
    case "missing":
      return inProgress(current.message);
    case "broken":
      return badCheck(current.message);
  }
}

const badCheck = (message: string): Verdict => ({ ...failed(message), badCheck: true });

const quoted = (program: Program | undefined): string => sentence(program?.source ?? "", 200);

type Answer =
  | { kind: "true" }
  | { kind: "false" }
  | { kind: "missing"; message: string }
  | { kind: "broken"; message: string };

/** What one evaluation may cost: turns of its innermost loop times the work of one turn. About a tenth of a second. */
const MAX_COST = 50_000_000;

function answer(program: Program, object: KubeObject, path: string): Answer {
  const broken = (clause: string): Answer => ({ kind: "broken", message: sentence(`${path}: ${clause}`) });
  try {
    const scope = scopeOf(object, program.names);
    if (cost(program, scope) > MAX_COST) return broken("the object is too large for its nested loops");
    const value = program.run(scope.variables);
    if (typeof value === "boolean") return { kind: value ? "true" : "false" };
    return broken(`gives ${kindOf(value)}, but must give true or false`);
  } catch (error) {
    if (error instanceof RegexSyntaxError) return broken(badPattern(error));
    if (error instanceof BudgetError) return broken(error.message);
    if (error instanceof TooDeepError) return broken("the object is nested too deep");
    if (!isCelError(error)) return broken("cannot be evaluated");
    const path = missingField(error, program.source);
    return path === undefined
      ? broken(clauseOf(error))
      : { kind: "missing", message: sentence(`${path} is not there yet`) };
  }
}

function cost(program: Program, scope: Scope): number {
  return program.loops === 0 ? 0 : scope.largest ** program.loops * Math.max(scope.largest, scope.longest);
}

const MISSING = new Set(["no_such_key", "unknown_variable", "index_out_of_bounds"]);

/** The text of the field that is not there (`status.phase`), when that is what the error is about. */
function missingField(error: CelError, source: string): string | undefined {
  if (!MISSING.has(error.code)) return undefined;
  const node = error.node;
  return node === undefined ? "a field" : source.slice(node.start, node.end);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "bigint" || typeof value === "number") return "a number";
  return typeof value === "string" ? "text" : "a map";
}
