import { describe, expect, it } from "vitest";
import { configMap, deployment, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { LOOK_MS } from "./removal.ts";

const LAYERS = [
  { name: "stays", objects: [configMap("stays")] },
  { name: "one", objects: [configMap("settings"), deployment("web")] },
  { name: "two", objects: [configMap("more"), deployment("api")] },
];

function installed(): Simulation {
  const world = new Simulation(profileOf(LAYERS));
  world.run();
  world.steps.length = 0;
  return world;
}

/** What went in each step. */
function goings({ steps }: Simulation): string[] {
  return steps.flatMap((step) =>
    step.kind === "Remove" ? [step.items.map(({ tracked }) => tracked.observed.ref.name).join()] : [],
  );
}

const dropped = (world: Simulation) => {
  world.profile = profileOf(LAYERS.slice(0, 1));
  return () => world.run();
};

describe("what another profile wants of layers that go", () => {
  it.each([
    ["that left the list", dropped],
    ["of a profile that goes", (world: Simulation) => () => world.tearDown()],
  ])("is handed over before anything else, of layers %s: the other one's layers wait for each other", (_what, go) => {
    const world = installed();
    const run = go(world);
    for (const name of ["settings", "web"]) world.claimed.add(name);
    for (const name of ["more", "api"]) world.intended.add(name);
    world.pruneAt = world.now + 5_000;
    run();
    expect(goings(world)).toEqual(["settings,web"]);

    world.pruneAt = undefined;
    const waiting = run();
    expect(goings(world)).toEqual(["settings,web"]);
    expect(waiting).toMatchObject({ done: false, wakeAt: world.now + LOOK_MS });
    expect(waiting.removals.map(({ layer, message }) => `${layer}: ${message}`)[0]).toBe(
      "two: Deployment acme/api stays for now: another profile is about to take it over",
    );

    world.intended.clear();
    world.claimed.add("more");
    world.intended.add("api");
    run();
    expect(goings(world)).toEqual(["settings,web", "more"]);
    world.intended.clear();
    run();
    expect(goings(world).slice(0, 3)).toEqual(["settings,web", "more", "api"]);
  });

  it("is handed over also while a layer that stays is late: it may wait for something of the other profile", () => {
    const world = installed();
    world.profile = profileOf([{ name: "stays", objects: [configMap("stays"), deployment("late")] }]);
    world.sick.add("late");
    for (const name of ["settings", "web", "more", "api"]) world.claimed.add(name);
    expect(world.run().layers[0]?.state).toBe("Waiting");
    expect(goings(world)).toEqual(["more,api", "settings,web"]);
  });

  it("is handed over also where a layer that stays drops something that another profile is about to take", () => {
    const world = installed();
    const [stays, ...rest] = LAYERS;
    world.profile = profileOf([{ name: "stays", objects: [...(stays?.objects ?? []), configMap("extra")] }, ...rest]);
    world.run();
    world.steps.length = 0;
    dropped(world);
    world.intended.add("extra");
    for (const name of ["settings", "web", "more", "api"]) world.claimed.add(name);
    expect(world.run().done).toBe(false);
    expect(goings(world)).toEqual(["more,api", "settings,web"]);
    world.intended.clear();
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["more,api", "settings,web", "extra"]);
  });
});
