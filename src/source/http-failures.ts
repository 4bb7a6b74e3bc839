import { Failure } from "../errors.ts";

const CAUSES: Record<string, string> = {
  ENOTFOUND: "its host name does not resolve",
  EAI_AGAIN: "its host name does not resolve at the moment",
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "it closed the connection",
  UND_ERR_SOCKET: "it closed the connection",
  EHOSTUNREACH: "it cannot be reached",
  ENETUNREACH: "it cannot be reached",
  ETIMEDOUT: "it does not answer",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  UND_ERR_HEADERS_TIMEOUT: "it does not answer",
  UND_ERR_BODY_TIMEOUT: "it stopped in the middle of an answer",
};

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL/;

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return code !== "" || !("cause" in error) ? code : codeOf(error.cause);
}

function causeInWords(error: unknown): string {
  const code = codeOf(error);
  const known = CAUSES[code];
  if (known !== undefined) return known;
  if (CERTIFICATE.test(code)) return `its TLS certificate is not accepted (${code})`;
  return code === "" ? "the connection failed" : `the connection failed (${code})`;
}

/** What a request that got no answer means. A Failure (from a look-up, say) stays what it is. */
export function failureOfError(error: unknown, host: string): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Error && error.cause instanceof Failure) return error.cause;
  return new Failure("SourceUnavailable", `${host} is not available: ${causeInWords(error)}`, { cause: error });
}

/** Milliseconds of a Retry-After header: seconds, or a date. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string") return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

interface StatusAnswer {
  status: number;
  url: URL;
  headers: Record<string, string | string[] | undefined>;
}

/** What an answer without the wanted content means; `what` is the content: `chart shop 1.2.3`. */
export function failureOfStatus({ status, url, headers }: StatusAnswer, what: string): Failure {
  if (status === 404 || status === 410) return new Failure("ChartNotFound", `${url.host} has no ${what}`);
  if (status === 401 || status === 403) {
    const remedy = "it does not exist, or it is private, which this version of Strata does not support yet";
    return new Failure("ChartNotFound", `${url.host} refuses access to ${what}: ${remedy}`);
  }
  const retryAfter = retryAfterMs(headers["retry-after"]);
  const options = retryAfter === undefined ? {} : { retryAfterMs: retryAfter };
  const words = status === 429 ? "asks for fewer requests (429)" : `answers ${status}`;
  return new Failure("SourceUnavailable", `${url.host} ${words} for ${what}`, options);
}
