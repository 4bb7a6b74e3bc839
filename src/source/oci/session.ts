import { LRUCache } from "lru-cache";
import type { Failure } from "../../errors.ts";
import type { HttpAnswer, HttpClient, Upload } from "../http/http-client.ts";
import type { Subject } from "../subject.ts";
import { challengeOf } from "./challenge.ts";
import type { Proofs } from "./proofs.ts";
import { basicOf, fetchToken, type Token } from "./token.ts";

/** A repository of one registry (OCI distribution specification). */
export interface OciRepository {
  /** `https://ghcr.io` */
  origin: string;
  path: string;
}

/** What is asked for, in words and as what. */
export interface Asked {
  what: string;
  subject: Subject;
}

interface Answering {
  credentials: ReturnType<Proofs["credentialsFor"]>;
  writes: boolean;
}

/** What a registry did with credentials: it asked for them and took them, did not ask, or was shown them with the question. */
export type CredentialsUse = "accepted" | "unasked" | "shown";

/** Asks registries on behalf of one registry's access, and answers their challenges: with credentials, or a token for them. */
export class OciSession {
  readonly #http: HttpClient;
  readonly #proofs: Proofs;
  readonly #tokens = new LRUCache<string, Token>({ max: 1000 });

  constructor(http: HttpClient, proofs: Proofs) {
    this.#http = http;
    this.#proofs = proofs;
  }

  /** One GET under the repository, with what the registry wants to see. */
  async get(
    repository: OciRepository,
    { place, ...request }: Asked & { place: string; accept: string; maxBytes: number },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    return this.ask(repository, { url: urlIn(repository, place), ...request }, signal);
  }

  /** A request, answered with what the registry wants to see. */
  async ask(
    repository: OciRepository,
    { accept, ...request }: Asked & { url: URL; accept: string; maxBytes: number; upload?: Upload },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { origin, path } = repository;
    const writes = request.upload !== undefined;
    const ask = (authorization: string | undefined) =>
      this.#http.send({ headers: { accept }, authorization, ...request }, signal);
    const key = `${origin}/${path}${writes ? " writing" : ""}`;
    const known = this.#tokens.get(key);
    const isFresh = known !== undefined && known.expiresAt > performance.now();
    const credentials = this.#proofs.credentialsFor(repository);
    const bearer = credentials?.kind === "bearer" ? `Bearer ${credentials.token}` : undefined;
    const answer = await ask(isFresh ? known.authorization : bearer);
    // A host that was only redirected to gets no answer to its challenge.
    if (answer.status !== 401 || answer.url.origin !== origin || bearer !== undefined) return answer;
    const token = await this.#tokenFor(repository, answer, { ...request, credentials, writes }, signal);
    if (token === undefined) return answer;
    const second = await ask(token.authorization);
    if (second.status !== 401) this.#tokens.set(key, token);
    return second;
  }

  /** What an answer other than the wanted one means. */
  failureOf(answer: HttpAnswer, repository: OciRepository, asked: Asked): Failure {
    const isOwn = answer.url.origin === repository.origin;
    const proof = isOwn ? this.proofFor(repository) : undefined;
    return this.#http.failureOf(answer, { ...asked, proof });
  }

  /** In words, what proves who asks; undefined when nothing does. */
  proofFor(repository: OciRepository): string | undefined {
    return this.#proofs.wordFor(repository);
  }

  /** What became of the credentials when a registry was asked just now; undefined without any. */
  useOfCredentials(registry: OciRepository): CredentialsUse | undefined {
    const credentials = this.#proofs.credentialsFor(registry);
    if (credentials === undefined) return this.proofFor(registry) === undefined ? undefined : "shown";
    if (credentials.kind === "bearer") return "shown";
    const answered = this.#tokens.get(`${registry.origin}/${registry.path}`);
    if (answered !== undefined && answered.expiresAt > performance.now()) return "accepted";
    // It may not have asked for a password because of the certificate that it has seen.
    return this.#proofs.certifies(registry) ? "shown" : "unasked";
  }

  async #tokenFor(
    { origin, path }: OciRepository,
    { headers }: HttpAnswer,
    { what, subject, credentials, writes }: Asked & Answering,
    signal: AbortSignal,
  ): Promise<Token | undefined> {
    const challenge = challengeOf(headers["www-authenticate"]);
    if (challenge?.kind === "bearer") {
      const { tokenOrigins } = this.#proofs;
      const about = { what, subject, challenge, credentials, tokenOrigins, writes };
      return fetchToken(this.#http, { origin, path: path || undefined, ...about }, signal);
    }
    if (challenge?.kind !== "basic" || credentials?.kind !== "basic") return undefined;
    return { authorization: basicOf(credentials), expiresAt: Number.POSITIVE_INFINITY };
  }
}

/** The address of a place below a repository; below the registry itself where the path is empty. */
export function urlIn({ origin, path }: OciRepository, place: string): URL {
  return new URL(path === "" ? `${origin}/v2/${place}` : `${origin}/v2/${path}/${place}`);
}
