import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer as createHttp2Server, type ServerHttp2Session, type Settings } from "node:http2";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { accessOf, type ClusterAccess } from "../access.ts";
import { connect, type KubeClient } from "../client.ts";
import type { KubeClientOptions } from "../client-options.ts";

/** One request as it arrived. */
export interface Seen {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly query: URLSearchParams;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export type Script = (seen: Seen, response: ServerResponse, socket: Socket) => void;

/** A real HTTP server on 127.0.0.1 that says what a test tells it to, so that every fault is one on the wire. */
export interface ScriptedServer extends AsyncDisposable {
  readonly access: ClusterAccess;
  readonly port: number;
  readonly seen: readonly Seen[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** Those that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Those of HTTP/2 that are open, the newest last. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  client(options?: KubeClientOptions): KubeClient;
}

/** @param http2 its settings; without them the server speaks HTTP/1.1. */
export async function startServer(script: Script, tls?: ServerOptions, http2?: Settings): Promise<ScriptedServer> {
  const sessions = new Set<ServerHttp2Session>();
  const seen: Seen[] = [];
  const clients: KubeClient[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => undefined);
    request.on("end", () => {
      const one = describe(request, Buffer.concat(chunks).toString());
      seen.push(one);
      script(one, response, socketOf(request, sockets));
    });
  };
  const server = http2
    ? createHttp2Server({ ...tls, settings: http2, maxSessionMemory: 1_000 }, listener as never)
    : tls
      ? createHttpsServer(tls, listener)
      : createHttpServer(listener);
  server.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => sessions.delete(session));
  });
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const caPem = tls?.ca?.toString();
  const access = accessOf({
    server: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    ...(caPem !== undefined && { caPem }),
  });
  return {
    access,
    port,
    seen,
    sockets,
    sessions,
    get connections() {
      return connections;
    },
    client: (options) => {
      const client = connect(access, options);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      for (const socket of sockets) {
        socket.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON. */
export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A `metav1.Status` of a failure. */
export function failure(code: number, reason: string, message: string, details: object = {}): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, details, code };
}

/** HTTP/2 hides the socket of a request from its listener: nobody should cut it, but a test. */
function socketOf({ socket }: IncomingMessage, sockets: ReadonlySet<Socket>): Socket {
  return [...sockets].find(({ remotePort }) => remotePort === socket.remotePort) ?? socket;
}

function describe(request: IncomingMessage, body: string): Seen {
  const url = request.url ?? "";
  const parsed = new URL(url, "http://x");
  const { method = "", headers, rawHeaders } = request;
  return { method, url, query: parsed.searchParams, path: url.replace(/\?.*/, ""), headers, rawHeaders, body };
}
