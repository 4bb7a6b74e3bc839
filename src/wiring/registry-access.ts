import { SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Registry } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { type Reference, type Referents, referenceKey } from "../plan/references.ts";
import type { Credentials, RegistryAccess } from "../source/access.ts";
import { parseDockerConfig } from "../source/docker-config.ts";

type Registries = ReadonlyMap<string, Registry>;
type SecretRef = { name: string };

/** `namespace/name`, the key of the hub's cache. */
export function registryKey({ metadata: { namespace, name } }: Pick<Registry, "metadata">): string {
  return `${namespace}/${name}`;
}

/**
 * The Registry that a name means in a namespace: the one there, else the one that Strata's own namespace shares with all.
 *
 * @param registries by `namespace/name`
 * @param namespace undefined for a SystemProfile, which has none
 * @returns else Failure ReferenceNotFound, or Conflict for one that hides a shared one
 */
export function registryNamed(registries: Registries, namespace: string | undefined, name: string): Registry | Failure {
  const own = namespace === undefined ? undefined : registries.get(`${namespace}/${name}`);
  if (own) return shadowFailure(own, registries) ?? own;
  const shared = registries.get(`${SYSTEM_NAMESPACE}/${name}`);
  if (shared) return shared;
  const there = namespace === undefined || namespace === SYSTEM_NAMESPACE ? "" : `in namespace ${namespace}, nor `;
  const sentence = `there is no Registry ${name} ${there}in ${SYSTEM_NAMESPACE}, whose Registries all share`;
  return new Failure("ReferenceNotFound", sentence);
}

/** A tenant's Registry must not stand for a shared one: who reads the name would take it for that. */
export function shadowFailure(registry: Registry, registries: Registries): Failure | undefined {
  const { namespace, name } = registry.metadata;
  if (namespace === SYSTEM_NAMESPACE || !registries.has(`${SYSTEM_NAMESPACE}/${name}`)) return undefined;
  const what = `Registry ${namespace}/${name} has the name of the shared Registry ${SYSTEM_NAMESPACE}/${name}`;
  return new Failure("Conflict", `${what}: give it another name, or delete it to use the shared one`);
}

/** Every Secret that a Registry refers to, each once. */
export function secretsOf(registry: Registry): Reference[] {
  const { secretRef, certSecretRef, verify } = registry.spec;
  const references = [secretRef, certSecretRef, verify?.secretRef].flatMap((ref) => referenceOf(registry, ref) ?? []);
  return [...new Map(references.map((reference) => [referenceKey(reference), reference])).values()];
}

/** Of a Registry that asks for signatures: which ones, or with which credentials, cannot be had. */
export class SignaturesUnknown extends Failure {}

/**
 * How to speak to a Registry, with what its Secrets hold now.
 *
 * @returns else Failure ReferenceNotFound (a Secret or a key is missing, or cannot be read) or InvalidSpec (a Secret holds
 * what cannot be used), which tells all problems and no value
 */
export function registryAccess(registry: Registry, referents: Referents): RegistryAccess | Failure | "reading" {
  const { type: kind, url, mirrors, tokenOrigins, secretRef, certSecretRef, verify } = registry.spec;
  const read = new SecretReader(registry, referents);
  const credentials = secretRef && read.take(secretRef, credentialsIn);
  const certificates = certSecretRef && read.take(certSecretRef, certificatesIn);
  const cosignKeys = verify && read.take(verify.secretRef, keysIn);
  const failure = read.failure();
  if (failure) return verify ? new SignaturesUnknown(failure.reason, failure.message) : failure;
  if (read.isReading) return "reading";
  return {
    kind,
    url,
    name: nameOf(registry),
    ...(mirrors ? { mirrors } : {}),
    ...(tokenOrigins ? { tokenOrigins } : {}),
    ...(credentials ? { credentials } : {}),
    ...certificates,
    ...(cosignKeys ? { verify: { cosignKeys } } : {}),
  };
}

function nameOf(registry: Registry): string {
  return `Registry ${registryKey(registry)}`;
}

function referenceOf({ metadata }: Registry, ref: SecretRef | undefined): Reference | undefined {
  return ref && { kind: "Secret", namespace: metadata.namespace, name: ref.name };
}

/** A Secret's texts by key, and how sentences call it. */
interface Secret {
  what: string;
  data: ReadonlyMap<string, string>;
}

type Taken<T> = { value: T } | { missing: string } | { wrong: string };

/** Reads the Secrets of one Registry, and gathers what is wrong with them. */
class SecretReader {
  isReading = false;
  readonly #missing: string[] = [];
  readonly #wrong: string[] = [];
  readonly #registry: Registry;
  readonly #referents: Referents;

  constructor(registry: Registry, referents: Referents) {
    this.#registry = registry;
    this.#referents = referents;
  }

  take<T>({ name }: SecretRef, from: (secret: Secret) => Taken<T>): T | undefined {
    const { namespace } = this.#registry.metadata;
    const what = `Secret ${namespace}/${name}`;
    const referent = this.#referents({ kind: "Secret", namespace, name });
    switch (referent.kind) {
      case "reading":
        this.isReading = true;
        return undefined;
      case "absent":
        this.#missing.push(`${what} does not exist`);
        return undefined;
      case "failed":
        this.#missing.push(`${what} cannot be read: ${referent.failure.message}`);
        return undefined;
      case "found":
        return this.#taken(from({ what, data: textsOf(referent.object) }));
    }
  }

  failure(): Failure | undefined {
    const problems = [...this.#missing, ...this.#wrong];
    if (problems.length === 0) return undefined;
    const reason = this.#missing.length > 0 ? "ReferenceNotFound" : "InvalidSpec";
    return new Failure(reason, `${nameOf(this.#registry)}: ${problems.join("; ")}`);
  }

  #taken<T>(taken: Taken<T>): T | undefined {
    if ("value" in taken) return taken.value;
    if ("missing" in taken) this.#missing.push(taken.missing);
    else this.#wrong.push(taken.wrong);
    return undefined;
  }
}

const DOCKER_CONFIG = ".dockerconfigjson";

function credentialsIn({ what, data }: Secret): Taken<Credentials> {
  const forms = [
    ["username", "password"].some((key) => data.has(key)) ? "username and password" : undefined,
    ...["bearerToken", DOCKER_CONFIG].filter((key) => data.has(key)),
  ].filter((form) => form !== undefined);
  if (forms.length > 1) return { wrong: `${what} has ${forms.join(", and ")}: keep one of them` };
  const config = data.get(DOCKER_CONFIG);
  if (config !== undefined) {
    const parsed = parseDockerConfig(config, `${what} key ${DOCKER_CONFIG}`);
    return parsed.ok ? { value: { kind: "docker", auths: parsed.value } } : { wrong: parsed.problems.join("; ") };
  }
  const token = lineIn(data, "bearerToken");
  if (token !== undefined) return { value: { kind: "bearer", token } };
  const [username, password] = [lineIn(data, "username"), lineIn(data, "password")];
  if (username && password !== undefined) return { value: { kind: "basic", username, password } };
  const wanted = `username and password, bearerToken, or ${DOCKER_CONFIG}`;
  return { missing: `${what} must have ${wanted}; ${keysOf(data)}` };
}

function certificatesIn({ what, data }: Secret): Taken<Pick<RegistryAccess, "ca" | "clientCertificate">> {
  const [ca, cert, key] = ["ca.crt", "tls.crt", "tls.key"].map((name) => data.get(name) || undefined);
  if ((cert === undefined) !== (key === undefined))
    return { missing: `${what} must have tls.crt and tls.key together; ${keysOf(data)}` };
  if (ca === undefined && cert === undefined)
    return { missing: `${what} must have ca.crt, or tls.crt and tls.key; ${keysOf(data)}` };
  const own = cert !== undefined && key !== undefined ? { clientCertificate: { cert, key } } : {};
  return { value: { ...(ca === undefined ? {} : { ca }), ...own } };
}

function keysIn({ what, data }: Secret): Taken<readonly string[]> {
  const pems = [...data].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pem]) => pem);
  return pems.length > 0 ? { value: pems } : { missing: `${what} has no key: nothing could ever be verified` };
}

/** Files end with a newline more often than not, and no user, password or token does. */
function lineIn(data: Secret["data"], key: string): string | undefined {
  return data.get(key)?.replace(/\r?\n$/, "");
}

function keysOf(data: Secret["data"]): string {
  return `it has ${[...data.keys()].sort().slice(0, 5).join(", ") || "no keys"}`;
}

function textsOf(secret: KubeObject): Map<string, string> {
  const data = (secret["data"] ?? {}) as Record<string, string>;
  return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]));
}
