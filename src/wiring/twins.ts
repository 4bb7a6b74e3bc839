import { isDeepStrictEqual } from "node:util";
import type { ProfileDeployment } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { clusterNameOf } from "../plan/targets.ts";
import type { DeploymentFacts } from "../reconcile/ports.ts";
import type { Hub } from "./hub.ts";
import { isOfOneOwner, isOneCluster, type Reached } from "./one-cluster.ts";
import { profileOf } from "./profile-of.ts";
import type { Streets } from "./streets.ts";

/**
 * The deployments of one profile on one physical cluster, which has several names: the first of them brings the profile, the
 * others wait. What tells is the uid, also one that the cluster had told before it was away or Strata was started again:
 * nothing is deleted because a name takes its time to connect. What makes a cluster is of one name.
 */
export class Twins {
  readonly #hub: Pick<Hub, "cache" | "hasNoSecret" | "linkOf">;
  readonly #streets: Pick<Streets, "membersOf" | "uidOf">;
  /** Who could not be told whether it has an heir. */
  readonly #unsure = new Set<string>();

  constructor(hub: Pick<Hub, "cache" | "hasNoSecret" | "linkOf">, streets: Pick<Streets, "membersOf" | "uidOf">) {
    this.#hub = hub;
    this.#streets = streets;
  }

  /** The cluster, by its other name, whose deployment of the same profile brings it there. */
  twinOf(key: string): string | undefined {
    const own = this.#hub.cache.deployments.get(key);
    if (!own) return undefined;
    const [first] = this.#streets
      .membersOf(clusterNameOf(own))
      .flatMap((other) => this.#hub.cache.deployments.get(other) ?? [])
      .filter((other) => rankOf(other) < rankOf(own) && this.#isTwin(other, own) && this.#isThere(other, own))
      .sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));
    return first && clusterNameOf(first);
  }

  /** Whether another deployment of the profile is on the same cluster, and stays; or why that is not known. */
  hasHeir(key: string): ReturnType<DeploymentFacts["hasHeir"]> {
    const heir = this.#heirOf(key);
    if (heir instanceof Failure) this.#unsure.add(key);
    else this.#unsure.delete(key);
    return heir;
  }

  forget(key: string): void {
    this.#unsure.delete(key);
  }

  /** Whom each sign of a cluster concerns, and each deployment that goes: those that wait to know whether they have an heir. */
  get unsure(): readonly string[] {
    return [...this.#unsure];
  }

  #heirOf(key: string): ReturnType<DeploymentFacts["hasHeir"]> {
    const own = this.#hub.cache.deployments.get(key);
    if (!own || this.#reached(clusterNameOf(own)).uid === undefined) return "no";
    let silent: string | undefined;
    for (const [other, deployment] of this.#hub.cache.deployments) {
      if (other === key || deployment.metadata.deletionTimestamp || !this.#isTwin(deployment, own)) continue;
      if (this.#isThere(deployment, own)) return "yes";
      const name = clusterNameOf(deployment);
      const isSilent = this.#streets.uidOf(name) === undefined && isOfOneOwner(name, clusterNameOf(own));
      if (isSilent && this.#mayBeThere(name)) silent ??= name;
    }
    if (silent === undefined) return "no";
    const what = `TargetCluster ${silent} has not answered yet and may be this cluster by another name`;
    return new Failure("Conflict", `${what}: mend it, or delete it`);
  }

  /** Of the same profile, for the cluster itself, and none that somebody made up. */
  #isTwin(other: ProfileDeployment, { spec }: ProfileDeployment): boolean {
    if (other.spec.applyTo === "Management" || spec.applyTo === "Management") return false;
    return isDeepStrictEqual(other.spec.profileRef, spec.profileRef) && profileOf(other, this.#hub.cache) !== undefined;
  }

  /** Whether a deployment is on the cluster of another one. */
  #isThere(one: ProfileDeployment, other: ProfileDeployment): boolean {
    return isOneCluster(this.#reached(clusterNameOf(one)), this.#reached(clusterNameOf(other)));
  }

  #reached(name: string): Reached {
    return { name, uid: this.#streets.uidOf(name), server: this.#hub.linkOf(name)?.client.server };
  }

  /** A cluster that Cluster API has yet to make is none that runs already. */
  #mayBeThere(name: string): boolean {
    const { targets, unreadableTargets } = this.#hub.cache;
    if (unreadableTargets.has(name)) return true;
    const target = targets.get(name);
    return target !== undefined && !(target.spec.connection.clusterAPIRef && this.#hub.hasNoSecret(name));
  }
}

/** Sorts by the cluster's name, then by its namespace: a space goes before all that names are made of. */
function rankOf({ spec: { clusterRef } }: ProfileDeployment): string {
  return `${clusterRef.name} ${clusterRef.namespace ?? ""}`;
}
