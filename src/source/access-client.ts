import { LRUCache } from "lru-cache";
import { Failure } from "../errors.ts";
import type { AddressCheck } from "../text/addresses.ts";
import { accessKey, type RegistryAccess, urlOf } from "./access.ts";
import { HttpClient } from "./http/http-client.ts";
import { HttpRepositories, type IndexCache } from "./http-repository.ts";
import { OciClient } from "./oci/oci-client.ts";
import { Proofs } from "./oci/proofs.ts";
import { publicKeys, type SignatureKey } from "./oci/signature-keys.ts";

export interface ClientOptions {
  plainHttp: ReadonlySet<string>;
  check: AddressCheck;
  indexes: IndexCache;
}

/** One address of a registry that may be asked. */
export interface Place {
  /** As it is written. */
  address: string;
  url: URL;
  /** Where it says `https://` or `http://` itself. */
  scheme?: string;
}

/** A registry's access at work: its connections, tokens and what was verified for it. */
export class AccessClient implements AsyncDisposable {
  readonly access: RegistryAccess;
  /** Equal for equal accesses; to be kept in memory only. */
  readonly key: string;
  readonly http: HttpClient;
  readonly oci: OciClient;
  readonly repositories: HttpRepositories;
  readonly proofs: Proofs;
  /** Mirrors in their order, and the registry itself at the end. */
  readonly places: readonly Place[];
  /** One of them must have signed what is fetched; empty where nothing has to be signed. */
  readonly keys: readonly SignatureKey[];
  /** Manifests (`path@digest`) whose signature was found good. */
  readonly verified = new LRUCache<string, true>({ max: 1000 });

  /** @throws Failure InvalidSpec: addresses, certificates, keys, or credentials that cannot be */
  constructor(access: RegistryAccess, { plainHttp, check, indexes }: ClientOptions) {
    const { kind, url, mirrors = [], verify, clientCertificate: own } = access;
    this.access = access;
    this.key = accessKey(access);
    this.places = [...mirrors, url].map((address) => placeAt(access, address));
    this.http = new HttpClient({
      plainHttp,
      check,
      ca: access.ca,
      unencrypted: access.unencrypted === true,
      caller: access.name,
      ...(own === undefined ? {} : { clientCertificate: { ...own, origin: urlOf(access, url).origin } }),
    });
    this.proofs = new Proofs(access);
    this.oci = new OciClient(this.http, this.proofs);
    this.repositories = new HttpRepositories(this.http, this.proofs, { indexes, key: this.key });
    this.keys = verify === undefined ? [] : publicKeys(verify.cosignKeys, access.name ?? url);
    if (verify !== undefined && kind !== "OCI") {
      throw new Failure("InvalidSpec", `only what is in an OCI registry can have a signature to verify, not ${url}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http[Symbol.asyncDispose]();
  }
}

function placeAt(access: RegistryAccess, address: string): Place {
  const [, scheme] = /^(https?:)\/\//.exec(address) ?? [];
  return { address, url: urlOf(access, address), ...(scheme === undefined ? {} : { scheme }) };
}
