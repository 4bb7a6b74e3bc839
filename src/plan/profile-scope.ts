import { Failure } from "../errors.ts";
import type { MacroScope } from "../pack/macro-types.ts";
import type { OutputName } from "./expression-names.ts";
import type { Scope } from "./expression-scope.ts";
import { evaluateTree, PROFILE_BUDGET } from "./expressions.ts";
import { type ReadVariables, readVariables } from "./read-variables.ts";
import type { Seen } from "./seen.ts";
import { namesInValues } from "./seen-names.ts";
import { keysBelow } from "./sensitive-values.ts";
import type { Variables } from "./variables.ts";

/** What the expressions of a profile's layers may read on one cluster. */
export type ProfileScope =
  | {
      kind: "read";
      /** For one layer; `above` are the outputs of those before it. */
      scopeWith(above: Scope["layers"]): Scope;
      variables: Variables;
      overridesOf(layer: string, scope: Scope): Overrides | Failure;
    }
  | Exclude<ReadVariables, { kind: "read" }>;

/** Values for one cluster, with the outputs that they use or (then there are no values) wait for. */
export interface Overrides {
  values: readonly Record<string, unknown>[];
  uses: readonly OutputName[];
  waitsFor: readonly OutputName[];
  /** Where each of the values has something sensitive, if any has; keys of `pathKey`. */
  sensitive?: readonly (readonly string[])[];
}

export function profileScope(
  { profile, cluster, referents, site, fixed, side }: Seen,
  digestKey: Uint8Array,
): ProfileScope {
  const { target } = cluster;
  const read = readVariables({ profile, target, referents, digestKey, fixed });
  if (read.kind !== "read") return read;
  const { kind, metadata, spec } = profile;
  const scope = {
    cluster: {
      name: cluster.name,
      namespace: target?.metadata.namespace,
      labels: target?.metadata.labels,
      kubernetesVersion: site.kubernetesVersion,
      uid:
        ((side === "Management" ? undefined : site.uid) ?? (target ? target.status?.uid : site.prepared?.parent.hub)) ||
        undefined,
    },
    profile: { kind, name: metadata.name, namespace: metadata.namespace, version: spec.version },
    variables: read.variables,
    budget: { left: PROFILE_BUDGET },
  };
  return {
    kind: "read",
    scopeWith: (above) => ({ ...scope, layers: above }),
    variables: read.variables,
    overridesOf: (layer, within) => overridesOf(layer, within, { profile, cluster }),
  };
}

function overridesOf(
  layer: string,
  scope: Scope,
  { profile, cluster }: Pick<Seen, "profile" | "cluster">,
): Overrides | Failure {
  const values: Record<string, unknown>[] = [];
  const uses: OutputName[] = [];
  const waitsFor: OutputName[] = [];
  const sensitive: string[][] = [];
  const problems: string[] = [];
  cluster.target?.spec.overrides?.forEach(({ profileRef, layer: name, values: tree }, index) => {
    const isMeant = profileRef.kind === profile.kind && profileRef.name === profile.metadata.name && name === layer;
    if (!isMeant) return;
    const where = `TargetCluster ${cluster.name} overrides[${index}].values`;
    const evaluated = evaluateTree(tree, scope, where);
    if (evaluated.kind === "failed") problems.push(...evaluated.problems);
    else if (evaluated.kind === "waiting") waitsFor.push(...evaluated.on);
    else {
      const isPack = profile.spec.layers.some((one) => one.name === layer && one.pack !== undefined);
      if (isPack) problems.push(...namesInValues(evaluated.sensitivePaths, where));
      values.push(evaluated.value as Record<string, unknown>);
      uses.push(...evaluated.uses.outputs);
      sensitive.push(keysBelow(evaluated.sensitivePaths, where));
    }
  });
  if (problems.length > 0) return new Failure("InvalidValues", problems.join("; "));
  const isSensitive = sensitive.some((keys) => keys.length > 0);
  return { values, uses, waitsFor, ...(isSensitive ? { sensitive } : {}) };
}

/**
 * What Palette's macros in packs may ask for (`.spectro.system`, `.spectro.var`, `.spectro.macro`). Macros of a project or
 * tenant are the profile's variables here, as those are.
 */
export function macroScope({ cluster, profile, variables }: Omit<Scope, "layers">): MacroScope {
  const values = Object.fromEntries(variables.values);
  const named = { name: profile.name, version: profile.version };
  return {
    system: {
      cluster: { name: cluster.name, uid: cluster.uid },
      kubernetes: { version: cluster.kubernetesVersion.replace(/^v/, "") },
      clusterprofile: { ...named, infra: named },
      project: { name: profile.namespace },
    },
    var: values,
    macro: values,
    ...(variables.sensitive.size > 0 ? { sensitive: [...variables.sensitive].sort() } : {}),
  };
}
