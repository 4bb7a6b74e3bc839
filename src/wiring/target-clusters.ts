import { LOCAL_CLUSTER } from "../api/names.ts";
import type { ProfileDeployment, TargetCluster } from "../api/types.ts";
import { addFinalizer, removeFinalizer } from "../kube/hub/finalizer.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { isDeploymentOf } from "../plan/targets.ts";
import type { TargetPorts } from "../reconcile/ports.ts";
import { profileKey } from "../reconcile/profile.ts";
import type { Hub } from "./hub.ts";

/** Fits the hub to what the story of a TargetCluster needs. */
export class TargetWiring implements TargetPorts {
  readonly #hub: Hub;
  /** The deployments on each TargetCluster, and the other way round. */
  readonly #users = new Map<string, Set<string>>();
  readonly #places = new Map<string, string>();

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  observe(key: string): ReturnType<TargetPorts["observe"]> {
    const target = this.#hub.cache.targets.get(key);
    if (!target) return undefined;
    const users = [...(this.#users.get(key) ?? [])].map((user) => this.#hub.cache.deployments.get(user));
    return { target, isInUse: users.some((user) => user !== undefined && this.#isOurs(user)) };
  }

  async addFinalizer({ metadata }: TargetCluster, signal: AbortSignal): Promise<void> {
    await addFinalizer(this.#hub.client, { resource: HUB_RESOURCES.TargetCluster, metadata }, signal);
  }

  async removeFinalizer({ metadata }: TargetCluster, signal: AbortSignal): Promise<void> {
    await removeFinalizer(this.#hub.client, { resource: HUB_RESOURCES.TargetCluster, metadata }, signal);
  }

  /** A deployment came, changed or went. Answers the TargetCluster that may be in use now, or no more. */
  noticeDeployment(key: string): string | undefined {
    const clusterRef = this.#hub.cache.deployments.get(key)?.spec.clusterRef;
    const known = this.#places.get(key);
    if (!clusterRef) {
      this.#places.delete(key);
      if (known !== undefined) this.#forget(known, key);
      return known;
    }
    if (clusterRef.name === LOCAL_CLUSTER) return undefined;
    // What a deployment is about never changes: a name stands for one profile on one cluster.
    const place = known ?? `${clusterRef.namespace}/${clusterRef.name}`;
    this.#places.set(key, place);
    const users = this.#users.get(place) ?? new Set();
    this.#users.set(place, users.add(key));
    return place;
  }

  #forget(place: string, user: string): void {
    const users = this.#users.get(place);
    users?.delete(user);
    if (users?.size === 0) this.#users.delete(place);
  }

  /** One that somebody else made up holds nobody's cluster. */
  #isOurs(deployment: ProfileDeployment): boolean {
    const { profileRef } = deployment.spec;
    const profile = this.#hub.cache.profile(profileKey({ kind: profileRef.kind, metadata: profileRef }));
    return profile !== undefined && isDeploymentOf(profile, deployment);
  }
}
