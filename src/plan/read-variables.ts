import type { Profile, TargetCluster, VariableSource } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import { type Referents, readUses, type SourceText, variableUses } from "./references.ts";
import { resolveVariables, type VariableInputs, type Variables, type VariableText } from "./variables.ts";

export interface VariableContext {
  profile: Profile;
  /** Undefined for the virtual cluster `local`. */
  target: TargetCluster | undefined;
  referents: Referents;
  digestKey: Uint8Array;
  /** Digests of immutable variables, as they were when they were first set on this cluster. */
  fixed: Readonly<Record<string, string>>;
}

export type ReadVariables =
  | { kind: "read"; variables: Variables }
  | { kind: "reading" }
  | { kind: "missing"; failure: Failure };

/** The variables of a profile on a cluster, from all places that give them. */
export function readVariables({ profile, target, referents, digestKey, fixed }: VariableContext): ReadVariables {
  const { variables: declared = [], variablesFrom = [] } = profile.spec;
  const { variablesFrom: clusterSources = [], variables: values = {} } = target?.spec ?? {};
  const what = `TargetCluster ${target?.metadata.name}`;
  const there = variableUses(clusterSources, target?.metadata.namespace);
  const uses = [
    ...variableUses(variablesFrom, profile.metadata.namespace),
    ...there.map((use) => ({ ...use, path: `${what} ${use.path}` })),
  ];
  const read = readUses(uses, referents);
  if (read.kind !== "read") return read;
  const resolved = resolveOnce({
    declared,
    profileTexts: textsOf(variablesFrom, (path) => read.texts.get(path)),
    cluster: target && { what, texts: textsOf(clusterSources, (path) => read.texts.get(`${what} ${path}`)), values },
    previousDigests: fixed,
    digestKey,
  });
  return "reason" in resolved ? { kind: "missing", failure: resolved } : { kind: "read", variables: resolved };
}

type Known = Map<string, { inputs: string; resolved: Variables | Failure }>;

const known = new WeakMap<VariableInputs["declared"], Known>();

/** As `resolveVariables`, which may compare long texts with patterns: the very same answer while the values are the same. */
function resolveOnce(given: VariableInputs): Variables | Failure {
  const { declared, digestKey, profileTexts, cluster, previousDigests } = given;
  const all: Known = known.get(declared) ?? new Map();
  known.set(declared, all);
  const where = cluster?.what ?? "";
  const before = all.get(where);
  const inputs = hmacDigest(digestKey, [profileTexts, cluster ?? null, previousDigests ?? null]);
  if (before?.inputs === inputs) return before.resolved;
  const resolved = resolveVariables(given);
  all.set(where, { inputs, resolved });
  return resolved;
}

function textsOf(
  sources: readonly VariableSource[],
  textsAt: (path: string) => readonly SourceText[] | undefined,
): VariableText[] {
  return sources.flatMap((source, index) => {
    const path = `variablesFrom[${index}]`;
    const fromSecret = source.secretRef !== undefined || source.secretKeyRef !== undefined;
    const isNamed = source.secretKeyRef !== undefined || source.configMapKeyRef !== undefined;
    return (textsAt(path) ?? []).map(({ what, key, text }) => ({
      path,
      what,
      name: source.variable ?? key,
      fromSecret,
      isNamed,
      text,
    }));
  });
}
