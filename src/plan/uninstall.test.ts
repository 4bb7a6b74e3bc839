import { describe, expect, it } from "vitest";
import { configMap, hookOf, ReleaseWorld } from "../../test/support/release-world.ts";
import { timeoutOf } from "./uninstall.ts";

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

  it("runs the hooks of what is installed, also when what the layer wants now cannot be rendered", async () => {
    const world = await installed();
    world.change(CHART, { attachments: [{ inline: "a: [" }] });
    await world.settle();
    expect(world.layer.state).toBe("Failed");
    world.tearDown();
    await world.settle();
    expect(ofRelease(world)).toEqual(UNINSTALLED);
    expect(world.finished).toBe(true);
  });

  it.each([
    ["at once", Number.POSITIVE_INFINITY],
    ["cut off before any record is deleted", 2],
    ["cut off after one of them", 3],
    ["cut off before the last", 4],
  ])("loses its history by number, the newest last: it knows that it goes; %s", async (_, write) => {
    const world = await installed({ objects: [configMap("config")] });
    for (const revision of [...Array(10).keys()]) {
      world.change({ objects: [configMap("config", { revision: String(revision) })] }, { maxHistory: 3 });
      await world.settle();
    }
    expect(world.history).toEqual(["9 superseded", "10 superseded", "11 deployed"]);
    world.cluster.log.length = 0;
    world.tearDown();
    expect(await world.settleCutOff(write, false, () => world.finished)).toBe(Number.isFinite(write));
    expect(world.cluster.log).toEqual(["v11 uninstalling", "prune config", "delete v9", "delete v10", "delete v11"]);
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

describe("a release that its layer had before", () => {
  const helm = { repo: "https://charts.example", chart: "shop", version: "1.0.0" };
  const RENAMED = { helm: { ...helm, releaseName: "store" } };
  const manifests = [{ object: configMap("config", { of: "manifests" }) }];
  const MANIFESTS = { manifests };
  /** The hooks and the record; of the objects the layer wants some still, and has seen to the others. */
  const DEPARTED = UNINSTALLED.filter((line) => line !== "prune config");
  const cases: [name: string, layer: object, left: string[], objects: string[]][] = [
    ["under another name", RENAMED, ["web/store 1 deployed"], ["web/config"]],
    ["in another namespace", { namespace: "new" }, ["new/shop 1 deployed"], ["new/config"]],
    ["when it has manifests now", MANIFESTS, [], ["web/config"]],
  ];
  const releases = (world: ReleaseWorld) =>
    world.records.map(({ release, version, status }) => `${release.namespace}/${release.name} ${version} ${status}`);
  const objects = (world: ReleaseWorld) =>
    world.cluster.all("ConfigMap").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  /** What was written for the release that goes, after all else. */
  const lastLines = (world: ReleaseWorld) => world.cluster.log.slice(-DEPARTED.length);

  it.each(cases)("is uninstalled, its objects are not: %s", async (_, layer, left, wanted) => {
    const world = await installed({ ...CHART, objects: [configMap("config"), configMap("old")] });
    world.change(CHART, layer);
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Ready", message: expect.not.stringContaining("before") });
    expect(releases(world)).toEqual(left);
    expect(objects(world)).toEqual(wanted);
    expect(lastLines(world)).toEqual(DEPARTED);
    expect(world.cluster.log).toContain("prune old");
    expect(world.parent.releases.map(({ namespace, name }) => `${namespace}/${name} 1 deployed`)).toEqual(left);
    world.cluster.log.length = 0;
    world.restart();
    await world.settle();
    expect(world.cluster.log).toEqual([]);
    world.tearDown();
    await world.settle();
    expect(world.finished).toBe(true);
    expect(releases(world)).toEqual([]);
  });

  it.each(cases)("goes once the layer is Ready, which the profile is when it has gone: %s", async (_, layer) => {
    const ready = (world: ReleaseWorld) => world.status?.conditions?.find(({ type }) => type === "Ready")?.status;
    const world = await installed();
    world.endings.set("backup", ["Running"]);
    world.sick.set("config", "InProgress");
    world.change(CHART, layer);
    await world.settle();
    expect(releases(world)).toContain("web/shop 1 deployed");
    world.sick.clear();
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    expect(world.layer.message).toContain("Helm release web/shop, which the layer had before: running pre-delete hook");
    expect(releases(world)).toContain("web/shop 1 uninstalling");
    expect(ready(world)).toBe("False");
    world.finish("backup");
    await world.settle();
    expect(releases(world)).not.toContain("web/shop 1 uninstalling");
    expect(ready(world)).toBe("True");
  });

  it.each(cases)("goes with its layer, when that leaves the list before: %s", async (_, layer) => {
    const world = await installed();
    world.endings.set("backup", ["Running", "Succeeded"]);
    world.change(CHART, layer);
    await world.settle();
    world.restart();
    world.drop();
    world.finish("backup");
    await world.settleUntil(() => world.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True");
    expect(releases(world)).toEqual([]);
    expect(objects(world)).toEqual(["web/other"]);
    expect(world.cluster.log).toContain("run goodbye");
  });

  it.each(cases)(
    "comes to the same end when its process is cut off: %s",
    { timeout: 120_000 },
    async (_, layer, left) => {
      for (const written of [false, true]) {
        for (let write = 0, wasCutOff = true; wasCutOff; write++) {
          const world = await installed();
          world.change(CHART, layer);
          const isDone = () => world.layer.state === "Ready" && releases(world).join() === left.join();
          wasCutOff = await world.settleCutOff(write, written, isDone);
          expect(lastLines(world)).toEqual(DEPARTED);
        }
      }
    },
  );

  it("stays, and the layer says why, when its record is not as Strata wrote it: its hooks may be anybody's", async () => {
    const world = await installed();
    const [record] = world.cluster.all("Secret");
    if (!record) throw new Error("no record");
    const evil = new ReleaseWorld({ ...CHART, hooks: [hookOf("evil", ["pre-delete"])] });
    await evil.settle();
    world.restart();
    world.cluster.put({ ...record, data: evil.cluster.all("Secret")[0]?.["data"] });
    world.change(CHART, RENAMED);
    await world.settle();
    expect(world.layer.state).toBe("Failed");
    expect(world.layer.message).toMatch(
      /^Helm release web\/shop, which the layer had before: revision 1 .* is not as Strata wrote it.*--no-hooks$/,
    );
    expect(world.cluster.log).not.toContain("run evil");
    expect(releases(world)).toEqual(["web/shop 1 uninstalling", "web/store 1 deployed"]);
    world.cluster.remove({
      group: "",
      version: "v1",
      kind: "Secret",
      namespace: "web",
      name: record.metadata.name ?? "",
    });
    await world.settle();
    expect(world.layer.state).toBe("Ready");
  });
});

describe("a hook of a release that goes with its profile", () => {
  it("has the time of its layer", async () => {
    const world = new ReleaseWorld(CHART, { timeout: "1h" });
    await world.settle();
    world.endings.set("backup", ["Running"]);
    world.tearDown();
    await world.settle();
    world.now += 59 * 60_000;
    await world.settle();
    expect(world.layer.message).toMatch(/^running pre-delete hook Job web\/backup/);
    world.now += 2 * 60_000;
    await world.settle();
    expect(world.layer.message).toContain("has not ended after 3600 s");
  });

  it("has, of a part of a pack, the time of the pack's layer, and else ten minutes", () => {
    const spec = { layers: [{ name: "web", timeout: "1h" }] };
    const times = ["web", "web.app", "webapp"].map((layer) => timeoutOf(layer, { profile: { spec } as never }));
    expect(times).toEqual([3_600_000, 3_600_000, 600_000]);
  });
});
