import { describe, expect, it } from "vitest";
import type { FieldSet } from "./field-sets.ts";
import { valuesDigest } from "./owned-values.ts";

const SET: FieldSet = {
  "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
  "f:spec": {
    "f:replicas": {},
    "f:args": {},
    "f:finalizers": { ".": {}, 'v:"ours"': {} },
    "f:ports": {
      ".": {},
      'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:port": {}, "f:protocol": {}, "f:name": {} },
    },
  },
};
const SENT = {
  metadata: { labels: { app: "web" } },
  spec: { replicas: 2, args: ["a", "b"], finalizers: ["ours"], ports: [{ port: 80, name: "http" }] },
};
const digest = (object: Record<string, unknown>) => valuesDigest(SET, object);
const withSpec = (spec: Record<string, unknown>) => ({ ...SENT, spec: { ...SENT.spec, ...spec } });

describe("the digest of the values at our fields", () => {
  it.each([
    ["fields of others", { ...SENT, status: { ready: 2 }, spec: { ...SENT.spec, paused: true } }],
    ["labels of others", { ...SENT, metadata: { labels: { app: "web", theirs: "x" } } }],
    ["items of others", withSpec({ finalizers: ["theirs", "ours"] })],
    [
      "a key that the server completed, and another port",
      withSpec({ ports: [{ port: 81 }, { port: 80, protocol: "TCP", name: "http" }] }),
    ],
    ["fields in another order", { spec: SENT.spec, metadata: SENT.metadata }],
  ])("does not move for %s", (_name, object) => expect(digest(object)).toBe(digest(SENT)));

  it.each([
    ["a scalar", withSpec({ replicas: 3 })],
    ["a label", { ...SENT, metadata: { labels: { app: "other" } } }],
    ["a list that is owned as a whole", withSpec({ args: ["a", "b", "c"] })],
    ["an item that is gone", withSpec({ finalizers: ["theirs"] })],
    ["a field of an item", withSpec({ ports: [{ port: 80, name: "other" }] })],
    ["a field that is gone", withSpec({ replicas: undefined })],
  ])("moves for %s", (_name, object) => expect(digest(object)).not.toBe(digest(SENT)));

  it.each([[null], [{}], [[]]])("takes %j for nothing, as the API server does", (empty) => {
    expect(digest(withSpec({ args: empty }))).toBe(digest(withSpec({ args: undefined })));
  });
});
