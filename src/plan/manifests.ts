import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { manifestsOf } from "../objects/manifests.ts";
import type { KubeObject, Result } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import type { SourceText } from "./references.ts";
import type { LayerContent } from "./types.ts";

/**
 * The objects of a `manifests` layer, in the order they are written.
 *
 * @param texts what the layer's references hold, by path (`manifests[1]`)
 * @returns the content, or one InvalidManifest failure that lists every problem
 */
export function manifestsContent(
  layer: Layer,
  texts: ReadonlyMap<string, readonly SourceText[]>,
): LayerContent | Failure {
  const objects: KubeObject[] = [];
  const problems: string[] = [];
  layer.manifests?.forEach((source, index) => {
    const path = `manifests[${index}]`;
    if (source.object) {
      objects.push(...taken(manifestsOf(source.object, `${path}.object`), problems));
    } else if (source.inline !== undefined) {
      objects.push(...taken(parseManifests(source.inline, `${path}.inline`), problems));
    } else {
      for (const { what, text } of texts.get(path) ?? [])
        objects.push(...taken(parseManifests(text, `${path}, ${what}`), problems));
    }
  });
  return problems.length > 0 ? new Failure("InvalidManifest", problems.join("; ")) : { objects, crds: [] };
}

function taken(result: Result<KubeObject[]>, problems: string[]): KubeObject[] {
  if (result.ok) return result.value;
  problems.push(...result.problems);
  return [];
}
