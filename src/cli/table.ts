import { styleText } from "node:util";

/** One column: its heading, and how a cell looks in a terminal. The last one may hold long text. */
export interface TableColumn<Row> {
  heading: string;
  cell: (row: Row) => string;
  paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  /** Columns of the terminal: the last column is wrapped to it. Undefined: nothing is wrapped, as for a pipe. */
  width?: number | undefined;
  colours: boolean;
}

const GAP = "   ";
/** A last column narrower than this reads worse than a line that the terminal breaks. */
const NARROWEST = 24;

/** Rows as aligned text, one line each, under their headings. Empty cells show as "-". */
export function table<Row>(
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  { width, colours }: TableOptions,
): string {
  const texts = rows.map((row) => columns.map(({ cell }) => cell(row) || "-"));
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...texts.map((cells) => cells[index]?.length ?? 0)),
  );
  const indent = widths.slice(0, -1).reduce((sum, one) => sum + one + GAP.length, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(NARROWEST, width - indent);
  const headings = columns.map(({ heading }, index) => heading.padEnd(widths[index] ?? 0)).join(GAP);
  const lines = rows.map((row, number) => {
    const cells = (texts[number] ?? []).map((text, index) => {
      const isLast = index === columns.length - 1;
      const padded = isLast ? wrap(text, room).join(`\n${" ".repeat(indent)}`) : text.padEnd(widths[index] ?? 0);
      return colours ? (columns[index]?.paint?.(padded, row) ?? padded) : padded;
    });
    return cells.join(GAP).trimEnd();
  });
  const title = headings.trimEnd();
  return [colours ? styleText("dim", title, { validateStream: false }) : title, ...lines]
    .map((line) => `${line}\n`)
    .join("");
}

/** The text in lines of at most so many characters, broken between words, and inside a word only where it has no room. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  return [...lines, line];
}
