/** So often a server and the proxies before it may decode a path between them. */
const MAX_DECODINGS = 4;

/**
 * Whether an address is a folder's own or below it, at a segment's boundary. One whose path leads elsewhere once somebody
 * decodes it (`..%2f`, `%252e%252e`, `..;a`, `..%20`, `%5c`) is below nothing: nobody knows what a server makes of it. The
 * folder itself is as its owner wrote it, with `group%2Fproject` or not: only what comes after it is in question.
 *
 * What a query means is the affair of whatever answers below the folder. It does not climb either: one with `..` in it,
 * encoded or not, is below nothing.
 */
export function isBelow(url: URL, folder: URL): boolean {
  const root = folder.pathname.replace(/\/+$/, "");
  if (url.origin !== folder.origin || !`${url.pathname}/`.startsWith(`${root}/`)) return false;
  const path = readings(url.pathname.slice(root.length));
  const query = readings(url.search);
  if (path === undefined || query === undefined) return false;
  const [written = ""] = path;
  const depth = slashesIn(written);
  return path.every((one) => slashesIn(one) === depth && !ODD.test(one)) && !query.some((one) => one.includes(".."));
}

/** A segment of dots, also before what is part of no name (`..;a`, `..?`), and what some take for a slash or for the end. */
const ODD = /(?:^|\/)[\s\p{C}]*\.+(?:[^\p{L}\p{N}._-]|$)|[\\\p{Cc}]/u;

/**
 * A text as it is written, and as whoever decodes it once more reads it, until there is nothing left to decode; letters of
 * another width count as what they look like. Undefined for what has no sure reading: bytes that are no UTF-8, a broken
 * `%`, or too many layers.
 */
function readings(written: string): string[] | undefined {
  if (/%(?![0-9a-f]{2})/i.test(written)) return undefined;
  const found = [written];
  for (let text = written; found.length <= MAX_DECODINGS; found.push(text)) {
    const next = decodedOnce(text);
    if (next === undefined) return undefined;
    if (next === text) return found;
    text = next;
  }
  return undefined;
}

/** A `%` that encodes nothing stays: that of `100%25.yaml` is one of the name. */
function decodedOnce(text: string): string | undefined {
  try {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent).normalize("NFKC");
  } catch {
    return undefined;
  }
}

function slashesIn(text: string): number {
  return text.split("/").length;
}
