import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import { REMOVAL } from "../plan/removal.ts";
import { loadedPack } from "../plan/testdata/packs.ts";
import { configMap, deployment, type Layer, profileOf, Simulation } from "./testdata/simulation.ts";

const output = (name: string, object = name) => ({
  name,
  object: { apiVersion: "v1", kind: "ConfigMap", name: object },
  value: "self.data.key",
});

const pack = (...names: string[]) => ({
  kind: "loaded" as const,
  loaded: loadedPack("web", {
    files: Object.fromEntries(names.map((name) => [`manifests/${name}.yaml`, JSON.stringify(deployment(name))])),
  }),
});
const web = (version: string, more: object = {}): Layer => ({
  name: "web",
  objects: [],
  pack: { registryRef: { name: "r" }, name: "web", version },
  ...more,
});

/** A profile that has come to its end, and whose outputs are those of the ConfigMaps that are there. */
class World extends Simulation {
  readonly there = new Set<string>();

  static of(
    layers: Layer[],
    { there = [], fetched }: { there?: string[]; fetched?: Simulation["fetched"] } = {},
  ): World {
    const world = new World(profileOf(layers));
    for (const name of there) world.there.add(name);
    world.named = ({ name }) => (world.there.has(name) ? configMap(name, { key: "x" }) : "absent");
    world.fetched = fetched;
    world.run();
    world.steps.length = 0;
    return world;
  }

  becomes(layers: Layer[]): void {
    this.profile = profileOf(layers);
    this.profile.spec.allowMassPrune = true;
    this.run();
  }

  /** Seconds go by. */
  wait(seconds: number): void {
    this.now += seconds * 1000;
    this.run();
  }
}

describe("what is installed of a layer that has to wait", () => {
  const first = (name = "a") => ({ name: "a", outputs: [output("key")], objects: [deployment(name)] });
  const second = (...names: string[]) => ({ name: "b", objects: names.map(deployment) });
  const asking = (...names: string[]) => ({ ...second(...names), namespace: `ns-\${{ layers.a.outputs.key }}` });

  /** The last layer gets other objects, which are never healthy, and loses what it had. */
  function replaced(make: typeof second): World {
    const world = World.of([first(), make("x", "old")], { there: ["key"] });
    world.sick.add("new");
    world.becomes([first(), make("x", "new")]);
    expect(world.names()).toEqual(["a", "new", "x"]);
    world.steps.length = 0;
    return world;
  }

  it("is mended until its turn comes", () => {
    const world = World.of([first(), second("x")]);
    world.sick.add("a2");
    world.becomes([first("a2"), second("y")]);
    expect(world.names()).toEqual(["a2", "x"]);
    world.lose("x");
    world.run();
    expect(world.names()).toEqual(["a2", "x"]);
  });

  it("does not come back where newer content has replaced it, when another layer is late", () => {
    const world = replaced(second);
    world.sick.add("a2");
    world.becomes([first("a2"), second("x", "new")]);
    expect(world.row("b")?.reason).toBe("WaitingForLayer");
    expect(world.names()).toEqual(["a2", "new", "x"]);
  });

  it("nor when an output is away", () => {
    const world = replaced(asking);
    world.there.clear();
    world.run();
    expect(world.row("b")?.reason).toBe("WaitingForOutput");
    expect(world.names()).toEqual(["a", "new", "x"]);
  });

  it("nor when the newer content has only less", () => {
    const world = World.of([first(), asking("x", "old")], { there: ["key"] });
    world.sick.add("x");
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "x") tracked.verdict = { state: "InProgress", message: "" };
    world.becomes([first(), asking("x")]);
    expect(world.names()).toEqual(["a", "x"]);
    world.there.clear();
    world.run();
    expect(world.names()).toEqual(["a", "x"]);
  });

  it("nor while objects of something newer are there, whoever wrote them", () => {
    const world = World.of([first(), asking("x", "y")], { there: ["key"] });
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "x") tracked.observed = { ...tracked.observed, digest: "other" };
    world.there.clear();
    world.lose("y");
    world.run();
    expect(world.names()).toEqual(["a", "x"]);
  });

  it("is mended beside what is left of older content where nothing is pruned", () => {
    const keeping = (...names: string[]) => ({ ...asking(...names), prune: "Never" });
    const world = World.of([first(), keeping("x", "old")], { there: ["key"] });
    world.becomes([first(), keeping("x", "y")]);
    world.there.clear();
    world.lose("y");
    world.run();
    expect(world.names()).toEqual(["a", "old", "x", "y"]);
  });

  it("is not what a process remembers if something else was Ready since", () => {
    const world = World.of([first(), asking("x")], { there: ["key"] });
    const row = world.row("b");
    if (row) row.readyDigest = "other";
    world.there.clear();
    world.lose("x");
    world.run();
    expect(world.names()).toEqual(["a"]);
  });

  it("is read by a fresh process from what is stored, if that is what was Ready", () => {
    const layers = [first(), web("1.0.0", { when: 'layers.a.outputs.key == "x"' })];
    const mended = (...stored: string[]): World => {
      const world = World.of(layers, { there: ["key"], fetched: pack("x") });
      world.restart();
      world.there.clear();
      world.lose("x");
      world.stored.set("web.manifests", { objects: stored.map(deployment), crds: [] });
      world.run();
      expect(world.steps.filter(({ kind }) => kind === "Recall")).toHaveLength(1);
      return world;
    };
    expect(mended("x").names()).toEqual(["a", "x"]);
    expect(mended("other").names()).toEqual(["a"]);
  });

  it("is not asked for where nothing is stored: plain manifests are in the profile alone", () => {
    const world = World.of([first(), asking("x")], { there: ["key"] });
    world.restart();
    world.there.clear();
    world.lose("x");
    world.run();
    expect(world.steps.map(({ kind }) => kind)).not.toContain("Recall");
  });
});

describe("what is installed of a pack", () => {
  const first = (name = "a") => ({ name: "a", objects: [deployment(name)] });

  it.each<[string, (world: World) => void]>([
    ["is skipped", (world) => world.becomes([first(), web("1.0.0", { when: "false" })])],
    ["leaves the list", (world) => world.becomes([first()])],
    [
      "has nothing but values for a while",
      (world) => {
        world.fetched = { kind: "loaded", loaded: loadedPack("web") };
        world.becomes([first(), web("1.5.0")]);
      },
    ],
  ])("is forgotten when it %s: in its next version it waits for its turn", (_, leave) => {
    const world = World.of([first(), web("1.0.0")], { fetched: pack("v1") });
    leave(world);
    expect(world.names()).toEqual(["a"]);
    expect([...world.memory.installed.keys()].filter((name) => name.startsWith("web."))).toEqual([]);
    world.sick.add("a2");
    world.fetched = pack("v2");
    world.becomes([first("a2"), web("2.0.0")]);
    expect(world.names()).toEqual(["a2"]);
    world.heal();
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a2", "v2"]);
  });
});

describe("what is installed of a layer that is skipped", () => {
  it("is forgotten at once, whether it can be removed or not", () => {
    const world = World.of([web("1.0.0")], { fetched: pack("v1") });
    const [key = ""] = world.live.keys();
    const failure = new Failure("Forbidden", "no");
    world.attempts.set(key, { digest: REMOVAL, failure, attempts: 1, retryAt: world.now + 1_000 });
    world.becomes([web("1.0.0", { when: "false" })]);
    expect(world.names()).toEqual(["v1"]);
    expect(world.memory.installed.size).toBe(0);
  });
});

describe("a condition that asks for an output", () => {
  const first = (name = "a") => ({ name: "a", outputs: [output("key"), output("flag")], objects: [deployment(name)] });
  const second = (name = "m") => ({ name: "m", objects: [deployment(name)] });
  const HAS = "has(layers.a.outputs.flag)";
  const third = (more: object, name = "data") => ({ name: "b", objects: [deployment(name)], ...more });
  const there = ["key", "flag"];

  it.each<[string, Layer, Partial<Parameters<typeof World.of>[1]>]>([
    ["a layer", third({ when: HAS }), {}],
    ["a pack", web("1.0.0", { when: HAS }), { fetched: pack("data") }],
  ])("keeps %s for a minute, also after a restart", (_, layer, more) => {
    const world = World.of([first(), layer], { there, ...more });
    world.there.delete("flag");
    world.wait(0);
    world.wait(59);
    expect(world.row(layer.name)?.message).toMatch(/until that has lasted a minute, `when` keeps its answer$/);
    expect(world.names()).toEqual(["a", "data"]);
    world.restart();
    world.wait(59);
    expect(world.names()).toEqual(["a", "data"]);
    world.wait(61);
    expect(world.row(layer.name)?.state).toBe("Skipped");
    expect(world.names()).toEqual(["a"]);
  });

  it("counts from when that very output went, whatever else the layer has waited for", () => {
    const world = World.of([first(), third({ when: HAS, namespace: `ns-\${{ layers.a.outputs.key }}` })], { there });
    world.wait(3600);
    world.there.delete("key");
    world.wait(120);
    expect(world.row("b")?.reason).toBe("WaitingForOutput");
    world.there.delete("flag");
    world.wait(0);
    world.wait(59);
    expect(world.names()).toEqual(["a", "data"]);
    world.wait(2);
    expect(world.names()).toEqual(["a"]);
  });

  it("does not count the time in which another layer was late", () => {
    const world = World.of([first(), second(), third({ when: HAS })], { there });
    world.sick.add("m2");
    world.becomes([first(), second("m2"), third({ when: HAS }, "data2")]);
    world.wait(600);
    expect(world.row("b")?.reason).toBe("WaitingForLayer");
    world.there.delete("flag");
    world.wait(1);
    world.heal();
    world.wait(1);
    expect(world.names()).toEqual(["a", "data", "m2"]);
  });

  describe("that is to be absent", () => {
    const layers = (name = "a") => [first(name), third({ when: `!${HAS}` }), { name: "z", objects: [configMap("z")] }];

    it("keeps its layer skipped for a minute, and nobody waits for that", () => {
      const world = World.of(layers(), { there });
      world.there.delete("flag");
      world.run();
      expect(world.row("b")).toMatchObject({ state: "Skipped", gate: "Open" });
      expect(world.row("b")?.message).toMatch(/^`when` is false on this cluster; output flag .* keeps its answer$/);
      world.wait(61);
      expect(world.names()).toEqual(["a", "data", "z"]);
    });

    it("says when it is to be asked again", () => {
      const world = World.of(layers(), { there });
      world.there.delete("flag");
      expect(world.run().wakeAt).toBe(world.now + 60_000);
    });

    it("does so also when its layer had to wait meanwhile", () => {
      const world = World.of(layers(), { there });
      world.sick.add("a2");
      world.there.delete("flag");
      world.now += 3_600_000;
      world.becomes(layers("a2"));
      world.heal();
      world.wait(1);
      expect(world.names()).toEqual(["a2", "z"]);
      world.wait(61);
      expect(world.names()).toEqual(["a2", "data", "z"]);
    });

    it("does so also when nothing could be done in the cluster meanwhile", () => {
      const world = World.of(layers(), { there });
      for (const row of world.status?.layers ?? []) row.state = "Blocked";
      world.there.delete("flag");
      world.run();
      expect(world.names()).toEqual(["a", "z"]);
      world.wait(61);
      expect(world.names()).toEqual(["a", "data", "z"]);
    });

    it("is brought at once on a new cluster", () => {
      expect(World.of(layers(), { there: ["key"] }).names()).toEqual(["a", "data", "z"]);
    });
  });
});
