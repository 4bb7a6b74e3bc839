import { SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Profile, ProfileDeployment, ProfileStatus } from "../api/types.ts";
import { isConflict, isNotFound } from "../kube/api-error.ts";
import { addFinalizer, removeFinalizer } from "../kube/hub/finalizer.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { referencesOf } from "../plan/references.ts";
import { isDeploymentOf, targetsOf } from "../plan/targets.ts";
import type { ProfileFacts, ProfilePorts } from "../reconcile/ports.ts";
import { profileKeyOf } from "../reconcile/profile.ts";
import { heldSince, Unmatches } from "../reconcile/unmatches.ts";
import type { Hub } from "./hub.ts";
import { referenceIdentity } from "./identity.ts";
import { reaches } from "./reach.ts";

const MANAGER = "strata";

/** Fits the hub to what the story of a profile needs. */
export class ProfileWiring implements ProfilePorts {
  readonly unmatches = new Unmatches();
  readonly again: ProfilePorts["again"];
  readonly #hub: Hub;
  /** Since when the brakes of profiles hold something, by what was told of them last. */
  readonly #held = new Map<string, number>();

  constructor(hub: Hub, again: ProfilePorts["again"]) {
    this.#hub = hub;
    this.again = again;
  }

  now = (): number => Date.now();

  /** The status of a profile was told. Answers whether the brake has let go by that, which held what it deletes on clusters that it left. */
  noticeBrake(key: string): boolean {
    const profile = this.#hub.cache.profile(key);
    const before = this.#held.get(key);
    const since = profile && heldSince(profile);
    if (since === undefined) this.#held.delete(key);
    else this.#held.set(key, since);
    // One that holds since another time has let go in between: what was leaving by then, it holds no more.
    return before !== undefined && since !== before;
  }

  observe(key: string): ProfileFacts | undefined {
    const profile = this.#hub.cache.profile(key);
    if (!profile) {
      this.#hub.references.want(key, undefined, []);
      return undefined;
    }
    const clusters = [...this.#hub.cache.targets.values()].filter(({ metadata }) =>
      reaches(profile, metadata.namespace, this.#hub.cache),
    );
    const wanted = new Set(targetsOf(profile, clusters).map(({ namespace, name }) => `${namespace}/${name}`));
    const targets = clusters.filter(({ metadata: { namespace, name } }) => wanted.has(`${namespace}/${name}`));
    this.#hub.references.want(key, referenceIdentity(profile), referencesOf(profile, targets));
    const { namespace } = profile.metadata;
    // A SystemProfile is in no namespace: Strata's own does not take it along.
    const isTenantGoing = namespace !== undefined && this.#hub.cache.isNamespaceGoing(namespace);
    return {
      profile,
      clusters,
      deployments: this.deploymentsOf(key),
      isTenantGoing,
      isPlaceGoing: ({ namespace }) => namespace !== undefined && this.#hub.cache.isNamespaceGoing(namespace),
      isUnreadable: ({ namespace, name }) => this.#hub.cache.unreadableTargets.has(`${namespace}/${name}`),
    };
  }

  deploymentsOf(key: string): ProfileDeployment[] {
    const all = [...this.#hub.cache.deployments.values()];
    const profile = this.#hub.cache.profile(key);
    const own = all.filter((deployment) => {
      return profileKeyOf(deployment) === key && (!profile || isDeploymentOf(profile, deployment));
    });
    return own.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  }

  async createDeployment(deployment: ProfileDeployment, signal: AbortSignal): Promise<void> {
    try {
      await this.#hub.client.create(HUB_RESOURCES.ProfileDeployment, deployment, {
        manager: MANAGER,
        metadataOnly: true,
        signal,
      });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  async deleteDeployment({ metadata }: ProfileDeployment, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = metadata;
    try {
      await this.#hub.client.delete(
        HUB_RESOURCES.ProfileDeployment,
        { name, namespace },
        { ...(uid ? { uid } : {}), signal },
      );
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async hasDeployments({ metadata }: Profile, signal: AbortSignal): Promise<boolean> {
    const namespace = metadata.namespace ?? SYSTEM_NAMESPACE;
    const options = { namespace, metadataOnly: true, signal };
    const { items } = await this.#hub.client.listAll(HUB_RESOURCES.ProfileDeployment, options);
    return items.some((deployment) => deployment.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
  }

  async addFinalizer({ kind, metadata }: Profile, signal: AbortSignal): Promise<void> {
    await addFinalizer(this.#hub.client, { resource: HUB_RESOURCES[kind], metadata }, signal);
  }

  async removeFinalizer({ kind, metadata }: Profile, signal: AbortSignal): Promise<void> {
    await removeFinalizer(this.#hub.client, { resource: HUB_RESOURCES[kind], metadata }, signal);
  }

  report(key: string, status: ProfileStatus): void {
    const profile = this.#hub.cache.profile(key);
    if (!profile) return;
    const current = () => this.#hub.cache.profile(key);
    this.#hub.statuses.set(key, status, { resource: HUB_RESOURCES[profile.kind], current });
  }
}
