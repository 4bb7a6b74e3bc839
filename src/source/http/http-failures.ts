import { errors } from "undici";
import { Failure } from "../../errors.ts";
import { missing, type Subject } from "../subject.ts";

const CAUSES: Record<string, string> = {
  ENOTFOUND: "its host name does not resolve",
  EAI_AGAIN: "its host name does not resolve at the moment",
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "it closed the connection",
  UND_ERR_SOCKET: "it closed the connection",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "it closed the connection in the middle of an answer",
  Z_BUF_ERROR: "it closed the connection in the middle of an answer",
  EHOSTUNREACH: "it cannot be reached",
  ENETUNREACH: "it cannot be reached",
  ETIMEDOUT: "it does not answer",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  UND_ERR_HEADERS_TIMEOUT: "it does not answer",
  UND_ERR_BODY_TIMEOUT: "it stopped in the middle of an answer",
};

const SILENCES = new Set(["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT"]);

/** What a TLS server says with its alert when it is not content with what we showed. */
const WANTS_CERTIFICATE = /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|CERTIFICATE_(?:UNKNOWN|EXPIRED|REVOKED)|UNKNOWN_CA/;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL/;

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return code !== "" || !("cause" in error) ? code : codeOf(error.cause);
}

/**
 * True when a server shook hands and then ended the connection before a word. With TLS 1.3 it looks at the client's
 * certificate only then, and why it hangs up is lost on the way.
 */
function hungUp(error: unknown): boolean {
  if (!(error instanceof errors.SocketError) || !error.socket) return false;
  const { bytesRead = 0, bytesWritten = 0 } = error.socket;
  return bytesRead === 0 && bytesWritten > 0;
}

function causeInWords(error: unknown, { protocol }: URL): string {
  if (protocol === "https:" && hungUp(error)) {
    return "it closed the connection without an answer, as servers do that want another client certificate";
  }
  const code = codeOf(error);
  const known = CAUSES[code];
  if (known !== undefined) return known;
  if (CERTIFICATE.test(code)) return `its TLS certificate is not accepted (${code})`;
  return code === "" ? "the connection failed" : `the connection failed (${code})`;
}

/** What a request that got no answer means. A Failure (from a look-up, say) stays what it is. */
export function failureOfError(error: unknown, url: URL): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Error && error.cause instanceof Failure) return error.cause;
  const code = codeOf(error);
  if (code.includes("ALERT") && WANTS_CERTIFICATE.test(code)) {
    const remedy = "correct it in the Secret of the Registry";
    const sentence = `${url.host} wants a client certificate that it accepts (${code}): ${remedy}`;
    return new Failure("SourceUnauthorized", sentence, { cause: error });
  }
  return new Failure("SourceUnavailable", `${url.host} is not available: ${causeInWords(error, url)}`, {
    cause: error,
  });
}

/** Whether a request ended because nobody answered. */
export function isSilence(error: unknown): boolean {
  return SILENCES.has(codeOf(error));
}

/** Milliseconds of a Retry-After header: seconds, or a date. */
export function retryAfterMs(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string") return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

interface StatusAnswer {
  status: number;
  url: URL;
  headers: Record<string, string | string[] | undefined>;
}

export interface Wanted {
  /** The content in words: `chart shop 1.2.3`. */
  what: string;
  subject: Subject;
  /** How the registry is called, if it has a name. */
  caller?: string | undefined;
  /** What was shown to it: `user and password`, `token`. */
  proof?: string | undefined;
}

/** What an answer without the wanted content means. */
export function failureOfStatus({ status, url, headers }: StatusAnswer, wanted: Wanted): Failure {
  const { what, subject } = wanted;
  if (status === 404 || status === 410) return missing(subject, `${url.host} has no ${what}`);
  if (status === 401 || status === 403) return refused(url.host, wanted, status);
  const retryAfter = retryAfterMs(headers["retry-after"]);
  const options = retryAfter === undefined ? {} : { retryAfterMs: retryAfter };
  const words = status === 429 ? "asks for fewer requests (429)" : `answers ${status}`;
  return new Failure("SourceUnavailable", `${url.host} ${words} for ${what}`, options);
}

/** A registry in a sentence: by its name where it has one. */
export function callName(host: string, caller: string | undefined): string {
  return caller === undefined ? host : `${caller} (${host})`;
}

function refused(host: string, { what, caller, proof }: Wanted, status: 401 | 403): Failure {
  const who = callName(host, caller);
  const sentence = {
    401: {
      shown: `does not accept the ${proof} for ${what}: correct them in the Secret of the Registry`,
      anonymous: `wants credentials for ${what}: refer to a Registry that has them, or correct the name`,
    },
    403: {
      shown: `refuses ${what}: it does not exist, or the ${proof} may not read it`,
      anonymous: `refuses ${what}: it does not exist, or it is private and needs a Registry with credentials`,
    },
  }[status][proof === undefined ? "anonymous" : "shown"];
  return new Failure("SourceUnauthorized", `${who} ${sentence}`);
}
