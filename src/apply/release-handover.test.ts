import { beforeEach, describe, expect, it } from "vitest";
import { configMap, hookOf, ReleaseWorld } from "../../test/support/release-world.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";

const CHART = {
  objects: [configMap("config"), configMap("extra")],
  hooks: [hookOf("backup", ["pre-delete"]), hookOf("migrate", ["pre-upgrade"])],
};
const RELEASE = "helm/web/shop";
const keyOf = (name: string) => `/ConfigMap/web/${name}`;
const other = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "other" });
const heir = { set: other, layer: "site", profile: "AddOnProfile acme/other" };

function recordIn(world: ReleaseWorld, version = 1): KubeObject {
  const record = world.cluster.all("Secret").find(({ metadata }) => metadata.labels?.["version"] === String(version));
  if (!record) throw new Error(`no revision ${version}`);
  return record;
}

describe("a release that another profile waits for", () => {
  let world: ReleaseWorld;

  beforeEach(async () => {
    world = new ReleaseWorld(CHART);
    await world.settle();
    world.cluster.log.length = 0;
  });

  const log = () => world.cluster.log.filter((line) => line !== "apply other");

  it.each([
    ["left the list", () => world.drop()],
    ["goes with its profile", () => world.tearDown()],
  ])("is handed over as it is when its layer %s, and its objects as they are asked for", async (_what, go) => {
    world.heirs.set(RELEASE, heir);
    for (const name of ["config", "extra"]) world.intents.add(keyOf(name));
    go();
    await world.settleUntil(() => log().length > 0);
    expect(log()).toEqual(["hand over v1 deployed"]);
    expect(recordIn(world).metadata.labels).toMatchObject({
      "strata.dev/parent": other.parent,
      "strata.dev/layer": "site",
      status: "deployed",
    });
    expect(recordIn(world).metadata.labels).not.toHaveProperty(["strata.dev/seal"]);
    expect(world.told).toContainEqual("ObjectKept: Helm release web/shop stays: AddOnProfile acme/other has it now");

    // It is the other one's by now, which has said that it wants one of the objects, and no other.
    world.heirs.delete(RELEASE);
    world.intents.clear();
    world.heirs.set(keyOf("config"), heir);
    await world.settleUntil(() => log().length === 3);
    expect(log()).toEqual(["hand over v1 deployed", "give config", "prune extra"]);
    expect(world.history).toEqual(["1 deployed"]);
  });

  it("is waited with as long as another profile is about to say so, and then goes as ever", async () => {
    world.intents.add(RELEASE);
    world.drop();
    await world.settle();
    world.now += 2_000;
    await world.settle();
    expect(log()).toEqual([]);
    expect(world.wakeIn).toBeLessThanOrEqual(1_000);
    world.now += 10 * 60_000;
    await world.settle();
    expect(log().slice(0, 2)).toEqual(["v1 uninstalling", "run backup"]);
  });

  it("stays with whom it is when the other one has lost interest", async () => {
    const gone = { ...heir };
    world.heirs.set(RELEASE, gone);
    world.drop();
    world.heirs.get = () => undefined;
    await world.settle();
    expect(log()).toEqual([]);
    world.heirs.clear();
    await world.settleUntil(() => world.history.length === 0);
  });
});

describe("a layer whose release another profile has", () => {
  async function waiting({ adoption = "IfUnowned", isReadOnly = false } = {}): Promise<ReleaseWorld> {
    // Of the very same content: also that of another profile is not what this one has brought.
    const owner = new ReleaseWorld(CHART, { adoption });
    await owner.settle();
    const world = new ReleaseWorld(CHART, { adoption });
    const record = recordIn(owner);
    world.cluster.put({
      ...record,
      metadata: { ...record.metadata, labels: { ...record.metadata.labels, "strata.dev/parent": other.parent } },
    });
    world.cluster.isReadOnly = isReadOnly;
    world.cluster.log.length = 0;
    await world.settle();
    return world;
  }

  const give = (world: ReleaseWorld) => {
    const { metadata, ...record } = recordIn(world);
    const annotations = Object.entries(metadata.annotations ?? {}).map(([key, text]) => [
      key,
      JSON.stringify({ ...JSON.parse(text), handedOver: true }),
    ]);
    const labels = { ...metadata.labels, "strata.dev/parent": world.set.parent, "strata.dev/layer": "shop" };
    world.cluster.put({ ...record, metadata: { ...metadata, labels, annotations: Object.fromEntries(annotations) } });
  };

  it("waits for it, writes nothing, and goes on with a revision of its own when it is handed over", async () => {
    const world = await waiting();
    expect(world.layer).toMatchObject({ state: "Blocked", reason: "Conflict" });
    expect(world.cluster.log).toEqual([]);
    expect([...(world.interest?.claims ?? [])]).toEqual([[RELEASE, "shop"]]);
    expect([...(world.interest?.intents?.() ?? [])]).toEqual([keyOf("config"), keyOf("extra")]);
    give(world);
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
    expect(world.cluster.log).toContain("run migrate");
    expect(world.interest?.intents).toBeUndefined();
  });

  it.each([
    ["may not write its records", { isReadOnly: true }, "Forbidden"],
    ["takes nothing that exists", { adoption: "Never" }, "Conflict"],
  ])("does not get it when it %s", async (_what, about, reason) => {
    const world = await waiting(about);
    expect(world.layer.reason).toBe(reason);
    expect(world.interest?.claims.size).toBe(0);
    expect(world.interest?.intents?.().has(RELEASE)).toBe(false);
  });
});
