import { z } from "zod";
import { Failure } from "../../errors.ts";
import { sha256Digest } from "../../objects/digest.ts";
import { isLoopback } from "../../text/addresses.ts";
import { isExactVersion, parseVersion, pickVersion } from "../../text/versions.ts";
import { registryHost } from "../docker-config.ts";
import type { HttpAnswer, HttpClient, Upload } from "../http/http-client.ts";
import { versionNotFound, type WantedVersion } from "../not-found.ts";
import { invalid, missing, type Subject } from "../subject.ts";
import { INDEX_TYPE, MANIFEST_TYPE, type Manifest, parseManifest } from "./manifest.ts";
import type { Proofs } from "./proofs.ts";
import { type Asked, type CredentialsUse, type OciRepository, OciSession, urlIn } from "./session.ts";
import { jsonOf } from "./token.ts";

const MIB = 1024 * 1024;
const MAX_TAG_PAGES = 50;
const MAX_CATALOG_PAGES = 20;
/** Names of tags or repositories; a registry may send more on a page than it was asked for. */
const MAX_NAMES = 100_000;
const PATH = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

const tagList = z.object({ tags: z.array(z.string()).nullish() });
const catalog = z.object({ repositories: z.array(z.string()).nullish() });

/** A version in a registry, with the manifest that its tag names now. */
export interface TaggedManifest {
  version: string;
  /** Of the manifest's bytes, which have been compared with it. */
  digest: string;
  manifest: Manifest | undefined;
}

/** A part of an upload: a path below the repository, or where the registry said that the upload goes on. */
export interface WriteRequest {
  to: string | URL;
  /** In words: `pack shop 1.2.0`. */
  what: string;
  upload: Upload;
  /** The answers that are no failure. */
  accepted: readonly number[];
}

/** Speaks with OCI registries on behalf of one registry's access. Registries on loopback are spoken to without TLS. */
export class OciClient {
  readonly #http: HttpClient;
  readonly #session: OciSession;

  constructor(http: HttpClient, proofs: Proofs) {
    this.#http = http;
    this.#session = new OciSession(http, proofs);
  }

  /**
   * @param reference `host[:port]/path`, without `oci://`
   * @param scheme as somebody wrote it: `https:` is spoken on loopback too
   * @throws Failure InvalidSpec
   */
  repositoryOf(reference: string, scheme?: string): OciRepository {
    const [authority = "", ...segments] = reference.split("/").filter((segment) => segment !== "");
    const path = segments.join("/");
    const origin = this.originOf(authority, scheme);
    if (origin === undefined || !PATH.test(path)) {
      const written = [authority, ...segments].join("/");
      throw new Failure("InvalidSpec", `"oci://${written}" is no address: write oci://host/path in small letters`);
    }
    return { origin, path };
  }

  /** Where the registry of a host answers; undefined when it is no host. */
  originOf(authority: string, scheme?: string): string | undefined {
    const host = registryHost(authority);
    const url = URL.parse(`https://${host}`);
    if (url === null || url.pathname !== "/" || url.username !== "") return undefined;
    const usual = isLoopback(url) || this.#http.isPlain(url.host) ? "http:" : "https:";
    return `${scheme ?? usual}//${url.host}`;
  }

  /** @throws Failure ChartNotFound or SourceNotFound, InvalidSpec (version), SourceUnauthorized, SourceUnavailable */
  async find(repository: OciRepository, wanted: WantedVersion, signal: AbortSignal): Promise<TaggedManifest> {
    const { version, subject } = wanted;
    // Tags of packs and artifacts may be any text, `1.33.x` too; those of charts are versions.
    const isTag = subject === "chart" ? isExactVersion(version) : TAG.test(version);
    if (isTag || DIGEST.test(version)) {
      const found = await this.manifest(repository, { version, subject }, signal);
      if (found !== undefined) return found;
    }
    if (DIGEST.test(version)) throw missing(subject, `${wanted.place} has nothing of the digest ${version}`);
    const tags = await this.#tags(repository, wanted, signal);
    const picked = pickVersion([...tags.keys()], version);
    const tag = picked === undefined ? undefined : tags.get(picked);
    if (picked === undefined || tag === undefined) throw versionNotFound(wanted, [...tags.keys()]);
    const found = await this.manifest(repository, { version: tag, subject }, signal);
    if (found === undefined) throw versionNotFound(wanted, [...tags.keys()]);
    return { ...found, version: picked };
  }

  /** What the registry has under a version, a tag or a digest; undefined when it has nothing there. */
  async manifest(
    repository: OciRepository,
    { version, subject }: { version: string; subject: Subject },
    signal: AbortSignal,
  ): Promise<TaggedManifest | undefined> {
    const what = `${repository.path} ${version}`;
    const body = await this.document(repository, { reference: version, accept: MANIFEST_TYPE, what, subject }, signal);
    if (body === undefined) return undefined;
    return { version, digest: sha256Digest(body), manifest: parseManifest(jsonOf(body)) };
  }

  /** The bytes of a manifest or an index, compared with what names or announces their digest. */
  async document(
    repository: OciRepository,
    { reference, accept, what, subject }: Asked & { reference: string; accept: string },
    signal: AbortSignal,
  ): Promise<Buffer | undefined> {
    const place = `manifests/${DIGEST.test(reference) ? reference : tagOf(reference)}`;
    const answer = await this.#session.get(repository, { place, what, subject, maxBytes: 4 * MIB, accept }, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.#session.failureOf(answer, repository, { what, subject });
    const { "docker-content-digest": announced } = answer.headers;
    const promised = DIGEST.test(reference) ? reference : announced;
    const found = sha256Digest(answer.body);
    if (typeof promised === "string" && promised.startsWith("sha256:") && promised !== found) {
      const sentence = `the manifest of ${what} is not what was promised: expected ${promised}, found ${found}`;
      throw invalid(subject, `${answer.url.host} lies: ${sentence}`);
    }
    return answer.body;
  }

  /** The bytes of a digest, compared with it. */
  async blob(
    repository: OciRepository,
    { digest, what, subject, maxBytes }: Asked & { digest: string; maxBytes: number },
    signal: AbortSignal,
  ): Promise<Buffer> {
    const request = { place: `blobs/${digest}`, what, subject, maxBytes, accept: "*/*" };
    const answer = await this.#session.get(repository, request, signal);
    if (answer.status !== 200) throw this.#session.failureOf(answer, repository, { what, subject });
    const found = sha256Digest(answer.body);
    if (found !== digest) {
      throw invalid(subject, `${what} is not what was promised: expected ${digest}, found ${found}`);
    }
    return answer.body;
  }

  /** The index of what refers to a manifest (OCI 1.1), from the registry's own list or from the tag that stands for it. */
  async referrers(repository: OciRepository, digest: string, asked: Asked, signal: AbortSignal): Promise<unknown> {
    const request = { place: `referrers/${digest}`, ...asked, maxBytes: 4 * MIB, accept: INDEX_TYPE };
    const answer = await this.#session.get(repository, request, signal);
    if (answer.status === 200) return jsonOf(answer.body);
    if (answer.status !== 404) throw this.#session.failureOf(answer, repository, asked);
    const reference = digest.replace(":", "-");
    const body = await this.document(repository, { reference, accept: INDEX_TYPE, ...asked }, signal);
    return body === undefined ? undefined : jsonOf(body);
  }

  /** Sends a part of an upload. It throws as reading does, and SourceUnauthorized when one may not write there. */
  async write(
    repository: OciRepository,
    { to, what, upload, accepted }: WriteRequest,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const url = typeof to === "string" ? urlIn(repository, to) : to;
    const { host, origin } = new URL(repository.origin);
    if (url.origin !== origin) {
      throw new Failure("InvalidSpec", `${host} wants uploads to go to ${url.origin}, which is not supported`);
    }
    const asked = { what, subject: "pack" as const };
    const request = { url, ...asked, maxBytes: MIB, accept: "*/*", upload };
    const answer = await this.#session.ask(repository, request, signal);
    if (accepted.includes(answer.status)) return answer;
    if (answer.status !== 401 && answer.status !== 403) throw this.#session.failureOf(answer, repository, asked);
    const proof = this.#session.proofFor(repository);
    const why = proof === undefined ? "it wants credentials" : `the ${proof} may not write there`;
    throw new Failure("SourceUnauthorized", `${host} does not take ${what} into ${repository.path}: ${why}`);
  }

  /**
   * Asks a registry whether it takes the credentials.
   *
   * @returns what it did with them; undefined without any
   */
  async ping(origin: string, signal: AbortSignal): Promise<CredentialsUse | undefined> {
    const registry = { origin, path: "" };
    const asked = { what: "its contents", subject: "registry" as const };
    const answer = await this.#session.get(registry, { place: "", ...asked, maxBytes: MIB, accept: "*/*" }, signal);
    if (answer.status === 404) throw missing("registry", `${answer.url.host} is no OCI registry: it has no /v2/`);
    if (answer.status !== 200) throw this.#session.failureOf(answer, registry, asked);
    return this.#session.useOfCredentials(registry);
  }

  /** The repositories of a registry; undefined where it does not tell them, as most public ones. */
  async catalog(origin: string, signal: AbortSignal): Promise<string[] | undefined> {
    const registry = { origin, path: "" };
    const names: string[] = [];
    let place: string | undefined = "_catalog?n=1000";
    for (let page = 0; place !== undefined && page < MAX_CATALOG_PAGES; page += 1) {
      const asked = { what: "its repositories", subject: "registry" as const };
      const request = { place, ...asked, maxBytes: 4 * MIB, accept: "application/json" };
      const answer = await this.#session.get(registry, request, signal).catch(noneWhenRefused);
      if (answer?.status !== 200) return undefined;
      const found = catalog.safeParse(jsonOf(answer.body)).data?.repositories ?? [];
      for (const name of found.slice(0, MAX_NAMES - names.length)) names.push(name);
      place = nextPage(answer, "_catalog");
    }
    return names;
  }

  /** Each version and the tag that stands for it. */
  async #tags(repository: OciRepository, wanted: WantedVersion, signal: AbortSignal): Promise<Map<string, string>> {
    const tags: string[] = [];
    const { subject, place: registry, name } = wanted;
    let place: string | undefined = "tags/list?n=1000";
    for (let page = 0; place !== undefined && page < MAX_TAG_PAGES; page += 1) {
      const request = { place, what: "the tags", subject, maxBytes: 4 * MIB, accept: "application/json" };
      const answer = await this.#session.get(repository, request, signal);
      if (answer.status === 404) throw missing(subject, `${registry} has no ${subject} "${name}"`);
      if (answer.status !== 200) {
        throw this.#session.failureOf(answer, repository, { what: `the versions of ${repository.path}`, subject });
      }
      const found = tagList.safeParse(jsonOf(answer.body)).data?.tags ?? [];
      for (const tag of found.slice(0, MAX_NAMES - tags.length)) tags.push(tag);
      place = nextPage(answer, "tags/list");
    }
    return new Map(tags.map((tag) => [versionOf(tag), tag]));
  }
}

/** Tags cannot hold a plus, so that Helm writes an underscore. */
export function tagOf(version: string): string {
  return version.replaceAll("+", "_");
}

function versionOf(tag: string): string {
  const version = tag.replaceAll("_", "+");
  return parseVersion(version) === undefined ? tag : version;
}

function noneWhenRefused(error: unknown): undefined {
  if (error instanceof Failure && error.reason === "SourceUnauthorized") return undefined;
  throw error;
}

/** The place of the next page, when the registry has one: only its query is taken from it. */
function nextPage({ headers, url }: HttpAnswer, list: string): string | undefined {
  const { link } = headers;
  const target = typeof link === "string" ? /<([^>]+)>\s*;\s*rel="?next"?/.exec(link)?.[1] : undefined;
  const next = target === undefined ? null : URL.parse(target, url.href);
  return next === null || next.origin !== url.origin ? undefined : `${list}${next.search}`;
}
