import { describe, expect, it } from "vitest";
import { applySetOf } from "../membership/applyset.ts";
import { isMember, observe } from "../membership/observed.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import { foldOperations, handOverOperations, type Operation, releaseOperations, reownOperations } from "./fold.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const OTHER = applySetOf({ kind: "ClusterProfile", namespace: "acme", name: "q" });
const LABEL = { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } };
const data = (...keys: string[]) => ({
  "f:data": { ".": {}, ...Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) },
});

function entry(manager: string, operation: "Apply" | "Update", fieldsV1: Record<string, unknown>): ManagedFieldsEntry {
  return { manager, operation, apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1 };
}
function object(managedFields: ManagedFieldsEntry[], metadata: KubeObject["metadata"] = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "c", resourceVersion: "7", ...metadata, managedFields },
  };
}
const valueAt = (operations: Operation[] | undefined, path: string): unknown =>
  operations?.find((one) => one.path === path)?.value;
const managed = (operations: Operation[] | undefined): unknown => valueAt(operations, "/metadata/managedFields");

const desired: KubeObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "1" } };

describe("an object that is adopted", () => {
  const adopt = (managedFields: ManagedFieldsEntry[], metadata: KubeObject["metadata"] = {}, adopted = true) =>
    foldOperations(object(managedFields, metadata), { set: SET, desired, isAdopting: true, adopted });
  const ours = entry(SET.manager, "Apply", data("a"));

  it.each([
    ["kubectl create", entry("kubectl-create", "Update", data("a", "b"))],
    ["kubectl apply", entry("kubectl-client-side-apply", "Update", data("a", "b"))],
    ["kubectl apply --server-side", entry("kubectl", "Apply", data("a", "b"))],
    ["a time before the first apply", entry("before-first-apply", "Update", data("a", "b"))],
    ["a tool that has it no more", entry("kustomize-controller", "Apply", data("a", "b"))],
    ["a profile that has left it", entry(OTHER.manager, "Apply", data("a", "b"))],
  ])("gets the layer's fields from %s, which keeps the rest", (_name, theirs) => {
    const operations = adopt([theirs]);
    expect(managed(operations)).toEqual([{ ...theirs, fieldsV1: data("b") }, ours]);
    expect(operations?.[0]).toEqual({ op: "test", path: "/metadata/resourceVersion", value: "7" });
  });

  it("is known as adopted from that write on, also when the next one never comes", () => {
    const theirs = entry("kubectl-create", "Update", data("a"));
    expect(valueAt(adopt([theirs]), "/metadata/annotations")).toEqual({ "strata.dev/adopted": "true" });
    const annotated = adopt([theirs], { annotations: { note: "mine" } });
    expect(valueAt(annotated, "/metadata/annotations/strata.dev~1adopted")).toBe("true");
    expect(adopt([theirs], {}, false)?.map(({ path }) => path)).toEqual([
      "/metadata/resourceVersion",
      "/metadata/managedFields",
    ]);
  });

  it.each([
    ["a controller", entry("kube-controller-manager", "Update", data("a"))],
    ["kubectl, of a subresource", { ...entry("kubectl", "Update", data("a")), subresource: "scale" }],
    ["kubectl, of other fields", entry("kubectl-label", "Update", data("b"))],
    ["itself", entry(SET.manager, "Apply", data("a"))],
  ])("takes nothing from %s", (_name, theirs) => {
    expect(adopt([theirs])).toBeUndefined();
  });

  it("takes nothing from a profile that uses it as its namespace", () => {
    const theirs = entry(OTHER.manager, "Apply", data("a"));
    const live = { ...object([theirs]), kind: "Namespace" };
    expect(foldOperations(live, { set: SET, desired, isAdopting: true, adopted: true })).toBeUndefined();
  });

  it("gets all that Helm has", () => {
    const helm = entry("helm", "Update", data("a", "b"));
    expect(managed(adopt([helm]))).toEqual([entry(SET.manager, "Apply", data("a", "b"))]);
  });
});

it("a field that nobody owned for a moment is ours alone again", () => {
  const ours = entry(SET.manager, "Apply", { ...data("a"), "f:metadata": LABEL });
  const before = entry("before-first-apply", "Update", { ...data("a", "b"), "f:metadata": LABEL });
  const live = object([before, ours], { labels: { "applyset.kubernetes.io/part-of": SET.id } });
  expect(observe(live)?.isDisowned).toBe(true);
  const value = managed(reownOperations(live, SET)) as ManagedFieldsEntry[];
  expect(value).toEqual([{ ...before, fieldsV1: data("b") }, ours]);
  const after = observe({ ...live, metadata: { ...live.metadata, managedFields: value } });
  expect(after?.isDisowned).toBe(false);
  expect(reownOperations(object(value), SET)).toBeUndefined();
});

describe("an object that is handed over", () => {
  const own = entry(OTHER.manager, "Apply", { ...data("a"), "f:metadata": LABEL });
  const note = entry("kubectl-annotate", "Update", data("note"));
  const labels = { "applyset.kubernetes.io/part-of": OTHER.id };
  const live = object([own, note], { labels, annotations: { "strata.dev/layer": "old/1234" } });
  const operations = handOverOperations(live, OTHER.manager, { set: SET, layer: "new" });

  it("goes with all that its owner applied, and nothing of others", () => {
    expect(managed(operations)).toEqual([note, { ...own, manager: SET.manager }]);
    expect(valueAt(operations, "/metadata/labels/applyset.kubernetes.io~1part-of")).toBe(SET.id);
    expect(valueAt(operations, "/metadata/annotations/strata.dev~1layer")).toBe("new/");
  });

  it("says to the new owner that it was there before the old one, also if somebody has taken that off", () => {
    const old = entry(OTHER.manager, "Apply", data("a"));
    const [plain, lent] = [false, true].map((adopted) =>
      handOverOperations(object([old], { annotations: { note: "x" } }), OTHER.manager, {
        set: SET,
        layer: "new",
        adopted,
      }),
    );
    expect(valueAt(plain, "/metadata/annotations/strata.dev~1adopted")).toBeUndefined();
    expect(valueAt(lent, "/metadata/annotations/strata.dev~1adopted")).toBe("true");
  });

  it("is a member of the new owner at once, and is to be applied", () => {
    // The server gives what the patch changes to who sent it.
    const sent = entry(SET.manager, "Update", { "f:metadata": LABEL });
    const given = [note, entry(SET.manager, "Apply", data("a")), sent];
    const metadata = {
      labels: { "applyset.kubernetes.io/part-of": SET.id },
      annotations: { "strata.dev/layer": "new/" },
    };
    const observed = observe(object(given, metadata));
    expect(observed).toMatchObject({ layer: "new", digest: undefined, heir: SET.manager });
    expect(observed && isMember(observed, SET)).toBe(true);
    expect(observed && isMember(observed, OTHER)).toBe(false);
  });
});

describe("an object of a chart's layer that is given back", () => {
  const helm = { "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" };
  const labels = { "applyset.kubernetes.io/part-of": SET.id, "app.kubernetes.io/managed-by": "Helm", app: "web" };
  const lent = { "strata.dev/layer": "web/1", "strata.dev/adopted": "true", ...helm };
  const own = entry(SET.manager, "Apply", data("a"));
  const removedOf = (annotations: Record<string, string>, others: ManagedFieldsEntry[] = []) =>
    releaseOperations(object([own, ...others], { labels, annotations }).metadata, SET.manager)
      .filter(({ op }) => op === "remove")
      .map(({ path }) => path.replace("/metadata/", ""));
  const label = "labels/applyset.kubernetes.io~1part-of";
  const mark = "annotations/strata.dev~1layer";

  it("loses the marks of the release, which it had not before: the next one would delete it", () => {
    expect(removedOf(lent)).toEqual([
      ...[label, "labels/app.kubernetes.io~1managed-by", mark, "annotations/strata.dev~1adopted"],
      ...["annotations/meta.helm.sh~1release-name", "annotations/meta.helm.sh~1release-namespace"],
    ]);
  });

  it("loses them also if somebody has taken off that it was there before", () => {
    const { "strata.dev/adopted": _, ...unmarked } = lent;
    const { metadata } = object([own], { labels, annotations: unmarked });
    const gone = releaseOperations(metadata, SET.manager, true).flatMap(({ op, path }) =>
      op === "remove" ? [path] : [],
    );
    expect(gone).toContain("/metadata/annotations/meta.helm.sh~1release-name");
    expect(gone).not.toContain("/metadata/annotations/strata.dev~1adopted");
  });

  it("keeps them if the chart made it, or if Helm itself has it by now", () => {
    expect(removedOf({ "strata.dev/layer": "web/1", ...helm })).toEqual([label, mark]);
    const annotated = { "f:metadata": { "f:annotations": { "f:meta.helm.sh/release-name": {} } } };
    expect(removedOf(lent, [entry("helm", "Update", annotated)])).not.toContain(
      "annotations/meta.helm.sh~1release-name",
    );
  });

  it("keeps a label of its own where the layer has no release", () => {
    expect(removedOf({ "strata.dev/layer": "web/1", "strata.dev/adopted": "true" })).toEqual([
      ...[label, mark, "annotations/strata.dev~1adopted"],
    ]);
  });
});
