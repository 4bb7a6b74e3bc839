import { type NextCondition, setCondition } from "../api/conditions.ts";
import { MAX_COUNTS, MAX_MESSAGE, MAX_SOURCE, MAX_UNHEALTHY } from "../api/schema/status.ts";
import type { Condition, DeploymentLayerStatus, Layer, ProfileDeploymentStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { LayerView } from "../plan/layer-view.ts";
import type { DeploymentView } from "../plan/next-step.ts";
import type { RemovalView } from "../plan/removal.ts";
import type { Plan, PlannedLayer } from "../plan/types.ts";
import { bounded } from "./bound.ts";

/** What a status is made from besides the view itself. */
export interface StatusContext {
  /** RFC 3339. */
  now: string;
  /** Generation of the ProfileDeployment. */
  generation: number;
  profileGeneration: number;
  /** The status as last computed: since when each layer is in its state, and what was Ready before. */
  previous: ProfileDeploymentStatus | undefined;
}

/** The status of one profile on one cluster. The only place that decides whether a deployment is Ready. */
export function deploymentStatus(plan: Plan, view: DeploymentView, context: StatusContext): ProfileDeploymentStatus {
  const previous = new Map(context.previous?.layers?.map((row) => [row.name, row]));
  const rows = view.layers.map((layer, index) => {
    const planned = plan.layers[index];
    return planned ? listedRow(layer, planned, { previous: previous.get(layer.name), now: context.now }) : undefined;
  });
  const removing = view.removals.map((removal) => removingRow(removal, previous.get(removal.layer), context.now));
  const layers = [...rows.filter((row) => row !== undefined), ...removing];
  const first = layers.find(({ state }) => state !== "Ready");
  const stalled = view.layers.find(({ failure }) => failure !== undefined && failure.retry !== "transient");
  const blocked = view.blocked?.retry === "transient" ? undefined : view.blocked?.reason;
  const idle = view.done
    ? "all layers are Ready"
    : (view.blocked?.message ?? "giving back what is left in the cluster");
  return finish(layers, { first, stalled: stalled?.failure?.reason ?? blocked, done: view.done, idle }, context);
}

/** The status while the cluster cannot be worked on: the rows stay as they were, save that each is Blocked and says why. */
export function blockedStatus(
  layers: readonly Layer[],
  { reason, message, retry }: Failure,
  context: StatusContext,
): ProfileDeploymentStatus {
  const previous = new Map(context.previous?.layers?.map((row) => [row.name, row]));
  const rows = layers.map((layer): DeploymentLayerStatus => {
    const old = previous.get(layer.name);
    const row = {
      ...old,
      name: layer.name,
      type: layer.type,
      source: sourceOf(layer),
      state: "Blocked" as const,
      reason,
      message: cut(message),
    };
    return { ...row, lastTransitionTime: since(row, old, context.now) };
  });
  return finish(
    rows,
    { first: rows[0], stalled: retry === "transient" ? undefined : reason, done: false, idle: message },
    context,
  );
}

interface Verdict {
  first: DeploymentLayerStatus | undefined;
  stalled: string | undefined;
  done: boolean;
  /** The message when no layer is late. */
  idle: string;
}

function finish(
  layers: DeploymentLayerStatus[],
  { first, stalled, done, idle }: Verdict,
  context: StatusContext,
): ProfileDeploymentStatus {
  const message = first ? `${first.name}: ${first.message ?? first.state}` : idle;
  const conditions = conditionsOf(
    {
      ready: done && !first,
      reason: first?.reason ?? (done ? "LayersReady" : "Removing"),
      message: cut(message),
      stalled,
    },
    context.generation,
    context,
  );
  return bounded({
    observedGeneration: context.generation,
    profileGeneration: context.profileGeneration,
    conditions,
    summary: first ? { layer: first.name, message: first.message ?? first.state } : { message: cut(idle) },
    layers,
  });
}

export interface Readiness {
  ready: boolean;
  reason: string;
  message: string;
  /** The reason why a person must act, when one must. */
  stalled: string | undefined;
}

/** Ready, Reconciling and Stalled as kstatus reads them; all three are written together, so that none is ever stale. */
export function conditionsOf(
  { ready, reason, message, stalled }: Readiness,
  observedGeneration: number,
  { previous, now }: { previous: { conditions?: readonly Condition[] } | undefined; now: string },
): Condition[] {
  const next: NextCondition[] = [
    {
      type: "Ready",
      status: ready ? "True" : "False",
      reason: ready ? "LayersReady" : reason,
      message,
      observedGeneration,
    },
    {
      type: "Reconciling",
      status: ready || stalled ? "False" : "True",
      reason: ready ? "LayersReady" : (stalled ?? "Progressing"),
      message: ready ? "nothing to do" : message,
      observedGeneration,
    },
    {
      type: "Stalled",
      status: stalled ? "True" : "False",
      reason: stalled ?? (ready ? "LayersReady" : "Progressing"),
      message: stalled ? message : "Strata goes on by itself",
      observedGeneration,
    },
  ];
  const list = next.reduce(
    (conditions, condition) => setCondition(conditions, condition, now),
    previous?.conditions ?? [],
  );
  return [...list];
}

function listedRow(
  view: LayerView,
  planned: PlannedLayer,
  { previous, now }: { previous: DeploymentLayerStatus | undefined; now: string },
): DeploymentLayerStatus {
  const known = planned.state.kind === "known" ? planned.state : undefined;
  const digest = known?.digest;
  const same = previous?.digest === digest;
  const isReady = view.state === "Ready";
  const readyDigest = isReady ? digest : previous?.readyDigest;
  const appliedAt = view.applied ? (same && previous?.appliedAt) || now : undefined;
  const readyAt = isReady ? (same && previous?.readyAt) || now : undefined;
  const row = {
    name: view.name,
    type: planned.spec.type,
    source: sourceOf(planned.spec),
    ...defined({
      version: known?.content.version,
      digest,
      inputsDigest: planned.inputs?.digest,
      readyDigest,
      appliedAt,
      readyAt,
    }),
    state: view.state,
    reason: view.reason,
    message: cut(view.message),
    gate: view.gateOpen ? ("Open" as const) : ("Closed" as const),
    ...healthFields(view),
  };
  return { ...row, lastTransitionTime: since(row, previous, now) };
}

function healthFields({ health }: LayerView): Partial<DeploymentLayerStatus> {
  if (!health) return {};
  return {
    ready: `${health.ready}/${health.total}`,
    counts: health.counts.slice(0, MAX_COUNTS).map((count) => ({ ...count })),
    ...(health.unhealthy.length > 0
      ? {
          unhealthy: health.unhealthy
            .slice(0, MAX_UNHEALTHY)
            .map(({ object, message }) => ({ object, message: cut(message) })),
        }
      : {}),
  };
}

function removingRow(
  removal: RemovalView,
  previous: DeploymentLayerStatus | undefined,
  now: string,
): DeploymentLayerStatus {
  const row = {
    name: removal.layer,
    state: removal.failure ? ("Failed" as const) : ("Removing" as const),
    reason: removal.failure?.reason ?? "Removing",
    message: cut(removal.message),
  };
  return { ...row, lastTransitionTime: since(row, previous, now) };
}

/** A state keeps the time at which it began; a repeated timeout or failure of another sort begins anew. */
function since(row: { state: string }, previous: DeploymentLayerStatus | undefined, now: string): string {
  return previous?.state === row.state && previous.lastTransitionTime ? previous.lastTransitionTime : now;
}

/** How a layer's source reads in a table: `https://charts.example/web` or `manifests`. */
export function sourceOf(layer: Layer): string {
  if (!layer.helm) return "manifests";
  return cut(`helm ${layer.helm.repo.replace(/\/$/, "")}/${layer.helm.chart}`, MAX_SOURCE);
}

/** Messages are bounded so that a status stays small. */
export function cut(message: string, length = MAX_MESSAGE): string {
  return message.length <= length ? message : `${message.slice(0, length - 1)}…`;
}

function defined<T extends Record<string, string | undefined>>(fields: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
