import type { LookupFunction } from "node:net";
import { createSecureContext, type TLSSocket } from "node:tls";
import { buildConnector } from "undici";
import type { ClusterAccess } from "../access.ts";
import { type Clock, orAborted } from "../clock.ts";
import type { WriteFence } from "../leader/fence.ts";
import { coded, type Incoming, NotProcessed, type Outgoing } from "./exchange.ts";
import { Http1Pool } from "./http1-pool.ts";
import { type Http2Session, openHttp2 } from "./http2-session.ts";

const KEEP_ALIVE_PROBE_MS = 15_000;
/** A server that refuses every stream is not asked for ever. */
const MOST_ATTEMPTS = 3;

export interface ConnectionsOptions {
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly lookup: LookupFunction | undefined;
  /** Asked as the last thing before a request that is no GET is put on its connection; what it throws is thrown. */
  readonly fence: WriteFence | undefined;
}

/**
 * The connections to one API server, made with one set of certificates. Requests and watches share one HTTP/2 session; another
 * one is opened when it is full, or ends. A server that does not offer HTTP/2 (or a proxy before it) is spoken to in
 * HTTP/1.1 until a request fails: then it is asked again.
 */
export class Connections {
  readonly #origin: URL;
  readonly #connector: buildConnector.connector;
  readonly #options: ConnectionsOptions;
  readonly #http1: Http1Pool;
  readonly #sessions = new Set<Http2Session>();
  #speaksHttp1: boolean;
  #dialing: Promise<void> | undefined;
  /** Requests without an answer yet. */
  #asking = 0;
  #asked: () => void = () => undefined;
  #closed = false;

  constructor(access: ClusterAccess, options: ConnectionsOptions) {
    this.#origin = new URL(new URL(access.server).origin);
    this.#options = options;
    const connect = connectOptions(access, options);
    this.#connector = buildConnector({ ...connect, allowH2: true, preferH2: true });
    this.#http1 = new Http1Pool(this.#origin.origin, buildConnector({ ...connect, allowH2: false }), options.fence);
    this.#speaksHttp1 = this.#origin.protocol === "http:";
  }

  /**
   * Sends a request, again at once if the server did not begin with it.
   *
   * @throws an error with a code, or the signal's reason.
   */
  async request(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
    this.#asking += 1;
    try {
      return await this.#send(outgoing, signal);
    } finally {
      this.#asking -= 1;
      if (this.#asking === 0) this.#asked();
    }
  }

  /** Nobody will ask for more: resolves when what runs has ended. */
  async drain(): Promise<void> {
    if (this.#asking > 0) {
      await new Promise<void>((resolve) => {
        this.#asked = resolve;
      });
    }
    for (const session of this.#sessions) session.retire();
    await Promise.all([this.#http1.drain(), ...[...this.#sessions].map(({ ended }) => ended)]);
  }

  /** Ends all requests, the running ones too. */
  async destroy(): Promise<void> {
    this.#closed = true;
    for (const session of this.#sessions) session.destroy(closed());
    await this.#http1.destroy();
  }

  async #send(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
    for (let refusals = 0; ; ) {
      if (this.#closed) throw closed();
      signal.throwIfAborted();
      // From here to the request nothing may wait: another one could take the room, or the lease be lost.
      if (this.#speaksHttp1) return await this.#requestHttp1(outgoing, signal);
      const session = this.#sessions.values().find(({ hasRoom }) => hasRoom);
      if (session === undefined) {
        await orAborted(this.#dialed(), signal);
        continue;
      }
      if (outgoing.method !== "GET") this.#options.fence?.check();
      try {
        return await session.request(outgoing, signal);
      } catch (error) {
        refusals += 1;
        if (!(error instanceof NotProcessed) || refusals === MOST_ATTEMPTS) throw error;
        session.retire();
      }
    }
  }

  /** All who need a new connection wait for the same one. */
  #dialed(): Promise<void> {
    this.#dialing ??= this.#dial().finally(() => {
      this.#dialing = undefined;
    });
    return this.#dialing;
  }

  async #requestHttp1(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
    try {
      return await this.#http1.request(outgoing, signal);
    } catch (error) {
      this.#speaksHttp1 = signal.aborted || this.#origin.protocol === "http:";
      throw error;
    }
  }

  async #dial(): Promise<void> {
    const socket = await this.#connect();
    if (this.#closed) {
      socket.destroy();
      throw closed();
    }
    if (socket.alpnProtocol !== "h2") {
      this.#http1.adopt(socket);
      this.#speaksHttp1 = true;
      return;
    }
    const session = await openHttp2(this.#origin.origin, socket, this.#options);
    if (this.#closed) return session.destroy(closed());
    this.#sessions.add(session);
    void session.ended.then(() => this.#sessions.delete(session));
  }

  #connect(): Promise<TLSSocket> {
    const { hostname, host, protocol, port } = this.#origin;
    return new Promise((resolve, reject) => {
      this.#connector({ hostname: hostname.replace(/^\[|\]$/g, ""), host, protocol, port }, (error, socket) =>
        error === null ? resolve(socket as TLSSocket) : reject(error),
      );
    });
  }
}

function connectOptions(access: ClusterAccess, { connectTimeoutMs, lookup }: ConnectionsOptions) {
  return {
    timeout: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    ...(lookup && { lookup }),
    rejectUnauthorized: true,
    // Made once: with HTTP/1.1 each watch is a connection of its own, and reading the certificates costs more than the handshake.
    secureContext: createSecureContext({
      ...(access.caPem !== undefined && { ca: access.caPem }),
      ...(access.clientCert && { cert: access.clientCert.certPem, key: access.clientCert.keyPem }),
    }),
    ...(access.serverName !== undefined && { servername: access.serverName }),
  };
}

function closed(): Error {
  return coded("UND_ERR_CLOSED");
}
