import { z } from "zod";
import { Failure } from "../../errors.ts";
import type { DockerAuth } from "../docker-config.ts";
import type { HttpAnswer, HttpClient } from "../http/http-client.ts";
import { callName } from "../http/http-failures.ts";
import type { Subject } from "../subject.ts";
import type { Challenge } from "./challenge.ts";

const MAX_TOKEN_BYTES = 256 * 1024;
/** What the token specification of registries says when an answer does not tell. */
const DEFAULT_SECONDS = 60;
/** A token is renewed a little early, so that it does not end on its way. */
const MARGIN_SECONDS = 10;

const tokenAnswer = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

export interface Token {
  /** The value of the `Authorization` header. */
  authorization: string;
  /** On the clock of `performance.now()`. */
  expiresAt: number;
}

/** Token services of public registries that have an origin of their own. */
const KNOWN_REALMS: Record<string, string> = {
  "https://registry-1.docker.io": "https://auth.docker.io",
  "https://registry.gitlab.com": "https://gitlab.com",
};

/** What was shown to a registry, in words. */
export function proofOf(credentials: DockerAuth["credentials"] | undefined): string | undefined {
  if (credentials === undefined) return undefined;
  return { basic: "user and password", identity: "identity token", bearer: "token" }[credentials.kind];
}

export interface TokenRequest {
  /** Of the registry that sent the challenge. */
  origin: string;
  /** Path of the repository in the registry; undefined when the registry as a whole is asked. */
  path: string | undefined;
  what: string;
  subject: Subject;
  challenge: Extract<Challenge, { kind: "bearer" }>;
  credentials: DockerAuth["credentials"] | undefined;
  /** Origins that may be sent the credentials, beside `origin`. */
  tokenOrigins: readonly string[];
  /** True for a token to write with: the challenge to a reading request asks for less. */
  writes?: boolean;
}

/**
 * A token to read one repository with, or to write into it (the token flow of OCI registries): for nobody in particular, or for the one whom
 * the credentials name.
 *
 * Whoever answers for a registry chooses the address of its token service (`realm`), so that credentials go there only if
 * it is the registry itself, the known token service of a public one, or an origin that the Registry lists.
 *
 * @throws Failure SourceUnauthorized, SourceUnavailable, InvalidSpec (a realm that may not be asked)
 */
export async function fetchToken(http: HttpClient, asked: TokenRequest, signal: AbortSignal): Promise<Token> {
  const { challenge, credentials, what, subject } = asked;
  if (credentials !== undefined) checkRealm(asked, http.caller);
  const scope = scopeOf(asked);
  const parameters = {
    ...(challenge.service === undefined ? {} : { service: challenge.service }),
    ...(scope === undefined ? {} : { scope }),
  };
  const answer = await askRealm(http, { ...asked, parameters }, signal);
  const proof = proofOf(credentials);
  if (answer.status === 400 && proof !== undefined) {
    // What OAuth answers to a refresh token that is not valid any more.
    throw http.failureOf({ ...answer, status: 401 }, { what, subject, proof });
  }
  if (answer.status !== 200) throw http.failureOf(answer, { what: `a token for ${what}`, subject, proof });
  const parsed = tokenAnswer.safeParse(jsonOf(answer.body));
  const token = parsed.data?.token ?? parsed.data?.access_token;
  if (!token || !isHeaderText(token)) {
    throw new Failure("SourceUnavailable", `${answer.url.host} answers without a token for ${what}`);
  }
  const seconds = Math.max(0, (parsed.data?.expires_in ?? DEFAULT_SECONDS) - MARGIN_SECONDS);
  return { authorization: `Bearer ${token}`, expiresAt: performance.now() + seconds * 1000 };
}

function scopeOf({ challenge, path, writes }: TokenRequest): string | undefined {
  if (path === undefined) return challenge.scope;
  return writes ? `repository:${path}:pull,push` : (challenge.scope ?? `repository:${path}:pull`);
}

async function askRealm(
  http: HttpClient,
  { challenge, credentials, parameters, subject }: TokenRequest & { parameters: Record<string, string> },
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const url = new URL(challenge.realm);
  const request = { url, what: "the token", subject, maxBytes: MAX_TOKEN_BYTES };
  if (credentials?.kind === "identity") {
    const refresh = { grant_type: "refresh_token", refresh_token: credentials.token, client_id: "strata" };
    return http.send({ ...request, form: new URLSearchParams({ ...parameters, ...refresh }) }, signal);
  }
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  const authorization = credentials?.kind === "basic" ? basicOf(credentials) : undefined;
  return http.send({ ...request, url, authorization }, signal);
}

function checkRealm({ challenge, origin, tokenOrigins }: TokenRequest, caller: string | undefined): void {
  const realm = challenge.realm.origin;
  if (realm === origin || KNOWN_REALMS[origin] === realm || tokenOrigins.includes(realm)) return;
  const host = new URL(origin).host;
  const remedy = `list ${realm} in the Registry's tokenOrigins if that is right`;
  throw new Failure(
    "SourceUnauthorized",
    `${callName(host, caller)} wants its credentials to be sent to ${realm}: ${remedy}`,
  );
}

export function basicOf({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** True for a text that may stand in a header. */
export function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** Undefined when the bytes are no JSON. */
export function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8"));
  } catch {
    return undefined;
  }
}
