import { Failure } from "../errors.ts";
import { ConnectionError } from "./api-error.ts";

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  UND_ERR_CLOSED: "the client was closed",
  UND_ERR_DESTROYED: "the client was closed",
  HTTP2_SILENT: "the connection went silent: no answer to a PING within 10 s",
  HTTP2_REFUSED: "it refused the request before it began with it",
  HTTP2_NO_STREAMS: "it takes no requests on a connection",
  ERR_HTTP2_SESSION_ERROR: "the connection was cut",
  ETIMEDOUT: "no answer to the connection attempt",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the host",
  ENOTFOUND: "the host's name is not known to DNS",
  EAI_AGAIN: "DNS did not answer",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by an unknown authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by an unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is signed by an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is signed by an unknown authority",
  CERT_SIGNATURE_FAILURE: "its certificate is signed by an unknown authority",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS",
  ANSWER_TOO_LARGE: "its answer is larger than any answer of Kubernetes",
  ERR_BUFFER_TOO_LARGE: "its answer is larger than any answer of Kubernetes",
  Z_DATA_ERROR: "its answer was corrupt",
  Z_BUF_ERROR: "its answer was cut",
};

/**
 * Turns whatever the network threw into a `ConnectionError` that says host, port and cause in plain words. A `Failure`, of a
 * look-up, has these words itself.
 *
 * @param server URL of the API server.
 * @param connectTimeoutMs for the sentence about a connect timeout.
 */
export function connectionError(error: unknown, server: string, connectTimeoutMs: number): ConnectionError {
  if (error instanceof ConnectionError) {
    return error;
  }
  const refusal = [error, error instanceof Error ? error.cause : undefined].find((one) => one instanceof Failure);
  if (refusal !== undefined) {
    return new ConnectionError(`${hostAndPort(server)}: ${refusal.message}`, "REFUSED_ADDRESS", { cause: error });
  }
  const code = codeOf(error);
  return new ConnectionError(`${hostAndPort(server)}: ${words(code, connectTimeoutMs)}`, code, { cause: error });
}

/** The same for a request that got no full answer within its own time limit. */
export function timeoutError(server: string, timeoutMs: number): ConnectionError {
  return new ConnectionError(`${hostAndPort(server)}: no answer within ${timeoutMs / 1000} s`, "TIMEOUT");
}

/** Whether it is such an error: what ended a request, and not somebody who gave it up. */
export function isTimeout(reason: unknown): boolean {
  return reason instanceof ConnectionError && reason.code === "TIMEOUT";
}

/** The source of the bearer token failed, before anything was sent. Its own words may hold what it read: left out. */
export function tokenError(server: string, cause: unknown): ConnectionError {
  return new ConnectionError(`${hostAndPort(server)}: the token for it could not be read (${codeOf(cause)})`, "TOKEN");
}

function words(code: string, connectTimeoutMs: number): string {
  if (code === "UND_ERR_CONNECT_TIMEOUT") {
    return `no answer within ${connectTimeoutMs / 1000} s`;
  }
  if (/^ERR_SSL_.*ALERT/.test(code)) {
    return "it refused the TLS handshake: is the client certificate one of this cluster?";
  }
  return WORDS[code] ?? `the connection failed (${code})`;
}

/** A host with several addresses gives an AggregateError: the first address' failure stands for all. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return codeOf(error.errors[0]);
  }
  if (error instanceof Error) {
    const code: unknown = "code" in error ? error.code : undefined;
    const inner = error.cause === undefined ? undefined : codeOf(error.cause);
    return typeof code === "string" && code !== "UND_ERR_SOCKET" ? code : (inner ?? String(code ?? error.name));
  }
  return "unknown";
}

function hostAndPort(server: string): string {
  const url = new URL(server);
  return `${url.hostname}:${url.port || (url.protocol === "http:" ? "80" : "443")}`;
}
