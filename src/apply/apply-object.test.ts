import { describe, expect, it } from "vitest";
import type { KubeClient } from "../kube/client.ts";
import { coreResource } from "../kube/resource.ts";
import { applySetOf } from "../membership/applyset.ts";
import { keyOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import type { ApplyItem } from "../plan/step.ts";
import type { Desired } from "../plan/types.ts";
import { applyItem } from "./apply-object.ts";
import type { WriteContext } from "./context.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const CONFIG_MAPS = coreResource("ConfigMap", "configmaps", true);
const ref = { group: "", version: "v1", kind: "ConfigMap", namespace: "web", name: "flip" };
const signal = new AbortController().signal;

const exists = Object.assign(new Error("AlreadyExists"), { status: 409 });

/** A cluster with one object, and what was written to it. */
function cluster(live: KubeObject) {
  const written: unknown[] = [];
  const client = {
    find: async () => live,
    jsonPatch: async (_resource: unknown, _key: unknown, operations: { path: string; value: unknown }[]) => {
      written.push(...operations.filter(({ path }) => path === "/metadata/managedFields").map(({ value }) => value));
      return { ...live, metadata: { ...live.metadata, resourceVersion: "8" } };
    },
    apply: async (_resource: unknown, object: KubeObject, { force }: { force: boolean }) => {
      if (object.metadata.resourceVersion === "1") throw exists;
      written.push({ version: object.metadata.resourceVersion, force, annotations: object.metadata.annotations });
      return { object };
    },
  } as unknown as KubeClient;
  const context = {
    client,
    set: SET,
    resourceFor: () => CONFIG_MAPS,
    metadataOnly: () => true,
    hideEchoes: true,
    toFailure: (error: unknown) => error,
    ownerOf: async () => undefined,
  } as unknown as WriteContext;
  return { context, written };
}

describe("an object that was a hook", () => {
  it("is ours to apply: what the hook had and the object has not goes, and it goes with the layer", async () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "flip", namespace: "web" } };
    const run = { "strata.dev/hook": "shop/v1/01234567/pre-install/0/1" };
    const fieldsV1 = { "f:data": {}, "f:metadata": { "f:annotations": { "f:strata.dev/hook": {} } } };
    const made = { manager: SET.manager, operation: "Update" as const, apiVersion: "v1", fieldsV1 };
    const edited = { manager: "kubectl-edit", operation: "Update" as const, apiVersion: "v1", fieldsV1: {} };
    const metadata = { ...object.metadata, annotations: run, managedFields: [made, edited], resourceVersion: "7" };
    const { context, written } = cluster({ ...object, metadata });
    const desired = { ref, key: keyOf(ref), object, digest: "d", fromCrdsFolder: false, createOnly: false } as Desired;
    const claim = { layer: "shop", adoption: "IfUnowned" as const };
    const outcome = await applyItem({ desired, mode: "create", observed: undefined }, claim, { context, signal });
    expect(outcome).toMatchObject({ kind: "written", how: "repaired" });
    expect(written).toEqual([
      [edited, { manager: SET.manager, operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1 }],
      { version: "8", force: true, annotations: { "strata.dev/layer": "shop/d" } },
    ]);
  });
});

describe("an object with a null that its kind does not allow", () => {
  it("is applied without it, as others apply it", async () => {
    const infra = { status: 422, causes: [{ field: "spec.infra", message: 'must be of type object: "null"' }] };
    const sent: unknown[] = [];
    const apply = async (_resource: unknown, object: KubeObject) => {
      sent.push(object["spec"]);
      if (sent.length === 1) throw infra;
      return { object };
    };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "flip" }, spec: { infra: null, on: null } };
    const { context } = cluster(object);
    const desired = { ref, key: keyOf(ref), object, digest: "d", fromCrdsFolder: false, createOnly: false };
    const claim = { layer: "shop", adoption: "IfUnowned" as const };
    const options = { context: { ...context, client: { apply } as unknown as KubeClient }, signal };
    const outcome = await applyItem(
      { desired: desired as unknown as Desired, mode: "create", observed: undefined },
      claim,
      options,
    );
    expect(outcome).toMatchObject({ kind: "written", how: "created" });
    expect(sent).toEqual([{ infra: null, on: null }, { on: null }]);
  });
});

describe("an object that was adopted, and from which somebody has taken the mark", () => {
  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "flip", namespace: "web" },
    data: { a: "1" },
  };
  const desired = { ref, key: keyOf(ref), object, digest: "d" } as unknown as Desired;
  const fieldsV1 = { "f:data": { "f:a": {} } };
  const own = { manager: SET.manager, operation: "Apply" as const, apiVersion: "v1", fieldsV1 };
  const metadata = { ...object.metadata, uid: "u1", resourceVersion: "7", managedFields: [own] };
  const observed = { observed: { uid: "u1", resourceVersion: "7", adopted: false, entries: [own] } };

  /** What is sent in the annotations. */
  async function sent(item: object, adoption: "IfUnowned" | "Always" = "IfUnowned") {
    const { context, written } = cluster({ ...object, metadata, data: { a: "2" } });
    await applyItem({ desired, ...item } as unknown as ApplyItem, { layer: "shop", adoption }, { context, signal });
    return (written as { annotations?: object }[]).map(({ annotations }) => annotations);
  }

  const mark = { "strata.dev/layer": "shop/d" };
  const modes: [string, object][] = [
    ["found without its label, as by kubectl replace", { mode: "create" }],
    ["repaired", { mode: "repair", observed }],
    ["updated", { mode: "update", observed }],
    ["looked at", { mode: "verify", observed }],
  ];
  it.each(modes)("gets it again when it is %s", async (_name, item) => {
    expect(await sent({ ...item, lent: "u1" })).toEqual([{ ...mark, "strata.dev/adopted": "true" }]);
  });

  it.each(modes)(
    "gets none if another one was adopted, nobody knows of one, or it is the layer's: %s",
    async (_, item) => {
      expect(await sent({ ...item, lent: "u0" })).toEqual([mark]);
      expect(await sent(item)).toEqual([mark]);
      expect(await sent({ ...item, lent: "u1" }, "Always")).toEqual([mark]);
    },
  );
});

describe("a field that somebody else has by now", () => {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "flip" }, data: { a: "1", b: "2" } };
  const desired = { ref, key: keyOf(ref), object, digest: "d" } as unknown as Desired;
  const observed = { observed: { resourceVersion: "7", adopted: false } };

  /** An update that meets the managers, and what is sent. */
  async function updated(...managers: string[]) {
    const sent: object[] = [];
    const conflict = { status: 409, fieldConflicts: managers.map((manager) => ({ field: ".data.a", manager })) };
    const apply = async (_resource: unknown, { metadata }: KubeObject, { force }: { force: boolean }) => {
      sent.push({ force, version: metadata.resourceVersion });
      if (!force) throw conflict;
      return { object };
    };
    const { context } = cluster(object);
    const options = { context: { ...context, client: { apply } as unknown as KubeClient }, signal };
    const item = { desired, mode: "update", observed } as unknown as ApplyItem;
    const said = await applyItem(item, { layer: "shop", adoption: "IfUnowned" }, options).catch(
      (error) => error.message,
    );
    return { said, sent };
  }

  it("is taken back from a person, on the very version that was judged", async () => {
    const { said, sent } = await updated("kubectl-edit");
    expect(said).toMatchObject({ kind: "written", how: "updated" });
    expect(sent).toEqual([
      { force: false, version: undefined },
      { force: true, version: "7" },
    ]);
  });

  it.each(["helm", "kustomize-controller", "helm-controller", "argocd-controller", "strata-01234567"])(
    "is not taken from %s: the object, the field and the manager are named",
    async (manager) => {
      const { said, sent } = await updated("kubectl-edit", manager);
      expect(said).toBe(
        `ConfigMap web/flip: other tools manage .data.a (${manager}): take the fields out of this layer, or the object out of the other tool`,
      );
      expect(sent).toHaveLength(1);
    },
  );
});
