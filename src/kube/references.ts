import { Failure } from "../errors.ts";
import type { GroupVersionKind } from "../objects/types.ts";
import { FLUX_GROUP, type FluxKind, isFluxKind } from "../plan/flux-artifact.ts";
import type { Reference, Referent } from "../plan/references.ts";
import type { KubeClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import { FluxKinds } from "./flux-kinds.ts";
import type { Identity } from "./identity.ts";
import { CONFIG_MAPS, type Resource, SECRETS } from "./resource.ts";
import { NamedWatches } from "./site/named-watches.ts";

const RESOURCES: Readonly<Record<Exclude<Reference["kind"], FluxKind>, Resource>> = {
  ConfigMap: CONFIG_MAPS,
  Secret: SECRETS,
};

export interface ReferenceOptions {
  hub: KubeClient;
  /** A referenced object changed; `owners` refer to it. */
  onChange(owners: ReadonlySet<string>): void;
  onError(error: unknown): void;
  clock?: Clock;
}

interface Wanted {
  watches: NamedWatches;
  references: readonly Reference[];
}

/**
 * Watches the ConfigMaps, Secrets and Flux sources that profiles and Registries refer to, each by its name, as the identity
 * that they may use: who can write a profile must not read by it what that identity cannot.
 */
export class ReferenceWatches {
  readonly #options: ReferenceOptions;
  readonly #byIdentity = new Map<string, NamedWatches>();
  readonly #fluxKinds: FluxKinds;
  /** What each owner refers to; only of owners with a Flux source among it, whose kinds are not always served. */
  readonly #withFlux = new Map<string, Wanted>();

  constructor(options: ReferenceOptions) {
    this.#options = options;
    const { hub, clock } = options;
    this.#fluxKinds = new FluxKinds({ hub, onChange: () => this.#onKinds(), ...(clock ? { clock } : {}) });
  }

  /** Replaces what an owner refers to; an empty list ends it. `identity` is undefined for Strata's own. */
  want(owner: string, identity: Identity | undefined, references: readonly Reference[]): void {
    const own = this.#watches(identity);
    for (const watches of this.#byIdentity.values()) if (watches !== own) watches.want(owner, []);
    const hadFlux = this.#withFlux.delete(owner);
    const wanted = { watches: own, references };
    const hasFlux = references.some(({ kind }) => isFluxKind(kind));
    if (hasFlux) this.#withFlux.set(owner, wanted);
    if (hasFlux || hadFlux) this.#wantKinds();
    this.#watch(owner, wanted);
  }

  get(identity: Identity | undefined, reference: Reference): Referent {
    const resource = this.#resourceOf(reference);
    if (resource === undefined) return { kind: "reading" };
    if (resource instanceof Failure) {
      const { kind, namespace, name } = reference;
      return {
        kind: "failed",
        failure: new Failure(resource.reason, `${kind} ${namespace}/${name}: ${resource.message}`),
      };
    }
    const watches = this.#watches(identity);
    const ref = refOf(reference, resource);
    const object = watches.get(ref);
    if (typeof object === "object") return { kind: "found", object };
    if (object === "absent") return { kind: "absent" };
    const failure = watches.failure(ref);
    return failure ? { kind: "failed", failure } : { kind: "reading" };
  }

  close(): void {
    this.#fluxKinds.close();
    for (const watches of this.#byIdentity.values()) watches.close();
  }

  #watches(identity: Identity | undefined): NamedWatches {
    const key = identity?.user ?? "";
    const known = this.#byIdentity.get(key);
    if (known) return known;
    const { hub, onError } = this.#options;
    const watches = new NamedWatches({
      client: identity ? hub.asUser(identity) : hub,
      onChange: (owners) => this.#onObject(owners),
      onError,
    });
    this.#byIdentity.set(key, watches);
    return watches;
  }

  #watch(owner: string, { watches, references }: Wanted): void {
    const refs = references.flatMap((reference) => {
      const resource = this.#resourceOf(reference);
      return resource && !(resource instanceof Failure) ? [{ ...refOf(reference, resource), resource }] : [];
    });
    watches.want(owner, refs);
  }

  #onObject(owners: ReadonlySet<string>): void {
    for (const owner of owners) this.#doubtKinds(owner);
    this.#options.onChange(owners);
  }

  /** Flux takes old versions of its kinds away: who watches one goes on with the version that is served now. */
  #doubtKinds(owner: string): void {
    const { watches, references = [] } = this.#withFlux.get(owner) ?? {};
    for (const reference of references) {
      const resource = this.#resourceOf(reference);
      if (!isFluxKind(reference.kind) || !resource || resource instanceof Failure) continue;
      if (watches?.failure(refOf(reference, resource))?.reason === "KindNotFound")
        this.#fluxKinds.doubt(reference.kind);
    }
  }

  #onKinds(): void {
    for (const [owner, wanted] of this.#withFlux) this.#watch(owner, wanted);
    this.#options.onChange(new Set(this.#withFlux.keys()));
  }

  #wantKinds(): void {
    const kinds = [...this.#withFlux.values()].flatMap(({ references }) => references.map(({ kind }) => kind));
    this.#fluxKinds.want(new Set(kinds.filter(isFluxKind)));
  }

  #resourceOf({ kind }: Reference): Resource | Failure | undefined {
    return isFluxKind(kind) ? this.#fluxKinds.get(kind) : RESOURCES[kind];
  }
}

function refOf(
  { kind, namespace, name }: Reference,
  { version }: Resource,
): GroupVersionKind & { namespace: string; name: string } {
  return { group: isFluxKind(kind) ? FLUX_GROUP : "", version, kind, namespace, name };
}
