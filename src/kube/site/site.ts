import { PART_OF_LABEL } from "../../api/names.ts";
import type { Failure } from "../../errors.ts";
import { apiVersionOf, groupKindKey, keyOf } from "../../objects/identity.ts";
import type { GroupKind, GroupVersionKind, KubeObject } from "../../objects/types.ts";
import { type ClassFacts, classFacts, driverName, type NodeFacts, nodeFacts } from "../../plan/core-facts.ts";
import type { ReleaseName, ReleaseRecord } from "../../plan/release.ts";
import type { NamedRef, Tracked, WatchState } from "../../plan/seen.ts";
import type { WatchRequest } from "../../plan/step.ts";
import type { KubeClient } from "../client.ts";
import type { Discovery } from "../discovery.ts";
import { coreResource, type Resource } from "../resource.ts";
import { EvidenceWatch } from "./evidence-watch.ts";
import { FactWatch } from "./fact-watch.ts";
import { MemberWatches, type MemberWatchOptions } from "./member-watches.ts";
import { NamedWatches } from "./named-watches.ts";
import { ReleaseWatches } from "./release-watches.ts";
import { SharedWatches } from "./shared-watches.ts";

export interface SiteOptions extends Omit<MemberWatchOptions, "resourceOf" | "stale"> {
  discovery: Discovery;
}

/** Late objects that are looked into at a time: the first ones fill the status, more would only cost watches. */
const MOST_WATCHED = 4;

const NODES = coreResource("Node", "nodes", false);
const STORAGE = { group: "storage.k8s.io", version: "v1", namespaced: false, verbs: [], hasStatus: false };
const CLASSES: Resource = { ...STORAGE, kind: "StorageClass", plural: "storageclasses" };
const DRIVERS: Resource = { ...STORAGE, kind: "CSIDriver", plural: "csidrivers" };

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
  readonly #members: MemberWatches;
  readonly #evidence = new SharedWatches<EvidenceWatch | undefined>((watch) => watch?.stop());
  readonly #named: NamedWatches;
  readonly #releases: ReleaseWatches;
  readonly #nodes: FactWatch<NodeFacts>;
  readonly #classes: FactWatch<ClassFacts>;
  readonly #drivers: FactWatch<string>;
  #resources = new Map<string, readonly Resource[]>();
  #stale: readonly string[] = [];

  constructor(options: SiteOptions) {
    this.client = options.client;
    this.#options = options;
    const { client, onError } = options;
    this.#members = new MemberWatches({
      ...options,
      resourceOf: (kind) => this.#preferred(kind),
      stale: () => this.#stale,
    });
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
    this.#stale = await this.#options.discovery.stale({ signal });
    this.#members.restart((resource) => this.served(resource) && this.resourceFor(resource) === undefined);
  }

  /** Group-versions that did not answer when that was read: their kinds may be missing in it. */
  stale(): readonly string[] {
    return this.#stale;
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
    const resource = this.#preferred(kind);
    return resource && (resource.namespaced ? "Namespaced" : "Cluster");
  }

  crdOf(kind: GroupKind): string | undefined {
    const resource = this.#preferred(kind);
    if (!resource?.group.includes(".")) return undefined;
    const name = `${resource.plural}.${resource.group}`;
    return keyOf({ group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", name });
  }

  /** Whether only the metadata of a kind's objects is watched: nothing in them tells how healthy they are. */
  metadataOnly(kind: GroupVersionKind): boolean {
    return this.#members.metadataOnly(kind);
  }

  /** As `owner` has it: a watch that others have is `unwatched` for an owner that did not ask for it. */
  watchState(owner: string, kind: GroupKind, namespace: string | undefined): WatchState {
    return this.#members.state(owner, kind, namespace);
  }

  /** Begins to watch kinds; what is watched already goes on. The change is told when each is known. */
  watch(owner: string, requests: readonly WatchRequest[]): void {
    this.#members.watch(owner, requests);
  }

  /** An owner leaves: what nobody else has watched is watched no more. */
  release(owner: string): void {
    this.want(owner, { late: [], named: [], kept: [], releases: [], nodes: false, storage: false });
    this.#members.release(owner);
  }

  member(key: string): Tracked | undefined {
    return this.#members.get(key);
  }

  /** A member that the cluster has deleted by itself when it was done, as it was then. */
  expired(key: string): Tracked | undefined {
    return this.#members.expired(key);
  }

  members(applySet: string): Iterable<Tracked> {
    return this.#members.of(applySet);
  }

  /** The answer to a write, so that the next pass need not wait for the watch. */
  record(object: KubeObject): void {
    this.#members.record(object);
  }

  forget(key: string): void {
    this.#members.forget(key);
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
    this.#members.keep(interest.kept);
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
    this.#evidence.want(owner, wanted, (object) => this.#watchEvidence(object));
  }

  /** The sentence of a late object: its own words until its pods and events are known. */
  explain(tracked: Tracked & { object: KubeObject }): string | undefined {
    return this.#evidence.get(tracked.observed.key)?.explain(tracked);
  }

  close(): void {
    this.#members.close();
    this.#evidence.close();
    this.#named.close();
    this.#releases.close();
    for (const facts of [this.#nodes, this.#classes, this.#drivers]) facts.close();
  }

  /** A kind as its preferred version serves it. */
  #preferred(kind: GroupKind): Resource | undefined {
    return this.#resources.get(groupKindKey(kind))?.[0];
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
}
