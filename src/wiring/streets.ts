import { isDeepStrictEqual } from "node:util";
import { LOCAL_CLUSTER } from "../api/names.ts";
import type { ClusterRef, Profile, ProfileDeployment } from "../api/types.ts";
import type { Street } from "../plan/beside.ts";
import { clusterNameOf } from "../plan/targets.ts";
import type { Neighbour } from "../plan/turn.ts";
import { profileKeyOf } from "../reconcile/profile.ts";
import { heldSince, wasLeaving } from "../reconcile/unmatches.ts";
import { Groups } from "./groups.ts";
import type { Hub } from "./hub.ts";
import { profileOf, unreadProfileOf } from "./profile-of.ts";
import { goesTo } from "./reach.ts";

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
    return this.#namesOf(name).flatMap((one) => [...this.#deployments.members(one)]);
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
    return { own, side, sibling, others, absent: () => this.#absentFrom(name) };
  }

  #namesOf(name: string): string[] {
    const uid = this.#names.groupOf(name);
    return uid === undefined ? [name] : [...this.#names.members(uid)];
  }

  /** The ClusterProfiles that go to a cluster and have no deployment there: theirs is being made, for the first time or again. */
  #absentFrom(name: string): Profile[] {
    const { cache } = this.#hub;
    const present = new Set(this.membersOf(name).flatMap((one) => this.#profileKeyOf(one) ?? []));
    const refs = this.#namesOf(name).map(refOf);
    const absent = cache.profileKeys().filter((key) => key.startsWith("ClusterProfile/") && !present.has(key));
    return absent
      .flatMap((key) => cache.profile(key) ?? [])
      .filter((profile) => !profile.metadata.deletionTimestamp && refs.some((ref) => goesTo(profile, ref, cache)));
  }

  #profileKeyOf(key: string): string | undefined {
    const deployment = this.#hub.cache.deployments.get(key);
    return deployment && deployment.spec.applyTo !== "Management" ? profileKeyOf(deployment) : undefined;
  }

  #neighbour(key: string): Neighbour | undefined {
    const { cache } = this.#hub;
    const deployment = cache.deployments.get(key);
    if (!deployment) return undefined;
    const profile = profileOf(deployment, cache);
    if (profile) return { profile, deployment, isMadeAgain: () => this.#isMadeAgain(profile, deployment) };
    const unread = unreadProfileOf(deployment, cache);
    return unread && { profile: unread, deployment, isIdle: () => true, isMadeAgain: () => true };
  }

  /** By hand nobody takes a deployment from a cluster that the profile goes to, or that its brake holds. */
  #isMadeAgain(profile: Profile, deployment: ProfileDeployment): boolean {
    const since = heldSince(profile);
    const isHeld = since !== undefined && !wasLeaving(deployment, since);
    return isHeld || goesTo(profile, deployment.spec.clusterRef, this.#hub.cache);
  }
}

function refOf(name: string): ClusterRef {
  if (name === LOCAL_CLUSTER) return { name };
  const [namespace = "", cluster = ""] = name.split("/");
  return { namespace, name: cluster };
}
