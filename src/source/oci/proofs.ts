import { Failure } from "../../errors.ts";
import { placeOf, type RegistryAccess, urlOf } from "../access.ts";
import { type DockerAuth, dockerAuthFor, registryHost } from "../docker-config.ts";
import { isBelow } from "../http/below.ts";
import { basicOf, isHeaderText, proofOf } from "./token.ts";

interface Place {
  origin: string;
  /** Of the repository; empty for the registry as a whole. */
  path: string;
}

/**
 * The credentials of one registry's access, and who may see them: those without a host of their own are for the origin
 * of the registry's `url`, those of a docker config JSON for their hosts, as far as the registry or a mirror is there.
 */
export class Proofs {
  readonly tokenOrigins: readonly string[];
  readonly #access: RegistryAccess;
  readonly #own: string;
  /** The folder of the registry at its own host and its mirrors'. */
  readonly #folders: ReadonlyMap<string, string>;
  readonly #urls: readonly URL[];
  readonly #origins: ReadonlySet<string>;

  /** @throws Failure InvalidSpec */
  constructor(access: RegistryAccess) {
    const urls = [access.url, ...(access.mirrors ?? [])].map((address) => urlOf(access, address));
    this.#access = access;
    this.#own = registryHost(urlOf(access, access.url).host);
    // Of several at one host, the registry itself or the first of its mirrors.
    this.#folders = new Map(urls.toReversed().map((url) => [registryHost(url.host), folderOf(url, access)]));
    this.#urls = urls;
    this.#origins = new Set(urls.map(({ origin }) => origin));
    this.tokenOrigins = (access.tokenOrigins ?? []).map((origin) => this.#secureOrigin(origin));
    const { credentials } = access;
    const tokens = credentials?.kind === "docker" ? credentials.auths.map((auth) => auth.credentials) : [credentials];
    for (const one of tokens) this.#check(one);
  }

  credentialsFor({ origin, path }: Place): DockerAuth["credentials"] | undefined {
    const { credentials } = this.#access;
    const { host } = new URL(origin);
    if (credentials === undefined) return undefined;
    if (credentials.kind !== "docker") return host === this.#own ? credentials : undefined;
    const folder = this.#folders.get(host);
    // As a whole it is asked with what is for the folder: an entry for a part of a registry is not for all of it.
    return folder === undefined ? undefined : dockerAuthFor(credentials.auths, host, path || folder);
  }

  /** What is shown to a place before it asks: repositories over HTTP do not challenge. */
  headerFor(url: URL): string | undefined {
    // The host alone does not do: what is for https:// must not travel in the clear.
    if (!this.#origins.has(url.origin)) return undefined;
    const credentials = this.credentialsFor({ origin: url.origin, path: url.pathname.slice(1) });
    if (credentials?.kind === "basic") return basicOf(credentials);
    return credentials === undefined ? undefined : `Bearer ${credentials.token}`;
  }

  /** Whether anything that proves who asks goes along with a request for this address. */
  areShownTo(url: URL): boolean {
    return this.certifies(url) || this.headerFor(url) !== undefined;
  }

  /** Whether a client certificate is shown to whoever answers there. */
  certifies({ origin }: Pick<URL, "origin">): boolean {
    const { clientCertificate, url } = this.#access;
    return clientCertificate !== undefined && origin === urlOf(this.#access, url).origin;
  }

  /**
   * Why a file is not fetched with what is shown to its origin: who wrote its address may be anybody who may refer to the
   * Registry, and no more than the Registry names is theirs.
   */
  refusalFor(url: URL): Failure | undefined {
    if (!this.areShownTo(url) || this.#urls.some((folder) => isBelow(url, folder))) return undefined;
    const { name = this.#own, url: own } = this.#access;
    const sentence = `${name} gives its credentials for what is below ${placeOf(own)} only, and ${placeOf(url.href)} is not`;
    const remedy =
      "write an address below it, without encoded slashes or '..' in any form, or refer to a Registry that has its folder";
    return new Failure("InvalidSpec", `${sentence}: ${remedy}`);
  }

  /** What is shown to a place, in words; undefined when that is nothing. */
  wordFor(place: Place): string | undefined {
    const { clientCertificate } = this.#access;
    const proof = proofOf(this.credentialsFor(place));
    const isOwn = new URL(place.origin).host === this.#own;
    return proof ?? (clientCertificate !== undefined && isOwn ? "client certificate" : undefined);
  }

  #check(credentials: DockerAuth["credentials"] | undefined): void {
    const who = this.#access.name ?? this.#own;
    if (credentials?.kind === "basic") {
      if (!credentials.username.includes(":")) return;
      throw new Failure("InvalidSpec", `the user of ${who} must not contain a colon`);
    }
    if (credentials === undefined || isHeaderText(credentials.token)) return;
    throw new Failure("InvalidSpec", `the token of ${who} is empty, or has blanks or letters that no token has`);
  }

  #secureOrigin(text: string): string {
    const url = URL.parse(text);
    if (url?.protocol === "https:") return url.origin;
    throw new Failure(
      "InvalidSpec",
      `tokenOrigins of ${this.#access.name ?? this.#own}: each must begin with https://`,
    );
  }
}

function folderOf({ pathname }: URL, { basePath = "" }: RegistryAccess): string {
  return [...pathname.split("/"), ...basePath.split("/")].filter((part) => part !== "").join("/");
}
