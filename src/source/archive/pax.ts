import { utf8Of } from "./tar-header.ts";

/**
 * The records of an entry of metadata (pax): each is its own length in decimal, a blank, `key=value` and a line end.
 * Undefined when they cannot be read. The last record of a key counts.
 */
export function parsePax(content: Uint8Array): Map<string, string> | undefined {
  const records = new Map<string, string>();
  let at = 0;
  while (at < content.length) {
    const blank = content.indexOf(0x20, at);
    const digits = blank === -1 ? "" : Buffer.from(content.subarray(at, Math.min(blank, at + 10))).toString("latin1");
    const end = at + Number(digits);
    if (!/^[1-9]\d*$/.test(digits) || end > content.length || content[end - 1] !== 0x0a || end <= blank + 1) {
      return undefined;
    }
    const record = utf8Of(content.subarray(blank + 1, end - 1));
    const equals = record?.indexOf("=") ?? -1;
    // Attributes of files on the writer's system may be any bytes, and do not matter here.
    if (record !== undefined && equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    else if (record !== undefined || isNeeded(content.subarray(blank + 1, end))) return undefined;
    at = end;
  }
  return records;
}

function isNeeded(record: Uint8Array): boolean {
  return /^(?:path|size|linkpath|GNU\.sparse)/.test(Buffer.from(record.subarray(0, 16)).toString("latin1"));
}
