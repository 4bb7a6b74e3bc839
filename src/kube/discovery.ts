import type { GroupKind } from "../objects/types.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, orAborted, systemClock } from "./clock.ts";
import { type DiscoveredGroup, groupsFrom, mergeStale } from "./discovery-document.ts";
import type { Resource } from "./resource.ts";

/** At most one refresh in this time on a miss: a kind that nobody serves must not cost a request per pass. */
const REFRESH_INTERVAL_MS = 5_000;
const ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

interface Document {
  readonly etag: string | undefined;
  readonly groups: readonly DiscoveredGroup[];
}

export interface DiscoveryCallOptions {
  readonly signal: AbortSignal;
}

/**
 * What one cluster serves, by aggregated discovery (KEP-3352): two requests, answered 304 when nothing changed. It is
 * read on first use and then only when asked for something it does not know.
 *
 * Methods throw what the client throws, and `Failure` `ServerError` for a server without aggregated discovery.
 */
export class Discovery {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #documents = new Map<string, Document>();
  #resources: ReadonlyMap<string, readonly Resource[]> = new Map();
  #stale: readonly string[] = [];
  #refreshedAt: number | undefined;
  /** Settles with the running refresh, never rejects. */
  #running: Promise<void> = Promise.resolve();
  /** The refresh that has not begun yet. */
  #next: Promise<void> | undefined;

  constructor(client: KubeClient, clock: Clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * The resource that serves a kind: of exactly this version, or of the version that the server prefers when none is
   * named. Undefined when the cluster does not serve it, even after a refresh; within 5 s of the last refresh it is
   * not asked again: call `refresh` first if something new is known to be there (a CRD became Established).
   */
  async resourceFor(
    kind: GroupKind & { readonly version?: string },
    options: DiscoveryCallOptions,
  ): Promise<Resource | undefined> {
    await this.#loaded(options);
    const found = this.#find(kind);
    if (found !== undefined || this.#isFresh()) {
      return found;
    }
    await this.refresh(options);
    return this.#find(kind);
  }

  /** Every resource of every served version; the preferred version of a group comes first. */
  async all(options: DiscoveryCallOptions): Promise<readonly Resource[]> {
    await this.#loaded(options);
    return [...this.#resources.values()].flat();
  }

  /** Group-versions (`metrics.k8s.io/v1beta1`) whose server does not answer at present: absence there proves nothing. */
  async stale(options: DiscoveryCallOptions): Promise<readonly string[]> {
    await this.#loaded(options);
    return this.#stale;
  }

  /**
   * Asks the server now. What it answers is from after this call: who comes while a refresh is running shares the next
   * one.
   */
  refresh({ signal }: DiscoveryCallOptions): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const load = this.#load();
      this.#running = load.catch(() => undefined);
      return load;
    });
    return orAborted(this.#next, signal);
  }

  async #loaded(options: DiscoveryCallOptions): Promise<void> {
    if (this.#refreshedAt === undefined) {
      await this.refresh(options);
    }
  }

  #isFresh(): boolean {
    return this.#refreshedAt !== undefined && this.#clock.now() - this.#refreshedAt < REFRESH_INTERVAL_MS;
  }

  #find(kind: GroupKind & { readonly version?: string }): Resource | undefined {
    const served = this.#resources.get(`${kind.group}/${kind.kind}`) ?? [];
    return kind.version === undefined ? served[0] : served.find((resource) => resource.version === kind.version);
  }

  /** Many callers wait for it, so that none of their signals may end it; the client's time limit does. */
  async #load(): Promise<void> {
    const { signal } = new AbortController();
    const documents = await Promise.all([this.#read("/api", signal), this.#read("/apis", signal)]);
    const groups = documents.flatMap((document) => document.groups);
    this.#resources = Map.groupBy(
      groups.flatMap((group) => group.resources),
      (resource) => `${resource.group}/${resource.kind}`,
    );
    this.#stale = groups.flatMap((group) => group.stale.map((version) => `${group.name}/${version}`));
    this.#refreshedAt = this.#clock.now();
  }

  async #read(path: string, signal: AbortSignal): Promise<Document> {
    const before = this.#documents.get(path);
    const headers = { Accept: ACCEPT, ...(before?.etag !== undefined && { "If-None-Match": before.etag }) };
    const response = await this.#client.request(path, { headers, signal });
    if (response.status === 304 && before !== undefined) {
      return before;
    }
    const etag = response.headers["etag"];
    const document = {
      etag: typeof etag === "string" ? etag : undefined,
      groups: mergeStale(groupsFrom(response.body), before?.groups ?? []),
    };
    this.#documents.set(path, document);
    return document;
  }
}
