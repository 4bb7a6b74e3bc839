import { BudgetError } from "../health/cel-program.ts";
import { isExactNumber } from "../objects/json.ts";
import { isNode, type Node } from "./expression-node.ts";

/**
 * What evaluations may still cost. The library meters nothing, nested macros are polynomial, doubled values exponential,
 * and whoever may write a profile writes expressions. A unit is a node evaluated, an entry of a list or map that a node
 * gave, or 16 characters of a text; a million take about a tenth of a second.
 */
export interface Budget {
  left: number;
}

const CHARACTERS_PER_UNIT = 16;

let current: Budget = { left: 0 };

/** @throws BudgetError when nothing is left */
export function spend(units: number): void {
  current.left -= units;
  if (current.left < 0) throw new BudgetError("takes too long to evaluate");
}

/** Runs an evaluation on a budget. The library catches errors in places (`||`, `exists`), so that the end is checked too. */
export function onBudget<T>(budget: Budget, run: () => T): T {
  current = budget;
  const result = run();
  spend(0);
  return result;
}

type Evaluate = (evaluator: unknown, node: unknown, context: unknown) => unknown;

/**
 * Makes every node of a parsed expression pay for its evaluation and its result. Each turn of a loop evaluates a node
 * that the person wrote, so loops pay too. When a node runs first, the library sets its `evaluate` anew
 * and calls that.
 */
export function meter(root: unknown): void {
  const visit = (value: unknown, isContainer: boolean): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, false);
    if (!isNode(value)) return;
    wrap(value, isContainer);
    // What a field is taken from is not paid for: `variables` may be large, `variables.name` is not.
    if (ACCESS.has(value.op) && Array.isArray(value.args)) {
      visit(value.args[0], true);
      visit(value.args[1], false);
    } else visit(value.args, false);
  };
  visit(root, false);
}

const ACCESS = new Set([".", "[]", ".?", "[?]"]);

function wrap(node: Node, isContainer: boolean): void {
  const own = node as unknown as { evaluate: Evaluate };
  let inner = own.evaluate;
  let isHandedOn = false;
  const metered: Evaluate = (evaluator, ast, context) => {
    spend(1);
    const result = inner.call(node, evaluator, ast, context);
    if (!isContainer) spend(weightOf(result));
    return result;
  };
  Object.defineProperty(own, "evaluate", {
    get: () => {
      if (!isHandedOn) return metered;
      isHandedOn = false;
      return inner;
    },
    set: (next: Evaluate) => {
      inner = next;
      isHandedOn = true;
    },
  });
}

/** Lists and maps never change once a node has given them. */
const weights = new WeakMap<object, number>();

export function textUnits(text: string): number {
  return text.length / CHARACTERS_PER_UNIT;
}

function weightOf(value: unknown): number {
  if (typeof value === "string") return textUnits(value);
  if (typeof value !== "object" || value === null) return 0;
  const known = weights.get(value);
  if (known !== undefined) return known;
  const weight = partsOf(value).reduce<number>((sum, part) => sum + 1 + weightOf(part), 0);
  weights.set(value, weight);
  return weight;
}

function partsOf(value: object): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  const isPlain = Object.getPrototypeOf(value) === Object.prototype && !isExactNumber(value);
  return isPlain ? Object.entries(value).flat() : [];
}
