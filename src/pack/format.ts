import { compileRegex, search } from "../health/regex.ts";
import { parseVersion } from "../text/versions.ts";
import type { Format, FormatPiece, Pattern, Placeholder } from "./types.ts";

const KINDS: readonly string[] = [
  "string",
  "password",
  "number",
  "boolean",
  "ipv4",
  "version",
  "list",
] satisfies Placeholder["kind"][];

/** A format that is not understood; the message is a clause for people. */
export class FormatError extends Error {}

/**
 * Parses the format of a schema rule: text with placeholders `${kind}`, `${kind:/RE2/}`, `${number:[1-9]}`,
 * `${list:[A,B]}`.
 *
 * @throws FormatError
 */
export function parseFormat(text: string): Format {
  const pieces: FormatPiece[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf("${", at);
    if (start !== at) pieces.push({ kind: "literal", text: text.slice(at, start === -1 ? undefined : start) });
    if (start === -1) break;
    const { placeholder, end } = placeholderAt(text, start);
    pieces.push(placeholder);
    at = end;
  }
  return { text, pieces };
}

function placeholderAt(text: string, start: number): { placeholder: Placeholder; end: number } {
  const head = /^\$\{\s*(\w+)\s*(:|\})/.exec(text.slice(start, start + 64));
  if (head === null) throw new FormatError("a placeholder without its }");
  const [all, kind = "", next] = head;
  if (!isKind(kind)) throw new FormatError(`it has no format type "${kind}"; there are ${KINDS.join(", ")}`);
  const open = start + all.length;
  if (next === "}") return { placeholder: argued(kind, ""), end: open };
  const closing = text.startsWith("/", open) ? "/}" : text.startsWith("[", open) ? "]}" : "}";
  const close = text.indexOf(closing, open + 1);
  if (close === -1) throw new FormatError("a placeholder without its }");
  return { placeholder: argued(kind, text.slice(open, close + closing.length - 1)), end: close + closing.length };
}

function isKind(kind: string): kind is Placeholder["kind"] {
  return KINDS.includes(kind);
}

function argued(kind: Placeholder["kind"], argument: string): Placeholder {
  if (kind === "list") {
    const options = /^\[(.*)\]$/s
      .exec(argument)?.[1]
      ?.split(",")
      .map((option) => option.trim());
    if (options === undefined) throw new FormatError("a list needs its options in brackets, such as [A,B]");
    return { kind, options };
  }
  if (argument === "") return { kind };
  const pattern = /^\/(.*)\/$/s.exec(argument)?.[1];
  if (pattern !== undefined) return { kind, pattern: compiled(pattern) };
  const range = /^\[\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*\]$/.exec(argument);
  if (kind !== "number" || range === null) throw new FormatError(`"${argument}" does not fit \${${kind}}`);
  return { kind, range: [Number(range[1]), Number(range[2])] };
}

function compiled(source: string): Pattern {
  try {
    return { source, regex: compileRegex(source) };
  } catch (error) {
    throw new FormatError(`/${source}/ cannot be used: ${error instanceof Error ? error.message : ""}`);
  }
}

/** Longer texts are no settings that somebody types; and a format is tried at each place of the text. */
const MAX_TEXT = 4096;
const MAX_STEPS = 1_000_000;

class TooCostly extends Error {}

/** Whether the whole text has the form of the format. A text that would take too long to tell has not. */
export function matchesFormat({ pieces }: Format, text: string): boolean {
  let steps = 0;
  const spend = (taken: number): void => {
    steps += taken;
    if (steps > MAX_STEPS) throw new TooCostly();
  };
  try {
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) return fits(only, text, spend);
    return text.length <= MAX_TEXT && endsOfAll(pieces, text, spend).has(text.length);
  } catch (error) {
    if (error instanceof TooCostly) return false;
    throw error;
  }
}

type Spend = (steps: number) => void;

/** All places that the pieces, one after the other from the beginning, may reach. */
function endsOfAll(pieces: readonly FormatPiece[], text: string, spend: Spend): ReadonlySet<number> {
  let places = new Set([0]);
  for (const piece of pieces) {
    places = new Set([...places].flatMap((start) => endsOf(piece, { text, start }, spend)));
  }
  return places;
}

/** Where a piece that begins at `start` may end. */
function endsOf(piece: FormatPiece, { text, start }: { text: string; start: number }, spend: Spend): number[] {
  if (piece.kind === "literal") return text.startsWith(piece.text, start) ? [start + piece.text.length] : [];
  const ends: number[] = [];
  for (let end = start + 1; end <= text.length; end++) {
    spend(end - start);
    if (fits(piece, text.slice(start, end), spend)) ends.push(end);
  }
  return ends;
}

const NUMBER = /^[-+]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][-+]?\d{1,3})?$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function fits(piece: FormatPiece, text: string, spend: Spend): boolean {
  if (piece.kind === "literal") return piece.text === text;
  if (!hasKind(piece, text)) return false;
  const { range, pattern } = piece;
  if (range !== undefined && (Number(text) < range[0] || Number(text) > range[1])) return false;
  return pattern === undefined || search(pattern.regex, text, spend);
}

function hasKind({ kind, options }: Placeholder, text: string): boolean {
  switch (kind) {
    case "string":
    case "password":
      return true;
    case "number":
      return NUMBER.test(text);
    case "boolean":
      return text === "true" || text === "false";
    case "ipv4":
      return IPV4.test(text);
    case "version":
      return parseVersion(text) !== undefined;
    case "list":
      return options?.includes(text) ?? false;
  }
}

/** What a value must be, as the end of a sentence: `must be …`. */
export function expectation({ text, pieces }: Format): string {
  const [only] = pieces;
  if (only === undefined || pieces.length > 1 || only.kind === "literal") return `must have the form ${text}`;
  const { range, pattern } = only;
  const bounds = range === undefined ? "" : ` from ${range[0]} to ${range[1]}`;
  const matching = pattern === undefined ? "" : ` that matches /${pattern.source}/`;
  return `must be ${NOUNS[only.kind]}${only.options?.join(", ") ?? ""}${bounds}${matching}`;
}

const NOUNS: Readonly<Record<Placeholder["kind"], string>> = {
  string: "a text",
  password: "a text",
  number: "a number",
  boolean: "true or false",
  ipv4: "an IPv4 address",
  version: "a version such as 1.2.3",
  list: "one of ",
};
