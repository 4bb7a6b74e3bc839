import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAuthority } from "./certificates.ts";
import type { ControlPlane } from "./controlplane.ts";

/**
 * What happens to requests, while each PING is answered: `silent` keeps them to itself until the trouble is over; `lost` lets them
 * through, and their answers vanish; a number is how many milliseconds later each answer, and each part of it, comes.
 */
export type ApiTrouble = "silent" | "lost" | number;

/** One request as it went through. */
export interface ApiRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Nothing of an answer has come, and whoever asked has not given up. */
  readonly isOpen: boolean;
}

/** An API server as seen through a proxy that ends TLS, knows each request, and can spoil any of them. */
export interface ApiProxy extends AsyncDisposable {
  readonly port: number;
  /** All requests so far, in order of arrival. */
  readonly requests: readonly ApiRequest[];
  /** From now on this happens to requests, and to what running watches still tell; to those of some paths only, with `where`. */
  trouble(how?: ApiTrouble, where?: RegExp): void;
  /** For an administrator of the cluster, through this proxy, or through what leads to it from another port. */
  kubeconfig(port?: number): string;
}

/** Starts a proxy on 127.0.0.1 in front of the API server of a plane, which takes it for its administrator. */
export async function startApiProxy(plane: ControlPlane): Promise<ApiProxy> {
  const authority = createAuthority("api-proxy-ca");
  const { certPem, keyPem } = authority.issue({ commonName: "api-proxy", hosts: ["127.0.0.1"] });
  const { admin } = plane;
  const upstream = connect(plane.server, { ca: plane.caPem, cert: admin.certPem, key: admin.keyPem });
  upstream.on("error", () => undefined);
  const gate = new Gate();
  const requests: Passage[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createSecureServer({ cert: certPem, key: keyPem, settings: { maxConcurrentStreams: 250 } });
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const passage = new Passage(stream, headers, gate);
    requests.push(passage);
    passage.run(upstream).catch(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = (server.address() as AddressInfo).port;
  return {
    port: own,
    requests,
    trouble: (how, where) => gate.set(how, where),
    kubeconfig: (port = own) => kubeconfigFor(`https://127.0.0.1:${port}`, authority.certPem),
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Which trouble there is now, and when it is over. */
class Gate {
  #how: ApiTrouble | undefined;
  #where = /^/;
  #over = Promise.withResolvers<void>();

  set(how?: ApiTrouble, where = /^/): void {
    this.#how = how;
    this.#where = where;
    this.#over.resolve();
    this.#over = Promise.withResolvers();
  }

  troubleOf(path: string): ApiTrouble | undefined {
    return this.#where.test(path) ? this.#how : undefined;
  }

  /** Resolves when nothing holds this path back. */
  async pass(path: string): Promise<void> {
    for (;;) {
      const how = this.troubleOf(path);
      if (typeof how === "number") await sleep(how);
      if (typeof how !== "string") return;
      await this.#over.promise;
    }
  }
}

class Passage implements ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #gate: Gate;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, gate: Gate) {
    this.method = headers[":method"] ?? "";
    this.path = headers[":path"] ?? "";
    this.#stream = stream.on("error", () => undefined);
    this.#headers = headers;
    this.#gate = gate;
  }

  get isOpen(): boolean {
    return !this.#stream.closed && !this.#stream.headersSent;
  }

  async run(upstream: ClientHttp2Session): Promise<void> {
    const stream = this.#stream;
    if (this.#gate.troubleOf(this.path) === "silent") await this.#gate.pass(this.path);
    if (stream.closed) return;
    const { ":authority": _authority, ":scheme": _scheme, authorization: _token, ...headers } = this.#headers;
    const asked = upstream.request(headers).on("error", () => undefined);
    stream.on("close", () => asked.close(constants.NGHTTP2_CANCEL));
    stream.pipe(asked);
    const [answer] = (await once(asked, "response")) as [IncomingHttpHeaders];
    // It is not told later either.
    if (this.#gate.troubleOf(this.path) === "lost") return;
    await this.#gate.pass(this.path);
    if (stream.closed) return;
    stream.respond(answer);
    for await (const chunk of asked) {
      await this.#gate.pass(this.path);
      if (stream.closed) return;
      stream.write(chunk);
    }
    stream.end();
  }
}

function kubeconfigFor(server: string, caPem: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "it", cluster: { server, "certificate-authority-data": Buffer.from(caPem).toString("base64") } },
    ],
    users: [{ name: "it", user: { token: "taken-for-the-administrator" } }],
    contexts: [{ name: "it", context: { cluster: "it", user: "it" } }],
    "current-context": "it",
  });
}
