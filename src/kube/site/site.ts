import { PART_OF_LABEL } from "../../api/names.ts";
import type { Failure, FailureReason } from "../../errors.ts";
import { hasHealth } from "../../health/index.ts";
import { apiVersionOf, groupKindKey, keyOf, parseApiVersion } from "../../objects/identity.ts";
import type { GroupKind, GroupVersionKind, KubeObject } from "../../objects/types.ts";
import { type ClassFacts, classFacts, driverName, type NodeFacts, nodeFacts } from "../../plan/core-facts.ts";
import type { ReleaseName, ReleaseRecord } from "../../plan/release.ts";
import type { NamedRef, Tracked, WatchState } from "../../plan/seen.ts";
import type { WatchRequest } from "../../plan/step.ts";
import type { KubeClient } from "../client.ts";
import type { Discovery } from "../discovery.ts";
import { Reflector, type ReflectorEvent } from "../reflector.ts";
import { coreResource, type Resource } from "../resource.ts";
import { EvidenceWatch, MOST_WATCHED } from "./evidence-watch.ts";
import { FactWatch } from "./fact-watch.ts";
import { MemberStore } from "./member-store.ts";
import { NamedWatches } from "./named-watches.ts";
import { ReleaseWatches } from "./release-watches.ts";

export interface SiteOptions {
  client: KubeClient;
  discovery: Discovery;
  /** Whether the identity may be without rights on whole clusters: then namespaced kinds are watched by namespace. */
  byNamespace: boolean;
  /** Something changed that a pass over these ApplySets would see; all of them when the set is undefined. */
  onChange: (applySets: ReadonlySet<string> | undefined, key?: string) => void;
  /** A watch broke off; it begins again by itself. */
  onBreak: (reason: FailureReason) => void;
  onError: (error: unknown) => void;
}

const NODES = coreResource("Node", "nodes", false);
const STORAGE = { group: "storage.k8s.io", version: "v1", namespaced: false, verbs: [], hasStatus: false };
const CLASSES: Resource = { ...STORAGE, kind: "StorageClass", plural: "storageclasses" };
const DRIVERS: Resource = { ...STORAGE, kind: "CSIDriver", plural: "csidrivers" };

interface KindWatch {
  resource: Resource;
  reflector: Reflector;
  state: "starting" | "live" | Failure;
  /** Deployments that have members of this kind here; the last one to go ends the watch. */
  owners: Set<string>;
}

/** What one deployment wants to be told of, besides its members. */
export interface Interest {
  late: readonly Tracked[];
  named: readonly NamedRef[];
  /** Kinds of which whole objects are kept from now on, because health checks read them. */
  kept: readonly GroupKind[];
  /** Helm releases whose records are watched. */
  releases: readonly ReleaseName[];
  /** Whether it asks what the nodes are like. */
  nodes: boolean;
  /** Whether it asks for StorageClasses and CSI drivers. */
  storage: boolean;
}

/**
 * One cluster as one identity sees it: the kinds it serves, a watch per kind with the *existence* selector of the part-of
 * label (shared by all ApplySets), and what is watched around late objects. Reading it costs no request.
 */
export class Site {
  readonly client: KubeClient;
  readonly #options: SiteOptions;
  readonly #store: MemberStore;
  readonly #watches = new Map<string, KindWatch>();
  readonly #evidence = new Map<string, { watch: EvidenceWatch | undefined; for: Set<string> }>();
  readonly #named: NamedWatches;
  readonly #releases: ReleaseWatches;
  readonly #nodes: FactWatch<NodeFacts>;
  readonly #classes: FactWatch<ClassFacts>;
  readonly #drivers: FactWatch<string>;
  /** Kinds of which whole objects are kept, because a health check reads them. */
  readonly #kept = new Set<string>();
  #resources = new Map<string, readonly Resource[]>();

  constructor(options: SiteOptions) {
    this.client = options.client;
    this.#options = options;
    this.#store = new MemberStore((sets, key) => options.onChange(sets, key));
    const { client, onError } = options;
    const about = { client, onChange: () => options.onChange(undefined), onError };
    this.#named = new NamedWatches(about);
    this.#releases = new ReleaseWatches(about);
    this.#nodes = new FactWatch({ ...about, resource: NODES, factOf: nodeFacts });
    this.#classes = new FactWatch({ ...about, resource: CLASSES, factOf: classFacts });
    this.#drivers = new FactWatch({ ...about, resource: DRIVERS, factOf: driverName });
  }

  /** Whether the identity may be without rights on the whole cluster. */
  get isBounded(): boolean {
    return this.#options.byNamespace;
  }

  /** Reads what the cluster serves. Throws what the client throws. */
  async discover(signal: AbortSignal, refresh: boolean): Promise<void> {
    if (refresh) await this.#options.discovery.refresh({ signal });
    const all = await this.#options.discovery.all({ signal });
    this.#resources = Map.groupBy(all, (resource) => groupKindKey(resource));
    this.#restart((resource) => this.served(resource) && this.resourceFor(resource) === undefined);
  }

  /** Every resource that the cluster serves, each group-kind in its preferred version. */
  resources(): Resource[] {
    return [...this.#resources.values()].flatMap((versions) => versions.slice(0, 1));
  }

  /** `group/version` and `group/version/Kind` of all that is served, as charts ask for it (Helm: `action.GetVersionSet`). */
  apiVersions(): string[] {
    const names = new Set<string>();
    for (const { group, version, kind, subresourceKinds = [] } of [...this.#resources.values()].flat()) {
      const groupVersion = group === "" ? version : `${group}/${version}`;
      names.add(groupVersion);
      for (const one of [kind, ...subresourceKinds]) names.add(`${groupVersion}/${one}`);
    }
    return [...names].sort();
  }

  resourceFor(kind: GroupVersionKind): Resource | undefined {
    return this.#resources.get(groupKindKey(kind))?.find(({ version }) => version === kind.version);
  }

  /** The API versions in which a kind is served, the preferred one first. */
  versionsOf(kind: GroupKind): string[] {
    return (this.#resources.get(groupKindKey(kind)) ?? []).map(apiVersionOf);
  }

  served(kind: GroupKind): boolean {
    return this.#resources.has(groupKindKey(kind));
  }

  scopeOf(kind: GroupKind): "Namespaced" | "Cluster" | undefined {
    const [resource] = this.#resources.get(groupKindKey(kind)) ?? [];
    return resource && (resource.namespaced ? "Namespaced" : "Cluster");
  }

  crdOf(kind: GroupKind): string | undefined {
    const [resource] = this.#resources.get(groupKindKey(kind)) ?? [];
    if (!resource?.group.includes(".")) return undefined;
    const name = `${resource.plural}.${resource.group}`;
    return keyOf({ group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", name });
  }

  metadataOnly(kind: GroupVersionKind): boolean {
    return !hasHealth(kind) && !this.#kept.has(groupKindKey(kind));
  }

  /** As `owner` has it: a watch that others have is `unwatched` for an owner that did not ask for it. */
  watchState(owner: string, kind: GroupKind, namespace: string | undefined): WatchState {
    const [resource] = this.#resources.get(groupKindKey(kind)) ?? [];
    const place = resource && this.#placeOf(resource, namespace);
    if (place === undefined) return "unserved";
    const watch = this.#watches.get(place);
    return watch?.owners.has(owner) ? watch.state : "unwatched";
  }

  /** Begins to watch kinds; what is watched already goes on. The change is told when each is known. */
  watch(owner: string, requests: readonly WatchRequest[]): void {
    for (const { kind, namespace } of requests) {
      const [resource] = this.#resources.get(groupKindKey(kind)) ?? [];
      const place = resource && this.#placeOf(resource, namespace);
      if (!resource || place === undefined) continue;
      const watch = this.#watches.get(place) ?? this.#startWatch(resource, place, namespace);
      watch.owners.add(owner);
    }
  }

  /** An owner leaves: what nobody else has watched is watched no more. */
  release(owner: string): void {
    this.want(owner, { late: [], named: [], kept: [], releases: [], nodes: false, storage: false });
    for (const [place, { owners, reflector }] of this.#watches) {
      if (!owners.delete(owner) || owners.size > 0) continue;
      reflector.stop();
      this.#watches.delete(place);
      this.#store.replace([], place, false);
    }
  }

  member(key: string): Tracked | undefined {
    return this.#store.get(key);
  }

  /** A member that the cluster has deleted by itself when it was done, as it was then. */
  expired(key: string): Tracked | undefined {
    return this.#store.expired(key);
  }

  members(applySet: string): Iterable<Tracked> {
    return this.#store.members(applySet);
  }

  /** The answer to a write, so that the next pass need not wait for the watch. */
  record(object: KubeObject): void {
    const kind = groupKindKey({ ...parseApiVersion(object.apiVersion), kind: object.kind });
    const [resource] = this.#resources.get(kind) ?? [];
    const place = resource && this.#placeOf(resource, object.metadata.namespace);
    if (place !== undefined) this.#store.record(object, place, this.#kept.has(kind));
  }

  forget(key: string): void {
    this.#store.delete(key);
  }

  named(ref: NamedRef): KubeObject | "absent" | "unknown" | Failure {
    const object = this.#named.get(ref);
    // While its watch is broken, what was absent may be there by now.
    return typeof object === "object" ? object : (this.#named.failure(ref) ?? object);
  }

  /** An object that is watched by its name as it was when it was deleted, if that was seen. */
  deleted(ref: NamedRef): KubeObject | undefined {
    return this.#named.last(ref);
  }

  /** The records of a Helm release. */
  releases(release: ReleaseName): readonly ReleaseRecord[] | "unknown" | Failure {
    return this.#releases.get(release);
  }

  /** What the nodes are like, as long as somebody wants to know. */
  nodes(): readonly NodeFacts[] | "unknown" | Failure {
    return this.#nodes.get();
  }

  /** StorageClasses and the names of the registered CSI drivers, as long as somebody wants to know. */
  storage(): {
    classes: readonly ClassFacts[] | "unknown" | Failure;
    drivers: readonly string[] | "unknown" | Failure;
  } {
    return { classes: this.#classes.get(), drivers: this.#drivers.get() };
  }

  recordRelease(object: KubeObject): void {
    this.#releases.record(object);
  }

  forgetRelease(record: ReleaseRecord): void {
    this.#releases.forget(record);
  }

  /** What `owner` (a deployment) wants watched from now on; what nobody wants any more stops. */
  want(owner: string, interest: Interest): void {
    this.#keep(interest.kept);
    this.#releases.want(owner, interest.releases);
    this.#nodes.want(owner, interest.nodes);
    this.#classes.want(owner, interest.storage);
    this.#drivers.want(owner, interest.storage);
    this.#named.want(
      owner,
      interest.named.flatMap((ref) => this.#withResource(ref)),
    );
    const wanted = new Map(
      interest.late
        .slice(0, MOST_WATCHED)
        .flatMap((tracked) => (tracked.object ? [[tracked.observed.key, tracked.object]] : [])),
    );
    for (const [key, entry] of this.#evidence) {
      if (wanted.has(key) || !entry.for.delete(owner) || entry.for.size > 0) continue;
      entry.watch?.stop();
      this.#evidence.delete(key);
    }
    for (const [key, object] of wanted) {
      const entry = this.#evidence.get(key) ?? { watch: this.#watchEvidence(object), for: new Set() };
      entry.for.add(owner);
      this.#evidence.set(key, entry);
    }
  }

  /** The sentence of a late object: its own words until its pods and events are known. */
  explain(tracked: Tracked & { object: KubeObject }): string | undefined {
    return this.#evidence.get(tracked.observed.key)?.watch?.explain(tracked);
  }

  close(): void {
    for (const { reflector } of this.#watches.values()) reflector.stop();
    for (const { watch } of this.#evidence.values()) watch?.stop();
    this.#named.close();
    this.#releases.close();
    for (const facts of [this.#nodes, this.#classes, this.#drivers]) facts.close();
  }

  /** A watch that kept only verdicts begins anew. */
  #keep(kinds: readonly GroupKind[]): void {
    const fresh = kinds.map(groupKindKey).filter((kind) => !this.#kept.has(kind));
    for (const kind of fresh) this.#kept.add(kind);
    this.#restart((resource) => fresh.includes(groupKindKey(resource)));
  }

  /** Watches that cannot tell what is needed begin anew, as soon as their owners ask for them again. */
  #restart(isDue: (resource: Resource) => boolean): void {
    const restarted = [...this.#watches].filter(([, { resource }]) => isDue(resource));
    for (const [place, { reflector }] of restarted) {
      reflector.stop();
      this.#watches.delete(place);
    }
    if (restarted.length > 0) this.#options.onChange(undefined);
  }

  #withResource<T extends GroupVersionKind>(ref: T): (T & { resource: Resource })[] {
    const resource = this.resourceFor(ref);
    return resource ? [{ ...ref, resource }] : [];
  }

  #watchEvidence(object: KubeObject): EvidenceWatch | undefined {
    const applySet = object.metadata.labels?.[PART_OF_LABEL];
    const set = applySet === undefined ? undefined : new Set([applySet]);
    return EvidenceWatch.of(object, this.client, () => this.#options.onChange(set), this.#options.onError);
  }

  /** The name of the watch that covers a kind in a namespace; undefined where there is nothing to watch. */
  #placeOf(resource: Resource, namespace: string | undefined): string | undefined {
    const kind = groupKindKey(resource);
    if (!this.#options.byNamespace) return kind;
    if (resource.namespaced) return namespace === undefined ? undefined : `${kind}/${namespace}`;
    return namespace === undefined ? kind : undefined;
  }

  #startWatch(resource: Resource, place: string, namespace: string | undefined): KindWatch {
    const kind = groupKindKey(resource);
    const keep = this.#kept.has(kind);
    const watch: KindWatch = {
      resource,
      state: "starting",
      owners: new Set(),
      reflector: new Reflector({
        client: this.client,
        resource,
        ...(this.#options.byNamespace && resource.namespaced && namespace !== undefined ? { namespace } : {}),
        labelSelector: PART_OF_LABEL,
        metadataOnly: this.metadataOnly(resource),
        handler: (event) => this.#take(event, place, keep),
        onState: ({ state, ...rest }) => {
          // A watch that breaks off keeps what it knew; only one that never came to know anything says why.
          if ("failure" in rest) this.#options.onBreak(rest.failure.reason);
          if (state === "live") watch.state = "live";
          else if (state === "failing" && watch.state !== "live" && "failure" in rest) watch.state = rest.failure;
          this.#options.onChange(undefined);
        },
        onError: this.#options.onError,
      }),
    };
    this.#watches.set(place, watch);
    watch.reflector.start();
    return watch;
  }

  #take(event: ReflectorEvent, source: string, keep: boolean): void {
    if (event.type === "sync") this.#store.replace(event.objects, source, keep);
    else if (event.type === "upsert") this.#store.upsert(event.object, source, keep);
    else this.#store.drop(event.object, source);
  }
}
