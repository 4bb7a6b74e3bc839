import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import type { LayerView } from "../plan/layer-view.ts";
import type { PlannedLayer } from "../plan/types.ts";
import { intentsOf } from "./intents.ts";

const configMap = (name: string, namespace?: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...(namespace ? { namespace } : {}) },
});

/** A layer whose turn is yet to come, and of which nothing is read. */
function layer(name: string, about: { objects?: object[]; helm?: object; rest?: object } = {}): PlannedLayer {
  const { objects = [configMap(name)], helm, rest } = about;
  const source = helm ? { helm } : { manifests: objects.map((object) => ({ object })) };
  const spec = { name, adoption: "IfUnowned", ...source, ...rest };
  const inputs = { layer: spec, texts: new Map() };
  return { spec, namespace: "web", inputs, state: { kind: "unknown" } } as unknown as PlannedLayer;
}
const view = (name: string, about: Partial<LayerView> = {}) => ({ name, ...about }) as LayerView;
const failure = new Failure("Conflict", "somebody has it");
const passing = new Failure("Throttled", "too many requests");
const attempts = new Map([["/ConfigMap/web/tried", { digest: "d", failure }]]);

const wanted = (layers: PlannedLayer[], views = layers.map(({ spec }) => view(spec.name))) =>
  [...intentsOf({ layers }, views, { attempts })].filter((key) => !key.startsWith("/ConfigMap//"));

describe("what a profile is about to write", () => {
  it("is what its manifests name, read or not, in their own namespace or in the layer's", () => {
    const known = {
      ...layer("known"),
      state: { kind: "known", desired: [{ key: "/ConfigMap/web/known", digest: "d" }] },
    } as unknown as PlannedLayer;
    expect(wanted([known, layer("a"), layer("b", { objects: [configMap("b", "own")] })])).toEqual([
      "/ConfigMap/web/known",
      "/ConfigMap/web/a",
      "/ConfigMap/own/b",
    ]);
  });

  it("is the release of a chart, before anybody knows what is in it", () => {
    expect(wanted([layer("shop", { helm: { chart: "shop", version: "1" } })])).toEqual(["helm/web/shop"]);
  });

  it("is not what it has tried to write", () => {
    expect(wanted([layer("tried")])).toEqual([]);
    const asked = new Map([["release/shop/claim", { digest: "helm/web/shop" }]]);
    const shop = layer("shop", { helm: { chart: "shop", version: "1" } });
    expect([...intentsOf({ layers: [shop] }, [view("shop")], { attempts: asked })]).toEqual([]);
  });

  it("is nothing of a layer that is suspended, or takes nothing that exists", () => {
    expect(wanted([layer("a", { rest: { suspend: true } }), layer("b", { rest: { adoption: "Never" } })])).toEqual([]);
  });

  it("is nothing behind a layer in trouble, unless that waits for what somebody else has, or passes", () => {
    const layers = [layer("tried"), layer("next")];
    expect(wanted(layers, [view("tried", { failure }), view("next")])).toEqual([]);
    const awaits = [{ key: "/ConfigMap/web/tried" }] as unknown as NonNullable<LayerView["awaits"]>;
    const step = { kind: "ClaimRelease" } as LayerView["step"] & object;
    for (const about of [{ failure, awaits }, { failure, step }, { failure: passing }])
      expect(wanted(layers, [view("tried", about), view("next")])).toEqual(["/ConfigMap/web/next"]);
  });
});
