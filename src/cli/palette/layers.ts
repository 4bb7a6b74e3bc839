import { MAX_RELEASE_NAME } from "../../api/schema/helm.ts";
import type { LAYER_TYPES } from "../../api/schema/layer.ts";
import { wrongText } from "../../api/schema/text.ts";
import { isMap } from "../../objects/json.ts";
import type { Result } from "../../objects/types.ts";
import { type PackMeta, packMeta } from "../../pack/index.ts";
import { mapAt, own } from "../../pack/maps.ts";
import type { Values } from "../../plan/values.ts";
import type { PalettePack } from "./export-file.ts";
import { dnsName, type Findings, freeName } from "./findings.ts";
import { type KnownPacks, packKey } from "./known-packs.ts";
import { inspect, type VariableNames } from "./macros.ts";
import { overridesOf, readValues } from "./pack-values.ts";
import type { Registries } from "./registries.ts";

export type LayerType = (typeof LAYER_TYPES)[number];

/** A layer of ours, and where it stands. */
export interface ImportedLayer {
  kind: "layer";
  type: LayerType;
  /** Lower ones are installed first. */
  priority: number;
  layer: object;
}

/** A layer that no profile of ours can have yet, with why. */
export interface OmittedLayer {
  kind: "omitted";
  name: string;
  why: string;
}

const TYPES: Readonly<Record<string, LayerType>> = {
  os: "OS",
  k8s: "Kubernetes",
  cni: "Network",
  csi: "Storage",
  addon: "AddOn",
};
/** Palette installs it before all others, by its name. */
const FIRST = "palette-agent-config";

export interface LayerContext {
  variables: VariableNames;
  registries: Registries;
  known: KnownPacks;
  /** Names of layers so far. */
  names: Set<string>;
  findings: Findings;
}

/** Makes a layer of one that Palette has exported. Problems are values that are no YAML. */
export function importLayer(pack: PalettePack, context: LayerContext): Result<ImportedLayer | OmittedLayer> {
  const type = TYPES[pack.layer];
  const why = whyOmitted(pack, type);
  if (why !== undefined || type === undefined) {
    const omitted: OmittedLayer = { kind: "omitted", name: pack.name, why: why ?? "" };
    return { ok: true, value: omitted };
  }
  const name = freeName(dnsName(pack.name, MAX_RELEASE_NAME), context.names);
  const build = { helm: chartLayer, manifest: manifestsLayer, spectro: packLayer, oci: packLayer }[pack.type];
  const built = build(pack, { ...context, name, where: `layer ${name}` });
  if (!built.ok) return built;
  const { priority, fields } = built.value;
  const layer = { name, ...(type === "AddOn" ? {} : { type }), ...fields };
  return { ok: true, value: { kind: "layer", type, priority: pack.name === FIRST ? -Infinity : priority, layer } };
}

function whyOmitted(pack: PalettePack, type: LayerType | undefined): string | undefined {
  const { layer, version = pack.tag } = pack;
  if (type === undefined) return `Strata has no layers of the kind ${layer}`;
  if (type === "OS") return "Strata provisions no operating system, and has no layer that expects one yet";
  if (type === "Kubernetes")
    return `Strata provisions no Kubernetes, and has no layer that expects one yet (expect: { version: ${version ?? "…"} })`;
  if (pack.type === "manifest") return undefined;
  if (versionOf(pack) === undefined) return "its version is none that Strata takes";
  return undefined;
}

interface Build extends LayerContext {
  name: string;
  where: string;
}

type Built = Result<{ priority: number; fields: object }>;

function packLayer(pack: PalettePack, context: Build): Built {
  const { where, variables, registries, known, findings } = context;
  const what = `${where}, values`;
  const read = readValues(pack.values, { where: what, source: "pack", variables });
  if (!read.ok) return read;
  const full = read.value.values;
  const version = versionOf(pack) ?? "";
  const base = known.get(packKey(pack.name, pack.version ?? version));
  const overrides = overridesOf(full, { text: pack.values, known: base, where, variables }, findings);
  if (!overrides.ok) return overrides;
  const { values, presets } = overrides.value;
  inspect(values, { where: what, source: "pack", variables }, findings);
  tellTag(pack, context);
  const source = { registryRef: { name: registries.nameFor(pack) }, name: pack.name, version };
  const fields = {
    pack: { ...source, ...(presets.length > 0 ? { presets } : {}) },
    ...(Object.keys(values).length > 0 ? { values } : {}),
    ...attachments(pack, context),
  };
  return { ok: true, value: { priority: priorityIn(full), fields } };
}

/** Palette wraps the values of a chart as those of a pack: `pack:` and `charts.<name>:`. */
function chartLayer(pack: PalettePack, context: Build): Built {
  const { where, variables, registries, findings } = context;
  const what = `${where}, values`;
  const read = readValues(pack.values, { where: what, source: "chart", variables });
  if (!read.ok) return read;
  const full = read.value.values;
  const values = isMap(own(full, "charts")) ? chartValuesIn(full, pack.name) : withoutPack(full);
  inspect(values, { where: what, source: "chart", variables }, findings);
  const meta = metaOf(full);
  tellLost(full, { meta, chart: pack.name, where, findings });
  tellTag(pack, context);
  const releaseName = meta?.releaseNames.get(pack.name);
  if (releaseName === undefined) {
    const sentence = `its Helm release is named ${context.name}; Palette's was ${pack.name}-${pack.name}, perhaps: set helm.releaseName to go on with one that exists`;
    findings.toKnow(where, sentence);
  }
  const source = { registryRef: { name: registries.nameFor(pack) }, chart: pack.name, version: versionOf(pack) ?? "" };
  const fields = {
    helm: { ...source, ...(releaseName === undefined ? {} : { releaseName }) },
    ...namespaceOf(full, meta, context),
    ...(Object.keys(values).length > 0 ? { values } : {}),
    ...attachments(pack, context),
  };
  return { ok: true, value: { priority: priorityIn(full), fields } };
}

function manifestsLayer(pack: PalettePack, context: Build): Built {
  const { where, variables } = context;
  const read = readValues(pack.values, { where: `${where}, values`, source: "chart", variables });
  if (!read.ok) return read;
  const full = read.value.values;
  const meta = metaOf(full);
  const manifests = inlines(pack, context);
  if (manifests.length === 0) return { ok: false, problems: [`${where}: it has no manifests`] };
  const namespace = meta?.namespace === undefined ? {} : { namespace: meta.namespace };
  return { ok: true, value: { priority: priorityIn(full), fields: { ...namespace, manifests } } };
}

function attachments(pack: PalettePack, context: Build): object {
  const sources = inlines(pack, context);
  return sources.length > 0 ? { attachments: sources } : {};
}

function inlines({ manifests }: PalettePack, { where, variables, findings }: Build): object[] {
  return manifests.flatMap(({ name = "manifest", content }) => {
    if (content === undefined) return [];
    inspect(content, { where: `${where}, manifest ${name}`, source: "manifests", variables }, findings);
    return [{ inline: content.endsWith("\n") ? content : `${content}\n` }];
  });
}

/** What its publisher calls a version may be no version, such as `LTS__18.4.x`. */
function versionOf({ version, tag }: PalettePack): string | undefined {
  return [version, tag].find((text) => text !== undefined && wrongText("version", text) === undefined);
}

function tellTag(pack: PalettePack, { where, findings }: Build): void {
  const { tag } = pack;
  const version = versionOf(pack);
  if (tag !== undefined && tag !== version)
    findings.toKnow(where, `Palette followed the tag ${tag}; the version is fixed to ${version} now`);
}

function priorityIn(values: Values): number {
  const priority = Number(own(mapAt(values, "pack"), "spectrocloud.com/install-priority"));
  return Number.isInteger(priority) ? priority : 0;
}

/** Undefined where `pack:` holds expressions or what cannot be. */
function metaOf(values: Values): PackMeta | undefined {
  const meta = packMeta(values);
  return meta.ok ? meta.value : undefined;
}

function chartValuesIn(values: Values, chart: string): Values {
  return mapAt(mapAt(values, "charts"), chart);
}

function withoutPack({ pack: _, ...values }: Values): Values {
  return values;
}

function namespaceOf(values: Values, meta: PackMeta | undefined, { where, findings }: Build): object {
  const written = own(mapAt(values, "pack"), "namespace");
  const namespace = typeof written === "string" && written !== "" ? written : undefined;
  if (namespace === undefined || (wrongText("namespace", namespace) !== undefined && !namespace.includes("${{"))) {
    findings.toDecide(where, "the export names no namespace for it: it is default now");
    return { namespace: "default" };
  }
  const { labels = {}, annotations = {} } = meta?.namespaceMetadata.get(namespace) ?? {};
  const metadata = {
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
  return { namespace, ...(Object.keys(metadata).length > 0 ? { namespaceMetadata: metadata } : {}) };
}

interface Lost {
  meta: PackMeta | undefined;
  chart: string;
  where: string;
  findings: Findings;
}

/** What the values of a pack can say, and those of a chart cannot. */
function tellLost(values: Values, { meta, chart, where, findings }: Lost): void {
  const charts = own(values, "charts");
  const others = isMap(charts) ? Object.keys(charts).filter((name) => name !== chart) : [];
  const top = isMap(charts) ? Object.keys(values).filter((key) => !["pack", "charts"].includes(key)) : [];
  const lost = [...others.map((name) => `charts.${name}`), ...top];
  if (lost.length > 0) findings.toDecide(where, `${lost.join(", ")} of its values belong to no chart and are left out`);
  if (meta === undefined)
    findings.toDecide(where, "pack: of its values cannot be read as it stands: look after namespaces and names");
  if ((meta?.additionalNamespaces.length ?? 0) > 0)
    findings.toDecide(where, "pack.additionalNamespaces is left out: make a layer with these namespaces");
  if ((meta?.healthChecks.length ?? 0) > 0) findings.toDecide(where, "readinessCheck is left out: write healthChecks");
}
