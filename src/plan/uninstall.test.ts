import { describe, expect, it } from "vitest";
import { configMap, hookOf, ReleaseWorld } from "../../test/support/release-world.ts";

const CHART = {
  objects: [configMap("config")],
  hooks: [
    hookOf("backup", ["pre-delete"], { deletePolicies: ["hook-succeeded"] }),
    hookOf("goodbye", ["post-delete"]),
    hookOf("install", ["pre-install"]),
  ],
};
/** In the order of `helm uninstall`: the status, the hooks before, the objects, the hooks after, and the records last. */
const UNINSTALLED = [
  "v1 uninstalling",
  "run backup",
  "note v1 uninstalling",
  "delete backup",
  "prune config",
  "run goodbye",
  "note v1 uninstalling",
  "delete v1",
];

async function installed(chart: ConstructorParameters<typeof ReleaseWorld>[0] = CHART): Promise<ReleaseWorld> {
  const world = new ReleaseWorld(chart);
  await world.settle();
  world.cluster.log.length = 0;
  return world;
}

const ofRelease = (world: ReleaseWorld) => world.cluster.log.filter((line) => line !== "apply other");

describe("a release whose layer goes", () => {
  it.each([
    ["with the profile", (world: ReleaseWorld) => world.tearDown()],
    ["because it left the list", (world: ReleaseWorld) => world.drop()],
  ])("goes as helm uninstall does it, %s", async (_name, go) => {
    const world = await installed();
    go(world);
    await world.settle();
    expect(ofRelease(world)).toEqual(UNINSTALLED);
    expect(world.history).toEqual([]);
    expect(world.cluster.names("Job").sort()).toEqual(["goodbye", "install"]);
  });

  it("finds its hooks in what is stored when the process is a new one", async () => {
    const world = await installed();
    world.tearDown();
    world.restart();
    await world.settle();
    expect(ofRelease(world)).toEqual(UNINSTALLED);
    expect(world.renders).toBe(1);
    expect(world.finished).toBe(true);
  });

  it("loses all of its history", async () => {
    const world = await installed();
    world.change({ ...CHART, objects: [configMap("config", { value: "2" })] });
    await world.settle();
    world.tearDown();
    await world.settle();
    expect(world.cluster.log.slice(-2).sort()).toEqual(["delete v1", "delete v2"]);
    expect(world.history).toEqual([]);
  });

  it("without hooks needs no word of them", async () => {
    const world = await installed({ objects: [configMap("config")] });
    world.tearDown();
    await world.settle();
    expect(world.cluster.log).toEqual(["v1 uninstalling", "prune config", "delete v1"]);
  });

  it.each([
    ["before", false],
    ["after", true],
  ])("comes to the same end when its process is cut off %s any write", { timeout: 60_000 }, async (_name, written) => {
    for (let write = 0, wasCutOff = true; wasCutOff; write++) {
      const world = await installed();
      world.tearDown();
      wasCutOff = await world.settleCutOff(write, written, () => world.finished);
      expect(ofRelease(world)).toEqual(UNINSTALLED);
    }
  });
});

describe("a layer that goes in the middle of something", () => {
  it("is uninstalled from where its install stands", async () => {
    const world = new ReleaseWorld(CHART);
    world.endings.set("install", ["Running"]);
    await world.settle();
    world.cluster.log.length = 0;
    world.tearDown();
    await world.settle();
    expect(world.cluster.log).toEqual(UNINSTALLED.filter((line) => line !== "prune config"));
  });

  it("and comes back while it goes is the next revision", async () => {
    const world = await installed();
    world.endings.set("backup", ["Running"]);
    world.drop();
    await world.settle();
    expect(world.history).toEqual(["1 uninstalling"]);
    world.change(CHART);
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    expect(world.history.at(-1)).toBe("2 deployed");
    expect(world.cluster.names("ConfigMap")).toContain("config");
  });
});

describe("a hook of a release that goes", () => {
  it("holds what comes after it when it fails, says how to go without it, and is tried again", async () => {
    const world = await installed();
    world.endings.set("backup", ["Failed", "Succeeded"]);
    world.tearDown();
    await world.settle();
    expect(world.cluster.names("ConfigMap")).toContain("config");
    expect(world.layer.message).toMatch(
      /pre-delete hook Job web\/backup failed: .*; to go without hooks: helm uninstall shop -n web --no-hooks$/,
    );
    await world.settleUntil(() => world.finished);
    expect(world.cluster.log.filter((line) => line === "run backup")).toHaveLength(2);
  });

  it("holds nothing once a person ran helm uninstall --no-hooks", async () => {
    const world = await installed();
    world.endings.set("backup", ["Failed"]);
    world.tearDown();
    await world.settle();
    for (const [kind, name] of [
      ["Secret", "sh.helm.release.v1.shop.v1"],
      ["ConfigMap", "config"],
    ] as const)
      world.cluster.remove({ group: "", version: "v1", kind, namespace: "web", name });
    await world.settle();
    expect(world.finished).toBe(true);
  });
});

describe("a release that somebody else has by now", () => {
  it("keeps its records, and no hook runs; the layer's objects go", async () => {
    const world = await installed();
    const record = world.cluster.all("Secret")[0];
    if (!record) throw new Error("no record");
    const labels = { ...record.metadata.labels, "strata.dev/parent": "strata-0" };
    world.cluster.put({ ...record, metadata: { ...record.metadata, labels } });
    world.tearDown();
    await world.settle();
    expect(world.cluster.log).toEqual(["prune config"]);
    expect(world.history).toEqual(["1 deployed"]);
  });
});
