import { isExactNumber } from "../objects/json.ts";
import { keyStep } from "../pack/path-key.ts";
import type { Budget } from "./expression-meter.ts";
import { type OutputName, outputKey, type Reference, type Uses, usesOf } from "./expression-names.ts";
import { compileExpression, type Program } from "./expression-program.ts";
import {
  CelScope,
  type KnownNames,
  knownNames,
  type Missing,
  missingIn,
  type Scope,
  unknownNames,
} from "./expression-scope.ts";
import { mayHoldExpression, type Piece, piecesOf } from "./expression-text.ts";
import { BadValue, fromCel, kindOf, textOf } from "./expression-values.ts";

/**
 * Expressions: CEL between `${{` and `}}` in the scalars of YAML that was parsed before. A value can so never change the
 * structure around it, and what a variable holds is data: it is not evaluated again. How a text is split, and how `${{`
 * itself is written, is said at `piecesOf`.
 *
 * - A scalar that is one expression and nothing else becomes what the expression gives, of any type. In a longer text,
 *   text, numbers and true and false take the place of the expression; a map, list or null there is a problem.
 * - Keys are never evaluated.
 * - Expressions read `cluster`, `profile`, `variables.<name>` and `layers.<layer>.outputs.<output>`, of which the last
 *   two are always written out. They have no clock, and a bounded size, cost and result.
 */

export type Evaluated<T> =
  | {
      kind: "value";
      value: T;
      /** The scalars (`values.db.password`, `values.hosts[0]`) whose expressions read something sensitive. */
      sensitivePaths: readonly string[];
      uses: Uses;
    }
  /** Nothing is wrong, but these outputs are not there yet. */
  | { kind: "waiting"; on: readonly OutputName[] }
  /** Everything that is wrong, as sentences that begin with the place. */
  | { kind: "failed"; problems: readonly string[] };

/** What all expressions of one profile on one cluster may cost together, those of one call, and one alone: see `Budget`. */
export const PROFILE_BUDGET = 5_000_000;
const TREE_BUDGET = 2_000_000;
const EXPRESSION_BUDGET = 500_000;
const MAX_TREE_DEPTH = 200;

/** One pass over a tree or a text. */
interface Pass {
  scope: Scope;
  celScope: CelScope;
  known: KnownNames;
  budget: Budget;
  problems: string[];
  waiting: Map<string, OutputName>;
  sensitivePaths: Set<string>;
  references: Reference[];
}

function begin(scope: Scope): Pass {
  return {
    scope,
    celScope: new CelScope(scope),
    known: knownNames(scope),
    budget: { left: TREE_BUDGET },
    problems: [],
    waiting: new Map(),
    sensitivePaths: new Set(),
    references: [],
  };
}

function end<T>(pass: Pass, value: T): Evaluated<T> {
  if (pass.problems.length > 0) return { kind: "failed", problems: pass.problems };
  if (pass.waiting.size > 0) return { kind: "waiting", on: [...pass.waiting.values()] };
  return { kind: "value", value, sensitivePaths: [...pass.sensitivePaths], uses: usesOf(pass.references) };
}

/**
 * Evaluates all expressions in the scalars of a tree, such as a layer's values. Changes nothing in `tree`, and never
 * throws. All problems and all missing names come at once, each led by its path below `where`.
 *
 * To be called with what stands in a profile: an expression in a Secret's text would read what its writer may not.
 *
 * @param where the words for the root of the tree, such as `values`
 */
export function evaluateTree(tree: unknown, scope: Scope, where: string): Evaluated<unknown> {
  const pass = begin(scope);
  const value = mapScalars(tree, where, {
    scalar: (text, path) => evaluateScalar(text, path, pass),
    tooDeep: (path) => pass.problems.push(`${path}: is nested deeper than ${MAX_TREE_DEPTH}`),
  });
  return end(pass, value);
}

/** Evaluates the expressions in a text that stays a text, such as a version or a namespace. Never throws. */
export function evaluateText(text: string, scope: Scope, where: string): Evaluated<string> {
  const pass = begin(scope);
  return end(pass, textFrom(splitText(text, where, pass.problems), where, pass) ?? "");
}

/** Evaluates a condition: CEL alone, without `${{`, that gives true or false. Never throws. */
export function evaluateCondition(source: string, scope: Scope, where: string): Evaluated<boolean> {
  const pass = begin(scope);
  if (mayHoldExpression(source)) return { kind: "failed", problems: [`${where}: ${BARE}`] };
  const value = runSource(source, { path: where }, pass);
  if (value !== NOTHING && typeof value !== "boolean") {
    pass.problems.push(`${where}: gives ${kindOf(value)}, but must give true or false`);
  }
  return end(pass, value === true);
}

const BARE = "is CEL as it stands: leave out the marks of an expression around it";

interface Visitor {
  scalar: (text: string, path: string) => unknown;
  tooDeep: (path: string) => void;
}

/** A copy of the tree with other scalars where texts are that may hold expressions. */
function mapScalars(node: unknown, path: string, visitor: Visitor, depth = 0): unknown {
  if (typeof node === "string") return mayHoldExpression(node) ? visitor.scalar(node, path) : node;
  if (typeof node !== "object" || node === null || isExactNumber(node)) return node;
  if (depth > MAX_TREE_DEPTH) return visitor.tooDeep(path);
  const below = (item: unknown, step: string) => mapScalars(item, path + step, visitor, depth + 1);
  if (Array.isArray(node)) return node.map((item, index) => below(item, `[${index}]`));
  return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, below(item, keyStep(key))]));
}

function splitText(text: string, where: string, problems: string[]): Piece[] | undefined {
  const pieces = piecesOf(text);
  if (pieces.ok) return pieces.value;
  problems.push(...pieces.problems.map((clause) => `${where}: ${clause}`));
  return undefined;
}

/** Where an expression stands: a scalar, and the characters before it in a longer text. */
interface Place {
  path: string;
  at?: number;
}

const wordsFor = ({ path, at }: Place) => (at === undefined ? path : `${path}, character ${at + 1}`);

/** No value: what went wrong, or is waited for, is in the pass. */
const NOTHING = Symbol("nothing");

function evaluateScalar(text: string, where: string, pass: Pass): unknown {
  const pieces = splitText(text, where, pass.problems);
  const [only] = pieces ?? [];
  if (pieces?.length !== 1 || only?.kind !== "expression") return textFrom(pieces, where, pass);
  const place = { path: where };
  const value = runSource(only.source, place, pass);
  return value === NOTHING ? undefined : converted(() => fromCel(value), place, pass);
}

function textFrom(pieces: readonly Piece[] | undefined, where: string, pass: Pass): string | undefined {
  const texts = pieces?.map((piece) => {
    if (piece.kind === "literal") return piece.text;
    const place = pieces.length === 1 ? { path: where } : { path: where, at: piece.at };
    const value = runSource(piece.source, place, pass);
    return value === NOTHING ? undefined : converted(() => textOf(value), place, pass);
  });
  return texts?.every((text) => text !== undefined) ? texts.join("") : undefined;
}

function converted<T>(convert: () => T, place: Place, pass: Pass): T | undefined {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    pass.problems.push(`${wordsFor(place)}: ${error.message}`);
    return undefined;
  }
}

function runSource(source: string, place: Place, pass: Pass): unknown {
  const where = wordsFor(place);
  const say = (clauses: readonly string[]) => pass.problems.push(...clauses.map((clause) => `${where}: ${clause}`));
  const compiled = compileExpression(source.trim());
  if (!compiled.ok) {
    say(compiled.problems);
    return NOTHING;
  }
  const { references } = compiled.value;
  const unknown = unknownNames(references, pass.known);
  if (unknown.length > 0) {
    say([...unknown, ...missingIn(references, pass.scope).problems]);
    return NOTHING;
  }
  pass.references.push(...references);
  if (references.some((reference) => isSensitive(reference, pass.scope))) pass.sensitivePaths.add(place.path);
  const outcome = runProgram(compiled.value, pass);
  if (outcome.ok) return outcome.value;
  const missing: Missing = outcome.isMissing ? missingIn(references, pass.scope) : { problems: [], outputs: [] };
  if (missing.problems.length > 0) say(missing.problems);
  else if (missing.outputs.length === 0) say([outcome.problem]);
  for (const output of missing.outputs) pass.waiting.set(outputKey(output), output);
  return NOTHING;
}

function runProgram(program: Program, pass: Pass): ReturnType<Program["run"]> {
  const shared = pass.scope.budget ?? pass.budget;
  const budget = { left: Math.min(EXPRESSION_BUDGET, pass.budget.left, shared.left) };
  const given = budget.left;
  try {
    return program.run(pass.celScope.seenBy(program.references), budget);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    return { ok: false, problem: error.message, isMissing: false };
  } finally {
    const spent = given - budget.left;
    pass.budget.left -= spent;
    if (shared !== pass.budget) shared.left -= spent;
  }
}

function isSensitive(reference: Reference, { variables, layers }: Scope): boolean {
  if (reference.kind === "variable") return variables.sensitive.has(reference.name);
  return reference.kind === "output" && layers.get(reference.layer)?.get(reference.output)?.sensitive === true;
}

/** What can be said of expressions without a cluster. */
export interface Checked {
  uses: Uses;
  /** Errors of syntax and names that do not exist, as sentences that begin with the place. */
  problems: readonly string[];
}

/** Checks all expressions in the scalars of a tree (or in one text) as `evaluateTree` would, without evaluating any. */
export function expressionsIn(tree: unknown, known: KnownNames, where: string): Checked {
  const problems: string[] = [];
  const references: Reference[] = [];
  mapScalars(tree, where, {
    scalar: (text, path) => {
      for (const piece of splitText(text, path, problems) ?? []) {
        if (piece.kind === "expression") check(piece.source, path, { known, problems, references });
      }
    },
    tooDeep: (path) => problems.push(`${path}: is nested deeper than ${MAX_TREE_DEPTH}`),
  });
  return { uses: usesOf(references), problems };
}

/** Checks a condition as `evaluateCondition` would, without evaluating it. */
export function checkCondition(source: string, known: KnownNames, where: string): Checked {
  const problems: string[] = [];
  const references: Reference[] = [];
  if (mayHoldExpression(source)) return { uses: usesOf([]), problems: [`${where}: ${BARE}`] };
  const type = check(source, where, { known, problems, references });
  if (type !== undefined && type !== "bool" && type !== "dyn") {
    problems.push(`${where}: gives ${type}, but must give true or false`);
  }
  return { uses: usesOf(references), problems };
}

interface Check {
  known: KnownNames;
  problems: string[];
  references: Reference[];
}

function check(source: string, where: string, { known, problems, references }: Check): string | undefined {
  const compiled = compileExpression(source.trim());
  if (compiled.ok) references.push(...compiled.value.references);
  const clauses = compiled.ok ? unknownNames(compiled.value.references, known) : compiled.problems;
  problems.push(...clauses.map((clause) => `${where}: ${clause}`));
  return compiled.ok ? compiled.value.type : undefined;
}
