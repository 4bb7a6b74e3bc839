import type { Layer, Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import { type ReadInputs, type Referents, readReferences, type SourceText } from "./references.ts";
import { overlayValues, parseValues, setAtPath } from "./values.ts";

/** What a layer's content is made from, read and merged; nothing of it is fetched yet. */
export interface LayerInputs {
  layer: Layer;
  namespace: string | undefined;
  texts: ReadonlyMap<string, readonly SourceText[]>;
  /** Digest of the layer's own words: a chart's version range is resolved again only when it moves. */
  specDigest: string;
  /** Digest of all inputs: a render is due only when it moves. */
  digest: string;
}

export type InputsState = { kind: "read"; inputs: LayerInputs } | Exclude<ReadInputs, { kind: "read" }>;

export interface InputsContext {
  profile: Profile;
  referents: Referents;
  digestKey: Uint8Array;
  /** Kubernetes minor of the target, `1.36`: charts may look at it. A patch release is no new input. */
  kubernetesMinor: string;
}

/** Gathers the inputs of a layer and digests them. The digest is keyed: it may stand in a status. */
export function readInputs(layer: Layer, context: InputsContext): InputsState {
  const read = readReferences(layer, context.profile.metadata.namespace, context.referents);
  if (read.kind !== "read") return read;
  const namespace = layer.namespace ?? context.profile.spec.namespace;
  const specDigest = specDigestOf(layer, context.digestKey);
  // Whether a chart's own CRDs are there is what its templates may ask.
  const cluster = layer.helm ? [context.kubernetesMinor, layer.crds === "Skip"] : null;
  const parts = [specDigest, namespace ?? null, [...read.texts], cluster];
  return {
    kind: "read",
    inputs: { layer, namespace, texts: read.texts, specDigest, digest: hmacDigest(context.digestKey, parts) },
  };
}

/** Merged chart values of a layer: `values`, then `valuesFrom` in order; a problem names the path, never a value. */
export function layerValues({ layer, texts }: LayerInputs): Record<string, unknown> | Failure {
  let values = layer.values ?? {};
  const problems: string[] = [];
  layer.valuesFrom?.forEach((source, index) => {
    const path = `valuesFrom[${index}]`;
    for (const { what, text } of texts.get(path) ?? []) {
      const next =
        source.targetPath === undefined
          ? mergeText(values, text, `${path}, ${what}`)
          : setAtPath(values, source.targetPath, text);
      if (next.ok) values = next.value;
      else problems.push(...next.problems);
    }
  });
  return problems.length > 0 ? new Failure("InvalidValues", problems.join("; ")) : values;
}

function mergeText(values: Record<string, unknown>, text: string, what: string): ReturnType<typeof parseValues> {
  const parsed = parseValues(text, what);
  return parsed.ok ? { ok: true, value: overlayValues(values, parsed.value) } : parsed;
}

/** Fields of a layer that decide how it is applied or judged, but not what it renders. */
const NOT_CONTENT = new Set([
  "type",
  "gate",
  "timeout",
  "healthChecks",
  "adoption",
  "prune",
  "namespaceMetadata",
  "crds",
  "test",
  "onFailure",
  "maxHistory",
]);

const digests = new WeakMap<Layer, { key: Uint8Array; digest: string }>();

function specDigestOf(layer: Layer, key: Uint8Array): string {
  const known = digests.get(layer);
  if (known?.key === key) return known.digest;
  const digest = hmacDigest(key, Object.fromEntries(Object.entries(layer).filter(([name]) => !NOT_CONTENT.has(name))));
  digests.set(layer, { key, digest });
  return digest;
}
