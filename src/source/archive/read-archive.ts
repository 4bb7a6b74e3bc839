import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { entryPath, foldedPath } from "./entry-path.ts";
import { parsePax } from "./pax.ts";
import type { TarHeader } from "./tar-header.ts";
import { utf8Of } from "./tar-header.ts";
import { ArchiveRefused, type TarEntry, TarReader, type TarSink } from "./tar-reader.ts";

export { ArchiveRefused };

const MIB = 1024 * 1024;

/**
 * What an archive may be. Measured over the 220 packs of the public repository: the largest file has 2.5 MB, the largest
 * packed chart 0.5 MB, the largest pack 5.3 MB in 426 files, and none packs better than 21 to 1.
 */
export const ARCHIVE_LIMITS = {
  packedBytes: 20 * MIB,
  unpackedBytes: 100 * MIB,
  /** Unpacked to packed bytes, beyond the first MiB: short texts and empty blocks pack better than that. */
  ratio: 100,
  entries: 10_000,
  /** One entry can name hundreds of them. */
  folders: 10_000,
  fileBytes: 5 * MIB,
  metadataBytes: MIB,
};
const RATIO_FREE_BYTES = MIB;

/** Files (two letters for them), folders, and metadata about the entry that follows. */
const TAKEN = new Set(["0", "7", "5", "x", "g", "L", "K"]);

const REFUSED = new Map([
  ["1", "a hard link"],
  ["2", "a symbolic link"],
  ["3", "a device"],
  ["4", "a device"],
  ["6", "a named pipe"],
  ["S", "a sparse file"],
]);

export interface ArchiveOptions {
  /** True to leave out the one folder that everything is in, if there is one. */
  stripRoot: boolean;
}

/**
 * Reads a `.tgz` in memory: nothing is written to a disk. Only files and folders are taken, and only under paths that mean
 * the same everywhere; anything else refuses the whole archive.
 *
 * @returns the content of each file by its path
 * @throws ArchiveRefused with a sentence that follows the name of the archive: `holds a symbolic link "x"`
 */
export async function readArchive(bytes: Uint8Array, { stripRoot }: ArchiveOptions): Promise<Map<string, Uint8Array>> {
  if (bytes.length > ARCHIVE_LIMITS.packedBytes) throw new ArchiveRefused(`is larger than ${inMib("packedBytes")} MiB`);
  const files = new FileCollector();
  const reader = new TarReader(files);
  const most = Math.min(ARCHIVE_LIMITS.unpackedBytes, Math.max(RATIO_FREE_BYTES, ARCHIVE_LIMITS.ratio * bytes.length));
  let unpacked = 0;
  try {
    const gunzip = Readable.from([bytes]).pipe(createGunzip({ chunkSize: 64 * 1024 }));
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      unpacked += chunk.length;
      if (unpacked > ARCHIVE_LIMITS.unpackedBytes) {
        throw new ArchiveRefused(`has more than ${inMib("unpackedBytes")} MiB once it is unpacked`);
      }
      if (unpacked > most) throw new ArchiveRefused(`is packed more than ${ARCHIVE_LIMITS.ratio} times: it is a bomb`);
      reader.push(chunk);
      if (reader.isEnded) break;
    }
  } catch (error) {
    throw refusedOf(error);
  }
  reader.end();
  return stripRoot ? withoutRoot(files.contents) : files.contents;
}

/** Takes files one by one, with the names that metadata gives them. */
class FileCollector implements TarSink {
  readonly contents = new Map<string, Uint8Array>();
  readonly #folded = new Map<string, string>();
  readonly #folders = new Set<string>();
  #entries = 0;
  #longName: string | undefined;

  onHeader({ name, type, size }: TarHeader): void {
    this.#entries += 1;
    if (this.#entries > ARCHIVE_LIMITS.entries) {
      throw new ArchiveRefused(`has more than ${ARCHIVE_LIMITS.entries} entries`);
    }
    const path = this.#longName ?? name;
    const link = REFUSED.get(type);
    if (link !== undefined) throw new ArchiveRefused(`holds ${link} ${quoted(path)}: only files and folders are taken`);
    if (!TAKEN.has(type)) {
      throw new ArchiveRefused(`holds ${quoted(path)} of an unknown type: only files and folders are taken`);
    }
    if (isMetadata(type)) {
      if (size > ARCHIVE_LIMITS.metadataBytes) throw new ArchiveRefused("has metadata of more than 1 MiB");
    } else if (size > ARCHIVE_LIMITS.fileBytes) {
      throw new ArchiveRefused(`holds ${quoted(path)} of more than ${inMib("fileBytes")} MiB`);
    }
  }

  onEntry({ header: { name, type }, content }: TarEntry): void {
    if (isMetadata(type)) {
      this.#onMetadata(type, content);
      return;
    }
    const written = this.#longName ?? name;
    this.#longName = undefined;
    const checked = entryPath(written);
    if (!checked.ok) throw new ArchiveRefused(`holds ${quoted(written)}, which ${checked.problem}`);
    if (type === "5") return;
    this.#add(checked.path, content);
  }

  #onMetadata(type: string, content: Uint8Array): void {
    if (type === "L") this.#longName = utf8Of(withoutZerosAtEnd(content)) ?? "\0";
    if (type !== "x" && type !== "g") return;
    const records = parsePax(content);
    const keys = [...(records?.keys() ?? [])];
    // A size of its own would make others read other entries than we do.
    const isOdd = keys.some((key) => key === "size" || key.startsWith("GNU.sparse"));
    if (records === undefined || isOdd || (type === "g" && records.has("path"))) {
      throw new ArchiveRefused("has metadata that cannot be read");
    }
    this.#longName = records.get("path") ?? this.#longName;
  }

  #add(path: string, content: Uint8Array): void {
    const folded = foldedPath(path);
    const twin = this.#folded.get(folded);
    if (path === "") throw new ArchiveRefused("holds a file without a name");
    if (twin === path) throw new ArchiveRefused(`holds ${quoted(path)} twice`);
    if (twin !== undefined) {
      throw new ArchiveRefused(`holds ${quoted(twin)} and ${quoted(path)}, which some file systems cannot tell apart`);
    }
    const isTaken = this.#folders.has(folded) || !this.#addFolders(folded);
    if (isTaken) throw new ArchiveRefused(`holds ${quoted(path)}, where a file and a folder have the same name`);
    this.#folded.set(folded, path);
    this.contents.set(path, content);
  }

  /** The folders above a file, from the nearest; those above one that is known are known. False when one is a file. */
  #addFolders(file: string): boolean {
    for (let end = file.lastIndexOf("/"); end !== -1; end = file.lastIndexOf("/", end - 1)) {
      const folder = file.slice(0, end);
      if (this.#folded.has(folder)) return false;
      if (this.#folders.has(folder)) return true;
      this.#folders.add(folder);
      if (this.#folders.size > ARCHIVE_LIMITS.folders) {
        throw new ArchiveRefused(`has more than ${ARCHIVE_LIMITS.folders} folders`);
      }
    }
    return true;
  }
}

function isMetadata(type: string): boolean {
  return "xgLK".includes(type);
}

function withoutZerosAtEnd(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

function withoutRoot(files: Map<string, Uint8Array>): Map<string, Uint8Array> {
  const roots = new Set([...files.keys()].map((path) => path.slice(0, path.indexOf("/") + 1)));
  const [root = ""] = roots;
  if (roots.size !== 1 || root === "") return files;
  return new Map([...files].map(([path, content]) => [path.slice(root.length), content]));
}

function refusedOf(error: unknown): ArchiveRefused {
  if (error instanceof ArchiveRefused) return error;
  const code = error instanceof Error && "code" in error ? error.code : "";
  return new ArchiveRefused(code === "Z_BUF_ERROR" ? "is cut" : "is no gzip archive, or a broken one", {
    cause: error,
  });
}

function inMib(limit: "packedBytes" | "unpackedBytes" | "fileBytes"): number {
  return ARCHIVE_LIMITS[limit] / MIB;
}

/** Names come from strangers: cut, and without what would end a line of a log. */
function quoted(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
