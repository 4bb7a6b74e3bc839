import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface OpsServerOptions {
  /** All addresses if absent. */
  address?: string | undefined;
  /** 0: any free port. */
  port: number;
  metrics: { readonly contentType: string; text(): Promise<string> };
  /** Why Strata is not ready, in a sentence; undefined when it is. */
  ready(): string | undefined;
}

export interface OpsServer {
  /** The one that it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`, `/healthz` (whoever answers has an event loop that turns) and `/readyz` (503 with the reason as
 * long as there is one). Rejects if the address cannot be had.
 */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 5_000, maxHeaderSize: 8_192 });
  server.maxConnections = 64;
  server.on("request", (request, response) => {
    request.resume();
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    if (request.method === "GET" || request.method === "HEAD") void answer(path, options, response);
    else send(response, 405, "only GET is served\n");
  });
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(path: string, { metrics, ready }: OpsServerOptions, response: ServerResponse): Promise<void> {
  try {
    if (path === "/metrics") send(response, 200, await metrics.text(), metrics.contentType);
    else if (path === "/healthz") send(response, 200, "ok\n");
    else if (path === "/readyz") sendReady(response, ready());
    else send(response, 404, "served are /metrics, /healthz and /readyz\n");
  } catch {
    send(response, 500, "an error of Strata\n");
  }
}

function sendReady(response: ServerResponse, problem: string | undefined): void {
  if (problem === undefined) send(response, 200, "ok\n");
  else send(response, 503, `${problem}\n`);
}

function send(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  const headers = { "Content-Type": type, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store" };
  response.writeHead(status, headers).end(text);
}

function listen(server: Server, { port, address }: OpsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(address !== undefined && { host: address }) }, resolve);
  });
}
