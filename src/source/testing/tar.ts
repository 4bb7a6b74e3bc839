import { gzipSync } from "node:zlib";
import { checksumOf } from "../archive/tar-header.ts";

/** An entry of a tar archive, with whatever a test wants to be wrong about it. */
export interface Entry {
  name: string;
  content?: string | Uint8Array;
  /** The letter of its type; `0` is a file. */
  type?: string;
  link?: string;
  prefix?: string;
  /** The size that the header tells, if not that of the content. */
  size?: number;
  magic?: string;
}

export function tar(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryOf), Buffer.alloc(1024)]);
}

export function tgz(entries: readonly Entry[]): Buffer {
  return gzipSync(tar(entries));
}

/** A record of pax metadata. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

function entryOf({ name, content = "", type = "0", link = "", prefix = "", size, magic }: Entry): Buffer[] {
  const bytes = Buffer.from(content);
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, "utf8");
  block.write("0000644\0", 100);
  block.write(`${(size ?? bytes.length).toString(8).padStart(11, "0")}\0`, 124);
  block.write(type, 156, "latin1");
  block.write(link, 157, 100);
  block.write(magic ?? "ustar\x0000", 257, "latin1");
  block.write(prefix, 345, 155);
  block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, 148);
  return [block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
}
