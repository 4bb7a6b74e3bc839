import { z } from "zod";
import { Failure } from "../errors.ts";
import type { HttpClient } from "./http-client.ts";
import { failureOfStatus } from "./http-failures.ts";

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
  authorization: string;
  /** On the clock of `performance.now()`. */
  expiresAt: number;
}

/** The parameters of `Bearer realm="…",service="…"`; undefined for any other challenge. */
function parametersOf(challenge: string | string[] | undefined): Record<string, string> | undefined {
  const text = Array.isArray(challenge) ? challenge.find((one) => /^bearer /i.test(one)) : challenge;
  if (text === undefined || !/^bearer /i.test(text)) return undefined;
  return Object.fromEntries(
    [...text.matchAll(/([a-z_]+)="([^"]*)"/gi)].map(([, key = "", value = ""]) => [key, value]),
  );
}

interface Challenged {
  host: string;
  /** Path of the repository in the registry. */
  path: string;
  challenge: string | string[] | undefined;
}

/**
 * Gets the anonymous token that a public registry wants to see.
 *
 * @throws Failure ChartNotFound when the registry wants a user, SourceUnavailable
 */
export async function anonymousToken(http: HttpClient, asked: Challenged, signal: AbortSignal): Promise<Token> {
  const { host, path, challenge } = asked;
  const { realm, service, scope } = parametersOf(challenge) ?? {};
  const url = realm === undefined ? null : URL.parse(realm);
  if (url === null) {
    const remedy = "private registries are not supported yet by this version of Strata";
    throw new Failure("ChartNotFound", `${host} wants a user and a password for ${path}: ${remedy}`);
  }
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", scope ?? `repository:${path}:pull`);
  const answer = await http.get({ url, what: "the token", maxBytes: MAX_TOKEN_BYTES }, signal);
  if (answer.status !== 200) throw failureOfStatus(answer, `a token for ${path}`);
  const parsed = tokenAnswer.safeParse(jsonOf(answer.body));
  const token = parsed.data?.token ?? parsed.data?.access_token;
  if (token === undefined) throw new Failure("SourceUnavailable", `${url.host} answers without a token for ${path}`);
  const seconds = Math.max(0, (parsed.data?.expires_in ?? DEFAULT_SECONDS) - MARGIN_SECONDS);
  return { authorization: `Bearer ${token}`, expiresAt: performance.now() + seconds * 1000 };
}

/** Undefined when the bytes are no JSON. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
