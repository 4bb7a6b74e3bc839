import { LRUCache } from "lru-cache";
import { FINALIZER, LOCAL_CLUSTER, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Profile, ProfileDeployment, ProfileDeploymentStatus } from "../api/types.ts";
import { type ActContext, act } from "../apply/act.ts";
import type { CachedRelease, ReleaseCache } from "../apply/release-records.ts";
import { Failure } from "../errors.ts";
import { toFailure } from "../kube/failures.ts";
import { removeFinalizer } from "../kube/hub/finalizer.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import type { Site } from "../kube/site/site.ts";
import type { TargetLink } from "../kube/targets/target-link.ts";
import { type ApplySet, applySetOf } from "../membership/applyset.ts";
import { describeRef } from "../objects/identity.ts";
import type { Outcome } from "../plan/outcome.ts";
import { registriesOf } from "../plan/registries.ts";
import type { Heirs } from "../plan/seen.ts";
import { onSide } from "../plan/sides.ts";
import type { Step } from "../plan/step.ts";
import { clusterNameOf } from "../plan/targets.ts";
import { DeploymentReconciler } from "../reconcile/deployment.ts";
import type { Renewal } from "../reconcile/memory.ts";
import type { DeploymentFacts, DeploymentPorts, Interest, TargetFacts, Tiding } from "../reconcile/ports.ts";
import { profileKey, profileKeyOf } from "../reconcile/profile.ts";
import { ClaimBook } from "./claims.ts";
import type { Hub } from "./hub.ts";
import { clusterIdentity, referenceIdentity } from "./identity.ts";
import type { Elsewhere, LayerRenderer } from "./layer-renderer.ts";
import { absenceOf, isTenantGoing } from "./live-looks.ts";
import { lookupReader } from "./lookups.ts";
import { identityOf, neighboursOf, profileOfParent } from "./neighbours.ts";
import { isOneCluster, type Reached } from "./one-cluster.ts";
import { operationsOf } from "./operations.ts";
import { profileOf } from "./profile-of.ts";
import { goesTo } from "./reach.ts";
import type { RegistryWiring } from "./registries.ts";
import { versionOf, viewOf } from "./site-view.ts";
import { Streets } from "./streets.ts";
import { Twins } from "./twins.ts";

/** Where a deployment acts: with whose hands, and on which ApplySet. */
interface ActingPlace {
  cluster: string;
  site: Site;
  link: TargetLink;
  set: ApplySet;
}

/** What a pass says of itself, by the deployment's key. */
export interface Passes {
  /** The next one is due at once, or in so many milliseconds. */
  again(key: string, afterMs: number): void;
  /** This one waits for something else than its cluster. */
  elsewhere<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** Fits the edges to what the story of a deployment needs. */
export class DeploymentWiring implements DeploymentPorts {
  readonly reconciler: DeploymentReconciler;
  readonly #hub: Hub;
  readonly #renderer: LayerRenderer;
  readonly #registries: Pick<RegistryWiring, "access">;
  readonly #passes: Passes;
  /** What was last written of Helm releases: 32 MiB of them. */
  readonly #releases: ReleaseCache = new LRUCache<string, CachedRelease>({
    maxSize: 32 * 1024 * 1024,
    sizeCalculation: ({ packed }) => packed.length + 1,
  });
  /** Where each deployment acts now: who is to be woken, and whose watches are to be given up. */
  readonly #places = new Map<string, ActingPlace>();
  readonly #claims = new ClaimBook();
  readonly #streets: Streets;
  readonly #twins: Twins;
  /** Deployments that wait for others of the same cluster. */
  readonly #waiting = new Set<string>();
  /** The generations of profiles for which deployments have done all that they can. */
  readonly #still = new Map<string, number | undefined>();
  /** Which hub this is, as it was when somebody was last told of a cluster. */
  #hubUid: string | undefined;

  constructor(
    hub: Hub,
    { renderer, registries }: { renderer: LayerRenderer; registries: Pick<RegistryWiring, "access"> },
    passes: Passes,
  ) {
    this.#hub = hub;
    this.#streets = new Streets(hub);
    this.#twins = new Twins(hub, this.#streets);
    this.#renderer = renderer;
    this.#registries = registries;
    this.#passes = passes;
    this.reconciler = new DeploymentReconciler(this);
  }

  now = (): number => Date.now();
  random = (): number => Math.random();

  observe(key: string): DeploymentFacts | undefined {
    const deployment = this.#hub.cache.deployments.get(key);
    if (!deployment) {
      this.#move(key, undefined);
      this.#twins.forget(key);
      this.#hub.metrics.forgetLayers(key);
      return undefined;
    }
    const whole = profileOf(deployment, this.#hub.cache);
    const { namespace } = whole?.metadata ?? {};
    const { applyTo: side = "Workload", clusterRef } = deployment.spec;
    const profile = whole && clusterRef.name !== LOCAL_CLUSTER ? onSide(whole, side) : whole;
    const cluster = this.#hub.cache.targets.get(clusterNameOf(deployment));
    const isUnreadable = this.#hub.cache.unreadableTargets.has(clusterNameOf(deployment));
    return {
      key,
      deployment,
      profile,
      side,
      street: () =>
        whole &&
        this.#streets.streetOf(key, { profile: whole, deployment }, (other) => this.#twins.twinOf(other) !== undefined),
      cluster,
      isUnreadable,
      matched: whole !== undefined && goesTo(whole, clusterRef, this.#hub.cache),
      // A SystemProfile is in no namespace: Strata's own does not take it along.
      isTenantGoing: namespace !== undefined && this.#hub.cache.isNamespaceGoing(namespace),
      isPlaceGoing: clusterRef.namespace !== undefined && this.#hub.cache.isNamespaceGoing(clusterRef.namespace),
      hasHeir: () => this.#twins.hasHeir(key),
      target: profile
        ? (this.#unreadable(deployment) ?? this.#target(key, deployment, profile))
        : { kind: "connecting" },
      referents: (reference) =>
        profile ? this.#hub.references.get(referenceIdentity(profile), reference) : { kind: "reading" },
    };
  }

  async act(step: Step, { key, profile }: DeploymentFacts, signal: AbortSignal): Promise<Outcome> {
    const place = this.#places.get(key);
    const hub = this.#hub.uid;
    if (!place || !profile || hub === undefined) throw new Failure("Unreachable", "the cluster was lost just now");
    const { site, link, set } = place;
    const system = link.client;
    const capabilities = async (during: AbortSignal) => {
      await site.discover(during, true);
      return { kubeVersion: versionOf(link), apiVersions: site.apiVersions() };
    };
    const registry = (ref: { name: string }, during: AbortSignal) =>
      this.#registries.access(profile.metadata.namespace, ref.name, during);
    const elsewhere: Elsewhere = (work) => this.#passes.elsewhere(key, work);
    const at = { system, set, capabilities, lookup: lookupReader(site), registry, elsewhere };
    const context: ActContext = {
      owner: key,
      profile: identityOf(profile),
      set,
      site,
      system,
      hub,
      cluster: link.uid,
      toFailure,
      heirOf: (object) => this.#claims.heirOf(object, { cluster: reachedBy(place), set }),
      loadPack: (fetch, during) => this.#renderer.loadPack(fetch, at, during),
      evaluateMacros: (batch, during) => this.#renderer.evaluateMacros(batch, during),
      render: (render, during) => this.#renderer.render(render, at, during),
      recall: (layer, during) => this.#renderer.recall(layer, at, during),
      releases: {
        cache: this.#releases,
        sourceOf: (layer, during) => this.#renderer.releaseSource(layer, at, during),
        store: async ({ inputs }, content, during) => {
          if (inputs) await this.#renderer.store(inputs, content, { place: at, signal: during });
        },
      },
    };
    const outcome = await act(step, context, signal);
    for (const operation of operationsOf(outcome)) this.#hub.metrics.operation(place.cluster, operation);
    return outcome;
  }

  want(key: string, interest: Interest): void {
    if (interest.waiting) this.#waiting.add(key);
    else this.#waiting.delete(key);
    const place = this.#places.get(key);
    place?.site.want(key, interest);
    const profileRef = this.#hub.cache.deployments.get(key)?.spec.profileRef;
    if (interest.moving) this.#still.delete(key);
    else this.#still.set(key, interest.generation);
    if (!place || !profileRef) {
      this.#claims.delete(key);
      this.#still.delete(key);
      return;
    }
    const { claims: layers, intents, isJudged } = interest;
    if (!isJudged) return;
    const claims = { cluster: reachedBy(place), set: place.set, profile: profileRef, layers, intents };
    if (this.#claims.set(key, claims)) this.#wakeOthers(place);
  }

  report(key: string, status: ProfileDeploymentStatus): void {
    const current = () => this.#hub.cache.deployments.get(key);
    const kind = current()?.spec.profileRef.kind;
    if (kind) this.#hub.metrics.layers(key, kind, status.layers?.map(({ state }) => state) ?? []);
    this.#hub.statuses.set(`ProfileDeployment/${key}`, status, { resource: HUB_RESOURCES.ProfileDeployment, current });
  }

  tell({ key, deployment, profile }: DeploymentFacts, { type, reason, message }: Tiding): void {
    const cluster = deployment.spec.clusterRef.name;
    const about = profile ? { profile: profileKey(profile) } : {};
    this.#hub.log.info("told", { cluster: this.clusterOf(key), ...about, reason, text: message });
    if (profile)
      this.#hub.events.record(profile, { type, reason, message: `${cluster}: ${message}` }, new Date(this.now()));
  }

  tellForGood(facts: DeploymentFacts, tiding: Tiding): void {
    this.tell(facts, tiding);
    const { key, deployment } = facts;
    const who = `${describeRef(deployment.spec.profileRef)} on cluster ${this.clusterOf(key)}`;
    // An event stands in the namespace of what it is about: this one is to stay when the tenant's goes.
    const metadata = { name: SYSTEM_NAMESPACE, namespace: SYSTEM_NAMESPACE };
    const about = { apiVersion: "v1", kind: "Namespace", metadata };
    this.#hub.events.record(about, { ...tiding, message: `${who}: ${tiding.message}` }, new Date(this.now()));
  }

  async absence({ deployment }: DeploymentFacts, signal: AbortSignal): ReturnType<DeploymentPorts["absence"]> {
    return await absenceOf(this.#hub.client, deployment.spec, signal);
  }

  async isTenantGoing({ profile }: DeploymentFacts, signal: AbortSignal): Promise<boolean> {
    return profile !== undefined && (await isTenantGoing(this.#hub.client, profile, signal));
  }

  async finish(key: string, signal: AbortSignal): Promise<void> {
    const deployment = this.#hub.cache.deployments.get(key);
    if (!deployment?.metadata.finalizers?.includes(FINALIZER)) return;
    const { metadata } = deployment;
    await removeFinalizer(this.#hub.client, { resource: HUB_RESOURCES.ProfileDeployment, metadata }, signal);
  }

  again(key: string, afterMs: number): void {
    this.#passes.again(key, afterMs);
  }

  /** Where a deployment acts, `local` or `namespace/name` of the TargetCluster: the group in which its passes run. */
  clusterOf(key: string): string {
    const deployment = this.#hub.cache.deployments.get(key);
    return !deployment || deployment.spec.applyTo === "Management" ? LOCAL_CLUSTER : clusterNameOf(deployment);
  }

  /** A deployment came, changed or went. Answers those that wait for others of the same cluster, or of the same profile. */
  noticeDeployment(key: string): string[] {
    return [...this.#streets.noticeDeployment(key).filter((one) => this.#waiting.has(one)), ...this.#twins.unsure];
  }

  /** A profile has changed. Answers the deployments that may wait for it on a cluster where it has none at the moment. */
  noticeProfile(key: string): string[] {
    const [kind, namespace] = key.split("/");
    return kind === "ClusterProfile" ? [...this.#waiting].filter((one) => one.startsWith(`${namespace}/`)) : [];
  }

  /**
   * How a cluster is, or which one it is, has changed. Answers the deployments there, by whatever name of it, and those that
   * wait for a name; or all, when it is known by now for which hub they act.
   */
  noticeCluster(name: string): string[] {
    const there = [...this.#streets.noticeCluster(name), ...this.#twins.unsure];
    if (this.#hub.uid === this.#hubUid) return there;
    this.#hubUid = this.#hub.uid;
    return [...this.#hub.cache.deployments.keys()];
  }

  /** The deployments of a cluster that a change concerns: those of the given ApplySets, or all. */
  concerned(cluster: string, applySets: ReadonlySet<string> | undefined, objectKey: string | undefined): string[] {
    return [...this.#places].flatMap(([key, place]) => {
      if (place.cluster !== cluster) return [];
      const woken = objectKey !== undefined && this.reconciler.wake(key, objectKey);
      return woken || applySets === undefined || applySets.has(place.set.id) ? [key] : [];
    });
  }

  /**
   * The deployments with layers from a Registry that has changed or answers again. What they could not have is tried again.
   *
   * @param registry `namespace/name`
   */
  renewSources(registry: string, how: Renewal): string[] {
    const [namespace = "", name = ""] = registry.split("/");
    return [...this.#hub.cache.deployments].flatMap(([key, deployment]) => {
      const profile = this.#hub.cache.profile(profileKeyOf(deployment));
      const reaches = namespace === SYSTEM_NAMESPACE || profile?.metadata.namespace === namespace;
      if (!profile || !reaches || !registriesOf(profile).has(name)) return [];
      this.reconciler.renewSources(key, how);
      return [key];
    });
  }

  /** A TargetCluster that cannot be read is none to work by. What is on the hub can be taken back without it. */
  #unreadable(deployment: ProfileDeployment): TargetFacts | undefined {
    const { metadata, spec } = deployment;
    const name = clusterNameOf(deployment);
    const problems = this.#hub.cache.unreadableTargets.get(name);
    if (!problems || (spec.applyTo === "Management" && metadata.deletionTimestamp !== undefined)) return undefined;
    return { kind: "failing", failure: unreadableFailure(name, problems) };
  }

  #target(key: string, deployment: ProfileDeployment, profile: Profile): TargetFacts {
    const cluster = this.clusterOf(key);
    if (cluster !== LOCAL_CLUSTER && !this.#hub.cache.targets.has(cluster)) {
      this.#move(key, undefined);
      return { kind: "gone" };
    }
    const isLeaving = deployment.metadata.deletionTimestamp !== undefined;
    const link = this.#hub.linkOf(cluster);
    const isOnMemory = isLeaving && this.#hub.hasNoSecret(cluster);
    // One that has never answered is nothing that could come back.
    if (isOnMemory && link?.uid === undefined) return { kind: "gone" };
    // What is on its way out goes on with the credentials that were there.
    const state = isOnMemory && link ? { ...link.state, lostAt: link.lostAt } : this.#hub.stateOf(cluster);
    const hubUid = this.#hub.uid;
    if (state.kind === "failing") return state;
    if (!isLeaving && !this.#isHeld(cluster)) return { kind: "connecting" };
    if (state.kind === "connecting" || !link || hubUid === undefined) return { kind: "connecting" };
    const site = link.site(clusterIdentity(profile, cluster));
    const set = applySetOf({ ...identityOf(profile), ...madeFor(deployment) });
    this.#move(key, { cluster, site, link, set });
    const twin = this.#twins.twinOf(key);
    if (twin !== undefined) return { kind: "failing", failure: twinFailure(cluster, twin), isTwin: true };
    const street = { hub: this.#hub, clusterOf: (other: string) => this.clusterOf(other), still: this.#still };
    const neighbours = () => neighboursOf({ key, uid: link.uid, set: set.id }, street);
    const profileOf = (parent: string) => profileOfParent(parent, this.#hub);
    const here = { cluster: reachedBy({ cluster, link }), set };
    const heirs: Heirs = {
      claim: (object) => this.#claims.heirOf(object, here) !== undefined,
      intend: (object) => this.#claims.isIntended(object, here),
    };
    const view = viewOf(key, { site, link, set });
    return { kind: "ready", place: { set, site, view, neighbours, heirs, profileOf } };
  }

  /** A deployment that moves to another site (an identity, or a cluster behind the same name, changed) leaves nothing watched. */
  #move(key: string, place: ActingPlace | undefined): void {
    const known = this.#places.get(key);
    if (known && known.site !== place?.site) known.site.release(key);
    if (place) this.#places.set(key, place);
    else if (known && this.#places.delete(key)) {
      this.#claims.delete(key);
      for (const [other, { set }] of this.#places) if (set.id === known.set.id) this.#passes.again(other, 0);
    }
  }

  /** A write that was refused changes nothing on the cluster: no watch tells the owner, who may have let go of it long ago. */
  #wakeOthers(place: ActingPlace): void {
    const here = reachedBy(place);
    for (const [other, there] of this.#places)
      if (there.set.id !== place.set.id && isOneCluster(reachedBy(there), here)) this.#passes.again(other, 0);
  }

  /** Nothing is brought to a TargetCluster that could go without a word: its finalizer comes first. */
  #isHeld(cluster: string): boolean {
    const { finalizers } = this.#hub.cache.targets.get(cluster)?.metadata ?? {};
    return cluster === LOCAL_CLUSTER || finalizers?.includes(FINALIZER) === true;
  }
}

function reachedBy({ cluster, link }: Pick<ActingPlace, "cluster" | "link">): Reached {
  return { name: cluster, uid: link.uid, server: link.client.server };
}

function twinFailure(cluster: string, twin: string): Failure {
  const what = `${cluster} is the same cluster as ${twin}, to which this profile goes already`;
  return new Failure("Conflict", `${what}: take one of them out of its clusters`);
}

function unreadableFailure(cluster: string, problems: readonly string[]): Failure {
  const what = `TargetCluster ${cluster} cannot be read (${problems.join("; ")})`;
  return new Failure(
    "InvalidSpec",
    `${what}: all on the cluster stays as it is; upgrade Strata, or mend the TargetCluster`,
  );
}

function madeFor(deployment: ProfileDeployment): { target?: string } {
  return deployment.spec.applyTo === "Management" ? { target: clusterNameOf(deployment) } : {};
}
