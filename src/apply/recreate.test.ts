import { describe, expect, test } from "vitest";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import { coreResource } from "../kube/resource.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { Claim } from "../membership/judge.ts";
import type { KubeObject } from "../objects/types.ts";
import type { Desired } from "../plan/types.ts";
import type { WriteContext } from "./context.ts";
import { recreate } from "./recreate.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const signal = new AbortController().signal;
const immutable = new Failure("ImmutableField", "Job web/work: spec.template: field is immutable");

interface Told {
  group?: string;
  kind?: string;
  annotations?: Record<string, string>;
  spec?: object;
  /** Whether our field manager has applied it. */
  isOurs?: boolean;
  claim?: Partial<Claim>;
  /** The uid of the object that was there before, as it is remembered. */
  lent?: string;
  /** What the delete is answered with. */
  refusal?: object;
}

/** What is deleted, or the sentence of the refusal. */
async function outcome({
  group = "batch",
  kind = "Job",
  annotations = {},
  isOurs = true,
  claim,
  lent,
  refusal,
  spec = {},
}: Told) {
  const fieldsV1 = { "f:metadata": { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } } };
  const live: KubeObject = {
    apiVersion: group === "" ? "v1" : `${group}/v1`,
    kind,
    metadata: {
      name: "work",
      namespace: "web",
      uid: "u1",
      resourceVersion: "7",
      labels: isOurs ? { "applyset.kubernetes.io/part-of": SET.id } : {},
      annotations: { "strata.dev/layer": "one/old", ...annotations },
      managedFields: isOurs ? [{ manager: SET.manager, operation: "Apply", fieldsV1 }] : [],
    },
  };
  const deleted: unknown[] = [];
  const client = {
    find: async (_: unknown, __: unknown, { metadataOnly }: Live) => (metadataOnly ? live : { ...live, spec }),
    delete: async (_: unknown, ref: { name: string }, { uid, resourceVersion, propagationPolicy }: Live) => {
      deleted.push([ref.name, uid, resourceVersion, propagationPolicy]);
      if (refusal) throw Object.assign(new Error("no"), refusal);
    },
  } as unknown as KubeClient;
  const context = { client, set: SET, resourceFor: () => coreResource(kind, "jobs", true) } as unknown as WriteContext;
  const desired = { ref: { group, version: "v1", kind, namespace: "web", name: "work" }, digest: "new" } as Desired;
  const asked = { layer: "one", adoption: "IfUnowned" as const, recreate: true, ...claim };
  const what = recreate({ desired, claim: asked, lent, context, signal }, immutable);
  const said = await what.catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    return `${error.reason}: ${error.message.replace(`${immutable.message}; `, "")}`;
  });
  return { deleted, said };
}

type Live = Record<string, unknown>;
const whenDeleted = (policy: string) => ({ persistentVolumeClaimRetentionPolicy: { whenDeleted: policy } });
const DELETED = [["work", "u1", "7", "Foreground"]];

describe("an object with a field that cannot be changed", () => {
  test.each<[string, Told]>([
    ["is deleted in the foreground, as it was seen", {}],
    [
      "with adoption: Always, is deleted also if it was there before",
      { annotations: { "strata.dev/adopted": "true" }, claim: { adoption: "Always" } },
    ],
    ["that is a StatefulSet whose claims stay", { group: "apps", kind: "StatefulSet", spec: whenDeleted("Retain") }],
    ["that was made anew since it was there before", { lent: "u0" }],
    ["that is gone by now, is to be created", { refusal: { status: 404 } }],
  ])("%s", async (_, told) => {
    expect(await outcome(told)).toEqual({ deleted: DELETED, said: "u1" });
  });

  test("that somebody writes meanwhile is looked at again", async () => {
    const { said } = await outcome({ refusal: { status: 409 } });
    expect(said).toBe("StaleRead: Job web/work changed while it was to be deleted; tried again");
  });

  test.each<[string, Told, string]>([
    [
      "a Job, without recreate",
      { claim: { recreate: false } },
      "or set the layer's recreate to true: it is then deleted and created again, and what it is running is cut off, and it runs again",
    ],
    [
      "a Deployment, without recreate",
      { group: "apps", kind: "Deployment", claim: { recreate: false } },
      "or set the layer's recreate to true: it is then deleted and created again, and its pods stop before the new ones start",
    ],
    [
      "another one, without recreate",
      { group: "storage.k8s.io", kind: "StorageClass", claim: { recreate: false } },
      "or set the layer's recreate to true: it is then deleted and created again, and what uses it goes without it until then",
    ],
    [
      "a claim of a volume",
      { group: "", kind: "PersistentVolumeClaim" },
      "Strata never deletes a PersistentVolumeClaim for that: its data may go with it",
    ],
    [
      "a volume",
      { group: "", kind: "PersistentVolume" },
      "Strata never deletes a PersistentVolume for that: its data may go with it",
    ],
    [
      "a Namespace",
      { group: "", kind: "Namespace" },
      "Strata never deletes a Namespace for that: all that is in it would go with it",
    ],
    [
      "a CRD",
      { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" },
      "Strata never deletes a CustomResourceDefinition for that: all its objects would go with it",
    ],
    [
      "a StatefulSet whose claims go with it",
      { group: "apps", kind: "StatefulSet", spec: whenDeleted("Delete") },
      "Strata does not delete it for that: by its persistentVolumeClaimRetentionPolicy its claims, and their data, would go with it. Set whenDeleted to Retain first, in a change of its own",
    ],
    [
      "one that is not to be pruned",
      { annotations: { "strata.dev/prune": "Disabled" } },
      "it says of itself that it stays: take the annotation that says so off to have it deleted",
    ],
    [
      "what was there before",
      { annotations: { "strata.dev/adopted": "true" } },
      "recreate is not for what was there before Strata: set the layer's adoption to Always too",
    ],
    [
      "what was there before, and says so no more",
      { lent: "u1" },
      "recreate is not for what was there before Strata: set the layer's adoption to Always too",
    ],
    [
      "what is not ours yet",
      { isOurs: false },
      "recreate is not for what was there before Strata: set the layer's adoption to Always too",
    ],
    [
      "what was made with this very content",
      { annotations: { "strata.dev/layer": "one/new" } },
      "it was created with this very content, and changed by somebody else",
    ],
  ])("stays if it is %s, with a sentence", async (_, told, want) => {
    expect(await outcome(told)).toEqual({ deleted: [], said: `ImmutableField: ${want}` });
  });
});
