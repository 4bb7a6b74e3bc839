import { parseHeader, type TarHeader } from "./tar-header.ts";

const BLOCK = 512;

/** An archive that cannot be read or is refused; the message is a sentence about it, without a subject. */
export class ArchiveRefused extends Error {}

/** One entry with its content; folders and metadata have none that matters to others. */
export interface TarEntry {
  header: TarHeader;
  content: Uint8Array;
}

export interface TarSink {
  /** Hears of an entry before its content is read; throws to refuse it. */
  onHeader(header: TarHeader): void;
  onEntry(entry: TarEntry): void;
}

/**
 * Reads a tar archive (POSIX ustar and pax, GNU, and the form before them) as it comes, a piece at a time. It holds one
 * entry in memory; how large that may be is for the sink to say.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #block = new Uint8Array(BLOCK);
  #filled = 0;
  #padding = 0;
  #current: { header: TarHeader; content: Uint8Array; filled: number } | undefined;
  #zeroBlocks = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** True after the two empty blocks that end an archive: what follows is not part of it. */
  get isEnded(): boolean {
    return this.#zeroBlocks === 2;
  }

  /** @throws ArchiveRefused */
  push(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0 && !this.isEnded) rest = rest.subarray(this.#take(rest));
  }

  /** @throws ArchiveRefused when the archive ends in the middle of something */
  end(): void {
    if (this.#current !== undefined || this.#filled > 0 || this.#padding > 0) throw new ArchiveRefused("is cut");
  }

  /** Takes what it can use at once, and says how many bytes these were. */
  #take(bytes: Uint8Array): number {
    if (this.#padding > 0) {
      const taken = Math.min(this.#padding, bytes.length);
      this.#padding -= taken;
      return taken;
    }
    return this.#current === undefined ? this.#takeHeader(bytes) : this.#takeContent(bytes, this.#current);
  }

  #takeHeader(bytes: Uint8Array): number {
    const taken = Math.min(BLOCK - this.#filled, bytes.length);
    this.#block.set(bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    if (this.#filled < BLOCK) return taken;
    this.#filled = 0;
    if (this.#block.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1;
      return taken;
    }
    const header = this.#zeroBlocks > 0 ? undefined : parseHeader(this.#block);
    if (header === undefined) throw new ArchiveRefused("is broken: an entry has no valid header");
    this.#sink.onHeader(header);
    this.#current = { header, content: new Uint8Array(header.size), filled: 0 };
    if (header.size === 0) this.#finish(this.#current);
    return taken;
  }

  #takeContent(bytes: Uint8Array, current: { header: TarHeader; content: Uint8Array; filled: number }): number {
    const taken = Math.min(current.content.length - current.filled, bytes.length);
    current.content.set(bytes.subarray(0, taken), current.filled);
    current.filled += taken;
    if (current.filled === current.content.length) this.#finish(current);
    return taken;
  }

  #finish({ header, content }: TarEntry): void {
    this.#current = undefined;
    this.#padding = (BLOCK - (content.length % BLOCK)) % BLOCK;
    this.#sink.onEntry({ header, content });
  }
}
