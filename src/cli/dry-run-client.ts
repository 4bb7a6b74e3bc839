import type { ClusterAccess } from "../kube/access.ts";
import { KubeClient } from "../kube/client.ts";
import type { ApplyOptions, DeleteOptions, JsonPatchOperation, WriteOptions } from "../kube/client-options.ts";
import { ClusterLink } from "../kube/cluster-link.ts";
import type { ObjectKey, Resource } from "../kube/resource.ts";
import { keyOf, refOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";

/** A client with which nothing is ever written: the API server goes through everything and stores nothing. */
export class DryRunClient extends KubeClient {
  /** The whole objects that applies were answered with, by key. */
  readonly #applied = new Map<string, KubeObject>();

  constructor(access: ClusterAccess, userAgent: string) {
    super(new ClusterLink(access), { userAgent });
  }

  /** A diff is what the server tells the person who asks. */
  override asUser(): never {
    throw new Error("a dry run is nobody else's");
  }

  /** What the last apply of an object was answered with; undefined if there was none. */
  applied(key: string): KubeObject | undefined {
    return this.#applied.get(key);
  }

  override create<T extends KubeObject = KubeObject>(
    resource: Resource,
    object: KubeObject,
    options: WriteOptions,
  ): Promise<T> {
    return super.create<T>(resource, object, { ...options, dryRun: true });
  }

  override async apply<T extends KubeObject = KubeObject>(
    resource: Resource,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<{ object: T; created: boolean }> {
    const answer = await super.apply<T>(resource, object, { ...options, metadataOnly: false, dryRun: true });
    this.#applied.set(keyOf(refOf(answer.object)), answer.object);
    return answer;
  }

  override mergePatch<T extends KubeObject = KubeObject>(
    resource: Resource,
    key: ObjectKey,
    patch: object,
    options: WriteOptions,
  ): Promise<T> {
    return super.mergePatch<T>(resource, key, patch, { ...options, dryRun: true });
  }

  override jsonPatch<T extends KubeObject = KubeObject>(
    resource: Resource,
    key: ObjectKey,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions,
  ): Promise<T> {
    return super.jsonPatch<T>(resource, key, operations, { ...options, dryRun: true });
  }

  override delete(resource: Resource, key: ObjectKey, options: DeleteOptions): Promise<void> {
    return super.delete(resource, key, { ...options, dryRun: true });
  }
}
