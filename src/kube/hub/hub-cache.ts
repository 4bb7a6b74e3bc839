import { parseDeployment, parseProfile, parseRegistry, parseTargetCluster } from "../../api/parse.ts";
import type { Profile, ProfileDeployment, ProfileKind, Registry, TargetCluster } from "../../api/types.ts";
import type { KubeObject } from "../../objects/types.ts";
import type { KubeClient } from "../client.ts";
import { NAMESPACES } from "../resource.ts";
import { type Change, KindCache, type KindCacheOptions, type Parsed } from "./kind-cache.ts";
import { HUB_RESOURCES } from "./kinds.ts";

export interface HubCacheOptions {
  client: KubeClient;
  onProfile(key: string, change: Change): void;
  onTarget(key: string, change: Change): void;
  onDeployment(key: string, change: Change): void;
  onRegistry(key: string, change: Change): void;
  onNamespace(name: string, change: Change): void;
  /** An object that the API server took and we cannot read: an older CRD, most likely. */
  onUnreadable(object: KubeObject, problems: readonly string[]): void;
  onError(error: unknown): void;
}

/** What the hub holds of Strata's kinds, as the watches last told. Keys: see `hubKey`. */
export class HubCache {
  readonly #profiles: Readonly<Record<ProfileKind, KindCache<Profile>>>;
  readonly #targets: KindCache<TargetCluster>;
  readonly #deployments: KindCache<ProfileDeployment>;
  readonly #registries: KindCache<Registry>;
  readonly #namespaces: KindCache<Parsed>;

  constructor({ client, onUnreadable, onError, ...tell }: HubCacheOptions) {
    const follow = <T extends Parsed>(
      kind: Pick<KindCacheOptions<T>, "resource" | "parse" | "onChange" | "metadataOnly">,
      keyOf = namespacedKey,
    ) => new KindCache<T>({ client, onUnreadable, onError, keyOf, ...kind });
    const followProfile = (kind: ProfileKind) =>
      follow<Profile>({ resource: HUB_RESOURCES[kind], parse: parseProfile, onChange: tell.onProfile }, (object) =>
        hubProfileKey(kind, object),
      );
    this.#profiles = {
      ClusterProfile: followProfile("ClusterProfile"),
      AddOnProfile: followProfile("AddOnProfile"),
      SystemProfile: followProfile("SystemProfile"),
    };
    this.#targets = follow({
      resource: HUB_RESOURCES.TargetCluster,
      parse: parseTargetCluster,
      onChange: tell.onTarget,
    });
    this.#deployments = follow({
      resource: HUB_RESOURCES.ProfileDeployment,
      parse: parseDeployment,
      onChange: tell.onDeployment,
    });
    this.#registries = follow({
      resource: HUB_RESOURCES.Registry,
      parse: parseRegistry,
      onChange: tell.onRegistry,
    });
    const parse = (object: KubeObject) => ({ ok: true as const, value: object });
    const nameOf = ({ metadata }: Parsed) => metadata.name ?? "";
    this.#namespaces = follow<Parsed>(
      { resource: NAMESPACES, parse, onChange: tell.onNamespace, metadataOnly: true },
      nameOf,
    );
  }

  /** Resolves when every kind is known. */
  async start(): Promise<void> {
    await Promise.all(this.#all.map((cache) => cache.start()));
  }

  get isSynced(): boolean {
    return this.#all.every((cache) => cache.isSynced);
  }

  stop(): void {
    for (const cache of this.#all) cache.stop();
  }

  /** @param key `Kind/namespace/name` */
  profile(key: string): Profile | undefined {
    const [kind] = key.split("/", 1);
    return this.#profiles[kind as ProfileKind]?.objects.get(key);
  }

  /** Whether there is a profile of this key that cannot be read. */
  isUnreadableProfile(key: string): boolean {
    const [kind] = key.split("/", 1);
    return this.#profiles[kind as ProfileKind]?.unreadable.has(key) ?? false;
  }

  profileKeys(): string[] {
    return Object.values(this.#profiles).flatMap((cache) => [...cache.objects.keys()]);
  }

  get targets(): ReadonlyMap<string, TargetCluster> {
    return this.#targets.objects;
  }

  /** The TargetClusters that are there and cannot be read: why, by key. */
  get unreadableTargets(): ReadonlyMap<string, readonly string[]> {
    return this.#targets.unreadable;
  }

  get deployments(): ReadonlyMap<string, ProfileDeployment> {
    return this.#deployments.objects;
  }

  get registries(): ReadonlyMap<string, Registry> {
    return this.#registries.objects;
  }

  namespaceLabels(name: string): Readonly<Record<string, string>> {
    return this.#namespaces.objects.get(name)?.metadata.labels ?? {};
  }

  /** Whether a namespace is being deleted, with all that is in it. */
  isNamespaceGoing(name: string): boolean {
    return this.#namespaces.objects.get(name)?.metadata.deletionTimestamp !== undefined;
  }

  get #all(): KindCache<Parsed>[] {
    return [
      ...Object.values(this.#profiles),
      this.#targets,
      this.#deployments,
      this.#registries,
      this.#namespaces,
    ] as KindCache<Parsed>[];
  }
}

function namespacedKey({ metadata: { namespace = "", name = "" } }: Parsed): string {
  return `${namespace}/${name}`;
}

function hubProfileKey(kind: ProfileKind, object: Parsed): string {
  return `${kind}/${namespacedKey(object)}`;
}
