import { isMap } from "../objects/json.ts";
import type { Result } from "../objects/types.ts";
import { mergeValues, overlayValues, parseValues, type Values } from "../plan/values.ts";
import { mapAt, own } from "./maps.ts";
import { applyPresets } from "./presets.ts";
import type { Pack, Preset } from "./types.ts";

export interface ValuesInput {
  pack: Pick<Pack, "presets">;
  /** The pack's `valuesText` with its macros replaced. */
  text: string;
  /** From `choosePresets`, with the macros in `add` replaced. */
  presets: readonly Preset[];
  /** The layer's own: sparse, with the same top keys. */
  values: Values;
  /** Names the pack in problems: `pack karpenter 1.5.1`. */
  where: string;
}

/** A pack's values in the three states that the checks ask for. */
export interface PackValues {
  /** values.yaml as the pack brings it. */
  defaults: Values;
  /** With the presets applied. */
  preset: Values;
  /** With the layer's values merged over them. */
  final: Values;
  warnings: string[];
}

/**
 * The values of a pack: values.yaml, then presets in order, then the layer's, merged as Helm does: maps deep, lists
 * replaced, null deletes the key. Under `charts.<name>` a null stays, since there it goes on to delete the chart's own
 * default. Problems name the place and never quote a value.
 */
export function packValues({ pack, text, presets, values, where }: ValuesInput): Result<PackValues> {
  const parsed = parseValues(text, `${where}, values.yaml`);
  if (!parsed.ok) return parsed;
  const defaults = parsed.value;
  const wrong = [
    ...misshapen(defaults).map((problem) => `${where}, values.yaml: ${problem}`),
    ...misshapen(values).map((problem) => `values: ${problem}`),
  ];
  if (wrong.length > 0) return { ok: false, problems: wrong };
  const applied = applyPresets(pack, presets, defaults);
  if (!applied.ok) return { ok: false, problems: applied.problems.map((problem) => `${where}, ${problem}`) };
  const shaped = misshapen(applied.value.values).map((problem) => `${where}, presets: ${problem}`);
  if (shaped.length > 0) return { ok: false, problems: shaped };
  const { values: preset, warnings } = applied.value;
  return { ok: true, value: { defaults, preset, final: overlay(preset, values), warnings } };
}

function overlay(base: Values, over: Values): Values {
  const charts = own(over, "charts");
  if (!isMap(charts)) return mergeValues(base, over);
  const { charts: _, ...others } = over;
  const merged = mergeValues(base, others);
  return { ...merged, charts: overlayCharts(mapAt(merged, "charts"), charts) };
}

function overlayCharts(base: Values, over: Values): Values {
  const result = new Map(Object.entries(base));
  for (const [chart, values] of Object.entries(over)) {
    if (values === null) result.delete(chart);
    else result.set(chart, isMap(values) ? overlayValues(mapAt(base, chart), values) : values);
  }
  return Object.fromEntries(result);
}

/** The values of one chart (by the name in its Chart.yaml), to go over the chart's own. */
export function chartValues(values: Values, chart: string): Result<Values> {
  // An entry that belongs to no chart is never asked for, so it may have any shape, as it has in some packs.
  const entry = own(mapAt(values, "charts"), chart);
  if (entry === undefined || entry === null) return { ok: true, value: {} };
  return isMap(entry) ? { ok: true, value: entry } : { ok: false, problems: [`values: charts.${chart} must be a map`] };
}

/** Maps of a pack's values whose keys the format gives a meaning. */
const SECTIONS = ["pack", "charts", "manifests"] as const;

function misshapen(values: Values): string[] {
  return SECTIONS.flatMap((section) => {
    const value = own(values, section);
    return value === undefined || value === null || isMap(value) ? [] : [`${section} must be a map`];
  });
}
