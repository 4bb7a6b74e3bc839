import { MAX_PARTS, MAX_SOURCE } from "../api/schema/status.ts";
import type { DeploymentLayerStatus } from "../api/types.ts";
import { isSettled } from "../plan/layer-view.ts";
import { layerOf } from "../plan/pack-parts.ts";
import type { Plan, PlannedLayer } from "../plan/types.ts";
import { defined, warningFields } from "./layer-row.ts";
import { cut, since, sourceOf } from "./row-text.ts";
import { suspendedRow } from "./suspension.ts";

export interface PlannedRow {
  planned: PlannedLayer;
  row: DeploymentLayerStatus;
}

/** One row per layer: the parts of a pack stand below the row of its layer, which says what the first late one says. */
export function rolledUp(
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
