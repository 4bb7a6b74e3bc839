import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hookOf, ReleaseWorld, configMap as shopMap } from "../../test/support/release-world.ts";
import type { KubeObject } from "../objects/types.ts";
import { configMap, deployment, type Layer, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { loadedPack } from "./testdata/packs.ts";

const maps = (count: number, prefix = "m") => Array.from({ length: count }, (_, i) => configMap(`${prefix}${i}`));
const web = (objects: KubeObject[], about: object = {}): Layer => ({ name: "web", objects, ...about });

/** The world where a layer has been Ready with some objects. */
function having(objects: KubeObject[], ...others: Layer[]): Simulation {
  const world = new Simulation(profileOf([web(objects), ...others]));
  expect(world.run().done).toBe(true);
  world.steps.length = 0;
  return world;
}

/** @param layers those without objects have manifests in which there is nothing */
function becomes(world: Simulation, layers: Layer[], allowMassPrune?: boolean): ReturnType<Simulation["run"]> {
  const profile = profileOf(layers.map((layer) => ({ ...layer, objects: [...layer.objects, configMap("none")] })));
  if (allowMassPrune !== undefined) profile.spec.allowMassPrune = allowMassPrune;
  for (const layer of profile.spec.layers) {
    const kept = layer.manifests?.slice(0, -1);
    if (kept) layer.manifests = kept.length > 0 ? kept : [{ inline: "# none" }];
  }
  world.profile = profile;
  return world.run();
}

const removed = (world: Simulation): string[] =>
  world.steps.flatMap((step) =>
    step.kind === "Remove" ? step.items.map(({ tracked }) => tracked.observed.ref.name) : [],
  );

describe("a layer that comes out without objects", () => {
  it("gives other profiles what they wait for", () => {
    const world = having(maps(3));
    world.claimed.add("m1");
    becomes(world, [web([])]);
    expect(removed(world)).toEqual(["m1"]);
    expect(world.row("web")?.reason).toBe("PruneHeld");
  });

  it("is not Ready as long as others are about to take what it has, or it would be known as proven", () => {
    const world = having(maps(3));
    for (const name of ["m0", "m1", "m2"]) world.intended.add(name);
    becomes(world, [web([])]);
    expect(world.row("web")?.state).toBe("Applying");
    world.intended.clear();
    world.run();
    expect(removed(world)).toEqual([]);
    expect(world.row("web")?.reason).toBe("PruneHeld");
  });

  it("loses nothing either where it has been Ready without objects before", () => {
    const world = having([configMap("x")]);
    becomes(world, [web([])], true);
    expect(world.row("web")).toMatchObject({ state: "Ready" });
    world.sick.add("ill");
    becomes(world, [web([...maps(3), deployment("ill")])], false);
    world.steps.length = 0;
    becomes(world, [web([])]);
    expect(removed(world)).toEqual([]);
    expect(world.row("web")?.reason).toBe("PruneHeld");
  });

  it("loses nothing and says so, until a person allows it", () => {
    const world = having([configMap("a"), configMap("b")]);
    const view = becomes(world, [web([])]);
    expect(view.done).toBe(false);
    expect(view.step).toEqual({ kind: "None" });
    expect(world.row("web")).toMatchObject({
      state: "Blocked",
      reason: "PruneHeld",
      message:
        "layer web comes out without objects: what it has stays (ConfigMap acme/a, ConfigMap acme/b). If that is meant, " +
        "set allowMassPrune: true in the profile's spec, or take the layer out of the list; else mend what it is made of",
    });
    expect(world.status?.conditions).toContainEqual(
      expect.objectContaining({ type: "Stalled", status: "True", reason: "PruneHeld" }),
    );
    expect(world.names()).toEqual(["a", "b"]);
    expect(becomes(world, [web([])], true).done).toBe(true);
    expect(world.names()).toEqual([]);
    expect(world.row("web")).toMatchObject({ state: "Ready", readyObjects: 0 });
  });

  it("is Ready again when it comes out as it was", () => {
    const world = having([configMap("a")]);
    becomes(world, [web([])]);
    expect(becomes(world, [web([configMap("a")])]).done).toBe(true);
    expect(removed(world)).toEqual([]);
  });

  it("goes on being mended as it was", () => {
    const world = having([configMap("a"), configMap("b")]);
    becomes(world, [web([])]);
    world.lose("a");
    becomes(world, [web([])]);
    expect(world.names()).toEqual(["a", "b"]);
  });

  it("is brought as any other where it never had any", () => {
    const world = new Simulation(profileOf([web([configMap("a")])]));
    expect(becomes(world, [web([]), { name: "next", objects: [configMap("n")] }]).done).toBe(true);
  });

  it.each<[string, Layer[]]>([
    ["leaves the list", [{ name: "next", objects: [configMap("n")] }]],
    ["is skipped", [web([], { when: "false" }), { name: "next", objects: [configMap("n")] }]],
  ])("loses all when it %s: that is asked for", (_, layers) => {
    const world = having([...maps(12)]);
    expect(becomes(world, layers).done).toBe(true);
    expect(world.names()).toEqual(["n"]);
  });

  it.each(["prune: Never", "suspend"])("is no matter where nothing goes anyway: %s", (how) => {
    const world = having([configMap("a")]);
    becomes(world, [web([], how === "suspend" ? { suspend: true } : { prune: "Never" })]);
    expect(world.row("web")?.reason).not.toBe("PruneHeld");
    expect(world.names()).toEqual(["a"]);
  });

  it("loses all when its profile is deleted", () => {
    const world = having(maps(12));
    becomes(world, [web([])]);
    world.tearDown();
    expect(world.names()).toEqual([]);
  });
});

describe("a layer of more than ten objects", () => {
  it("keeps what it dropped if that is more than half, and gets what is new", () => {
    const world = having(maps(12));
    becomes(world, [web([...maps(5), ...maps(20, "n")])]);
    expect(world.names()).toHaveLength(32);
    expect(world.row("web")?.message).toMatch(/^7 of the 12 objects of layer web would go: they stay /);
    expect(world.row("web")?.message).toMatch(
      /\(ConfigMap acme\/m10, ConfigMap acme\/m11, ConfigMap acme\/m5 and 4 more\)\./,
    );
    expect(becomes(world, [web([...maps(5), ...maps(20, "n")])], true).done).toBe(true);
    expect(world.names()).toHaveLength(25);
    expect(world.row("web")).toMatchObject({ state: "Ready", readyObjects: 25 });
  });

  it.each([
    ["the half of it", 12, 6],
    ["most of ten", 10, 1],
  ])("lets go %s", (_, had, left) => {
    const world = having(maps(had));
    expect(becomes(world, [web(maps(left))]).done).toBe(true);
    expect(world.names()).toHaveLength(left);
  });

  it("may lose more to another layer: that is no loss, also before the other one is rendered", () => {
    const world = having(maps(12));
    expect(becomes(world, [web(maps(1)), { name: "next", objects: maps(12).slice(1) }]).done).toBe(true);
    expect(world.row("web")?.state).toBe("Ready");
    expect(removed(world)).toEqual([]);
  });

  it("is not Ready while another layer that may want it all cannot be rendered, and says why", () => {
    const world = having(maps(12));
    const profile = profileOf([web(maps(1)), { name: "late", objects: [configMap("x")] }]);
    const [, late] = profile.spec.layers;
    if (late) late.manifests = [{ configMapRef: { name: "gone" } }];
    world.profile = profile;
    world.run();
    expect(world.names()).toHaveLength(12);
    expect(world.row("web")).toMatchObject({
      state: "Applying",
      message: "waits until it is known what layer late wants of what it dropped",
    });
  });

  it("holds back layers that come after and have changed, unless its gate is Applied", () => {
    const next = (value: string) => ({ name: "next", objects: [configMap("n", { value })] });
    const world = having(maps(12), next("1"));
    becomes(world, [web(maps(1)), next("2")]);
    expect(world.row("next")?.reason).toBe("WaitingForLayer");
    expect(becomes(world, [web(maps(1), { gate: "Applied" }), next("2")]).done).toBe(false);
    expect(world.row("next")?.state).toBe("Ready");
    expect(world.names()).toHaveLength(13);
  });

  it("says first that it is ill", () => {
    const world = having(maps(12));
    world.sick.add("ill");
    becomes(world, [web([deployment("ill")])]);
    expect(world.row("web")).toMatchObject({ state: "Waiting", reason: "NotReady" });
    expect(world.row("web")?.message).toMatch(/^Deployment acme\/ill: .*; 12 of the 12 objects of layer web would go/);
    expect(world.names()).toHaveLength(13);
  });

  it("goes back to what it was, whatever was added to that without success", () => {
    const world = having(maps(12));
    world.sick.add("ill");
    becomes(world, [web([...maps(12), ...maps(20, "n"), deployment("ill")])]);
    expect(world.row("web")?.state).toBe("Waiting");
    expect(becomes(world, [web(maps(12))]).done).toBe(true);
    expect(world.names()).toHaveLength(12);
  });

  it("may lose it to another profile, which waits for it or is about to try", () => {
    const world = having(maps(14));
    for (const name of ["m1", "m2", "m3", "m4"]) world.claimed.add(name);
    for (const name of ["m5", "m6", "m7", "m8"]) world.intended.add(name);
    const told: unknown[] = [];
    const take = world.take.bind(world);
    world.take = (step) => {
      take(step);
      told.push(world.row("web")?.reason);
    };
    becomes(world, [web(maps(1))]);
    expect(removed(world).slice(0, 4)).toEqual(["m1", "m2", "m3", "m4"]);
    expect(told).not.toContain("PruneHeld");
  });

  it("gives other profiles what they wait for, also while the rest is held", () => {
    const world = having(maps(14));
    world.claimed.add("m13");
    becomes(world, [web(maps(1))]);
    expect(removed(world)).toEqual(["m13"]);
    expect(world.row("web")?.message).toMatch(/^12 of the 14 objects/);
  });

  it("is held when those who were about to take it do not, and nothing goes before that is known", () => {
    const world = having(maps(12));
    for (const name of ["m4", "m5", "m6"]) world.intended.add(name);
    becomes(world, [web(maps(4))]);
    expect(world.row("web")).toMatchObject({
      state: "Applying",
      message: "another profile is about to take over ConfigMap acme/m4, ConfigMap acme/m5, ConfigMap acme/m6",
    });
    world.intended.clear();
    world.run();
    expect(removed(world)).toEqual([]);
    expect(world.row("web")).toMatchObject({ reason: "PruneHeld", message: expect.stringMatching(/^8 of the 12/) });
  });

  it("is measured by what goes alone while it has never been Ready", () => {
    const world = new Simulation(profileOf([web([...maps(20), deployment("ill")])]));
    world.sick.add("ill");
    world.run();
    becomes(world, [web([...maps(20, "n"), deployment("ill")])]);
    expect(removed(world)).toEqual([]);
    expect(world.row("web")?.message).toMatch(
      /; 20 objects of layer web would go, and it is not known how many it had when it was Ready: /,
    );
  });

  it("is not held by what somebody is deleting already", () => {
    const world = having(maps(12));
    for (const { observed } of [...world.live.values()].slice(5)) observed.terminating = true;
    becomes(world, [web(maps(5))]);
    expect(world.row("web")?.state).toBe("Ready");
  });

  it("is measured by what it had, not by what is still there when half of it is gone", () => {
    const world = having(maps(24));
    // Nothing goes before its time, and the row tells of a Ready layer meanwhile.
    world.pruneAt = world.now + 1_000;
    becomes(world, [web([...maps(12), configMap("new")])]);
    expect(world.row("web")).toMatchObject({ state: "Ready", readyObjects: 24 });
    world.pruneAt = undefined;
    expect(world.run().done).toBe(true);
    expect(world.names()).toHaveLength(13);
    expect(world.row("web")?.readyObjects).toBe(13);
  });
});

describe("another process", () => {
  it("lets nothing go that the one before it held", () => {
    const world = having(maps(12));
    const layers = [web([...maps(1), ...maps(30, "n")])];
    becomes(world, layers);
    expect(world.row("web")?.reason).toBe("PruneHeld");
    world.restart();
    becomes(world, layers);
    expect(world.row("web")?.reason).toBe("PruneHeld");
    expect(world.names()).toHaveLength(42);
  });

  const mixed = () => [...maps(8), ...maps(4, "d").map(({ metadata }) => deployment(metadata.name ?? ""))];

  /** It has not seen the Deployments before it watches them. @returns what it tells of the layer, pass by pass */
  function restarted(world: Simulation, layers: Layer[], left = 12): string[] {
    const told: string[] = [];
    world.restart();
    world.watched.clear();
    const hidden = new Map([...world.live].filter(([, { observed }]) => observed.ref.kind === "Deployment"));
    for (const key of hidden.keys()) world.live.delete(key);
    const take = world.take.bind(world);
    world.take = (step) => {
      take(step);
      if (world.watched.has("Deployment.apps")) for (const [key, tracked] of hidden) world.live.set(key, tracked);
      told.push(`${world.row("web")?.state} ${world.row("web")?.readyDigest}`);
    };
    becomes(world, layers);
    expect(world.row("web")?.reason).toBe("PruneHeld");
    expect(world.names()).toHaveLength(left);
    return told;
  }

  it("looks for all that a layer had before it judges: some of its kinds it has not seen", () => {
    const world = having(mixed());
    const digest = world.row("web")?.readyDigest;
    expect([...new Set(restarted(world, [web(maps(1))]))]).toEqual([`Ready ${digest}`, `Applying ${digest}`]);
    expect(world.row("web")?.message).toMatch(/^11 of the 12 objects/);
    expect(removed(world)).toEqual([]);
  });

  // The status speaks of a profile of which a layer waits, whatever else is still looked for.
  const waiting = (value: string): Layer => ({ name: "late", objects: [configMap("late", { value })] });
  const works = (): KubeObject[] => maps(12).map(({ metadata }) => deployment(metadata.name ?? ""));

  it.each([
    ["comes out empty", []],
    ["loses most", [configMap("new")]],
  ])("never takes a layer that %s for Ready", (_, objects) => {
    const world = having(works(), waiting("1"));
    const after = [web(objects), waiting("2")];
    becomes(world, after);
    expect(world.row("web")?.reason).toBe("PruneHeld");
    world.steps.length = 0;
    const told = restarted(world, after, objects.length + 13);
    expect(told.filter((one) => one.startsWith("Ready"))).toEqual([]);
  });

  it("lets nothing go where nobody remembers what was Ready: the hub was made anew", () => {
    const world = having(mixed(), waiting("1"));
    world.status = undefined;
    restarted(world, [web(maps(1)), waiting("2")], 13);
    expect(world.row("web")?.message).toMatch(/^11 objects of layer web would go, and it is not known how many/);
  });

  it("looks for nothing where a layer never had anything", () => {
    const world = new Simulation(profileOf([web([configMap("none")]), { name: "b", objects: [deployment("slow")] }]));
    for (const layer of world.profile.spec.layers.slice(0, 1)) layer.manifests = [{ inline: "# none" }];
    world.slow.add("Deployment.apps");
    world.run();
    expect(world.row("web")?.state).toBe("Ready");
  });
});

describe("a pack", () => {
  const packed = (version = "1.0.0"): Layer => ({
    name: "web",
    pack: { registryRef: { name: "r" }, name: "web", version },
    objects: [],
  });
  const ofFiles = (objects: KubeObject[]) => {
    const files = objects.map((object, index) => [`manifests/${index}.yaml`, JSON.stringify(object)]);
    return { kind: "loaded" as const, loaded: loadedPack("web", { files: Object.fromEntries(files) }) };
  };

  function withFiles(count: number): Simulation {
    const world = new Simulation(profileOf([packed()]));
    world.fetched = ofFiles(maps(count));
    expect(world.run().done).toBe(true);
    world.steps.length = 0;
    return world;
  }

  it("keeps all when its next version has nothing, also what its parts had", () => {
    const world = withFiles(3);
    world.fetched = { kind: "loaded", loaded: loadedPack("web") };
    expect(becomes(world, [packed("2.0.0")]).done).toBe(false);
    expect(world.row("web")).toMatchObject({ state: "Blocked", reason: "PruneHeld" });
    expect(world.names()).toHaveLength(3);
    expect(becomes(world, [packed("2.0.0")], true).done).toBe(true);
    expect(world.names()).toEqual([]);
  });

  it("keeps a part that its next version has no more, if that is most of it", () => {
    const world = new Simulation(profileOf([web(maps(12))]));
    world.run();
    world.fetched = ofFiles(maps(30, "new"));
    expect(becomes(world, [packed()]).done).toBe(false);
    expect(world.row("web")?.message).toMatch(/12 of the 12 objects of layer web would go/);
    expect(world.names()).toHaveLength(42);
    expect(becomes(world, [packed()], true).done).toBe(true);
    expect(world.names()).toHaveLength(30);
  });
});

describe("a chart", () => {
  const shop = (count: number, value = "1") => ({
    objects: [shopMap("config", { value }), ...Array.from({ length: count }, (_, i) => shopMap(`more-${i}`))],
    hooks: [hookOf("migrate", ["pre-upgrade"], { deletePolicies: ["hook-succeeded"] })],
  });
  const count = (world: ReleaseWorld): number => world.cluster.all("ConfigMap").length;

  async function installed(chart: ReturnType<typeof shop>): Promise<ReleaseWorld> {
    const world = new ReleaseWorld(chart);
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    world.cluster.log.length = 0;
    return world;
  }

  it("that comes out empty opens no revision: the release goes on being what runs", async () => {
    const world = await installed(shop(3));
    world.change({ objects: [], hooks: shop(0).hooks });
    for (const restarts of [false, true]) {
      if (restarts) world.restart();
      await world.settle();
      expect(world.layer).toMatchObject({ state: "Blocked", reason: "PruneHeld" });
      expect(world.history).toEqual(["1 deployed"]);
      expect(world.cluster.log).toEqual([]);
    }
  });

  it("that loses most is recorded as it is, and its objects stay", async () => {
    const world = await installed(shop(12));
    world.change(shop(2, "2"));
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Blocked", reason: "PruneHeld" });
    expect(world.layer.message).toMatch(/^10 of the 13 objects of layer shop would go/);
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
    expect(count(world)).toBe(13);
    world.restart();
    await world.settle();
    expect(count(world)).toBe(13);
    world.change(shop(12, "3"));
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    expect(world.cluster.log.filter((line) => line.startsWith("delete more"))).toEqual([]);
  });

  it("goes back to the revision before, whatever the failed one had brought", async () => {
    const world = new ReleaseWorld(shop(12), { onFailure: "Rollback" });
    await world.settle();
    world.sick.set("ill", "Failed");
    const added = Array.from({ length: 30 }, (_, i) => shopMap(`new-${i}`));
    const metadata = { name: "lamps" };
    const crds = [{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata }];
    const objects = [...shop(2, "2").objects, ...added, shopMap("ill")];
    // CRDs stay as they are in a rollback: what it goes back to is not all that was Ready.
    world.change({ ...shop(2, "2"), objects, crds }, { onFailure: "Rollback" });
    await world.settleUntil(() => world.history.at(-1) === "3 deployed");
    await world.settle();
    expect(count(world)).toBe(13);
  });
});

it("nothing goes that is more than half of over ten; nothing else is held", { timeout: 60_000 }, () => {
  const names = fc.uniqueArray(fc.integer({ min: 0, max: 29 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(names, names, fc.boolean(), (before, after, restarts) => {
      const objects = (numbers: readonly number[]) => numbers.map((number) => configMap(`m${number}`));
      const world = having(objects(before));
      const going = before.filter((number) => !after.includes(number));
      if (restarts) world.restart();
      const { done } = becomes(world, [web(objects(after))]);
      const isHeld = before.length > 10 && going.length * 2 > before.length;
      expect(done).toBe(!isHeld);
      expect(world.names()).toHaveLength(new Set([...after, ...(isHeld ? before : [])]).size);
    }),
    { numRuns: 30 },
  );
});
