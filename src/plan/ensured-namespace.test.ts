import { describe, expect, test } from "vitest";
import { configMap, deployment, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import type { Step } from "./step.ts";

const labels = (team: string) => ({ namespaceMetadata: { labels: { team } } });
const layerOf = (team: string, value = "1") => [
  { name: "web", namespace: "web", ...labels(team), objects: [configMap("settings", { value }), deployment("web")] },
];

/** The looks at a layer's namespace in the next passes: whether each takes it for new. */
function looks(world: Simulation): boolean[] {
  world.steps.length = 0;
  world.run();
  const isLook = (step: Step): step is Step & { kind: "EnsureNamespace" } => step.kind === "EnsureNamespace";
  return world.steps.filter(isLook).map(({ isNew }) => isNew);
}

describe("the namespace of a layer", () => {
  test("is made without a look where nothing speaks for it that it is there", () => {
    expect(looks(new Simulation(profileOf(layerOf("a"))))).toEqual([true]);
  });

  test("is not looked at by a fresh process while all is as it was told", () => {
    const world = new Simulation(profileOf(layerOf("a")));
    world.run();
    world.restart();
    expect(looks(world)).toEqual([]);
  });

  const changes: [what: string, change: (world: Simulation) => void][] = [
    ["nothing of the layer is in it any more", (world) => world.live.clear()],
    [
      "the profile has changed, of which only the namespace may tell",
      ({ profile }) => void Object.assign(profile.metadata, { generation: 2 }),
    ],
    [
      "the layer has other content by now",
      (world) => {
        world.profile = profileOf(layerOf("a", "2"));
      },
    ],
  ];
  test.each(changes)("is looked at by a fresh process when %s", (_, change) => {
    const world = new Simulation(profileOf(layerOf("a")));
    world.run();
    change(world);
    world.restart();
    expect(looks(world)).toEqual([false]);
  });

  test("is looked at by a fresh process when the one before it had not got so far", () => {
    const world = new Simulation(profileOf(layerOf("a")));
    world.run();
    world.profile = profileOf(layerOf("b"));
    Object.assign(world.profile.metadata, { generation: 2 });
    expect(world.evaluate().step.kind).toBe("EnsureNamespace");
    world.restart();
    expect(looks(world)).toEqual([false]);
  });

  test("gets other labels at once, and that is no new namespace", () => {
    const world = new Simulation(profileOf(layerOf("a")));
    world.run();
    world.profile = profileOf(layerOf("b"));
    expect(looks(world)).toEqual([false]);
  });
});
