import type { Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import type { MacroTable } from "../pack/macro-types.ts";
import type { FluxArtifact } from "./flux-artifact.ts";
import { type ReadInputs, type Referents, readReferences, type SourceText } from "./references.ts";
import type { EngineLayer } from "./types.ts";
import { overlayValues, parseValues, setAtPath } from "./values.ts";

/** Where a layer's values have what expressions made of something sensitive; keys of `pathKey`. */
interface SensitiveInputs {
  /** In its `values`. */
  values: readonly string[];
  /** In each of the cluster's overrides. */
  overrides: readonly (readonly string[])[];
}

/** What a layer's content is made from, read and merged; nothing of it is fetched yet. */
export interface LayerInputs {
  /** With what its expressions give. */
  layer: EngineLayer;
  namespace: string | undefined;
  texts: ReadonlyMap<string, readonly SourceText[]>;
  /** What Flux's sources have now, by path. */
  artifacts: ReadonlyMap<string, FluxArtifact>;
  /** Values for this cluster alone, over all others. */
  overrides: readonly Record<string, unknown>[];
  /** The macros that are hidden in the values of a pack's layer. */
  macros?: MacroTable;
  /** What in its values and overrides came from something sensitive, where anything did. */
  sensitive?: SensitiveInputs;
  /** Digest of the layer's own words: a version range or a tag is resolved again only when it moves. */
  specDigest: string;
  /** Digest of all inputs: a render is due only when it moves. */
  digest: string;
}

export type InputsState = { kind: "read"; inputs: LayerInputs } | Exclude<ReadInputs, { kind: "read" }>;

export interface InputsContext {
  profile: Profile;
  referents: Referents;
  digestKey: Uint8Array;
  /** Of the target, as its API server says it: charts may look at it. A patch release is no new input. */
  kubernetesVersion: string;
  overrides?: readonly Record<string, unknown>[];
  /** The layer as it is written, before its expressions were evaluated. */
  written?: EngineLayer;
  /** Those that are hidden in the layer's values. */
  macros?: MacroTable | undefined;
  sensitive?: SensitiveInputs | undefined;
}

/** Gathers the inputs of a layer and digests them. The digest is keyed: it may stand in a status. */
export function readInputs(layer: EngineLayer, context: InputsContext): InputsState {
  const read = readReferences(layer, context.profile.metadata.namespace, context.referents);
  if (read.kind !== "read") return read;
  const namespace = layer.namespace ?? context.profile.spec.namespace;
  const { written = layer, overrides = [], digestKey, macros, sensitive } = context;
  const specDigest = ownWords(layer, written, digestKey);
  // Templates may ask which Kubernetes it is; those of a chart, whether its own CRDs are there.
  const isTemplate = layer.helm !== undefined || layer.part !== undefined;
  const cluster = isTemplate ? [minorOf(context.kubernetesVersion), layer.crds === "Skip"] : null;
  const evaluated = written === layer && !layer.part ? null : specDigestOf(layer, digestKey);
  const texts = [...read.texts].map(([path, found]) => [path, found.map(({ what, text }) => [what, text])]);
  // Where an artifact is served from is none of its content.
  const artifacts = [...read.artifacts].map(([path, { digest, revision }]) => [path, digest, revision]);
  const parts = [specDigest, evaluated, namespace ?? null, texts, artifacts, overrides, cluster];
  const digest = hmacDigest(digestKey, parts);
  const about = { layer, namespace, texts: read.texts, artifacts: read.artifacts, overrides, specDigest, digest };
  return { kind: "read", inputs: { ...about, ...(macros ? { macros } : {}), ...(sensitive ? { sensitive } : {}) } };
}

/** Whether a layer is written as it was when its content was made from these inputs, whatever its expressions give by now. */
export function isWrittenAs(written: EngineLayer, { layer, specDigest }: LayerInputs, digestKey: Uint8Array): boolean {
  return ownWords(layer, written, digestKey) === specDigest;
}

function ownWords(layer: EngineLayer, written: EngineLayer, digestKey: Uint8Array): string {
  // The values of a pack's part come from many places, and ask for no other version of what it is made from.
  const words = layer.part
    ? hmacDigest(digestKey, [layer.helm ?? null, layer.attachments ?? null])
    : specDigestOf(written, digestKey);
  // A version that an expression gives is looked up anew, as one that is written is.
  const versions = versionsOf(layer);
  const isWritten = versionsOf(written).every((version, index) => version === versions[index]);
  return isWritten ? words : hmacDigest(digestKey, [words, versions]);
}

/** The versions of a layer's sources that expressions may give. */
function versionsOf({ helm, manifests = [], attachments = [] }: EngineLayer): (string | null)[] {
  return [helm?.version ?? null, ...[...manifests, ...attachments].map(({ oci }) => oci?.version ?? null)];
}

/** `1.36` of `v1.36.3`. */
function minorOf(kubernetesVersion: string): string {
  return /^v?(\d+\.\d+)/.exec(kubernetesVersion)?.[1] ?? "";
}

/** Merged chart values of a layer: `values`, `valuesFrom` in order, the cluster's overrides; a problem names the path, never a value. */
export function layerValues({ layer, texts, overrides }: LayerInputs): Record<string, unknown> | Failure {
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
  for (const override of overrides) values = overlayValues(values, override);
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
  "recreate",
  "drift",
  "namespaceMetadata",
  "crds",
  "test",
  "onFailure",
  "maxHistory",
  "when",
  "suspend",
  "requires",
  "outputs",
]);

const digests = new WeakMap<EngineLayer, { key: Uint8Array; digest: string }>();

function specDigestOf(layer: EngineLayer, key: Uint8Array): string {
  const known = digests.get(layer);
  if (known?.key === key) return known.digest;
  // What comes after a part decides how it is judged, too.
  const { isFollowed: _, ...part } = layer.part ?? {};
  const content = layer.part ? { ...layer, part } : layer;
  const fields = Object.entries(content).filter(([name]) => !NOT_CONTENT.has(name));
  const digest = hmacDigest(key, Object.fromEntries(fields));
  digests.set(layer, { key, digest });
  return digest;
}
