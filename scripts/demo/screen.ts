import { styleText } from "node:util";
import { wrap } from "../../src/cli/table.ts";

const WIDTH = 96;
const CLEAR_LINE = "\x1b[2K";

type Style = Parameters<typeof styleText>[0];

/** Where the story is told: a terminal, in which a table is drawn over itself, or a pipe, which gets plain lines. */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly isLive: boolean;
  #steps = 0;
  /** Lines of the drawing that the next one replaces. */
  #drawn = 0;

  constructor(out: NodeJS.WriteStream, { plain }: { plain: boolean }) {
    this.#out = out;
    this.isLive = out.isTTY === true && !plain;
  }

  title(text: string): void {
    this.#print(`${this.paint("bold", text)}\n`);
  }

  /** The heading of the next step; steps are counted. */
  heading(text: string): void {
    this.#steps += 1;
    this.#print(`\n${this.paint(["bold", "cyan"], `${this.#steps}. ${text}`)}\n`);
  }

  gap(): void {
    this.#print("\n");
  }

  /** A sentence of the story. */
  say(text: string): void {
    this.#print(indented(wrap(text, WIDTH - 3)));
  }

  /** A command that a person could type; its further lines have no prompt. */
  command(text: string, prompt = "$ "): void {
    this.#print(`${this.paint("bold", `   ${prompt}${text}`)}\n`);
  }

  /** What a command or an object says, as it is. */
  quote(text: string, style: Style = "yellow"): void {
    for (const line of wrap(text, WIDTH - 5)) this.#print(`   ${this.paint("dim", "│")} ${this.paint(style, line)}\n`);
  }

  /** The output of a command. */
  output(text: string): void {
    this.#print(indented(text.trimEnd().split("\n")));
  }

  /** A change of one line in a file. */
  change(file: string, from: string, to: string): void {
    this.#print(`   ${this.paint("dim", `${file}:`)} ${this.paint("red", from)} → ${this.paint("green", to)}\n`);
  }

  /** Something that was shown to hold. */
  proof(text: string): void {
    const [first = "", ...rest] = wrap(text, WIDTH - 5);
    this.#print(`   ${this.paint("green", "✓")} ${first}\n${rest.map((line) => `     ${line}\n`).join("")}`);
  }

  /** Draws lines over the ones drawn before; only in a terminal. */
  draw(lines: readonly string[]): void {
    if (!this.isLive) return;
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    this.#out.write(up + lines.map((line) => `${CLEAR_LINE}   ${line}\n`).join(""));
    this.#drawn = lines.length;
  }

  /** Keeps what was drawn. In a pipe, the lines are printed now, for the first time. */
  settle(lines: readonly string[]): void {
    if (this.isLive) this.draw(lines);
    else this.#print(indented(lines));
    this.#drawn = 0;
  }

  paint(style: Style, text: string): string {
    return this.isLive ? styleText(style, text, { validateStream: false }) : text;
  }

  #print(text: string): void {
    this.#drawn = 0;
    this.#out.write(text);
  }
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `   ${line}\n`).join("");
}

/** Milliseconds as people read them: `4.2 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
