import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import {
  apply,
  condition,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  hub = await startControlPlane({ name: "tiers" });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

const RESOURCES = { ClusterProfile: "clusterprofiles", AddOnProfile: "addonprofiles" } as const;
type Kind = keyof typeof RESOURCES;

const path = (kind: Kind, name: string): string => pathOf("strata.dev/v1alpha1", RESOURCES[kind], `acme/${name}`);
const configMapPath = (name: string): string => pathOf("v1", "configmaps", `acme/${name}`);

function profile(kind: Kind, name: string, spec: object): object {
  const whole = { namespace: "acme", clusterRefs: [{ name: "local" }], ...spec };
  return { apiVersion: "strata.dev/v1alpha1", kind, metadata: { name, namespace: "acme" }, spec: whole };
}

const configMap = (name: string, more: object = {}) => ({
  name,
  manifests: [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name } } }],
  ...more,
});

/** Its pods cannot be scheduled, until the label is there. */
const stuck = (name: string, more: object = {}) => ({
  name,
  manifests: [
    {
      object: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name },
        spec: {
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: {
              nodeSelector: { [`example.com/${name}`]: "yes" },
              containers: [{ name: "main", image: "registry.example/main:1" }],
            },
          },
        },
      },
    },
  ],
  ...more,
});
const free = (name: string) => hub.kubectlOk(["label", "node", "node-0", `example.com/${name}=yes`]);
const remove = (kind: Kind, ...names: string[]) =>
  hub.kubectlOk(["delete", RESOURCES[kind], ...names, "-n", "acme", "--timeout=60s"]);
const until = (kind: Kind, name: string, what: string, is: (live: Live) => boolean) =>
  waitUntil(hub, path(kind, name), { what, is });

describe("profiles that share a cluster", () => {
  test("an add-on that is new waits for the cluster profile, and says for which layer; what is installed waits for nobody", async () => {
    await apply(hub, profile("AddOnProfile", "old", { layers: [configMap("old")] }));
    await until("AddOnProfile", "old", "Ready", isReady);
    await apply(hub, profile("ClusterProfile", "base", { layers: [stuck("cni")] }));
    await until("ClusterProfile", "base", "waiting", (live) => layerOf(live, "cni")?.state === "Waiting");
    await apply(
      hub,
      profile("AddOnProfile", "new", { layers: [configMap("new")] }),
      profile("AddOnProfile", "old", { layers: [configMap("old"), configMap("more")] }),
    );
    const waiting = await until(
      "AddOnProfile",
      "new",
      "waiting",
      (live) => layerOf(live, "new")?.reason === "WaitingForProfile",
    );
    expect(layerOf(waiting, "new")).toMatchObject({
      state: "Pending",
      message: "waits for ClusterProfile acme/base: layer cni is Waiting",
    });
    expect(condition(waiting, "Stalled")?.status).toBe("False");
    await until(
      "AddOnProfile",
      "old",
      "Ready with one more layer",
      (live) => isReady(live) && live.status.layers.length === 2,
    );
    expect(await read(hub, configMapPath("new"))).toBeUndefined();
    await free("cni");
    await until("AddOnProfile", "new", "Ready", isReady);
  });

  test("a cluster has one ClusterProfile: the second is refused by the name of the first, and comes when that goes, without a delete of what both bring", async () => {
    const cni = pathOf("apps/v1", "deployments", "acme/cni");
    const { uid } = ((await read(hub, cni)) as Live).metadata;
    await apply(hub, profile("ClusterProfile", "second", { layers: [stuck("cni"), configMap("second")] }));
    const refused = await until(
      "ClusterProfile",
      "second",
      "refused",
      (live) => layerOf(live, "second")?.reason === "Conflict",
    );
    expect(layerOf(refused, "second")).toMatchObject({
      state: "Blocked",
      message:
        "the cluster has ClusterProfile acme/base already, and a cluster has one ClusterProfile: make an AddOnProfile of this one, or take the cluster out of one of the two",
    });
    expect(await read(hub, configMapPath("second"))).toBeUndefined();
    await until("ClusterProfile", "base", "untouched", isReady);
    await remove("ClusterProfile", "base");
    await until("ClusterProfile", "second", "Ready", isReady);
    expect(await read(hub, configMapPath("second"))).toBeDefined();
    expect((await read(hub, cni))?.metadata.uid).toBe(uid);
    await remove("ClusterProfile", "second");
  });

  test("whoever deletes the deployment of the ClusterProfile that is there gives the cluster to no other one", async () => {
    await apply(hub, profile("ClusterProfile", "first", { layers: [configMap("shared")] }));
    await until("ClusterProfile", "first", "Ready", isReady);
    await apply(hub, profile("ClusterProfile", "next", { layers: [configMap("shared"), configMap("next")] }));
    const isRefused = (live: Live) => layerOf(live, "next")?.reason === "Conflict";
    await until("ClusterProfile", "next", "refused", isRefused);
    const shared = (await read(hub, configMapPath("shared"))) as Live;
    const { items } = (await read(hub, "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments")) as Live;
    const { metadata } = items.find(({ spec }: Live) => spec.profileRef.name === "first");
    await hub.kubectlOk(["delete", "spd", metadata.name, "-n", "acme", "--timeout=60s"]);
    await waitUntil(hub, pathOf("strata.dev/v1alpha1", "profiledeployments", `acme/${metadata.name}`), {
      what: "made again, and Ready",
      is: (live) => live !== undefined && live.metadata.uid !== metadata.uid && isReady(live),
    });
    expect((await read(hub, configMapPath("shared")))?.metadata.uid).toBe(shared.metadata.uid);
    // Nor is it kept in name only: what it has brought is mended, and the other one goes on being refused.
    await hub.kubectlOk(["delete", "configmap", "shared", "-n", "acme"]);
    const mended = await waitUntil(hub, configMapPath("shared"), {
      what: "made again",
      is: (live) => live !== undefined && live.metadata.uid !== shared.metadata.uid,
    });
    expect(mended.metadata.labels).toEqual(shared.metadata.labels);
    expect(layerOf(await read(hub, path("ClusterProfile", "next")), "next")).toMatchObject({
      state: "Blocked",
      message: expect.stringContaining("the cluster has ClusterProfile acme/first already"),
    });
    expect(await read(hub, configMapPath("next"))).toBeUndefined();
    await remove("ClusterProfile", "next", "first");
  });

  test("dependsOn: nothing new is brought before the other profile; a circle is named", async () => {
    const needing = (name: string, needs: string, ...layers: object[]) =>
      profile("AddOnProfile", name, { dependsOn: [{ kind: "AddOnProfile", name: needs }], layers });
    await apply(hub, needing("app", "database", configMap("app")));
    const absent = await until(
      "AddOnProfile",
      "app",
      "waiting",
      (live) => layerOf(live, "app")?.reason === "WaitingForProfile",
    );
    expect(layerOf(absent, "app")?.message).toBe(
      "waits for AddOnProfile acme/database, which does not come to this cluster: bring it here, or take it out of dependsOn",
    );
    await apply(hub, profile("AddOnProfile", "database", { layers: [stuck("database")] }));
    await until(
      "AddOnProfile",
      "app",
      "waiting for it",
      (live) => layerOf(live, "app")?.message === "waits for AddOnProfile acme/database: layer database is Waiting",
    );
    await free("database");
    await until("AddOnProfile", "app", "Ready", isReady);

    await apply(hub, needing("database", "app", stuck("database"), configMap("circle")));
    const circle = await until(
      "AddOnProfile",
      "database",
      "refused",
      (live) => layerOf(live, "circle")?.reason === "InvalidSpec",
    );
    expect(layerOf(circle, "circle")?.message).toBe(
      "dependsOn goes in a circle: AddOnProfile acme/database needs AddOnProfile acme/app needs AddOnProfile acme/database: take the dependsOn of one of them out",
    );
    // What is installed is repaired all the same, and the circle goes on being told.
    const database = pathOf("apps/v1", "deployments", "acme/database");
    const { uid } = ((await read(hub, database)) as Live).metadata;
    await hub.kubectlOk(["delete", "deployment", "database", "-n", "acme"]);
    await waitUntil(hub, database, {
      what: "made again",
      is: (live) => live !== undefined && live.metadata.uid !== uid,
    });
    const still = (await read(hub, path("AddOnProfile", "database"))) as Live;
    expect(layerOf(still, "database")?.reason).toBe("InvalidSpec");
    expect(condition(still, "Stalled")).toMatchObject({ status: "True", reason: "InvalidSpec" });
    expect(await read(hub, configMapPath("circle"))).toBeUndefined();
    expect(await read(hub, configMapPath("app"))).toBeDefined();
    await remove("AddOnProfile", "app", "database");
  });

  test("ordering: Graph: a layer waits for those that it names, and for no other", async () => {
    const layers = [stuck("slow"), configMap("beside"), configMap("behind", { dependsOn: ["slow"] })];
    await apply(hub, profile("AddOnProfile", "graph", { ordering: "Graph", layers }));
    const live = await until(
      "AddOnProfile",
      "graph",
      "half done",
      (one) =>
        layerOf(one, "beside")?.state === "Ready" &&
        layerOf(one, "slow")?.state === "Waiting" &&
        layerOf(one, "behind")?.state === "Pending",
    );
    expect(layerOf(live, "behind")?.message).toBe("waits for layer slow");
    expect(await read(hub, configMapPath("behind"))).toBeUndefined();
    await free("slow");
    await until("AddOnProfile", "graph", "Ready", isReady);
    const upwards = profile("AddOnProfile", "up", {
      ordering: "Graph",
      layers: [configMap("first", { dependsOn: ["last"] }), configMap("last")],
    });
    await expect(apply(hub, upwards)).rejects.toThrow("dependsOn must name layers above");
    const listed = profile("AddOnProfile", "up", {
      layers: [configMap("first"), configMap("last", { dependsOn: ["first"] })],
    });
    await expect(apply(hub, listed)).rejects.toThrow("dependsOn of a layer is only for ordering: Graph");
  });
});
// leaf: Profile spec.ordering
// leaf: Profile spec.layers[].dependsOn
// leaf: Profile spec.dependsOn[].kind
// leaf: Profile spec.dependsOn[].name
