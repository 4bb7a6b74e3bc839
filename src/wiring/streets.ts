import { isDeepStrictEqual } from "node:util";
import type { ProfileDeployment } from "../api/types.ts";
import type { Street } from "../plan/beside.ts";
import { clusterNameOf } from "../plan/targets.ts";
import type { Neighbour } from "../plan/turn.ts";
import { Groups } from "./groups.ts";
import type { Hub } from "./hub.ts";
import { profileOf, unreadProfileOf } from "./profile-of.ts";

/**
 * Which deployments come to one cluster. It may have several names, `local` or `namespace/name` of TargetClusters: they are one
 * once the cluster has told its uid, or had told it before it went away or Strata was started again.
 */
export class Streets {
  readonly #hub: Pick<Hub, "cache" | "linkOf" | "stateOf">;
  /** Deployments by the name of their cluster. */
  readonly #deployments = new Groups();
  /** Names by the uid of the cluster. */
  readonly #names = new Groups();

  constructor(hub: Pick<Hub, "cache" | "linkOf" | "stateOf">) {
    this.#hub = hub;
  }

  /** A deployment came, changed or went. Answers those of its cluster. */
  noticeDeployment(key: string): string[] {
    const deployment = this.#hub.cache.deployments.get(key);
    const name = deployment ? clusterNameOf(deployment) : this.#deployments.groupOf(key);
    this.#deployments.put(key, deployment && name);
    return name === undefined ? [] : this.membersOf(name);
  }

  /** A name leads to a cluster, to another one or to none, or that answers again or no more. Answers whose neighbours that concerns. */
  noticeCluster(name: string): string[] {
    const before = this.membersOf(name);
    this.#names.put(name, this.uidOf(name));
    return [...new Set([...before, ...this.membersOf(name)])];
  }

  /** Which cluster a name leads to. Of one that was not reached yet, its TargetCluster knows what it was before. */
  uidOf(name: string): string | undefined {
    return this.#hub.linkOf(name)?.uid || this.#hub.cache.targets.get(name)?.status?.uid || undefined;
  }

  /** The deployments on a cluster, by whatever name of it. */
  membersOf(name: string): string[] {
    const uid = this.#names.groupOf(name);
    const names = uid === undefined ? [name] : [...this.#names.members(uid)];
    return names.flatMap((one) => [...this.#deployments.members(one)]);
  }

  /** @param isTwin whether the profile of a deployment is brought to the cluster by another name of it */
  streetOf(key: string, own: Neighbour, isTwin: (key: string) => boolean): Street {
    const name = clusterNameOf(own.deployment);
    const { applyTo: side = "Workload" } = own.deployment.spec;
    let sibling: ProfileDeployment | undefined;
    const others: Neighbour[] = [];
    for (const other of this.membersOf(name)) {
      const neighbour = other === key ? undefined : this.#neighbour(other);
      if (!neighbour) continue;
      const { deployment } = neighbour;
      const at = clusterNameOf(deployment);
      if (at === name && isDeepStrictEqual(deployment.spec.profileRef, own.deployment.spec.profileRef))
        sibling = deployment;
      else if (deployment.spec.applyTo !== "Management")
        others.push({
          ...neighbour,
          isIdle: () => neighbour.isIdle?.() || this.#hub.stateOf(at).kind === "failing" || isTwin(other),
        });
    }
    return { own, side, sibling, others };
  }

  #neighbour(key: string): Neighbour | undefined {
    const { cache } = this.#hub;
    const deployment = cache.deployments.get(key);
    if (!deployment) return undefined;
    const profile = profileOf(deployment, cache);
    if (profile) return { profile, deployment };
    const unread = unreadProfileOf(deployment, cache);
    return unread && { profile: unread, deployment, isIdle: () => true };
  }
}
