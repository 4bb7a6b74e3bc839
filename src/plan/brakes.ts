import { Failure } from "../errors.ts";
import { describeRef } from "../objects/identity.ts";
import type { Brake, Brakes } from "./layer-view.ts";
import { keepsAll } from "./listed-layers.ts";
import { isPartOf, layerOf } from "./pack-parts.ts";
import { membersByLayer, partition } from "./removal.ts";
import type { Seen, Tracked } from "./seen.ts";
import type { Plan, PlannedLayer } from "./types.ts";

/** In a layer of so few objects most may change at once. */
const SMALL_LAYER = 10;

interface Around {
  seen: Seen;
  /** The keys of all that each listed layer wants, by its name. */
  wanted: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * What a listed layer would lose more of than anybody is likely to mean: all, when it comes out without objects, or more than
 * half of the objects of one that had over 10. A pack is measured as a whole, and each of its parts by itself. It is read off
 * the cluster and the rows, so that a restart lets nothing go. What another layer of the profile wants does not count, nor
 * does a layer that was taken out of the list.
 *
 * @param plan without skipped layers: their `when` asks for it
 */
export function brakesOf({ layers }: Pick<Plan, "layers">, around: Around): Brakes {
  const brakes = new Map<string, Brake>();
  if (around.seen.profile.spec.allowMassPrune) return brakes;
  const pruned = layers.filter(({ spec }) => !keepsAll(spec));
  for (const [owner, parts] of Map.groupBy(pruned, ({ spec }) => layerOf(spec))) {
    const whole = brakeOf(namesOf(owner, parts, around), parts, around);
    if (whole) brakes.set(owner, whole);
    for (const part of whole ? tellers(parts, around) : parts) {
      const brake = whole ?? brakeOf([part.spec.name], [part], around);
      if (brake) brakes.set(part.spec.name, brake);
    }
  }
  return brakes;
}

/** Whether what a layer of this name has is held: it is no layer of its own, but what is left of one. */
export function isHeld(layer: string, brakes: Brakes): boolean {
  return brakes.has(layer) || brakes.keys().some((owner) => isPartOf(layer, owner));
}

/** A layer that has no objects of its own making; what the profile attaches to it is not of its making. */
export function isEmpty({ state }: PlannedLayer): boolean {
  return state.kind === "known" && state.desired.every(({ attached }) => attached);
}

/** The parts that drop something speak, or else the last one. */
function tellers(parts: readonly PlannedLayer[], around: Around): readonly PlannedLayer[] {
  const dropping = parts.filter((part) => goingOf([part.spec.name], [part], around).length > 0);
  return dropping.length > 0 ? dropping : parts.slice(-1);
}

/** The names under which a layer has something: its own, those of its parts, and those of parts that it had. */
function namesOf(owner: string, parts: readonly PlannedLayer[], { seen }: Around): string[] {
  const left = [...membersByLayer(seen).keys()].filter((name) => name !== undefined && isPartOf(name, owner));
  return [...new Set([owner, ...parts.map(({ spec }) => spec.name), ...left])].filter((name) => name !== undefined);
}

function brakeOf(names: readonly string[], parts: readonly PlannedLayer[], around: Around): Brake | undefined {
  const [layer = ""] = names;
  if (parts.some(({ state }) => state.kind !== "known")) return undefined;
  const going = goingOf(names, parts, around);
  const emptied = parts.every(isEmpty);
  const had = hadBy(names, parts, around.seen);
  const isMass = (count: number) =>
    count > 0 && (emptied || (Math.max(count, had) > SMALL_LAYER && count * 2 > Math.max(count, had)));
  if (!isMass(going.length)) return undefined;
  // Who is about to take something may change his mind: it does not count as taken, but nobody is called for it yet.
  const [intended, free] = partition(
    going,
    ({ observed }) => around.seen.heirs?.intend(observed.key, "brake") === true,
  );
  const what = emptied
    ? `layer ${layer} comes out without objects: what it has stays`
    : `${sentenceOf(going.length, had, layer)}: they stay`;
  return {
    isEmpty: emptied,
    failure: held(what, going),
    ...(isMass(free.length) ? {} : { waits: `another profile is about to take over ${namesOfAll(intended)}` }),
  };
}

function sentenceOf(going: number, had: number, layer: string): string {
  return had >= going
    ? `${going} of the ${had} objects of layer ${layer} would go`
    : `${going} objects of layer ${layer} would go, and it is not known how many it had when it was Ready`;
}

/**
 * What is there under these names, and nobody wants any more, nor does another profile wait for it. What is being deleted is
 * beyond help.
 */
function goingOf(names: readonly string[], parts: readonly PlannedLayer[], { seen, wanted }: Around): Tracked[] {
  const proven = parts.filter((part) => isProven(part, seen)).map(({ spec }) => spec.name);
  const members = names
    .filter((name) => !proven.includes(name))
    .flatMap((name) => membersByLayer(seen).get(name) ?? []);
  const isWanted = (key: string) => wanted.values().some((keys) => keys.has(key)) || seen.heirs?.claim(key);
  return members.filter(({ observed: { key, terminating } }) => !terminating && !isWanted(key));
}

/** It goes back to what was Ready: what goes came since. That it was Ready without objects proves nothing: any layer is. */
function isProven(layer: PlannedLayer, { rows }: Seen): boolean {
  const { spec, state } = layer;
  if (state.kind !== "known") return false;
  if (state.content.release?.rolledBack !== undefined) return true;
  return !isEmpty(layer) && rows.get(spec.name)?.readyDigest === state.digest;
}

/** How many objects a layer had when it was last Ready: by now it may have new ones too, and new parts. */
function hadBy(names: readonly string[], parts: readonly PlannedLayer[], seen: Seen): number {
  const listed = parts.map(({ spec }) => spec.name);
  const left = names.filter((name) => !listed.includes(name)).flatMap((name) => membersByLayer(seen).get(name) ?? []);
  return listed.reduce((sum, name) => sum + (seen.rows.get(name)?.readyObjects ?? 0), left.length);
}

function held(what: string, going: readonly Tracked[]): Failure {
  return new Failure(
    "PruneHeld",
    `${what} (${namesOfAll(going)}). If that is meant, set allowMassPrune: true in the profile's spec, or take the ` +
      "layer out of the list; else mend what it is made of",
  );
}

function namesOfAll(some: readonly Tracked[]): string {
  // In an order that stays, or the sentence would change from one look to the next.
  const all = some.map(({ observed }) => describeRef(observed.ref)).toSorted();
  return `${all.slice(0, 3).join(", ")}${all.length > 3 ? ` and ${all.length - 3} more` : ""}`;
}
