import { gzipSync } from "node:zlib";
import { checksumOf } from "./tar-header.ts";

const BLOCK = 512;
const NAME = 100;

/**
 * Packs files as a `.tgz`, sorted by path. Equal files give equal bytes, on every machine and at every time.
 *
 * @param files by path
 * @param root the folder that everything is put into; empty for none
 */
export function writeArchive(files: ReadonlyMap<string, Uint8Array>, root: string): Uint8Array {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = sorted.flatMap(([path, content]) => entryOf(root === "" ? path : `${root}/${path}`, content));
  const packed = gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]), { level: 9 });
  // The system that packed it: unknown.
  packed[9] = 0xff;
  return packed;
}

function entryOf(path: string, content: Uint8Array): Uint8Array[] {
  const isLong = Buffer.byteLength(path) > NAME;
  const long = isLong ? Buffer.from(paxRecord("path", path)) : undefined;
  const metadata = long === undefined ? [] : [headerOf("PaxHeader", long.length, "x"), padded(long)];
  // Readers that know no metadata find the end of the path here.
  const name = isLong
    ? Buffer.from(path)
        .subarray(-NAME)
        .toString("latin1")
        .replace(/[^\x21-\x7e]/g, "_")
    : path;
  return [...metadata.flat(), headerOf(name, content.length, "0"), padded(content)];
}

function headerOf(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write(type, 156);
  block.write("ustar\x0000", 257);
  block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function padded(content: Uint8Array): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** The length of a record counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  const guess = rest + String(rest).length;
  const length = rest + String(guess).length;
  return `${length} ${key}=${value}\n`;
}
