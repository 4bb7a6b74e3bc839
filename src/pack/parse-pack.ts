import type { Result } from "../objects/types.ts";
import { nearNames } from "../text/near-names.ts";
import { type PackJson, parsePackJson } from "./pack-json.ts";
import { parsePresets } from "./presets-file.ts";
import { parseSchema } from "./schema-file.ts";
import { told } from "./tell.ts";
import type { Pack, PackManifest } from "./types.ts";

/** A pack's files by their path in its folder. */
export type PackFiles = ReadonlyMap<string, Uint8Array>;

const PACK_JSON = "pack.json";
const VALUES = "values.yaml";
const PRESETS = "presets.yaml";
const SCHEMA = "schema.yaml";
const VALUES_SCHEMA = "values.schema.json";
const README = "README.md";
/** More of them tell nobody more. */
const MAX_PROBLEMS = 100;

/**
 * Reads a pack of the public Palette layout. What pack.json does not list is not looked at. Problems are told all at
 * once, each led by `where`, the file and the field; none quotes a value.
 *
 * @param where names the pack in problems: `pack karpenter 1.5.1`
 */
export function parsePack(files: PackFiles, where: string): Result<Pack> {
  const reader = new Reader(files, where);
  const json = reader.read(PACK_JSON, parsePackJson, { required: true });
  const pack = {
    valuesText: reader.text(VALUES, { required: true }) ?? "",
    charts: json?.charts.map((path, index) => chartAt(reader, { path, index })) ?? [],
    manifests: json === undefined ? [] : manifestsOf(reader, json),
    presets: reader.read(PRESETS, parsePresets) ?? [],
    schema: reader.read(SCHEMA, parseSchema),
    valuesSchema: reader.text(VALUES_SCHEMA),
    readme: reader.text(README),
  };
  if (json === undefined || reader.problems.length > 0) {
    return { ok: false, problems: told(reader.problems.slice(0, MAX_PROBLEMS)) };
  }
  const warnings = [
    ...json.warnings.map((warning) => `${PACK_JSON}: ${warning}`),
    ...(pack.schema?.warnings ?? []).map((warning) => `${SCHEMA}: ${warning}`),
    ...sharedKeys(pack.manifests),
  ];
  return { ok: true, value: { ...json.metadata, ...pack, schema: pack.schema?.rules ?? [], warnings: told(warnings) } };
}

interface Need {
  required?: boolean;
}

/** Reads files of a pack and collects what is wrong with them. */
class Reader {
  readonly problems: string[] = [];
  readonly files: PackFiles;
  readonly #where: string;

  constructor(files: PackFiles, where: string) {
    this.files = files;
    this.#where = where;
  }

  report(place: string, problem: string): undefined {
    this.problems.push(`${this.#where}, ${place}: ${problem}`);
  }

  text(path: string, { required = false }: Need = {}): string | undefined {
    const bytes = this.files.get(path);
    if (bytes === undefined) return required ? this.report(path, "the pack has no such file") : undefined;
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return this.report(path, "this is not UTF-8 text");
    }
  }

  read<T>(path: string, parse: (text: string, what: string) => Result<T>, need: Need = {}): T | undefined {
    const text = this.text(path, need);
    if (text === undefined) return undefined;
    const parsed = parse(text, `${this.#where}, ${path}`);
    if (parsed.ok) return parsed.value;
    for (const problem of parsed.problems) this.problems.push(problem);
    return undefined;
  }
}

interface Entry {
  path: string;
  index: number;
}

const NOTHING = new Uint8Array();

function chartAt(reader: Reader, { path, index }: Entry): { path: string; archive: Uint8Array } {
  const file = inFolder(path);
  const archive = reader.files.get(file);
  if (archive === undefined) reader.report(PACK_JSON, missing(reader, { field: `charts[${index}]`, path }));
  return { path: file, archive: archive ?? NOTHING };
}

function manifestsOf(reader: Reader, { manifests }: PackJson): PackManifest[] {
  return manifests.map((path, index) => {
    const file = inFolder(path);
    const there = reader.files.has(file);
    if (!there) reader.report(PACK_JSON, missing(reader, { field: `kubeManifests[${index}]`, path }));
    return { path, key: keyOf(file), text: reader.text(file) ?? "" };
  });
}

function inFolder(path: string): string {
  return path.replace(/^(?:\.?\/)+/, "");
}

function keyOf(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.ya?ml$/i, "");
}

/** To look for names like another takes time; of many that are missing, the first ones tell what is wrong. */
const MAX_HINTS = 10;

/** The sentence for a file that pack.json lists and the pack has not. */
function missing({ files, problems }: Reader, { field, path }: { field: string; path: string }): string {
  if (problems.length >= MAX_HINTS) return `${field}: "${path}" is not in the pack`;
  const [extension = ""] = /\.[a-z]{1,20}$/i.exec(path) ?? [];
  const near = nearNames(
    inFolder(path),
    [...files.keys()].filter((name) => name.endsWith(extension)),
  );
  return `${field}: "${path}" is not in the pack${near.length > 0 ? `; it has ${near.join(", ")}` : ""}`;
}

function sharedKeys(manifests: readonly PackManifest[]): string[] {
  return manifests.flatMap(({ key, path }, index) => {
    const first = manifests.findIndex((manifest) => manifest.key === key);
    if (first === index) return [];
    return [`${PACK_JSON}: ${manifests[first]?.path} and ${path} share the values under manifests.${key}`];
  });
}
