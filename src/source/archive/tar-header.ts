const CHECKSUM = { at: 148, length: 8 };
const BLANK = 0x20;

/** The header block of one entry. */
export interface TarHeader {
  /** The path; a long one stands in an entry of metadata before it. */
  name: string;
  /** Bytes of the content that follows. */
  size: number;
  /** The letter that says what it is: `0` a file, `5` a folder. */
  type: string;
}

/** Reads a header block of 512 bytes; undefined when it is none. */
export function parseHeader(block: Uint8Array): TarHeader | undefined {
  const sum = numberAt(block, CHECKSUM.at, CHECKSUM.length);
  if (sum === undefined || sum !== checksumOf(block)) return undefined;
  const size = numberAt(block, 124, 12);
  const name = textAt(block, 0, 100);
  // Only POSIX has a prefix; GNU keeps times there.
  const isPosix = rawAt(block, 257, 8) === "ustar\x0000";
  const prefix = isPosix ? textAt(block, 345, 155) : "";
  if (size === undefined || name === undefined || prefix === undefined) return undefined;
  const flag = String.fromCharCode(block[156] ?? 0);
  const type = flag === "\0" ? "0" : flag;
  // Before POSIX, a folder was a file whose name ends with a slash.
  const isFolder = type === "0" && name.endsWith("/");
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, type: isFolder ? "5" : type };
}

/** The sum of all bytes, where those of the sum itself count as blanks. */
export function checksumOf(block: Uint8Array): number {
  const { at, length } = CHECKSUM;
  return block.reduce((sum, byte, index) => sum + (index >= at && index < at + length ? BLANK : byte), 0);
}

/** Octal digits, or with the highest bit set the bytes themselves; undefined when it is neither or not exact. */
function numberAt(block: Uint8Array, at: number, length: number): number | undefined {
  const first = block[at] ?? 0;
  if (first >= 0x80) {
    const digits = [first & 0x7f, ...block.subarray(at + 1, at + length)];
    const value = digits.reduce((sum, byte) => sum * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const text = rawAt(block, at, length)
    .replace(/[\0 ]+$/, "")
    .trimStart();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || "0", 8) : undefined;
}

function rawAt(block: Uint8Array, at: number, length: number): string {
  return Buffer.from(block.subarray(at, at + length)).toString("latin1");
}

/** The text up to the first zero byte. */
function textAt(block: Uint8Array, at: number, length: number): string | undefined {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return utf8Of(end === -1 ? field : field.subarray(0, end));
}

/** Undefined when the bytes are no UTF-8. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
