import type { Socket } from "node:net";
import { Agent, type buildConnector, type Dispatcher } from "undici";
import type { WriteFence } from "../leader/fence.ts";
import { fencedDispatch } from "../leader/fenced-dispatch.ts";
import { IDLE_MS, type Incoming, type Outgoing } from "./exchange.ts";

/** HTTP/1.1 to one server: a connection per request at a time, kept for the next one. */
export class Http1Pool {
  readonly #origin: string;
  readonly #agent: Agent;
  readonly #dispatcher: Dispatcher;
  #spare: Socket | undefined;

  constructor(origin: string, connector: buildConnector.connector, fence: WriteFence | undefined) {
    this.#origin = origin;
    this.#agent = new Agent({
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      // Time limits are kept by the transport, by one mechanism for requests and watches.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) => {
        const spare = this.#spare;
        this.#spare = undefined;
        if (spare === undefined || spare.destroyed) {
          connector(options, callback);
        } else {
          spare.ref();
          queueMicrotask(() => callback(null, spare));
        }
      },
    });
    this.#dispatcher = fence ? this.#agent.compose(fencedDispatch(fence)) : this.#agent;
  }

  /** An open connection for the next request that needs a new one. */
  adopt(socket: Socket): void {
    this.#spare?.destroy();
    this.#spare = socket.unref();
  }

  async request({ method, path, headers, body }: Outgoing, signal: AbortSignal): Promise<Incoming> {
    const response = await this.#dispatcher.request({
      origin: this.#origin,
      path,
      method: method as "GET",
      headers: headers.flat(),
      body: body ?? null,
      signal,
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.body,
      discard: () => response.body.dump(),
    };
  }

  /** Lets what runs end, and takes nothing new. */
  async drain(): Promise<void> {
    this.#spare?.destroy();
    await this.#agent.close();
  }

  async destroy(): Promise<void> {
    this.#spare?.destroy();
    await this.#agent.destroy();
  }
}
