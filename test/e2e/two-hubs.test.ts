import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import {
  apply,
  auditMark,
  condition,
  isReady,
  type Live,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { targetCluster } from "../support/target-cluster.ts";

let oslo: ControlPlane;
let bergen: ControlPlane;
let processes: StrataProcess[] = [];

beforeAll(async () => {
  [oslo, bergen] = (await Promise.all(
    ["oslo", "bergen"].map((name) => startControlPlane({ name, controllers: name === "oslo" })),
  )) as [ControlPlane, ControlPlane];
  processes = await Promise.all([oslo, bergen].map((plane) => startStrata(plane)));
  for (const plane of [oslo, bergen]) await trustedTenant(plane, "acme");
  // Bergen's Strata reaches oslo twice: by two names, as it happens when a cluster is imported a second time.
  for (const name of ["first", "second"]) await apply(bergen, ...targetCluster(name, oslo.kubeconfig));
});

afterAll(async () => {
  await Promise.all(processes.map((strata) => strata.kill()));
  await Promise.all([oslo?.stop(), bergen?.stop()]);
});

const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/web");
const OBJECT = pathOf("v1", "configmaps", "web/settings");

function profile(clusters: readonly string[], value = "1"): Live {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { value } };
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "web", namespace: "acme" },
    spec: {
      clusterRefs: clusters.map((name) => ({ name })),
      layers: [{ name: "one", namespace: "web", manifests: [{ object }] }],
    },
  };
}

const ready = { what: "Ready", is: isReady };
const inConflict = {
  what: "in Conflict",
  is: (live: Live): boolean => condition(live, "Ready")?.reason === "Conflict",
};
const remove = async (plane: ControlPlane): Promise<void> => {
  await plane.kubectlOk(["delete", "sap/web", "-n", "acme", "--timeout=90s"]);
};

describe("one profile on one cluster", () => {
  test("from two hubs: the second says how it takes over, and then the first lets everything be", async () => {
    await apply(oslo, profile(["local"]));
    await waitUntil(oslo, PROFILE, ready);
    const { uid } = (await read(oslo, OBJECT)).metadata;
    await apply(bergen, profile(["first"], "2"));
    const refused = await waitUntil(bergen, PROFILE, inConflict);
    const hub = (await read(oslo, "/api/v1/namespaces/kube-system")).metadata.uid;
    const { message } = condition(refused, "Ready");
    const remedy = /another Strata \(hub (\S+)\) brings .* delete ConfigMap (\S+)\/(\S+) in the cluster/.exec(message);
    expect(remedy?.[1]).toBe(hub);

    await oslo.kubectlOk(["delete", "configmap", "-n", remedy?.[2] ?? "", remedy?.[3] ?? ""]);
    // It looks again every minute; a change of the profile is a reason to look at once.
    await apply(bergen, profile(["first"], "3"));
    await waitUntil(bergen, PROFILE, ready);
    expect(await read(oslo, OBJECT)).toMatchObject({ metadata: { uid }, data: { value: "3" } });

    const lost = await waitUntil(oslo, PROFILE, inConflict);
    expect(condition(lost, "Ready").message).toContain("another Strata (hub ");
    const mark = await auditMark(oslo);
    await apply(bergen, profile(["first"], "4"));
    await waitUntil(oslo, OBJECT, { what: "of the second hub", is: ({ data }) => data.value === "4" });
    await remove(oslo);
    expect(await read(oslo, OBJECT)).toMatchObject({ metadata: { uid }, data: { value: "4" } });
    expect(await strataWrites(oslo, mark, { accepted: true })).toEqual(["patch configmaps web/settings"]);
    await waitUntil(bergen, PROFILE, ready);
  });

  test("from two hubs: who deletes the profile on the first before the second has come to look takes nothing along", async () => {
    await remove(bergen);
    await apply(oslo, profile(["local"]));
    await waitUntil(oslo, PROFILE, ready);
    const { uid } = (await read(oslo, OBJECT)).metadata;
    await apply(bergen, profile(["first"], "4"));
    const { message } = condition(await waitUntil(bergen, PROFILE, inConflict), "Ready");
    const [, namespace, name] = /delete ConfigMap (\S+)\/(\S+) in the cluster/.exec(message) ?? [];
    await oslo.kubectlOk(["delete", "configmap", "-n", namespace ?? "", name ?? ""]);
    await oslo.kubectlOk(["delete", "sap/web", "-n", "acme", "--wait=false"]);
    const held = await waitUntil(oslo, PROFILE, {
      what: "waiting for the other hub",
      is: (live) => /another Strata may be about to take over/.test(condition(live, "Ready").message),
    });
    expect(held.metadata.deletionTimestamp).toBeDefined();
    await waitUntil(bergen, PROFILE, ready);
    await waitUntil(oslo, PROFILE, { what: "gone", is: (live) => live === undefined });
    expect(await read(oslo, OBJECT)).toMatchObject({ metadata: { uid }, data: { value: "4" } });
  }, 300_000);

  test("by two names of it: one brings it, the other says so, and takes over when that one goes", async () => {
    await apply(bergen, profile(["first", "second"], "4"));
    const live = await waitUntil(bergen, PROFILE, inConflict);
    const twin = "acme/second is the same cluster as acme/first, to which this profile goes already";
    expect(condition(live, "Ready").message).toBe(`second: ${twin}: take one of them out of its clusters`);
    const { uid } = (await read(oslo, OBJECT)).metadata;
    const mark = await auditMark(oslo);
    await apply(bergen, profile(["second"], "4"));
    await waitUntil(bergen, PROFILE, ready);
    expect((await read(oslo, OBJECT)).metadata.uid).toBe(uid);
    expect(await strataWrites(oslo, mark, { accepted: true })).toEqual([]);
    await remove(bergen);
    expect(await read(oslo, OBJECT)).toBeUndefined();
  });

  test("from two hubs with the same content: what the first one drops stays, though nobody has written it", async () => {
    const dropped = pathOf("v1", "configmaps", "web/dropped");
    const both = (clusters: readonly string[], about: Live = {}): Live => {
      const { spec, ...rest } = profile(clusters);
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "dropped" } };
      const layers = [...spec.layers, { name: "two", namespace: "web", manifests: [{ object }] }];
      return { ...rest, spec: { ...spec, layers, ...about } };
    };
    await apply(oslo, both(["local"]));
    await waitUntil(oslo, PROFILE, ready);
    const { uid } = (await read(oslo, dropped)).metadata;
    await apply(bergen, both(["first"]));
    const { message } = condition(await waitUntil(bergen, PROFILE, inConflict), "Ready");
    const [, namespace, name] = /delete ConfigMap (\S+)\/(\S+) in the cluster/.exec(message) ?? [];
    const takeover = await auditMark(oslo);
    await oslo.kubectlOk(["delete", "configmap", "-n", namespace ?? "", name ?? ""]);
    await apply(bergen, both(["first"], { version: "2.0.0" }));
    await waitUntil(bergen, PROFILE, ready);
    // It writes nothing but its own record: the first hub is told of nothing.
    const written = await strataWrites(oslo, takeover, { accepted: true });
    expect(written.filter((write) => !write.includes(" strata-system/"))).toEqual([]);
    expect(isReady(await read(oslo, PROFILE))).toBe(true);

    const mark = await auditMark(oslo);
    await apply(oslo, profile(["local"]));
    await waitUntil(oslo, PROFILE, inConflict);
    expect((await read(oslo, dropped)).metadata).toMatchObject({ uid });
    await remove(oslo);
    expect((await read(oslo, dropped)).metadata.deletionTimestamp).toBeUndefined();
    expect(await strataWrites(oslo, mark, { accepted: true })).toEqual([]);
    await remove(bergen);
    expect(await read(oslo, dropped)).toBeUndefined();
  });
});
