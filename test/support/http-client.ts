import { Agent, request as httpsRequest } from "node:https";
import type { KeyPair } from "./certificates.ts";

/** An answer of the API server; `body` is parsed when it is JSON, else text. */
export interface HttpAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read deep into objects of every kind
  readonly body: any;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** For patches; default is plain JSON. */
  readonly contentType?: string;
}

/** Sends one request and resolves with any status; rejects when there is no answer. */
export interface HttpClient {
  (method: string, path: string, options?: RequestOptions): Promise<HttpAnswer>;
  close(): void;
}

/** A client for tests, deliberately without anything of the code under test. */
export function createHttpClient({
  server,
  caPem,
  certPem,
  keyPem,
}: KeyPair & { server: string; caPem: string }): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca: caPem, cert: certPem, key: keyPem });
  const send = (method: string, path: string, { body, contentType = "application/json" }: RequestOptions = {}) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const type = body === undefined ? {} : { "content-type": contentType };
      const headers = { accept: "application/json", "user-agent": "strata-test", ...type };
      const request = httpsRequest(`${server}${path}`, { method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) });
        });
      });
      request.on("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return Object.assign(send, { close: () => agent.destroy() });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
