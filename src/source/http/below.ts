/** So often a server and the proxies before it may decode a path between them. */
const MAX_DECODINGS = 4;

/**
 * Whether an address is a folder's own or below it, at a segment's boundary. One whose path means something else once it is
 * decoded (`..%2f`, `%252e%252e`, `..;a`, `%5c`) is below nothing: nobody knows what a server makes of it.
 */
export function isBelow(url: URL, folder: URL): boolean {
  if (url.origin !== folder.origin || leadsElsewhere(url.pathname)) return false;
  const root = folder.pathname.replace(/\/+$/, "");
  return url.pathname === root || url.pathname.startsWith(`${root}/`);
}

function leadsElsewhere(pathname: string): boolean {
  let path = pathname;
  for (let round = 0; round < MAX_DECODINGS; round += 1) {
    if (ODD.test(path)) return true;
    const decoded = decodedOnce(path);
    if (decoded === path) return false;
    if (decoded === undefined || decoded.split("/").length !== path.split("/").length) return true;
    path = decoded;
  }
  return true;
}

/** A segment of dots (some servers cut off what follows a semicolon), or what some servers take for a slash. */
const ODD = /(^|\/)\.\.?(;|\/|$)|\\/;

function decodedOnce(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
