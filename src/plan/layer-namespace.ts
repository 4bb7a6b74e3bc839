import { Failure } from "../errors.ts";
import { canonicalJson } from "../objects/json.ts";
import { isReservedMark } from "./reserved.ts";
import type { PlannedLayer } from "./types.ts";

/** Labels and annotations for the namespace of layers. */
export interface NamespaceMetadata {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const FIELDS = ["labels", "annotations"] as const;

/**
 * What all layers of a profile that use a namespace ask of it: one field manager writes it, so they have to agree.
 *
 * @returns an InvalidSpec failure when two of them want different values, or one wants a mark that is Strata's own
 */
export function namespaceMetadataOf(layers: readonly Placed[], namespace: string): NamespaceMetadata | Failure {
  const metadata: NamespaceMetadata = { labels: {}, annotations: {} };
  for (const layer of layers) {
    const asked =
      layer.namespace === namespace ? layer.spec.namespaceMetadata : layer.spec.part?.namespaces?.[namespace];
    for (const field of FIELDS) {
      const failure = add(asked?.[field], field, metadata[field]);
      if (failure) return failure;
    }
  }
  return metadata;
}

type Placed = Pick<PlannedLayer, "spec" | "namespace">;

/** All namespaces that a layer has: its own, and what its pack has besides. */
export function namespacesOf({ spec, namespace }: Placed): string[] {
  return [...(namespace === undefined ? [] : [namespace]), ...Object.keys(spec.part?.namespaces ?? {})];
}

function add(
  asked: Readonly<Record<string, string>> = {},
  field: (typeof FIELDS)[number],
  all: Record<string, string>,
): Failure | undefined {
  for (const [key, value] of Object.entries(asked)) {
    const where = `namespaceMetadata.${field}: ${key}`;
    if (isReservedMark(key)) return new Failure("InvalidSpec", `${where} is set by Strata itself: take it out`);
    const other = all[key];
    if (other !== undefined && other !== value) {
      const clash = `${where} is "${value}", and "${other}" for the same namespace in a layer above`;
      return new Failure("InvalidSpec", `${clash}: keep one of them`);
    }
    all[key] = value;
  }
  return undefined;
}

/** Tells whether a namespace was given this metadata already. */
export function namespaceDigest(metadata: NamespaceMetadata): string {
  return canonicalJson(metadata);
}
