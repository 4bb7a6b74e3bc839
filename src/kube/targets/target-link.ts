import { SYSTEM_NAMESPACE } from "../../api/names.ts";
import { Failure, type FailureReason } from "../../errors.ts";
import type { KubeObject } from "../../objects/types.ts";
import type { ClusterAccess } from "../access.ts";
import { ConnectionError } from "../api-error.ts";
import { connect, type KubeClient } from "../client.ts";
import type { KubeClientOptions } from "../client-options.ts";
import { systemClock } from "../clock.ts";
import { Discovery } from "../discovery.ts";
import { toFailure } from "../failures.ts";
import type { Identity } from "../identity.ts";
import { Reflector } from "../reflector.ts";
import { NAMESPACES } from "../resource.ts";
import { Site } from "../site/site.ts";

/** A version is a small answer. */
const PATIENCE_MS = 10_000;
/** The watch of a cluster is quiet: nothing else would ask again for a version that was not answered. */
const RETRY_MS = 5_000;

export interface LinkOptions {
  /** `acme/edge-17`, or `local`. */
  name: string;
  client: Omit<KubeClientOptions, "onRequest">;
  onRequest: NonNullable<KubeClientOptions["onRequest"]>;
  /** Something that a pass over these ApplySets would see; all of this cluster when the set is undefined. */
  onChange(applySets: ReadonlySet<string> | undefined, key?: string): void;
  /** Reachable, failing, or another cluster behind the name. */
  onState(): void;
  /** A watch broke off; it begins again by itself. */
  onBreak(reason: FailureReason): void;
  onError(error: unknown): void;
}

/** What is known of a target as a whole. */
export type LinkState =
  | { kind: "connecting" }
  | { kind: "failing"; failure: Failure }
  | { kind: "live"; uid: string; version: string };

/**
 * The connection to one cluster. One quiet watch, on the namespace `kube-system`, tells whether the cluster answers and, by
 * its uid, which cluster it is: nothing is polled.
 */
export class TargetLink {
  readonly client: KubeClient;
  readonly #options: LinkOptions;
  readonly #discovery: Discovery;
  #heartbeat: Reflector;
  readonly #sites = new Map<string, Site>();
  readonly #abort = new AbortController();
  #state: LinkState = { kind: "connecting" };
  #uid: string | undefined;
  #lostAt: number | undefined;
  #isDoubted = false;
  #cancelRetry: () => void = () => undefined;

  constructor(access: ClusterAccess, options: LinkOptions) {
    this.#options = options;
    const onRequest: LinkOptions["onRequest"] = (record) => {
      options.onRequest(record);
      if (record.isLate) void this.#doubt();
    };
    this.client = connect(access, { ...options.client, onRequest });
    this.#discovery = new Discovery(this.client);
    this.#heartbeat = this.#startHeartbeat();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The uid of its kube-system, once it was seen. */
  get uid(): string | undefined {
    return this.#uid;
  }

  /** Since when it does not answer, in milliseconds since the epoch; undefined while it does. */
  get lostAt(): number | undefined {
    return this.#lostAt;
  }

  /**
   * New credentials: running watches stay, the next request uses them, and the heartbeat tries them at once. Behind another
   * address may be another cluster: nothing is done there before it is known which.
   */
  rotate(access: ClusterAccess): void {
    if (access.fingerprint === this.client.fingerprint) return;
    const moved = access.server !== this.client.server;
    this.client.rotate(access);
    this.#heartbeat.stop();
    this.#cancelRetry();
    if (moved) this.#set({ kind: "connecting" });
    this.#heartbeat = this.#startHeartbeat();
  }

  /**
   * The cluster as an identity sees it; Strata's own when none is given. An impersonated identity may be without rights on
   * the whole cluster, so its watches are by namespace.
   */
  site(identity: Identity | undefined): Site {
    const key = identity?.user ?? "";
    const known = this.#sites.get(key);
    if (known) return known;
    const { onChange, onBreak, onError } = this.#options;
    const client = identity ? this.client.asUser(identity) : this.client;
    const site = new Site({
      client,
      discovery: this.#discovery,
      byNamespace: identity !== undefined,
      onBreak,
      onChange,
      onError,
    });
    this.#sites.set(key, site);
    return site;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#cancelRetry();
    this.#heartbeat.stop();
    this.#closeSites();
    await this.client.close();
  }

  #startHeartbeat(): Reflector {
    const heartbeat = new Reflector({
      client: this.client,
      resource: NAMESPACES,
      fieldSelector: "metadata.name=kube-system",
      metadataOnly: true,
      onError: this.#options.onError,
      handler: (event) => {
        const [object] = event.type === "sync" ? event.objects : [event.object];
        if (event.type !== "delete" && object) void this.#isAlive(object);
        else if (event.type === "sync") this.#isNobody();
      },
      onState: (state) => {
        if (state.state === "failing") {
          this.#cancelRetry();
          this.#set({ kind: "failing", failure: this.#failure(state.failure) });
        }
      },
      onResume: () => void this.#lookAgain(),
    });
    heartbeat.start();
    return heartbeat;
  }

  /** Something answers that does not tell which cluster it is: nothing can be done there, and nobody waits for it as for one. */
  #isNobody(): void {
    this.#cancelRetry();
    this.#closeSites();
    this.#uid = undefined;
    const what = `${this.client.server} has no namespace kube-system, by whose uid a cluster is known`;
    const remedy = "check that the server of the kubeconfig is the API server of a Kubernetes cluster";
    this.#set({ kind: "failing", failure: new Failure("Unreachable", `${what}: ${remedy}`) });
  }

  /** The first sign of life, and each new one after a silence or with another watch: which cluster it is, and of which version. */
  async #isAlive(kubeSystem: KubeObject): Promise<void> {
    const uid = kubeSystem.metadata.uid ?? "";
    if (this.#uid !== undefined && this.#uid !== uid) this.#closeSites();
    this.#uid = uid;
    const heartbeat = this.#heartbeat;
    try {
      const { body } = await this.client.request("/version", { signal: this.#abort.signal, timeoutMs: PATIENCE_MS });
      const version = (body as { gitVersion?: string } | undefined)?.gitVersion ?? "unknown";
      // Asked before a rotation, it may speak of another cluster.
      if (heartbeat === this.#heartbeat && this.#uid === uid) this.#set({ kind: "live", uid, version });
    } catch (error) {
      if (this.#abort.signal.aborted || heartbeat !== this.#heartbeat || this.#uid !== uid) return;
      this.#set({ kind: "failing", failure: this.#failure(toFailure(error, "asking the cluster for its version")) });
      this.#cancelRetry();
      this.#cancelRetry = systemClock.after(RETRY_MS, () => this.#recovered());
    }
  }

  /** A request had no answer, though the watch lives on: a proxy answers PING for a dead server too. */
  async #doubt(): Promise<void> {
    if (this.#isDoubted || this.#state.kind !== "live") return;
    this.#isDoubted = true;
    await this.#lookAgain();
    this.#isDoubted = false;
  }

  #recovered(): void {
    if (this.#state.kind === "failing") void this.#lookAgain();
  }

  /** The watch goes on without a relist: the cluster is the one that we knew, but a server that was restarted may be a newer one. */
  async #lookAgain(): Promise<void> {
    if (this.#uid !== undefined)
      await this.#isAlive({ apiVersion: "v1", kind: "Namespace", metadata: { uid: this.#uid } });
  }

  #failure(failure: Failure): Failure {
    // With which request it was noticed says nothing of a cluster that does not answer.
    if (failure.cause instanceof ConnectionError)
      return new Failure(failure.reason, failure.cause.message, { cause: failure });
    if (failure.reason !== "Forbidden") return failure;
    const remedy = `grant get, list and watch on namespace kube-system, and all that the layers need, ${SYSTEM_NAMESPACE} included`;
    return new Failure("Forbidden", `${failure.message}: ${remedy}`, { cause: failure });
  }

  #set(state: LinkState): void {
    const before = this.#state;
    this.#state = state;
    if (state.kind === "live") this.#lostAt = undefined;
    else if (state.kind === "failing") this.#lostAt ??= Date.now();
    const same =
      before.kind === state.kind &&
      (state.kind !== "failing" || (before.kind === "failing" && before.failure.message === state.failure.message)) &&
      (state.kind !== "live" ||
        (before.kind === "live" && before.uid === state.uid && before.version === state.version));
    if (!same) this.#options.onState();
  }

  #closeSites(): void {
    for (const site of this.#sites.values()) site.close();
    this.#sites.clear();
  }
}
