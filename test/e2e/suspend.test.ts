import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fence } from "../support/ledger.ts";
import {
  apply,
  auditMark,
  condition,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let fences = 0;

beforeAll(async () => {
  hub = await startControlPlane({ name: "suspend" });
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

const PART_OF = "applyset.kubernetes.io/part-of";

const configMap = (name: string, key: string, annotations?: Live): Live => ({
  object: {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...(annotations ? { annotations } : {}) },
    data: { key },
  },
});
const layer = (name: string, manifests: readonly Live[], rest: Live = {}): Live => ({ name, manifests, ...rest });

/** A profile whose objects are in a namespace of its own name, which is there before. */
const profile = (name: string, layers: readonly Live[], rest: Live = {}): Live => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name, namespace: "acme" },
  spec: { clusterRefs: [{ name: "local" }], namespace: name, layers, ...rest },
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
const mapPath = (name: string): string => pathOf("v1", "configmaps", name);
const keyOf = async (name: string): Promise<Live> => (await read(hub, mapPath(name)))?.data.key;

async function until(name: string, what: string, is: (object: Live) => boolean): Promise<Live> {
  return await waitUntil(hub, profilePath(name), {
    what,
    is: (object) => object?.status?.observedGeneration === object?.metadata.generation && is(object),
  });
}

const isSuspended = (object: Live): boolean => condition(object, "Suspended")?.status === "True";

async function applied(name: string, layers: readonly Live[], rest?: Live): Promise<Live> {
  await apply(hub, profile(name, layers, rest));
  return await until(name, "Ready", (object) => isReady(object) && !isSuspended(object));
}

async function suspended(name: string, layers: readonly Live[], rest?: Live): Promise<Live> {
  await apply(hub, profile(name, layers, rest));
  const hasRow = (object: Live): boolean => object.status.layers.some(({ state }: Live) => state === "Suspended");
  return await until(name, "Suspended", (object) => isSuspended(object) && hasRow(object));
}

async function edit(name: string, key: string): Promise<void> {
  const options = { body: { data: { key } }, contentType: "application/merge-patch+json" };
  expect((await hub.request("PATCH", `${mapPath(name)}?fieldManager=somebody`, options)).status).toBe(200);
}

/** What Strata writes in a namespace meanwhile, until it has nothing to do. */
async function writesIn(namespace: string, act: () => Promise<unknown>): Promise<string[]> {
  const mark = await auditMark(hub);
  await act();
  fences += 1;
  await fence(hub, `fence-${fences}`);
  return (await strataWrites(hub, mark)).filter((write) => write.includes(` ${namespace}/`));
}

async function deployment(name: string): Promise<Live> {
  const { items } = await read(hub, "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
  return items.find(({ spec }: Live) => spec.profileRef.name === name);
}

describe("a suspended layer: leaf: Profile spec.layers[].suspend", () => {
  const one = layer("one", [configMap("a", "1"), configMap("b", "1")]);
  const two = layer("two", [configMap("c", "1")]);
  const changed = layer("one", [configMap("a", "2"), configMap("new", "1")], { suspend: true });

  test("is left as it is, and Ready too, also by a fresh process", async () => {
    await applied("still", [one, two]);
    const writes = await writesIn("still", async () => {
      const live = await suspended("still", [changed, two]);
      expect(isReady(live)).toBe(true);
      expect(condition(live, "Suspended")).toMatchObject({ reason: "Suspended", message: "left as it is: layer one" });
      expect(layerOf(live, "one")).toMatchObject({ state: "Suspended", reason: "Suspended", ready: "1/1" });
      expect(layerOf(await deployment("still"), "one")).toMatchObject({
        state: "Suspended",
        stateBefore: "Ready",
        gate: "Open",
        message: "suspended; it was Ready",
      });
      await edit("still/a", "edited");
      await hub.kubectlOk(["delete", "-n", "still", "configmap/b", "configmap/c"]);
      await waitUntil(hub, mapPath("still/c"), { what: "there again", is: (object) => object !== undefined });
    });
    expect(writes).toEqual(["patch configmaps still/c"]);

    const afterRestart = await writesIn("still", async () => {
      await strata.kill();
      strata = await home.start();
      await edit("still/c", "edited");
      await waitUntil(hub, mapPath("still/c"), { what: "repaired", is: (object) => object?.data.key === "1" });
    });
    expect(afterRestart).toEqual(["patch configmaps still/c"]);
    expect([await keyOf("still/a"), await keyOf("still/b"), await keyOf("still/new")]).toEqual([
      "edited",
      undefined,
      undefined,
    ]);
    expect(isReady(await read(hub, profilePath("still")))).toBe(true);
  });

  test("is repaired when it is resumed, by the applies that this needs", async () => {
    const writes = await writesIn("still", async () => {
      const live = await applied("still", [one, two]);
      expect(condition(live, "Suspended")).toBeUndefined();
      expect(layerOf(await deployment("still"), "one").stateBefore).toBeUndefined();
    });
    expect(writes.toSorted()).toEqual(["patch configmaps still/a", "patch configmaps still/b"]);
    expect([await keyOf("still/a"), await keyOf("still/b")]).toEqual(["1", "1"]);
    const again = await writesIn("still", async () => await applied("still", [one, two]));
    expect(again).toEqual([]);
  });

  test("that was never brought is not brought, nor what waits for it", async () => {
    await hub.kubectlOk(["create", "namespace", "never"]);
    const writes = await writesIn("never", async () => {
      const live = await suspended("never", [{ ...one, suspend: true }, two]);
      expect(condition(live, "Ready")).toMatchObject({ status: "False", reason: "Suspended" });
      expect(condition(live, "Reconciling").status).toBe("False");
      expect(condition(live, "Stalled").status).toBe("False");
      expect(layerOf(live, "one").message).toBe("suspended before anything of it was brought");
      expect(layerOf(live, "two").message).toBe("waits for layer one, which is suspended");
    });
    expect(writes).toEqual([]);
    await applied("never", [one, two]);
  });

  test("goes with its profile", async () => {
    await suspended("still", [changed, two]);
    await hub.kubectlOk(["delete", "-n", "acme", "addonprofile/still", "--timeout=90s"]);
    expect(await read(hub, mapPath("still/a"))).toBeUndefined();
  });
});

describe("a suspended profile: leaf: Profile spec.suspend", () => {
  const layers = [layer("one", [configMap("a", "1")]), layer("two", [configMap("b", "1")])];

  test("is not brought, and not even prepared", async () => {
    const mark = await auditMark(hub);
    const live = await suspended("whole", layers, { suspend: true });
    expect(condition(live, "Suspended").message).toBe("the profile is suspended: all its layers are left as they are");
    expect(condition(live, "Ready")).toMatchObject({ status: "False", reason: "Suspended" });
    fences += 1;
    const isOfFence = await fence(hub, `fence-${fences}`);
    expect((await strataWrites(hub, mark)).filter((write) => !isOfFence(write))).toEqual([]);
  });

  test("keeps all it has, also what left its list, and Ready", async () => {
    await applied("whole", layers);
    const writes = await writesIn("whole", async () => {
      const live = await suspended("whole", layers.slice(0, 1), { suspend: true });
      expect(isReady(live)).toBe(true);
      expect(layerOf(live, "two")).toMatchObject({ state: "Suspended" });
      await edit("whole/a", "edited");
    });
    expect(writes).toEqual([]);
    expect(await keyOf("whole/b")).toBe("1");
  });

  test("does all of it when it is resumed", async () => {
    const writes = await writesIn("whole", async () => {
      await applied("whole", layers.slice(0, 1));
      await waitUntil(hub, mapPath("whole/b"), { what: "gone", is: (object) => object === undefined });
    });
    expect(writes.toSorted()).toEqual(["delete configmaps whole/b", "patch configmaps whole/a"]);
    expect(await keyOf("whole/a")).toBe("1");
  });

  test("is deleted with what it has", async () => {
    await suspended("whole", layers.slice(0, 1), { suspend: true });
    await hub.kubectlOk(["delete", "-n", "acme", "addonprofile/whole", "--timeout=90s"]);
    expect(await read(hub, mapPath("whole/a"))).toBeUndefined();
  });
});

describe("an object", () => {
  const disabled = (what: string): Live => ({ [`strata.dev/${what}`]: "Disabled" });

  async function annotate(name: string, what: string): Promise<void> {
    await hub.kubectlOk(["annotate", "-n", "own", `configmap/${name}`, what]);
  }

  test("with strata.dev/prune: Disabled, in its manifest or by a person, is given back where it would be deleted", async () => {
    const kept = [configMap("kept", "1", disabled("prune")), configMap("by-hand", "1")];
    const last = configMap("last", "1", disabled("prune"));
    await hub.kubectlOk(["create", "namespace", "own"]);
    await applied("own", [layer("one", [...kept, configMap("plain", "1"), last])]);
    await annotate("by-hand", "strata.dev/prune=Disabled");
    await applied("own", [layer("one", [last])]);
    await waitUntil(hub, mapPath("own/plain"), { what: "gone", is: (object) => object === undefined });
    for (const name of ["kept", "by-hand"]) {
      const live = await waitUntil(hub, mapPath(`own/${name}`), {
        what: "given back",
        is: (object) => object?.metadata.labels?.[PART_OF] === undefined,
      });
      expect(live.data).toEqual({ key: "1" });
      expect(live.metadata.annotations).toEqual(disabled("prune"));
      expect(JSON.stringify(live.metadata.managedFields ?? [])).not.toContain("strata-");
    }
    await hub.kubectlOk(["delete", "-n", "acme", "addonprofile/own", "--timeout=90s"]);
    expect((await read(hub, mapPath("own/last"))).metadata.labels?.[PART_OF]).toBeUndefined();
  });

  test("with strata.dev/reconcile: Disabled is neither repaired nor updated, and the layer says so", async () => {
    const warning = "ConfigMap own/frozen is left as it is, as it says strata.dev/reconcile: Disabled";
    const content = (key: string): Live[] => [layer("one", [configMap("frozen", key), configMap("other", key)])];
    await applied("own", content("1"));
    await annotate("frozen", "strata.dev/reconcile=Disabled");
    const writes = await writesIn("own", async () => {
      await edit("own/frozen", "edited");
      await edit("own/other", "edited");
      await waitUntil(hub, mapPath("own/other"), { what: "repaired", is: (object) => object?.data.key === "1" });
    });
    expect(writes).toEqual(["patch configmaps own/other"]);
    expect(layerOf(await deployment("own"), "one").warnings).toEqual([warning]);

    const updates = await writesIn("own", async () => await applied("own", content("2")));
    expect(updates).toEqual(["patch configmaps own/other"]);
    expect(layerOf(await deployment("own"), "one")).toMatchObject({
      state: "Ready",
      warnings: [`${warning}; the layer wants it otherwise by now`],
    });
    expect(await keyOf("own/frozen")).toBe("edited");

    await annotate("frozen", "strata.dev/reconcile-");
    await waitUntil(hub, mapPath("own/frozen"), { what: "updated", is: (object) => object?.data.key === "2" });
    const { name } = (await deployment("own")).metadata;
    await waitUntil(hub, pathOf("strata.dev/v1alpha1", "profiledeployments", `acme/${name}`), {
      what: "without a warning",
      is: (object) => layerOf(object, "one").warnings === undefined,
    });
  });

  test("that says so and is nobody's is not taken over until it says so no more", async () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "theirs", namespace: "own" } };
    await apply(hub, {
      ...object,
      metadata: { ...object.metadata, annotations: disabled("reconcile") },
      data: { key: "x" },
    });
    await apply(hub, profile("taking", [layer("one", [configMap("theirs", "1")])], { namespace: "own" }));
    const live = await until("taking", "in Conflict", (one) => layerOf(one, "one")?.reason === "Conflict");
    expect(layerOf(live, "one").message).toBe(
      "ConfigMap own/theirs exists and says strata.dev/reconcile: Disabled: take the annotation off, or the object out of this layer",
    );
    expect(await keyOf("own/theirs")).toBe("x");
    await annotate("theirs", "strata.dev/reconcile-");
    await until("taking", "Ready", isReady);
    expect(await keyOf("own/theirs")).toBe("1");
  });
});
