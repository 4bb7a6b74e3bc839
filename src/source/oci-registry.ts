import { LRUCache } from "lru-cache";
import { z } from "zod";
import { Failure } from "../errors.ts";
import { isLoopback } from "./addresses.ts";
import type { HttpAnswer, HttpClient } from "./http-client.ts";
import { failureOfStatus } from "./http-failures.ts";
import { versionNotFound } from "./not-found.ts";
import { anonymousToken, jsonOf, type Token } from "./oci-token.ts";
import type { HelmSource, ResolvedChart } from "./types.ts";
import { isExactVersion, pickVersion } from "./versions.ts";

const MIB = 1024 * 1024;
const MAX_TAG_PAGES = 50;
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** The second one was written by the first releases of Helm with OCI support. */
const CHART_TYPES = new Set(["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"]);
const PATH = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;

const manifest = z.object({ layers: z.array(z.object({ mediaType: z.string(), digest: z.string() })) });
const tagList = z.object({ tags: z.array(z.string()).nullish() });

/** A repository of one registry (OCI distribution specification). */
export interface OciRepository {
  /** `https://ghcr.io` */
  origin: string;
  path: string;
}

/** A version whose bytes the registry promises. */
export type OciChart = Required<ResolvedChart>;

/** Docker Hub's registry has another name than its site. */
function registryHost(host: string): string {
  return host === "docker.io" ? "registry-1.docker.io" : host;
}

/** Tags cannot hold a plus, so that Helm writes an underscore. */
function tagOf(version: string): string {
  return version.replaceAll("+", "_");
}

/** Charts in public OCI registries. Registries on loopback are spoken to without TLS. */
export class OciRegistries {
  readonly #http: HttpClient;
  readonly #tokens = new LRUCache<string, Token>({ max: 1000 });

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /**
   * @param reference `host[:port]/path`, without `oci://`
   * @throws Failure InvalidSpec
   */
  repositoryOf(reference: string): OciRepository {
    const [authority = "", ...segments] = reference.split("/").filter((segment) => segment !== "");
    const path = segments.join("/");
    const host = registryHost(authority);
    const url = URL.parse(`https://${host}`);
    if (url === null || !PATH.test(path)) {
      throw new Failure(
        "InvalidSpec",
        `"oci://${reference}" is no address of a chart: write oci://host/path in small letters`,
      );
    }
    const scheme = isLoopback(url) || this.#http.isPlain(host) ? "http" : "https";
    return { origin: `${scheme}://${host}`, path };
  }

  /** @throws Failure ChartNotFound, InvalidSpec (version), InvalidChart, SourceUnavailable */
  async find(repository: OciRepository, source: HelmSource, signal: AbortSignal): Promise<OciChart> {
    if (isExactVersion(source.version)) {
      const found = await this.byTag(repository, source.version, signal);
      if (found !== undefined) return found;
    }
    const versions = await this.#versions(repository, source, signal);
    const picked = pickVersion(versions, source.version);
    const chart = picked === undefined ? undefined : await this.byTag(repository, picked, signal);
    if (chart === undefined) throw versionNotFound(source, versions);
    return chart;
  }

  /** What the registry has under a version; undefined when it has nothing there. */
  async byTag(repository: OciRepository, version: string, signal: AbortSignal): Promise<OciChart | undefined> {
    const place = `manifests/${tagOf(version)}`;
    const what = `${repository.path} ${version}`;
    const answer = await this.#get(repository, { place, what, maxBytes: MIB, accept: MANIFEST_TYPE }, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw failureOfStatus(answer, what);
    const layers = manifest.safeParse(jsonOf(answer.body)).data?.layers ?? [];
    const content = layers.find(({ mediaType }) => CHART_TYPES.has(mediaType));
    if (content === undefined || !/^sha256:[0-9a-f]{64}$/.test(content.digest)) {
      throw new Failure("InvalidChart", `${what} of ${answer.url.host} is not a Helm chart`);
    }
    return { version, digest: content.digest };
  }

  async download(
    repository: OciRepository,
    chart: OciChart & { maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const what = `${repository.path} ${chart.version}`;
    const request = { place: `blobs/${chart.digest}`, what, maxBytes: chart.maxBytes, accept: "*/*" };
    const answer = await this.#get(repository, request, signal);
    if (answer.status !== 200) throw failureOfStatus(answer, what);
    return answer.body;
  }

  async #versions(repository: OciRepository, source: HelmSource, signal: AbortSignal): Promise<string[]> {
    const tags: string[] = [];
    let place: string | undefined = "tags/list?n=1000";
    for (let page = 0; place !== undefined && page < MAX_TAG_PAGES; page += 1) {
      const request = { place, what: "the tags", maxBytes: 4 * MIB, accept: "application/json" };
      const answer = await this.#get(repository, request, signal);
      if (answer.status === 404) throw new Failure("ChartNotFound", `${source.repo} has no chart "${source.chart}"`);
      if (answer.status !== 200) throw failureOfStatus(answer, `the versions of ${repository.path}`);
      tags.push(...(tagList.safeParse(jsonOf(answer.body)).data?.tags ?? []));
      place = nextPage(answer, repository);
    }
    return tags.map((tag) => tag.replaceAll("_", "+"));
  }

  /** One GET under the repository, with a token when the registry wants one. */
  async #get(
    { origin, path }: OciRepository,
    { place, accept, ...limits }: { place: string; accept: string; what: string; maxBytes: number },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const url = new URL(`${origin}/v2/${path}/${place}`);
    const key = `${origin}/${path}`;
    const ask = (token: Token | undefined) => {
      const headers = { accept, ...(token === undefined ? {} : { authorization: token.authorization }) };
      return this.#http.get({ url, headers, ...limits }, signal);
    };
    const known = this.#tokens.get(key);
    const answer = await ask(known !== undefined && known.expiresAt > performance.now() ? known : undefined);
    if (answer.status !== 401) return answer;
    const challenge = answer.headers["www-authenticate"];
    const token = await anonymousToken(this.#http, { host: url.host, path, challenge }, signal);
    this.#tokens.set(key, token);
    return ask(token);
  }
}

/** The place of the next page, when the registry has one; only under the same repository. */
function nextPage({ headers }: HttpAnswer, { origin, path }: OciRepository): string | undefined {
  const { link } = headers;
  const target = typeof link === "string" ? /<([^>]+)>\s*;\s*rel="?next"?/.exec(link)?.[1] : undefined;
  const next = target === undefined ? null : URL.parse(target, `${origin}/v2/${path}/tags/list`);
  return next === null || next.origin !== origin ? undefined : `tags/list${next.search}`;
}
