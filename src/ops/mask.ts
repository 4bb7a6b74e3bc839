import { HIDDEN } from "../objects/mask.ts";

/** Names of fields whose values nobody may read in a log, whatever they hold. */
const SECRET_NAME =
  /^(data|stringData|values|authorization|cookie|set-cookie|kubeconfig|.*(password|passwd|passphrase|secret|token|private-?key|key-data|credentials?))$/i;

/** What gives itself away as a secret inside a text. */
const SECRET_TEXTS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
  [/\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?/g, HIDDEN], // a JSON Web Token
  [/(:\/\/)[^/\s:@]*:[^/\s@]+@/g, `$1${HIDDEN}@`], // https://user:password@host
  [/(password|passwd|secret|token|key-data|access_key)("?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&}"']+)/gi, `$1$2${HIDDEN}`],
  // JSON.parse quotes what it could not read.
  [/"[\s\S]*?"(\.\.\.)? is not valid JSON/g, `${HIDDEN} is not valid JSON`],
];

const LONGEST_TEXT = 4096;
const DEEPEST = 6;

/**
 * The one function that every pair of a log line goes through. Code does not log secrets; this is for the day when it
 * does so by mistake: values under telling names are hidden, and so are keys, tokens and passwords inside texts. Errors
 * become their sentence and the sentences of their causes; an error that is no Failure keeps its stack.
 */
export function mask(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return maskText(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEEPEST) return "…";
  if (value instanceof Error) return maskError(value, depth);
  if (Array.isArray(value)) return value.map((item) => mask(item, depth + 1));
  if (ArrayBuffer.isView(value)) return HIDDEN;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_NAME.test(name) && item !== undefined ? HIDDEN : mask(item, depth + 1),
    ]),
  );
}

function maskText(text: string): string {
  // Cut first: what follows must not take long on somebody's megabyte.
  const cut = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  return SECRET_TEXTS.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), cut);
}

function maskError(error: Error & { reason?: unknown; code?: unknown }, depth: number): object {
  const { name, reason, code, cause, stack } = error;
  const isFailure = name === "Failure";
  return {
    type: name,
    ...(typeof reason === "string" && { reason: maskText(reason) }),
    ...(typeof code === "string" && { code }),
    message: maskText(isFailure ? error.message : firstLine(error.message)),
    ...(!isFailure && stack !== undefined && { at: framesOf(stack) }),
    ...(cause instanceof Error && { cause: mask(cause, depth + 1) }),
  };
}

/** Parsers show the text around a mistake on the lines that follow. */
function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}

/** The stack without its head, which repeats the message. */
function framesOf(stack: string): string[] {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim().slice(3))
    .slice(0, 12);
}
