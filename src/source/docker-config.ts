import { z } from "zod";
import type { Result } from "../objects/types.ts";

/** What a docker config JSON says about one host, or about a part of its repositories. */
export interface DockerAuth {
  /** `host[:port]`. */
  host: string;
  /** The entry is for repositories below this path; empty: for all. */
  path: string;
  credentials:
    | { kind: "basic"; username: string; password: string }
    /** A refresh token: the registry's token service changes it for a short-lived one. */
    | { kind: "identity"; token: string }
    | { kind: "bearer"; token: string };
}

const entry = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});

const config = z.looseObject({
  auths: z.record(z.string(), entry).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

const DOCKER_HUB = "registry-1.docker.io";
const DOCKER_HUB_NAMES = new Set(["docker.io", "index.docker.io", "hub.docker.com", DOCKER_HUB]);

/** Docker Hub's registry has another name than its site. */
export function registryHost(host: string): string {
  return DOCKER_HUB_NAMES.has(host) ? DOCKER_HUB : host;
}

/**
 * Reads a docker config JSON, as `docker login` writes it and Secrets of type `kubernetes.io/dockerconfigjson` hold it.
 * Problems name hosts, never what stands there.
 *
 * @param what names the text in problems: `Secret registry-login`
 */
export function parseDockerConfig(text: string, what: string): Result<DockerAuth[]> {
  const parsed = config.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map((key) => tellKey(String(key))) ?? [];
    const at = path.length === 0 ? "" : `, ${path.join(".")}`;
    return { ok: false, problems: [`${what}${at}: this is no docker config JSON`] };
  }
  const { auths = {}, credsStore, credHelpers } = parsed.data;
  const problems = [
    ...(credsStore === undefined ? [] : ["credsStore"]),
    ...(credHelpers === undefined ? [] : ["credHelpers"]),
  ].map((key) => `${what}: ${key} names a program, which Strata does not run: put the credentials into auths`);
  const read: DockerAuth[] = [];
  for (const [key, value] of Object.entries(auths)) {
    const auth = authOf(key, value);
    if (typeof auth === "string") problems.push(`${what}, auths["${tellKey(key)}"]: ${auth}`);
    else read.push(auth);
  }
  if (problems.length === 0 && read.length === 0) problems.push(`${what}: it has no auths`);
  return problems.length === 0 ? { ok: true, value: read } : { ok: false, problems };
}

/** The credentials for a repository of a host: those of the longest path. */
export function dockerAuthFor(
  auths: readonly DockerAuth[],
  host: string,
  path: string,
): DockerAuth["credentials"] | undefined {
  return auths
    .filter((auth) => auth.host === host && (auth.path === "" || `${path}/`.startsWith(`${auth.path}/`)))
    .sort((a, b) => b.path.length - a.path.length)[0]?.credentials;
}

function authOf(key: string, value: z.infer<typeof entry>): DockerAuth | string {
  const place = placeOf(key);
  const credentials = credentialsOf(value);
  if (place === undefined) return "a host must stand here; patterns are not supported";
  return typeof credentials === "string" ? credentials : { ...place, credentials };
}

/** A key for people: whatever stands in the place of a user and a password is none of theirs. */
function tellKey(key: string): string {
  return key.length > 253 || key.includes("@") ? "…" : key;
}

/** Keys are `host`, `host:port`, `host/path`, or what old versions of docker wrote: `https://host/v1/`. */
function placeOf(key: string): Pick<DockerAuth, "host" | "path"> | undefined {
  const url = key.includes("*") ? null : URL.parse(/^https?:\/\//.test(key) ? key : `https://${key}`);
  if (url === null || url.username !== "") return undefined;
  const path = url.pathname.replace(/^\/(?:v[12]\/?$)?|\/$/g, "");
  return { host: registryHost(url.host), path };
}

function credentialsOf(value: z.infer<typeof entry>): DockerAuth["credentials"] | string {
  const { auth, identitytoken, registrytoken } = value;
  if (registrytoken) return { kind: "bearer", token: registrytoken };
  if (identitytoken) return { kind: "identity", token: identitytoken };
  const [username, password] = auth ? pairOf(auth) : [value.username, value.password];
  if (!username || password === undefined) return "it needs auth (base64 of user:password) or an identitytoken";
  return { kind: "basic", username, password };
}

function pairOf(auth: string): [string | undefined, string | undefined] {
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon === -1) return [undefined, undefined];
  // Some writers end the text with zero bytes.
  const [password = ""] = text.slice(colon + 1).split("\0", 1);
  return [text.slice(0, colon), password];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
