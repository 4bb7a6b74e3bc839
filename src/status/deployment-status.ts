import { MAX_SOURCE } from "../api/schema/status.ts";
import type { DeploymentLayerStatus, Layer, ProfileDeploymentStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { isSettled } from "../plan/layer-view.ts";
import type { DeploymentView } from "../plan/next-step.ts";
import type { Plan } from "../plan/types.ts";
import { listedRow, removingRow } from "./layer-row.ts";
import { rolledUp } from "./pack-row.ts";
import { awayFields, cut, sourceOf } from "./row-text.ts";
import { suspendedLayerRow, suspendedRow } from "./suspension.ts";
import { finish, type StatusContext, speakingOf } from "./verdict.ts";

/** The status of one profile on one cluster. */
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

/** All rows by which the engine remembers: those of layers, and those of the parts of packs. */
export function rowsAndParts(status: ProfileDeploymentStatus | undefined): DeploymentLayerStatus[] {
  return (status?.layers ?? []).flatMap((row) => [row, ...(row.parts ?? [])]);
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

type VariableRow = NonNullable<ProfileDeploymentStatus["variables"]>[number];

function withVariables(status: ProfileDeploymentStatus, variables: VariableRow[] = []): ProfileDeploymentStatus {
  return variables.length > 0 ? { ...status, variables } : status;
}

/** Where each variable's value comes from; what cannot be read now stays as it was told last. */
function variableRows({ variables }: Plan, { previous }: StatusContext): VariableRow[] {
  if (!variables) return previous?.variables ?? [];
  return [...variables.provenance].map(([name, source]) => {
    const digest = variables.digests[name];
    return { name, source: cut(source, MAX_SOURCE), ...(digest ? { digest } : {}) };
  });
}
