import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Agent, type Dispatcher, request } from "undici";
import { Failure } from "../errors.ts";
import { checkedLookup, checkUrl, isLoopback } from "./addresses.ts";
import { failureOfError } from "./http-failures.ts";

const CONNECT_MS = 5_000;
const MAX_REDIRECTS = 5;
const MIB = 1024 * 1024;

export interface HttpRequest {
  url: URL;
  /** The content in words, for sentences: `the index`. */
  what: string;
  /** Bytes of the content, unpacked. */
  maxBytes: number;
  headers?: Record<string, string>;
  /** True for text that may travel compressed. */
  compressed?: boolean;
}

export interface HttpAnswer {
  status: number;
  headers: Dispatcher.ResponseData["headers"];
  /** Empty unless the status is 200. */
  body: Buffer;
  /** Where the answer came from, after redirects. */
  url: URL;
}

/** GET requests that go only where they may, follow a few redirects, and read no more than they should. */
export class HttpClient implements AsyncDisposable {
  readonly #agent = new Agent({ allowH2: false, connect: { timeout: CONNECT_MS, lookup: checkedLookup } });
  readonly #plainHttp: ReadonlySet<string>;

  constructor(plainHttp: readonly string[]) {
    this.#plainHttp = new Set(plainHttp);
  }

  /** True for hosts that are spoken to without TLS when nothing else says how: those of the configuration. */
  isPlain(host: string): boolean {
    return this.#plainHttp.has(host);
  }

  /**
   * @throws Failure SourceUnavailable (no answer in time, connection), InvalidSpec (a place that is not allowed) or
   * InvalidChart (too large); or the reason of `signal`, unless that is a timeout
   */
  async get(wanted: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let url = wanted.url;
    let headers = { "user-agent": "strata", ...wanted.headers };
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      checkUrl(url, this.#plainHttp);
      const answer = await this.#once({ ...wanted, url, headers }, signal);
      const location = redirectOf(answer);
      if (location === undefined) return answer;
      const next = new URL(location, url);
      // A token is for the host that asked for it, never for where that host points.
      if (next.origin !== url.origin) headers = without(headers, "authorization");
      if (isLoopback(next) && !isLoopback(url)) {
        throw new Failure("InvalidSpec", `${url.host} redirects to this very host, which is not allowed`);
      }
      url = next;
    }
    throw new Failure(
      "SourceUnavailable",
      `${wanted.url.host} redirects more than ${MAX_REDIRECTS} times for ${wanted.what}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #once({ url, headers, ...wanted }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      const encoding = { "accept-encoding": wanted.compressed === true ? "gzip" : "identity" };
      const answer = await request(url, { dispatcher: this.#agent, headers: { ...headers, ...encoding }, signal });
      const { statusCode: status, headers: received } = answer;
      if (status === 200) return { status, headers: received, body: await readBody(answer, url, wanted), url };
      await answer.body.dump();
      return { status, headers: received, body: Buffer.alloc(0), url };
    } catch (error) {
      if (signal.aborted) throw lateOrAborted(signal, url);
      throw failureOfError(error, url.host);
    }
  }
}

function lateOrAborted(signal: AbortSignal, url: URL): unknown {
  const { reason } = signal;
  if (!(reason instanceof DOMException) || reason.name !== "TimeoutError") return reason;
  return new Failure("SourceUnavailable", `${url.host} is not available: it takes too long to answer`, {
    cause: reason,
  });
}

function redirectOf({ status, headers }: HttpAnswer): string | undefined {
  const { location } = headers;
  return [301, 302, 303, 307, 308].includes(status) && typeof location === "string" ? location : undefined;
}

function without(headers: Record<string, string>, name: string): { "user-agent": string } {
  return { "user-agent": "strata", ...Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) };
}

type Limits = Pick<HttpRequest, "what" | "maxBytes">;

async function readBody({ headers, body }: Dispatcher.ResponseData, url: URL, limits: Limits): Promise<Buffer> {
  const { what, maxBytes } = limits;
  const tooLarge = () =>
    new Failure("InvalidChart", `${what} of ${url.host} is larger than ${Math.ceil(maxBytes / MIB)} MiB`);
  const chunks: Buffer[] = [];
  let size = 0;
  const stream: Readable = headers["content-encoding"] === "gzip" ? unpacked(body) : body;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      body.destroy();
      throw tooLarge();
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unpacked(body: Readable): Readable {
  const gunzip = createGunzip();
  body.on("error", (error) => gunzip.destroy(error));
  return body.pipe(gunzip);
}
