import type { Layer, Profile } from "../../api/types.ts";
import { compileHealthChecks } from "../../health/index.ts";
import { parseYaml } from "../../objects/yaml.ts";
import { driftProblems } from "../../plan/drift.ts";
import type { KnownNames } from "../../plan/expression-scope.ts";
import { checkCondition, expressionsIn } from "../../plan/expressions.ts";
import { manifestProblems } from "../../plan/manifest-expressions.ts";
import { outputProblems } from "../../plan/outputs.ts";
import { patchProblems } from "../../plan/patches.ts";
import { onSide, sideOf } from "../../plan/sides.ts";
import { checkDeclarations } from "../../plan/variable-limits.ts";
import { isOnlyLocal } from "../sides.ts";

/** What is wrong with a profile by itself, beyond what its schema sees. */
export interface ProfileProblems {
  ofVariables: string[];
  /** By the layer's name. */
  ofLayers: ReadonlyMap<string, readonly string[]>;
}

export function checkProfile(profile: Profile): ProfileProblems {
  const { spec } = profile;
  const ofLayers = spec.layers.flatMap((layer): [string, string[]][] => {
    const problems = layerProblems(layer, namesFor(profile, layer));
    return problems.length > 0 ? [[layer.name, problems]] : [];
  });
  return { ofVariables: checkDeclarations(spec.variables ?? []), ofLayers: new Map(ofLayers) };
}

/** The names that expressions of a layer may use: outputs only of layers that are applied where it is. */
export function namesFor(profile: Profile, layer: Layer): KnownNames {
  const here = isOnlyLocal(profile) ? profile : onSide(profile, sideOf(layer));
  const { variables = [], layers } = here.spec;
  const index = layers.findIndex(({ name }) => name === layer.name);
  return {
    variables: new Set(variables.map(({ name }) => name)),
    layers: new Map(
      layers.slice(0, index).map(({ name, outputs = [] }) => [name, new Set(outputs.map((one) => one.name))]),
    ),
  };
}

function artifactVersions({ manifests = [], attachments = [] }: Layer): [string, unknown][] {
  return Object.entries({ manifests, attachments }).flatMap(([field, sources]) =>
    sources.map(({ oci }, index): [string, unknown] => [`${field}[${index}].oci.version`, oci?.version]),
  );
}

/** What a patch is read as; nothing, if it cannot be read. */
function dataIn(patch: string): unknown {
  const parsed = parseYaml(patch, "");
  return parsed.ok ? parsed.value : undefined;
}

function layerProblems(layer: Layer, known: KnownNames): string[] {
  const { values, namespace, helm, pack, when, requires, healthChecks = [], patches = [] } = layer;
  const fields: [string, unknown][] = [
    ["values", values],
    ["namespace", namespace],
    ["helm.version", helm?.version],
    ["pack.version", pack?.version],
    ...artifactVersions(layer),
    ...patches.map(({ patch }, index): [string, unknown] => [`patches[${index}].patch`, dataIn(patch)]),
  ];
  const checks = compileHealthChecks(healthChecks);
  return [
    ...fields.flatMap(([where, tree]) => expressionsIn(tree, known, where).problems),
    ...manifestProblems(layer, known),
    ...(when === undefined ? [] : checkCondition(when, known, "when").problems),
    ...outputProblems(layer),
    ...patchProblems(layer),
    ...driftProblems(layer),
    ...(requires?.layers ?? [])
      .filter(({ name }) => !known.layers.has(name))
      .map(({ name }) => `requires.layers: no layer before this one is named ${name}`),
    ...(checks.ok ? [] : checks.problems),
  ];
}
