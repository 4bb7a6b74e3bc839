/**
 * Finds Palette's macros in a text: template actions that mention `.spectro`. Any other `{{ … }}` belongs to Helm, to
 * Alertmanager or to somebody else, and is none of ours; so is one inside of a string of such an action.
 */

/** The pipeline inside of an action, in which references have become `.r0`, `.r1`…, because a pack's name may have dashes. */
export interface MacroPipeline {
  kind: "pipeline";
  expression: string;
  /** What `.r0`, `.r1`… stand for: `system.cluster.name`, `pack.karpenter.accounts.main`. */
  references: readonly string[];
  /** Whether what is not defined may be missing, because the pipeline says what stands for it. */
  hasDefault: boolean;
}

export interface MalformedMacro {
  kind: "malformed";
  /** What is wrong, for people; no text of the author's. */
  sentence: string;
}

export interface MacroSpan {
  /** Where it begins, and where the text goes on, in UTF-16 units; with the white space that `{{-` and `-}}` take away. */
  start: number;
  end: number;
  macro: MacroPipeline | MalformedMacro;
}

interface Action {
  end: number;
  pieces: string[];
  references: string[];
  /** The words outside of strings. */
  words: string[];
  /** Data that is not ours, such as `.Values.x`. */
  foreign: string | undefined;
}

const MENTION = ".spectro";
const MAX_REFERENCE = 1000;
/** Characters from the beginning of a macro to the first .spectro in it. */
const MAX_ACTION = 4096;
/** A text with more of them is an attack; the largest packs have a handful. */
const MAX_LOOKED = 20_000;

/** What stands inside of an action; `\"` is a quote in Palette's manual, where the action itself stands in quotes. */
const TOKEN = new RegExp(
  [
    String.raw`(?<end>\s+-\}\}|\}\})`,
    String.raw`(?<nested>\{\{)`,
    String.raw`(?<text>"(?:[^"\\\n]|\\.)*"|\u0060[^\u0060]*\u0060|'(?:[^'\\\n]|\\.)*')`,
    String.raw`\\"(?<escaped>(?:[^"\\\n]|\\[^"\n])*)\\"`,
    String.raw`(?<![\w)])\$?\.spectro(?![\w-])(?<reference>(?:\.[\w@/-]+)*)`,
    String.raw`(?<foreign>(?<![\w)])\$?\.[A-Za-z_]\w*)`,
    String.raw`(?<word>[A-Za-z_]\w*)`,
    String.raw`(?<rest>\s+|[^"'\u0060\\])`,
  ].join("|"),
  "y",
);

/** An action that cannot be read, to its end or to where it certainly ends. */
const BROKEN = /\{\{(?:(?!\{\{|\}\}|\n)[\s\S])*(?:\}\})?/y;

const CONTROL = new Set(["if", "else", "end", "range", "with", "define", "block", "template", "break", "continue"]);
const ROOTS = /^(?:(?:system|var|macro)\.[^.]|pack\.[^.]+\.[^.])/;

function take(action: Action, groups: Record<string, string | undefined>, raw: string): void {
  const { escaped, reference, foreign, word } = groups;
  if (escaped !== undefined) action.pieces.push(`"${escaped}"`);
  else if (reference !== undefined) {
    const path = reference.slice(1);
    const known = action.references.indexOf(path);
    action.pieces.push(`.r${known === -1 ? action.references.push(path) - 1 : known}`);
  } else {
    action.foreign ??= foreign;
    if (word !== undefined) action.words.push(word);
    action.pieces.push(raw);
  }
}

/** The action whose inside begins at `from`; undefined if it has no end, or is no action. */
function readAction(text: string, from: number): Action | undefined {
  const action: Action = { end: 0, pieces: [], references: [], words: [], foreign: undefined };
  TOKEN.lastIndex = from;
  for (let match = TOKEN.exec(text); match?.groups !== undefined; match = TOKEN.exec(text)) {
    if (match.groups["nested"] !== undefined) return undefined;
    if (match.groups["end"] !== undefined) return { ...action, end: TOKEN.lastIndex };
    take(action, match.groups, match[0]);
  }
  return undefined;
}

function malformed(sentence: string): MalformedMacro {
  return { kind: "malformed", sentence };
}

function macroOf({ pieces, references, words, foreign }: Action): MacroPipeline | MalformedMacro {
  const [first = ""] = words;
  const expression = pieces.join("").trim();
  if (CONTROL.has(first) && expression.startsWith(first)) {
    return malformed(
      `"${first}" cannot ask for .spectro: a macro is one value, such as {{ .spectro.var.name | upper }}`,
    );
  }
  if (foreign !== undefined) return malformed(`a macro cannot mix .spectro with ${foreign.slice(0, 60)}`);
  if (references.some((path) => path.length > MAX_REFERENCE)) return malformed("the name after .spectro is too long");
  const unknown = references.find((path) => !ROOTS.test(path));
  if (unknown !== undefined) {
    const known = "system.NAME, var.NAME, macro.NAME or pack.PACK.NAME";
    return malformed(
      `".spectro${unknown && `.${unknown.slice(0, 60)}`}" names nothing; after .spectro stands ${known}`,
    );
  }
  const hasDefault = words.includes("default") || words.includes("coalesce");
  return { kind: "pipeline", expression, references, hasDefault };
}

const SPACE = /\s/;

function skipBack(text: string, index: number, floor: number): number {
  let at = index;
  while (at > floor && SPACE.test(text.charAt(at - 1))) at -= 1;
  return at;
}

function skipForth(text: string, index: number): number {
  let at = index;
  while (at < text.length && SPACE.test(text.charAt(at))) at += 1;
  return at;
}

/** What begins with `{{`: where it ends, and the macro that it is. */
interface Opening {
  end: number;
  span?: MacroSpan;
}

function brokenOpening(text: string, start: number): Opening {
  BROKEN.lastIndex = start;
  const [broken = ""] = BROKEN.exec(text) ?? [];
  if (!/\.spectro\b/.test(broken)) return { end: start + 2 };
  const macro = malformed("this macro has no proper end, or a quote in it is not closed");
  const end = start + broken.length;
  return { end, span: { start, end, macro } };
}

/** @param floor where the opening before this one ended */
function readOpening(text: string, start: number, floor: number): Opening {
  const trims = text.charAt(start + 2) === "-" && SPACE.test(text.charAt(start + 3));
  const inside = start + (trims ? 3 : 2);
  if (/^\s?\/\*/.test(text.slice(inside, inside + 3))) {
    const end = text.indexOf("*/", inside + 2);
    return { end: end === -1 ? text.length : end + 2 };
  }
  const action = readAction(text, inside);
  if (action === undefined) return brokenOpening(text, start);
  if (action.references.length === 0) return { end: action.end };
  const end = text.endsWith("-}}", action.end) ? skipForth(text, action.end) : action.end;
  return { end, span: { start: trims ? skipBack(text, start, floor) : start, end, macro: macroOf(action) } };
}

/** All macros of a text, in order, also those in comments of the YAML that the text is. */
export function scanMacros(text: string): MacroSpan[] {
  const spans: MacroSpan[] = [];
  let floor = 0;
  let named = text.indexOf(MENTION);
  for (let looked = 0; named !== -1; ) {
    const start = text.indexOf("{{", Math.max(floor, named - MAX_ACTION));
    if (start === -1) break;
    if (start > named) named = text.indexOf(MENTION, start);
    else {
      looked += 1;
      const { end, span } = looked > MAX_LOOKED ? tooMany(start) : readOpening(text, start, floor);
      if (span !== undefined) spans.push(span);
      if (looked > MAX_LOOKED) break;
      floor = end;
    }
  }
  return spans;
}

function tooMany(start: number): Opening {
  const macro = malformed(`the text has more than ${MAX_LOOKED} macros and other template actions near them`);
  return { end: start + 2, span: { start, end: start + 2, macro } };
}
