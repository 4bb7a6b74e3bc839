import { describe, expect, it } from "vitest";
import type { KubeClient } from "../kube/client.ts";
import { coreResource, type Resource } from "../kube/resource.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject, ObjectMeta } from "../objects/types.ts";
import { strangerInNamespace } from "./strangers.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const OTHER = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "q" });
const CORE = coreResource("Pod", "pods", true);
const KINDS: Record<string, Resource> = {
  Pod: { ...CORE, verbs: ["list"] },
  Secret: { ...CORE, kind: "Secret", plural: "secrets", verbs: ["list"] },
  Job: { ...CORE, group: "batch", kind: "Job", plural: "jobs", verbs: ["list"] },
};

const fieldsV1 = { "f:metadata": { "f:annotations": { "f:strata.dev/hook": {} } } };
const hook = (manager: string): ObjectMeta => ({
  annotations: { "strata.dev/hook": "shop/v1/01234567/pre-install/0/1" },
  managedFields: [{ manager, operation: "Update", fieldsV1 }],
});

async function strangerAmong(kind: string, metadata: ObjectMeta): Promise<string | undefined> {
  const resource = KINDS[kind] as Resource;
  const apiVersion = resource.group === "" ? "v1" : `${resource.group}/v1`;
  const object: KubeObject = { apiVersion, kind, metadata: { name: "a", namespace: "web", ...metadata } };
  const client = { listAll: async () => ({ items: [object] }) } as unknown as KubeClient;
  return await strangerInNamespace("web", { client, set: SET, resources: [resource] }, new AbortController().signal);
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
