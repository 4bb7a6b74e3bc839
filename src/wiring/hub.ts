import { LOCAL_CLUSTER } from "../api/names.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/hub/event-recorder.ts";
import type { HubCache } from "../kube/hub/hub-cache.ts";
import type { StatusWriter } from "../kube/hub/status-writer.ts";
import type { ReferenceWatches } from "../kube/references.ts";
import type { LinkState, TargetLink } from "../kube/targets/target-link.ts";
import type { Targets } from "../kube/targets/targets.ts";
import type { Logger } from "../ops/log.ts";
import type { Metrics } from "../ops/metrics.ts";

/** Everything of the hub that the stories share. */
export class Hub {
  readonly client: KubeClient;
  readonly cache: HubCache;
  readonly statuses: StatusWriter;
  readonly events: EventRecorder;
  readonly references: ReferenceWatches;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly #local: TargetLink;
  readonly #targets: Targets;

  constructor(parts: {
    local: TargetLink;
    targets: Targets;
    cache: HubCache;
    statuses: StatusWriter;
    events: EventRecorder;
    references: ReferenceWatches;
    log: Logger;
    metrics: Metrics;
  }) {
    this.client = parts.local.client;
    this.cache = parts.cache;
    this.statuses = parts.statuses;
    this.events = parts.events;
    this.references = parts.references;
    this.log = parts.log;
    this.metrics = parts.metrics;
    this.#local = parts.local;
    this.#targets = parts.targets;
  }

  /** The uid of the hub's kube-system, as parents carry it. */
  get uid(): string | undefined {
    return this.#local.uid;
  }

  /** @param cluster `local`, or `namespace/name` of a TargetCluster */
  linkOf(cluster: string): TargetLink | undefined {
    return cluster === LOCAL_CLUSTER ? this.#local : this.#targets.link(cluster);
  }

  stateOf(cluster: string): LinkState {
    return cluster === LOCAL_CLUSTER ? this.#local.state : this.#targets.state(cluster);
  }

  /** Whether the kubeconfig Secret of a TargetCluster is not there, by what the watch told. */
  hasNoSecret(cluster: string): boolean {
    return cluster !== LOCAL_CLUSTER && this.#targets.hasNoSecret(cluster);
  }
}
