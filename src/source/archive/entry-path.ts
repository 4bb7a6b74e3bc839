const MAX_PATH = 1024;
const SURROGATE = /[\ud800-\udfff]/u;

/** What is wrong with a path in an archive, in words that follow it; `path` otherwise. */
export type EntryPath = { ok: true; path: string } | { ok: false; problem: string };

/**
 * The path of an entry, relative and without `.` and empty parts. Nothing is ever written to a disk under it, but people
 * and other programs unpack the same archive: what leads out of it, or means different things to different readers, is
 * refused.
 */
export function entryPath(name: string): EntryPath {
  const refuse = (problem: string): EntryPath => ({ ok: false, problem });
  if (name.includes("\0")) return refuse("has a zero byte in its name");
  if (name.length > MAX_PATH) return refuse(`has a name of more than ${MAX_PATH} letters`);
  if (SURROGATE.test(name) || name.includes("\ufffd")) return refuse("has a name that is no UTF-8");
  if (name.includes("\\")) return refuse("has a backslash in its name");
  if (name.startsWith("/") || /^[a-z]:/i.test(name)) return refuse("has an absolute path");
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return refuse('has ".." in its path');
  return { ok: true, path: parts.join("/") };
}

/** Equal for paths that some file system holds for the same. */
export function foldedPath(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase();
}
