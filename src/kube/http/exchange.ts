import type { HeaderPairs } from "../identity.ts";

/** A request as it goes out, on a connection of either protocol. */
export interface Outgoing {
  readonly method: string;
  /** With the prefix of the server's URL and the query. */
  readonly path: string;
  readonly headers: HeaderPairs;
  readonly body: string | undefined;
}

/** An answer whose head has come. Whoever takes it reads its body, stops reading it, or discards it. */
export interface Incoming {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Ends when all of it came; throws when it was cut, or the request's signal was aborted. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): Promise<void>;
}

/** An idle connection is closed after this long: the API server closes it after 90 s, and a request would meet that. */
export const IDLE_MS = 45_000;

/** The server did not begin with this request, as RFC 9113 section 8.7 has it: it can be sent again at once. */
export class NotProcessed extends Error {
  readonly code = "HTTP2_REFUSED";
}

/** An error with a code, for `connectionError` to find its words. */
export function coded(code: string, cause?: unknown): Error {
  return Object.assign(new Error(code, { cause }), { code });
}
