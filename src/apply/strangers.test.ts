import { describe, expect, it } from "vitest";
import type { KubeClient } from "../kube/client.ts";
import { coreResource, type Resource } from "../kube/resource.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject, ObjectMeta } from "../objects/types.ts";
import { strangerInNamespace, strangerOfKind } from "./strangers.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const OTHER = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "q" });
const CORE = coreResource("Pod", "pods", true);
const KINDS: Record<string, Resource> = {
  Pod: { ...CORE, verbs: ["list"] },
  Secret: { ...CORE, kind: "Secret", plural: "secrets", verbs: ["list"] },
  Job: { ...CORE, group: "batch", kind: "Job", plural: "jobs", verbs: ["list"] },
  Stack: { ...CORE, group: "example.com", kind: "Stack", plural: "stacks", namespaced: false },
};
const { signal } = new AbortController();

const fieldsV1 = { "f:metadata": { "f:annotations": { "f:strata.dev/hook": {} } } };
const hook = (manager: string): ObjectMeta => ({
  annotations: { "strata.dev/hook": "shop/v1/01234567/pre-install/0/1" },
  managedFields: [{ manager, operation: "Update", fieldsV1 }],
});

interface Around {
  /** The cluster-scoped owner that is there. */
  owner?: ObjectMeta | undefined;
  stale?: string[];
}

async function strangerAmong(
  kind: string,
  metadata: ObjectMeta,
  { owner, stale = [] }: Around = {},
): Promise<string | undefined> {
  const resource = KINDS[kind] as Resource;
  const apiVersion = resource.group === "" ? "v1" : `${resource.group}/v1`;
  const object: KubeObject = { apiVersion, kind, metadata: { name: "a", namespace: "web", ...metadata } };
  const find = async () => owner && { apiVersion: "example.com/v1", kind: "Stack", metadata: owner };
  const client = { listAll: async () => ({ items: [object] }), find } as unknown as KubeClient;
  const resources = [resource, KINDS["Stack"] as Resource];
  return await strangerInNamespace("web", { client, set: SET, resources, stale }, signal);
}

describe("what keeps a namespace", () => {
  const cases: [name: string, kind: string, metadata: ObjectMeta, keeps: boolean][] = [
    ["a Job that ran as a hook of ours", "Job", hook(SET.manager), false],
    ["a Pod that ran as a hook of ours", "Pod", hook(SET.manager), false],
    ["what a hook brought that may be of use", "Secret", hook(SET.manager), true],
    ["another profile's hook", "Job", hook(OTHER.manager), true],
    ["a Job with a copied annotation", "Job", { ...hook(SET.manager), managedFields: [] }, true],
    ["somebody's Job", "Job", {}, true],
    ["what is on its way out", "Job", { deletionTimestamp: "2026-01-05T10:00:00Z" }, false],
  ];
  it.each(cases)("%s", async (_name, kind, metadata, keeps) => {
    expect(await strangerAmong(kind, metadata)).toBe(keeps ? `${kind} a in it is not ours` : undefined);
  });
});

describe("what is in a namespace and has an owner", () => {
  const owned = (...kinds: string[]): ObjectMeta => ({
    ownerReferences: kinds.map((kind) => ({
      apiVersion: kind === "Stack" ? "example.com/v1" : "v1",
      ...{ kind, name: "s", uid: "u" },
    })),
  });
  const fieldsV1 = { "f:metadata": { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } } };
  const ours: ObjectMeta = {
    ...{ name: "s", uid: "u", labels: { "applyset.kubernetes.io/part-of": SET.id } },
    managedFields: [{ manager: SET.manager, operation: "Apply", fieldsV1 }],
  };
  const cases: [name: string, owners: string[], owner: ObjectMeta | undefined, keeps: boolean][] = [
    ["one in the namespace, which is looked at itself", ["Pod"], undefined, false],
    ["one of the whole cluster that is not ours", ["Stack"], { name: "s", uid: "u" }, true],
    ["that one beside another in the namespace", ["Pod", "Stack"], { name: "s", uid: "u" }, true],
    ["one of the whole cluster that is ours", ["Stack"], ours, false],
    ["one that has gone, as it soon will", ["Stack"], undefined, false],
    ["one that has gone, with another of its name there", ["Stack"], { name: "s", uid: "other" }, false],
  ];
  it.each(cases)("%s", async (_name, owners, owner, keeps) => {
    expect(await strangerAmong("Pod", owned(...owners), { owner })).toBe(keeps ? "Pod a in it is not ours" : undefined);
  });
});

describe("a namespace while an API does not answer", () => {
  const stale = ["example.org/v1", "metrics.k8s.io/v1beta1"];

  it("waits, and says for what", async () => {
    await expect(strangerAmong("Pod", hook(SET.manager), { stale })).rejects.toThrow(
      "Namespace web: API example.org/v1, metrics.k8s.io/v1beta1 does not answer, and nobody can tell what there is of it: it is " +
        "waited for; if it is gone for good, delete it: kubectl delete apiservice v1.example.org v1beta1.metrics.k8s.io",
    );
  });

  it("stays when something else is in it; what does not answer is not asked", async () => {
    expect(await strangerAmong("Pod", {}, { stale })).toBe("Pod a in it is not ours");
    await expect(strangerAmong("Pod", {}, { stale: ["v1"] })).rejects.toThrow("API v1 does not answer");
  });
});

describe("a CRD whose kind is in no discovery", () => {
  const look = (about: { served?: boolean; established?: string; stored?: string[] } | undefined) => {
    const { served = false, established = "True", stored = ["v1"] } = about ?? {};
    const crd = {
      spec: { versions: [{ name: "v1", served, storage: true }] },
      status: { conditions: [{ type: "Established", status: established }], storedVersions: stored },
    };
    const client = { find: async () => about && crd } as unknown as KubeClient;
    return strangerOfKind("lamps.example.com", { client, set: SET, resources: [], stale: [] }, signal);
  };

  it("stays when it serves nothing: it may hold what nobody can list", async () => {
    expect(await look({})).toBe("it serves no version, so nobody can tell whether all of its objects are ours");
  });

  it.each([
    ["is gone", undefined],
    ["was never established", { established: "False", served: true }],
    ["stores nothing", { stored: [] }],
  ])("goes when it %s", async (_name, about) => {
    expect(await look(about)).toBeUndefined();
  });

  it("is looked at again when it serves something: discovery is behind", async () => {
    await expect(look({ served: true })).rejects.toMatchObject({ reason: "StaleRead" });
  });
});
