import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import type { HeaderPairs } from "../identity.ts";
import { coded, type Incoming, NotProcessed, type Outgoing } from "./exchange.ts";

const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** The head of a request as node takes it. A name that comes twice goes out twice. */
export function headersOf({ method, path, headers }: Outgoing): OutgoingHttpHeaders {
  return { ":method": method, ":path": path, ...grouped(headers) };
}

/**
 * Waits for the head of a stream's answer. An aborted signal resets this stream and no other, then and later.
 *
 * @param deathOf why the session ended, if it did.
 * @throws NotProcessed when the server did not begin with it; else an error with a code.
 */
export function answerOf(
  stream: ClientHttp2Stream,
  signal: AbortSignal,
  deathOf: () => Error | undefined,
): Promise<Incoming> {
  const whyCut = (error?: unknown): Error => {
    if (signal.aborted) return asError(signal.reason);
    if (stream.rstCode === NGHTTP2_REFUSED_STREAM) return new NotProcessed("refused", { cause: error });
    return deathOf() ?? coded("ECONNRESET", error);
  };
  const cancel = (error?: Error): void => {
    stream.close(NGHTTP2_CANCEL);
    stream.destroy(error);
  };
  return new Promise((resolve, reject) => {
    const onAbort = (): void => cancel(asError(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    stream.on("error", (error) => reject(whyCut(error)));
    stream.on("close", () => {
      signal.removeEventListener("abort", onAbort);
      reject(whyCut());
    });
    stream.on("response", (headers) =>
      resolve({
        status: headers[":status"] ?? 0,
        headers: plain(headers),
        body: bodyOf(stream, whyCut),
        discard: async () => cancel(),
      }),
    );
  });
}

/**
 * Not the stream's own iterator: a stream that is closed on the wire before anybody has read it counts there as one that was
 * cut, although all of it came.
 */
async function* bodyOf(
  stream: ClientHttp2Stream,
  whyCut: (error?: unknown) => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  let wake = (): void => undefined;
  for (const event of ["readable", "end", "close"]) stream.on(event, () => wake());
  try {
    while (!(stream.readableEnded || stream.destroyed)) {
      const chunk: Uint8Array | null = stream.read();
      if (chunk !== null) yield chunk;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    // Node ends the body of a stream that was cancelled, by the server or with its session, as if it were complete.
    if (!stream.readableEnded || stream.rstCode !== NGHTTP2_NO_ERROR) throw whyCut(stream.errored);
  } finally {
    // Its reader may have stopped early.
    if (!stream.readableEnded) {
      stream.close(NGHTTP2_CANCEL);
      stream.destroy();
    }
  }
}

function grouped(pairs: HeaderPairs): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

function plain(headers: IncomingHttpHeaders): Record<string, string | string[] | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":")));
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
