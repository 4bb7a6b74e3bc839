import type { Layer, Profile, TargetCluster, VariableSource } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { artifactOf, type FluxArtifact, type FluxKind, isFluxKind } from "./flux-artifact.ts";

/** A ConfigMap, a Secret or a source of Flux on the hub that a profile refers to. */
export interface Reference {
  kind: "ConfigMap" | "Secret" | FluxKind;
  namespace: string;
  name: string;
}

/** The present content of a reference: the object, that it does not exist, that it is being read, or why it cannot be. */
export type Referent =
  | { kind: "found"; object: KubeObject }
  | { kind: "absent" }
  | { kind: "reading" }
  | { kind: "failed"; failure: Failure };

export type Referents = (reference: Reference) => Referent;

/** One place that refers to such an object. */
export interface Use {
  reference: Reference;
  key: string | undefined;
  optional: boolean;
  path: string;
}

/** Every object on the hub that a profile needs on some clusters, each once. */
export function referencesOf({ spec, metadata }: Profile, clusters: readonly TargetCluster[]): Reference[] {
  const uses = [
    ...spec.layers.flatMap((layer) => usesOf(layer, metadata.namespace)),
    ...variableUses(spec.variablesFrom, metadata.namespace),
    ...clusters.flatMap((cluster) => variableUses(cluster.spec.variablesFrom, cluster.metadata.namespace)),
  ];
  return [...new Map(uses.map(({ reference }) => [referenceKey(reference), reference])).values()];
}

/** One string per object that is referred to. */
export function referenceKey(reference: Reference): string {
  return `${reference.kind}/${reference.namespace}/${reference.name}`;
}

/** What the references of one layer hold now. */
export type ReadInputs =
  | {
      kind: "read";
      texts: ReadonlyMap<string, readonly SourceText[]>;
      /** Of Flux's sources, by path. */
      artifacts: ReadonlyMap<string, FluxArtifact>;
    }
  | { kind: "reading" }
  | { kind: "missing"; failure: Failure };

/** The text of one key, with words that say where it stands. */
export interface SourceText {
  what: string;
  key: string;
  text: string;
}

/**
 * Reads the references of a layer: each path (`manifests[1]`, `valuesFrom[0]`) with the texts that stand there.
 * All that is missing is said at once. An absent optional reference is an empty list.
 */
export function readReferences(layer: Layer, namespace: string | undefined, referents: Referents): ReadInputs {
  return readUses(usesOf(layer, namespace), referents);
}

/** Reads references, each by its path. */
export function readUses(uses: readonly Use[], referents: Referents): ReadInputs {
  const texts = new Map<string, SourceText[]>();
  const artifacts = new Map<string, FluxArtifact>();
  const problems: string[] = [];
  let reading = false;
  for (const use of uses) {
    const referent = referents(use.reference);
    if (referent.kind === "reading") reading = true;
    else if (referent.kind === "failed") problems.push(`${use.path}: ${referent.failure.message}`);
    else if (isFluxKind(use.reference.kind)) {
      const artifact = artifactIn(use, referent);
      if (typeof artifact === "string") problems.push(`${use.path}: ${artifact}`);
      else artifacts.set(use.path, artifact);
    } else texts.set(use.path, textsOf(use, referent, problems));
  }
  if (problems.length > 0) return { kind: "missing", failure: new Failure("ReferenceNotFound", problems.join("; ")) };
  return reading ? { kind: "reading" } : { kind: "read", texts, artifacts };
}

type Present = Extract<Referent, { kind: "found" | "absent" }>;

function artifactIn({ reference: { kind, namespace, name } }: Use, referent: Present): FluxArtifact | string {
  const what = `${kind} ${namespace}/${name}`;
  return referent.kind === "absent" ? `${what} does not exist` : artifactOf(referent.object, what);
}

function textsOf(use: Use, referent: Present, problems: string[]): SourceText[] {
  const { kind, namespace, name } = use.reference;
  const where = `${kind} ${namespace}/${name}`;
  if (referent.kind === "absent") {
    if (!use.optional) problems.push(`${use.path}: ${where} does not exist`);
    return [];
  }
  const data = dataOf(referent.object);
  if (use.key === undefined) {
    return [...data]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, text]) => ({ what: `${where} key ${key}`, key, text }));
  }
  const text = data.get(use.key);
  if (text === undefined) {
    if (!use.optional) problems.push(`${use.path}: ${where} has no key ${use.key}; ${keysOf(data)}`);
    return [];
  }
  return [{ what: `${where} key ${use.key}`, key: use.key, text }];
}

const KEYS_LISTED = 5;

/** Names of keys are no secrets, and the one that was meant is often among them. */
function keysOf(data: ReadonlyMap<string, string>): string {
  const keys = [...data.keys()].sort();
  const rest = keys.length - KEYS_LISTED;
  return `it has ${keys.slice(0, KEYS_LISTED).join(", ") || "none"}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function dataOf(object: KubeObject): Map<string, string> {
  const plain = Object.entries((object["data"] ?? {}) as Record<string, string>);
  if (object.kind !== "Secret") return new Map(plain);
  return new Map(plain.map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]));
}

function usesOf(layer: Layer, namespace: string | undefined): Use[] {
  return (["manifests", "attachments", "valuesFrom"] as const).flatMap((field) =>
    (layer[field] ?? []).flatMap((source, index) => useOf(source, `${field}[${index}]`, namespace) ?? []),
  );
}

/** The places of `variablesFrom` of a profile or a cluster in a namespace. */
export function variableUses(sources: readonly VariableSource[] = [], namespace: string | undefined): Use[] {
  return sources.flatMap((source, index) => useOf(source, `variablesFrom[${index}]`, namespace) ?? []);
}

type Ref = { name: string; namespace?: string };

/** Whatever names one object, or one key of it. */
interface ReferringSource {
  configMapRef?: Ref;
  secretRef?: Ref;
  configMapKeyRef?: Ref & { key: string };
  secretKeyRef?: Ref & { key: string };
  sourceRef?: Ref & { kind: FluxKind };
  optional?: boolean;
}

function useOf(source: ReferringSource, path: string, namespace: string | undefined): Use | undefined {
  const { configMapRef, configMapKeyRef, secretRef, secretKeyRef, sourceRef } = source;
  const single = configMapKeyRef ?? secretKeyRef;
  const ref = configMapRef ?? secretRef ?? sourceRef ?? single;
  if (!ref) return undefined;
  return {
    reference: {
      kind: sourceRef?.kind ?? (configMapRef || configMapKeyRef ? "ConfigMap" : "Secret"),
      namespace: namespaceOf(ref, namespace),
      name: ref.name,
    },
    key: single?.key,
    optional: source.optional ?? false,
    path,
  };
}

/** A reference never crosses namespaces; only a SystemProfile, which has none, names one (the API server demands it). */
function namespaceOf(ref: { namespace?: string | undefined }, profileNamespace: string | undefined): string {
  return profileNamespace ?? ref.namespace ?? "";
}
