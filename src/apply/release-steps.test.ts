import { describe, expect, it } from "vitest";
import { configMap, hookOf, ReleaseWorld } from "../../test/support/release-world.ts";
import type { KubeObject } from "../objects/types.ts";
import { type HelmRelease, packRelease, unpackRelease } from "./release-payload.ts";

const ROLLBACK = { onFailure: "Rollback" };
const HOOKS = [hookOf("migrate", ["pre-upgrade"])];
const shop = (value: string, ...more: KubeObject[]) => ({
  objects: [configMap("config", { value }), ...more],
  hooks: HOOKS,
});

async function installed(layer: object = {}, chart: ConstructorParameters<typeof ReleaseWorld>[0] = shop("1")) {
  const world = new ReleaseWorld(chart, layer);
  await world.settle();
  expect(world.layer.state).toBe("Ready");
  return world;
}

type Secret = KubeObject & { data: { release: string } };

function secretOf(world: ReleaseWorld, version: number): Secret {
  const secret = world.cluster.all("Secret").find(({ metadata }) => metadata.labels?.["version"] === String(version));
  if (!secret) throw new Error(`no revision ${version}`);
  return secret as Secret;
}

/** Somebody's edit of a record, which no running process takes for its own. */
function edit(world: ReleaseWorld, version: number, change: (secret: Secret) => object): void {
  const secret = secretOf(world, version);
  world.cluster.put({ ...secret, ...change(secret) });
}

async function payloadOf(world: ReleaseWorld, version: number): Promise<HelmRelease> {
  return await unpackRelease(secretOf(world, version).data.release, "web/s");
}

const labelsOf = (world: ReleaseWorld, version: number) => secretOf(world, version).metadata.labels ?? {};
const dataOf = (world: ReleaseWorld) =>
  world.cluster.all("ConfigMap").find(({ metadata }) => metadata.name === "config");
const isRolledBack = (world: ReleaseWorld) => () => world.layer.reason === "RolledBack";

/** What `helm test` leaves: it knows no annotations. */
function testedByHelm(world: ReleaseWorld, version: number): void {
  edit(world, version, ({ metadata: { annotations: _, ...metadata } }) => ({ metadata }));
}

describe("a record that a rollback would go back to", () => {
  const copySeal = (world: ReleaseWorld, to: number, seal: string | undefined) =>
    edit(world, to, ({ metadata }) => ({
      metadata: { ...metadata, labels: { ...metadata.labels, "strata.dev/seal": seal ?? "" } },
    }));

  async function fromOtherLayer(world: ReleaseWorld): Promise<void> {
    const helm = { repo: "https://charts.example", chart: "shop", version: "1.0.0", releaseName: "shop" };
    const other = new ReleaseWorld({ objects: [configMap("evil")] }, { name: "other", helm });
    await other.settle();
    edit(world, 1, () => ({ data: secretOf(other, 1).data }));
    copySeal(world, 1, labelsOf(other, 1)["strata.dev/seal"]);
  }
  async function fromOlderRevision(world: ReleaseWorld): Promise<void> {
    world.change(shop("2"), ROLLBACK);
    await world.settle();
    edit(world, 2, () => ({ data: secretOf(world, 1).data }));
    copySeal(world, 2, labelsOf(world, 1)["strata.dev/seal"]);
  }
  async function neverReady(world: ReleaseWorld): Promise<void> {
    world.endings.set("migrate", ["Failed"]);
    world.change(shop("2"));
    await world.settle();
    copySeal(world, 2, labelsOf(world, 1)["strata.dev/seal"]);
  }
  const withHook = (change: object) => async (world: ReleaseWorld) => {
    const release = await payloadOf(world, 1);
    const hooks = release.hooks?.map((hook) => ({ ...hook, ...change }));
    const data = { release: await packRelease({ ...release, hooks: hooks ?? [] }) };
    edit(world, 1, () => ({ data }));
  };

  const rows: [name: string, forge: (world: ReleaseWorld) => Promise<void>, revision: number][] = [
    ["has what another layer of the same key sealed", fromOtherLayer, 1],
    ["has what an older revision was", fromOlderRevision, 2],
    ["was never Ready, and has the seal of one that was", neverReady, 2],
    ["has another name for its hook, which decides on the order", withHook({ name: "aaa" }), 1],
    ["says that its hook is a CRD, which is never deleted", withHook({ kind: "CustomResourceDefinition" }), 1],
  ];
  it.each(rows)("is refused when it %s", async (_name, forge, revision) => {
    const world = await installed(ROLLBACK);
    await forge(world);
    world.restart();
    world.endings.set("migrate", ["Failed"]);
    world.change(shop("3"), ROLLBACK);
    await world.settle();
    expect(world.layer.message).toContain(`revision ${revision} of Helm release web/shop is not as Strata wrote it`);
    expect(world.cluster.log).not.toContain("store");
    expect(world.cluster.names("ConfigMap")).not.toContain("evil");
  });

  it("is the newest that was Ready, also when a person tested that one with helm", async () => {
    const world = await installed(ROLLBACK);
    world.change(shop("2"), ROLLBACK);
    await world.settle();
    testedByHelm(world, 2);
    await world.settle();
    world.endings.set("migrate", ["Failed", "Succeeded"]);
    world.change(shop("3"), ROLLBACK);
    await world.settleUntil(isRolledBack(world));
    expect(world.layer.message).toContain("rolled back to revision 2,");
    expect(dataOf(world)?.["data"]).toEqual({ value: "2" });
  });
});

it("a person's helm test leaves the tests of Strata as they ended", async () => {
  const hooks = [hookOf("check", ["test"]), hookOf("look", ["test"])];
  const world = await installed({ test: "Gate" }, { objects: [configMap("config")], hooks });
  world.cluster.log.length = 0;
  testedByHelm(world, 1);
  world.restart();
  await world.settle();
  expect(world.layer.state).toBe("Ready");
  expect(world.cluster.log).toEqual([]);
});

describe("going back", () => {
  const crd = (version: string): KubeObject => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "lamps" },
    spec: { version },
  });

  it("succeeds when it was a CRD that the API server refused: CRDs stay as they are", async () => {
    const world = await installed(ROLLBACK, { ...shop("1"), crds: [crd("1")] });
    world.refused.add("lamps");
    world.change({ ...shop("2"), crds: [crd("2")] }, ROLLBACK);
    await world.settleUntil(isRolledBack(world));
    expect(world.history).toEqual(["1 superseded", "2 failed", "3 deployed"]);
    expect(world.cluster.all("CustomResourceDefinition")[0]?.["spec"]).toEqual({ version: "1" });
  });

  /** Cut off between the store and the record of the rollback, while no registry answers. */
  async function cutOff(world: ReleaseWorld): Promise<void> {
    world.endings.set("migrate", ["Failed", "Succeeded"]);
    world.change({ ...shop("2"), version: "2.0.0" }, { ...ROLLBACK, values: { size: 2 } });
    await world.settleUntil(() => {
      world.cluster.cutOff = undefined;
      return world.cluster.log.includes("store");
    });
  }

  it("writes down the chart and the values of the older revision, also in a process that did not begin it", async () => {
    const world = await installed({ ...ROLLBACK, values: { size: 1 } });
    await cutOff(world);
    world.cluster.remove({
      group: "",
      version: "v1",
      kind: "Secret",
      namespace: "web",
      name: "sh.helm.release.v1.shop.v3",
    });
    world.restart();
    await world.settleUntil(isRolledBack(world));
    const { chart, config } = await payloadOf(world, 3);
    expect(chart?.metadata).toEqual({ name: "shop", version: "1.0.0" });
    expect(config).toEqual({ size: 1 });
  });
});

describe("while the chart's registry is down", () => {
  it("what a person did is corrected, with chart and values of an older record", async () => {
    const world = await installed({ values: { size: 1 } });
    world.restart();
    world.registryIsDown = true;
    world.helm(2, "deployed", { objects: [configMap("config", { value: "0" })] });
    testedByHelm(world, 1);
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
    expect(await payloadOf(world, 3)).toMatchObject({
      chart: { metadata: { name: "shop", version: "1.0.0" }, templates: [] },
      config: { size: 1 },
    });
  });

  it.each([
    ["helm uninstall", (world: ReleaseWorld) => world.cluster.remove(refOfRecord(1))],
    [
      "helm rollback to what nobody can read",
      (world: ReleaseWorld) => {
        edit(world, 1, () => ({ data: { release: "AAAA" } }));
        world.helm(2, "deployed");
      },
    ],
  ])("the release is right again after %s, with all that is known here", async (_name, act) => {
    const world = await installed({ values: { size: 1 } });
    world.restart();
    world.registryIsDown = true;
    act(world);
    await world.settle();
    const { version = 0 } = world.records.at(-1) ?? {};
    expect(world.history.at(-1)).toBe(`${version} deployed`);
    const { chart, config } = await payloadOf(world, version);
    expect(chart).toEqual({ metadata: { apiVersion: "v2", name: "shop", version: "1.0.0" } });
    expect(config).toEqual({ size: 1 });
  });
});

const refOfRecord = (version: number) => ({
  group: "",
  version: "v1",
  kind: "Secret",
  namespace: "web",
  name: `sh.helm.release.v1.shop.v${version}`,
});

describe("older records", () => {
  it("that were left pending are all recorded as failed", async () => {
    const world = await installed();
    world.endings.set("migrate", ["Running", "Succeeded"]);
    world.change(shop("2"));
    await world.settle();
    expect(world.history).toEqual(["1 deployed", "2 pending-upgrade"]);
    world.helm(3, "deployed");
    world.cluster.remove({ group: "batch", version: "v1", kind: "Job", namespace: "web", name: "migrate" });
    await world.settleUntil(() => world.layer.state === "Ready");
    expect(world.history).toEqual(["1 superseded", "2 failed", "3 superseded", "4 deployed"]);
    expect((await payloadOf(world, 2)).info.description).toBe("Given up in favour of revision 4: left pending-upgrade");
  });

  it.each([
    ["deployed", "1 superseded"],
    ["pending-upgrade", "1 failed"],
  ] as const)("that are %s and cannot be read keep no new revision from being deployed", async (status, want) => {
    const world = await installed();
    edit(world, 1, ({ metadata }) => ({
      data: { release: "AAAA" },
      metadata: { ...metadata, labels: { ...metadata.labels, status } },
    }));
    world.restart();
    world.change(shop("2"));
    await world.settle();
    expect(world.history).toEqual([want, "2 deployed"]);
  });

  it("of helm's keep what people said on them, whatever their Secret is called", async () => {
    const world = new ReleaseWorld(shop("1"), { adoption: "SameRelease" });
    world.helm(1, "deployed");
    const record = secretOf(world, 1);
    const labels = { ...record.metadata.labels, team: "payments" };
    const said = {
      name: "renamed",
      annotations: { "acme.example/ticket": "7" },
      ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: "o" }],
    };
    world.cluster.remove(refOfRecord(1));
    world.cluster.put({ ...record, metadata: { ...record.metadata, ...said, labels } });
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 deployed"]);
    expect(secretOf(world, 1).metadata).toMatchObject({ ...said, labels: { team: "payments" } });
    expect(Object.keys(labelsOf(world, 1)).filter((name) => name.startsWith("strata.dev/"))).toEqual([]);
  });
});
