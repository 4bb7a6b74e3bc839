import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A request as the server saw it. */
export interface Seen {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Common name of the client's certificate. */
  client: string | undefined;
  body: string;
}

export interface WebServer extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  host: string;
  url: string;
  /** By path with query; one that is missing answers 404. May be changed at any time. */
  handlers: Record<string, Handler>;
  seen: Seen[];
  serve(path: string, body: string | Uint8Array, headers?: Record<string, string>): void;
  /** The paths that were asked for, in order. */
  paths(): string[];
}

/** A web server on loopback that answers what a test wants; over TLS with `tls`. */
export async function startWebServer(tls?: ServerOptions): Promise<WebServer> {
  const handlers: Record<string, Handler> = {};
  const seen: Seen[] = [];
  const answer: Handler = (request, response) => {
    const { method = "", url: path = "", headers } = request;
    const client = "getPeerCertificate" in request.socket ? peerOf(request) : undefined;
    text(request).then((body) => {
      seen.push({ method, path, headers, client, body });
      const handler = handlers[path];
      if (handler === undefined) response.writeHead(404).end();
      else handler(request, response);
    }, ignore);
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `${tls === undefined ? "http" : "https"}://${host}`,
    handlers,
    seen,
    serve: (path, body, headers = {}) => {
      handlers[path] = (_request, response) => response.writeHead(200, headers).end(body);
    },
    paths: () => seen.map(({ path }) => path),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function peerOf({ socket }: IncomingMessage): string | undefined {
  const { getPeerCertificate } = socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } };
  return getPeerCertificate.call(socket).subject?.CN;
}

function ignore(): void {}
