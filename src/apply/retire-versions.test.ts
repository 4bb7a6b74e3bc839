import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import type { Retirement } from "../plan/retired-versions.ts";
import type { Desired } from "../plan/types.ts";
import type { WriteContext } from "./context.ts";
import { movedEntries, retireVersions, shortOperations, spareVersions } from "./retire-versions.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const OTHER = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "q" });
const signal = new AbortController().signal;
const LABEL = { "f:metadata": { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } } };
const BULB = { "f:spec": { "f:bulb": {} } };

const entry = (manager: string, version: string, about: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager,
  operation: "Update",
  apiVersion: `example.com/${version}`,
  fieldsType: "FieldsV1",
  fieldsV1: BULB,
  ...about,
});
const applied = (version: string, set = SET) =>
  entry(set.manager, version, { operation: "Apply", fieldsV1: { ...LABEL, ...BULB } });

function lamp(name: string, managedFields: ManagedFieldsEntry[], partOf?: string): KubeObject {
  const labels = partOf === undefined ? {} : { "applyset.kubernetes.io/part-of": partOf };
  const metadata = { name, namespace: "shop", resourceVersion: "7", labels, managedFields };
  return { apiVersion: "example.com/v1", kind: "Lamp", metadata };
}

const crd = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  name: "lamps.example.com",
};
const retiring = (about: Partial<Retirement> = {}): Retirement => ({
  crd: { ref: crd } as unknown as Desired,
  kind: { group: "example.com", kind: "Lamp" },
  versions: ["v1beta1"],
  to: "v1",
  ...about,
});

interface Circumstances {
  retirement?: Retirement;
  races?: number;
  /** The CRD, where discovery does not have its kind. */
  unserved?: object;
}

/** What was patched, and what was said. @param races how often somebody else is faster */
async function outcome(lamps: KubeObject[], { retirement = retiring(), races = 0, unserved }: Circumstances = {}) {
  const patched: { name: string | undefined; operations: unknown }[] = [];
  let left = races;
  const client = {
    listAll: async () => ({ items: lamps }),
    find: async () => unserved ?? { ...lamps[0], metadata: { ...lamps[0]?.metadata, resourceVersion: "8" } },
    jsonPatch: async (_: unknown, { name }: { name: string }, operations: unknown) => {
      if (left-- > 0) throw Object.assign(new Error("the test failed"), { status: 422 });
      patched.push({ name, operations });
    },
  } as unknown as KubeClient;
  const resource = { group: "example.com", version: "v1", kind: "Lamp", plural: "lamps", namespaced: true };
  const context = {
    client,
    set: SET,
    resourceFor: () => (unserved ? undefined : resource),
    resources: async () => [],
    toFailure: (error: unknown) => new Failure("ServerError", String(error)),
  } as unknown as WriteContext;
  const said = await retireVersions(retirement, context, signal).catch((error: unknown) => error);
  return { patched, said };
}

describe("a CRD that is to serve a version no more", () => {
  it("is refused while somebody else's object is written in it, and nothing is moved", async () => {
    const own = lamp("own", [applied("v1beta1")], SET.id);
    const theirs = lamp("desk", [entry("kubectl-create", "v1beta1"), entry("kubectl-edit", "v1")]);
    const { said, patched } = await outcome([own, theirs]);
    expect(said).toMatchObject({
      reason: "VersionInUse",
      retryAfterMs: 30_000,
      message:
        "CustomResourceDefinition lamps.example.com: version v1beta1 would be served no more, and Lamp shop/desk is " +
        "written in example.com/v1beta1 by kubectl-create: write it in v1 from now on, and say so in its " +
        "metadata.managedFields: kubectl patch lamps.v1.example.com desk -n shop --type=json " +
        `-p '[{"op":"replace","path":"/metadata/managedFields/0/apiVersion","value":"example.com/v1"}]'`,
    });
    expect(patched).toEqual([]);
  });

  it("counts who else uses it, another profile too", async () => {
    const others = [lamp("a", [applied("v1beta1", OTHER)], OTHER.id), ...["b", "c"].map(theirs)];
    function theirs(name: string): KubeObject {
      return lamp(name, [entry("kubectl-create", "v1beta1")]);
    }
    expect(await outcome(others)).toMatchObject({
      said: { message: expect.stringContaining(`by ${OTHER.manager} (as 2 others are): `) },
    });
    expect(await outcome(others.slice(0, 2))).toMatchObject({
      said: { message: expect.stringContaining("(as one other is): ") },
    });
  });

  it("moves what is said of the profile's own objects, on top of what was read", async () => {
    const status = entry("controller", "v1beta1", { subresource: "status" });
    const { said, patched } = await outcome([lamp("own", [applied("v1beta1"), status], SET.id)]);
    expect(said).toBeUndefined();
    const value = [applied("v1"), { ...status, apiVersion: "example.com/v1" }];
    expect(patched).toEqual([
      {
        name: "own",
        operations: [
          { op: "test", path: "/metadata/resourceVersion", value: "7" },
          { op: "replace", path: "/metadata/managedFields", value },
        ],
      },
    ]);
  });

  it.each([
    ["nobody has used it", [lamp("own", [applied("v1")], SET.id), lamp("desk", [entry("kubectl-create", "v1")])]],
    ["there is no object", []],
  ])("goes on where %s", async (_, lamps) => {
    expect(await outcome(lamps)).toEqual({ said: undefined, patched: [] });
  });

  it.each([
    ["is looked at again where the kind is not served now", "True", true],
    ["is looked at again where it serves nothing now", "True", false],
    ["goes on where the kind was never served: there can be no object", "False", true],
  ])("%s", async (_, established, isServed) => {
    const unserved = {
      spec: { versions: [{ name: "v1beta1", served: isServed, storage: true }] },
      status: { conditions: [{ type: "Established", status: established }], storedVersions: ["v1beta1"] },
    };
    const { said } = await outcome([], { unserved });
    if (established === "True") expect(said).toMatchObject({ reason: "StaleRead" });
    else expect(said).toBeUndefined();
  });

  it("tries again where somebody else was faster, and not for ever", async () => {
    const lamps = [lamp("own", [applied("v1beta1")], SET.id)];
    const { said, patched } = await outcome(lamps, { races: 2 });
    expect(said).toBeUndefined();
    expect(patched).toHaveLength(1);
    expect(JSON.stringify(patched)).toContain('"8"');
    expect((await outcome(lamps, { races: 99 })).said).toBeInstanceOf(Failure);
  });

  it("is refused for the profile's own objects where no version stays", async () => {
    const { to: _, ...rest } = retiring();
    const { said } = await outcome([lamp("own", [applied("v1beta1")], SET.id)], {
      retirement: { ...rest, to: undefined },
    });
    expect((said as Failure).message).toMatch(/: go on serving one of them beside the new one until all is written/);
  });
});

describe("entries that are moved to another version", () => {
  it("are one where they differ in nothing else: the API server would forget one of two", () => {
    const old = entry("kubectl", "v1beta1", { time: "2026-01-01T00:00:00Z", fieldsV1: { "f:a": {} } });
    const later = entry("kubectl", "v1", { time: "2026-02-01T00:00:00Z", fieldsV1: { "f:b": {} } });
    const status = entry("kubectl", "v1", { subresource: "status" });
    expect(movedEntries([old, later, status], ["example.com/v1beta1"], "example.com/v1")).toEqual([
      { ...later, fieldsV1: { "f:a": {}, "f:b": {} } },
      status,
    ]);
  });

  it("stay as they are where they are of other versions", () => {
    const entries = [entry("a", "v1"), entry("b", "v2"), { ...entry("c", ""), apiVersion: "v1beta1" }];
    expect(movedEntries(entries, ["example.com/v1beta1"], "example.com/v1")).toEqual(entries);
  });
});

describe("what a person is told to patch", () => {
  const patched = (...entries: ManagedFieldsEntry[]) =>
    shortOperations(entries, ["example.com/v1alpha1", "example.com/v1beta1"], "example.com/v1");
  const moved = (index: number) => ({
    op: "replace",
    path: `/metadata/managedFields/${index}/apiVersion`,
    value: "example.com/v1",
  });

  it("is each entry where it stands", () => {
    const status = entry("a", "v1beta1", { subresource: "status" });
    expect(patched(entry("a", "v1beta1"), entry("b", "v1"), status)).toEqual([moved(2), moved(0)]);
  });

  it("is no entry twice: the twin goes", () => {
    const twin = (index: number) => ({ op: "remove", path: `/metadata/managedFields/${index}` });
    expect(patched(entry("a", "v1beta1"), entry("a", "v1"))).toEqual([twin(0)]);
    expect(patched(entry("a", "v1alpha1"), entry("a", "v1beta1"))).toEqual([twin(1), moved(0)]);
  });
});

describe("a CRD that is taken over", () => {
  const versions = (...names: string[]): KubeObject => {
    const spec = {
      group: "example.com",
      names: { kind: "Lamp" },
      versions: names.map((name) => ({ name, served: true })),
    };
    const status = { storedVersions: ["v1"] };
    return { apiVersion: "apiextensions.k8s.io/v1", kind: crd.kind, metadata: { name: crd.name }, spec, status };
  };

  it.each<[name: string, next: string[], kept: string | undefined]>([
    ["keeps what is stored", ["v2"], "version v1 would go, and objects may still be stored in it"],
    [
      "keeps what somebody writes in",
      ["v1"],
      "version v1beta1 would be served no more, and Lamp shop/desk is written in",
    ],
    ["becomes what the layer has otherwise", ["v1", "v1beta1", "v2"], undefined],
  ])("%s", async (_, next, kept) => {
    const client = { listAll: async () => ({ items: [lamp("desk", [entry("kubectl-create", "v1beta1")])] }) };
    const resource = { group: "example.com", version: "v1", kind: "Lamp", plural: "lamps", namespaced: true };
    const context = { client, set: SET, resourceFor: () => resource } as unknown as WriteContext;
    const desired = { ref: crd, object: versions(...next) } as unknown as Desired;
    const spared = spareVersions({ desired, live: versions("v1", "v1beta1") }, context, signal);
    const said = await spared.catch((error: unknown) => error);
    if (kept === undefined) expect(said).toBeUndefined();
    else expect((said as Failure).message).toContain(kept);
  });
});
