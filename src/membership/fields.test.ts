import { describe, expect, it } from "vitest";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import { applyEntryOf, coversObject, fieldsDigest, mergeFields, ownsField } from "./fields.ts";

const DEPLOYMENT: KubeObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop", labels: { "applyset.kubernetes.io/part-of": "x" } },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "web", image: "web:1", args: ["-v"], ports: [{ containerPort: 80 }] }],
        volumes: [{ name: "tmp", emptyDir: {} }],
      },
    },
  },
};

/** As a 1.36 API server writes it for the object above. */
const FIELDS = {
  "f:metadata": { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } },
  "f:spec": {
    "f:replicas": {},
    "f:selector": {},
    "f:template": {
      "f:metadata": { "f:labels": { "f:app": {} } },
      "f:spec": {
        "f:containers": {
          'k:{"name":"web"}': {
            ".": {},
            "f:name": {},
            "f:image": {},
            "f:args": {},
            "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
          },
        },
        "f:volumes": { 'k:{"name":"tmp"}': { ".": {}, "f:name": {}, "f:emptyDir": {} } },
      },
    },
  },
};

/** As the API server does: a node of which nothing is left goes too, while a leaf stays. */
function dropEmptied(node: Record<string, unknown>, original: Record<string, unknown>): void {
  for (const [key, child] of Object.entries(node)) {
    const before = original[key] as Record<string, unknown>;
    dropEmptied(child as Record<string, unknown>, before);
    const isEmptied = Object.keys(child as object).length === 0 && Object.keys(before).length > 0;
    if (isEmptied) Reflect.deleteProperty(node, key);
  }
}

const entryWith = (change: (fields: typeof FIELDS) => void = () => undefined): ManagedFieldsEntry => {
  const fieldsV1 = structuredClone(FIELDS);
  change(fieldsV1);
  dropEmptied(fieldsV1, FIELDS);
  return { manager: "strata-1", operation: "Apply", fieldsV1 };
};

describe("coversObject: whether we still own what we applied", () => {
  it("holds for the field set that our own apply left, with defaulted list keys", () => {
    expect(coversObject(entryWith(), DEPLOYMENT)).toBe(true);
  });

  const losses: [string, (fields: typeof FIELDS) => void][] = [
    ["a scale takes spec.replicas", ({ "f:spec": spec }) => Reflect.deleteProperty(spec, "f:replicas")],
    [
      "set image takes a container's image",
      ({ "f:spec": spec }) =>
        Reflect.deleteProperty(spec["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}'], "f:image"),
    ],
    [
      "a JSON patch removes a container",
      ({ "f:spec": spec }) => Reflect.deleteProperty(spec["f:template"]["f:spec"]["f:containers"], 'k:{"name":"web"}'),
    ],
    [
      "a port goes",
      ({ "f:spec": spec }) =>
        Reflect.deleteProperty(
          spec["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}']["f:ports"],
          'k:{"containerPort":80,"protocol":"TCP"}',
        ),
    ],
    [
      "a label is taken over",
      ({ "f:metadata": metadata }) => Reflect.deleteProperty(metadata["f:labels"], "f:applyset.kubernetes.io/part-of"),
    ],
    ["everything goes", (fields) => Reflect.deleteProperty(fields, "f:spec")],
  ];
  it.each(losses)("does not hold when %s", (_name, change) => {
    expect(coversObject(entryWith(change), DEPLOYMENT)).toBe(false);
  });

  it("ignores nulls and what nobody can own", () => {
    const object = { ...DEPLOYMENT, spec: { ...(DEPLOYMENT["spec"] as object), paused: null } };
    expect(coversObject(entryWith(), object)).toBe(true);
  });

  it("compares the items of a set by value", () => {
    const entry: ManagedFieldsEntry = { fieldsV1: { "f:metadata": { "f:finalizers": { 'v:"a/b"': {} } } } };
    const object = (finalizer: string): KubeObject => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { finalizers: [finalizer] },
    });
    expect(coversObject(entry, object("a/b"))).toBe(true);
    expect(coversObject(entry, object("a/c"))).toBe(false);
  });
});

describe("entries and digests", () => {
  it("takes the Apply entry of the main resource only", () => {
    const apply = entryWith();
    const managedFields: ManagedFieldsEntry[] = [
      { ...apply, operation: "Update" },
      { ...apply, subresource: "status" },
      { ...apply, manager: "other" },
      apply,
    ];
    expect(applyEntryOf({ ...DEPLOYMENT, metadata: { managedFields } }, "strata-1")).toBe(apply);
  });

  it("digests what is owned, not when or how it is written down", () => {
    const entry = entryWith();
    const reordered = {
      ...entry,
      time: "2026-01-01T00:00:00Z",
      fieldsV1: Object.fromEntries(Object.entries(FIELDS).toReversed()),
    };
    expect(fieldsDigest(reordered)).toBe(fieldsDigest(entry));
    expect(fieldsDigest(entryWith(({ "f:spec": spec }) => Reflect.deleteProperty(spec, "f:replicas")))).not.toBe(
      fieldsDigest(entry),
    );
  });

  it("knows a label by its whole name", () => {
    expect(ownsField(entryWith(), ["metadata", "labels", "applyset.kubernetes.io/part-of"])).toBe(true);
    expect(ownsField(entryWith(), ["metadata", "labels", "applyset.kubernetes.io"])).toBe(false);
  });
});

describe("mergeFields: the union of what some managers own", () => {
  const rows: [name: string, sets: Record<string, unknown>[], want: object][] = [
    ["nothing", [], {}],
    ["one set is itself", [FIELDS], FIELDS],
    ["the same set twice is itself", [FIELDS, FIELDS], FIELDS],
    [
      "fields beside each other, deep",
      [{ "f:spec": { "f:a": {}, "f:map": { "f:x": {} } } }, { "f:spec": { "f:b": {}, "f:map": { "f:y": {} } } }],
      { "f:spec": { "f:a": {}, "f:b": {}, "f:map": { "f:x": {}, "f:y": {} } } },
    ],
    [
      "items of lists stay apart by their keys",
      [{ "f:l": { 'k:{"name":"a"}': { ".": {} } } }, { "f:l": { 'k:{"name":"b"}': { ".": {}, "f:image": {} } } }],
      { "f:l": { 'k:{"name":"a"}': { ".": {} }, 'k:{"name":"b"}': { ".": {}, "f:image": {} } } },
    ],
    [
      "a field wholly owned by one stays owned",
      [{ "f:a": {} }, { "f:b": { "f:c": {} } }],
      { "f:a": {}, "f:b": { "f:c": {} } },
    ],
  ];
  it.each(rows)("%s", (_name, sets, want) => {
    const before = structuredClone(sets);
    expect(mergeFields(sets)).toEqual(want);
    expect(sets).toEqual(before);
  });
});
