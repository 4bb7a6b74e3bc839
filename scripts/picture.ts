/**
 * Makes the picture of the README, docs/demo.svg, from what a real run of the demo prints.
 * `node scripts/picture.ts [--from recording.txt]`; without a recording it runs the demo (with --plain) and records it.
 */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { LAYER_STATES } from "../src/api/schema/status.ts";

const repository = join(import.meta.dirname, "..");
const PICTURE = join(repository, "docs", "demo.svg");

/** Steps of the demo that the picture shows, by their numbers; the README has no room for all. */
const SHOWN = new Set([3, 4, 6, 7, 9]);

const SIZE = 13;
const CHARACTER = SIZE * 0.602;
const LINE = 19;
const MARGIN = 20;
const BAR = 34;
const FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const COLOURS = {
  background: "#0d1117",
  bar: "#161b22",
  plain: "#c9d1d9",
  dim: "#7d8590",
  heading: "#58a6ff",
  command: "#f0f6fc",
  green: "#3fb950",
  yellow: "#d29922",
  red: "#f85149",
  gray: "#6e7681",
};

/** A state that stands in a column of its own. */
const STATE = new RegExp(`(?<=\\s{2})((?:${LAYER_STATES.join("|")})(?: \\d+/\\d+)?)(?=\\s{2}|$)`);
const HEADING = /^\d+\. /;

type Colour = keyof typeof COLOURS;

interface Span {
  text: string;
  colour: Colour;
  bold?: boolean;
}

const { values } = parseArgs({ options: { from: { type: "string" } } });
const recording = values.from === undefined ? await record() : await readFile(values.from, "utf8");
const lines = shownLines(recording);
await writeFile(PICTURE, draw(lines));
process.stdout.write(`docs/demo.svg: ${lines.length} lines\n`);

async function record(): Promise<string> {
  const args = [join(repository, "scripts", "demo.ts"), "--plain"];
  const demo = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => demo.on("close", resolve));
  const output = await text(demo.stdout);
  const code = await ended;
  if (code !== 0) throw new Error(`the demo ended with ${code}:\n${output.slice(-2000)}`);
  return output;
}

/** The title, and the steps that the picture shows, without what differs from machine to machine. */
function shownLines(output: string): string[] {
  const [title = "", ...rest] = output.trimEnd().split("\n");
  let isShown = false;
  const shown = rest.filter((line) => {
    if (HEADING.test(line)) isShown = SHOWN.has(Number.parseInt(line, 10));
    return isShown;
  });
  return [title, "", ...shown.join("\n").trim().replace(/\n\n+/g, "\n\n").split("\n")];
}

function draw(all: readonly string[]): string {
  const columns = Math.max(...all.map((line) => [...line].length));
  const width = Math.ceil(columns * CHARACTER + 2 * MARGIN);
  const height = BAR + all.length * LINE + 2 * MARGIN - 8;
  const rows = all.map((line, index) => row(line, BAR + MARGIN + index * LINE + SIZE - 4));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A run of npm run demo">
<rect width="${width}" height="${height}" rx="8" fill="${COLOURS.background}"/>
<path d="M0 ${BAR}V8a8 8 0 0 1 8-8h${width - 16}a8 8 0 0 1 8 8v${BAR - 8}z" fill="${COLOURS.bar}"/>
${["red", "yellow", "green"].map((colour, index) => `<circle cx="${20 + index * 18}" cy="${BAR / 2}" r="5.5" fill="${COLOURS[colour as Colour]}"/>`).join("\n")}
<g font-family="${FONT}" font-size="${SIZE}" xml:space="preserve">
<text x="${width / 2}" y="${BAR / 2 + 4}" text-anchor="middle" fill="${COLOURS.dim}">npm run demo</text>
${rows.filter((text) => text !== "").join("\n")}
</g>
</svg>
`;
}

/** Each span has its own place and length, so that the columns stand even where the font is another one. */
function row(line: string, y: number): string {
  let column = 0;
  const spans = spansOf(line).map(({ text: content, colour, bold }) => {
    const length = [...content].length;
    const x = (MARGIN + column * CHARACTER).toFixed(1);
    column += length;
    if (content.trim() === "") return "";
    const weight = bold ? ' font-weight="bold"' : "";
    return `<tspan x="${x}" textLength="${(length * CHARACTER).toFixed(1)}" fill="${COLOURS[colour]}"${weight}>${escaped(content)}</tspan>`;
  });
  return spans.every((span) => span === "") ? "" : `<text y="${y}">${spans.join("")}</text>`;
}

function spansOf(line: string): Span[] {
  if (HEADING.test(line)) return [{ text: line.replace(HEADING, ""), colour: "heading", bold: true }];
  if (/^\S/.test(line)) return [{ text: line, colour: "command", bold: true }];
  if (/^ +\$ /.test(line)) return [{ text: line, colour: "command", bold: true }];
  const [, before = "", mark = "", after = ""] = /^( +)([✓│] )(.*)$/.exec(line) ?? [];
  if (mark === "✓ ")
    return [
      { text: before, colour: "plain" },
      { text: mark, colour: "green" },
      { text: after, colour: "plain" },
    ];
  if (mark === "│ ")
    return [
      { text: before + mark, colour: "dim" },
      { text: after, colour: "yellow" },
    ];
  const change = /^( +\S+\.yaml: )(.+)( → )(.+)$/.exec(line);
  if (change) {
    const [, file = "", from = "", arrow = "", to = ""] = change;
    return [
      { text: file, colour: "dim" },
      { text: from, colour: "red" },
      { text: arrow, colour: "dim" },
      { text: to, colour: "green" },
    ];
  }
  if (/^ +[A-Z]+( +[A-Z]+)+$/.test(line)) return [{ text: line, colour: "dim" }];
  return line.split(STATE).map((part) => ({ text: part, colour: colourOf(part) }));
}

function colourOf(part: string): Colour {
  const [state = ""] = part.split(" ");
  if (!LAYER_STATES.some((one) => one === state)) return "plain";
  if (state === "Ready") return "green";
  if (state === "Pending") return "gray";
  return state === "Failed" || state === "Blocked" ? "red" : "yellow";
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
