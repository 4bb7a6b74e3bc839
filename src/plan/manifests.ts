import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { manifestsOf } from "../objects/manifests.ts";
import type { KubeObject, Result } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import type { SourceText } from "./references.ts";
import type { LayerContent } from "./types.ts";

export type ManifestField = "manifests" | "attachments";
export type ManifestSource = NonNullable<Layer["manifests"]>[number];
/** What sources hold, by path (`manifests[1]`): references that were read, and files that were fetched. */
export type SourceTexts = ReadonlyMap<string, readonly SourceText[]>;

/** The sources of a layer whose texts are somewhere else than on the hub, with their paths. */
export function fetchedSources(layer: Layer): { path: string; source: ManifestSource }[] {
  return (["manifests", "attachments"] as const).flatMap((field) =>
    sourcesOf(layer, field).filter(({ source: { url, oci, sourceRef } }) => url ?? oci ?? sourceRef),
  );
}

/** Whether expressions in a source's objects are evaluated. */
export function isEvaluated(layer: Layer, source: ManifestSource): boolean {
  return source.expressions ?? layer.expressions ?? false;
}

/**
 * The objects of a layer's `manifests`, or the `attachments` of its chart, in the order they are written.
 *
 * @returns the objects, or one InvalidManifest failure that lists every problem
 */
export function plainObjects(layer: Layer, field: ManifestField, texts: SourceTexts): KubeObject[] | Failure {
  const groups = objectsBySource(layer, field, texts);
  return groups instanceof Failure ? groups : groups.flatMap(({ objects }) => objects);
}

/** The content of a `manifests` layer, with its expressions as they are written. */
export function manifestsContent(layer: Layer, texts: SourceTexts): LayerContent | Failure {
  const groups = objectsBySource(layer, "manifests", texts);
  if (groups instanceof Failure) return groups;
  const objects = groups.flatMap((group) => group.objects);
  const from = groups.flatMap(({ path, source, objects: own }) =>
    own.map(() => (isEvaluated(layer, source) ? path : null)),
  );
  return { objects, crds: [], ...(from.some((path) => path !== null) ? { evaluated: from } : {}) };
}

function sourcesOf(layer: Layer, field: ManifestField): { path: string; source: ManifestSource }[] {
  return layer[field]?.map((source, index) => ({ path: `${field}[${index}]`, source })) ?? [];
}

function objectsBySource(
  layer: Layer,
  field: ManifestField,
  texts: SourceTexts,
): { path: string; source: ManifestSource; objects: KubeObject[] }[] | Failure {
  const problems: string[] = [];
  const groups = sourcesOf(layer, field).map(({ path, source }) => ({
    path,
    source,
    objects: objectsIn(source, path, texts).flatMap((result) => taken(result, problems)),
  }));
  return problems.length > 0 ? new Failure("InvalidManifest", problems.join("; ")) : groups;
}

function objectsIn(source: ManifestSource, path: string, texts: SourceTexts): Result<KubeObject[]>[] {
  if (source.object) return [manifestsOf(source.object, `${path}.object`)];
  if (source.inline !== undefined) return [parseManifests(source.inline, `${path}.inline`)];
  return (texts.get(path) ?? []).map(({ what, text }) => parseManifests(text, `${path}, ${what}`));
}

function taken(result: Result<KubeObject[]>, problems: string[]): KubeObject[] {
  if (result.ok) return result.value;
  problems.push(...result.problems);
  return [];
}
