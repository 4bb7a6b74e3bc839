import type { LookupFunction } from "node:net";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type ClusterAccess, sameConnection } from "./access.ts";
import type { RequestInfo } from "./api-error.ts";
import type { Clock } from "./clock.ts";
import type { ClusterLink } from "./cluster-link.ts";
import { connectionError, isTimeout, timeoutError, tokenError } from "./connection-error.ts";
import { Connections } from "./http/connections.ts";
import { coded, type Incoming } from "./http/exchange.ts";
import type { HeaderPairs } from "./identity.ts";
import type { WriteFence } from "./leader/fence.ts";

/** Parameters that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Starts with a slash, already escaped. */
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly info: RequestInfo;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** An answer whose body is read as it comes. Ends, or throws `ConnectionError`. */
export interface HttpStream {
  readonly status: number;
  readonly headers: HttpResponse["headers"];
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** One HTTP request as it happened, for metrics. `status` is 0 when no answer came. */
export interface RequestRecord {
  readonly verb: RequestInfo["verb"];
  readonly resource: string;
  readonly status: number;
  readonly ms: number;
  /** Its time limit was over before an answer came. */
  readonly isLate?: true;
}

export interface TransportOptions {
  readonly connectTimeoutMs: number;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly onRequest: (record: RequestRecord) => void;
  readonly lookup: LookupFunction | undefined;
  readonly fence: WriteFence | undefined;
}

/** No answer is larger: pages of lists are bounded, and an API server may be somebody's trap. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

const unzip = promisify(gunzip);

/** HTTP to one API server as one identity: its own connections, which follow the cluster's access when that is rotated. */
export class Transport {
  readonly #link: ClusterLink;
  readonly #identity: HeaderPairs;
  readonly #options: TransportOptions;
  #current: { connections: Connections; access: ClusterAccess } | undefined;
  /** Those of former accesses too, while requests run on them. */
  readonly #open = new Set<Connections>();
  #closed = false;

  constructor(link: ClusterLink, identity: HeaderPairs, options: TransportOptions) {
    this.#link = link;
    this.#identity = identity;
    this.#options = options;
  }

  /**
   * One request, one answer, read to its end within `timeoutMs`.
   *
   * @throws ConnectionError, or the signal's reason when it is aborted.
   */
  send(request: HttpRequest, timeoutMs: number, signal: AbortSignal): Promise<HttpResponse> {
    return this.#within(timeoutMs, signal, async (deadline) => {
      const response = await this.#authorized(request, deadline);
      return {
        status: response.status,
        headers: response.headers,
        body: await readText(response.body, response.headers),
      };
    });
  }

  /**
   * Opens an answer that may last for hours; only its beginning must come within `timeoutMs`. The connection is given
   * back when the chunks end, when their reader stops, or when the signal is aborted.
   */
  async open(request: HttpRequest, timeoutMs: number, signal: AbortSignal): Promise<HttpStream> {
    const life = new AbortController();
    const end = () => life.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    const release = () => signal.removeEventListener("abort", end);
    try {
      const response = await this.#within(timeoutMs, signal, (deadline) => {
        deadline.addEventListener("abort", () => life.abort(deadline.reason), { once: true, signal: life.signal });
        return this.#authorized(request, life.signal);
      });
      return {
        status: response.status,
        headers: response.headers,
        chunks: this.#chunks(response, signal, release),
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Ends all requests, the running ones too. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#open].map((connections) => connections.destroy()));
  }

  async *#chunks(response: Incoming, signal: AbortSignal, release: () => void): AsyncGenerator<Uint8Array> {
    try {
      yield* response.body;
    } catch (error) {
      signal.throwIfAborted();
      throw this.#explain(error);
    } finally {
      release();
    }
  }

  /** A server that says 401 may be right about an old token: if its source has another one, it is tried once. */
  async #authorized(request: HttpRequest, signal: AbortSignal): Promise<Incoming> {
    const token = await this.#token(false);
    const response = await this.#exchange(request, token, signal);
    const renewed = response.status === 401 ? await this.#token(true) : token;
    if (renewed === token) {
      return response;
    }
    await response.discard();
    return await this.#exchange(request, renewed, signal);
  }

  async #token(renew: boolean): Promise<string | undefined> {
    try {
      return await this.#link.access.token?.(renew);
    } catch (error) {
      throw tokenError(this.#link.access.server, error);
    }
  }

  async #exchange(request: HttpRequest, token: string | undefined, signal: AbortSignal): Promise<Incoming> {
    const started = this.#options.clock.now();
    const { verb, resource } = request.info;
    const record = (status: number, more: { isLate?: true } = {}) =>
      this.#options.onRequest({ verb, resource, status, ms: this.#options.clock.now() - started, ...more });
    const outgoing = {
      method: request.method,
      path: `${prefixOf(this.#link.access.server)}${request.path}${queryString(request.query)}`,
      headers: this.#headers(request, token),
      body: request.body,
    };
    try {
      const response = await this.#connections().request(outgoing, signal);
      record(response.status);
      return response;
    } catch (error) {
      if (isTimeout(signal.reason)) record(0, { isLate: true });
      signal.throwIfAborted();
      record(0);
      throw this.#explain(error);
    }
  }

  #headers(request: HttpRequest, token: string | undefined): HeaderPairs {
    const authorization: HeaderPairs = token === undefined ? [] : [["Authorization", `Bearer ${token}`]];
    return [
      ["User-Agent", this.#options.userAgent],
      ...Object.entries(request.headers ?? {}),
      ...authorization,
      ...this.#identity,
    ];
  }

  #connections(): Connections {
    const { access } = this.#link;
    if (this.#closed) {
      throw coded("UND_ERR_CLOSED");
    }
    if (this.#current === undefined || !sameConnection(this.#current.access, access)) {
      const former = this.#current?.connections;
      // Running requests and watches end in their own time on the old ones; the server closes each watch within minutes.
      former?.drain().then(
        () => this.#open.delete(former),
        () => undefined,
      );
      this.#current = { connections: new Connections(access, this.#options), access };
      this.#open.add(this.#current.connections);
    }
    return this.#current.connections;
  }

  async #within<T>(timeoutMs: number, signal: AbortSignal, work: (deadline: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const deadline = new AbortController();
    const timeout = timeoutError(this.#link.access.server, timeoutMs);
    const cancel = this.#options.clock.after(timeoutMs, () => deadline.abort(timeout));
    const onAbort = () => deadline.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await work(deadline.signal);
    } catch (error) {
      signal.throwIfAborted();
      throw deadline.signal.aborted ? timeout : this.#explain(error);
    } finally {
      cancel();
      signal.removeEventListener("abort", onAbort);
    }
  }

  #explain(error: unknown): Error {
    return connectionError(error, this.#link.access.server, this.#options.connectTimeoutMs);
  }
}

/** All of a body as text, unzipped, up to a bound. @throws an error with a code if it is larger, cut or corrupt. */
export async function readText(chunks: AsyncIterable<Uint8Array>, headers: HttpResponse["headers"]): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw Object.assign(new Error("the answer is too large"), { code: "ANSWER_TOO_LARGE" });
    }
  }
  const bytes = Buffer.concat(parts);
  const zipped = headers["content-encoding"] === "gzip";
  return (zipped ? await unzip(bytes, { maxOutputLength: MAX_BODY_BYTES }) : bytes).toString("utf8");
}

function prefixOf(server: string): string {
  return new URL(server).pathname.replace(/\/+$/, "");
}

function queryString(query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
