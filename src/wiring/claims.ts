import type { Heir } from "../apply/context.ts";
import type { ApplySet, ProfileIdentity } from "../membership/applyset.ts";
import { outranks } from "../membership/judge.ts";
import { describeRef } from "../objects/identity.ts";
import { isOneCluster, type Reached } from "./one-cluster.ts";

/** What one deployment waits for on a cluster, because others have it. */
interface Claims {
  cluster: Reached;
  set: ApplySet;
  profile: ProfileIdentity;
  /** The layer that wants it, by the key of the object or of the Helm release. */
  layers: ReadonlyMap<string, string>;
  /** Keys of what it is yet to try to write. */
  intents?: (() => ReadonlySet<string>) | undefined;
}

/** Who waits for what: an owner that gives something up hands it over to them instead of deleting it. */
export class ClaimBook {
  readonly #claims = new Map<string, Claims>();

  /** Replaces what a deployment waits for. Answers whether something is among it that it did not wait for before. */
  set(deployment: string, claims: Claims): boolean {
    const before = this.#claims.get(deployment)?.layers;
    if (claims.layers.size > 0 || claims.intents) this.#claims.set(deployment, claims);
    else this.#claims.delete(deployment);
    return claims.layers.keys().some((key) => !before?.has(key));
  }

  delete(deployment: string): void {
    this.#claims.delete(deployment);
  }

  /**
   * Who gets an object that `owner` gives up: the highest tier, and of one tier the first by name. Only who was refused the
   * object by a write of its own has a claim, so that none gets what it may not write.
   */
  heirOf(key: string, { cluster, set }: Pick<Claims, "cluster" | "set">): Heir | undefined {
    const heirs = this.#others({ cluster, set })
      .filter((claims) => claims.layers.has(key))
      .toSorted((a, b) => order(a.profile, b.profile));
    const [first] = heirs;
    const layer = first?.layers.get(key);
    if (!first || layer === undefined) return undefined;
    return { set: first.set, layer, profile: describeRef(first.profile) };
  }

  /** Whether another profile is about to write what `owner` gives up: until it has tried, nobody knows whether it may. */
  isIntended(key: string, owner: Pick<Claims, "cluster" | "set">): boolean {
    return this.#others(owner).some(({ intents }) => intents?.().has(key) === true);
  }

  #others({ cluster, set }: Pick<Claims, "cluster" | "set">): Claims[] {
    const isNeighbour = (claims: Claims) => claims.set.id !== set.id && isOneCluster(claims.cluster, cluster);
    return [...this.#claims.values()].filter(isNeighbour);
  }
}

function order(a: ProfileIdentity, b: ProfileIdentity): number {
  if (outranks(a.kind, textOf(b))) return -1;
  return outranks(b.kind, textOf(a)) ? 1 : textOf(a).localeCompare(textOf(b));
}

function textOf({ kind, namespace = "", name }: ProfileIdentity): string {
  return `${kind}/${namespace}/${name}`;
}
