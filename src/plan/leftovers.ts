import { type Parent, releaseText } from "../membership/applyset.ts";
import { wantedRelease } from "./chart-layer.ts";
import type { LayerView } from "./layer-view.ts";
import { isPartOf } from "./pack-parts.ts";
import type { RemovalView } from "./removal.ts";
import type { Plan, PlannedLayer } from "./types.ts";

/**
 * The names under which listed layers have something in the cluster: a pack under its own and those of its parts. While
 * it is not known what a pack is made of, it still has the parts that it had.
 */
export function listedNames({ layers }: Plan, parent: Parent): string[] {
  const names = layers.flatMap(({ spec, state }) => {
    const own = ownerOf(spec);
    const keeps = spec.prune === "Never" || (spec.pack !== undefined && state.kind !== "known");
    return [own, spec.name, ...(keeps ? parent.layers.filter((known) => isPartOf(known, own)) : [])];
  });
  return [...new Set(names)];
}

/**
 * Without the layers of opened packs: what these bring is their parts'. What a layer with a pack has under its own name, it
 * brought when it was a chart or manifests, and that goes.
 */
export function withoutOpened(listed: readonly string[], { layers }: Plan): ReadonlySet<string> {
  const opened = new Set(layers.flatMap(({ spec: { part, prune } }) => (part && prune !== "Never" ? [part.of] : [])));
  return new Set(listed.filter((name) => !opened.has(name)));
}

/** The releases that stay: those of listed layers, and those of parts that are not pruned. */
export function listedReleases(plan: Plan, parent: Parent): Parent["releases"] {
  const wanted = new Set(plan.layers.flatMap((layer) => releaseTextOf(layer) ?? []));
  const own = new Set(plan.layers.map(({ spec }) => spec.name));
  const spared = withoutOpened(listedNames(plan, parent), plan);
  return parent.releases.filter(
    (release) => wanted.has(releaseText(release)) || (spared.has(release.layer) && !own.has(release.layer)),
  );
}

function releaseTextOf(layer: PlannedLayer): string | undefined {
  const release = wantedRelease(layer);
  return release && releaseText({ layer: layer.spec.name, ...release });
}

/** The layer of the profile that a layer of the engine stands for. */
function ownerOf({ part, name }: PlannedLayer["spec"]): string {
  return part?.of ?? name;
}

interface Around {
  plan: Plan;
  views: readonly LayerView[];
  parent: Parent;
}

/**
 * What goes right after a listed layer was applied, healthy or not: parts that its pack has no more, and what it was before
 * it had a pack. The new may need what the old still holds, a port of the host say, and would never be Ready. Each goes
 * after the part that stands in its place now, of one layer one after the other.
 *
 * @returns the next removals, by the name of the layer or part after which they come
 */
export function leftoversDue(removals: readonly RemovalView[], around: Around): ReadonlyMap<string, RemovalView> {
  const due = new Map<string, { after: string; removal: RemovalView }>();
  for (const removal of removals) {
    const place = placeOf(removal, around);
    if (place && !due.has(place.owner)) due.set(place.owner, { after: place.after, removal });
  }
  return new Map([...due.values()].map(({ after, removal }) => [after, removal]));
}

function placeOf({ layer }: RemovalView, around: Around): { owner: string; after: string } | undefined {
  const { plan, views, parent } = around;
  const parts = plan.layers.filter(({ spec }) => isPartOf(layer, ownerOf(spec)) || ownerOf(spec) === layer);
  const rank = (name: string): number => parent.layers.indexOf(name);
  const index = parts.findIndex(({ spec }) => rank(spec.name) > rank(layer));
  const before = index < 0 ? parts : parts.slice(0, index + 1);
  const last = before.at(-1);
  const isApplied = ({ spec }: PlannedLayer): boolean => views.some((one) => one.name === spec.name && one.applied);
  if (!last || !before.every(isApplied) || isAwaited(layer, around)) return undefined;
  return { owner: ownerOf(last.spec), after: last.spec.name };
}

/** Whether a listed layer is still to take over the release of one that goes. */
function isAwaited(layer: string, { plan, views, parent }: Around): boolean {
  const releases = parent.releases.filter((release) => release.layer === layer);
  const late = plan.layers.filter(({ spec }) => !views.some((one) => one.name === spec.name && one.applied));
  const wanted = late.flatMap((one) => wantedRelease(one) ?? []);
  return releases.some(({ namespace, name }) => wanted.some((one) => one.namespace === namespace && one.name === name));
}
