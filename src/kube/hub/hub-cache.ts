import { parseDeployment, parseProfile, parseTargetCluster } from "../../api/parse.ts";
import type { Profile, ProfileDeployment, TargetCluster } from "../../api/types.ts";
import type { KubeObject, Result } from "../../objects/types.ts";
import type { KubeClient } from "../client.ts";
import { Reflector, type ReflectorEvent } from "../reflector.ts";
import { coreResource, type Resource } from "../resource.ts";
import { HUB_RESOURCES } from "./kinds.ts";

export interface HubCacheOptions {
  client: KubeClient;
  onProfile(key: string): void;
  onTarget(key: string): void;
  onDeployment(key: string): void;
  /** A namespace's labels changed, or it came or went. */
  onNamespace(): void;
  /** An object that the API server took and we cannot read: an older CRD, most likely. */
  onUnreadable(object: KubeObject, problems: readonly string[]): void;
  onError(error: unknown): void;
}

const NAMESPACES = coreResource("Namespace", "namespaces", false);

/** What the hub holds of Strata's kinds, parsed, as the watches last told. */
export class HubCache {
  readonly profiles = new Map<string, Profile>();
  readonly targets = new Map<string, TargetCluster>();
  readonly deployments = new Map<string, ProfileDeployment>();
  /** Labels by namespace, for a SystemProfile's `namespaceSelector`. */
  readonly namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #options: HubCacheOptions;
  readonly #reflectors: Reflector[] = [];
  readonly #syncing = new Set<Resource>();
  readonly #synced = Promise.withResolvers<void>();

  constructor(options: HubCacheOptions) {
    this.#options = options;
    const profile = { parse: parseProfile, into: this.profiles, tell: options.onProfile };
    this.#follow(HUB_RESOURCES.ClusterProfile, profile);
    this.#follow(HUB_RESOURCES.AddOnProfile, profile);
    this.#follow(HUB_RESOURCES.SystemProfile, profile);
    this.#follow(HUB_RESOURCES.TargetCluster, {
      parse: parseTargetCluster,
      into: this.targets,
      tell: options.onTarget,
    });
    this.#follow(HUB_RESOURCES.ProfileDeployment, {
      parse: parseDeployment,
      into: this.deployments,
      tell: options.onDeployment,
    });
    this.#follow(NAMESPACES, {
      parse: (object) => ({ ok: true, value: object.metadata.labels ?? {} }),
      into: this.namespaces,
      tell: options.onNamespace,
    });
  }

  /** Resolves when every kind is known. */
  async start(): Promise<void> {
    for (const reflector of this.#reflectors) reflector.start();
    await this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#syncing.size === 0;
  }

  stop(): void {
    for (const reflector of this.#reflectors) reflector.stop();
  }

  #follow<T>(
    resource: Resource,
    kind: { parse: (object: KubeObject) => Result<T>; into: Map<string, T>; tell: (key: string) => void },
  ): void {
    const { onUnreadable, onError, client } = this.#options;
    const put = (object: KubeObject): void => {
      const parsed = kind.parse(object);
      if (parsed.ok) kind.into.set(hubKey(object), parsed.value);
      else onUnreadable(object, parsed.problems);
      kind.tell(hubKey(object));
    };
    const drop = (key: string): void => {
      kind.into.delete(key);
      kind.tell(key);
    };
    const handler = (event: ReflectorEvent): void => {
      if (event.type === "upsert") put(event.object);
      else if (event.type === "delete") drop(hubKey(event.object));
      else sync(event.objects);
    };
    const sync = (objects: readonly KubeObject[]): void => {
      const present = new Set(objects.map(hubKey));
      // Profiles of three kinds share a map: only this kind's keys can be missing from its list.
      for (const key of [...kind.into.keys()]) if (isOfKind(key, resource) && !present.has(key)) drop(key);
      for (const object of objects) put(object);
      if (this.#syncing.delete(resource) && this.#syncing.size === 0) this.#synced.resolve();
    };
    this.#syncing.add(resource);
    this.#reflectors.push(new Reflector({ client, resource, handler, onError, metadataOnly: resource === NAMESPACES }));
  }
}

/** `Kind/namespace/name` of a profile; `namespace/name` of the others; a namespace's name. */
export function hubKey({ kind, metadata: { namespace = "", name = "" } }: KubeObject): string {
  if (kind.endsWith("Profile")) return `${kind}/${namespace}/${name}`;
  return kind === "Namespace" ? name : `${namespace}/${name}`;
}

function isOfKind(key: string, { kind }: Resource): boolean {
  return !kind.endsWith("Profile") || key.startsWith(`${kind}/`);
}
