import { expect, it } from "vitest";
import type { Layer } from "../api/types.ts";
import type { LayerOutput, Scope } from "./expression-scope.ts";
import { resolveOnce } from "./resolve-once.ts";

const digestKey = new Uint8Array(32);

function scopeOf(zone: string, host: LayerOutput): Scope {
  return {
    cluster: { name: "edge", kubernetesVersion: "v1.36.3" },
    profile: { name: "p", kind: "AddOnProfile", namespace: "acme" },
    variables: { types: new Map([["zone", "string"]]), values: new Map([["zone", zone]]), sensitive: new Set() },
    layers: new Map([["db", new Map([["host", host]])]]),
  };
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: expressions
const values = { zone: "${{ variables.zone }}", host: "${{ layers.db.outputs.host }}" };
const layerOf = (more: object = {}) => ({ name: "web", values, ...more }) as unknown as Layer;

it("evaluates a layer again only when it, or something that its expressions may read, has changed", () => {
  const memory = new Map();
  const written = layerOf();
  const resolved = (scope: Scope, layer = written, as = "values") =>
    resolveOnce(layer, scope, { written: layer, memory, digestKey, as });
  const there = { value: "10.0.0.1" };
  const first = resolved(scopeOf("north", there));
  expect(first).toMatchObject({ kind: "resolved", layer: { values: { zone: "north", host: "10.0.0.1" } } });
  expect(resolved(scopeOf("north", there))).toBe(first);
  expect(resolved(scopeOf("north", {}), written, "bare")).toMatchObject({ kind: "waiting" });
  expect(resolved(scopeOf("north", there))).toBe(first);
  expect(resolved(scopeOf("south", there))).toMatchObject({ layer: { values: { zone: "south" } } });
  expect(resolved(scopeOf("south", { value: "10.0.0.2" }))).toMatchObject({ layer: { values: { host: "10.0.0.2" } } });
  expect(resolved(scopeOf("south", there), layerOf({ values: { zone: "x" } }))).toMatchObject({
    layer: { values: { zone: "x" } },
  });
});
