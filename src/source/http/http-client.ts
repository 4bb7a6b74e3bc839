import type { Readable } from "node:stream";
import type { SecureContext } from "node:tls";
import { createGunzip } from "node:zlib";
import { Agent, type Dispatcher, request } from "undici";
import { Failure } from "../../errors.ts";
import { type AddressCheck, hostnameOf, isLoopback } from "../../text/addresses.ts";
import { invalid, type Subject } from "../subject.ts";
import { provingContext, trustContext } from "./certificates.ts";
import { checkedLookup, forbidden } from "./checked-lookup.ts";
import { failureOfError, failureOfStatus, isSilence, retryAfterMs, type Wanted } from "./http-failures.ts";
import { Silences } from "./silences.ts";

const CONNECT_MS = 5_000;
const MAX_REDIRECTS = 5;
const MAX_PAUSE_MS = 600_000;
const MIB = 1024 * 1024;
/** Connections to one origin: what is more waits its turn, so that a slow registry holds only those who ask it. */
const CONNECTIONS = 8;

export interface HttpOptions {
  /** `host[:port]` that may be spoken to without TLS, beside loopback. */
  plainHttp: ReadonlySet<string>;
  check: AddressCheck;
  /** True where no host has to be spoken to with TLS. */
  unencrypted?: boolean;
  /** Certificates (PEM) that are trusted beside those of the system. */
  ca?: string | undefined;
  /** Shown to `origin` only, where a request begins there. */
  clientCertificate?: { cert: string; key: string; origin: string } | undefined;
  /** How sentences call the registry. */
  caller?: string | undefined;
}

export interface HttpRequest {
  url: URL;
  /** The content in words, for sentences: `the index`. */
  what: string;
  subject: Subject;
  /** Bytes of the content, unpacked. */
  maxBytes: number;
  headers?: Record<string, string>;
  /** The value of the header; it goes to the origin of `url` and not further. */
  authorization?: string | undefined;
  /** Where on that origin who asks may be proved, by the header or by a certificate; everywhere when it is left out. */
  mayProve?: (url: URL) => boolean;
  /** True for text that may travel compressed. */
  compressed?: boolean;
  /** Makes it a POST, whose redirects are not followed. */
  form?: URLSearchParams;
  /** Makes it a part of an upload, whose redirects are not followed. */
  upload?: Upload;
}

export interface Upload {
  method: "HEAD" | "POST" | "PUT";
  body?: Uint8Array;
  /** Media type of the body. */
  type?: string;
}

export interface HttpAnswer {
  status: number;
  headers: Dispatcher.ResponseData["headers"];
  /** Empty unless the status is 200. */
  body: Buffer;
  /** Where the answer came from, after redirects. */
  url: URL;
  /** Whether the header or a certificate was shown to anybody on the way. */
  proved: boolean;
}

/** What proves who asks. */
interface Proofs {
  headers?: { authorization: string };
  /** Shows a client certificate. */
  agent?: Agent;
}

/**
 * Requests on behalf of one registry's access. They go only where they may, follow a few redirects, read no more than
 * they should, and show credentials and certificates to nobody but the origin that these are for.
 */
export class HttpClient implements AsyncDisposable {
  readonly caller: string | undefined;
  readonly #options: HttpOptions;
  readonly #agent: Agent;
  readonly #proving: Agent | undefined;
  /** Origins that asked for a pause, and until when, on the clock of `performance.now()`. */
  readonly #pauses = new Map<string, number>();
  readonly #silences = new Silences();

  /** @throws Failure InvalidSpec (certificates) */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.caller = options.caller;
    const { ca, clientCertificate, caller = "the registry" } = options;
    this.#agent = this.#newAgent(ca === undefined ? undefined : trustContext(ca, caller));
    if (clientCertificate === undefined) return;
    this.#proving = this.#newAgent(provingContext(ca, clientCertificate, caller));
  }

  /** True for hosts that are spoken to without TLS when nothing else says how: those of the configuration. */
  isPlain(host: string): boolean {
    return this.#options.plainHttp.has(host);
  }

  /** What an answer without the wanted content means. */
  failureOf(answer: HttpAnswer, wanted: Omit<Wanted, "caller">): Failure {
    return failureOfStatus(answer, { ...wanted, caller: this.caller });
  }

  /**
   * @throws Failure SourceUnavailable (no answer in time, connection, a pause that was asked for), InvalidSpec (a place
   * that is not allowed), InvalidChart or InvalidSource (too large); or the reason of `signal`, unless that is a timeout
   */
  async send(wanted: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let { url } = wanted;
    let proves = true;
    let proved = false;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      this.#checkUrl(url);
      this.#checkPause(url, wanted.what);
      this.#silences.check(url.origin, performance.now());
      // Proofs are for whom was meant, never for where that one points, and not for the way back either.
      proves &&= url.origin === wanted.url.origin && (wanted.mayProve?.(url) ?? true);
      const proofs = proves ? this.#proofsFor(url, wanted.authorization) : {};
      proved ||= Object.keys(proofs).length > 0;
      const answer = await this.#once({ ...wanted, url }, proofs, signal);
      if (answer.status === 429) this.#pause(answer);
      const next = nextHop(answer, wanted);
      if (next === undefined) return { ...answer, proved };
      url = next;
    }
    throw new Failure(
      "SourceUnavailable",
      `${wanted.url.host} redirects more than ${MAX_REDIRECTS} times for ${wanted.what}`,
    );
  }

  /** Running requests end with an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#proving?.destroy()]);
  }

  #newAgent(secureContext: SecureContext | undefined): Agent {
    const lookup = checkedLookup(this.#options.check);
    const trust = secureContext === undefined ? {} : { secureContext };
    return new Agent({ allowH2: false, connections: CONNECTIONS, connect: { timeout: CONNECT_MS, lookup, ...trust } });
  }

  /** Checks what is visible before a name is looked up. */
  #checkUrl(url: URL): void {
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw new Failure("InvalidSpec", `${url.protocol}// addresses are not supported: use https:// or oci://`);
    }
    if (url.username !== "" || url.password !== "") {
      throw new Failure("InvalidSpec", `the address of ${url.host} must not contain a user or a password`);
    }
    const why = this.#options.check(hostnameOf(url));
    if (why !== undefined) throw forbidden(url.host, why);
    const isPlain = this.#options.unencrypted === true || isLoopback(url) || this.isPlain(url.host);
    if (url.protocol === "http:" && !isPlain) {
      throw new Failure("InvalidSpec", `http://${url.host} is not encrypted: use https://`);
    }
  }

  #pause({ url, headers }: Pick<HttpAnswer, "url" | "headers">): void {
    const ms = retryAfterMs(headers["retry-after"]);
    if (ms !== undefined) this.#pauses.set(url.origin, performance.now() + Math.min(ms, MAX_PAUSE_MS));
  }

  /** Who asked for a pause is not asked meanwhile, by anybody. */
  #checkPause({ origin, host }: URL, what: string): void {
    const left = (this.#pauses.get(origin) ?? 0) - performance.now();
    if (left <= 0) {
      this.#pauses.delete(origin);
      return;
    }
    const sentence = `${host} asks for fewer requests (429) for ${what}`;
    throw new Failure("SourceUnavailable", sentence, { retryAfterMs: Math.ceil(left) });
  }

  /** All that is shown to whoever answers there. */
  #proofsFor({ origin }: URL, authorization: string | undefined): Proofs {
    return {
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      ...(this.#proving && this.#options.clientCertificate?.origin === origin ? { agent: this.#proving } : {}),
    };
  }

  async #once(wanted: HttpRequest, proofs: Proofs, signal: AbortSignal): Promise<Omit<HttpAnswer, "proved">> {
    const { url } = wanted;
    const { agent: dispatcher = this.#agent } = proofs;
    const headers = {
      "user-agent": "strata",
      "accept-encoding": wanted.compressed === true ? "gzip" : "identity",
      ...wanted.headers,
      ...proofs.headers,
    };
    const since = performance.now();
    try {
      const { type, ...sent } = sentBy(wanted);
      if (type !== undefined) Object.assign(headers, { "content-type": type });
      const answer = await request(url, { dispatcher, headers, signal, ...sent });
      const heard = () => this.#silences.answered(url.origin, performance.now());
      heard();
      const about = { status: answer.statusCode, headers: answer.headers, url };
      if (about.status === 200) return { ...about, body: await readBody(answer, { url, heard }, wanted) };
      await answer.body.dump();
      return { ...about, body: Buffer.alloc(0) };
    } catch (error) {
      const failure = signal.aborted ? lateOrAborted(signal, url) : failureOfError(error, url);
      if (failure instanceof Failure && (signal.aborted || isSilence(error))) {
        this.#silences.unanswered(url.origin, failure, { since, now: performance.now() });
      }
      throw failure;
    }
  }
}

/** What a request has beside its headers. */
function sentBy({ form, upload }: HttpRequest): {
  method?: "HEAD" | "POST" | "PUT";
  body?: string | Uint8Array;
  type?: string;
} {
  if (form === undefined) return upload ?? {};
  return { method: "POST", body: form.toString(), type: "application/x-www-form-urlencoded" };
}

function lateOrAborted(signal: AbortSignal, url: URL): unknown {
  const { reason } = signal;
  if (!(reason instanceof DOMException) || reason.name !== "TimeoutError") return reason;
  return new Failure("SourceUnavailable", `${url.host} is not available: it takes too long to answer`, {
    cause: reason,
  });
}

/** Where a question goes on; undefined when this is the answer. */
function nextHop(answer: Pick<HttpAnswer, "status" | "headers" | "url">, asked: HttpRequest): URL | undefined {
  const { status, url } = answer;
  const { location } = answer.headers;
  const isRead = asked.form === undefined && asked.upload === undefined;
  if (!isRead || ![301, 302, 303, 307, 308].includes(status) || typeof location !== "string") return undefined;
  const next = URL.parse(location, url.href);
  if (next === null) throw new Failure("SourceUnavailable", `${url.host} redirects to what is no address`);
  if (isLoopback(next) && !isLoopback(url)) {
    throw new Failure("InvalidSpec", `${url.host} redirects to this very host, which is not allowed`);
  }
  return next;
}

async function readBody(
  answer: Dispatcher.ResponseData,
  { url, heard }: { url: URL; heard: () => void },
  limits: HttpRequest,
): Promise<Buffer> {
  const { headers, body } = answer;
  const { what, maxBytes, subject } = limits;
  const chunks: Buffer[] = [];
  let size = 0;
  const stream: Readable = headers["content-encoding"] === "gzip" ? unpacked(body) : body;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    heard();
    size += chunk.length;
    if (size > maxBytes) {
      body.destroy();
      throw invalid(subject, `${what} of ${url.host} is larger than ${Math.ceil(maxBytes / MIB)} MiB`);
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
