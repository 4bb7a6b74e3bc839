import { Environment } from "@marcbachmann/cel-js";
import { compileRegex, search } from "../health/regex.ts";
import { spend, textUnits } from "./expression-meter.ts";
import { LOOPS } from "./expression-names.ts";
import { callOf, nodesOf } from "./expression-node.ts";

/**
 * The functions of expressions. Left out: bytes, time (an evaluation has no clock, and `duration` backtracks) and
 * `cel.bind`.
 */
export const FUNCTIONS: ReadonlySet<string> = new Set([
  ...LOOPS,
  ...["has", "size", "type", "dyn", "int", "uint", "double", "string", "bool"],
  ...["contains", "startsWith", "endsWith", "matches", "lowerAscii", "upperAscii", "trim"],
  ...["indexOf", "lastIndexOf", "substring", "split", "join", "hasValue", "value", "or", "orValue"],
]);

/** A function was called with something that it cannot work on. The message is a clause without any value. */
export class BadArgument extends Error {
  override readonly name = "BadArgument";
}

const SEARCHED_AT_ONCE = 64;

/** V8 finds a text in another one in time linear in both, save for a few pairs, where it is their product. */
function payForSearch(text: string, part: string): void {
  spend(textUnits(text) * Math.ceil((part.length + 1) / SEARCHED_AT_ONCE));
}

function joinTexts(items: unknown, separator: string): string {
  const texts = [...(items as Iterable<unknown>)].map((item) => {
    if (typeof item !== "string") throw new BadArgument("join() needs a list of texts: write string(…) for the others");
    spend(1 + textUnits(item) + textUnits(separator));
    return item;
  });
  return texts.join(separator);
}

/**
 * Functions that cost more than what they give, each by its signature. The library's own cannot be replaced, so that a
 * call of `join` becomes one of `join_`, which pays before it works. `matches` also has RE2's syntax and linear time by
 * this, where the library would take JavaScript's.
 */
const PAID: Readonly<Record<string, (text: string, argument: string) => unknown>> = {
  "string.matches_(string): bool": (text, pattern) => search(compileRegex(pattern), text, spend),
  "string.contains_(string): bool": (text, part) => {
    payForSearch(text, part);
    return text.includes(part);
  },
  "string.indexOf_(string): int": (text, part) => {
    payForSearch(text, part);
    return BigInt(text.indexOf(part));
  },
  "string.lastIndexOf_(string): int": (text, part) => {
    payForSearch(text, part);
    return BigInt(text.lastIndexOf(part));
  },
  "string.split_(string): list<string>": (text, separator) => {
    payForSearch(text, separator);
    return text.split(separator);
  },
  "list.join_(): string": (items) => joinTexts(items, ""),
  "list.join_(string): string": joinTexts,
};

const MARK = "_";
const PAID_NAMES = new Set(Object.keys(PAID).map((signature) => /\.(\w+)_\(/.exec(signature)?.[1]));

const LIMITS = { maxAstNodes: 1024, maxDepth: 48, maxListElements: 256, maxMapEntries: 256, maxCallArguments: 8 };

/** CEL as expressions have it. */
export const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: LIMITS,
});
for (const [signature, handler] of Object.entries(PAID)) {
  environment.registerFunction(signature, handler, { async: false });
}

/** Turns the calls of functions that must pay into calls of ours. To be done before the tree is checked. */
export function redirectCalls(ast: unknown): void {
  for (const node of nodesOf(ast)) {
    const call = callOf(node);
    if (call?.receiver === undefined || !PAID_NAMES.has(call.name) || !Array.isArray(node.args)) continue;
    node.args[0] = call.name + MARK;
  }
}

/** A message of the library, with the functions under the names that people know. */
export function withPlainNames(clause: string): string {
  return clause.replaceAll(`${MARK}(`, "(");
}

/** Compiles a pattern that stands in the expression, so that a bad one is found before it runs. Throws RegexSyntaxError. */
export function checkPattern(pattern: string): void {
  compileRegex(pattern);
}
