import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SYSTEM_PROFILE } from "../api/kinds.ts";
import { API_VERSION } from "../api/names.ts";
import { isProfileKind, parseProfile, parseTargetCluster } from "../api/parse.ts";
import type { Profile, TargetCluster } from "../api/types.ts";
import { describeRef, isCrd, parseApiVersion, refOf } from "../objects/identity.ts";
import { normalize } from "../objects/normalize.ts";
import type { KubeObject, Result } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import { type Reference, type Referents, referenceKey } from "../plan/references.ts";

/** What a person's files say, as far as it has to do with profiles. */
export interface Documents {
  profiles: readonly Profile[];
  targets: readonly TargetCluster[];
  /** ConfigMaps and Secrets that profiles may refer to. */
  referents: Referents;
  /** They make their kinds known. */
  crds: readonly KubeObject[];
}

const STDIN = "-";
const MANIFEST = /\.(ya?ml|json)$/;
const DEFAULT_NAMESPACE = "default";

/**
 * Reads files, folders (their .yaml, .yml and .json files, in order of name) and `-` for standard input. Documents of
 * other kinds are left aside. All problems are told, each with file, document and line or field.
 *
 * @param namespace of objects that name none
 */
export async function readDocuments(
  paths: readonly string[],
  namespace = DEFAULT_NAMESPACE,
): Promise<Result<Documents>> {
  const problems: string[] = [];
  const objects: KubeObject[] = [];
  for (const path of paths) {
    const read = await readPath(path);
    if (read.ok) objects.push(...read.value);
    else problems.push(...read.problems);
  }
  const own = objects.filter(
    ({ apiVersion }) => parseApiVersion(apiVersion).group === parseApiVersion(API_VERSION).group,
  );
  const profiles = valuesOf(
    own.filter(({ kind }) => isProfileKind(kind)).map((profile) => inNamespace(profile, namespace)),
    parseProfile,
    problems,
  );
  const targets = valuesOf(
    own.filter(({ kind }) => kind === "TargetCluster"),
    parseTargetCluster,
    problems,
  );
  if (problems.length > 0) return { ok: false, problems };
  const crds = objects.filter(isCrd);
  return { ok: true, value: { profiles, targets, referents: referentsIn(objects, namespace), crds } };
}

/** How a path is called in sentences. */
export function nameOfFile(path: string): string {
  return path === STDIN ? "standard input" : path;
}

async function readPath(path: string): Promise<Result<KubeObject[]>> {
  try {
    if (path === STDIN) return parseManifests(await text(process.stdin), nameOfFile(path));
    if (!(await stat(path)).isDirectory()) return parseManifests(await readFile(path, "utf8"), path);
    const names = (await readdir(path)).filter((name) => MANIFEST.test(name)).sort();
    return joined(await Promise.all(names.map((name) => readPath(join(path, name)))));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "it is not readable";
    return {
      ok: false,
      problems: [`${path}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}`],
    };
  }
}

function joined(results: readonly Result<KubeObject[]>[]): Result<KubeObject[]> {
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: results.flatMap((result) => (result.ok ? result.value : [])) };
}

function inNamespace(object: KubeObject, fallback: string): KubeObject {
  const { namespace = fallback } = object.metadata;
  return object.kind === SYSTEM_PROFILE.kind ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

function valuesOf<T>(objects: readonly KubeObject[], parse: (object: unknown) => Result<T>, problems: string[]): T[] {
  return objects.flatMap((object) => {
    const parsed = parse(object);
    if (parsed.ok) return [parsed.value];
    problems.push(...parsed.problems.map((problem) => `${describeRef(refOf(object))}: ${problem}`));
    return [];
  });
}

function referentsIn(objects: readonly KubeObject[], fallback: string): Referents {
  const found = new Map<string, KubeObject>();
  for (const object of objects) {
    if (object.apiVersion !== "v1" || (object.kind !== "ConfigMap" && object.kind !== "Secret")) continue;
    const { name = "", namespace = fallback } = object.metadata;
    found.set(referenceKey({ kind: object.kind, namespace, name }), normalize(object));
  }
  return (reference: Reference) => {
    const object = found.get(referenceKey(reference));
    return object ? { kind: "found", object } : { kind: "absent" };
  };
}
