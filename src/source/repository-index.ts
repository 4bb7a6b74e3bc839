import { isMap } from "../objects/json.ts";
import { parseYaml } from "../objects/yaml.ts";

/** One version of a chart, as an index lists it. */
export interface IndexEntry {
  version: string;
  urls: string[];
  /** Hex digits, or `sha256:` and hex digits. */
  digest?: string;
}

const KEY = /^( +)(?:"([^"]+)"|'([^']+)'|([^\s"'#:-][^:]*)):[ \t]*$/;

/**
 * The `index.yaml` of a chart repository. Large ones have 20 MB, and a YAML parser would hold up everything else for a
 * second or more: the text is cut into the blocks of its charts by indentation, as `helm repo index` writes it, and
 * only the block that somebody asks for is parsed. An index of another shape is parsed whole.
 */
export class RepositoryIndex {
  /** Characters that this object holds on to. */
  readonly size: number;
  readonly #blocks: Map<string, string>;
  readonly #parsed = new Map<string, IndexEntry[]>();

  private constructor(size: number, blocks: Map<string, string>) {
    this.size = size;
    this.#blocks = blocks;
  }

  /** Undefined when the text is no index. */
  static parse(text: string): RepositoryIndex | undefined {
    const blocks = cutBlocks(text);
    if (blocks !== undefined) return new RepositoryIndex(text.length, blocks);
    const whole = parseYaml(text, "index.yaml");
    if (!whole.ok || !isMap(whole.value) || !isMap(whole.value["entries"])) return undefined;
    const index = new RepositoryIndex(text.length, new Map());
    for (const [name, versions] of Object.entries(whole.value["entries"])) index.#parsed.set(name, entriesOf(versions));
    return index;
  }

  names(): string[] {
    return [...new Set([...this.#blocks.keys(), ...this.#parsed.keys()])];
  }

  /** The versions of a chart in the order of the index; undefined when it has no such chart. */
  versions(chart: string): IndexEntry[] | undefined {
    const known = this.#parsed.get(chart);
    const block = this.#blocks.get(chart);
    if (known !== undefined || block === undefined) return known;
    const parsed = parseYaml(block, "index.yaml");
    const versions = parsed.ok && isMap(parsed.value) ? Object.values(parsed.value)[0] : undefined;
    const entries = entriesOf(versions);
    this.#parsed.set(chart, entries);
    return entries;
  }
}

interface Cutter {
  blocks: Map<string, string>;
  indent: string | undefined;
  name: string | undefined;
  start: number;
}

/** The text of each chart under `entries:`, by its name; undefined when the text is not laid out like that. */
function cutBlocks(text: string): Map<string, string> | undefined {
  const head = /^entries:[ \t]*\r?\n/m.exec(text);
  if (head === null) return undefined;
  const cutter: Cutter = { blocks: new Map(), indent: undefined, name: undefined, start: 0 };
  let at = head.index + head[0].length;
  while (at < text.length) {
    const feed = text.indexOf("\n", at);
    const next = feed === -1 ? text.length : feed + 1;
    const first = text.charCodeAt(at);
    // Anything but a blank, a comment or a line end in the first column ends the entries.
    if (first !== 0x20 && first !== 0x23 && first !== 0x0a && first !== 0x0d) break;
    if (first === 0x20) readLine(cutter, text, at, next);
    at = next;
  }
  close(cutter, text, at);
  return cutter.blocks.size > 0 ? cutter.blocks : undefined;
}

function readLine(cutter: Cutter, text: string, at: number, next: number): void {
  const { indent } = cutter;
  // Most lines are deeper than a chart's name, and need no closer look.
  if (indent !== undefined && (text[at + indent.length] === " " || text[at + indent.length] === "-")) return;
  const found = KEY.exec(text.slice(at, next).trimEnd());
  if (found === null) return;
  close(cutter, text, at);
  cutter.indent = found[1];
  cutter.name = found[2] ?? found[3] ?? found[4];
  cutter.start = at;
}

function close(cutter: Cutter, text: string, at: number): void {
  if (cutter.name !== undefined) cutter.blocks.set(cutter.name, text.slice(cutter.start, at));
}

function entriesOf(versions: unknown): IndexEntry[] {
  return Array.isArray(versions) ? versions.flatMap(entryOf) : [];
}

/** An entry that Helm could not use either is left out. */
function entryOf(entry: unknown): IndexEntry[] {
  if (!isMap(entry)) return [];
  const version = textOf(entry["version"]);
  const digest = textOf(entry["digest"]);
  const urls = entry["urls"];
  if (version === undefined || !Array.isArray(urls)) return [];
  const found: IndexEntry = { version, urls: urls.filter((url) => typeof url === "string") };
  if (digest !== undefined && digest !== "") found.digest = digest;
  return [found];
}

/** Without quotes, a version may look like a number. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
