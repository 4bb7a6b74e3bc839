import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** `busy` answers 429, `silent` never answers, `cut` ends in the middle of an answer, `altered` gives other bytes. */
export type Trouble = "busy" | "silent" | "cut" | "altered";

/** A registry as its users reach it: what it answers, and what happens to that on the way. */
export interface FaultProxy extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** From now on this happens to the answers; to those of some paths only, with `where`. Who still waits is cut off. */
  trouble(how?: Trouble, where?: RegExp): void;
  /** The tokens that were given so far are worth nothing any more. */
  revokeTokens(): void;
  /** How many tokens were asked for with the right password. */
  readonly tokensGiven: number;
}

export interface FaultProxyOptions {
  /** `http://<host>` */
  upstream: string;
  /** The value of the header that the registry wants to see. With it the proxy gives tokens for the same, and wants those. */
  tokensFor?: string;
}

/** Starts a proxy on 127.0.0.1 in front of a registry. */
export async function startFaultProxy({ upstream, tokensFor }: FaultProxyOptions): Promise<FaultProxy> {
  const tokens = new Set<string>();
  const held = new Set<IncomingMessage>();
  let trouble: { how: Trouble; where: RegExp } | undefined;
  let tokensGiven = 0;

  const giveToken = ({ headers }: IncomingMessage, response: ServerResponse): void => {
    if (headers.authorization !== tokensFor) return void response.writeHead(401).end();
    const token = randomUUID();
    tokens.add(`Bearer ${token}`);
    tokensGiven += 1;
    response.end(JSON.stringify({ token, expires_in: 300 }));
  };

  const server = createServer((request, response) => {
    const { url = "/", headers } = request;
    const how = trouble?.where.test(url) ? trouble.how : undefined;
    if (how === "busy") return void response.writeHead(429, { "retry-after": "1" }).end();
    if (how === "silent") {
      held.add(request);
      request.socket.once("close", () => held.delete(request));
      return;
    }
    if (tokensFor !== undefined && url.startsWith("/token")) return giveToken(request, response);
    if (tokensFor !== undefined && !tokens.has(headers.authorization ?? "")) {
      const challenge = `Bearer realm="http://${host}/token",service="registry",scope="${scopeOf(url)}"`;
      return void response.writeHead(401, { "www-authenticate": challenge }).end();
    }
    const shown = tokensFor === undefined ? {} : { authorization: tokensFor };
    pass(request, { upstream, headers: { ...headers, ...shown } }).then(
      (answer) => give(answer, response, how),
      () => response.destroy(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    get tokensGiven() {
      return tokensGiven;
    },
    trouble: (how, where = /^/) => {
      trouble = how && { how, where };
      for (const { socket } of held) socket.destroy();
    },
    revokeTokens: () => tokens.clear(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

async function pass(
  { url = "/", method = "GET" }: IncomingMessage,
  { upstream, headers }: { upstream: string; headers: IncomingMessage["headers"] },
): Promise<Answer> {
  const [answer] = (await once(httpRequest(`${upstream}${url}`, { method, headers }).end(), "response")) as [
    IncomingMessage,
  ];
  return { status: answer.statusCode ?? 502, headers: answer.headers, body: await buffer(answer) };
}

function give({ status, headers, body }: Answer, response: ServerResponse, how: Trouble | undefined): void {
  response.writeHead(status, headers);
  if (how === "cut") {
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
    return;
  }
  response.end(how === "altered" ? body.map((byte) => byte ^ 1) : body);
}

/** What a token for a path has to allow. */
function scopeOf(url: string): string {
  const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url)?.[1];
  return name === undefined ? "registry:catalog:*" : `repository:${name}:pull`;
}
