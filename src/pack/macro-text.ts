import { defineScalarTag, NOT_RESOLVED } from "js-yaml";
import { hmacDigest } from "../objects/digest.ts";
import { GO_SCHEMA } from "../objects/go-yaml.ts";
import { isExactNumber, stringifyJson } from "../objects/json.ts";
import type { Result } from "../objects/types.ts";
import { parseDocuments, parseYaml } from "../objects/yaml.ts";
import { scanMacros } from "./macro-scan.ts";
import type { MacroTable, MacroTree, MacroUse } from "./macro-types.ts";

/**
 * Palette substitutes macros in a text before it reads it as YAML, so that a value with a line feed or a colon changes
 * what the text means. Here each macro is replaced by a token, a word that YAML takes anywhere a word can stand; the
 * YAML is read; and values come into the scalars that have tokens. A macro in a comment is gone with the comment.
 */

/** A token begins with a private character, usually with this one: see `unusedMark`. */
const OPEN = 0xf8f0;
const FIRST_OPEN = 0xe000;
const CLOSE = "\uF8F1";
/** Instead of CLOSE in a scalar that had no quotes: what it becomes is read as YAML reads a word, `3` as a number. */
const CLOSE_PLAIN = "\uF8F2";

const TOKEN = /[\uE000-\uF8F0][0-9a-f]{16}\.[0-9]+[\uF8F1\uF8F2]/g;

export interface HiddenText {
  text: string;
  macros: MacroTable;
}

/** A string or key that has macros. */
export interface MacroScalar {
  isPlain: boolean;
  parts: readonly (string | MacroUse)[];
}

const SEAL = /[0-9a-f]{16}/;

/** Enough where no data of others comes in between the hiding and the replacing. */
const NO_KEY = new Uint8Array(1);

/**
 * A character for tokens to begin with that the data has nowhere: where it is seen later, it is of a token, whatever is
 * left of that.
 */
export function unusedMark(data: unknown): string {
  const text = typeof data === "string" ? data : stringifyJson(data);
  const isUsed = new Uint8Array(OPEN - FIRST_OPEN + 1);
  for (let index = 0; index < text.length; index += 1) isUsed[text.charCodeAt(index) - FIRST_OPEN] = 1;
  const unused = isUsed.lastIndexOf(0);
  // When somebody wrote down all of them, what has one of his is told as a macro that was changed.
  return String.fromCharCode(unused === -1 ? OPEN : FIRST_OPEN + unused);
}

/** A text whose macros are to be hidden. */
interface Concealment {
  /** Names layer and file, for people. */
  what: string;
  key: Uint8Array;
  mark?: string | undefined;
  whereOf(start: number): string;
}

/**
 * Nobody can write a token: it has a keyed digest of the text that it stands in. So what somebody else puts into a value
 * never becomes a macro of the author's.
 */
function hide(text: string, { what, key, mark = unusedMark(text), whereOf }: Concealment): HiddenText {
  const spans = scanMacros(text);
  const macros = new Map<string, MacroUse>();
  if (spans.length === 0) return { text, macros };
  const seal = hmacDigest(key, [what, text]);
  let hidden = "";
  let end = 0;
  for (const [index, span] of spans.entries()) {
    const token = `${mark}${seal}.${index}${CLOSE}`;
    macros.set(token, { ...span.macro, where: whereOf(span.start) });
    hidden += text.slice(end, span.start) + token;
    end = span.end;
  }
  return { text: hidden + text.slice(end), macros };
}

/**
 * Replaces the macros of a text by tokens, which stay what they are when Helm's engine renders the text, or when it is
 * read as YAML.
 *
 * @param what names layer and file: `layer csi, values.yaml of pack piraeus 2.9.0`
 * @param options.key seals the tokens; needed where data that is not the author's comes into what is made of the text
 * @param options.mark of `unusedMark`, where such data comes into it before `readMacroManifests` reads it
 */
export function hideMacros(
  text: string,
  what: string,
  { key = NO_KEY, mark }: { key?: Uint8Array; mark?: string } = {},
): HiddenText {
  let line = 1;
  let counted = 0;
  const whereOf = (start: number): string => {
    for (let at = text.indexOf("\n", counted); at !== -1 && at < start; at = text.indexOf("\n", counted)) {
      line += 1;
      counted = at + 1;
    }
    return `${what}, line ${line}`;
  };
  return hide(text, { what, key, mark, whereOf });
}

/** How the macros of a tree are hidden. */
export interface TreeConcealment {
  key?: Uint8Array;
  /** Changes the stretches of a string in which macros may stand: all of it, if left out. */
  within?: (text: string, hideIn: (stretch: string) => string) => string;
}

/** Replaces the macros in the strings and keys of data that is not a text any more, such as a layer's `values`. */
export function hideMacrosInTree(
  tree: unknown,
  what: string,
  { key = NO_KEY, within = (text, hideIn) => hideIn(text) }: TreeConcealment = {},
): MacroTree {
  const macros = new Map<string, MacroUse>();
  const hideString = (text: string, path: string): string => {
    if (!text.includes(".spectro")) return text;
    const place = path === "" ? what : `${what}, ${path}`;
    const hidden = hide(text, { what: place, key, whereOf: () => place });
    for (const [token, use] of hidden.macros) macros.set(token, use);
    return hidden.text;
  };
  const copy = (node: unknown, path: string): unknown => {
    if (typeof node === "string") return within(node, (stretch) => hideString(stretch, path));
    if (typeof node !== "object" || node === null || isExactNumber(node)) return node;
    if (Array.isArray(node)) return node.map((item, index) => copy(item, `${path}[${index}]`));
    const entries = Object.entries(node).map(([name, item]) => {
      const below = path === "" ? name : `${path}.${name}`;
      return [hideString(name, below), copy(item, below)] as const;
    });
    return Object.fromEntries(entries);
  };
  return { tree: copy(tree, ""), macros };
}

/** The same for a text that is YAML as it stands, such as a values.yaml or a preset's `add`: read it as any YAML. */
export function hideMacrosInYaml(text: string, what: string, key: Uint8Array = NO_KEY): HiddenText {
  return markPlain(hideMacros(text, what, { key }));
}

/**
 * Reads the documents of manifests whose macros are hidden, after their templates were rendered. What they are must be
 * checked (`manifestsOf`) when the macros have become values.
 */
export function readMacroManifests(hidden: HiddenText, what: string): Result<(MacroTree & { place: string })[]> {
  if (hasChangedToken(hidden)) {
    return {
      ok: false,
      problems: [`${what}: a macro stands where a template function changes it; move it out of there`],
    };
  }
  const { text, macros } = markPlain(hidden);
  const parsed = parseDocuments(text, what);
  if (!parsed.ok) return parsed;
  return { ok: true, value: parsed.value.map(({ value, place }) => ({ tree: value, place, macros })) };
}

/** Whether something is left of a token that was changed; the renderer lets no function take it away altogether. */
function hasChangedToken({ text, macros }: HiddenText): boolean {
  const tokens = [...macros.keys()];
  const marks = tokens.flatMap((token) => [token.charAt(0), SEAL.exec(token)?.[0] ?? ""]);
  const rest = text.replace(TOKEN, (token) => (macros.has(token) ? " " : token));
  return [...new Set(marks)].some((mark) => rest.includes(mark));
}

/** Marks the tokens in scalars without quotes. Only such scalars are shown to implicit tags. */
function markPlain({ text, macros }: HiddenText): HiddenText {
  if (macros.size === 0) return { text, macros };
  const plain = new Map<string, MacroUse>();
  const resolve = (source: string) => {
    for (const { token, use } of tokensOf(source, macros)) plain.set(token, use);
    return NOT_RESOLVED;
  };
  const tag = defineScalarTag("tag:strata.dev,2026:macro", { implicit: true, identify: () => false, resolve });
  // What is wrong with the text is told when it is read.
  parseDocuments(text, "", GO_SCHEMA.withTags(tag));
  const marked = new Map([...macros, ...[...plain].map(([token, use]) => [plainToken(token), use] as const)]);
  return { text: text.replace(TOKEN, (token) => (plain.has(token) ? plainToken(token) : token)), macros: marked };
}

function plainToken(token: string): string {
  return token.replace(CLOSE, CLOSE_PLAIN);
}

interface FoundToken {
  token: string;
  index: number;
  use: MacroUse;
}

function tokensOf(text: string, macros: MacroTable): FoundToken[] {
  return [...text.matchAll(TOKEN)].flatMap(({ 0: token, index }) => {
    const use = macros.get(token);
    return use === undefined ? [] : [{ token, index, use }];
  });
}

/** The macros of a string or key in their text; undefined if it has none. */
export function macroScalarOf(text: string, macros: MacroTable): MacroScalar | undefined {
  const tokens = tokensOf(text, macros);
  if (tokens.length === 0) return undefined;
  const parts: (string | MacroUse)[] = [];
  let end = 0;
  for (const { token, index, use } of tokens) {
    if (index > end) parts.push(text.slice(end, index));
    parts.push(use);
    end = index + token.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return { isPlain: tokens.some(({ token }) => token.endsWith(CLOSE_PLAIN)), parts };
}

/** A string or key for people. */
export function tellHidden(text: string): string {
  return text.replace(TOKEN, "{{…}}");
}

/** All that YAML reads as something else than a string. */
const WORD = /^[-+.\w~]{1,400}$/;

/** What YAML makes of a scalar without quotes. It never becomes a list or a map. */
export function plainValue(text: string): unknown {
  if (text === "") return null;
  if (!WORD.test(text)) return text;
  // The comma keeps it from being read as JSON, which has other numbers.
  const parsed = parseYaml(`[${text},]`, "");
  if (!parsed.ok || !Array.isArray(parsed.value) || parsed.value.length !== 1) return text;
  const [value]: unknown[] = parsed.value;
  return typeof value === "object" && value !== null && !isExactNumber(value) ? text : value;
}
