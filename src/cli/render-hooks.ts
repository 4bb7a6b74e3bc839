import type { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { type Placement, placeHooks } from "../plan/place.ts";
import type { Hook, PlannedLayer } from "../plan/types.ts";

/** A hook as it would be created. */
export interface RenderedHook extends Pick<Hook, "name" | "events" | "weight"> {
  object: KubeObject;
}

/** The hooks of a layer's chart, in the order in which those of one event run, and those that have no place. */
export function hooksOfLayer(
  { spec: layer, namespace, state }: PlannedLayer,
  about: Pick<Placement, "set" | "digestKey" | "scopes">,
): { hooks: RenderedHook[]; problems: Failure[] } {
  const rendered = state.kind === "known" ? state.content.release?.hooks : undefined;
  const { placed, problems } = placeHooks(rendered ?? [], { ...about, layer, namespace });
  const hooks = placed.map(({ hook: { name, events, weight }, object }) => ({ name, events, weight, object }));
  return { hooks: hooks.toSorted(byTurn), problems };
}

function byTurn(a: RenderedHook, b: RenderedHook): number {
  return a.weight - b.weight || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
