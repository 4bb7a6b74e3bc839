import {
  DEFAULT_SCALAR_STYLE_RULES,
  DUMP_SCHEMA,
  defineScalarTag,
  dump,
  intYaml11Tag,
  SCALAR_STYLE,
  type ScalarLayout,
  type Schema,
  strTag,
} from "js-yaml";
import { GO_SCHEMA, NOT_JSON_NUMBER } from "./go-yaml.ts";
import { type ExactNumber, isExactNumber, parseJson } from "./json.ts";
import { manifestsOf } from "./manifests.ts";
import type { KubeObject, Result } from "./types.ts";
import { loadAtAnyIndent } from "./yaml-indent.ts";
import { expand, MAX_DEPTH } from "./yaml-limits.ts";
import { problemOf } from "./yaml-problems.ts";

const MAX_BYTES = 10 * 1024 * 1024;
const MAX_ALIASES = 100;

/** One document's text and the line (from 1) of the whole text that it begins at. */
interface Chunk {
  text: string;
  line: number;
}

function fail(problem: string): { ok: false; problems: string[] } {
  return { ok: false, problems: [problem] };
}

function tooLarge(text: string, what: string): string | undefined {
  const isLarge = text.length > MAX_BYTES || Buffer.byteLength(text, "utf8") > MAX_BYTES;
  return isLarge ? `${what}: the text is larger than 10 MiB` : undefined;
}

/** Windows editors put a byte order mark before the text. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}

/** All documents of a text, or the sentence of what is wrong. `where` makes a place of a line (from 1) of the text. */
function load(text: string, schema: Schema, where: (line: number | undefined) => string): Result<unknown[]> {
  try {
    // js-yaml counts a flow map twice; `expand` is exact.
    const options = { schema, json: true, maxAliases: MAX_ALIASES, maxDepth: 2 * MAX_DEPTH + 2 };
    const documents = loadAtAnyIndent(text, options).map((document) => expand(document, text.length));
    if (documents.some((root) => typeof root === "number" && !Number.isFinite(root))) {
      return fail(`${where(undefined)}: ${NOT_JSON_NUMBER}`);
    }
    return { ok: true, value: documents };
  } catch (error) {
    const { line, sentence } = problemOf(error);
    return fail(`${where(line)}: ${sentence}`);
  }
}

/** JSON is YAML, but a text that is JSON may be indented by tabs, which YAML forbids. */
function loadJson(text: string): Result<unknown[]> | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return { ok: true, value: [expand(parseJson(text), text.length)] };
  } catch {
    return undefined;
  }
}

/**
 * Parses one YAML document as Go's `sigs.k8s.io/yaml` does; an empty text is null. Integers keep every digit (`json.ts`).
 *
 * @param what names the text in problems: `layers[2].values`. Problems never quote the text.
 */
export function parseYaml(text: string, what: string): Result<unknown> {
  const large = tooLarge(text, what);
  if (large !== undefined) return fail(large);
  const plain = withoutMark(text);
  const loaded =
    loadJson(plain) ?? load(plain, GO_SCHEMA, (line) => (line === undefined ? what : `${what}, line ${line}`));
  if (!loaded.ok) return loaded;
  const documents = loaded.value.filter((document, index) => index === 0 || document !== null);
  if (documents.length > 1) return fail(`${what}: expected one YAML document, found ${documents.length}`);
  return { ok: true, value: documents[0] ?? null };
}

/** kubectl cuts a text at the lines that begin with `---` before it parses anything, so that one bad document hides none. */
function splitDocuments(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  let lines: string[] = [];
  let start = 1;
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    if (line.startsWith("---")) {
      chunks.push({ text: lines.join("\n"), line: start });
      // What follows the marker on its line is kept, for the parser to judge.
      lines = [line.slice(3)];
      start = index + 1;
    } else lines.push(line);
  }
  return [...chunks, { text: lines.join("\n"), line: start }];
}

const BLANK = /^\s*(?:#.*)?$/;

function firstLine(chunk: Chunk): number {
  const offset = chunk.text.split("\n").findIndex((line) => !BLANK.test(line));
  return chunk.line + Math.max(0, offset);
}

/** One document of a text, and where it begins, for people: `manifests[1].inline, document 2, line 14`. */
export interface YamlDocument {
  value: unknown;
  place: string;
}

/** The document of a chunk; none if nothing but comments is there. */
function parseChunk(chunk: Chunk, place: string, schema: Schema): Result<YamlDocument[]> {
  const [marker = ""] = chunk.text.split("\n", 1);
  if (chunk.line > 1 && !BLANK.test(marker)) {
    return fail(`${place}, line ${chunk.line}: only a comment may follow "---" on its line`);
  }
  const at = (line: number | undefined) =>
    `${place}, line ${line === undefined ? firstLine(chunk) : chunk.line + line - 1}`;
  const loaded = loadJson(chunk.text) ?? load(chunk.text, schema, at);
  if (!loaded.ok) return loaded;
  const [document, ...others] = loaded.value.filter((value) => value !== null);
  if (others.length > 0) return fail(`${at(undefined)}: separate documents by a line "---"; "..." alone does not`);
  return { ok: true, value: document === undefined ? [] : [{ value: document, place: at(undefined) }] };
}

function parseChunks(text: string, what: string, schema: Schema): Result<YamlDocument[]>[] {
  const large = tooLarge(text, what);
  if (large !== undefined) return [fail(large)];
  return splitDocuments(text)
    .filter((chunk) => !chunk.text.split("\n").every((line) => BLANK.test(line)))
    .map((chunk, index) => parseChunk(chunk, `${what}, document ${index + 1}`, schema));
}

/** All values, or all problems. */
function gather<T>(results: readonly Result<T[]>[]): Result<T[]> {
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: results.flatMap((result) => (result.ok ? result.value : [])) };
}

/**
 * The documents of a text as kubectl separates them, without the empty ones. Problems are told as by `parseManifests`.
 *
 * @param schema Go's, or one that sees more in it
 */
export function parseDocuments(text: string, what: string, schema: Schema = GO_SCHEMA): Result<YamlDocument[]> {
  return gather(parseChunks(text, what, schema));
}

/**
 * Reads Kubernetes manifests: any number of YAML or JSON documents, of which empty ones are skipped and Lists opened.
 * All problems of all documents are told, each with document and line (from 1), and none quotes the text.
 *
 * @param what names the text in problems: `manifests[1].inline`
 */
export function parseManifests(text: string, what: string): Result<KubeObject[]> {
  const documents = parseChunks(text, what, GO_SCHEMA);
  const objects = documents.map((parsed) =>
    parsed.ok ? gather(parsed.value.map(({ value, place }) => manifestsOf(value, place))) : parsed,
  );
  return gather(objects);
}

/** Exact numbers are printed as their digits; half a surrogate pair becomes U+FFFD, as in any UTF-8 text. */
const dumpSchema = DUMP_SCHEMA.withTags(
  defineScalarTag(intYaml11Tag.tagName, {
    ...intYaml11Tag,
    identify: (data: unknown) => isExactNumber(data) || intYaml11Tag.identify(data),
    represent: (data: number | ExactNumber) => (isExactNumber(data) ? data.rawJSON : intYaml11Tag.represent(data)),
  }),
  defineScalarTag(strTag.tagName, { ...strTag, represent: (data: string) => data.toWellFormed() }),
);

/** Some reader takes what begins like this for a number, a date or a merge. Quotes are cheap. */
const LOOKS_SPECIAL = /^[-+.=<0-9]/;

function quoteWhatLooksSpecial(layout: ScalarLayout): void {
  const { tag, value } = layout.node;
  if (tag === dumpSchema.defaultScalarTag.tagName && !value.includes("\n") && LOOKS_SPECIAL.test(value)) {
    layout.style = SCALAR_STYLE.SINGLE_QUOTED;
  }
}

const scalarStyleRules = [quoteWhatLooksSpecial, ...Object.values(DEFAULT_SCALAR_STYLE_RULES)];

/** Prints JSON data as YAML (block style, two spaces) that every YAML reader, Go's first, reads back as the same data. */
export function toYaml(value: unknown): string {
  return dump(value, { schema: dumpSchema, noRefs: true, lineWidth: -1, indent: 2, scalarStyleRules });
}
