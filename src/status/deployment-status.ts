import { type NextCondition, setCondition } from "../api/conditions.ts";
import { MAX_COUNTS, MAX_PARTS, MAX_SOURCE, MAX_UNHEALTHY, MAX_WARNINGS } from "../api/schema/status.ts";
import type { Condition, DeploymentLayerStatus, Layer, ProfileDeploymentStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { isSettled, type LayerView } from "../plan/layer-view.ts";
import type { DeploymentView } from "../plan/next-step.ts";
import { layerOf } from "../plan/pack-parts.ts";
import type { RemovalView } from "../plan/removal.ts";
import type { ContentKnown, Plan, PlannedLayer } from "../plan/types.ts";
import { bounded } from "./bound.ts";
import { driftedBefore, driftFields, isAsGoodAsReady, withDrifted } from "./drifted.ts";
import { awayFields, cut, since, sourceOf } from "./row-text.ts";
import { suspendedLayerRow, suspendedRow, suspendedWords, withSuspended } from "./suspension.ts";

export { cut, sourceOf } from "./row-text.ts";

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
  const previous = new Map(rowsAndParts(context.previous).map((row) => [row.name, row]));
  const rows = view.layers.flatMap((layer, index) => {
    const planned = plan.layers[index];
    if (!planned) return [];
    return [{ planned, row: listedRow(layer, planned, { previous: previous.get(layer.name), now: context.now }) }];
  });
  const removing = view.removals.map((removal) => removingRow(removal, previous.get(removal.layer), context.now));
  const layers = withRemovals(rolledUp(rows, plan, { previous, now: context.now }), removing);
  const first = speakingOf(layers);
  const stalled = view.layers.find(({ failure }) => failure !== undefined && failure.retry !== "transient");
  const blocked = view.blocked?.retry === "transient" ? undefined : view.blocked?.reason;
  const idle = view.done
    ? "all layers are Ready"
    : (view.blocked?.message ?? "giving back what is left in the cluster");
  const drifted = view.layers.flatMap(({ name, drift }) => (drift === undefined ? [] : [`layer ${name}: ${drift}`]));
  const status = finish(
    layers,
    { first, stalled: stalled?.failure?.reason ?? blocked, done: view.done, idle, drifted },
    context,
  );
  return withVariables(status, variableRows(plan, context));
}

function withVariables(status: ProfileDeploymentStatus, variables: VariableRow[] = []): ProfileDeploymentStatus {
  return variables.length > 0 ? { ...status, variables } : status;
}

/** The row of which a person should read first: none that only waits for another one. */
export function speakingOf<T extends DeploymentLayerStatus>(rows: readonly T[]): T | undefined {
  const late = rows.filter((row) => !isSettled(row));
  return late.find(({ reason }) => reason !== "WaitingForLayer") ?? late[0];
}

/**
 * A skipped layer of which something is left has one row, which tells how far its removal is. So has one with a pack that
 * was a chart or manifests before, once it is Ready; until then it tells of itself, unless what is left cannot be removed.
 */
function withRemovals(
  listed: readonly DeploymentLayerStatus[],
  removing: readonly DeploymentLayerStatus[],
): DeploymentLayerStatus[] {
  const names = new Set(listed.map(({ name }) => name));
  const told = listed.map((row) => {
    const going = removing.find(({ name }) => name === row.name);
    return going && (isSettled(row) || going.state === "Failed") ? { ...row, ...going } : row;
  });
  return [...told, ...removing.filter(({ name }) => !names.has(name))];
}

/** Where each variable's value comes from; what cannot be read now stays as it was told last. */
function variableRows({ variables }: Plan, { previous }: StatusContext): VariableRow[] {
  if (!variables) return previous?.variables ?? [];
  return [...variables.provenance].map(([name, source]) => {
    const digest = variables.digests[name];
    return { name, source: cut(source, MAX_SOURCE), ...(digest ? { digest } : {}) };
  });
}

type VariableRow = NonNullable<ProfileDeploymentStatus["variables"]>[number];

/** All rows by which the engine remembers: those of layers, and those of the parts of packs. */
export function rowsAndParts(status: ProfileDeploymentStatus | undefined): DeploymentLayerStatus[] {
  return (status?.layers ?? []).flatMap((row) => [row, ...(row.parts ?? [])]);
}

interface PlannedRow {
  planned: PlannedLayer;
  row: DeploymentLayerStatus;
}

/** One row per layer: the parts of a pack stand below the row of its layer, which says what the first late one says. */
function rolledUp(
  rows: readonly PlannedRow[],
  plan: Plan,
  about: { previous: ReadonlyMap<string, DeploymentLayerStatus>; now: string },
): DeploymentLayerStatus[] {
  const groups = Map.groupBy(rows, ({ planned: { spec } }) => layerOf(spec));
  return [...groups].flatMap(([name, members]) => {
    const [first] = members;
    if (!first) return [];
    const { spec } = first.planned;
    if (spec.suspend)
      return [
        suspendedRow({ name, type: spec.type, source: sourceOfPlanned(spec) }, about.previous.get(name), about.now),
      ];
    return spec.part ? [packRow(name, members, { plan, ...about })] : [first.row];
  });
}

function packRow(
  name: string,
  members: readonly PlannedRow[],
  { plan, previous, now }: { plan: Plan; previous: ReadonlyMap<string, DeploymentLayerStatus>; now: string },
): DeploymentLayerStatus {
  const parts = members.slice(0, MAX_PARTS).map(({ row: { warnings: _, ...row } }) => row);
  const late = members.find(({ row }) => !isSettled(row)) ?? members.find(({ row }) => row.state !== "Ready");
  const shown = (late ?? members.at(-1))?.row;
  const { version, warnings: ofPack = [] } = plan.packs.get(name) ?? {};
  const warnings = [...ofPack, ...members.flatMap(({ row }) => row.warnings ?? [])];
  const spec = members[0]?.planned.spec;
  const told = late ? `${late.planned.spec.part?.name}: ${late.row.message}` : `${parts.length} parts are healthy`;
  const row = {
    name,
    ...(spec ? { type: spec.type } : {}),
    source: spec ? sourceOfPlanned(spec) : "pack",
    ...defined({ version }),
    state: shown?.state ?? ("Pending" as const),
    ...defined({ reason: shown?.reason }),
    ...(shown?.stateBefore ? { stateBefore: shown.stateBefore } : {}),
    message: cut(told),
    gate: members.every(({ row: { gate } }) => gate === "Open") ? ("Open" as const) : ("Closed" as const),
    ...(late ? {} : { ready: sumOf(parts) }),
    ...warningFields(warnings),
    parts,
  };
  return { ...row, lastTransitionTime: since(row, previous.get(name), now) };
}

function sourceOfPlanned(spec: PlannedLayer["spec"]): string {
  const pin = spec.part?.pin;
  if (pin) return cut(`pack ${pin.registry}/${pin.name}`, MAX_SOURCE);
  return spec.part ? "pack" : sourceOf(spec);
}

/** `7/7` of `3/3` and `4/4`. */
function sumOf(parts: readonly DeploymentLayerStatus[]): string {
  const sums = parts.map(({ ready = "0/0" }) => ready.split("/").map(Number));
  return [0, 1].map((side) => sums.reduce((sum, pair) => sum + (pair[side] ?? 0), 0)).join("/");
}

/** The status while the cluster cannot be worked on: the rows stay as they were, save that each is Blocked and says why. */
export function blockedStatus(
  layers: readonly Layer[],
  failure: Failure,
  context: StatusContext,
): ProfileDeploymentStatus {
  const previous = new Map(context.previous?.layers?.map((row) => [row.name, row]));
  const rows = layers.map((layer): DeploymentLayerStatus => {
    const known = previous.get(layer.name);
    if (layer.suspend) return suspendedLayerRow(layer, known, context.now);
    const { stateBefore: _, ...old } = known ?? {};
    return {
      ...old,
      name: layer.name,
      type: layer.type,
      source: sourceOf(layer),
      state: "Blocked" as const,
      ...awayFields(failure, known, context.now),
    };
  });
  const stalled = failure.retry === "transient" ? undefined : failure.reason;
  const status = finish(rows, { first: rows[0], stalled, done: false, idle: failure.message }, context);
  return withVariables(status, context.previous?.variables);
}

/** The status of a profile that is suspended: all rows stay as they are, also those of layers that left the list. */
export function suspendedStatus(layers: readonly Layer[], context: StatusContext): ProfileDeploymentStatus {
  const { previous, now } = context;
  const known = new Map(previous?.layers?.map((row) => [row.name, row]));
  const listed = layers.map((layer) => suspendedLayerRow(layer, known.get(layer.name), now));
  const names = new Set(layers.map(({ name }) => name));
  const others = [...known.values()].filter(({ name }) => !names.has(name));
  const left = others.map((row) => suspendedRow({ ...row, source: row.source ?? "" }, row, now));
  const rows = [...listed, ...left];
  const first = speakingOf(rows);
  const verdict = { first, stalled: undefined, done: true, idle: "all layers are Ready", isSuspended: true };
  return withVariables(finish(rows, verdict, context), previous?.variables);
}

interface Verdict {
  /** The whole profile is. */
  isSuspended?: boolean;
  first: DeploymentLayerStatus | undefined;
  stalled: string | undefined;
  done: boolean;
  /** The message when no layer is late. */
  idle: string;
  /** What is left as somebody else made it, in words; undefined when nobody looked. */
  drifted?: readonly string[];
}

/** A status with its conditions and its summary, from the rows and what is to be thought of them. */
export function finish(
  layers: DeploymentLayerStatus[],
  { first, stalled, done, idle, isSuspended = false, drifted }: Verdict,
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
  const names = layers.filter(({ state }) => state === "Suspended").map(({ name }) => name);
  const about = { observedGeneration: context.generation, now: context.now };
  return bounded({
    observedGeneration: context.generation,
    profileGeneration: context.profileGeneration,
    conditions: withDrifted(
      withSuspended(conditions, suspendedWords(names, isSuspended), about),
      drifted ?? driftedBefore(context.previous),
      about,
    ),
    summary: first ? { layer: first.name, message: first.message ?? first.state } : { message: cut(idle) },
    layers,
  });
}

export interface Readiness {
  ready: boolean;
  /** `LayersReady` when there is nothing to do any more. */
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
  // Only a person can go on with what is suspended, and knows it.
  const isIdle = ready || stalled !== undefined || reason === "Suspended";
  const next: NextCondition[] = [
    {
      type: "Ready",
      status: ready ? "True" : "False",
      reason,
      message,
      observedGeneration,
    },
    {
      type: "Reconciling",
      status: isIdle ? "False" : "True",
      reason: stalled ?? (isIdle ? reason : "Progressing"),
      message: reason === "LayersReady" ? "nothing to do" : message,
      observedGeneration,
    },
    {
      type: "Stalled",
      status: stalled ? "True" : "False",
      reason: stalled ?? (ready ? reason : "Progressing"),
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
  const isReady = isAsGoodAsReady(view);
  const isSkipped = view.state === "Skipped";
  // A layer that comes back is brought anew, in its turn.
  const readyDigest = isReady || isSkipped ? digest : previous?.readyDigest;
  const appliedAt = view.applied ? (same && previous?.appliedAt) || now : undefined;
  const readyAt = isReady ? (same && previous?.readyAt) || now : undefined;
  // Until it is known what the pack is made of now, it has the parts that it had, in the version that they had.
  const opened = planned.spec.pack && !known && !isSkipped && previous?.parts ? previous : undefined;
  const row = {
    name: view.name,
    type: planned.spec.type,
    source: sourceOf(planned.spec),
    ...defined({
      version: known?.content.version ?? opened?.version,
      digest,
      inputsDigest: planned.inputs?.digest,
      readyDigest,
      appliedAt,
      readyAt,
    }),
    ...readyObjects(view, known, previous),
    state: view.state,
    reason: view.reason,
    message: cut(view.message),
    gate: view.gateOpen ? ("Open" as const) : ("Closed" as const),
    ...healthFields(view),
    ...driftFields(view, previous),
    ...(opened?.parts ? { parts: opened.parts } : {}),
    ...warningFields(view.warnings ?? []),
  };
  return { ...row, lastTransitionTime: since(row, previous, now) };
}

/** How many objects the layer had when all that it has was as it should be; a skipped layer has none. */
function readyObjects(
  view: LayerView,
  known: ContentKnown | undefined,
  previous: DeploymentLayerStatus | undefined,
): Pick<DeploymentLayerStatus, "readyObjects"> {
  if (view.state === "Skipped") return {};
  const isWhole = isAsGoodAsReady(view) && view.dropping !== true;
  const count = isWhole ? known?.desired.length : previous?.readyObjects;
  return count === undefined ? {} : { readyObjects: count };
}

function warningFields(warnings: readonly string[]): Partial<DeploymentLayerStatus> {
  if (warnings.length === 0) return {};
  return { warnings: warnings.slice(0, MAX_WARNINGS).map((warning) => cut(warning)) };
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

function defined<T extends Record<string, string | undefined>>(fields: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
