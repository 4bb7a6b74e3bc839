import { LRUCache } from "lru-cache";
import { pickVersion } from "../text/versions.ts";
import { placeOf } from "./access.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http/http-client.ts";
import { nameNotFound, versionNotFound, type WantedVersion } from "./not-found.ts";
import type { Proofs } from "./oci/proofs.ts";
import { RepositoryIndex } from "./repository-index.ts";
import { invalid, missing, type Subject } from "./subject.ts";

const MAX_INDEX_BYTES = 50 * 1024 * 1024;
/** Characters of indexes that are kept, to be asked for again only when they changed. */
const MAX_CACHED_INDEXES = 64 * 1024 * 1024;

interface KnownIndex {
  index: RepositoryIndex;
  /** The headers that ask whether it changed; empty when the server gave nothing to ask with. */
  condition: Record<string, string>;
}

/** The indexes of all repositories, under keys that hold the access and the address. */
export type IndexCache = LRUCache<string, KnownIndex>;

export function newIndexCache(): IndexCache {
  return new LRUCache({ maxSize: MAX_CACHED_INDEXES });
}

/** One version in a repository's index. */
export interface ListedVersion {
  version: string;
  digest?: string;
  url: URL;
}

/** Repositories over HTTP: an `index.yaml` that lists charts or packed packs, and their addresses. */
export class HttpRepositories {
  readonly #http: HttpClient;
  readonly #proofs: Proofs;
  readonly #indexes: IndexCache;
  readonly #key: string;
  readonly #loading = new Map<string, Promise<RepositoryIndex>>();

  /** @param key of the access, for the cache that all share */
  constructor(http: HttpClient, proofs: Proofs, { indexes, key }: { indexes: IndexCache; key: string }) {
    this.#http = http;
    this.#proofs = proofs;
    this.#indexes = indexes;
    this.#key = key;
  }

  /** @throws Failure as {@link index}; ChartNotFound or SourceNotFound; InvalidSpec (version) */
  async find(base: URL, wanted: WantedVersion, signal: AbortSignal): Promise<ListedVersion> {
    const { subject, place, name } = wanted;
    const index = await this.index(base, subject, signal);
    const entries = index.versions(name);
    if (entries === undefined) throw nameNotFound(wanted, index.names());
    const versions = entries.map((entry) => entry.version);
    const picked = pickVersion(versions, wanted.version);
    const entry = entries.find(({ version }) => version === picked);
    if (entry === undefined) throw versionNotFound(wanted, versions);
    const [address] = entry.urls;
    const url = address === undefined ? null : URL.parse(address, asFolder(base).href);
    if (url === null) throw invalid(subject, `${place} lists ${name} ${entry.version} without a usable address`);
    if (url.origin === base.origin && url.search === "") url.search = base.search;
    const { version, digest } = entry;
    return { version, url, ...(digest === undefined ? {} : { digest: `sha256:${digest.replace(/^sha256:/, "")}` }) };
  }

  /**
   * The index of a repository, asked for again only when it changed. Equal questions at the same time are one request,
   * whose deadline is that of the first.
   *
   * @throws Failure ChartNotFound or SourceNotFound, InvalidChart or InvalidSource, SourceUnauthorized, SourceUnavailable
   */
  async index(base: URL, subject: Subject, signal: AbortSignal): Promise<RepositoryIndex> {
    const running = this.#loading.get(base.href);
    if (running !== undefined) return running;
    const loading = this.#load(base, subject, signal).finally(() => this.#loading.delete(base.href));
    this.#loading.set(base.href, loading);
    return loading;
  }

  /** The bytes of one address that an index lists. */
  async download(
    url: URL,
    { what, subject, maxBytes }: { what: string; subject: Subject; maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return (await this.#fetch({ url, what, subject, maxBytes }, signal)).body;
  }

  /** The bytes of an address that somebody has written, and whether anybody on the way was shown who asks. */
  async file(
    url: URL,
    limits: { what: string; subject: Subject; maxBytes: number },
    signal: AbortSignal,
  ): Promise<{ bytes: Uint8Array; proved: boolean }> {
    const own = this.#proofs.headerFor(url);
    // What is for one folder of a host is not for another of it, where nothing would be shown.
    const mayProve = (hop: URL): boolean =>
      this.#proofs.refusalFor(hop) === undefined && this.#proofs.headerFor(hop) === own;
    const { body, proved } = await this.#fetch({ url, ...limits, mayProve }, signal);
    return { bytes: body, proved };
  }

  async #fetch(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, what, subject } = request;
    const answer = await this.#http.send({ ...request, authorization: this.#proofs.headerFor(url) }, signal);
    if (answer.status === 200) return answer;
    const proof = answer.proved ? this.#proofOf(answer.url) : undefined;
    throw this.#http.failureOf(answer, { what, subject, proof });
  }

  async #load(base: URL, subject: Subject, signal: AbortSignal): Promise<RepositoryIndex> {
    const key = `${this.#key} ${base.href}`;
    const known = this.#indexes.get(key);
    const url = new URL("index.yaml", asFolder(base));
    url.search = base.search;
    const limits = { what: "the index", subject, maxBytes: MAX_INDEX_BYTES, compressed: true };
    const authorization = this.#proofs.headerFor(url);
    const answer = await this.#http.send({ url, ...limits, headers: known?.condition ?? {}, authorization }, signal);
    const place = placeOf(base.href);
    if (answer.status === 304 && known !== undefined) return known.index;
    if (answer.status === 404) throw missing(subject, `${place} is no ${subject} repository: it has no index.yaml`);
    if (answer.status !== 200) {
      throw this.#http.failureOf(answer, { what: `the index of its ${subject}s`, subject, proof: this.#proofOf(url) });
    }
    const index = RepositoryIndex.parse(answer.body.toString("utf8"));
    if (index === undefined) throw invalid(subject, `the index.yaml of ${place} cannot be read`);
    this.#indexes.set(key, { index, condition: conditionOf(answer.headers) }, { size: index.size + 1 });
    return index;
  }

  #proofOf(url: URL): string | undefined {
    return this.#proofs.wordFor({ origin: url.origin, path: url.pathname.slice(1) });
  }
}

function asFolder(base: URL): URL {
  const folder = new URL(base);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  folder.search = "";
  return folder;
}

function conditionOf(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const { etag, "last-modified": modified } = headers;
  return {
    ...(typeof etag === "string" ? { "if-none-match": etag } : {}),
    ...(typeof modified === "string" ? { "if-modified-since": modified } : {}),
  };
}
