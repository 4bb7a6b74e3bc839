/** A set of code points. */
export type CharTest = (codePoint: number) => boolean;

export type Assertion = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "wordBoundary" | "notWordBoundary";

export type RegexNode =
  | { kind: "set"; test: CharTest }
  | { kind: "assert"; assertion: Assertion }
  | { kind: "sequence"; parts: RegexNode[] }
  | { kind: "choice"; parts: RegexNode[] }
  | { kind: "repeat"; body: RegexNode; min: number; max: number };

interface Flags {
  ignoreCase: boolean;
  dotAll: boolean;
  multiLine: boolean;
}

interface Cursor {
  readonly text: string;
  at: number;
  flags: Flags;
}

/** RE2's own limit for `{n,m}`. */
const MAX_REPEAT = 1000;

const NEWLINE = 10;

export const isWordChar: CharTest = (c) => isDigit(c) || (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95;
const isDigit: CharTest = (c) => c >= 48 && c <= 57;
const isSpace: CharTest = (c) => c === 32 || c === 9 || c === NEWLINE || c === 12 || c === 13;
const not =
  (test: CharTest): CharTest =>
  (c) =>
    !test(c);

const CLASS_ESCAPES: Readonly<Record<string, CharTest>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWordChar,
  W: not(isWordChar),
  s: isSpace,
  S: not(isSpace),
};

const CHAR_ESCAPES: Readonly<Record<string, number>> = { n: NEWLINE, t: 9, r: 13, f: 12, v: 11, a: 7 };

const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: "textStart",
  z: "textEnd",
  b: "wordBoundary",
  B: "notWordBoundary",
};

export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
}

/**
 * Parses RE2's syntax as CEL's `matches` has it: literals, classes, groups, `(?i)`, alternatives, repetition, anchors.
 * What RE2 has not (look-around, back-references) and what nobody needs in a health check (`\p`, `\Q`) is refused.
 */
export function parseRegex(text: string): RegexNode {
  const cursor: Cursor = { text, at: 0, flags: { ignoreCase: false, dotAll: false, multiLine: false } };
  const node = choice(cursor);
  if (cursor.at < text.length) throw new RegexSyntaxError("a ) without its (");
  return node;
}

const peek = (cursor: Cursor): string => cursor.text.charAt(cursor.at);

function take(cursor: Cursor, token: string): boolean {
  if (!cursor.text.startsWith(token, cursor.at)) return false;
  cursor.at += token.length;
  return true;
}

function takeCodePoint(cursor: Cursor): number {
  const codePoint = cursor.text.codePointAt(cursor.at);
  if (codePoint === undefined) throw new RegexSyntaxError("it ends too early");
  cursor.at += codePoint > 0xffff ? 2 : 1;
  return codePoint;
}

function choice(cursor: Cursor): RegexNode {
  const parts = [sequence(cursor)];
  while (take(cursor, "|")) parts.push(sequence(cursor));
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "choice", parts };
}

function sequence(cursor: Cursor): RegexNode {
  const parts: RegexNode[] = [];
  while (cursor.at < cursor.text.length && peek(cursor) !== "|" && peek(cursor) !== ")") {
    parts.push(repeated(cursor, atom(cursor)));
  }
  return { kind: "sequence", parts };
}

function repeated(cursor: Cursor, body: RegexNode): RegexNode {
  const bounds = repetition(cursor);
  if (bounds === undefined) return body;
  take(cursor, "?"); // lazy or greedy: the same strings match
  if (repetition(cursor) !== undefined) throw new RegexSyntaxError("two repetitions in a row");
  return { kind: "repeat", body, ...bounds };
}

function repetition(cursor: Cursor): { min: number; max: number } | undefined {
  if (take(cursor, "*")) return { min: 0, max: Number.POSITIVE_INFINITY };
  if (take(cursor, "+")) return { min: 1, max: Number.POSITIVE_INFINITY };
  if (take(cursor, "?")) return { min: 0, max: 1 };
  const counted = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(cursor.text.slice(cursor.at, cursor.at + 24));
  if (counted === null) return undefined; // RE2 takes a brace that is no repetition literally
  cursor.at += counted[0].length;
  const min = Number(counted[1]);
  const max = counted[2] === undefined ? min : counted[3] === "" ? Number.POSITIVE_INFINITY : Number(counted[3]);
  if (min > max) throw new RegexSyntaxError(`${counted[0]} is empty`);
  if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Number.POSITIVE_INFINITY)) {
    throw new RegexSyntaxError(`${counted[0]} repeats more than ${MAX_REPEAT} times`);
  }
  return { min, max };
}

function atom(cursor: Cursor): RegexNode {
  const { flags } = cursor;
  if (take(cursor, "(")) return group(cursor);
  if (take(cursor, "[")) return { kind: "set", test: folding(classTest(cursor), flags) };
  const assertion = assertionAt(cursor);
  if (assertion !== undefined) return { kind: "assert", assertion };
  if (take(cursor, ".")) return { kind: "set", test: flags.dotAll ? () => true : (c) => c !== NEWLINE };
  if (/^[*+?]/.test(peek(cursor))) throw new RegexSyntaxError(`nothing to repeat before ${peek(cursor)}`);
  const one = take(cursor, "\\") ? escaped(cursor) : takeCodePoint(cursor);
  return { kind: "set", test: folding(typeof one === "number" ? (c) => c === one : one, flags) };
}

function assertionAt(cursor: Cursor): Assertion | undefined {
  if (take(cursor, "^")) return cursor.flags.multiLine ? "lineStart" : "textStart";
  if (take(cursor, "$")) return cursor.flags.multiLine ? "lineEnd" : "textEnd";
  const assertion = peek(cursor) === "\\" ? ASSERTIONS[cursor.text.charAt(cursor.at + 1)] : undefined;
  if (assertion !== undefined) cursor.at += 2;
  return assertion;
}

function group(cursor: Cursor): RegexNode {
  const outer = cursor.flags;
  if (take(cursor, "?")) {
    const named = /^P?<\w+>/.exec(cursor.text.slice(cursor.at, cursor.at + 64));
    if (named !== null) cursor.at += named[0].length;
    else if (setFlags(cursor)) return { kind: "sequence", parts: [] };
  }
  const body = choice(cursor);
  if (!take(cursor, ")")) throw new RegexSyntaxError("a ( without its )");
  cursor.flags = outer;
  return body;
}

/** `(?i)` sets flags until the group around it ends: true. `(?i:…)` and `(?:…)` open a group: false. */
function setFlags(cursor: Cursor): boolean {
  const match = /^([ims]*)(-([ims]+))?([:)])/.exec(cursor.text.slice(cursor.at, cursor.at + 16));
  if (match === null) throw new RegexSyntaxError(`(?${peek(cursor)} is not supported`);
  cursor.at += match[0].length;
  const [, on = "", , off = ""] = match;
  const is = (letter: string, before: boolean) => (on.includes(letter) || before) && !off.includes(letter);
  const { ignoreCase, multiLine, dotAll } = cursor.flags;
  cursor.flags = { ignoreCase: is("i", ignoreCase), multiLine: is("m", multiLine), dotAll: is("s", dotAll) };
  return match[4] === ")";
}

/** After a backslash: one code point, or a class such as `\d`. */
function escaped(cursor: Cursor): number | CharTest {
  const letter = peek(cursor);
  if (letter === "x") return hexEscape(cursor);
  const codePoint = takeCodePoint(cursor);
  const known = Object.hasOwn(CLASS_ESCAPES, letter) ? CLASS_ESCAPES[letter] : CHAR_ESCAPES[letter];
  if (known !== undefined) return known;
  if (isWordChar(codePoint)) throw new RegexSyntaxError(`\\${letter} is not supported`);
  return codePoint;
}

function hexEscape(cursor: Cursor): number {
  const hex = /^x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(cursor.text.slice(cursor.at, cursor.at + 9));
  if (hex === null) throw new RegexSyntaxError("\\x needs two hexadecimal digits");
  cursor.at += hex[0].length;
  return Number.parseInt(hex[1] ?? hex[2] ?? "", 16);
}

function classTest(cursor: Cursor): CharTest {
  const negated = take(cursor, "^");
  const tests: CharTest[] = [];
  for (let first = true; first || peek(cursor) !== "]"; first = false) tests.push(classItem(cursor));
  cursor.at += 1;
  const any: CharTest = (c) => tests.some((test) => test(c));
  return negated ? not(any) : any;
}

function classItem(cursor: Cursor): CharTest {
  const posix = /^\[:(alpha|digit|alnum|upper|lower|space|word|xdigit|punct):\]/.exec(
    cursor.text.slice(cursor.at, cursor.at + 12),
  );
  if (posix !== null) {
    cursor.at += posix[0].length;
    return posixTest(posix[1] ?? "");
  }
  const low = take(cursor, "\\") ? escaped(cursor) : takeCodePoint(cursor);
  if (typeof low !== "number") return low;
  if (peek(cursor) !== "-" || cursor.text.charAt(cursor.at + 1) === "]") return (c) => c === low;
  cursor.at += 1;
  const high = take(cursor, "\\") ? escaped(cursor) : takeCodePoint(cursor);
  if (typeof high !== "number" || high < low) throw new RegexSyntaxError("a range in [ ] runs backwards");
  return (c) => c >= low && c <= high;
}

function posixTest(name: string): CharTest {
  const pattern = new RegExp(
    {
      alpha: "[A-Za-z]",
      digit: "[0-9]",
      alnum: "[A-Za-z0-9]",
      upper: "[A-Z]",
      lower: "[a-z]",
      space: "[\\t\\n\\v\\f\\r ]",
      word: "\\w",
      xdigit: "[0-9A-Fa-f]",
      punct: "[!-/:-@[-`{-~]",
    }[name] ?? "",
  );
  return (c) => c < 128 && pattern.test(String.fromCharCode(c));
}

function folding(test: CharTest, flags: Flags): CharTest {
  if (!flags.ignoreCase) return test;
  return (c) => {
    const character = String.fromCodePoint(c);
    const other = (text: string) => Array.from(text).length === 1 && test(text.codePointAt(0) ?? c);
    return test(c) || other(character.toLowerCase()) || other(character.toUpperCase());
  };
}
