import { Failure } from "../errors.ts";
import { sha256Hex } from "../objects/digest.ts";
import type { DockerAuth } from "./docker-config.ts";

/** What proves to a registry who asks. It goes to the origin of the registry's `url` and nowhere else. */
export type Credentials =
  | { kind: "basic"; username: string; password: string }
  | { kind: "bearer"; token: string }
  /** Of a docker config JSON (`parseDockerConfig`): the entry of a host goes to that host, the mirrors' included. */
  | { kind: "docker"; auths: readonly DockerAuth[] };

/**
 * A registry and how to speak to it. `Helm`: charts listed by an `index.yaml`. `OCI`: charts, packs and artifacts in an
 * OCI registry. `Pack`: packed pack folders listed by an `index.yaml` of the same form.
 */
export interface RegistryAccess {
  kind: "Helm" | "OCI" | "Pack";
  /** `https://host/path`; of an OCI registry also `oci://host/path`, which on loopback means no TLS. */
  url: string;
  /** How people call it, for sentences: `Registry acme/private`. */
  name?: string;
  /** The folder of an OCI registry below `url`. */
  basePath?: string;
  credentials?: Credentials;
  /** Certificates (PEM) that are trusted beside those of the system. */
  ca?: string;
  /** Certificate and key (PEM) that prove to the origin of `url` who asks. */
  clientCertificate?: { cert: string; key: string };
  /** Addresses of the form of `url`, asked in this order before it. */
  mirrors?: readonly string[];
  /** What must be signed: by one of these public keys (PEM), as `cosign sign --key` does. Of an OCI registry only. */
  verify?: { cosignKeys: readonly string[] };
  /**
   * Origins (`https://sso.example.com`) that may be sent the user and password for a token, beside the registry itself
   * and those that are known to belong to it.
   */
  tokenOrigins?: readonly string[];
  /** True where `http://` will do: nothing secret is sent, and the digest of what comes is known from elsewhere. */
  unencrypted?: boolean;
}

const OCI = "oci://";

/** A place to get things from: an address alone (anonymous, of either form) or a registry. */
export function accessOf(registry: string | RegistryAccess): RegistryAccess {
  if (typeof registry !== "string") return registry;
  return { kind: registry.startsWith(OCI) ? "OCI" : "Helm", url: registry };
}

/** Equal for equal accesses, and for no other; to be kept in memory only. */
export function accessKey(access: RegistryAccess): string {
  return sha256Hex(JSON.stringify(sorted(access)));
}

/**
 * The URL of an address of a registry; an OCI registry's with `https:`.
 *
 * @throws Failure InvalidSpec
 */
export function urlOf({ kind }: Pick<RegistryAccess, "kind">, address: string): URL {
  const text = kind === "OCI" && address.startsWith(OCI) ? `https://${address.slice(OCI.length)}` : address;
  const url = URL.parse(text);
  if (url === null || url.host === "") {
    throw new Failure("InvalidSpec", "the address of a registry must begin with https:// or oci://");
  }
  if (url.username !== "" || url.password !== "") {
    throw new Failure("InvalidSpec", `the address of ${url.host} must not contain a user or a password`);
  }
  return url;
}

/** How sentences call the place that was asked: never with a query, which may hold a signature, or with a user. */
export function placeOf(address: string): string {
  const [plain = ""] = address.split(/[?#]/);
  return plain.replace(/^([a-z]+:\/\/)[^/@]*@/i, "$1");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
