import { isMap } from "../objects/json.ts";
import type { Values } from "../plan/values.ts";
import { nearNames } from "../text/near-names.ts";
import { mapAt, own } from "./maps.ts";
import { PACK_KEYS } from "./meta.ts";
import { told } from "./tell.ts";
import type { Pack } from "./types.ts";

/** A chart of the pack, as far as it has been read. */
export interface KnownChart {
  /** From its Chart.yaml. */
  name: string;
  /** Its own values.yaml and the names of its subcharts, once they are known. */
  values?: Values;
  subcharts?: readonly string[];
}

type PackShape = Pick<Pack, "name" | "valuesText" | "manifests">;

const SECTIONS: readonly string[] = ["pack", "charts", "manifests", "readinessCheck"];

/** Keys that Helm gives to every chart. */
const OF_ALL_CHARTS: readonly string[] = ["global", "enabled"];

/**
 * Warnings about values in the pack's own values.yaml that have no effect: under `charts` for a chart that the pack has
 * not, under `manifests` for a manifest that it has not, at the top where nothing refers to them, or one level too high
 * in a chart's.
 *
 * @param defaults as `packValues` gives them
 */
export function packDefects(pack: PackShape, charts: readonly KnownChart[], defaults: Values): string[] {
  const names = charts.map(({ name }) => name);
  const keys = pack.manifests.map(({ key }) => key);
  const overrides = mapAt(mapAt(defaults, "pack"), "releaseNameOverride");
  const strangers = [
    { prefix: "charts.", map: mapAt(defaults, "charts"), known: names, what: "chart" },
    { prefix: "manifests.", map: mapAt(defaults, "manifests"), known: keys, what: "manifest" },
    { prefix: "pack.releaseNameOverride.", map: overrides, known: names, what: "chart" },
  ].map(({ prefix, map, known, what }) => {
    const unknown = unknownKeys(map, known).map((key) => `${prefix}${key}`);
    return some(unknown, (list) => `${list}: the pack has no such ${what}, so this has no effect`);
  });
  const free = unknownKeys(defaults, SECTIONS).filter((key) => !isReferredTo(pack, key));
  const found = [
    ...strangers.flat(),
    ...some(free, (list) => `${list}: nothing in the pack refers to it`),
    ...charts.flatMap((chart) => nestTooHigh(chart, defaults)),
  ];
  return told(found.map((sentence) => `pack ${pack.name}, values.yaml: ${sentence}`));
}

const MAX_LISTED = 5;

/** A sentence about several keys, if there are any. */
function some(keys: readonly string[], sentence: (list: string) => string): string[] {
  const [more, listed] = [keys.length - MAX_LISTED, keys.slice(0, MAX_LISTED).join(", ")];
  return keys.length === 0 ? [] : [sentence(more > 0 ? `${listed} and ${more} more` : listed)];
}

/** Keys of one map that are looked at: more than anybody reads warnings about, and little work also for a hostile pack. */
const MAX_CHECKED = 100;

function unknownKeys(map: Values, known: readonly string[]): string[] {
  const names = new Set(known);
  return Object.keys(map)
    .filter((key) => !names.has(key))
    .slice(0, MAX_CHECKED);
}

/** `.spectro.pack.<name>.<key>` stands somewhere in the values or the manifests; other packs may use the key too. */
function isReferredTo({ name, valuesText, manifests }: PackShape, key: string): boolean {
  return [valuesText, ...manifests.map(({ text }) => text)].some((text) =>
    text.includes(`.spectro.pack.${name}.${key}`),
  );
}

/**
 * None of the keys is a value of the chart, and one of the chart's maps has some of them: then they belong in there. (A
 * chart may use values that its values.yaml does not show, so that the first alone is no sign.)
 */
function nestTooHigh(chart: KnownChart, defaults: Values): string[] {
  const path = `charts.${chart.name}`;
  const keys = Object.keys(mapAt(mapAt(defaults, "charts"), chart.name));
  if (keys.some((key) => isValueOf(chart, key))) return [];
  const checked = keys.slice(0, MAX_CHECKED);
  const nest = Object.entries(chart.values ?? {}).find(
    ([, below]) => isMap(below) && checked.some((key) => Object.hasOwn(below, key)),
  )?.[0];
  if (nest === undefined) return [];
  return [
    `${path} has no key that is a value of the chart, so it has no effect; its keys belong under ${path}.${nest}`,
  ];
}

function isValueOf({ values = {}, subcharts = [] }: KnownChart, key: string): boolean {
  return Object.hasOwn(values, key) || subcharts.includes(key) || OF_ALL_CHARTS.includes(key);
}

/** What a layer's values are checked against. */
export interface Known {
  pack: PackShape;
  charts: readonly KnownChart[];
  /** The pack's values with the chosen presets, as `packValues` gives them. */
  preset: Values;
}

/**
 * Warnings about keys of a layer's own values that have no effect: a top key that the pack has not, a chart or manifest
 * that it has not, a value that neither the chart (if its values are known) nor the pack has, a manifest's value that
 * its template does not use. Each names what may be meant.
 */
export function checkLayerValues({ pack, charts, preset }: Known, values: Values): string[] {
  const names = charts.map(({ name }) => name);
  const keys = pack.manifests.map(({ key }) => key);
  return told([
    ...topKeys({ pack, preset, charts: names }, values),
    ...strange(
      mapAt(values, "pack"),
      [...PACK_KEYS, ...Object.keys(mapAt(preset, "pack"))],
      (key) => `values: pack.${key} is not known`,
    ),
    ...strange(mapAt(values, "charts"), names, (key) => `values: charts.${key} names no chart of the pack`),
    ...strange(mapAt(values, "manifests"), keys, (key) => `values: manifests.${key} names no manifest of the pack`),
    ...charts.flatMap((chart) => chartKeys(chart, { preset, values })),
    ...pack.manifests.flatMap(({ key, text }) => manifestKeys({ key, text }, { preset, values })),
  ]);
}

/** One sentence per key that is not known, with names that come near. */
function strange(map: Values, known: readonly string[], sentence: (key: string) => string): string[] {
  return unknownKeys(map, known).map((key) => `${sentence(key)}${meant(nearNames(key, [...new Set(known)]))}`);
}

function meant(names: readonly string[]): string {
  return names.length === 0 ? "" : `; did you mean ${names.join(", ")}?`;
}

interface Top {
  pack: PackShape;
  preset: Values;
  charts: readonly string[];
}

function topKeys({ pack, preset, charts }: Top, values: Values): string[] {
  const known = [...new Set([...SECTIONS, ...Object.keys(preset)])];
  const unknown = unknownKeys(values, known).filter((key) => !isReferredTo(pack, key));
  return unknown.map((key) => {
    const inCharts = charts.includes(key) ? [`charts.${key}`] : [];
    return `values: the pack has no key ${key}${meant([...inCharts, ...nearNames(key, known)])}`;
  });
}

interface Layer {
  preset: Values;
  values: Values;
}

function chartKeys(chart: KnownChart, { preset, values }: Layer): string[] {
  if (chart.values === undefined) return [];
  const below = (map: Values): Values => mapAt(mapAt(map, "charts"), chart.name);
  const known = [
    ...Object.keys(chart.values),
    ...(chart.subcharts ?? []),
    ...OF_ALL_CHARTS,
    ...Object.keys(below(preset)),
  ];
  const unknown = strange(
    below(values),
    known,
    (key) => `values: charts.${chart.name}.${key} is no value of the chart`,
  );
  return [
    ...unknown,
    ...misspelt(below(values), { like: [chart.values, below(preset)], path: `charts.${chart.name}` }),
  ];
}

interface Templates {
  like: readonly unknown[];
  path: string;
}

/** Shorter names are near to anything: cpu, gpu. */
const MIN_SLIP = 4;

/**
 * Deeper down only what looks like a slip is told: maps there are often open (labels, limits, options of others).
 */
function misspelt(map: Values, { like, path }: Templates): string[] {
  return Object.entries(map).flatMap(([key, value]) => {
    const templates = like.map((template) => own(template, key)).filter(isMap);
    if (!isMap(value) || templates.length === 0) return [];
    const known = [...new Set(templates.flatMap((template) => Object.keys(template)))];
    const slips = unknownKeys(value, known).flatMap((name) => {
      const near = name.length < MIN_SLIP ? [] : nearNames(name, known);
      return near.length === 0 ? [] : [`values: ${path}.${key}.${name} is no value of the chart${meant(near)}`];
    });
    return [...slips, ...misspelt(value, { like: templates, path: `${path}.${key}` })];
  });
}

/** A template uses `.Values.port`, or has the word in some other way, as `index .Values "my-port"`. */
function manifestKeys({ key, text }: { key: string; text: string }, { preset, values }: Layer): string[] {
  const known = Object.keys(mapAt(mapAt(preset, "manifests"), key));
  const used = unknownKeys(mapAt(mapAt(values, "manifests"), key), known).filter((name) => !text.includes(name));
  return used.map(
    (name) => `values: manifests.${key}.${name} is not used by the manifest${meant(nearNames(name, known))}`,
  );
}
