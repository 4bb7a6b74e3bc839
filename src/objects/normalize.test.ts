import { describe, expect, it } from "vitest";
import { parseJson, stringifyJson } from "./json.ts";
import { normalize } from "./normalize.ts";
import type { KubeObject } from "./types.ts";

function object(fields: Record<string, unknown>, metadata: Record<string, unknown> = {}): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", ...metadata }, ...fields } as KubeObject;
}

function secret(fields: Record<string, unknown>): KubeObject {
  return { ...object(fields), kind: "Secret" };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("normalize", () => {
  it("drops what only the API server writes, and keeps the rest of the metadata", () => {
    const server = {
      uid: "u",
      resourceVersion: "1",
      generation: 2,
      creationTimestamp: null,
      selfLink: "/x",
      deletionTimestamp: "2026-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 30,
      managedFields: [{}],
    };
    const kept = { namespace: "n", labels: { a: "b" }, annotations: {}, finalizers: ["f"], ownerReferences: [] };
    expect(normalize(object({ status: { x: 1 }, data: { k: "v" } }, { ...server, ...kept }))).toEqual(
      object({ data: { k: "v" } }, kept),
    );
  });

  it("keeps an explicit null of a field, as kubectl apply --server-side does", () => {
    expect(normalize(object({ spec: { replicas: null } }))).toEqual(object({ spec: { replicas: null } }));
  });

  it("leaves the rules of an aggregated ClusterRole to the control plane, which writes them", () => {
    const role = (fields: Record<string, unknown>): KubeObject => ({
      ...object(fields),
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
    });
    const aggregationRule = { clusterRoleSelectors: [] };
    expect(normalize(role({ aggregationRule, rules: [] }))).toEqual(role({ aggregationRule }));
    expect(normalize(role({ rules: [] }))).toEqual(role({ rules: [] }));
  });

  it("takes a null map of labels as none and a null label as empty", () => {
    expect(normalize(object({}, { labels: null, annotations: { a: null } }))).toEqual(
      object({}, { annotations: { a: "" } }),
    );
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["alone", { stringData: { a: "pässword" } }, { data: { a: base64("pässword") } }],
    [
      "over data",
      { data: { a: "b2xk", b: "Yg==" }, stringData: { a: "new" } },
      { data: { a: base64("new"), b: "Yg==" } },
    ],
    ["null entry", { stringData: { a: null } }, { data: { a: "" } }],
    ["null map", { data: { a: "YQ==" }, stringData: null }, { data: { a: "YQ==" } }],
    ["empty map", { stringData: {} }, {}],
    ["null data", { data: null, stringData: { a: "x" } }, { data: { a: base64("x") } }],
    ["what the server refuses", { stringData: { a: 1 } }, { stringData: { a: 1 } }],
  ])("folds stringData into data: %s", (_, fields, want) => {
    expect(normalize(secret(fields))).toEqual(secret(want));
  });

  it("leaves stringData of another kind alone", () => {
    expect(normalize(object({ stringData: { a: "b" } }))).toEqual(object({ stringData: { a: "b" } }));
  });

  it("does not change its input and keeps exact numbers", () => {
    const text =
      '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","uid":"u","labels":{"x":null}},"stringData":{"a":"b"},"big":9223372036854775807,"status":{}}';
    const input = parseJson(text) as KubeObject;
    const output = normalize(input);
    expect(stringifyJson(input)).toBe(text);
    expect(stringifyJson(output)).toContain('"big":9223372036854775807');
  });

  describe("gives an object without labels those of its pod template, where the API server would", () => {
    const template = { metadata: { labels: { app: "a", empty: null } } };
    const job = (spec: unknown, labels?: unknown, kind = "Job") => ({
      ...object({ spec }, labels === undefined ? {} : { labels }),
      apiVersion: "batch/v1",
      kind,
    });

    it.each([
      ["a Job", job({ template }), { app: "a", empty: "" }],
      ["a Job with empty labels", job({ template }, {}), { app: "a", empty: "" }],
      ["a Job with labels of its own", job({ template }, { own: "b" }), { own: "b" }],
      ["a CronJob", job({ template }, undefined, "CronJob"), undefined],
      ["a Job without a template", job(null), undefined],
      ["a Job that the server will refuse", job({ template: { metadata: { labels: ["a"] } } }), undefined],
      [
        "a ReplicationController",
        { ...object({ spec: { template } }), kind: "ReplicationController" },
        { app: "a", empty: "" },
      ],
    ])("%s", (_, given, labels) => {
      expect(normalize(given).metadata.labels).toEqual(labels);
    });
  });
});
