import { LOCAL_CLUSTER } from "../api/names.ts";
import type { ProfileDeployment, TargetCluster } from "../api/types.ts";
import { addFinalizer, removeFinalizer } from "../kube/hub/finalizer.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { timeText } from "../objects/time.ts";
import { clusterNameOf } from "../plan/targets.ts";
import type { TargetPorts } from "../reconcile/ports.ts";
import { targetStatus } from "../status/target-status.ts";
import { Groups } from "./groups.ts";
import type { Hub } from "./hub.ts";
import { profileOf, unreadProfileOf } from "./profile-of.ts";

/** Fits the hub to what the story of a TargetCluster needs. */
export class TargetWiring implements TargetPorts {
  readonly #hub: Hub;
  /** The deployments on each TargetCluster. */
  readonly #users = new Groups();

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  observe(key: string): ReturnType<TargetPorts["observe"]> {
    const target = this.#hub.cache.targets.get(key);
    if (!target) return undefined;
    return { target, isInUse: this.#usersOf(key).length > 0 };
  }

  /** Writes what is known of a cluster on its TargetCluster. */
  report(key: string): void {
    const { cache, statuses } = this.#hub;
    const target = cache.targets.get(key);
    if (!target) return;
    const now = timeText(Date.now());
    const status = targetStatus(target, this.#hub.stateOf(key), { users: this.#usersOf(key), now });
    const current = () => cache.targets.get(key);
    statuses.set(`TargetCluster/${key}`, status, { resource: HUB_RESOURCES.TargetCluster, current });
  }

  /** A deployment on it has changed: one that is being deleted says whom it waits for. When that is nobody, it goes. */
  reportWaiting(key: string): void {
    const isGoing = this.#hub.cache.targets.get(key)?.metadata.deletionTimestamp !== undefined;
    if (isGoing && this.#usersOf(key).length > 0) this.report(key);
  }

  async addFinalizer({ metadata }: TargetCluster, signal: AbortSignal): Promise<void> {
    await addFinalizer(this.#hub.client, { resource: HUB_RESOURCES.TargetCluster, metadata }, signal);
  }

  async removeFinalizer({ metadata }: TargetCluster, signal: AbortSignal): Promise<void> {
    await removeFinalizer(this.#hub.client, { resource: HUB_RESOURCES.TargetCluster, metadata }, signal);
  }

  /** A deployment came, changed or went. Answers the TargetCluster that may be in use now, or no more. */
  noticeDeployment(key: string): string | undefined {
    const deployment = this.#hub.cache.deployments.get(key);
    const known = this.#users.groupOf(key);
    // What a deployment is about never changes: a name stands for one profile on one cluster.
    const place = deployment && (known ?? clusterNameOf(deployment));
    if (place === LOCAL_CLUSTER) return undefined;
    this.#users.put(key, place);
    return place ?? known;
  }

  #usersOf(key: string): ProfileDeployment[] {
    const users = [...this.#users.members(key)].flatMap((user) => this.#hub.cache.deployments.get(user) ?? []);
    return users.filter((user) => this.#isOurs(user));
  }

  /** One that somebody else made up holds nobody's cluster. */
  #isOurs(deployment: ProfileDeployment): boolean {
    return (profileOf(deployment, this.#hub.cache) ?? unreadProfileOf(deployment, this.#hub.cache)) !== undefined;
  }
}
