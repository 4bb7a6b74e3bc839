import {
  type Assertion,
  type CharTest,
  isWordChar,
  parseRegex,
  type RegexNode,
  RegexSyntaxError,
} from "./regex-syntax.ts";

type Instruction =
  | { op: "char"; test: CharTest; next: number }
  | { op: "assert"; assertion: Assertion; next: number }
  | { op: "fork"; to: number[] }
  | { op: "match" };

export interface Regex {
  readonly program: readonly Instruction[];
  readonly start: number;
}

const MAX_PATTERN = 512;
const MAX_PROGRAM = 2000;
const MAX_KNOWN = 256;

const known = new Map<string, Regex>();

/**
 * Compiles a pattern in RE2's syntax for `search`, which takes time linear in the text, whatever the pattern: JavaScript's
 * own engine backtracks, and `(a+)+$` on thirty letters would hold the whole operator. What was compiled lately is not
 * compiled again.
 *
 * @throws RegexSyntaxError with a clause for people
 */
export function compileRegex(pattern: string): Regex {
  const regex = known.get(pattern) ?? compile(pattern);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(pattern, regex);
  return regex;
}

function compile(pattern: string): Regex {
  if (pattern.length > MAX_PATTERN) throw new RegexSyntaxError(`it is longer than ${MAX_PATTERN} characters`);
  const program: Instruction[] = [{ op: "match" }];
  return { program, start: emit(parseRegex(pattern), 0, program) };
}

/** Thompson's construction, from the end to the start: answers where the code for `node`, followed by `next`, begins. */
function emit(node: RegexNode, next: number, program: Instruction[]): number {
  switch (node.kind) {
    case "set":
      return push(program, { op: "char", test: node.test, next });
    case "assert":
      return push(program, { op: "assert", assertion: node.assertion, next });
    case "sequence":
      return node.parts.reduceRight((after, part) => emit(part, after, program), next);
    case "choice":
      return push(program, { op: "fork", to: node.parts.map((part) => emit(part, next, program)) });
    case "repeat":
      return emitRepeat(node, next, program);
  }
}

function emitRepeat(node: RegexNode & { kind: "repeat" }, next: number, program: Instruction[]): number {
  let start = next;
  if (node.max === Number.POSITIVE_INFINITY) {
    const fork: Instruction = { op: "fork", to: [next] };
    start = push(program, fork);
    fork.to.push(emit(node.body, start, program));
  } else {
    for (let i = node.min; i < node.max; i++) {
      start = push(program, { op: "fork", to: [next, emit(node.body, start, program)] });
    }
  }
  for (let i = 0; i < node.min; i++) start = emit(node.body, start, program);
  return start;
}

function push(program: Instruction[], instruction: Instruction): number {
  if (program.length >= MAX_PROGRAM) throw new RegexSyntaxError("it is too large");
  return program.push(instruction) - 1;
}

/** Whether the pattern matches anywhere in the text. `spend` is told of each step taken, and may throw to stop. */
export function search(regex: Regex, text: string, spend: (steps: number) => void): boolean {
  spend(text.length);
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  let threads: number[] = [];
  for (let at = 0; at <= points.length; at++) {
    const live = follow(regex, [...threads, regex.start], { points, at });
    if (live === "match") return true;
    spend(live.steps);
    const point = points[at];
    threads = point === undefined ? [] : advance(regex, live.chars, point);
  }
  return false;
}

interface Place {
  points: readonly number[];
  at: number;
}

/** Follows forks and assertions, each instruction once, to the instructions that wait for a character. */
function follow({ program }: Regex, from: number[], place: Place): "match" | { chars: number[]; steps: number } {
  const seen = new Set<number>();
  const chars: number[] = [];
  const stack = from;
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    const instruction = program[index];
    if (instruction === undefined || seen.has(index)) continue;
    seen.add(index);
    if (instruction.op === "match") return "match";
    if (instruction.op === "fork") stack.push(...instruction.to);
    else if (instruction.op === "char") chars.push(index);
    else if (holds(instruction.assertion, place)) stack.push(instruction.next);
  }
  return { chars, steps: seen.size };
}

function advance({ program }: Regex, chars: readonly number[], point: number): number[] {
  const threads: number[] = [];
  for (const index of chars) {
    const instruction = program[index];
    if (instruction?.op === "char" && instruction.test(point)) threads.push(instruction.next);
  }
  return threads;
}

function holds(assertion: Assertion, { points, at }: Place): boolean {
  const word = (index: number) => isWordChar(points[index] ?? -1);
  switch (assertion) {
    case "textStart":
      return at === 0;
    case "textEnd":
      return at === points.length;
    case "lineStart":
      return at === 0 || points[at - 1] === 10;
    case "lineEnd":
      return at === points.length || points[at] === 10;
    case "wordBoundary":
      return word(at - 1) !== word(at);
    case "notWordBoundary":
      return word(at - 1) === word(at);
  }
}
