import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configMap, hookOf, ReleaseWorld } from "../../test/support/release-world.ts";
import type { KubeObject } from "../objects/types.ts";

const HOOKS = [
  hookOf("migrate", ["pre-install", "pre-upgrade"], { deletePolicies: ["hook-succeeded"] }),
  hookOf("seed", ["pre-install", "pre-upgrade"], { weight: 5 }),
  hookOf("greet", ["post-install", "post-upgrade"], { deletePolicies: ["before-hook-creation", "hook-succeeded"] }),
];
const shop = (value: string, ...more: string[]) => ({
  objects: [configMap("config", { value }), ...more.map((name) => configMap(name))],
  hooks: HOOKS,
});
const ATTACHED = { attachments: [{ object: configMap("attached") }] };

/** Sweeps over all writes bring up dozens of worlds; a loaded machine takes its time. */
const SWEEP = { timeout: 60_000 };

const live = (world: ReleaseWorld, name: string): KubeObject | undefined =>
  world.cluster.get({ group: "", version: "v1", kind: "ConfigMap", namespace: "web", name });
const isReady = (world: ReleaseWorld) => () => world.layer.state === "Ready";

async function installed(layer: object = {}, chart = shop("1", "old")): Promise<ReleaseWorld> {
  const world = new ReleaseWorld(chart, layer);
  await world.settle();
  expect(world.layer.state).toBe("Ready");
  world.cluster.log.length = 0;
  world.told.length = 0;
  return world;
}

describe("a revision", () => {
  it("is opened before anything; then come attachments, hooks, objects, hooks, and the record", async () => {
    const world = new ReleaseWorld(shop("1"), ATTACHED);
    await world.settle();
    expect(world.cluster.log).toEqual([
      "open v1 pending-install",
      "apply attached",
      "run migrate",
      "note v1 pending-install",
      "run seed",
      "note v1 pending-install",
      "delete migrate",
      "apply config",
      "run greet",
      "note v1 pending-install",
      "delete greet",
      "v1 deployed",
    ]);
    expect(world.layer.state).toBe("Ready");
  });

  it("brings the chart's crds/ before the first hook, which waits until they are Established", async () => {
    const crd = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "lamps" },
    };
    const world = new ReleaseWorld({ ...shop("1"), crds: [crd] });
    world.sick.set("lamps", "InProgress");
    await world.settle();
    expect(world.cluster.log).toEqual(["open v1 pending-install", "apply lamps"]);
    expect(world.layer).toMatchObject({ state: "Applying", message: "CustomResourceDefinition lamps: 0/1 ready" });
    world.sick.clear();
    await world.settle();
    expect(world.cluster.log.filter((line) => /^(run|apply)/.test(line))).toEqual([
      "apply lamps",
      "run migrate",
      "run seed",
      "apply config",
      "run greet",
    ]);
    expect(world.layer.state).toBe("Ready");
  });

  it("without such a hook the objects do not wait for the CRDs of others", async () => {
    const crd = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "lamps" },
    };
    const world = new ReleaseWorld({ ...shop("1"), hooks: [], crds: [crd] });
    world.sick.set("lamps", "InProgress");
    await world.settle();
    expect(world.cluster.log).toEqual(["open v1 pending-install", "apply lamps", "apply config"]);
    expect(world.layer.state).not.toBe("Ready");
  });

  it("is not even opened while a CRD would lose a version in which objects are stored", async () => {
    const ref = { group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", name: "lamps" };
    const withLamps = (value: string, version: string) => {
      const metadata = { name: ref.name };
      const spec = { versions: [{ name: version, storage: true }] };
      return { ...shop(value), crds: [{ apiVersion: "apiextensions.k8s.io/v1", kind: ref.kind, metadata, spec }] };
    };
    const stored = (world: ReleaseWorld, ...storedVersions: string[]): void => {
      world.cluster.put({ ...world.cluster.get(ref)!, status: { storedVersions } });
    };
    const world = await installed({}, withLamps("1", "v1beta1"));
    stored(world, "v1beta1", "v1");
    world.change(withLamps("2", "v1"));
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Blocked", reason: "VersionInUse" });
    expect(world.cluster.log).toEqual([]);
    expect(world.history).toEqual(["1 deployed"]);
    stored(world, "v1");
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
  });

  it("changes a CRD among its hooks where it is, each time", async () => {
    const ref = { group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", name: "lamps" };
    const object = { apiVersion: "apiextensions.k8s.io/v1", kind: ref.kind, metadata: { name: ref.name } };
    const hooks = [hookOf("lamps", ["pre-install", "pre-upgrade"], { kind: ref.kind, object })];
    const world = await installed({}, { ...shop("1"), hooks });
    const { uid } = world.cluster.get(ref)?.metadata ?? {};
    world.change({ ...shop("2"), hooks });
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    expect(world.cluster.get(ref)?.metadata).toMatchObject({
      uid,
      annotations: { "strata.dev/hook": expect.stringContaining("/v2/") },
    });
  });

  it("follows each change: what is dropped goes before the hooks after, the old one is superseded", async () => {
    const world = await installed();
    world.change(shop("2"));
    await world.settle();
    expect(world.cluster.log.filter((line) => !line.startsWith("note"))).toEqual([
      "open v2 pending-upgrade",
      "run migrate",
      "delete seed",
      "run seed",
      "delete migrate",
      "apply config",
      "prune old",
      "run greet",
      "delete greet",
      "v1 superseded",
      "v2 deployed",
    ]);
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
  });

  it("needs no write at rest, also not of a new process, and no render", async () => {
    const world = await installed();
    await world.settle();
    world.restart();
    await world.settle();
    expect(world.cluster.log).toEqual([]);
    expect(world.renders).toBe(1);
  });

  it("is not opened for drift: that is repaired, and no hook runs", async () => {
    const world = await installed();
    world.cluster.remove({ group: "", version: "v1", kind: "ConfigMap", namespace: "web", name: "config" });
    await world.settle();
    expect(world.cluster.log).toEqual(["apply config"]);
  });

  it("waits as pending until its objects are Ready, and its gate with it", async () => {
    const world = new ReleaseWorld(shop("1"));
    world.sick.set("config", "InProgress");
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Waiting", message: "ConfigMap web/config: 0/1 ready" });
    expect(world.history).toEqual(["1 pending-install"]);
    world.sick.clear();
    await world.settle();
    expect(world.history).toEqual(["1 deployed"]);
  });

  it("remembers a Job that its TTL will delete while the hooks after run", async () => {
    const spec = { ttlSecondsAfterFinished: 60 };
    const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "fill" }, spec };
    const world = new ReleaseWorld({ objects: [job], hooks: HOOKS });
    world.endings.set("greet", ["Running"]);
    for (const [state, field] of [
      ["InProgress", "running"],
      ["Current", "finished"],
    ] as const) {
      world.sick.clear();
      if (state === "InProgress") world.sick.set("fill", state);
      await world.settle();
      expect(world.layer.reason).toBe("RunningHooks");
      expect(world.status?.layers?.[0]?.[field]).toMatchObject([{ object: "Job web/fill" }]);
    }
  });

  it("forgets no Job of the chart while its attachments are written", async () => {
    const job = (name: string): KubeObject => {
      const spec = { ttlSecondsAfterFinished: 60 };
      return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec };
    };
    const withJob = (value: string) => ({ ...shop(value), objects: [...shop(value).objects, job("fill")] });
    const layerWith = (value: string) => ({
      attachments: [{ object: job("load") }, { object: configMap("attached", { value }) }],
    });
    const world = await installed(layerWith("1"), withJob("1"));
    for (const name of ["fill", "load"])
      world.cluster.remove({ group: "batch", version: "v1", kind: "Job", namespace: "web", name });
    world.refused.add("attached");
    world.change(withJob("2"), layerWith("2"));
    for (let process = 0; process < 2; process++) {
      world.restart();
      await world.settle();
      expect(world.layer.state).toBe("Failed");
    }
    world.refused.clear();
    await world.settleUntil(isReady(world));
    expect(world.cluster.log.filter((line) => line.startsWith("apply"))).toEqual(["apply attached", "apply config"]);
  });

  it("fails when it is not Ready in time, and is deployed when it is after all", async () => {
    const world = new ReleaseWorld(shop("1"));
    world.sick.set("config", "InProgress");
    await world.settleUntil(() => world.layer.state === "Failed");
    await world.settle();
    expect(world.history).toEqual(["1 failed"]);
    world.sick.clear();
    await world.settle();
    expect(world.history).toEqual(["1 deployed"]);
    expect(world.cluster.log.filter((line) => line.startsWith("run"))).toEqual([
      "run migrate",
      "run seed",
      "run greet",
    ]);
  });
});

/** What holds of an upgrade whoever was cut off in it. */
function expectUpgraded(world: ReleaseWorld): void {
  const upgrade = world.cluster.log;
  const at = (line: string) => upgrade.indexOf(line);
  expect(world.history).toEqual(["1 superseded", "2 deployed"]);
  expect(live(world, "config")?.["data"]).toEqual({ value: "2" });
  expect(live(world, "old")).toBeUndefined();
  for (const { name } of HOOKS) expect(upgrade.filter((line) => line === `run ${name}`)).toHaveLength(1);
  expect(at("open v2 pending-upgrade")).toBe(0);
  expect(at("run migrate")).toBeLessThan(at("run seed"));
  expect(at("run seed")).toBeLessThan(at("apply config"));
  expect(at("apply config")).toBeLessThan(at("run greet"));
  expect(at("run greet")).toBeLessThan(at("v2 deployed"));
  expect(world.cluster.names("Job")).toEqual(["seed"]);
}

/** Somebody edits an object: its values are not ours any more. */
function edit(world: ReleaseWorld, name: string): void {
  const object = live(world, name) as KubeObject;
  const [entry] = object.metadata.managedFields ?? [];
  if (!entry) throw new Error(`nobody has brought ${name}`);
  const { "f:data": _, ...fieldsV1 } = entry.fieldsV1 as Record<string, unknown>;
  const metadata = { ...object.metadata, managedFields: [{ ...entry, fieldsV1 }] };
  world.cluster.put({ ...object, metadata, data: { value: "theirs" } });
}

describe("a chart layer that leaves drift as it is", () => {
  const WARN = { drift: { mode: "Warn" } };
  const attachments = [{ object: configMap("attached", { value: "ours" }) }];
  const stay = configMap("stay", { value: "ours" });
  const chart = (value: string, ...more: string[]) => {
    const { objects, hooks } = shop(value, ...more);
    return { objects: [...objects, stay], hooks };
  };

  it.each(["Warn", "Ignore"])("loses nothing when an attachment differs and the layer changes: %s", async (mode) => {
    const layer = { drift: { mode }, attachments };
    const world = await installed(layer);
    edit(world, "attached");
    world.change(shop("2", "old"), layer);
    await world.settle();
    expect(world.cluster.log.filter((line) => line.startsWith("prune"))).toEqual([]);
    expect(world.cluster.log).not.toContain("apply attached");
    expect(live(world, "attached")?.["data"]).toEqual({ value: "theirs" });
    expect(live(world, "config")?.["data"]).toEqual({ value: "2" });
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
  });

  it("brings back what somebody deleted when it changes, and only once", async () => {
    const layer = { ...WARN, attachments };
    const world = await installed(layer, chart("1"));
    const lose = (...names: string[]) => {
      for (const name of names)
        world.cluster.remove({ group: "", version: "v1", kind: "ConfigMap", namespace: "web", name });
    };
    lose("attached", "stay");
    await world.settle();
    expect([world.layer.reason, world.cluster.log]).toEqual(["DriftLeft", []]);
    world.sick.set("config", "InProgress");
    world.change(chart("2"), layer);
    await world.settle();
    lose("attached", "stay");
    await world.settle();
    world.sick.clear();
    await world.settle();
    const applied = world.cluster.log.filter((line) => line.startsWith("apply"));
    expect(applied).toEqual(["apply attached", "apply config", "apply stay"]);
    expect(world.layer.reason).toBe("DriftLeft");
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
  });

  it("is not as good as Ready before the record says so", async () => {
    const world = await installed(WARN, chart("1", "old"));
    edit(world, "stay");
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Drifted", reason: "DriftLeft" });
    world.change(chart("2"), WARN);
    const readyDigest = () => world.status?.layers?.find(({ name }) => name === "shop")?.readyDigest;
    const before = readyDigest();
    const readyAt: string[] = [];
    world.onStatus = () => void (readyDigest() !== before && readyAt.push(world.history.join()));
    await world.settle();
    expect(live(world, "old")).toBeUndefined();
    expect(live(world, "stay")?.["data"]).toEqual({ value: "theirs" });
    expect(world.layer.reason).toBe("DriftLeft");
    expect(readyAt[0]).toBe("1 superseded,2 deployed");
  });

  it("is not as good as Ready when the chart's tests fail", async () => {
    const tested = (value: string) => ({ ...chart(value), hooks: [...HOOKS, hookOf("check", ["test"])] });
    const layer = { ...WARN, test: "Gate" };
    const world = await installed(layer, tested("1"));
    edit(world, "stay");
    world.endings.set("check", ["Failed"]);
    world.change(tested("2"), layer);
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Failed", reason: "TestFailed" });
    expect(world.status?.conditions).toContainEqual(expect.objectContaining({ type: "Drifted", status: "True" }));
  });

  it("is not as good as Ready when it was rolled back", async () => {
    const layer = { ...WARN, onFailure: "Rollback" };
    const world = await installed(layer, chart("1"));
    world.endings.set("greet", ["Failed"]);
    world.change(chart("2"), layer);
    await world.settleUntil(() => world.layer.reason === "RolledBack");
    edit(world, "stay");
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Failed", reason: "RolledBack" });
    expect(world.status?.conditions).toContainEqual(expect.objectContaining({ type: "Drifted", status: "True" }));
  });

  it("gives up the release that it had before", async () => {
    const world = await installed(WARN, chart("1"));
    world.sick.set("config", "InProgress");
    world.change({}, { ...WARN, manifests: [{ object: configMap("config") }, { object: stay }] });
    await world.settle();
    expect([world.layer.state, world.history]).toEqual(["Waiting", ["1 deployed"]]);
    edit(world, "stay");
    world.sick.clear();
    await world.settle();
    expect([world.layer.reason, world.history]).toEqual(["DriftLeft", []]);
  });
});

describe("a process that is cut off", () => {
  it.each([
    ["before", false],
    ["after", true],
  ])("%s any write of an upgrade leaves nothing pending, and no hook runs twice", SWEEP, async (_name, written) => {
    let write = 0;
    for (let wasCutOff = true; wasCutOff; write++) {
      const world = await installed(ATTACHED);
      world.change(shop("2"), ATTACHED);
      wasCutOff = await world.settleCutOff(write, written, isReady(world));
      expectUpgraded(world);
    }
    expect(write).toBeGreaterThan(12);
  });

  it("is not followed by a Ready before the record says so, whatever is still to be looked at", SWEEP, async () => {
    const isReadyAt: string[] = [];
    for (let write = 0; isReadyAt.length === 0; write++) {
      const world = await installed();
      world.change(shop("2"));
      world.cluster.cutOff = { after: write, written: true };
      await expect(world.settle()).rejects.toThrow();
      if (world.cluster.log.at(-1) !== "apply config") continue;
      world.cluster.cutOff = undefined;
      const config = live(world, "config") as KubeObject;
      const { managedFields = [] } = config.metadata;
      const stranger = { manager: "kubectl-edit", operation: "Update" as const, time: "2026-01-02T03:04:05Z" };
      world.cluster.put({ ...config, metadata: { ...config.metadata, managedFields: [...managedFields, stranger] } });
      world.restart();
      world.onStatus = () => void (world.layer.state === "Ready" && isReadyAt.push(world.history.join()));
      await world.settleUntil(isReady(world));
      expectUpgraded(world);
    }
    expect(isReadyAt[0]).toBe("1 superseded,2 deployed");
  });

  it("again and again comes to the same end", SWEEP, async () => {
    const cut = fc.record({ write: fc.integer({ min: 0, max: 4 }), written: fc.boolean() });
    const check = async (cuts: readonly { write: number; written: boolean }[]) => {
      const world = await installed();
      world.change(shop("2"));
      for (const { write, written } of cuts) await world.settleCutOff(write, written, () => true);
      await world.settleUntil(isReady(world));
      expectUpgraded(world);
    };
    await fc.assert(fc.asyncProperty(fc.array(cut, { minLength: 2, maxLength: 5 }), check), { numRuns: 15 });
  });
});

describe("a release that somebody else made", () => {
  const existing = (layer: object, chart?: string) => {
    const world = new ReleaseWorld(shop("1"), layer);
    world.helm(3, "deployed", chart === undefined ? {} : { chart });
    return world;
  };

  it.each([
    ["IfUnowned", undefined, "was not made by Strata: set the layer's adoption to SameRelease"],
    ["Never", undefined, "was not made by Strata"],
    ["SameRelease", "other", "is of chart other, the layer's chart is shop"],
  ])("is a conflict with adoption %s (chart %s)", async (adoption, chart, want) => {
    const world = existing({ adoption }, chart);
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Blocked", reason: "Conflict" });
    expect(world.layer.message).toContain(want);
    expect(world.cluster.log).toEqual([]);
  });

  it.each([
    ["SameRelease", "shop"],
    ["Always", "other"],
  ])("goes on with its history with adoption %s (chart %s)", async (adoption, chart) => {
    const world = existing({ adoption }, chart);
    await world.settle();
    expect(world.history).toEqual(["3 superseded", "4 deployed"]);
    expect(world.told).toContain(
      "Adopted: Helm release web/shop was there before and is managed from now on, from revision 4",
    );
  });

  it("is left to the layer or profile that has it", async () => {
    const world = existing({ adoption: "SameRelease" });
    const [secret] = world.cluster.all("Secret");
    if (!secret) throw new Error("no record");
    const labels = { ...secret.metadata.labels, "strata.dev/parent": "strata-0", "strata.dev/layer": "shop" };
    world.cluster.put({ ...secret, metadata: { ...secret.metadata, labels } });
    await world.settle();
    expect(world.layer.message).toMatch(
      /belongs to layer \S+ of (this|another) profile: give one of them another helm.releaseName/,
    );
    expect(world.cluster.log).toEqual([]);
  });

  it.each(["pending-install", "pending-upgrade", "uninstalling"] as const)(
    "and that is %s is waited for, then taken up with its history",
    async (status) => {
      const world = new ReleaseWorld(shop("1"), { adoption: "SameRelease" });
      world.helm(1, status);
      await world.settle();
      expect(world.layer).toMatchObject({ state: "Blocked", reason: "ReleaseBusy" });
      expect(world.layer.message).toContain(
        `revision 1 is ${status}): waits until that has ended, or 2026-01-05 10:05:00 UTC`,
      );
      expect(world.cluster.log).toEqual([]);
      await world.settleUntil(isReady(world));
      expect(world.now).toBe(Date.parse("2026-01-05T10:05:00Z"));
      expect(world.history).toEqual([status === "uninstalling" ? "1 uninstalling" : "1 failed", "2 deployed"]);
    },
  );
});

describe("what a person does with helm", () => {
  it("is overruled by a new revision, which says so, and what it added goes", async () => {
    const world = await installed();
    const added = configMap("added");
    const annotations = { "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web" };
    world.cluster.put({ ...added, metadata: { name: "added", namespace: "web", annotations } });
    world.cluster.put({ ...added, metadata: { name: "given-away", namespace: "web" } });
    world.helm(2, "deployed", { objects: [configMap("config"), added, configMap("given-away")] });
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
    expect(world.told).toContain(
      "ReleaseOverruled: Helm release web/shop was changed by somebody (revision 2, deployed) and is as the layer wants it again, with revision 3",
    );
    expect(live(world, "added")).toBeUndefined();
    expect(live(world, "given-away")).toBeDefined();
    expect(live(world, "config")).toBeDefined();
  });

  it("leaves the record of helm test alone", async () => {
    const world = await installed();
    world.helm(1, "deployed");
    await world.settle();
    expect(world.cluster.log).toEqual([]);
    expect(world.layer.state).toBe("Ready");
  });

  it("does not last: after helm uninstall the release comes back", async () => {
    const world = await installed();
    for (const kind of ["Secret", "ConfigMap"])
      for (const name of world.cluster.names(kind)) {
        world.cluster.remove({ group: "", version: "v1", kind, namespace: "web", name });
      }
    await world.settle();
    expect(world.history).toEqual(["1 deployed"]);
    expect(live(world, "config")).toBeDefined();
    expect(world.renders).toBe(1);
  });
});

describe("a hook that fails", () => {
  it("holds the objects, is recorded and tried again at the same revision", async () => {
    const world = new ReleaseWorld(shop("1"));
    world.endings.set("seed", ["Failed", "Failed", "Succeeded"]);
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Failed", reason: "HookFailed" });
    expect(world.layer.message).toContain("pre-install hook Job web/seed failed");
    expect(world.history).toEqual(["1 failed"]);
    expect(live(world, "config")).toBeUndefined();
    await world.settleUntil(isReady(world));
    expect(world.history).toEqual(["1 deployed"]);
    expect(world.cluster.log.filter((line) => line === "run seed")).toHaveLength(3);
    expect(world.cluster.log.filter((line) => line === "run migrate")).toHaveLength(1);
  });
});

describe("a hook that cannot be created at all", () => {
  it("stops the revision before it is opened", async () => {
    const marked = hookOf("marked", ["pre-install"]);
    const labels = { "strata.dev/mine": "yes" };
    const object = { ...marked.object, metadata: { ...marked.object.metadata, labels } };
    const world = new ReleaseWorld({ objects: [configMap("config")], hooks: [{ ...marked, object }] });
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Failed", reason: "InvalidManifest" });
    expect(world.layer.message).toContain("strata.dev/mine is set by Strata itself");
    expect(world.cluster.log).toEqual([]);
  });
});

describe("what the API server refuses for good", () => {
  it.each(["migrate", "config", "greet"])("is recorded as failed, as helm does it: %s", async (name) => {
    const world = new ReleaseWorld(shop("1"));
    world.refused.add(name);
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Failed", reason: "InvalidObject" });
    expect(world.history).toEqual(["1 failed"]);
    world.refused.clear();
    await world.settleUntil(isReady(world));
    expect(world.history).toEqual(["1 deployed"]);
  });
});

describe("onFailure: Rollback", () => {
  const ROLLBACK = { onFailure: "Rollback" };
  const failing = async (fail: (world: ReleaseWorld) => unknown) => {
    const world = await installed(ROLLBACK);
    fail(world);
    world.change(shop("2", "new"), ROLLBACK);
    return world;
  };
  const expectRolledBack = (world: ReleaseWorld) => {
    expect(world.layer).toMatchObject({ state: "Failed", reason: "RolledBack" });
    expect(world.layer.message).toMatch(/^rolled back to revision 1, which is healthy: revision 2 failed: /);
    expect(world.history).toEqual(["1 superseded", "2 failed", "3 deployed"]);
    expect(live(world, "config")?.["data"]).toEqual({ value: "1" });
    expect(live(world, "new")).toBeUndefined();
    expect(live(world, "old")).toBeDefined();
  };

  it.each([
    ["a hook before", (world: ReleaseWorld) => world.endings.set("migrate", ["Failed"])],
    ["a hook after", (world: ReleaseWorld) => world.endings.set("greet", ["Failed"])],
    ["an object for good", (world: ReleaseWorld) => world.sick.set("new", "Failed")],
    ["a hook, refused by the API server,", (world: ReleaseWorld) => world.refused.add("greet")],
    ["an object, refused by the API server,", (world: ReleaseWorld) => world.refused.add("new")],
    ["an object by being late", (world: ReleaseWorld) => world.sick.set("new", "InProgress")],
  ])("goes back to what was Ready when %s fails, and stays there until the layer changes", async (_name, fail) => {
    const world = await failing(fail);
    await world.settleUntil(() => world.layer.reason === "RolledBack");
    expectRolledBack(world);
    world.cluster.log.length = 0;
    world.restart();
    await world.settle();
    expect(world.cluster.log).toEqual([]);
    world.endings.clear();
    world.sick.clear();
    world.refused.clear();
    world.change(shop("3"), ROLLBACK);
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 failed", "3 superseded", "4 deployed"]);
  });

  it.each([
    ["before", false],
    ["after", true],
  ])("comes to the same end when it is cut off %s any write", SWEEP, async (_name, written) => {
    for (let write = 0, wasCutOff = true; wasCutOff; write++) {
      const world = await failing((one) => one.endings.set("greet", ["Failed"]));
      wasCutOff = await world.settleCutOff(write, written, () => world.layer.reason === "RolledBack");
      expectRolledBack(world);
    }
  });

  it("goes back to the attachments of that time, too", async () => {
    const world = await installed({ ...ROLLBACK, ...ATTACHED });
    world.endings.set("greet", ["Failed"]);
    world.change(shop("2"), ROLLBACK);
    await world.settleUntil(() => world.layer.reason === "RolledBack");
    expect(live(world, "attached")).toBeDefined();
  });

  it("skips a revision that was never Ready", async () => {
    const world = await installed();
    world.endings.set("greet", ["Failed"]);
    world.change(shop("2"));
    await world.settle();
    world.change(shop("3"), ROLLBACK);
    await world.settleUntil(() => world.layer.reason === "RolledBack");
    expect(world.history).toEqual(["1 superseded", "2 failed", "3 failed", "4 deployed"]);
    expect(live(world, "config")?.["data"]).toEqual({ value: "1" });
  });

  it("does not go back to a record that somebody changed", async () => {
    const world = await failing((one) => one.endings.set("greet", ["Failed"]));
    const [record] = world.cluster.all("Secret");
    world.helm(1, "deployed", { objects: [configMap("evil")] });
    const forged = world.cluster.all("Secret")[0];
    if (!record || !forged) throw new Error("no record");
    world.cluster.put({ ...forged, metadata: record.metadata });
    await world.settle();
    expect(world.layer.message).toContain("revision 1 of Helm release web/shop is not as Strata wrote it");
    expect(live(world, "evil")).toBeUndefined();
  });

  it("of a first install stays failed: nothing was Ready before", async () => {
    const world = new ReleaseWorld(shop("1"), ROLLBACK);
    world.endings.set("migrate", ["Failed"]);
    await world.settle();
    expect(world.history).toEqual(["1 failed"]);
    expect(world.layer.reason).toBe("HookFailed");
  });
});

describe("tests of a chart", () => {
  const chart = { ...shop("1"), hooks: [...HOOKS, hookOf("check", ["test"])] };
  const tested = async (test: string, ending: "Succeeded" | "Failed" | "Running") => {
    const world = new ReleaseWorld(chart, { test });
    world.endings.set("check", [ending]);
    await world.settle();
    return world;
  };

  it.each([
    ["None", "Failed", { state: "Ready", message: "1 object is healthy" }],
    ["Warn", "Succeeded", { state: "Ready", message: "1 object is healthy" }],
    ["Warn", "Failed", { state: "Ready", message: expect.stringContaining("test hook Job web/check failed") }],
    ["Warn", "Running", { state: "Ready", message: expect.stringContaining("testing: running test hook") }],
    ["Gate", "Succeeded", { state: "Ready", message: "1 object is healthy" }],
    ["Gate", "Failed", { state: "Failed", reason: "TestFailed" }],
    ["Gate", "Running", { state: "Waiting", reason: "Testing" }],
  ] as const)("with test: %s, when it has %s", async (test, ending, want) => {
    const world = await tested(test, ending);
    expect(world.layer).toMatchObject(want);
    expect(world.history).toEqual(["1 deployed"]);
    expect(world.cluster.log.filter((line) => line === "run check")).toHaveLength(test === "None" ? 0 : 1);
  });

  it("run once for a revision, also after a restart", async () => {
    const world = await tested("Gate", "Succeeded");
    world.restart();
    await world.settle();
    expect(world.cluster.log.filter((line) => line === "run check")).toHaveLength(1);
  });
});

describe("the history", () => {
  it("goes on when the layer gets another name", async () => {
    const world = await installed();
    const helm = { repo: "https://charts.example", chart: "shop", version: "1.0.0", releaseName: "shop" };
    world.change(shop("1", "old"), { name: "front", helm });
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
    expect(world.cluster.log.filter((line) => /prune|uninstalling/.test(line))).toEqual([]);
    expect(world.records.at(-1)?.layer).toBe("front");
  });

  it("is cut to maxHistory as it grows", async () => {
    const world = await installed({ maxHistory: 2 });
    for (const value of ["2", "3", "4"]) {
      world.change(shop(value), { maxHistory: 2 });
      await world.settle();
    }
    expect(world.history).toEqual(["3 superseded", "4 deployed"]);
  });
});
