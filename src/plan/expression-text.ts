import type { Result } from "../objects/types.ts";

/** A stretch of a text: literal, or CEL between `${{` and `}}`. `at` counts the characters before it. */
export type Piece = { kind: "literal"; text: string } | { kind: "expression"; source: string; at: number };

/** A run of dollars is looked at from its beginning only, or a long one would take quadratic time. */
const OPENING = /(?<!\$)\$+\{\{/g;

/**
 * Splits a text into literals and expressions.
 *
 * `${{` begins an expression and the next `}}` ends it, save one in a string of CEL or one that closes maps of CEL. A
 * dollar is escaped by another one: of a run of dollars right before `{{`, each two stand for one, and one that is left
 * over opens an expression. So `$${{ x }}` is the literal `${{ x }}`, and `$$${{ x }}` is a dollar and an expression.
 * All else is literal: `${X}`, `$(X)`, `{{ x }}`, and `}}` without its opening.
 *
 * The problem of an expression without end is a clause without any of the text.
 */
export function piecesOf(text: string): Result<Piece[]> {
  const pieces: Piece[] = [];
  let literal = "";
  let done = 0;
  for (OPENING.lastIndex = 0; ; ) {
    const match = OPENING.exec(text);
    if (match === null) break;
    const dollars = match[0].length - 2;
    literal += text.slice(done, match.index) + "$".repeat(Math.floor(dollars / 2));
    done = OPENING.lastIndex;
    if (dollars % 2 === 0) {
      literal += "{{";
      continue;
    }
    const end = endOf(text, done);
    if (end === undefined) return { ok: false, problems: [unclosed(done - 3)] };
    if (literal !== "") pieces.push({ kind: "literal", text: literal });
    literal = "";
    pieces.push({ kind: "expression", source: text.slice(done, end), at: done - 3 });
    done = end + 2;
    OPENING.lastIndex = done;
  }
  literal += text.slice(done);
  if (literal !== "" || pieces.length === 0) pieces.push({ kind: "literal", text: literal });
  return { ok: true, value: pieces };
}

const unclosed = (at: number) =>
  `the expression at character ${at + 1} has no }} that ends it; for a literal "$" before "{{" write two of them`;

/** Whether a text has an opening, escaped or not: if not, it stands for itself. */
export function mayHoldExpression(text: string): boolean {
  return text.includes("${{");
}

/** The text that stands for `text` itself: every dollar before `{{` is doubled. */
export function escapeExpressions(text: string): string {
  return text.replace(/(?<!\$)\$+(?=\{\{)/g, (dollars) => dollars + dollars);
}

/** The text with each of its literal pieces changed; what is no text with expressions stays as it is. */
export function mapLiterals(text: string, change: (literal: string) => string): string {
  if (!mayHoldExpression(text)) return change(text);
  const pieces = piecesOf(text);
  if (!pieces.ok) return text;
  const written = pieces.value.map((piece, index) => {
    if (piece.kind === "expression") return `\${{${piece.source}}}`;
    const literal = escapeExpressions(change(piece.text));
    const isLast = index === pieces.value.length - 1;
    return isLast ? literal : literal.replace(/(?<!\$)\$+$/, (dollars) => dollars + dollars);
  });
  return written.join("");
}

const TOKEN = /"""|'''|"|'|\/\/|\{|\}/g;

/** The index of the `}}` that ends the expression which begins at `from`. */
function endOf(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at: number | undefined = from; at !== undefined; ) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    at = TOKEN.lastIndex;
    const token = match[0];
    if (token === "{") depth += 1;
    else if (token === "//") at = endOfComment(text, at);
    else if (token !== "}") at = endOfString(text, at, token);
    else if (depth > 0) depth -= 1;
    else if (text[at] === "}") return match.index;
  }
  return undefined;
}

/** A comment of CEL ends with its line, or where the expression does. */
function endOfComment(text: string, from: number): number {
  const found = text.slice(from).search(/\n|\}\}/);
  return found === -1 ? text.length : from + found;
}

/** The index behind the closing quote. As in cel-js a backslash hides the next character in raw strings too. */
function endOfString(text: string, from: number, quote: string): number | undefined {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text.startsWith(quote, at)) return at + quote.length;
    else if (text[at] === "\n" && quote.length === 1) return undefined;
  }
  return undefined;
}
