import { API_VERSION } from "../../api/names.ts";
import { parseProfile, parseRegistry } from "../../api/parse.ts";
import { LAYER_TYPES } from "../../api/schema/layer.ts";
import type { Result } from "../../objects/types.ts";
import { hideMacros } from "../../pack/macro-text.ts";
import { type PaletteProfile, unknownFields } from "./export-file.ts";
import { dnsName, Findings } from "./findings.ts";
import type { KnownPacks } from "./known-packs.ts";
import { type ImportedLayer, importLayer, type OmittedLayer } from "./layers.ts";
import { userMacros } from "./macros.ts";
import { Registries } from "./registries.ts";
import { type ImportedVariable, importVariables, macroVariable } from "./variables.ts";

export interface ImportOptions {
  /** Of the objects; none if undefined. */
  namespace: string | undefined;
  /** Names of clusters; empty: by a label. */
  clusters: readonly string[];
  /** Addresses of registries by the name in Palette. */
  urls: ReadonlyMap<string, string>;
  known: KnownPacks;
}

/** What an export becomes. */
export interface Imported {
  profile: { kind: string; metadata: { name: string } } & Record<string, unknown>;
  registries: readonly object[];
  findings: Findings;
}

/**
 * Makes a profile of ours, and skeletons of its Registries, of one that Palette has exported. What needs a person is told,
 * and the objects are such as the API server takes. Problems: values that are no YAML, and a profile without a layer left.
 */
export function convert(exported: PaletteProfile, options: ImportOptions): Result<Imported> {
  const { metadata, spec } = exported;
  const findings = new Findings();
  const declared = allVariables(exported, findings);
  const variables = new Map(declared.map(({ paletteName, declaration }) => [paletteName, declaration]));
  const registries = new Registries(options.urls, findings);
  const context = { variables, registries, known: options.known, names: new Set<string>(), findings };
  const results = spec.template.packs.map((pack) => importLayer(pack, context));
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) return { ok: false, problems };
  const all = results.flatMap((result) => (result.ok ? [result.value] : []));
  const layers = inOrder(all.filter((one) => one.kind === "layer"));
  for (const { name, why } of all.filter((one) => one.kind === "omitted"))
    findings.toDecide(`layer ${name}`, `${why}: it is left out`);
  if (layers.length === 0) return { ok: false, problems: [noLayers(all)] };
  const name = dnsName(metadata.name, 200);
  const profile = {
    apiVersion: API_VERSION,
    kind: spec.template.type === "add-on" ? "AddOnProfile" : "ClusterProfile",
    metadata: {
      name,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      ...marks(metadata, findings),
    },
    spec: {
      ...versionOf(spec.version, findings),
      ...targets(name, options.clusters, findings),
      ...variableFields(name, declared, { namespace: options.namespace, findings }),
      layers,
    },
  };
  tellRest(exported, findings);
  return checked({ profile, registries: registries.objects(options.namespace), findings });
}

/** What this made must be what the API server takes. */
function checked(imported: Imported): Result<Imported> {
  const results = [parseProfile(imported.profile), ...imported.registries.map(parseRegistry)];
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: imported };
}

function allVariables({ spec }: PaletteProfile, findings: Findings): ImportedVariable[] {
  const declared = importVariables(spec.variables, findings);
  const texts = spec.template.packs.map(({ values }) => values);
  const names = new Set(texts.flatMap((text) => userMacros(hideMacros(text, "").macros)));
  const known = new Set(declared.map(({ paletteName }) => paletteName));
  const macros = [...names].filter((name) => !known.has(name)).map((name) => macroVariable(name, findings));
  return [...declared, ...macros];
}

/** Core layers in the order of a cluster's life, then add-ons by Palette's priority. */
function inOrder(layers: readonly ImportedLayer[]): object[] {
  const rank = ({ type }: ImportedLayer) => LAYER_TYPES.indexOf(type);
  return layers
    .toSorted((a, b) => rank(a) - rank(b) || (a.priority < b.priority ? -1 : a.priority > b.priority ? 1 : 0))
    .map(({ layer }) => layer);
}

function noLayers(all: readonly (ImportedLayer | OmittedLayer)[]): string {
  const reasons = all.flatMap((one) => (one.kind === "omitted" ? [`${one.name}: ${one.why}`] : []));
  return `no layer of the profile can be imported: ${reasons.join("; ")}`;
}

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([-+][0-9A-Za-z.+-]+)?$/;

function versionOf(version: string | undefined, findings: Findings): object {
  if (version === undefined) return {};
  if (SEMVER.test(version)) return { version };
  findings.toKnow("profile", "its version is no semantic version and is left out");
  return {};
}

function targets(name: string, clusters: readonly string[], findings: Findings): object {
  if (clusters.length > 0) return { clusterRefs: clusters.map((cluster) => ({ name: cluster })) };
  const label = name.slice(0, 63).replace(/-+$/, "");
  findings.toDecide(
    "profile",
    `it goes to the TargetClusters with the label profile: ${label}; say which clusters it is for`,
  );
  return { clusterSelector: { matchLabels: { profile: label } } };
}

interface VariableContext {
  namespace: string | undefined;
  findings: Findings;
}

function variableFields(
  name: string,
  declared: readonly ImportedVariable[],
  { namespace, findings }: VariableContext,
): object {
  if (declared.length === 0) return {};
  const variables = declared.map(({ declaration }) => declaration);
  const secret = variables.filter(({ sensitive }) => sensitive).map((variable) => variable.name);
  if (secret.length === 0) return { variables };
  const ref = `${name}-variables`.slice(-253);
  const place = namespace === undefined ? ref : `${namespace}/${ref}`;
  findings.toDecide(
    "profile",
    `create Secret ${place} with the keys ${secret.join(", ")}: sensitive variables take their values from there`,
  );
  return { variables, variablesFrom: [{ secretRef: { name: ref } }] };
}

const LABEL_KEY = /^([a-z0-9]([-.a-z0-9]*[a-z0-9])?\/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$/;
/** What Palette writes for a tag that has no value. */
const NO_VALUE = "spectro__tag";

function marks({ description, labels }: PaletteProfile["metadata"], findings: Findings): object {
  const pairs = Object.entries(labels).map(([key, value]): [string, string] => [key, value === NO_VALUE ? "" : value]);
  const fitting = pairs.filter(([key, value]) => LABEL_KEY.test(key) && LABEL_VALUE.test(value));
  if (fitting.length < pairs.length) findings.toKnow("profile", "tags that no label can hold are left out");
  return {
    ...(fitting.length > 0 ? { labels: Object.fromEntries(fitting) } : {}),
    ...(description === undefined ? {} : { annotations: { description } }),
  };
}

function tellRest(exported: PaletteProfile, findings: Findings): void {
  const { cloudType } = exported.spec.template;
  if (cloudType !== undefined && cloudType !== "all")
    findings.toKnow("profile", `it was for clusters of the cloud ${cloudType}; Strata does not look at that`);
  for (const field of unknownFields(exported))
    findings.toDecide("profile", `the field ${field} of the export is not known and is left out`);
}
