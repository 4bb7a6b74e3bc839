import { HIDDEN, maskSecrets } from "../objects/mask.ts";

/** What must not be repeated from an answer of the API server. */
export interface Redaction {
  /** The request was about a Secret: no echoed value is shown at all. */
  readonly hideEchoes: boolean;
  /** Values that are secret, wherever they turn up. */
  readonly secrets: readonly string[];
}

const LONGEST_ECHO = 60;
const ECHO = /(?:Invalid|Unsupported|Duplicate) value: |valueUnstructured\{Value:/g;

/** How an echoed value begins; a CEL rule's own sentence stands in the same place and is no echo. */
const VALUE = /^(["`{[\d-]|(true|false|null|map)\b|[\w.*&]+\{)/;

/**
 * A message of the API server that can be shown to people: long values that it echoes (`Invalid value: "…"`) are left
 * out, all are when they belong to a Secret, and known secrets are masked.
 */
export function redact(message: string, redaction: Redaction): string {
  const masked = maskSecrets(message, redaction.secrets);
  let result = "";
  let copied = 0;
  for (const match of masked.matchAll(ECHO)) {
    const start = match.index + match[0].length;
    if (start >= copied) {
      const end = endOfEcho(masked, start);
      result += masked.slice(copied, start) + shown(masked.slice(start, end), redaction.hideEchoes);
      copied = end;
    }
  }
  return result + masked.slice(copied);
}

function shown(echo: string, hide: boolean): string {
  if (hide) {
    return HIDDEN;
  }
  return echo.length > LONGEST_ECHO && VALUE.test(echo) ? "…" : echo;
}

/** An echo ends before the first `: ` or closing bracket that is not inside quotes or brackets of its own. */
function endOfEcho(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"' || char === "`") {
      at = endOfQuote(text, at);
    } else if ("{[(".includes(char)) {
      depth += 1;
    } else if ("}])".includes(char)) {
      depth -= 1;
    }
    if (depth < 0 || (depth === 0 && text.startsWith(": ", at))) {
      return at;
    }
  }
  return text.length;
}

/** Index of the closing quote, or of the last character if there is none. */
function endOfQuote(text: string, open: number): number {
  const quote = text.charAt(open);
  for (let at = open + 1; at < text.length; at += 1) {
    if (text.charAt(at) === "\\" && quote === '"') {
      at += 1;
    } else if (text.charAt(at) === quote) {
      return at;
    }
  }
  return text.length - 1;
}
