import { FINALIZER, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Profile, ProfileDeployment, ProfileStatus } from "../api/types.ts";
import { isConflict, isNotFound } from "../kube/api-error.ts";
import { removeFinalizer } from "../kube/hub/finalizer.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { referencesOf } from "../plan/references.ts";
import { isDeploymentOf, matches, targetsOf } from "../plan/targets.ts";
import type { ProfileFacts, ProfilePorts } from "../reconcile/ports.ts";
import { profileKey } from "../reconcile/profile.ts";
import type { Hub } from "./hub.ts";
import { referenceIdentity } from "./identity.ts";

const MANAGER = "strata";

/** Fits the hub to what the story of a profile needs. */
export class ProfileWiring implements ProfilePorts {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  now = (): number => Date.now();

  observe(key: string): ProfileFacts | undefined {
    const profile = this.#hub.cache.profile(key);
    if (!profile) {
      this.#hub.references.want(key, undefined, []);
      return undefined;
    }
    const clusters = [...this.#hub.cache.targets.values()].filter(({ metadata }) =>
      this.#reaches(profile, metadata.namespace),
    );
    const wanted = new Set(targetsOf(profile, clusters).map(({ namespace, name }) => `${namespace}/${name}`));
    const targets = clusters.filter(({ metadata: { namespace, name } }) => wanted.has(`${namespace}/${name}`));
    this.#hub.references.want(key, referenceIdentity(profile), referencesOf(profile, targets));
    return { profile, clusters, deployments: this.deploymentsOf(key) };
  }

  deploymentsOf(key: string): ProfileDeployment[] {
    const all = [...this.#hub.cache.deployments.values()];
    const profile = this.#hub.cache.profile(key);
    const own = all.filter((deployment) => {
      const { profileRef } = deployment.spec;
      const refersToIt = profileKey({ kind: profileRef.kind, metadata: profileRef }) === key;
      return refersToIt && (!profile || isDeploymentOf(profile, deployment));
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
    const { name, namespace, resourceVersion, finalizers = [] } = metadata;
    // The whole list is written, so that it has to be the one that was read. A conflict is thrown: the pass is due again.
    const patch = { metadata: { resourceVersion, finalizers: [...finalizers, FINALIZER] } };
    const options = { manager: MANAGER, metadataOnly: true, signal };
    try {
      await this.#hub.client.mergePatch(HUB_RESOURCES[kind], { name, namespace }, patch, options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
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

  /** A profile reaches its own namespace; a SystemProfile the namespaces that it selects, or names in `clusterRefs`. */
  #reaches(profile: Profile, namespace: string): boolean {
    if (profile.kind !== "SystemProfile") return profile.metadata.namespace === namespace;
    const { namespaceSelector } = profile.spec;
    return !namespaceSelector || matches(namespaceSelector, this.#hub.cache.namespaceLabels(namespace));
  }
}
