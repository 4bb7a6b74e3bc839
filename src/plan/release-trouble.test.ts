import { describe, expect, it } from "vitest";
import { configMap, hookOf, ReleaseWorld } from "../../test/support/release-world.ts";
import { Failure, type FailureReason } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";

/** What goes wrong with a revision, and what Strata makes of it: no fights, no loops, nothing that is left open. */

const ROLLBACK = { onFailure: "Rollback" };
const HOOKS = [hookOf("migrate", ["pre-install", "pre-upgrade"]), hookOf("greet", ["post-install", "post-upgrade"])];
const shop = (value: string, ...more: string[]) => ({
  objects: [configMap("config", { value }), ...more.map((name) => configMap(name))],
  hooks: HOOKS,
});

async function installed(chart: ConstructorParameters<typeof ReleaseWorld>[0], layer: object): Promise<ReleaseWorld> {
  const world = new ReleaseWorld(chart, layer);
  await world.settle();
  expect(world.layer.state).toBe("Ready");
  world.cluster.log.length = 0;
  return world;
}

/** Passes for an hour, once a minute. */
async function anHour(world: ReleaseWorld): Promise<void> {
  for (let minute = 0; minute < 60; minute++) {
    await world.settle();
    world.now += 60_000;
  }
}

/** The newest record as another profile's layer would write it on top. */
function claim(world: ReleaseWorld, version: string): void {
  const [record] = world.cluster.all("Secret") as [KubeObject];
  const { uid: _, resourceVersion: __, annotations = {}, ...metadata } = record.metadata;
  const labels = {
    ...metadata.labels,
    version,
    status: "deployed",
    "strata.dev/parent": "strata-0123456789abcdef",
    "strata.dev/revision": version,
  };
  world.cluster.put({
    ...record,
    metadata: { ...metadata, annotations, name: `sh.helm.release.v1.shop.v${version}`, labels },
  });
}

describe("two owners of one release", () => {
  it("the remedy for an owner that is gone leads to a take-over", async () => {
    const world = await installed(shop("1"), { adoption: "SameRelease" });
    claim(world, "2");
    await world.settle();
    const other = world.cluster.all("Secret").find(({ metadata }) => metadata.name?.endsWith(".v2")) as KubeObject;
    const { "strata.dev/parent": _, ...labels } = other.metadata.labels ?? {};
    world.cluster.put({ ...other, metadata: { ...other.metadata, labels } });
    await world.settle();
    expect(world.history.at(-1)).toBe("3 deployed");
  });

  it.each(["IfUnowned", "SameRelease", "Always"])(
    "the one that is overruled gives way: adoption %s",
    async (adoption) => {
      const world = await installed(shop("1"), { adoption });
      claim(world, "2");
      await anHour(world);
      expect(world.layer).toMatchObject({ state: "Blocked", reason: "Conflict" });
      expect(world.layer.message).toBe(
        "Helm release web/shop exists (revision 2, deployed) and belongs to layer shop of another profile: give one of them " +
          "another helm.releaseName; if that profile is gone, take the label strata.dev/parent off Secret sh.helm.release.v1.shop.v2",
      );
      expect(world.history).toEqual(["1 deployed", "2 deployed"]);
      expect(world.cluster.log).toEqual([]);
    },
  );
});

describe("a hook that the API server refuses for good, when the rollback fails as well", () => {
  it("is not tried in a loop", async () => {
    const world = await installed(shop("1"), ROLLBACK);
    const [record] = world.cluster.all("Secret") as [KubeObject];
    world.cluster.put({ ...record, data: { release: "bm90IGEgcmVsZWFzZQ==" } });
    world.refused.add("greet");
    world.change(shop("2"), ROLLBACK);
    await world.settle();
    expect(world.layer.state).toBe("Failed");
    const wrote = world.cluster.log.length;
    await world.settle();
    expect(world.cluster.log).toHaveLength(wrote);
  });
});

describe("an old object that cannot be deleted now", () => {
  it.each([ROLLBACK, {}])("does not undo a healthy upgrade: %o", async (layer) => {
    const world = await installed(shop("1", "old"), layer);
    world.unprunable.add("old");
    world.change(shop("2"), layer);
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
    expect(world.layer).toMatchObject({ state: "Failed", message: "500" });
    world.unprunable.clear();
    await world.settleUntil(() => world.layer.state === "Ready");
    expect(world.cluster.log.at(-1)).toBe("prune old");
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
  });
});

describe("a revision that stays undone", () => {
  const reasons: FailureReason[] = ["AdmissionDenied", "Forbidden", "QuotaExceeded", "Conflict", "KindNotFound"];
  const cases = reasons.flatMap((reason) => [
    { reason, name: "config" },
    { reason, name: "migrate" },
    { reason, name: "greet" },
  ]);

  it.each(cases)(
    "because $name is refused with $reason has the layer's timeout, then goes back",
    async ({ reason, name }) => {
      const world = await installed(shop("1"), ROLLBACK);
      world.refusal = new Failure(reason, "no");
      world.refused.add(name);
      world.change(shop("2"), ROLLBACK);
      await world.settle();
      expect(world.history).toEqual(["1 deployed", "2 pending-upgrade"]);
      world.now += 9 * 60_000;
      await world.settle();
      expect(world.history).toEqual(["1 deployed", "2 pending-upgrade"]);
      world.now += 2 * 60_000;
      await world.settle();
      expect(world.history.slice(0, 3)).toEqual([
        expect.stringMatching(/^1 /),
        "2 failed",
        expect.stringMatching(/^3 /),
      ]);
    },
  );

  it.each(cases)(
    "because $name is refused with $reason is failed, and goes on when it is let",
    async ({ reason, name }) => {
      const world = await installed(shop("1"), {});
      world.refusal = new Failure(reason, "no");
      world.refused.add(name);
      world.change(shop("2"), {});
      await anHour(world);
      expect(world.history).toEqual(["1 deployed", "2 failed"]);
      world.refused.clear();
      await world.settleUntil(() => world.layer.state === "Ready");
      expect(world.history).toEqual(["1 superseded", "2 deployed"]);
    },
  );

  it("because a CRD is never Established says so after the timeout", async () => {
    const crd = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "lamps" },
    };
    const world = new ReleaseWorld({ ...shop("1"), crds: [crd] });
    world.sick.set("lamps", "InProgress");
    await anHour(world);
    expect(world.history).toEqual(["1 failed"]);
    expect(world.layer).toMatchObject({ state: "Failed", reason: "Timeout" });
    expect(world.layer.message).toMatch(/^not applied after 10m: CustomResourceDefinition lamps/);
    world.sick.clear();
    await world.settleUntil(() => world.layer.state === "Ready");
    expect(world.history).toEqual(["1 deployed"]);
  });

  it("counts the timeout from the end of the last hook", async () => {
    const world = new ReleaseWorld(shop("1"));
    world.endings.set("migrate", ["Running", "Succeeded"]);
    world.refusal = new Failure("AdmissionDenied", "no");
    world.refused.add("config");
    await world.settle();
    world.now += 8 * 60_000;
    world.finish("migrate");
    await world.settle();
    world.now += 8 * 60_000;
    await world.settle();
    expect(world.history).toEqual(["1 pending-install"]);
    world.now += 3 * 60_000;
    await world.settle();
    expect(world.history).toEqual(["1 failed"]);
  });
});

describe("a run of a hook whose end is no time, as somebody wrote it on the record", () => {
  it("is no reason to be awake all the time, nor to give the revision up", async () => {
    const world = new ReleaseWorld(shop("1"));
    world.refusal = new Failure("AdmissionDenied", "no");
    world.refused.add("config");
    await world.settle();
    const [record] = world.cluster.all("Secret") as [KubeObject];
    const annotations = { ...record.metadata.annotations };
    annotations["strata.dev/release"] =
      annotations["strata.dev/release"]?.replace(/"completedAt":"[^"]*"/g, '"completedAt":"soon"') ?? "";
    world.cluster.put({ ...record, metadata: { ...record.metadata, annotations } });
    await world.settle();
    expect(world.history).toEqual(["1 pending-install"]);
    expect(world.wakeIn).toBeGreaterThan(0);
  });
});

describe("a layer that was rolled back", () => {
  it("keeps its gate shut", async () => {
    const world = await installed(shop("1"), ROLLBACK);
    world.endings.set("migrate", ["Failed"]);
    world.change(shop("2"), ROLLBACK);
    await world.settle();
    expect(world.layer).toMatchObject({ state: "Failed", reason: "RolledBack" });
    expect(world.status?.layers?.find(({ name }) => name === "shop")?.gate).toBe("Closed");
  });
});

describe("test: Warn", () => {
  const chart = { objects: [configMap("config")], hooks: [hookOf("check", ["test"])] };
  const ready = (world: ReleaseWorld) => world.status?.conditions?.find(({ type }) => type === "Ready")?.status;

  it("leaves the layer Ready when its test is refused, and gives up", async () => {
    const world = new ReleaseWorld(chart, { test: "Warn" });
    world.refused.add("check");
    world.refusal = new Failure("AdmissionDenied", "PodSecurity says no");
    await anHour(world);
    expect(world.layer.state).toBe("Ready");
    expect(world.layer.message).toContain("not tested: PodSecurity says no");
    expect(ready(world)).toBe("True");
  });

  it("runs a test that fails once in a revision, and stays Ready all the time", async () => {
    const world = new ReleaseWorld(chart, { test: "Warn" });
    world.endings.set("check", ["Failed"]);
    const seen = new Set<string | undefined>();
    world.onStatus = () => {
      if (world.layer.state === "Ready") seen.add(ready(world));
    };
    await anHour(world);
    expect(world.cluster.log.filter((line) => line === "run check")).toEqual(["run check"]);
    expect(world.layer).toMatchObject({ state: "Ready" });
    expect(world.layer.message).toContain("test hook Job web/check failed");
    expect([...seen]).toEqual(["True"]);
    world.change({ ...chart, objects: [configMap("config", { value: "2" })] }, { test: "Warn" });
    await anHour(world);
    expect(world.cluster.log.filter((line) => line === "run check")).toHaveLength(2);
  });
});

describe("a release that was uninstalled with its history kept", () => {
  it("is installed again: with the hooks of an installation", async () => {
    const hooks = [hookOf("init", ["pre-install"]), hookOf("migrate", ["pre-upgrade"])];
    const world = await installed({ objects: [configMap("config")], hooks }, {});
    world.helm(1, "uninstalled");
    world.cluster.remove({ group: "", version: "v1", kind: "ConfigMap", namespace: "web", name: "config" });
    await world.settle();
    expect(world.history).toEqual(["1 uninstalled", "2 deployed"]);
    expect(world.cluster.log).toContain("run init");
    expect(world.cluster.log).not.toContain("run migrate");
  });
});

describe("somebody's command that is said to have begun far in the future", () => {
  it("is not waited for: that clock tells nothing", async () => {
    const world = await installed(shop("1"), {});
    world.now += 30 * 24 * 3_600_000;
    world.helm(2, "pending-upgrade");
    world.now -= 30 * 24 * 3_600_000;
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 failed", "3 deployed"]);
  });
});

describe("a namespace that somebody deletes", () => {
  it("is made again, with the release in it", async () => {
    const world = await installed(shop("1"), {});
    for (const { kind, metadata } of world.cluster.all()) {
      const group = kind === "Job" ? "batch" : "";
      world.cluster.remove({ group, version: "v1", kind, namespace: "web", name: metadata.name ?? "" });
    }
    world.homeless = true;
    await world.settleUntil(() => world.layer.state === "Ready");
    expect(world.history).toEqual(["1 deployed"]);
    expect(world.cluster.names("ConfigMap")).toEqual(["config"]);
  });

  it("in the middle of a revision is made again, and the revision goes on", async () => {
    const world = await installed(shop("1"), {});
    world.endings.set("migrate", ["Running", "Succeeded"]);
    world.change(shop("2"), {});
    await world.settle();
    world.finish("migrate");
    world.homeless = true;
    await world.settleUntil(() => world.layer.state === "Ready");
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
  });
});

describe("a hook that is a CRD", () => {
  const object = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "lamps.example.com" },
  };

  it("is changed where it is, at once", async () => {
    const hooks = [hookOf("lamps.example.com", ["pre-install"], { kind: "CustomResourceDefinition", object })];
    const world = new ReleaseWorld({ objects: [configMap("config")], hooks });
    const { uid } = world.cluster.put(object).metadata;
    await world.settle();
    expect(world.layer.state).toBe("Ready");
    expect(world.cluster.all(object.kind).map(({ metadata }) => metadata.uid)).toEqual([uid]);
  });
});
