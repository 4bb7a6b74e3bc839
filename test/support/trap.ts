import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { createAuthority } from "./certificates.ts";

/** A request that changes something. */
export interface Write {
  /** Such as `POST jobs/before`. */
  readonly what: string;
  /** What the API server answered; undefined when it never came there. */
  status?: number;
}

/** When the trap springs at a write: before it goes to the API server, or when its answer is there but not passed on. */
export type Moment = "before" | "after";

/** A door to an API server that falls shut at a write of one's choice. */
export interface Trap extends AsyncDisposable {
  readonly server: string;
  readonly caPem: string;
  /** The writes since the trap was set, in order of arrival. */
  readonly writes: readonly Write[];
  /**
   * At the write with this number, from 1, calls `spring` and lets nothing more in or out.
   *
   * @returns resolves when it has sprung
   */
  set(at: number, moment: Moment, spring: () => void): Promise<void>;
  /** Lets everything through from now on; resolves with whether it had sprung, when no write is on its way any more. */
  open(): Promise<boolean>;
}

interface State {
  writes: Write[];
  at: number;
  moment: Moment;
  /** Whether nothing gets through. */
  shut: boolean;
  shutNow: () => void;
}

/** Stands before an API server, with a certificate of its own; credentials are passed on as they come. */
export async function startTrap(plane: { server: string; caPem: string }): Promise<Trap> {
  const authority = createAuthority("strata-test-trap");
  const { certPem, keyPem } = authority.issue({ commonName: "trap", hosts: ["127.0.0.1"] });
  const agent = new Agent({ keepAlive: true, ca: plane.caPem });
  const state: State = { writes: [], at: 0, moment: "before", shut: false, shutNow: () => {} };
  const onTheWay = new Set<Promise<void>>();
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    // Who is cut off in the middle of a request needs no answer.
    const passed = pass(request, response, { state, agent, server: plane.server }).catch(() => {
      response.destroy();
    });
    if (request.method === "GET") return;
    onTheWay.add(passed);
    void passed.finally(() => onTheWay.delete(passed));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caPem: authority.certPem,
    get writes() {
      return state.writes;
    },
    set: (at, moment, spring) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const shutNow = (): void => {
        state.shut = true;
        spring();
        resolve();
      };
      Object.assign(state, { writes: [], at, moment, shutNow } satisfies Partial<State>);
      return promise;
    },
    open: async () => {
      const { shut } = state;
      await Promise.all(onTheWay);
      Object.assign(state, { at: 0, shut: false } satisfies Partial<State>);
      return shut;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Road {
  state: State;
  agent: Agent;
  server: string;
}

async function pass(request: IncomingMessage, response: ServerResponse, road: Road): Promise<void> {
  const { state } = road;
  const body = Buffer.concat(await Array.fromAsync(request));
  if (state.shut) throw new Error("the trap is shut");
  const write = writeOf(request, body);
  const number = write ? state.writes.push(write) : 0;
  const springs = number > 0 && number === state.at;
  if (springs && state.moment === "before") {
    state.shutNow();
    throw new Error("the trap has sprung");
  }
  // What comes after this one must not overtake the kill.
  if (springs) state.shut = true;
  const answer = await forward(request, response, { body, ...road });
  if (write) write.status = answer.statusCode ?? 0;
  if (springs) {
    answer.resume();
    await once(answer, "end");
    state.shutNow();
    throw new Error("the trap has sprung");
  }
  response.writeHead(answer.statusCode ?? 0, answer.headers);
  response.flushHeaders(); // A watch may have nothing to say for a long time.
  await pipeline(answer, response);
}

async function forward(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  { agent, server, body }: Road & { body: Buffer },
): Promise<IncomingMessage> {
  const upstream = httpsRequest(`${server}${url}`, { method, headers, agent });
  // A write that was let in arrives, whatever becomes of its sender.
  if (method === "GET") response.once("close", () => upstream.destroy());
  upstream.end(body);
  const [answer] = await once(upstream, "response");
  return answer;
}

/** Questions that are asked by POST, what is said of the profiles themselves, and what passes, are no writes here. */
const OTHERS =
  /^\/apis\/(strata\.dev|authorization\.k8s\.io|authentication\.k8s\.io|coordination\.k8s\.io)\/|\/events\b/;

function writeOf({ method, url = "" }: IncomingMessage, body: Buffer): Write | undefined {
  const [path = ""] = url.split("?");
  if (method === "GET" || OTHERS.test(path)) return undefined;
  const resource = path.replace(/^\/(api|apis\/[^/]+)\/[^/]+\/(namespaces\/[^/]+\/(?=.))?/, "");
  const name = method === "POST" ? `/${JSON.parse(body.toString()).metadata?.name}` : "";
  return { what: `${method} ${resource}${name}` };
}
