import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { namespaceDigest, namespaceMetadataOf } from "./layer-namespace.ts";
import { reservedMarkFailure } from "./reserved.ts";

function profileOf(...layers: object[]): Profile {
  const manifests = [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } } }];
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p" },
    spec: {
      clusterRefs: [{ name: "local" }],
      namespace: "web",
      layers: layers.map((layer, index) => ({ name: `l${index}`, manifests, ...layer })),
    },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

const planned = ({ spec }: Profile) =>
  spec.layers.map((layer) => ({ spec: layer, namespace: layer.namespace ?? spec.namespace }));

const labels = (map: Record<string, string>) => ({ namespaceMetadata: { labels: map } });

describe("namespaceMetadataOf", () => {
  it("unites what the layers of a namespace ask for, and leaves out those of others", () => {
    const profile = profileOf(
      labels({ a: "1", same: "x" }),
      { namespace: "web", ...labels({ b: "2", same: "x" }) },
      {
        namespace: "other",
        ...labels({ c: "3" }),
      },
    );
    expect(namespaceMetadataOf(planned(profile), "web")).toEqual({
      labels: { a: "1", b: "2", same: "x" },
      annotations: {},
    });
    expect(namespaceMetadataOf(planned(profile), "other")).toEqual({ labels: { c: "3" }, annotations: {} });
  });

  it.each([
    [
      "two values for one label",
      profileOf(labels({ team: "a" }), labels({ team: "b" })),
      'namespaceMetadata.labels: team is "b", and "a" for the same namespace in a layer above: keep one of them',
    ],
    [
      "a mark of Strata's own",
      profileOf({ namespaceMetadata: { annotations: { "strata.dev/created": "true" } } }),
      "namespaceMetadata.annotations: strata.dev/created is set by Strata itself: take it out",
    ],
  ])("refuses %s", (_, profile, message) => {
    const failure = namespaceMetadataOf(planned(profile), "web");
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ reason: "InvalidSpec", message });
  });

  it("has a digest that moves with every part of it, and not with the order", () => {
    const digest = (a: Record<string, string>, b: Record<string, string>) =>
      namespaceDigest({ labels: a, annotations: b });
    expect(digest({ a: "1", b: "2" }, {})).toBe(digest({ b: "2", a: "1" }, {}));
    expect(new Set([digest({ a: "1" }, {}), digest({}, { a: "1" }), digest({ a: "2" }, {}), digest({}, {})]).size).toBe(
      4,
    );
  });
});

describe("reservedMarkFailure", () => {
  const object = (metadata: object): KubeObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a", ...metadata },
  });

  it.each([
    ["labels", "applyset.kubernetes.io/part-of"],
    ["labels", "user.strata.dev/strata-0123456789abcdef"],
    ["annotations", "strata.dev/layer"],
    ["annotations", "strata.dev/adopted"],
  ])("refuses among %s: %s", (field, key) => {
    expect(reservedMarkFailure(object({ [field]: { [key]: "x" } }))?.message).toBe(
      `ConfigMap a: metadata.${field}: ${key} is set by Strata itself; take it out of the manifest`,
    );
  });

  it("lets through what only looks like one", () => {
    const near = {
      "applyset.kubernetes.io/id": "x",
      "notstrata.dev/layer": "x",
      "strata.dev.example/a": "x",
      strata: "x",
    };
    expect(reservedMarkFailure(object({ labels: near, annotations: near }))).toBeUndefined();
    expect(reservedMarkFailure(object({}))).toBeUndefined();
  });
});
