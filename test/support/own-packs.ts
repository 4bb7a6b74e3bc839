import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readCharts } from "../../src/cli/packs/charts.ts";
import { readPackFolder } from "../../src/cli/packs/pack-folder.ts";
import { canonicalJson } from "../../src/objects/json.ts";
import { findPath, type KnownChart, type Pack, type PackFiles, parsePack } from "../../src/pack/index.ts";
import { hideMacros } from "../../src/pack/macro-text.ts";
import { parseValues, type Values } from "../../src/plan/values.ts";
import { packCharts } from "../../src/source/archive/pack-charts.ts";

/** Where the packs are that come with Strata. */
const PACKS = join(import.meta.dirname, "../../packs");

export interface OwnPack {
  /** `hello-1.0.0`. */
  folder: string;
  /** As a registry has them, charts packed. */
  files: PackFiles;
  pack: Pack;
  charts: readonly KnownChart[];
  /** values.yaml with its macros as they are written. */
  defaults: Values;
}

/** All packs in `packs/`, by name. */
export async function ownPacks(): Promise<OwnPack[]> {
  const folders = (await readdir(PACKS)).sort();
  return Promise.all(folders.map(ownPack));
}

async function ownPack(folder: string): Promise<OwnPack> {
  const where = `pack ${folder}`;
  const files = packCharts(await readPackFolder(join(PACKS, folder)));
  const pack = sure(parsePack(files, where));
  const { charts, problems } = await readCharts(pack.charts, where);
  if (problems.length > 0) throw new Error(problems.join("; "));
  return { folder, files, pack, charts, defaults: sure(parseValues(pack.valuesText, where)) };
}

function sure<T>(result: { ok: true; value: T } | { ok: false; problems: readonly string[] }): T {
  if (!result.ok) throw new Error(result.problems.join("; "));
  return result.value;
}

/** A line of the table of values in a pack's README.md. */
export interface DocumentedValue {
  path: string;
  /** As a cell of Markdown. */
  standard: string;
  meaning: string;
}

export function documentedValues({ readme = "" }: Pick<Pack, "readme">): DocumentedValue[] {
  const rows = readme.matchAll(/^\| `([^`|]+)` \|((?:[^|\\]|\\.)*)\|((?:[^|\\]|\\.)*)\|$/gm);
  return [...rows].map(([, path = "", standard = "", meaning = ""]) => ({
    path,
    standard: standard.trim(),
    meaning: meaning.trim(),
  }));
}

/** What the table should say of the default at a path. */
export function standardOf(defaults: Values, path: string): string {
  const [spot] = findPath(defaults, path);
  const value = spot?.value ?? "";
  if (value === "") return "";
  const [first = "", ...more] = (typeof value === "object" ? canonicalJson(value) : String(value)).split("\n");
  const text = more.length > 0 ? `${first}…` : first;
  return `\`${text.replaceAll("|", "\\|")}\``;
}

/** The paths below `charts` and `manifests` that lead to something that is no map, or to an empty one. */
export function leavesOf(values: Values): string[] {
  const below = (value: unknown, path: string): string[] => {
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    const entries = isMap ? Object.entries(value) : [];
    return entries.length === 0 ? [path] : entries.flatMap(([key, item]) => below(item, `${path}.${key}`));
  };
  return ["charts", "manifests"].flatMap((section) => (section in values ? below(values[section], section) : []));
}

/** A variable of the profile that a pack asks for. */
export interface AskedVariable {
  name: string;
  isRequired: boolean;
}

export function variablesOf({ valuesText, presets, manifests }: Pack): AskedVariable[] {
  const texts = [valuesText, ...presets.map(({ add }) => add), ...manifests.map(({ text }) => text)];
  const uses = texts.flatMap((text) => [...hideMacros(text, "pack").macros.values()]);
  const required = new Map<string, boolean>();
  for (const use of uses) {
    if (use.kind === "malformed") throw new Error(`${use.where}: ${use.sentence}`);
    const names = use.references.flatMap((path) => /^var\.(\w+)/.exec(path)?.[1] ?? []);
    for (const name of names) required.set(name, !use.hasDefault || required.get(name) === true);
  }
  return [...required].map(([name, isRequired]) => ({ name, isRequired }));
}

/** The images that a pack says it needs, for sites without a way to the internet. */
export function imagesOf(defaults: Values): string[] {
  const images = findPath(defaults, "pack.content.images.$[].image");
  return images.map(({ value }) => String(value));
}
