import { describe, expect, it } from "vitest";
import { configMap, deployment, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { LOOK_MS } from "./removal.ts";
import { loadedPack } from "./testdata/packs.ts";

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

describe("how long others have to take what goes", () => {
  const MINUTE = 60_000;

  /** Time runs, and other profiles have nothing to do but to take what is `intended`. */
  function patient(layers: Parameters<typeof profileOf>[0] = LAYERS): Simulation {
    const world = new Simulation(profileOf(layers));
    world.run();
    world.steps.length = 0;
    world.neighbours = "still";
    return world;
  }

  /** What has gone by so many minutes later. */
  function goneAfter(world: Simulation, minutes: number): string[] {
    world.now += minutes * MINUTE;
    world.run();
    return goings(world);
  }

  const web = (...names: string[]) => [{ name: "web", objects: names.map((name) => configMap(name)) }];

  it("is counted from when all that stays is Ready", () => {
    const world = patient();
    world.sick.add("late");
    world.profile = profileOf([{ name: "stays", objects: [configMap("stays"), deployment("late")] }]);
    for (const name of ["settings", "web", "more", "api"]) world.intended.add(name);
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 20)).toEqual([]);
    world.heal();
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 9)).toEqual([]);
    expect(goneAfter(world, 1)).toEqual(["api", "more", "web", "settings"]);
  });

  it("stands still while a layer that stays is late once more", () => {
    const world = patient();
    dropped(world);
    for (const name of ["settings", "web", "more", "api"]) world.intended.add(name);
    expect(goneAfter(world, 0)).toEqual([]);
    world.sick.add("late");
    world.profile = profileOf([{ name: "stays", objects: [configMap("stays"), deployment("late")] }]);
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 20)).toEqual([]);
    world.heal();
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 9)).toEqual([]);
    expect(goneAfter(world, 1)).toEqual(["api", "more", "web", "settings"]);
  });

  it("begins when all that goes is seen, after a restart too: an operator goes after its objects", () => {
    const world = patient();
    dropped(world);
    world.restart();
    world.slow.add("Deployment.apps");
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 20)).toEqual([]);
    world.slow.clear();
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 1)).toEqual(["api", "more", "web", "settings"]);
  });

  it("is counted from when it is known what another layer wants of it", () => {
    const reads = { name: "reads", namespace: `ns-\${{ layers.web.outputs.key }}`, objects: [configMap("x")] };
    const outputs = [
      { name: "key", object: { apiVersion: "v1", kind: "ConfigMap", name: "s" }, value: "self.data.key" },
    ];
    const listed = (...names: string[]) => [...web(...names).map((layer) => ({ ...layer, outputs })), reads];
    const world = new Simulation(profileOf(listed("stays", "goes")));
    world.named = "absent";
    world.run();
    world.steps.length = 0;
    world.neighbours = "still";
    world.intended.add("goes");
    world.profile = profileOf(listed("stays"));
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 20)).toEqual([]);
    expect(world.row("reads")?.state).toBe("Pending");
    world.named = configMap("s", { key: "x" });
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 9)).toEqual([]);
    expect(goneAfter(world, 1)).toEqual(["goes"]);
  });

  it("is counted from when all is written that a layer has in the place of what is left of it", () => {
    const world = new Simulation(profileOf([{ name: "web", objects: [deployment("old")] }]));
    world.run();
    world.steps.length = 0;
    world.neighbours = "still";
    world.intended.add("old");
    world.sick.add("app").add("new");
    const files = { "manifests/new.yaml": JSON.stringify(deployment("new")) };
    world.fetched = { kind: "loaded", loaded: loadedPack("web", { charts: ["app"], files }) };
    const pack = { registryRef: { name: "ours" }, name: "web", version: "1.0.0" };
    world.profile = profileOf([{ name: "web", objects: [], pack }]);
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 20)).toEqual([]);
    expect(world.names()).toEqual(["app", "old"]);
    world.heal();
    world.sick.add("new");
    expect(goneAfter(world, 0)).toEqual([]);
    expect(world.names()).toEqual(["app", "new", "old"]);
    expect(goneAfter(world, 9)).toEqual([]);
    expect(goneAfter(world, 1)).toEqual(["old"]);
  });

  it("is counted from when all is seen that the profile has, when it goes", () => {
    const world = patient();
    for (const name of ["stays", "settings", "web", "more", "api"]) world.intended.add(name);
    const going = (minutes: number): string[] => {
      world.now += minutes * MINUTE;
      world.tearDown();
      return goings(world);
    };
    world.slow.add("ConfigMap");
    expect(going(0)).toEqual([]);
    expect(going(20)).toEqual([]);
    world.slow.clear();
    expect(going(0)).toEqual([]);
    expect(going(9)).toEqual([]);
    expect(going(1)).toEqual(["api", "more", "web", "settings", "stays"]);
  });

  it("is counted anew for what is dropped later under the same spec", () => {
    const world = patient(web("a", "b", "c"));
    world.profile = profileOf(web("a", "b"));
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 1)).toEqual(["c"]);

    world.profile = profileOf(web("a"));
    world.intended.add("b");
    expect(goneAfter(world, 0)).toEqual(["c"]);
    expect(goneAfter(world, 9)).toEqual(["c"]);
    expect(goneAfter(world, 1)).toEqual(["c", "b"]);
  });

  it("is each object's own: what has waited goes, and what comes to it waits", () => {
    const world = patient(web("a", "b", "c"));
    world.profile = profileOf(web("a", "b"));
    world.intended.add("c");
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 9)).toEqual([]);
    world.profile = profileOf(web("a"));
    world.intended.add("b");
    expect(goneAfter(world, 0)).toEqual([]);
    expect(goneAfter(world, 1)).toEqual(["c"]);
    expect(goneAfter(world, 8)).toEqual(["c"]);
    expect(goneAfter(world, 1)).toEqual(["c", "b"]);
  });

  it("is all there again for what was wanted once more in between", () => {
    const world = patient(web("a", "b"));
    world.intended.add("b");
    for (const _ of [1, 2]) {
      world.profile = profileOf(web("a"));
      expect(goneAfter(world, 0)).toEqual([]);
      expect(goneAfter(world, 9)).toEqual([]);
      world.profile = profileOf(web("a", "b"));
      expect(goneAfter(world, 0)).toEqual([]);
    }
  });

  it("is not counted while a brake holds what was dropped", () => {
    const names = [...Array(12).keys()].map((index) => `m${index}`);
    const world = patient(web(...names));
    world.intended.add("m11");
    world.profile = profileOf(web("m0"));
    expect(goneAfter(world, 0)).toEqual([]);
    expect(world.row("web")?.reason).toBe("PruneHeld");
    expect(goneAfter(world, 20)).toEqual([]);
    // What others wait for is theirs, and no loss: the rest is little enough to go.
    for (const name of names.slice(1, 11)) world.claimed.add(name);
    const given = names.slice(1, 11).join();
    expect(goneAfter(world, 0)).toEqual([given]);
    expect(goneAfter(world, 9)).toEqual([given]);
    expect(goneAfter(world, 1)).toEqual([given, "m11"]);
  });

  it("ends with a layer that is repaired again and again, too", () => {
    const world = patient(web("a", "b"));
    world.profile = profileOf(web("a"));
    let looks = 0;
    for (; looks < 5 && goings(world).length === 0; looks++) {
      goneAfter(world, 1);
      world.lose("a");
      world.take(world.evaluate().step);
    }
    expect(looks).toBe(2);
  });

  it("is that of all that goes: no layer and no wave of them has another breath", () => {
    const world = patient();
    dropped(world);
    expect(goneAfter(world, 0)).toEqual([]);
    world.now += 1_000;
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["api", "more", "web", "settings"]);
  });
});
