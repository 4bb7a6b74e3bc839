import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { WriteFence } from "../leader/fence.ts";
import { coded, IDLE_MS, type Incoming, NotProcessed, type Outgoing } from "./exchange.ts";
import { FencedSocket } from "./fenced-socket.ts";
import { answerOf, headersOf } from "./http2-exchange.ts";
import { watchPulse } from "./http2-pulse.ts";

/** What the server may send of one answer, and of all, before we have read it. Node's 64 KiB would hold a large list up at each round trip. */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 32 * 1024 * 1024;
/** As for HTTP/1.1. */
const MAX_HEADER_BYTES = 16 * 1024;
/** What we send counts too: with node's 10, half of 16 objects of 1.5 MB that are sent at once are refused. */
const MAX_SESSION_MEMORY_MB = 256;

/** A request that is given up sooner says nothing about the network. */
const DOUBT_MS = 1_000;

export interface Http2Options {
  readonly clock: Clock;
  /** How long the server may take for its first SETTINGS, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Asked as the last thing before the bytes of a request that is no GET leave the process. */
  readonly fence: WriteFence | undefined;
}

/**
 * Begins to speak HTTP/2 on a connection; resolves when the server has said how many streams it takes.
 *
 * @param origin `https://host:port`, for the requests' authority.
 * @throws an error with a code.
 */
export async function openHttp2(origin: string, socket: Socket, options: Http2Options): Promise<Http2Session> {
  const fenced = options.fence && new FencedSocket(socket, options.fence);
  const session = connectHttp2(origin, {
    createConnection: () => fenced ?? socket,
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: MAX_HEADER_BYTES },
  });
  const settled = Promise.withResolvers<void>();
  session.once("connect", () => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
  session.once("remoteSettings", () => settled.resolve());
  session.on("error", settled.reject);
  session.once("close", () => settled.reject(coded("ECONNRESET")));
  const late = () => session.destroy(coded("UND_ERR_CONNECT_TIMEOUT"));
  const cancel = options.clock.after(options.connectTimeoutMs, late);
  try {
    await settled.promise;
  } finally {
    cancel();
  }
  const opened = new Http2Session(session, { socket, fenced, clock: options.clock });
  if (!opened.hasRoom) {
    opened.destroy(coded("HTTP2_NO_STREAMS"));
    throw coded("HTTP2_NO_STREAMS");
  }
  return opened;
}

interface Connection {
  readonly socket: Socket;
  readonly fenced: FencedSocket | undefined;
  readonly clock: Clock;
}

/**
 * One connection with many requests and watches. It ends by itself: when it was idle for a while, when it is retired (by us,
 * or by the server's GOAWAY) and its last stream is over, and with all its streams at once when it is cut or silent.
 */
export class Http2Session {
  /** Resolves when the connection is closed. */
  readonly ended: Promise<void>;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #fenced: FencedSocket | undefined;
  readonly #clock: Clock;
  #streams = 0;
  #isRetired = false;
  #death: Error | undefined;
  #cancelIdle: () => void = () => undefined;

  constructor(session: ClientHttp2Session, { socket, fenced, clock }: Connection) {
    this.#session = session;
    this.#socket = socket;
    this.#fenced = fenced;
    this.#clock = clock;
    const onSilent = () => this.destroy(coded("HTTP2_SILENT"));
    const endPulse = watchPulse({ session, socket, clock, onSilent });
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    const onError = (error: Error): void => {
      this.#death ??= error;
    };
    session.on("error", onError);
    // Sooner than its streams hear of it.
    fenced?.on("error", onError);
    session.once("close", () => {
      this.#death ??= coded("ECONNRESET");
      endPulse();
      this.#cancelIdle();
      ended.resolve();
    });
    this.#rest();
  }

  /** True if it takes a request now. The server may change its mind on how many it takes. */
  get hasRoom(): boolean {
    const limit = this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    return !(this.#isRetired || this.#session.closed || this.#session.destroyed) && this.#streams < limit;
  }

  /** @throws NotProcessed when the server did not begin with it; else an error with a code, or the signal's reason. */
  async request(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
    const stream = this.#open(outgoing);
    if (outgoing.method !== "GET") this.#fenced?.guard(stream);
    this.#streams += 1;
    if (this.#streams === 1) this.#busy();
    stream.once("close", () => {
      this.#streams -= 1;
      if (this.#streams === 0) this.#rest();
    });
    const sent = { at: this.#clock.now(), heard: this.#socket.bytesRead };
    const answer = answerOf(stream, signal, () => this.#death);
    if (outgoing.body !== undefined) stream.end(outgoing.body);
    try {
      return await answer;
    } catch (error) {
      if (signal.aborted) this.#doubt(sent);
      throw error;
    }
  }

  /** Takes no more requests, and ends when the running ones have. */
  retire(): void {
    this.#isRetired = true;
    if (this.#streams === 0) this.#session.close();
  }

  /** Ends all its requests with this error, now. */
  destroy(error: Error): void {
    this.#death ??= error;
    this.#session.destroy(error);
  }

  /** A request had no answer in its time, and nothing else came: the next one tries another connection, while PING judges this. */
  #doubt({ at, heard }: { at: number; heard: number }): void {
    if (this.#socket.bytesRead === heard && this.#clock.now() - at >= DOUBT_MS) this.retire();
  }

  #open(outgoing: Outgoing) {
    try {
      return this.#session.request(headersOf(outgoing), { endStream: outgoing.body === undefined });
    } catch (error) {
      // GOAWAY came, or it has no stream ids left: nothing was sent.
      throw new NotProcessed("the session takes no requests", { cause: error });
    }
  }

  #busy(): void {
    this.#cancelIdle();
    this.#socket.ref();
  }

  /** An idle connection keeps no process alive. */
  #rest(): void {
    if (this.#session.destroyed) return;
    this.#socket.unref();
    if (this.#isRetired) this.#session.close();
    else this.#cancelIdle = this.#clock.after(IDLE_MS, () => this.retire(), { unref: true });
  }
}
