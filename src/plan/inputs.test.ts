import { describe, expect, it } from "vitest";
import type { Profile } from "../api/types.ts";
import { type InputsContext, type LayerInputs, layerValues, readInputs } from "./inputs.ts";
import type { EngineLayer } from "./types.ts";

const helm = { repo: "https://charts.example.com", chart: "web", version: "1.x" };
const layerOf = (extra: object = {}) => ({ name: "web", namespace: "web", helm, ...extra }) as EngineLayer;
const profile = { kind: "AddOnProfile", metadata: { name: "p", namespace: "acme" }, spec: {} } as Profile;

function inputsOf(layer: EngineLayer, extra: Partial<InputsContext> = {}): LayerInputs {
  const context = { profile, referents: () => ({ kind: "absent" as const }), digestKey: new Uint8Array(32) };
  const read = readInputs(layer, { ...context, kubernetesVersion: "v1.36.3", ...extra });
  if (read.kind !== "read") throw new Error(JSON.stringify(read));
  return read.inputs;
}

describe("a layer with expressions", () => {
  const written = layerOf({ helm: { ...helm, version: "an expression" }, values: { a: "an expression" } });
  const given = (version: string, a: unknown) =>
    inputsOf(layerOf({ helm: { ...helm, version }, values: { a } }), { written });

  it("is rendered anew when one of them gives something else", () => {
    expect(given("1.x", 1).digest).toBe(given("1.x", 1).digest);
    expect(given("1.x", 2).digest).not.toBe(given("1.x", 1).digest);
  });

  it("keeps the version that its range once gave when a value changes", () => {
    expect(given("1.x", 2).specDigest).toBe(given("1.x", 1).specDigest);
  });

  it("asks for another version when an expression gives one", () => {
    expect(given("2.x", 1).specDigest).not.toBe(given("1.x", 1).specDigest);
    expect(given("2.x", 1).digest).not.toBe(given("1.x", 1).digest);
  });
});

describe("a part of a pack", () => {
  const part = { of: "web", name: "app" };
  const chart = (values: object, version = "1.x") =>
    inputsOf(layerOf({ helm: { ...helm, version }, values, part: { ...part, kind: "chart" } }));
  const manifests = (values: object, extra: Partial<InputsContext> = {}) =>
    inputsOf({ ...layerOf({ part: { ...part, kind: "manifests", values } }), helm: undefined } as never, extra);

  it("keeps the version that the range of its own chart once gave when a value of the pack changes", () => {
    expect(chart({ a: 2 }).specDigest).toBe(chart({ a: 1 }).specDigest);
    expect(chart({ a: 2 }).digest).not.toBe(chart({ a: 1 }).digest);
    expect(chart({}, "2.x").specDigest).not.toBe(chart({}).specDigest);
  });

  it("is the same whether another part comes after it or not: that only decides how it is judged", () => {
    const last = layerOf({ part: { ...part, kind: "chart" } });
    const followed = layerOf({ part: { ...part, kind: "chart", isFollowed: true } });
    expect(inputsOf(followed).digest).toBe(inputsOf(last).digest);
  });

  it("of manifests is rendered anew for other values, and for another minor version of Kubernetes", () => {
    const { digest } = manifests({ a: 1 });
    expect(manifests({ a: 2 }).digest).not.toBe(digest);
    expect(manifests({ a: 1 }, { kubernetesVersion: "v1.36.4" }).digest).toBe(digest);
    expect(manifests({ a: 1 }, { kubernetesVersion: "v1.37.0" }).digest).not.toBe(digest);
  });
});

describe("a cluster's overrides", () => {
  it("are an input", () => {
    const digests = [[], [{ a: 1 }], [{ a: 2 }]].map((overrides) => inputsOf(layerOf(), { overrides }).digest);
    expect(new Set(digests).size).toBe(3);
  });

  it("go over all values, in order: maps deep, lists replaced, a null deletes the chart's own", () => {
    const layer = layerOf({ values: { map: { a: 1, b: 1 }, list: [1, 2], gone: 1, last: 1 } });
    const overrides = [{ map: { b: 2 }, list: [3], gone: null, last: 2 }, { last: 3 }];
    expect(layerValues(inputsOf(layer, { overrides }))).toEqual({
      map: { a: 1, b: 2 },
      list: [3],
      gone: null,
      last: 3,
    });
  });
});
