import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { Failure } from "../errors.ts";
import { HttpClient } from "./http-client.ts";
import { failureOfStatus } from "./http-failures.ts";
import { HttpRepositories } from "./http-repository.ts";
import { OciRegistries } from "./oci-registry.ts";
import type { ChartLocation, ChartPackage, HelmSource, PinnedSource, ResolvedChart } from "./types.ts";

const MIB = 1024 * 1024;
const MAX_CHART_BYTES = 20 * MIB;
const DEADLINE_MS = 30_000;
const OCI = "oci://";

export interface ChartSourceOptions {
  /** `host[:port]` of registries and repositories that are spoken to without TLS, beside those on loopback. */
  plainHttp?: readonly string[];
  /** Bytes of charts that are kept by their digest. Default 64 MiB. */
  cacheBytes?: number;
  /** Milliseconds that one question may take, with all its requests. Default 30 s. */
  deadlineMs?: number;
}

/**
 * Finds charts in public repositories and registries and fetches their verified bytes. Never sends credentials, writes
 * nothing to disk, and asks once when several ask for the same at the same time.
 *
 * Both methods throw a Failure: SourceUnavailable (tried again), ChartNotFound (with what there is instead),
 * InvalidSpec (an address or a version that cannot be), InvalidChart (other bytes than promised, too large, no chart);
 * or the reason of `signal`.
 */
export class ChartSource implements AsyncDisposable {
  readonly #http: HttpClient;
  readonly #repositories: HttpRepositories;
  readonly #registries: OciRegistries;
  readonly #packages: LRUCache<string, Uint8Array>;
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #deadlineMs: number;
  readonly #closing = new AbortController();

  constructor({ plainHttp = [], cacheBytes = 64 * MIB, deadlineMs = DEADLINE_MS }: ChartSourceOptions = {}) {
    this.#http = new HttpClient(plainHttp);
    this.#repositories = new HttpRepositories(this.#http);
    this.#registries = new OciRegistries(this.#http);
    this.#packages = new LRUCache({ maxSize: cacheBytes });
    this.#deadlineMs = deadlineMs;
  }

  /** The version that a source means now, and the digest of its bytes where the repository tells it. */
  async resolve(source: HelmSource, signal: AbortSignal): Promise<ResolvedChart> {
    return this.#once(["resolve", source.repo, source.chart, source.version], signal, async (deadline) => {
      const { version, digest } = await this.#locate(source, deadline);
      return digest === undefined ? { version } : { version, digest };
    });
  }

  /** The bytes of a source. With `digest`, bytes that are still in memory are given without a request. */
  async fetch(source: PinnedSource, signal: AbortSignal): Promise<ChartPackage> {
    signal.throwIfAborted();
    const { repo, chart, version, digest } = source;
    const known = digest === undefined ? undefined : this.#packages.get(digest);
    if (digest !== undefined && known !== undefined) return { name: chart, version, digest, bytes: known };
    return this.#once(["fetch", repo, chart, version, digest ?? ""], signal, (deadline) =>
      this.#download(source, deadline),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#packages.clear();
    await this.#http[Symbol.asyncDispose]();
  }

  /** Runs work once for all who ask at the same time. It ends by its own deadline; a signal only ends the waiting. */
  async #once<T>(question: string[], signal: AbortSignal, work: (deadline: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const key = JSON.stringify(question);
    let running = this.#running.get(key) as Promise<T> | undefined;
    if (running === undefined) {
      const deadline = AbortSignal.any([AbortSignal.timeout(this.#deadlineMs), this.#closing.signal]);
      running = work(deadline).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return orAborted(running, signal);
  }

  async #locate(source: HelmSource, signal: AbortSignal): Promise<ChartLocation> {
    if (source.repo.startsWith(OCI)) {
      const repository = this.#registries.repositoryOf(`${source.repo.slice(OCI.length)}/${source.chart}`);
      return this.#inRegistry(repository, await this.#registries.find(repository, source, signal));
    }
    const base = URL.parse(source.repo);
    if (base === null) throw new Failure("InvalidSpec", "the repo of a chart must begin with https:// or oci://");
    const { url, version, digest } = await this.#repositories.find(base, source, signal);
    if (url.protocol === OCI.slice(0, -2)) return this.#listedOci(url, version, signal);
    const download = (during: AbortSignal) => this.#get(url, `chart ${source.chart} ${version}`, during);
    return { version, download, ...(digest === undefined ? {} : { digest }) };
  }

  #inRegistry(repository: ReturnType<OciRegistries["repositoryOf"]>, chart: Required<ResolvedChart>): ChartLocation {
    const request = { ...chart, maxBytes: MAX_CHART_BYTES };
    return { ...chart, download: (signal) => this.#registries.download(repository, request, signal) };
  }

  /** Some repositories over HTTP list charts that are in a registry: `oci://host/path:tag`. */
  async #listedOci(url: URL, version: string, signal: AbortSignal): Promise<ChartLocation> {
    const reference = url.href.slice(OCI.length);
    const colon = reference.lastIndexOf(":");
    const hasTag = colon > reference.lastIndexOf("/");
    const repository = this.#registries.repositoryOf(hasTag ? reference.slice(0, colon) : reference);
    const found = await this.#registries.byTag(repository, hasTag ? reference.slice(colon + 1) : version, signal);
    if (found === undefined) throw new Failure("ChartNotFound", `${url.href} is listed, but is not there`);
    return this.#inRegistry(repository, { ...found, version });
  }

  async #get(url: URL, what: string, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#http.get({ url, what, maxBytes: MAX_CHART_BYTES }, signal);
    if (answer.status !== 200) throw failureOfStatus(answer, what);
    return answer.body;
  }

  async #download(source: PinnedSource, signal: AbortSignal): Promise<ChartPackage> {
    const location = await this.#locate(source, signal);
    const { version } = location;
    const name = source.chart;
    refuseOther(source, version, location.digest, source.digest);
    const kept = location.digest === undefined ? undefined : this.#packages.get(location.digest);
    if (kept !== undefined && location.digest !== undefined)
      return { name, version, digest: location.digest, bytes: kept };
    const bytes = await location.download(signal);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    refuseOther(source, version, digest, location.digest);
    refuseOther(source, version, digest, source.digest);
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
      throw new Failure(
        "InvalidChart",
        `${source.repo} serves ${name} ${version} as something that is no packed chart`,
      );
    }
    this.#packages.set(digest, bytes, { size: bytes.length });
    return { name, version, digest, bytes };
  }
}

function refuseOther(
  { repo, chart }: HelmSource,
  version: string,
  found: string | undefined,
  promised: string | undefined,
): void {
  if (found === undefined || promised === undefined || found === promised) return;
  const digests = `expected ${promised}, found ${found}`;
  throw new Failure("InvalidChart", `chart ${chart} ${version} of ${repo} is not what was promised: ${digests}`);
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
