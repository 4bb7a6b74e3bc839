import { YAMLException } from "js-yaml";
import { LimitExceeded, TOO_DEEP } from "./yaml-limits.ts";

interface YamlProblem {
  /** From 1; undefined when the whole document is meant. */
  line: number | undefined;
  sentence: string;
}

/**
 * js-yaml's reasons that repeat a piece of the text, which may be a password, by how they begin; and some that
 * deserve a better sentence.
 */
const SENTENCES: readonly (readonly [prefix: string, sentence: string])[] = [
  ["nesting exceeded maxDepth", TOO_DEEP],
  ["aliases exceeded maxAliases", "there are more than 100 aliases"],
  ["merge keys exceeded", "merge keys (<<) bring in too many keys"],
  ["cannot merge mappings", "a merge key (<<) takes a map or a list of maps"],
  ["unidentified alias", 'an alias names no anchor above it; quote a value that begins with "*"'],
  ["recursive alias", "an alias stands inside what it names"],
  ["cannot resolve a node", "a value does not fit its YAML tag"],
  ["tag ", 'a YAML tag is malformed; quote a value that begins with "!"'],
  ["named tag handle", 'a YAML tag is malformed; quote a value that begins with "!"'],
  ["undeclared tag handle", 'a YAML tag has an undeclared handle; quote a value that begins with "!"'],
  ["there is a previously declared suffix", "a %TAG directive repeats a handle"],
];

/** Constant reasons have neither quotes around a piece of text nor a colon before it. */
const MAY_QUOTE = /["<>]|: /;

function sentenceOf(reason: string): string {
  const known = SENTENCES.find(([prefix]) => reason.startsWith(prefix));
  if (known !== undefined) return known[1];
  return MAY_QUOTE.test(reason) ? "this is not valid YAML" : reason;
}

/** Where and why reading failed, in words that never repeat the text. */
export function problemOf(error: unknown): YamlProblem {
  if (error instanceof LimitExceeded) return { line: undefined, sentence: error.message };
  if (!(error instanceof YAMLException)) return { line: undefined, sentence: "this is not valid YAML" };
  return { line: error.mark === undefined ? undefined : error.mark.line + 1, sentence: sentenceOf(error.reason) };
}
