import { manifestsOf } from "../../objects/manifests.ts";
import {
  checkSchema,
  findPath,
  type KnownChart,
  type Pack,
  type PackFiles,
  type Preset,
  packDefects,
  packMeta,
  packValues,
  parsePack,
  releaseNameProblems,
  supportWarnings,
} from "../../pack/index.ts";
import { type HiddenText, hideMacros, hideMacrosInYaml, readMacroManifests } from "../../pack/macro-text.ts";
import type { MacroTable } from "../../pack/macro-types.ts";
import type { Values } from "../../plan/values.ts";
import { ArchiveRefused, readArchive } from "../../source/archive/read-archive.ts";
import { writeArchive } from "../../source/archive/write-archive.ts";
import { parseVersion } from "../../text/versions.ts";
import { readCharts } from "./charts.ts";
import { holdsMacro, withDummies } from "./dummies.ts";

/** What is to be said about a pack's folder. */
export interface Lint {
  /** Undefined when the folder cannot be read as a pack. */
  pack: { name: string; version: string } | undefined;
  /** Such a pack does not work. */
  problems: string[];
  /** It works, but something in it has no effect, or not the one that seems meant. */
  warnings: string[];
}

/**
 * Everything that can be said about a pack without a cluster and without the layer that uses it.
 *
 * @param where names the pack in sentences: `pack shop-1.2.0`
 * @param today as `2026-07-01`
 */
export async function lintPack(files: PackFiles, where: string, today: string): Promise<Lint> {
  const parsed = parsePack(files, where);
  if (!parsed.ok) return { pack: undefined, problems: parsed.problems, warnings: [] };
  const pack = parsed.value;
  const read = await readCharts(pack.charts, where);
  const judged = judge(pack, { where, charts: read.problems.length > 0 ? undefined : read.charts });
  const { name, version } = pack;
  return {
    pack: { name, version },
    problems: unique([...read.problems, ...(await packing(files, { name, version, where })), ...judged.problems]),
    warnings: unique([
      ...pack.warnings.map((warning) => `${where}, ${warning}`),
      ...supportWarnings(pack, today).map((warning) => `${where}: ${warning}`),
      ...versionWarnings(pack, where),
      ...unlisted(pack, { files, where }),
      ...judged.warnings,
    ]),
  };
}

/** What a registry's readers would refuse: the folder is packed and read again. */
async function packing(
  files: PackFiles,
  { name, version, where }: { name: string; version: string; where: string },
): Promise<string[]> {
  try {
    await readArchive(writeArchive(files, `${name}-${version}`), { stripRoot: true });
    return [];
  } catch (error) {
    if (error instanceof ArchiveRefused) return [`${where}: once packed, it ${error.message}`];
    throw error;
  }
}

function versionWarnings({ version }: Pack, where: string): string[] {
  if (parseVersion(version) !== undefined) return [];
  return [`${where}, pack.json: version ${version} is no semantic version: no range finds it`];
}

/** Files in the two folders of the format that pack.json does not list. Nested files belong to unpacked charts. */
function unlisted({ charts, manifests }: Pack, { files, where }: { files: PackFiles; where: string }): string[] {
  const listed = new Set([...charts, ...manifests].map(({ path }) => path.replace(/^(?:\.?\/)+/, "")));
  return [...files.keys()]
    .filter((path) => /^charts\/[^/]+\.tgz$|^manifests\/.*\.ya?ml$/.test(path) && !listed.has(path))
    .map((path) => `${where}, pack.json: ${path} is not listed, so it is left out`);
}

interface Found {
  problems: string[];
  warnings: string[];
}

interface Context {
  where: string;
  /** Undefined when they cannot be read. */
  charts: readonly KnownChart[] | undefined;
}

/** Values, presets, schema and manifests. Macros have no values here: what holds one is not judged by its content. */
function judge(pack: Pack, { where, charts }: Context): Found {
  const what = `${where}, values.yaml`;
  const hidden = hideMacrosInYaml(pack.valuesText, what);
  const own = packValues({ pack, text: hidden.text, presets: [], values: {}, where });
  const found: Found = { problems: malformed(hidden.macros), warnings: [] };
  if (!own.ok) return { ...found, problems: [...found.problems, ...own.problems] };
  const defaults = own.value.defaults;
  if (charts)
    found.warnings.push(...packDefects(pack, charts, defaults).map((defect) => withPlace(defect, pack, where)));
  const judged = { values: defaults, macros: hidden.macros, what };
  found.problems.push(...metaProblems(judged), ...formatProblems(pack, judged));
  found.warnings.push(...releaseWarnings(pack, { judged, charts: charts ?? [] }));
  const presets = pack.presets.map((preset) => presetOf(pack, { preset, values: hidden, where }));
  found.problems.push(...presets.flatMap(({ problems }) => problems));
  found.warnings.push(...presets.flatMap(({ warnings }) => warnings));
  const all = [defaults, ...presets.flatMap(({ values }) => (values === undefined ? [] : [values]))];
  found.warnings.push(...schemaWarnings(pack, { all, charts: charts ?? [], where }));
  found.problems.push(...manifestProblems(pack, { all, where }));
  return found;
}

/** The room of packs names a pack by its name alone; here folders are told apart. */
function withPlace(sentence: string, { name }: Pack, where: string): string {
  return sentence.replace(`pack ${name},`, `${where},`);
}

function malformed(macros: MacroTable): string[] {
  return [...macros.values()].flatMap((use) => (use.kind === "malformed" ? [`${use.where}: ${use.sentence}`] : []));
}

/** Values with their macros hidden, and how sentences call them. */
interface Judged {
  values: Values;
  macros: MacroTable;
  what: string;
}

function metaProblems({ values, macros, what }: Judged): string[] {
  const meta = packMeta(withDummies(values, macros));
  return meta.ok ? [] : meta.problems.map((problem) => `${what}: ${problem}`);
}

/** A layer can still name the release. */
function releaseWarnings(
  { name }: Pack,
  { judged: { values, macros, what }, charts }: { judged: Judged; charts: readonly KnownChart[] },
): string[] {
  const meta = packMeta(withDummies(values, macros));
  const names = charts.map((chart) => chart.name);
  return meta.ok ? releaseNameProblems(meta.value, name, names).map((problem) => `${what}: ${problem}`) : [];
}

/** Values of the pack itself that its own schema.yaml refuses. Whether a required one is there is the layer's affair. */
function formatProblems(pack: Pack, { values, macros, what }: Judged): string[] {
  const rules = pack.schema
    .filter(({ path }) => !findPath(values, path).some(({ value }) => holdsMacro(value, macros)))
    .map((rule) => ({ ...rule, required: false }));
  return checkSchema(rules, { preset: values, final: values }).problems.map((problem) => `${what}: ${problem}`);
}

interface JudgedPreset extends Found {
  values: Values | undefined;
}

interface OnePreset {
  preset: Preset;
  values: HiddenText;
  where: string;
}

function presetOf(pack: Pack, { preset, values: own, where }: OnePreset): JudgedPreset {
  const what = `${where}, presets.yaml, preset "${preset.group === undefined ? "" : `${preset.group}:`}${preset.name}"`;
  const hidden = hideMacrosInYaml(preset.add, what);
  const presets = [{ ...preset, add: hidden.text }];
  const applied = packValues({ pack, text: own.text, presets, values: {}, where });
  const problems = malformed(hidden.macros);
  if (!applied.ok) return { problems: [...problems, ...applied.problems], warnings: [], values: undefined };
  const { preset: values, warnings } = applied.value;
  const judged = { values, macros: new Map([...own.macros, ...hidden.macros]), what };
  return {
    problems: [...problems, ...metaProblems(judged), ...formatProblems(pack, judged)],
    warnings: warnings.map((warning) => `${where}, presets.yaml: ${warning}`),
    values,
  };
}

interface Surroundings {
  /** The pack's values as they are, and with each preset. */
  all: readonly Values[];
  where: string;
}

function schemaWarnings(
  pack: Pack,
  { all, charts, where }: Surroundings & { charts: readonly KnownChart[] },
): string[] {
  const ofCharts = { charts: Object.fromEntries(charts.map(({ name, values = {} }) => [name, values])) };
  const leadsNowhere = ({ path }: Pack["schema"][number]) =>
    [...all, ofCharts].every((values) => findPath(values, path.split(".$[]")[0] ?? path).length === 0);
  const nowhere = pack.schema.filter(leadsNowhere);
  const [defaults = {}] = all;
  const rules = pack.schema
    .filter((rule) => rule.required && !nowhere.includes(rule))
    .map((rule) => ({ ...rule, format: undefined, readonly: false }));
  return [
    ...nowhere.map(({ path }) => `${where}, schema.yaml: ${path} leads to no value of the pack, nor of a preset`),
    ...checkSchema(rules, { preset: defaults, final: defaults }).problems.map(
      (problem) => `${where}: a layer must give a value: ${problem}`,
    ),
  ];
}

/** Manifests that are applied as they are must be objects; of templates only the macros can be judged. */
function manifestProblems(pack: Pack, { all, where }: Surroundings): string[] {
  return pack.manifests.flatMap(({ path, key, text }) => {
    const what = `${where}, ${path}`;
    const hidden = hideMacros(text, what);
    const isTemplate = all.some((values) => findPath(values, "manifests").some(({ value }) => hasKey(value, key)));
    if (isTemplate) return malformed(hidden.macros);
    const read = readMacroManifests(hidden, what);
    const objects = read.ok ? read.value.map(({ tree, place }) => manifestsOf(tree, place)) : [read];
    return [...malformed(hidden.macros), ...objects.flatMap((result) => (result.ok ? [] : result.problems))];
  });
}

function hasKey(map: unknown, key: string): boolean {
  return typeof map === "object" && map !== null && Object.hasOwn(map, key);
}

function unique(sentences: readonly string[]): string[] {
  return [...new Set(sentences)];
}
