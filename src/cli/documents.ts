import { SYSTEM_PROFILE } from "../api/kinds.ts";
import { API_VERSION } from "../api/names.ts";
import { isProfileKind, parseProfile, parseRegistry, parseTargetCluster } from "../api/parse.ts";
import type { Profile, Registry, TargetCluster } from "../api/types.ts";
import { describeRef, isCrd, parseApiVersion, refOf } from "../objects/identity.ts";
import { normalize } from "../objects/normalize.ts";
import type { KubeObject, Result } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import { artifactOf, FLUX_GROUP, isFluxKind } from "../plan/flux-artifact.ts";
import { type Reference, type Referents, referenceKey } from "../plan/references.ts";
import { registryKey } from "../wiring/registry-access.ts";
import { joined, readTexts } from "./files.ts";

/** What a person's files say, as far as it has to do with profiles. */
export interface Documents {
  profiles: readonly Profile[];
  targets: readonly TargetCluster[];
  /** By `namespace/name`. */
  registries: ReadonlyMap<string, Registry>;
  /** What profiles and Registries may refer to. */
  referents: Referents;
  /** They make their kinds known. */
  crds: readonly KubeObject[];
}

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
    own.filter(({ kind }) => kind === "TargetCluster").map((target) => inNamespace(target, namespace)),
    parseTargetCluster,
    problems,
  );
  const registries = valuesOf(
    own.filter(({ kind }) => kind === "Registry").map((registry) => inNamespace(registry, namespace)),
    parseRegistry,
    problems,
  );
  if (problems.length > 0) return { ok: false, problems };
  const crds = objects.filter(isCrd);
  return {
    ok: true,
    value: {
      profiles,
      targets,
      registries: new Map(registries.map((registry) => [registryKey(registry), registry])),
      referents: referentsIn(objects, namespace),
      crds,
    },
  };
}

async function readPath(path: string): Promise<Result<KubeObject[]>> {
  const texts = await readTexts(path);
  return texts.ok ? joined(texts.value.map(({ text, what }) => parseManifests(text, what))) : texts;
}

/** The object with the namespace that it would get: a SystemProfile has none. */
export function inNamespace(object: KubeObject, fallback: string): KubeObject {
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

/** A source of Flux is of use only with the artifact that a cluster has written into its status. */
function referableKind(object: KubeObject): Reference["kind"] | undefined {
  const { apiVersion, kind } = object;
  if (apiVersion === "v1" && (kind === "ConfigMap" || kind === "Secret")) return kind;
  if (parseApiVersion(apiVersion).group !== FLUX_GROUP || !isFluxKind(kind)) return undefined;
  return typeof artifactOf(object, kind) === "string" ? undefined : kind;
}

/** What profiles may refer to among objects. */
export function referentsIn(objects: readonly KubeObject[], fallback: string): Referents {
  const found = new Map<string, KubeObject>();
  for (const object of objects) {
    const kind = referableKind(object);
    if (!kind) continue;
    const { name = "", namespace = fallback } = object.metadata;
    found.set(referenceKey({ kind, namespace, name }), normalize(object));
  }
  return (reference: Reference) => {
    const object = found.get(referenceKey(reference));
    return object ? { kind: "found", object } : { kind: "absent" };
  };
}
