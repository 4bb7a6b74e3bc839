import { isPartOf, layerOf } from "./pack-parts.ts";
import type { Leaving } from "./removal.ts";
import type { Seen } from "./seen.ts";
import type { Plan, PlannedLayer } from "./types.ts";

/** Nothing new is begun until it is right. */
export function isWrong({ spec, state }: PlannedLayer): boolean {
  return !spec.suspend && state.kind === "missing" && state.isWrong === true;
}

/** A layer that may want what another one drops: best one that can be rendered to know. */
export function unknownLayer({ layers }: Plan, seen: Seen): PlannedLayer | undefined {
  const active = layers.filter(({ spec }) => !spec.suspend);
  return (
    active.find(({ state }) => state.kind === "unknown") ??
    active.find(({ state, isUnchanged }) => state.kind !== "known" && !isUnchanged) ??
    layers.find((layer) => layer.spec.suspend && hasChanged(layer, seen))
  );
}

/** Whether a suspended layer wants something else than what it has brought, as far as anybody can tell without rendering it. */
function hasChanged({ spec, inputs, state }: PlannedLayer, { rows }: Seen): boolean {
  const isPlain = spec.pack === undefined && spec.part === undefined;
  const isOpen = state.kind !== "known" && state.kind !== "skipped";
  return isPlain && isOpen && rows.get(spec.name)?.inputsDigest !== inputs?.digest;
}

/**
 * Nothing of a skipped layer is wanted: what it has brought goes as if it had left the list. That of a suspended one stays.
 */
export function withoutSkipped(plan: Plan): Plan {
  const layers = plan.layers.filter(({ spec, state }) => spec.suspend || state.kind !== "skipped");
  return layers.length === plan.layers.length ? plan : { ...plan, layers };
}

/** Whether nothing goes that a layer has brought, while it is listed. */
export function keepsAll({ prune, suspend }: PlannedLayer["spec"]): boolean {
  return prune === "Never" || suspend === true;
}

/** What a listed layer wants, or must not prune, is there when others have gone. */
export function remains(plan: Plan, wanted: ReadonlyMap<string, ReadonlySet<string>>): Leaving["stays"] {
  const spared = plan.layers.filter(({ spec }) => keepsAll(spec)).map(({ spec }) => layerOf(spec));
  const isSpared = (layer: string): boolean => spared.some((name) => name === layer || isPartOf(layer, name));
  return ({ observed: { key, layer } }) =>
    (layer !== undefined && isSpared(layer)) || [...wanted.values()].some((keys) => keys.has(key));
}

/** The keys of all that each layer wants, by its name. While that is not known, it is what it was when it was Ready last. */
export function wantedKeys(plan: Pick<Plan, "layers">): Map<string, ReadonlySet<string>> {
  return new Map(
    plan.layers.map(({ spec, state, installed = [] }) => {
      const states = state.kind === "known" ? [state] : installed.map((one) => one.state);
      return [spec.name, new Set(states.flatMap(({ desired }) => desired.map(({ key }) => key)))];
    }),
  );
}

/** For people: a layer whose gate is not open. */
export function nameOfClosed({ spec: { name, suspend } }: PlannedLayer): string {
  return suspend ? `${name}, which is suspended` : name;
}
