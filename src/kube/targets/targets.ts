import { KUBECONFIG_KEY } from "../../api/names.ts";
import type { TargetCluster } from "../../api/types.ts";
import { Failure } from "../../errors.ts";
import type { AddressCheck } from "../../text/addresses.ts";
import type { ClusterAccess } from "../access.ts";
import type { KubeClient } from "../client.ts";
import { parseKubeconfig } from "../kubeconfig.ts";
import { SECRETS } from "../resource.ts";
import { NamedWatches } from "../site/named-watches.ts";
import { type LinkOptions, type LinkState, TargetLink } from "./target-link.ts";

const KEYS_LISTED = 5;
/** Where Cluster API puts a kubeconfig (its contract for control plane providers). */
const CLUSTER_API = { key: "value" };

export interface TargetsOptions {
  hub: KubeClient;
  /** `namespace/name` of a TargetCluster; what its link tells. */
  linkOptions(name: string): Omit<LinkOptions, "name">;
  target(name: string): TargetCluster | undefined;
  /** Where API servers may be. Names of servers are checked by the `lookup` of the links' clients. */
  check: AddressCheck;
  onState(name: string): void;
  onError(error: unknown): void;
}

/** The links to all TargetClusters: each follows its kubeconfig Secret, and is made, renewed and closed by it. */
export class Targets {
  readonly #options: TargetsOptions;
  readonly #links = new Map<string, TargetLink>();
  readonly #failures = new Map<string, Failure>();
  readonly #secrets: NamedWatches;

  constructor(options: TargetsOptions) {
    this.#options = options;
    this.#secrets = new NamedWatches({
      client: options.hub,
      onChange: (names) => this.#renew(names),
      onError: options.onError,
    });
  }

  link(name: string): TargetLink | undefined {
    return this.#links.get(name);
  }

  /** The state of a target: of its kubeconfig first, then of the cluster. */
  state(name: string): LinkState {
    const failure = this.#failures.get(name);
    if (failure) return { kind: "failing", failure };
    return this.#links.get(name)?.state ?? { kind: "connecting" };
  }

  /** Whether the kubeconfig Secret of a TargetCluster is not there, by what the watch told. */
  hasNoSecret(name: string): boolean {
    const target = this.#options.target(name);
    return target !== undefined && this.#secrets.get(secretRef(target)) === "absent";
  }

  /** The TargetCluster of this name came, changed or went. */
  refresh(name: string): void {
    const target = this.#options.target(name);
    if (!target) {
      this.#secrets.want(name, []);
      this.#close(name);
      return;
    }
    this.#secrets.want(name, [{ ...secretRef(target), resource: SECRETS }]);
    this.#take(name, target);
  }

  async close(): Promise<void> {
    this.#secrets.close();
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }

  /** The Secrets of these targets have changed. */
  #renew(names: ReadonlySet<string>): void {
    for (const name of [...names]) {
      const target = this.#options.target(name);
      if (target) this.#take(name, target);
    }
  }

  #take(name: string, target: TargetCluster): void {
    const access = this.#accessOf(target);
    if (access === "unknown") return;
    if (access instanceof Failure) {
      this.#fail(name, access);
      return;
    }
    const recovered = this.#failures.delete(name);
    const link = this.#links.get(name);
    // Another address may be another cluster: what is known of the old one is not carried over to it.
    const isSame = link !== undefined && link.client.server === access.server;
    if (isSame) link.rotate(access);
    else {
      link?.close().catch(this.#options.onError);
      this.#links.set(name, new TargetLink(access, { ...this.#options.linkOptions(name), name }));
    }
    if (recovered || !isSame) this.#options.onState(name);
  }

  /** What the kubeconfig Secret says now. */
  #accessOf(target: TargetCluster): ClusterAccess | Failure | "unknown" {
    const ref = secretRef(target);
    const secret = this.#secrets.get(ref);
    const where = `Secret ${ref.namespace}/${ref.name}`;
    if (secret === "unknown") return this.#secrets.failure(ref) ?? "unknown";
    const { kubeconfigSecretRef, clusterAPIRef } = target.spec.connection;
    if (secret === "absent" && clusterAPIRef)
      return new Failure("Unreachable", `Cluster API has not written ${where} yet`);
    if (secret === "absent") return new Failure("ReferenceNotFound", `${where} does not exist`);
    const { key = KUBECONFIG_KEY } = kubeconfigSecretRef ?? CLUSTER_API;
    const data = (secret["data"] ?? {}) as Record<string, string>;
    const encoded = data[key];
    if (encoded === undefined) {
      const keys = Object.keys(data).sort().slice(0, KEYS_LISTED).join(", ") || "none";
      const remedy = kubeconfigSecretRef ? `it has ${keys}: name one in kubeconfigSecretRef.key` : `it has ${keys}`;
      return new Failure("InvalidKubeconfig", `${where} has no key ${key}; ${remedy}`);
    }
    const parsed = parseKubeconfig(Buffer.from(encoded, "base64").toString("utf8"), this.#options.check);
    return parsed.ok ? parsed.value : new Failure("InvalidKubeconfig", `${where}: ${parsed.problems.join("; ")}`);
  }

  #fail(name: string, failure: Failure): void {
    if (this.#failures.get(name)?.message === failure.message) return;
    this.#failures.set(name, failure);
    this.#options.onState(name);
  }

  #close(name: string): void {
    this.#failures.delete(name);
    const link = this.#links.get(name);
    this.#links.delete(name);
    link?.close().catch(this.#options.onError);
  }
}

/** The Secret in which a TargetCluster's kubeconfig is. */
export function secretRef(target: TargetCluster): {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
} {
  const { kubeconfigSecretRef, clusterAPIRef } = target.spec.connection;
  const name = kubeconfigSecretRef?.name ?? `${clusterAPIRef?.name}-kubeconfig`;
  return { group: "", version: "v1", kind: "Secret", namespace: target.metadata.namespace, name };
}
