import { describe, expect, it } from "vitest";
import { EMPTY_PARENT } from "../membership/applyset.ts";
import type { Observed } from "../membership/observed.ts";
import { configMap, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { isLent } from "./lent.ts";
import type { Seen } from "./seen.ts";

const KEY = "/ConfigMap/acme/there";

describe("an object of a layer", () => {
  const layers = [
    { name: "plain" },
    { name: "taking", adoption: "Always" },
    { name: "taking-packs", adoption: "Always", pack: {} },
  ];
  const profile = { spec: { layers } };
  const isBack = (observed: Partial<Observed>, adopted: Record<string, string> = {}) => {
    const parent = { ...EMPTY_PARENT, adopted: new Map(Object.entries(adopted)) };
    const seen = { profile, site: { prepared: { parent } } } as unknown as Seen;
    return isLent({ key: KEY, uid: "u1", layer: "plain", adopted: false, ...observed } as Observed, seen);
  };

  const rows: [string, Partial<Observed>, Record<string, string>, boolean][] = [
    ["that Strata made is not given back", {}, {}, false],
    ["that says that it was there is", { adopted: true }, {}, true],
    ["of which only the parent knows that it was there is", {}, { [KEY]: "u1" }, true],
    ["that was made again since is not", {}, { [KEY]: "u0" }, false],
    ["is, if its layer is in the list no more", { layer: "gone" }, { [KEY]: "u1" }, true],
    ["is, if it says no more of which layer it is", { layer: undefined, adopted: true }, {}, true],
    ["of a layer with adoption: Always is not", { layer: "taking", adopted: true }, { [KEY]: "u1" }, false],
    ["of a part of a pack with adoption: Always is not", { layer: "taking-packs.web", adopted: true }, {}, false],
    ["of a part of another pack is", { layer: "taking2.web", adopted: true }, {}, true],
  ];
  it.each(rows)("%s", (_name, observed, adopted, want) => {
    expect(isBack(observed, adopted)).toBe(want);
  });
});

/** A layer that has adopted one of its two objects, in a cluster where all is done. */
function adopted(layer: object = {}): Simulation {
  const world = new Simulation(
    profileOf([{ name: "a", objects: [configMap("mine"), configMap("there")], ...layer } as never]),
  );
  world.run();
  mark(world, { adopted: true });
  world.run();
  world.steps.length = 0;
  return world;
}

function mark({ live }: Simulation, about: Partial<Observed>): void {
  const tracked = live.get(KEY);
  if (tracked) tracked.observed = { ...tracked.observed, ...about };
}

const uidOf = ({ live }: Simulation) => live.get(KEY)?.observed.uid;
const steps = (world: Simulation) => world.steps.map(({ kind }) => kind);
const removed = (world: Simulation) =>
  world.steps.flatMap((step) =>
    step.kind === "Remove" ? step.items.map(({ tracked, how }) => `${tracked.observed.ref.name} ${how}`) : [],
  );

describe("what was adopted", () => {
  it("is written down in the parent, once, and the layer is Ready meanwhile", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("there")] }]));
    world.run();
    world.steps.length = 0;
    mark(world, { adopted: true });
    expect(world.evaluate()).toMatchObject({ done: true, step: { kind: "Reach", widens: true } });
    world.run();
    expect(steps(world)).toEqual(["Reach"]);
    expect(world.parent.adopted).toEqual(new Map([[KEY, uidOf(world)]]));
  });

  it("goes back, though somebody took its mark off, when its profile is deleted in the same breath", () => {
    const world = adopted();
    world.restart();
    mark(world, { adopted: false });
    world.tearDown();
    expect(removed(world).sort()).toEqual(["mine delete", "there release"]);
    expect(world.steps.flatMap((step) => (step.kind === "Remove" ? step.items : []))).toContainEqual(
      expect.objectContaining({
        tracked: expect.objectContaining({ observed: expect.objectContaining({ adopted: true }) }),
      }),
    );
  });

  it("is marked again, though the mark was taken off before this process began", () => {
    const world = adopted();
    const uid = uidOf(world);
    const labels = { "f:applyset.kubernetes.io/part-of": {} };
    const fieldsV1 = { "f:data": {}, "f:metadata": { "f:annotations": {}, "f:labels": labels } };
    const entries = [{ manager: world.set.manager, operation: "Apply" as const, fieldsV1 }];
    for (const tracked of world.live.values()) tracked.observed = { ...tracked.observed, entries };
    world.restart();
    expect(world.run().done).toBe(true);
    expect(steps(world)).toEqual(["Render"]);
    world.restart();
    mark(world, { adopted: false });
    world.run();
    const items = world.steps.flatMap((step) => (step.kind === "Apply" ? step.items : []));
    expect(items.map(({ desired, mode, lent }) => [desired.ref.name, mode, lent])).toEqual([["there", "repair", uid]]);
  });

  it("is known when it is found without its label", () => {
    const world = adopted();
    const uid = uidOf(world);
    world.lose("there");
    const { step } = world.evaluate();
    expect(step.kind === "Apply" && step.items.map(({ mode, lent }) => [mode, lent])).toEqual([["create", uid]]);
  });

  it("is forgotten when it is gone for good, or was made anew", () => {
    const dropped = adopted();
    dropped.profile = profileOf([{ name: "a", objects: [configMap("mine")] }]);
    dropped.run();
    expect(removed(dropped)).toEqual(["there release"]);
    expect(dropped.parent.adopted.size).toBe(0);
    const renewed = adopted();
    mark(renewed, { uid: "another", adopted: false });
    renewed.run();
    expect(steps(renewed)).toEqual(["Narrow"]);
    expect(renewed.parent.adopted.size).toBe(0);
  });

  it("is the layer's own with adoption: Always, and nothing is written for it again and again", () => {
    const world = adopted();
    world.profile = profileOf([
      { name: "a", adoption: "Always", objects: [configMap("mine"), configMap("there")] } as never,
    ]);
    expect(world.run().done).toBe(true);
    expect(steps(world)).toEqual(["Narrow"]);
    world.tearDown();
    expect(removed(world).sort()).toEqual(["mine delete", "there delete"]);
  });
});
