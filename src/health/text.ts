/** A message for people is one line of at most this many characters. */
const MESSAGE_LIMIT = 300;

const WHITESPACE = /\s+/g;
/** Control and format characters (terminal escapes, bidirectional overrides): they have no place on a person's screen. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}]/gu;

/** Folds newlines and runs of blanks into one blank, and drops what a terminal would obey instead of print. */
export function fold(text: string): string {
  return text.replace(WHITESPACE, " ").replace(UNPRINTABLE, "").trim();
}

/** Credentials in an address, and its query: registries redirect to addresses whose query is a signature. */
const ADDRESS = /\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/@"']*@)?([^\s"'?]*)(?:\?[^\s"']*)?/gi;

/**
 * Folds, takes secrets out of addresses and cuts to `limit` characters, never inside a surrogate pair; a cut text ends
 * in `…`.
 */
export function sentence(text: string, limit = MESSAGE_LIMIT): string {
  // What is cut away anyway is not folded: controllers write messages of many kilobytes.
  const folded = fold(text.slice(0, limit * 20)).replace(ADDRESS, "$1$2");
  const characters = Array.from(folded);
  return characters.length <= limit
    ? folded
    : `${characters
        .slice(0, limit - 1)
        .join("")
        .trimEnd()}…`;
}

/** `reason: message`, whichever of them is there, and the reason only once. */
export function reasoned(reason: string, message: string): string {
  if (reason === "" || message.startsWith(reason)) return message;
  return message === "" ? reason : `${reason}: ${message}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
