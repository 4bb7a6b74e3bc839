import { expect, test } from "vitest";
import { configMap, deployment, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";

const layers = (value: string) => [
  { name: "one", objects: [configMap("a", { key: value })] },
  { name: "two", objects: [deployment("b")] },
];

/** A new process for a spec that has changed since, while an API does not answer that the profile has something of. */
function silentApi(): Simulation {
  const world = new Simulation(profileOf([...layers("1"), { name: "gone", objects: [lamp] }]));
  world.served.set("Lamp.example.com", "Namespaced");
  expect(world.run().done).toBe(true);
  world.restart();
  world.served.delete("Lamp.example.com");
  world.refused.add("Lamp.example.com");
  world.profile = profileOf(layers("2"));
  world.profile.metadata.generation = 2;
  return world;
}
const lamp = { apiVersion: "example.com/v1", kind: "Lamp", metadata: { name: "l" } };

test("while an API does not answer, a layer that may have dropped something says that; and what falls ill is told", () => {
  const world = silentApi();
  const view = world.run();
  expect(view).toMatchObject({ done: false, looking: false });
  expect(world.row("one")).toMatchObject({
    state: "Applying",
    message: "looking for all that it has brought: may not be read",
  });
  expect(world.row("two")?.state).toBe("Ready");
  for (const tracked of world.live.values())
    if (tracked.observed.ref.name === "b") tracked.verdict = { state: "InProgress", message: "0/1 replicas available" };
  world.run();
  expect(world.row("two")).toMatchObject({ state: "Waiting" });
});

test("what was told stands while a watch starts, which takes a moment", () => {
  const world = silentApi();
  world.run();
  const told = world.row("one");
  world.refused.clear();
  world.served.set("Lamp.example.com", "Namespaced");
  world.slow.add("Lamp.example.com");
  expect(world.run()).toMatchObject({ done: false, looking: true });
  expect(world.row("one")).toEqual(told);
  world.slow.clear();
  expect(world.run().done).toBe(true);
  expect(world.row("one")?.state).toBe("Ready");
});
