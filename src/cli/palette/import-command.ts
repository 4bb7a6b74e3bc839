import { readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { Failure } from "../../errors.ts";
import { EXIT, type Outcome } from "../outcome.ts";
import { convert, type Imported } from "./convert.ts";
import { type PaletteProfile, parseExport } from "./export-file.ts";
import { type KnownPacks, packKey, readKnownPacks } from "./known-packs.ts";
import { printImport } from "./print.ts";

export interface ImportCommandOptions {
  /** A file, or `-`. */
  file: string;
  /** A file, or a folder that exists; standard output if undefined. */
  output: string | undefined;
  force: boolean;
  namespace: string | undefined;
  clusters: readonly string[];
  /** `Name in Palette=address`. */
  registries: readonly string[];
  /** A folder with folders of packs, whose own values are left out of the layers'. */
  packs: string | undefined;
}

/** `strata import palette`: a profile and its Registries as YAML; what needs a person goes to standard error too. */
export async function importCommand(options: ImportCommandOptions): Promise<Outcome> {
  const { file, output, force, namespace, clusters, registries, packs } = options;
  const source = file === "-" ? "standard input" : basename(file);
  const parsed = parseExport(await contentOf(file), source);
  if (!parsed.ok) return refused(parsed.problems);
  const urls = new Map(registries.map(registryOf));
  const known = packs === undefined ? new Map() : await knownPacks(packs, parsed.value);
  const imported = convert(parsed.value, { namespace, clusters, urls, known });
  if (!imported.ok) return refused(imported.problems);
  const { decide, notes } = imported.value.findings;
  const problems = [...decide.map((one) => `decide: ${one}`), ...notes.map((one) => `note: ${one}`)];
  const text = await printed(imported.value, { source, output, force });
  return { text, problems, code: EXIT.ok };
}

function refused(problems: readonly string[]): Outcome {
  return { text: "", problems, code: EXIT.problems };
}

async function contentOf(file: string): Promise<string> {
  if (file === "-") return textOf(process.stdin);
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Failure("InvalidSpec", `${file}: cannot be read`, { cause: error });
  }
}

function registryOf(pair: string): [string, string] {
  const at = pair.indexOf("=");
  const url = pair.slice(at + 1);
  if (at > 0 && /^(https?|oci):\/\//.test(url)) return [pair.slice(0, at), url];
  throw new Failure("InvalidSpec", "--registry must be like 'Public Repo=oci://host/folder'");
}

async function knownPacks(folder: string, { spec }: PaletteProfile): Promise<KnownPacks> {
  const wanted = spec.template.packs.flatMap(({ name, version }) =>
    version === undefined ? [] : [packKey(name, version)],
  );
  return readKnownPacks(folder, new Set(wanted));
}

interface Printing {
  source: string;
  output: string | undefined;
  force: boolean;
}

async function printed(imported: Imported, { source, output, force }: Printing): Promise<string> {
  const { profile, registries } = printImport(imported, source);
  const whole = registries === "" ? profile : `${profile}---\n${registries}`;
  if (output === undefined) return whole;
  const isFolder = await stat(output).then(
    (found) => found.isDirectory(),
    () => output.endsWith("/"),
  );
  const { name } = imported.profile.metadata;
  const files = isFolder
    ? [
        { path: join(output, `${name}.yaml`), text: profile },
        ...(registries === "" ? [] : [{ path: join(output, `${name}-registries.yaml`), text: registries }]),
      ]
    : [{ path: output, text: whole }];
  for (const one of files) await write(one, force);
  return files.map(({ path }) => `${path}\n`).join("");
}

async function write({ path, text }: { path: string; text: string }, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    const why = exists ? "is there already: say --force to write over it" : "cannot be written";
    throw new Failure("InvalidSpec", `${path}: ${why}`, { cause: error });
  }
}
