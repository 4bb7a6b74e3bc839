import { describe, expect, it } from "vitest";
import { configMap, ReleaseWorld } from "../../test/support/release-world.ts";
import type { KubeObject } from "../objects/types.ts";

const chartOf = (...more: KubeObject[]) => ({ objects: [configMap("config"), ...more] });

async function installed(layer: object = {}, ...more: KubeObject[]): Promise<ReleaseWorld> {
  const world = new ReleaseWorld(chartOf(...more), layer);
  await world.settle();
  expect(world.layer.state).toBe("Ready");
  return world;
}

describe("what a person's command brought", () => {
  const marks = { "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web" };
  const marked = (kind: string, name: string, more: object = {}): KubeObject => ({
    apiVersion: kind === "CustomResourceDefinition" ? "apiextensions.k8s.io/v1" : "v1",
    kind,
    metadata: { name, annotations: marks, ...more },
  });
  const inWeb = { namespace: "web" };
  const BROUGHT = [
    marked("Namespace", "empty"),
    marked("Namespace", "full"),
    marked("Namespace", "ours"),
    marked("PersistentVolumeClaim", "data", inWeb),
    marked("PersistentVolume", "disk"),
    marked("ConfigMap", "added", inWeb),
    marked("ConfigMap", "inside", { namespace: "empty" }),
  ];
  const WITH_STRANGER = configMap("stranger");
  const left = (world: ReleaseWorld) =>
    BROUGHT.filter(({ kind, metadata }) => world.cluster.names(kind).includes(metadata.name ?? "")).map(
      ({ metadata }) => metadata.name,
    );

  function brought(world: ReleaseWorld): void {
    for (const object of BROUGHT) world.cluster.put(object);
    world.cluster.put({ ...WITH_STRANGER, metadata: { name: "stranger", namespace: "full" } });
    world.helm(2, "deployed", { objects: BROUGHT });
  }

  it("goes again, but no volume, and no namespace with anything in it", async () => {
    const member = { ...configMap("member"), metadata: { name: "member", namespace: "ours" } };
    const world = await installed({}, member);
    brought(world);
    await world.settle();
    expect(world.history).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
    expect(left(world)).toEqual(["full", "ours", "data", "disk"]);
    expect(world.told.join()).toContain("PersistentVolumeClaim web/data stays: it may hold data");
    expect(world.told.join()).toContain("Namespace full stays: ConfigMap stranger in it is not ours");
  });

  it("stays where the layer prunes nothing", async () => {
    const world = await installed({ prune: "Never" });
    brought(world);
    await world.settle();
    expect(left(world)).toEqual(BROUGHT.map(({ metadata }) => metadata.name));
  });

  it("stays when its release is taken over", async () => {
    const world = new ReleaseWorld(chartOf(), { adoption: "SameRelease" });
    brought(world);
    await world.settle();
    expect(world.history).toEqual(["2 superseded", "3 deployed"]);
    expect(left(world)).toEqual(BROUGHT.map(({ metadata }) => metadata.name));
  });

  it("holds nothing up when it may not be read", async () => {
    const world = await installed();
    brought(world);
    world.cluster.hidden.add("added");
    await world.settle();
    expect(world.history.at(-1)).toBe("3 deployed");
    expect(world.told.join()).toContain("ConfigMap web/added");
    expect(left(world)).not.toContain("empty");
  });

  it.each([
    [
      "objects",
      (count: number) => Array.from({ length: count }, (_, at) => configMap(`${"x".repeat(200)}-${at}`)),
      1_000,
    ],
    ["lines", (count: number) => [configMap("x", { text: ",".repeat(count) })], 120_000],
  ])("stays, as far as it has too many %s to be looked at", async (_name, objects, count) => {
    const world = await installed();
    world.helm(2, "deployed", { objects: objects(count) });
    await world.settle();
    expect(world.history.at(-1)).toBe("3 deployed");
    expect(world.told.join()).toMatch(/with revision 3; .*only that revision brought stays?/);
  });
});
