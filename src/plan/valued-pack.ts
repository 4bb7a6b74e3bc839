import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { choosePresets, type Pack, type PackValues, packValues } from "../pack/index.ts";
import { hideMacrosInYaml } from "../pack/macro-text.ts";
import type { MacroDocument, MacroTable } from "../pack/macro-types.ts";
import { type LayerInputs, layerValues } from "./inputs.ts";
import { sensitiveValues } from "./sensitive-values.ts";

/** A pack as its registry has it, without what only its templates need. */
export interface LoadedPack {
  pack: Pack;
  version: string;
  /** `sha256:<hex>` of the packed pack. */
  digest: string;
  /** In the order of the pack. */
  charts: readonly LoadedChart[];
  /** It is stored from before, and why it has no signature of those that its Registry asks for by now. */
  unverified?: Failure;
}

/** What is stored of a pack is gone, and with it whose signatures it needs: it is fetched again. */
export class PackLost extends Failure {
  constructor(layer: string) {
    const what = `what strata-system keeps of the pack of layer ${layer} is gone or cannot be read`;
    super("SourceUnavailable", `${what}: it is fetched again, to know whose signatures it needs`);
  }
}

export interface LoadedChart {
  path: string;
  name: string;
  version: string;
  subcharts: readonly string[];
  /** Its own values.yaml. */
  values: Record<string, unknown>;
}

/** A pack layer whose references are read. */
export interface PackLayer {
  layer: Layer;
  inputs: LayerInputs;
}

/** A pack with the values of its layer, in which the macros are still hidden. */
export interface Valued extends PackLayer {
  loaded: LoadedPack;
  values: PackValues;
  own: Record<string, unknown>;
  macros: MacroTable;
}

/** @param key of the target's digests */
export function valuesOf({ layer, inputs }: PackLayer, loaded: LoadedPack, key: Uint8Array): Valued | Failure {
  const { pack } = loaded;
  const where = `pack ${pack.name} ${loaded.version}`;
  const chosen = choosePresets(pack, layer.pack?.presets ?? []);
  if (!chosen.ok) return new Failure("InvalidValues", `${where}: ${chosen.problems.join("; ")}`);
  const text = hideMacrosInYaml(pack.valuesText, `layer ${layer.name}, ${where}, values.yaml`, key);
  const adds = chosen.value.map((preset) => ({
    preset,
    hidden: hideMacrosInYaml(preset.add, `layer ${layer.name}, ${where}, preset ${preset.name}`, key),
  }));
  // What Secrets, ConfigMaps and expressions give is data: macros are hidden in the layer's own words alone.
  const own = layerValues(inputs);
  if (own instanceof Failure) return own;
  const presets = adds.map(({ preset, hidden }) => ({ ...preset, add: hidden.text }));
  const values = packValues({ pack, text: text.text, presets, values: own, where });
  if (!values.ok) return new Failure("InvalidValues", values.problems.join("; "));
  const macros = new Map([
    ...text.macros,
    ...adds.flatMap(({ hidden }) => [...hidden.macros]),
    ...(inputs.macros ?? []),
  ]);
  return { layer, inputs, loaded, values: values.value, own, macros };
}

/** What the macros of other packs may ask of it. */
export function documentOf({ layer, inputs, loaded, values, macros }: Valued): MacroDocument {
  const sensitive = sensitiveValues(inputs);
  const document = { layer: layer.name, pack: loaded.pack.name, tree: values.final, macros };
  return sensitive.length > 0 ? { ...document, sensitive } : document;
}

/** Whether macros of a pack ask for values of another. One that asks for values of its own name gets its own. */
export function asksFor({ macros, loaded: { pack } }: Valued, name: string): boolean {
  if (name === pack.name) return false;
  const reference = `pack.${name}.`;
  const uses = [...macros.values()].flatMap((use) => (use.kind === "pipeline" ? use.references : []));
  return (
    uses.some((path) => path.startsWith(reference)) ||
    pack.manifests.some(({ text }) => text.includes(`.spectro.${reference}`))
  );
}
