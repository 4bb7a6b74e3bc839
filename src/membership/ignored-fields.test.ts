import { describe, expect, it } from "vitest";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import { ownFieldsDigest, withLiveIgnored, withoutPointers } from "./ignored-fields.ts";

const MANAGER = "strata-12345678";
const containers = (...images: string[]) => images.map((image, index) => ({ name: `c${index}`, image }));
const object = (replicas: number, list: readonly object[] = containers("a:1"), rest: object = {}): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...rest },
  spec: { replicas, containers: list, args: ["x"] },
});
const fields = (names: readonly string[], more: Record<string, unknown> = {}) => ({
  "f:spec": {
    ...Object.fromEntries(names.map((name) => [`f:${name}`, {}])),
    "f:containers": { 'k:{"name":"c0"}': { ".": {}, "f:name": {}, "f:image": {} } },
    ...more,
  },
});
const ours: ManagedFieldsEntry = { manager: MANAGER, operation: "Apply", fieldsV1: fields(["replicas", "args"]) };
const scaled: ManagedFieldsEntry = {
  manager: "hpa",
  operation: "Update",
  subresource: "scale",
  fieldsV1: { "f:spec": { "f:replicas": {} } },
};
const live = (replicas: number, ...managedFields: ManagedFieldsEntry[]): KubeObject =>
  object(replicas, [{ name: "injected", image: "s:1" }, ...containers("theirs:1")], { managedFields });
const sent = (pointers: string[], on: KubeObject) =>
  withLiveIgnored(object(2), on, { pointers, manager: MANAGER })["spec"] as Record<string, unknown>;

describe("what is sent of an ignored field", () => {
  it("is its live value while nobody else has it, wherever it stands in a list", () => {
    expect(sent(["/spec/replicas"], live(5, ours))).toMatchObject({ replicas: 5 });
    expect(sent(["/spec/containers/0/image"], live(2, ours))).toMatchObject({
      containers: [{ name: "c0", image: "theirs:1" }],
    });
  });

  it("is nothing once somebody else has it, alone or with us", () => {
    expect(sent(["/spec/replicas"], live(5, scaled))).not.toHaveProperty("replicas");
    expect(sent(["/spec/replicas"], live(5, ours, scaled))).not.toHaveProperty("replicas");
    const theirs = { manager: "x", operation: "Update", fieldsV1: fields([]) } as const;
    expect(sent(["/spec/containers/0/image"], live(2, ours, theirs))["containers"]).toEqual([{ name: "c0" }]);
  });

  it("is nothing when somebody took it out", () => {
    const { replicas: _, ...spec } = live(5, ours)["spec"] as { replicas?: number };
    expect(sent(["/spec/replicas"], { ...live(5, ours), spec })).not.toHaveProperty("replicas");
  });

  it("is all of a list that is owned as a whole", () => {
    const theirs = { manager: "x", operation: "Update", fieldsV1: { "f:spec": { "f:args": {} } } } as const;
    expect(sent(["/spec/args"], live(2, theirs))).not.toHaveProperty("args");
  });

  it("is everything of a field that the object does not have", () => {
    expect(sent(["/spec/paused", "/spec/containers/7"], live(5, scaled))).toEqual(object(2)["spec"]);
  });
});

describe("the digest of our fields", () => {
  const digest = (fieldsV1: Record<string, unknown>, ignored: string[]) =>
    ownFieldsDigest({ ...ours, fieldsV1 }, { object: object(2), ignored });
  const all = fields(["replicas", "args"]);

  it("does not move when somebody takes an ignored field", () => {
    expect(digest(fields(["args"]), ["/spec/replicas"])).toBe(digest(all, ["/spec/replicas"]));
    const without = {
      "f:spec": { "f:replicas": {}, "f:args": {}, "f:containers": { 'k:{"name":"c0"}': { ".": {}, "f:name": {} } } },
    };
    expect(digest(without, ["/spec/containers/0/image"])).toBe(digest(all, ["/spec/containers/0/image"]));
  });

  it("moves when somebody takes another one", () => {
    expect(digest(fields(["replicas"]), ["/spec/replicas"])).not.toBe(digest(all, ["/spec/replicas"]));
  });
});

describe("an object without ignored fields", () => {
  it("loses the items of a list that are named, and no other", () => {
    const of = object(2, containers("a:1", "b:1", "c:1"));
    expect(withoutPointers(of, ["/spec/containers/0", "/spec/containers/1/image", "/spec/replicas"])["spec"]).toEqual({
      args: ["x"],
      containers: [{ name: "c1" }, { name: "c2", image: "c:1" }],
    });
    expect(of["spec"]).toHaveProperty("replicas");
  });
});
