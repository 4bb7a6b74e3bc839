import { isDeepStrictEqual } from "node:util";
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
import type { Operation } from "../ops/metrics.ts";
import type { Street } from "../plan/beside.ts";
import type { Outcome } from "../plan/outcome.ts";
import { registriesOf } from "../plan/registries.ts";
import { onSide } from "../plan/sides.ts";
import type { Step } from "../plan/step.ts";
import { isDeploymentOf } from "../plan/targets.ts";
import type { Neighbour } from "../plan/turn.ts";
import { DeploymentReconciler } from "../reconcile/deployment.ts";
import type { Renewal } from "../reconcile/memory.ts";
import type { DeploymentFacts, DeploymentPorts, Interest, Place, TargetFacts, Tiding } from "../reconcile/ports.ts";
import { profileKey } from "../reconcile/profile.ts";
import { ClaimBook } from "./claims.ts";
import type { Hub } from "./hub.ts";
import { clusterIdentity, referenceIdentity } from "./identity.ts";
import type { Elsewhere, LayerRenderer } from "./layer-renderer.ts";
import { lookupReader } from "./lookups.ts";
import { identityOf, neighboursOf, profileOfParent } from "./neighbours.ts";
import type { RegistryWiring } from "./registries.ts";

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
  /** Deployments that wait for others of the same cluster. */
  readonly #waiting = new Set<string>();
  /** The generations of profiles for which deployments have done all that they can. */
  readonly #still = new Map<string, number | undefined>();

  constructor(
    hub: Hub,
    { renderer, registries }: { renderer: LayerRenderer; registries: Pick<RegistryWiring, "access"> },
    passes: Passes,
  ) {
    this.#hub = hub;
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
      this.#hub.metrics.forgetLayers(key);
      return undefined;
    }
    const { profileRef } = deployment.spec;
    const named = this.#hub.cache.profile(profileKey({ kind: profileRef.kind, metadata: profileRef }));
    const whole = named && isDeploymentOf(named, deployment) ? named : undefined;
    const { applyTo: side = "Workload", clusterRef } = deployment.spec;
    const profile = whole && clusterRef.name !== LOCAL_CLUSTER ? onSide(whole, side) : whole;
    return {
      key,
      deployment,
      profile,
      side,
      street: () => whole && this.#streetOf(key, { profile: whole, deployment }),
      cluster: this.#hub.cache.targets.get(targetOf(deployment)),
      target: profile ? this.#target(key, deployment, profile) : { kind: "connecting" },
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
      toFailure,
      heirOf: (object) => this.#claims.heirOf(object, { cluster: link.uid, set }),
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
    this.#claims.set(key, { cluster: place.link.uid, set: place.set, profile: profileRef, layers: interest.claims });
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
    return !deployment || deployment.spec.applyTo === "Management" ? LOCAL_CLUSTER : targetOf(deployment);
  }

  /** The deployments that wait for others of the same cluster, one of which has changed; all of them when it is gone. */
  waitingBeside(changed: ProfileDeployment | undefined): string[] {
    if (!changed) return [...this.#waiting];
    const cluster = targetOf(changed);
    return [...this.#waiting].filter((key) => {
      const deployment = this.#hub.cache.deployments.get(key);
      return deployment !== undefined && targetOf(deployment) === cluster;
    });
  }

  #streetOf(key: string, own: Neighbour): Street {
    const cluster = targetOf(own.deployment);
    const { applyTo: side = "Workload", profileRef: ownRef } = own.deployment.spec;
    let sibling: ProfileDeployment | undefined;
    const others: Neighbour[] = [];
    for (const [other, deployment] of this.#hub.cache.deployments) {
      if (other === key || targetOf(deployment) !== cluster) continue;
      const { profileRef, applyTo } = deployment.spec;
      const profile = this.#hub.cache.profile(profileKey({ kind: profileRef.kind, metadata: profileRef }));
      if (!profile || !isDeploymentOf(profile, deployment)) continue;
      if (isDeepStrictEqual(profileRef, ownRef)) sibling = deployment;
      else if (applyTo !== "Management") others.push({ profile, deployment });
    }
    return { own, side, sibling, others };
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
    return [...this.#hub.cache.deployments].flatMap(([key, { spec }]) => {
      const profile = this.#hub.cache.profile(profileKey({ kind: spec.profileRef.kind, metadata: spec.profileRef }));
      const reaches = namespace === SYSTEM_NAMESPACE || profile?.metadata.namespace === namespace;
      if (!profile || !reaches || !registriesOf(profile).has(name)) return [];
      this.reconciler.renewSources(key, how);
      return [key];
    });
  }

  #target(key: string, deployment: ProfileDeployment, profile: Profile): TargetFacts {
    const cluster = this.clusterOf(key);
    if (cluster !== LOCAL_CLUSTER && !this.#hub.cache.targets.has(cluster)) {
      this.#move(key, undefined);
      return { kind: "gone" };
    }
    const state = this.#hub.stateOf(cluster);
    const link = this.#hub.linkOf(cluster);
    const hubUid = this.#hub.uid;
    if (state.kind === "failing") return state;
    if (state.kind === "connecting" || !link || hubUid === undefined) return { kind: "connecting" };
    const site = link.site(clusterIdentity(profile, cluster));
    const set = applySetOf({ ...identityOf(profile), ...madeFor(deployment) });
    this.#move(key, { cluster, site, link, set });
    const twin = this.#twinOf(key, { link, set });
    if (twin !== undefined) return { kind: "failing", failure: twinFailure(cluster, twin) };
    const street = { hub: this.#hub, clusterOf: (other: string) => this.clusterOf(other), still: this.#still };
    const neighbours = () => neighboursOf({ key, uid: link.uid, set: set.id }, street);
    const profileOf = (parent: string) => profileOfParent(parent, this.#hub);
    return { kind: "ready", place: { set, site, view: viewOf(key, { site, link, set }), neighbours, profileOf } };
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

  /** The cluster of another deployment of the same profile that is the same physical cluster: the first by name has it. */
  #twinOf(key: string, { link, set }: Pick<ActingPlace, "link" | "set">): string | undefined {
    for (const [other, place] of this.#places) {
      const isLive = this.#hub.linkOf(place.cluster) === place.link;
      if (other < key && place.set.id === set.id && place.link.uid === link.uid && isLive) return place.cluster;
    }
    return undefined;
  }
}

function twinFailure(cluster: string, twin: string): Failure {
  const what = `${cluster} is the same cluster as ${twin}, to which this profile goes already`;
  return new Failure("Conflict", `${what}: take one of them out of its clusters`);
}

/** The cluster that a deployment is about: `local`, or `namespace/name` of the TargetCluster. */
function targetOf({ spec: { clusterRef } }: ProfileDeployment): string {
  return clusterRef.name === LOCAL_CLUSTER ? LOCAL_CLUSTER : `${clusterRef.namespace}/${clusterRef.name}`;
}

function madeFor(deployment: ProfileDeployment): { target?: string } {
  return deployment.spec.applyTo === "Management" ? { target: targetOf(deployment) } : {};
}

function versionOf(link: TargetLink): string {
  return link.state.kind === "live" ? link.state.version : "";
}

function viewOf(key: string, { site, link, set }: Pick<ActingPlace, "site" | "link" | "set">): Place["view"] {
  return {
    kubernetesVersion: versionOf(link),
    uid: link.uid,
    scopeOf: (kind) => site.scopeOf(kind),
    served: (kind) => site.served(kind),
    servedIn: (kind) => site.resourceFor(kind) !== undefined,
    watchState: (kind, namespace) => site.watchState(key, kind, namespace),
    crdOf: (kind) => site.crdOf(kind),
    member: (object) => site.member(object),
    members: () => site.members(set.id),
    named: (ref) => site.named(ref),
    deleted: (ref) => site.deleted(ref),
    expired: (key) => site.expired(key),
    nodes: () => site.nodes(),
    storage: () => site.storage(),
    releases: (release) => site.releases(release),
    explain: (tracked) => site.explain(tracked),
  };
}

function operationsOf(outcome: Outcome): Operation[] {
  if (outcome.kind === "Removed") {
    return outcome.results.map((result) => (result.ok ? result.how : "failed"));
  }
  if (outcome.kind !== "Applied") return [];
  return outcome.results.flatMap((result): Operation[] => {
    if (!result.ok) return ["failed"];
    if (result.how === "recreating") return ["deleted"];
    return "fields" in result ? [result.how] : [];
  });
}
