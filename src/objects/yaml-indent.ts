import { type LoadOptions, loadAll, YAMLException } from "js-yaml";

const TOO_SHALLOW = "deficient indentation";
/** Deeper than any parent may be (`yaml-limits.ts`) at any usual width. */
const DEEPER = " ".repeat(1024);
/** Each line that is moved costs one more reading; this many characters may be read again. */
const MAX_READ_AGAIN = 16 * 1024 * 1024;
/** At the margin it ends the document, in brackets too. */
const DOCUMENT_END = /^\.{3}(?:\s|$)/;

/** The index of the line that js-yaml wants to be deeper. */
function shallowLine(error: unknown): number | undefined {
  return error instanceof YAMLException && error.reason === TOO_SHALLOW ? error.mark?.line : undefined;
}

/**
 * js-yaml's `loadAll` for texts such as `emptyDir: {`, with the closing brace under the key: Go takes a line inside
 * brackets or quotes at any indentation, js-yaml follows the YAML specification and refuses one that is no deeper than
 * its parent. There, spaces at the beginning of a line mean nothing, so such a line is moved to the right, and the
 * numbers of lines stay true.
 */
export function loadAtAnyIndent(text: string, options: LoadOptions): unknown[] {
  const lines = text.split("\n");
  const moved = new Set<number>();
  for (;;) {
    try {
      return loadAll(moved.size === 0 ? text : lines.join("\n"), options);
    } catch (error) {
      const line = shallowLine(error);
      if (line === undefined || moved.has(line) || moved.size * text.length > MAX_READ_AGAIN) throw error;
      const content = lines[line] ?? "";
      if (DOCUMENT_END.test(content)) throw error;
      lines[line] = `${DEEPER}${content}`;
      moved.add(line);
    }
  }
}
