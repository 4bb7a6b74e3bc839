import type { Layer, ManifestSource, Profile, ValuesSource } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";

/** A ConfigMap or Secret on the hub that a profile refers to. */
export interface Reference {
  kind: "ConfigMap" | "Secret";
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

/** One place in a layer that refers to a ConfigMap or Secret. */
interface Use {
  reference: Reference;
  key: string | undefined;
  optional: boolean;
  path: string;
}

/** Every ConfigMap and Secret that a profile needs, each once. */
export function referencesOf(profile: Profile): Reference[] {
  const uses = profile.spec.layers.flatMap((layer) => usesOf(layer, profile.metadata.namespace));
  return [...new Map(uses.map(({ reference }) => [referenceKey(reference), reference])).values()];
}

export function referenceKey(reference: Reference): string {
  return `${reference.kind}/${reference.namespace}/${reference.name}`;
}

/** What the references of one layer hold now. */
export type ReadInputs =
  | { kind: "read"; texts: ReadonlyMap<string, readonly SourceText[]> }
  | { kind: "reading" }
  | { kind: "missing"; failure: Failure };

/** The text of one key, with words that say where it stands. */
export interface SourceText {
  what: string;
  text: string;
}

/**
 * Reads the references of a layer: each path (`manifests[1]`, `valuesFrom[0]`) with the texts that stand there.
 * All that is missing is said at once. An absent optional reference is an empty list.
 */
export function readReferences(layer: Layer, namespace: string | undefined, referents: Referents): ReadInputs {
  const texts = new Map<string, SourceText[]>();
  const problems: string[] = [];
  let reading = false;
  for (const use of usesOf(layer, namespace)) {
    const referent = referents(use.reference);
    if (referent.kind === "reading") reading = true;
    else if (referent.kind === "failed") problems.push(`${use.path}: ${referent.failure.message}`);
    else texts.set(use.path, textsOf(use, referent, problems));
  }
  if (problems.length > 0) return { kind: "missing", failure: new Failure("ReferenceNotFound", problems.join("; ")) };
  return reading ? { kind: "reading" } : { kind: "read", texts };
}

function textsOf(
  use: Use,
  referent: Extract<Referent, { kind: "found" | "absent" }>,
  problems: string[],
): SourceText[] {
  const { kind, namespace, name } = use.reference;
  const where = `${kind} ${namespace}/${name}`;
  if (referent.kind === "absent") {
    if (!use.optional) problems.push(`${use.path}: ${where} does not exist`);
    return [];
  }
  const data = dataOf(referent.object);
  if (use.key === undefined) {
    return [...data].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, text]) => ({ what: `${where} key ${key}`, text }));
  }
  const text = data.get(use.key);
  if (text === undefined) {
    if (!use.optional) problems.push(`${use.path}: ${where} has no key ${use.key}; ${keysOf(data)}`);
    return [];
  }
  return [{ what: `${where} key ${use.key}`, text }];
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
  const manifests = (["manifests", "attachments"] as const).flatMap(
    (field) => layer[field]?.map((source, index) => manifestUse(source, `${field}[${index}]`, namespace)) ?? [],
  );
  const values = layer.valuesFrom?.map((source, index) => valuesUse(source, `valuesFrom[${index}]`, namespace)) ?? [];
  return [...manifests, ...values].filter((use) => use !== undefined);
}

function manifestUse(source: ManifestSource, path: string, namespace: string | undefined): Use | undefined {
  const whole = source.configMapRef ?? source.secretRef;
  const single = source.configMapKeyRef ?? source.secretKeyRef;
  const ref = whole ?? single;
  if (!ref) return undefined;
  return {
    reference: {
      kind: source.configMapRef || source.configMapKeyRef ? "ConfigMap" : "Secret",
      namespace: namespaceOf(ref, namespace),
      name: ref.name,
    },
    key: single?.key,
    optional: source.optional ?? false,
    path,
  };
}

function valuesUse(source: ValuesSource, path: string, namespace: string | undefined): Use | undefined {
  const ref = source.configMapKeyRef ?? source.secretKeyRef;
  if (!ref) return undefined;
  return {
    reference: {
      kind: source.configMapKeyRef ? "ConfigMap" : "Secret",
      namespace: namespaceOf(ref, namespace),
      name: ref.name,
    },
    key: ref.key,
    optional: source.optional ?? false,
    path,
  };
}

/** A reference never crosses namespaces; only a SystemProfile, which has none, names one (the API server demands it). */
function namespaceOf(ref: { namespace?: string | undefined }, profileNamespace: string | undefined): string {
  return profileNamespace ?? ref.namespace ?? "";
}
