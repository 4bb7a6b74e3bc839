import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { manifestsOf } from "../objects/manifests.ts";
import type { KubeObject, Result } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import type { SourceText } from "./references.ts";
import type { LayerContent } from "./types.ts";

/**
 * The objects of a layer's `manifests`, or the `attachments` of its chart, in the order they are written.
 *
 * @param texts what the layer's references hold, by path (`manifests[1]`)
 * @returns the objects, or one InvalidManifest failure that lists every problem
 */
export function plainObjects(
  layer: Layer,
  field: "manifests" | "attachments",
  texts: ReadonlyMap<string, readonly SourceText[]>,
): KubeObject[] | Failure {
  const objects: KubeObject[] = [];
  const problems: string[] = [];
  layer[field]?.forEach((source, index) => {
    const path = `${field}[${index}]`;
    if (source.object) {
      objects.push(...taken(manifestsOf(source.object, `${path}.object`), problems));
    } else if (source.inline !== undefined) {
      objects.push(...taken(parseManifests(source.inline, `${path}.inline`), problems));
    } else {
      for (const { what, text } of texts.get(path) ?? [])
        objects.push(...taken(parseManifests(text, `${path}, ${what}`), problems));
    }
  });
  return problems.length > 0 ? new Failure("InvalidManifest", problems.join("; ")) : objects;
}

/** The content of a `manifests` layer. */
export function manifestsContent(
  layer: Layer,
  texts: ReadonlyMap<string, readonly SourceText[]>,
): LayerContent | Failure {
  const objects = plainObjects(layer, "manifests", texts);
  return objects instanceof Failure ? objects : { objects, crds: [] };
}

function taken(result: Result<KubeObject[]>, problems: string[]): KubeObject[] {
  if (result.ok) return result.value;
  problems.push(...result.problems);
  return [];
}
