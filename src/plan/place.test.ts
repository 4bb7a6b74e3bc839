import { describe, expect, it } from "vitest";
import { layerSchema } from "../api/schema/layer.ts";
import type { Layer } from "../api/types.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";
import { place } from "./place.ts";

const set = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });

/** The objects of a chart layer as they are placed. */
function placed(...objects: KubeObject[]): KubeObject[] {
  const helm = { repo: "https://charts.example", chart: "shop", version: "1.0.0" };
  const layer = layerSchema({}).parse({ name: "web", helm }) as Layer;
  const source = { chart: "{}", config: "{}" };
  const content = { objects, crds: [], release: { chart: "shop", hooks: [], notes: "", manifest: "", source } };
  const scopes = () => "Namespaced" as const;
  const { desired, problems } = place(content, { layer, namespace: "web", set, digestKey: new Uint8Array(32), scopes });
  expect(problems).toEqual([]);
  return desired.map(({ object }) => object);
}

describe("an object of a chart", () => {
  it("has Helm's marks over its own", () => {
    const [object] = placed({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", labels: { "app.kubernetes.io/managed-by": "me", b: "c" }, annotations: { d: "e" } },
    });
    expect(object?.metadata.labels).toEqual({
      "app.kubernetes.io/managed-by": "Helm",
      "applyset.kubernetes.io/part-of": set.id,
      b: "c",
    });
    expect(object?.metadata.annotations).toEqual({
      "meta.helm.sh/release-name": "web",
      "meta.helm.sh/release-namespace": "web",
      d: "e",
    });
  });

  it("gets no labels of its pod template, which Helm's label keeps the server from giving", () => {
    const spec = { template: { metadata: { labels: { app: "job" } } } };
    const [job] = placed({ apiVersion: "batch/v1", kind: "Job", metadata: { name: "a" }, spec });
    expect(Object.keys(job?.metadata.labels ?? {}).sort()).toEqual([
      "app.kubernetes.io/managed-by",
      "applyset.kubernetes.io/part-of",
    ]);
  });

  it("goes to the layer's namespace when its own is empty", () => {
    const [object] = placed({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "" } });
    expect(object?.metadata.namespace).toBe("web");
  });
});
