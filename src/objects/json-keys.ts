/**
 * Works around a fault of V8 (nodejs/node#63785, Node 24 and 26): `JSON.parse` may read a key with an escape as a key
 * of some other object that it once saw, `{"a":1,"\n":2}` as `{a: 1, "\\": 2}`. Whoever may write an object with such
 * keys could corrupt what is read for others. A key read wrong always holds a backslash, and hardly any real key does.
 */

/** Whether a parsed value has a key with a backslash, rightly or by the fault. */
export function hasBackslashKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(hasBackslashKey);
  const map = value as Record<string, unknown>;
  for (const key of Object.keys(map)) if (key.includes("\\") || hasBackslashKey(map[key])) return true;
  return false;
}

/** The index after the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = start;
  let isEscaped: boolean;
  do {
    end = text.indexOf('"', end + 1);
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes += 1;
    isEscaped = slashes % 2 === 1;
  } while (isEscaped);
  return end + 1;
}

function unusedPrefix(text: string): string {
  let prefix = "key";
  while (text.includes(prefix)) prefix += "-";
  return prefix;
}

const COLON = /\s*:/y;

function isKey(text: string, end: number): boolean {
  COLON.lastIndex = end;
  return COLON.test(text);
}

/** A valid JSON text with a stand-in for each key that has an escape, and what the stand-ins mean. */
export function hideEscapedKeys(text: string): { text: string; keys: ReadonlyMap<string, string> } {
  const keys = new Map<string, string>();
  const prefix = unusedPrefix(text);
  const parts: string[] = [];
  let done = 0;
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = endOfString(text, start);
    const token = text.slice(start, end);
    if (token.includes("\\") && isKey(text, end)) {
      const standIn = `${prefix}${keys.size}`;
      // A string that is no key is read right.
      keys.set(standIn, JSON.parse(token) as string);
      parts.push(text.slice(done, start), `"${standIn}"`);
      done = end;
    }
    start = text.indexOf('"', end);
  }
  return { text: parts.join("") + text.slice(done), keys };
}
