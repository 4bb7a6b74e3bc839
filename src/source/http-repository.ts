import { LRUCache } from "lru-cache";
import { Failure } from "../errors.ts";
import type { HttpClient } from "./http-client.ts";
import { failureOfStatus } from "./http-failures.ts";
import { chartNotFound, versionNotFound } from "./not-found.ts";
import { RepositoryIndex } from "./repository-index.ts";
import type { HelmSource } from "./types.ts";
import { pickVersion } from "./versions.ts";

const MAX_INDEX_BYTES = 50 * 1024 * 1024;
/** Characters of indexes that are kept, to be asked for again only when they changed. */
const MAX_CACHED_INDEXES = 64 * 1024 * 1024;

interface KnownIndex {
  index: RepositoryIndex;
  /** The headers that ask whether it changed; empty when the server gave nothing to ask with. */
  condition: Record<string, string>;
}

/** One version of a chart in a repository's index. */
export interface ListedChart {
  version: string;
  digest?: string;
  url: URL;
}

/** Chart repositories over HTTP: an `index.yaml` that lists charts and their addresses. */
export class HttpRepositories {
  readonly #http: HttpClient;
  readonly #indexes = new LRUCache<string, KnownIndex>({ maxSize: MAX_CACHED_INDEXES });
  readonly #loading = new Map<string, Promise<RepositoryIndex>>();

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** @throws Failure ChartNotFound, InvalidSpec (version), InvalidChart (index), SourceUnavailable */
  async find(base: URL, source: HelmSource, signal: AbortSignal): Promise<ListedChart> {
    const index = await this.#index(base, signal);
    const entries = index.versions(source.chart);
    if (entries === undefined) throw chartNotFound(source, index.names());
    const versions = entries.map((entry) => entry.version);
    const picked = pickVersion(versions, source.version);
    const entry = entries.find(({ version }) => version === picked);
    if (entry === undefined) throw versionNotFound(source, versions);
    const [address] = entry.urls;
    const url = address === undefined ? null : URL.parse(address, asFolder(base).href);
    if (url === null) {
      throw new Failure(
        "InvalidChart",
        `${source.repo} lists ${source.chart} ${entry.version} without a usable address`,
      );
    }
    if (url.origin === base.origin && url.search === "") url.search = base.search;
    const { version, digest } = entry;
    return { version, url, ...(digest === undefined ? {} : { digest: `sha256:${digest.replace(/^sha256:/, "")}` }) };
  }

  /** Equal questions at the same time are one request; its deadline is that of the first. */
  async #index(base: URL, signal: AbortSignal): Promise<RepositoryIndex> {
    const running = this.#loading.get(base.href);
    if (running !== undefined) return running;
    const loading = this.#load(base, signal).finally(() => this.#loading.delete(base.href));
    this.#loading.set(base.href, loading);
    return loading;
  }

  async #load(base: URL, signal: AbortSignal): Promise<RepositoryIndex> {
    const known = this.#indexes.get(base.href);
    const url = new URL("index.yaml", asFolder(base));
    url.search = base.search;
    const answer = await this.#http.get(
      { url, what: "the index", maxBytes: MAX_INDEX_BYTES, compressed: true, headers: known?.condition ?? {} },
      signal,
    );
    if (answer.status === 304 && known !== undefined) return known.index;
    if (answer.status === 404) {
      throw new Failure("ChartNotFound", `${placeOf(base)} is no chart repository: it has no index.yaml`);
    }
    if (answer.status !== 200) throw failureOfStatus(answer, "the index of its charts");
    const index = RepositoryIndex.parse(answer.body.toString("utf8"));
    if (index === undefined) throw new Failure("InvalidChart", `the index.yaml of ${placeOf(base)} cannot be read`);
    this.#indexes.set(base.href, { index, condition: conditionOf(answer.headers) }, { size: index.size + 1 });
    return index;
  }
}

function asFolder(base: URL): URL {
  const folder = new URL(base);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  folder.search = "";
  return folder;
}

/** The address without its query, which may hold a signature. */
function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function conditionOf(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const { etag, "last-modified": modified } = headers;
  return {
    ...(typeof etag === "string" ? { "if-none-match": etag } : {}),
    ...(typeof modified === "string" ? { "if-modified-since": modified } : {}),
  };
}
