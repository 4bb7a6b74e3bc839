import type { Layer } from "../../api/types.ts";
import { packJson, type SampleFiles, samplePack } from "../../pack/testdata/sample.ts";
import type { LayerInputs } from "../inputs.ts";
import { withMacrosHidden } from "../layer-macros.ts";
import { openPacks, type PackContext, type PackMemory, type PackState, packKey } from "../packs.ts";
import type { LoadedChart, LoadedPack } from "../valued-pack.ts";

const KEY = new Uint8Array(32).fill(7);

/** A layer with the pack that it has, or what came of fetching it. */
export interface SampleLayer {
  layer: Layer;
  loaded?: PackMemory["result"] | LoadedPack;
  /** What else is known of what it refers to. */
  inputs?: Partial<LayerInputs>;
}

/** A pack layer as the API gives it. */
export function packLayer(name: string, fields: Partial<Layer> = {}): Layer {
  const pack = { registryRef: { name: "ours" }, name, version: "1.0.0" };
  const layer = {
    name,
    type: "AddOn",
    gate: "Ready",
    timeout: "10m",
    adoption: "IfUnowned",
    prune: "AfterApply",
    pack,
  };
  return { ...layer, ...fields } as Layer;
}

/** A fetched pack: charts by name, each with version 2.0.0, and the files of the pack besides. */
export function loadedPack(
  name: string,
  {
    charts = [],
    files = {},
    json = {},
  }: { charts?: readonly (string | Partial<LoadedChart>)[]; files?: SampleFiles; json?: object } = {},
): LoadedPack {
  const known = charts.map((chart): LoadedChart => {
    const fields = typeof chart === "string" ? { name: chart } : chart;
    return { path: `charts/${fields.name}.tgz`, name: "", version: "2.0.0", subcharts: [], values: {}, ...fields };
  });
  const archives = Object.fromEntries(known.map(({ path }) => [path, new Uint8Array()]));
  const manifests = Object.keys(files).filter((path) => path.startsWith("manifests/"));
  const about = packJson({ name, charts: known.map(({ path }) => path), kubeManifests: manifests, ...json });
  return {
    pack: samplePack({ "pack.json": about, ...archives, ...files }),
    version: "1.0.0",
    digest: `sha256:${name}`,
    charts: known,
  };
}

export function packContext(layers: readonly SampleLayer[], more: Partial<PackContext> = {}): PackContext {
  const memories = layers.flatMap(({ layer, loaded }) => {
    if (!loaded) return [];
    const result = "kind" in loaded ? loaded : { kind: "loaded" as const, loaded };
    return [[layer.name, { key: packKey(layer, KEY), attempts: 1, result }] as const];
  });
  return {
    memories: new Map(memories),
    answers: new Map(),
    scope: { system: { cluster: { name: "edge-1" } }, var: { zone: "north", size: 3 }, macro: {} },
    digestKey: KEY,
    namespace: undefined,
    kubernetesVersion: "v1.36.3",
    nodes: undefined,
    installed: new Map(),
    absent: [],
    today: "2026-11-22",
    ...more,
  };
}

/** Of a layer that refers to nothing. */
export const NO_INPUTS = { texts: new Map(), artifacts: new Map(), overrides: [], specDigest: "", digest: "" };

/** What becomes of layers, by name. */
export function opened(layers: readonly SampleLayer[], more: Partial<PackContext> = {}): Record<string, PackState> {
  const inputs = layers.map(({ layer: written, inputs: given }) => {
    const { layer, macros } = withMacrosHidden(written, KEY);
    const about = {
      layer,
      namespace: layer.namespace,
      texts: new Map(),
      artifacts: new Map(),
      overrides: [],
      specDigest: "",
      digest: "",
    };
    return { layer, inputs: { ...about, ...given, ...(macros ? { macros } : {}) } };
  });
  return Object.fromEntries(openPacks(inputs, packContext(layers, more)));
}

/** The parts of the only layer. */
export function partsOf(
  layer: Layer,
  loaded: LoadedPack,
  more: Partial<PackContext> = {},
): PackState & { kind: "parts" } {
  const state = opened([{ layer, loaded }], more)[layer.name];
  if (state?.kind !== "parts") throw new Error(JSON.stringify(state));
  return state;
}
