import type { Reference, Referent } from "../plan/references.ts";
import type { KubeClient } from "./client.ts";
import type { Identity } from "./identity.ts";
import { coreResource, type Resource } from "./resource.ts";
import { NamedWatches } from "./site/named-watches.ts";

const RESOURCES: Readonly<Record<Reference["kind"], Resource>> = {
  ConfigMap: coreResource("ConfigMap", "configmaps", true),
  Secret: coreResource("Secret", "secrets", true),
};

export interface ReferenceOptions {
  hub: KubeClient;
  /** A referenced object changed; `owner` is the profile that refers to it. */
  onChange(): void;
  onError(error: unknown): void;
}

/**
 * Watches the ConfigMaps and Secrets that profiles refer to, each by its name, as the identity that the profile may use: who
 * can write a profile must not read by it what that identity cannot.
 */
export class ReferenceWatches {
  readonly #options: ReferenceOptions;
  readonly #byIdentity = new Map<string, NamedWatches>();

  constructor(options: ReferenceOptions) {
    this.#options = options;
  }

  /** Replaces what a profile refers to; an empty list ends it. `identity` is undefined for Strata's own. */
  want(owner: string, identity: Identity | undefined, references: readonly Reference[]): void {
    const own = this.#watches(identity);
    for (const watches of this.#byIdentity.values()) if (watches !== own) watches.want(owner, []);
    own.want(
      owner,
      references.map((reference) => ({ ...refOf(reference), resource: RESOURCES[reference.kind] })),
    );
  }

  get(identity: Identity | undefined, reference: Reference): Referent {
    const watches = this.#watches(identity);
    const object = watches.get(refOf(reference));
    if (typeof object === "object") return { kind: "found", object };
    if (object === "absent") return { kind: "absent" };
    const failure = watches.failure(refOf(reference));
    return failure ? { kind: "failed", failure } : { kind: "reading" };
  }

  close(): void {
    for (const watches of this.#byIdentity.values()) watches.close();
  }

  #watches(identity: Identity | undefined): NamedWatches {
    const key = identity?.user ?? "";
    const known = this.#byIdentity.get(key);
    if (known) return known;
    const { hub, onChange, onError } = this.#options;
    const watches = new NamedWatches({ client: identity ? hub.asUser(identity) : hub, onChange, onError });
    this.#byIdentity.set(key, watches);
    return watches;
  }
}

function refOf({ kind, namespace, name }: Reference): {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
} {
  return { group: "", version: "v1", kind, namespace, name };
}
