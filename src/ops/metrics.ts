import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { LAYER_STATES } from "../api/schema/status.ts";
import type { FailureReason } from "../errors.ts";
import type { QueueEvent } from "../kube/queue.ts";
import type { RequestRecord } from "../kube/transport.ts";

const PROFILE_KINDS = ["ClusterProfile", "AddOnProfile", "SystemProfile"] as const;
const VERBS = ["get", "list", "watch", "create", "apply", "patch", "delete"] as const satisfies RequestRecord["verb"][];
const STATUS_CLASSES = ["2xx", "3xx", "4xx", "5xx", "none"] as const;
const OPERATIONS = ["created", "updated", "repaired", "adopted", "deleted", "released", "failed"] as const;

export type ProfileKind = (typeof PROFILE_KINDS)[number];
export type LayerState = (typeof LAYER_STATES)[number];
export type Operation = (typeof OPERATIONS)[number];

/** What Strata counts. `cluster` is the `namespace/name` of a TargetCluster, or `local`; no label holds an object's name. */
export interface Metrics {
  readonly contentType: string;
  /** Everything, as Prometheus reads it. */
  text(): Promise<string>;
  /** One HTTP request to an API server; a function for `KubeClientOptions.onRequest`. */
  requestsTo(cluster: string): (record: RequestRecord) => void;
  /** A function for `WorkQueueOptions.onEvent`; `queue` is what its keys are: `profile`, `deployment`, `registry`. */
  queue(queue: string): (event: QueueEvent<string>) => void;
  /** The present states of all layers of one deployment, in place of what was said for this key before. */
  layers(key: string, kind: ProfileKind, states: readonly LayerState[]): void;
  /** The deployment is gone. */
  forgetLayers(key: string): void;
  /** One object that was written, deleted or released, or could not be. */
  operation(cluster: string, operation: Operation): void;
  render(result: "hit" | "miss" | "failed"): void;
  /** A watch broke off and begins again. */
  watchRestarted(cluster: string, reason: FailureReason): void;
  /** Whether this process is the one that works; before the first call it is not. */
  leads(leads: boolean): void;
  /** The TargetCluster is gone: its series go too. */
  forgetCluster(cluster: string): void;
}

/** Metrics with a registry of their own, and those of the process. */
export function createMetrics({ version }: { version: string }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: "strata_build_info",
    help: "Always 1, with the version.",
    labelNames: ["version"],
    registers,
  });
  build.set({ version }, 1);
  const leader = new Gauge({
    name: "strata_leader",
    help: "1: this process holds the lease and works. 0: it stands by.",
    registers,
  });
  leader.set(0);

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    leads: (leads) => leader.set(leads ? 1 : 0),
    ...clusterMetrics(registers),
    ...queueMetrics(registers),
    ...layerMetrics(registers),
    ...renderMetrics(registers),
  };
}

function clusterMetrics(
  registers: Registry[],
): Pick<Metrics, "requestsTo" | "operation" | "watchRestarted" | "forgetCluster"> {
  const requests = new Histogram({
    name: "strata_api_request_duration_seconds",
    help: "Time until the head of an API server's answer, by cluster, verb and class of status (none: no answer).",
    labelNames: ["cluster", "verb", "status"],
    buckets: [0.01, 0.05, 0.25, 1, 5, 30],
    registers,
  });
  const operations = new Counter({
    name: "strata_apply_operations_total",
    help: "Objects of layers that were written, deleted or released, by outcome.",
    labelNames: ["cluster", "outcome"],
    registers,
  });
  const repairs = new Counter({
    name: "strata_repairs_total",
    help: "Objects that somebody else had changed or deleted and that were brought back.",
    labelNames: ["cluster"],
    registers,
  });
  const restarts = new Counter({
    name: "strata_watch_restarts_total",
    help: "Watches that broke off and began again, by reason.",
    labelNames: ["cluster", "reason"],
    registers,
  });
  const reasons = new Set<FailureReason>();
  return {
    requestsTo: (cluster) => (record) =>
      requests.observe({ cluster, verb: record.verb, status: statusClass(record.status) }, record.ms / 1000),
    operation: (cluster, outcome) => {
      operations.inc({ cluster, outcome });
      if (outcome === "repaired") repairs.inc({ cluster });
    },
    watchRestarted: (cluster, reason) => {
      reasons.add(reason);
      restarts.inc({ cluster, reason });
    },
    forgetCluster: (cluster) => {
      for (const verb of VERBS) for (const status of STATUS_CLASSES) requests.remove({ cluster, verb, status });
      for (const outcome of OPERATIONS) operations.remove({ cluster, outcome });
      for (const reason of reasons) restarts.remove({ cluster, reason });
      repairs.remove({ cluster });
    },
  };
}

function statusClass(status: number): (typeof STATUS_CLASSES)[number] {
  const [first] = String(status);
  return STATUS_CLASSES.find((name) => status >= 200 && name[0] === first) ?? "none";
}

function queueMetrics(registers: Registry[]): Pick<Metrics, "queue"> {
  const labelNames = ["queue"];
  const depth = new Gauge({ name: "strata_queue_depth", help: "Keys that wait for a pass.", labelNames, registers });
  const waits = new Histogram({
    name: "strata_queue_wait_seconds",
    help: "Time that a key waited for its pass to start.",
    labelNames,
    buckets: [0.01, 0.1, 1, 10, 60],
    registers,
  });
  const passes = new Histogram({
    name: "strata_pass_duration_seconds",
    help: "Time that a pass took, by outcome (ok, error: it ended by an error of Strata's own).",
    labelNames: ["queue", "outcome"],
    buckets: [0.01, 0.1, 1, 10, 60],
    registers,
  });
  return {
    queue: (queue) => (event) => {
      depth.set({ queue }, event.depth);
      if (event.type === "started") waits.observe({ queue }, event.waitedMs / 1000);
      if (event.type === "finished")
        passes.observe({ queue, outcome: event.failed ? "error" : "ok" }, event.ranMs / 1000);
    },
  };
}

function layerMetrics(registers: Registry[]): Pick<Metrics, "layers" | "forgetLayers"> {
  const deployments = new Map<string, { kind: ProfileKind; states: readonly LayerState[] }>();
  new Gauge({
    name: "strata_layers",
    help: "Layers on clusters, by kind of profile and state.",
    labelNames: ["kind", "state"],
    registers,
    collect() {
      for (const kind of PROFILE_KINDS) for (const state of LAYER_STATES) this.set({ kind, state }, 0);
      for (const { kind, states } of deployments.values()) for (const state of states) this.inc({ kind, state });
    },
  });
  return {
    layers: (key, kind, states) => void deployments.set(key, { kind, states: [...states] }),
    forgetLayers: (key) => void deployments.delete(key),
  };
}

function renderMetrics(registers: Registry[]): Pick<Metrics, "render"> {
  const renders = new Counter({
    name: "strata_renders_total",
    help: "Charts that were asked for: rendered before (hit), rendered now (miss), or not to be rendered (failed).",
    labelNames: ["result"],
    registers,
  });
  for (const result of ["hit", "miss", "failed"]) renders.inc({ result }, 0);
  return { render: (result) => renders.inc({ result }) };
}
