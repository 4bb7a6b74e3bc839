import { PART_OF_LABEL } from "../../api/names.ts";
import type { Failure, FailureReason } from "../../errors.ts";
import { hasHealth } from "../../health/index.ts";
import { groupKindKey, gvkOf, parseApiVersion } from "../../objects/identity.ts";
import type { GroupKind, KubeObject } from "../../objects/types.ts";
import type { Tracked, WatchState } from "../../plan/seen.ts";
import type { WatchRequest } from "../../plan/step.ts";
import { unanswered } from "../../plan/unanswered.ts";
import type { KubeClient } from "../client.ts";
import { Reflector, type ReflectorEvent } from "../reflector.ts";
import type { Resource } from "../resource.ts";
import { MemberStore } from "./member-store.ts";

export interface MemberWatchOptions {
  client: KubeClient;
  /** Whether the identity may be without rights on whole clusters: then namespaced kinds are watched by namespace. */
  byNamespace: boolean;
  /** Something changed that a pass over these ApplySets would see; all of them when the set is undefined. */
  onChange: (applySets: ReadonlySet<string> | undefined, key?: string) => void;
  /** A watch broke off; it begins again by itself. */
  onBreak: (reason: FailureReason) => void;
  onError: (error: unknown) => void;
  /** A kind as its preferred version serves it; undefined when the cluster does not serve it. */
  resourceOf(kind: GroupKind): Resource | undefined;
  /** Group-versions that do not answer now. */
  stale(): readonly string[];
}

interface KindWatch {
  resource: Resource;
  reflector: Reflector;
  state: "starting" | "live" | Failure;
  /** Deployments that have members of this kind here; the last one to go ends the watch. */
  owners: Set<string>;
}

/**
 * What the members of all ApplySets on a cluster are like: a watch per kind, or per kind and namespace, with the *existence*
 * selector of the part-of label.
 */
export class MemberWatches {
  readonly #options: MemberWatchOptions;
  readonly #store: MemberStore;
  /** By the place that each covers. */
  readonly #watches = new Map<string, KindWatch>();
  /** Kinds of which whole objects are kept, because a health check reads them. */
  readonly #kept = new Set<string>();

  constructor(options: MemberWatchOptions) {
    this.#options = options;
    this.#store = new MemberStore((sets, key) => options.onChange(sets, key));
  }

  metadataOnly(kind: GroupKind): boolean {
    return !hasHealth(kind) && !this.#kept.has(groupKindKey(kind));
  }

  state(owner: string, kind: GroupKind, namespace: string | undefined): WatchState {
    const resource = this.#options.resourceOf(kind);
    const place = resource && this.#placeOf(resource, namespace);
    if (!resource) return this.#unseen(kind) ?? "unserved";
    if (place === undefined) return "unserved";
    const watch = this.#watches.get(place);
    return watch?.owners.has(owner) ? watch.state : "unwatched";
  }

  watch(owner: string, requests: readonly WatchRequest[]): void {
    for (const { kind, namespace } of requests) {
      const resource = this.#options.resourceOf(kind);
      const place = resource && this.#placeOf(resource, namespace);
      if (!resource || place === undefined) continue;
      const watch = this.#watches.get(place) ?? this.#start(resource, place, namespace);
      watch.owners.add(owner);
    }
  }

  release(owner: string): void {
    for (const [place, { owners, reflector }] of this.#watches) {
      if (!owners.delete(owner) || owners.size > 0) continue;
      reflector.stop();
      this.#watches.delete(place);
      this.#store.replace([], place, false);
    }
  }

  get(key: string): Tracked | undefined {
    return this.#store.get(key);
  }

  expired(key: string): Tracked | undefined {
    return this.#store.expired(key);
  }

  of(applySet: string): Iterable<Tracked> {
    return this.#store.members(applySet);
  }

  record(object: KubeObject): void {
    const kind = gvkOf(object);
    const resource = this.#options.resourceOf(kind);
    const place = resource && this.#placeOf(resource, object.metadata.namespace);
    if (place !== undefined) this.#store.record(object, place, this.#kept.has(groupKindKey(kind)));
  }

  forget(key: string): void {
    this.#store.delete(key);
  }

  /** Keeps whole objects of these kinds from now on: a watch that kept only verdicts begins anew. */
  keep(kinds: readonly GroupKind[]): void {
    const fresh = kinds.map(groupKindKey).filter((kind) => !this.#kept.has(kind));
    for (const kind of fresh) this.#kept.add(kind);
    this.restart((resource) => fresh.includes(groupKindKey(resource)));
  }

  /** Watches that cannot tell what is needed begin anew, as soon as their owners ask for them again. */
  restart(isDue: (resource: Resource) => boolean): void {
    const restarted = [...this.#watches].filter(([, { resource }]) => isDue(resource));
    for (const [place, { reflector }] of restarted) {
      reflector.stop();
      this.#watches.delete(place);
    }
    if (restarted.length > 0) this.#options.onChange(undefined);
  }

  close(): void {
    for (const { reflector } of this.#watches.values()) reflector.stop();
  }

  /** Of what is in no discovery while its API does not answer, nobody can tell that it is gone. */
  #unseen({ group, kind }: GroupKind): Failure | undefined {
    const apis = this.#options.stale().filter((api) => parseApiVersion(api).group === group);
    return apis.length > 0 ? unanswered(`what is left of ${kind}`, apis) : undefined;
  }

  /** The name of the watch that covers a kind in a namespace; undefined where there is nothing to watch. */
  #placeOf(resource: Resource, namespace: string | undefined): string | undefined {
    const kind = groupKindKey(resource);
    if (!this.#options.byNamespace) return kind;
    if (resource.namespaced) return namespace === undefined ? undefined : `${kind}/${namespace}`;
    return namespace === undefined ? kind : undefined;
  }

  #start(resource: Resource, place: string, namespace: string | undefined): KindWatch {
    const { client, byNamespace, onBreak, onChange, onError } = this.#options;
    const keep = this.#kept.has(groupKindKey(resource));
    const watch: KindWatch = {
      resource,
      state: "starting",
      owners: new Set(),
      reflector: new Reflector({
        client,
        resource,
        ...(byNamespace && resource.namespaced && namespace !== undefined ? { namespace } : {}),
        labelSelector: PART_OF_LABEL,
        metadataOnly: this.metadataOnly(resource),
        handler: (event) => this.#take(event, place, keep),
        onState: ({ state, ...rest }) => {
          // A watch that breaks off keeps what it knew; only one that never came to know anything says why.
          if ("failure" in rest) onBreak(rest.failure.reason);
          if (state === "live") watch.state = "live";
          else if (state === "failing" && watch.state !== "live" && "failure" in rest) watch.state = rest.failure;
          onChange(undefined);
        },
        onError,
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
