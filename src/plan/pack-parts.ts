import { DNS_LABEL } from "../api/schema/text.ts";
import type { Layer } from "../api/types.ts";
import { sha256Hex } from "../objects/digest.ts";
import { chartValues, findPath, type PackMeta, releaseNameOf } from "../pack/index.ts";
import { hideMacros } from "../pack/macro-text.ts";
import type { EngineLayer, PackPart } from "./types.ts";
import type { LoadedPack } from "./valued-pack.ts";

/** The layer of the profile that a layer of the engine stands for. */
export function layerOf({ part, name }: Pick<EngineLayer, "part" | "name">): string {
  return part?.of ?? name;
}

/** A pack with everything decided: the layers that the engine brings in its place, in order. */
export interface PackParts {
  kind: "parts";
  parts: readonly EngineLayer[];
  version: string;
  /** What a person should know; nothing stands in the way. */
  warnings: readonly string[];
}

interface Opened {
  /** For macros in the manifests. */
  macros: NonNullable<(PackPart & { kind: "manifests" })["macros"]>;
  loaded: LoadedPack;
  meta: PackMeta;
  /** The pack's final values. */
  final: Record<string, unknown>;
  warnings: readonly string[];
}

/**
 * Each chart of a pack is a part, a Helm release of its own; its manifests together are another. Attachments of the layer
 * go with the first part.
 */
export function partsOf(layer: Layer, opened: Opened, profileNamespace: string | undefined): PackParts {
  const { loaded, meta, warnings } = opened;
  const { pack: source, values: _, valuesFrom: __, attachments, ...rest } = layer;
  const namespace = namespaceOf(layer, meta, profileNamespace);
  const namespaces = additionalNamespaces(meta, namespace);
  const checks = [...(layer.healthChecks ?? []), ...meta.healthChecks] as NonNullable<Layer["healthChecks"]>;
  const about = {
    ...rest,
    ...(namespace === undefined ? {} : { namespace }),
    ...(checks.length > 0 ? { healthChecks: checks } : {}),
    ...namespaceMetadata(layer, meta, namespace),
  };
  const pin = {
    layer: layer.name,
    registry: source?.registryRef.name ?? "",
    // Not what pack.json says: by this name it is fetched again.
    name: source?.name ?? loaded.pack.name,
    version: loaded.version,
    digest: loaded.digest,
  };
  const charts = loaded.charts.map((chart, index): EngineLayer => {
    const values = chartValues(opened.final, chart.name);
    const other = source?.charts?.find(({ name }) => name === chart.name);
    const { name: ___, ...elsewhere } = other ?? { name: "" };
    return {
      ...about,
      name: partName(layer.name, chart.name),
      helm: {
        chart: chart.name,
        version: chart.version,
        ...elsewhere,
        releaseName: releaseNameOf(meta, loaded.pack.name, chart.name),
        ...(source?.lookup ? { lookup: source.lookup } : {}),
      },
      values: values.ok ? values.value : {},
      ...(index === 0 && attachments ? { attachments } : {}),
      part: { kind: "chart", of: layer.name, name: chart.name, ...(other ? {} : { pin, path: chart.path }) },
    };
  });
  const manifests = manifestsPart(opened);
  const last: EngineLayer[] = manifests
    ? [
        {
          ...about,
          name: partName(layer.name, MANIFESTS),
          ...(charts.length === 0 && attachments ? { attachments } : {}),
          part: { kind: "manifests", of: layer.name, name: MANIFESTS, pin, ...manifests },
        },
      ]
    : [];
  const parts = [...charts, ...last].map((one, index, all) => ({
    ...one,
    ...(one.part ? { part: { ...one.part, ...(index === 0 ? namespaces : {}), ...followed(index, all.length) } } : {}),
  }));
  return { kind: "parts", parts, version: loaded.version, warnings };
}

function followed(index: number, count: number): Pick<PackPart, "isFollowed"> {
  return index < count - 1 ? { isFollowed: true } : {};
}

/** The part with a pack's manifests. */
const MANIFESTS = "manifests";

/** What the user says of the layer, what the pack says of itself, what the profile says of all. */
function namespaceOf(layer: Layer, meta: PackMeta, ofProfile: string | undefined): string | undefined {
  return layer.namespace ?? meta.namespace ?? ofProfile;
}

/** Those that the pack lists, and those that it wants something of. */
function additionalNamespaces(meta: PackMeta, own: string | undefined): Pick<PackPart, "namespaces"> {
  const names = [...new Set([...meta.additionalNamespaces, ...meta.namespaceMetadata.keys()])].filter(
    (name) => name !== own,
  );
  if (names.length === 0) return {};
  const nothing = { labels: {}, annotations: {} };
  return { namespaces: Object.fromEntries(names.map((name) => [name, meta.namespaceMetadata.get(name) ?? nothing])) };
}

/** Why a pack cannot be taken apart as its layer wants it. */
export function partProblems(
  { attachments, pack: source }: Layer,
  { pack, charts }: Pick<LoadedPack, "pack" | "charts">,
): string[] {
  const names = charts.map(({ name }) => name);
  const all = [...names, ...(pack.manifests.length > 0 ? [MANIFESTS] : [])];
  const twins = new Set(all.filter((name, index) => all.indexOf(name) < index));
  const others = (source?.charts ?? []).filter(({ name }) => !names.includes(name));
  return [
    ...[...twins].map((name) => `it has two parts that are named ${name}`),
    ...others.map(({ name }) => `pack.charts: the pack has no chart ${name}${hasInstead(names)}`),
    ...(attachments && all.length === 0 ? ["attachments need a pack with a chart or manifests, and it has none"] : []),
  ];
}

function hasInstead(names: readonly string[]): string {
  return names.length > 0 ? `; it has ${names.join(", ")}` : "";
}

type Manifests = Pick<PackPart & { kind: "manifests" }, "files" | "values" | "macros" | "spectro">;

function manifestsPart({ loaded: { pack }, final, macros }: Opened): Manifests | undefined {
  if (pack.manifests.length === 0) return undefined;
  const values = final["manifests"];
  const asksFor = (name: string): boolean => pack.manifests.some(({ text }) => text.includes(name));
  return {
    files: pack.manifests.map(({ path, text }) => ({ path, content: text })),
    values: typeof values === "object" && values !== null ? (values as Record<string, unknown>) : {},
    ...(asksFor(".spectro.") ? { macros: askedFor(pack.manifests, macros) } : {}),
    ...(asksFor(".Spectro.")
      ? { spectro: { cluster: String(findPath(macros.scope.system, "cluster.name")[0]?.value) } }
      : {}),
  };
}

/** What the macros of some files name: a change of anything else is none of what they are made from. */
function askedFor(files: readonly { text: string }[], { scope, packs, seal }: Opened["macros"]): Opened["macros"] {
  const uses = files.flatMap(({ text }) => [...hideMacros(text, "").macros.values()]);
  const paths = uses.flatMap((use) => (use.kind === "pipeline" ? use.references : []));
  const isNamed = (name: string): boolean =>
    paths.some((path) => path === name || path.startsWith(`${name}.`) || name.startsWith(`${path}.`));
  const within = (root: "system" | "var" | "macro"): Record<string, unknown> =>
    Object.fromEntries(Object.entries(scope[root]).filter(([name]) => isNamed(`${root}.${name}`)));
  const sensitive = scope.sensitive?.filter((name) => isNamed(`var.${name}`) || isNamed(`macro.${name}`)) ?? [];
  const named = { system: within("system"), var: within("var"), macro: within("macro") };
  return {
    scope: sensitive.length > 0 ? { ...named, sensitive } : named,
    packs: packs.filter(({ pack }) => isNamed(`pack.${pack}`)),
    seal,
  };
}

function namespaceMetadata(
  layer: Layer,
  meta: PackMeta,
  namespace: string | undefined,
): Pick<Layer, "namespaceMetadata"> {
  const ofPack = namespace === undefined ? undefined : meta.namespaceMetadata.get(namespace);
  if (!ofPack) return {};
  const { labels, annotations } = layer.namespaceMetadata ?? {};
  return {
    namespaceMetadata: {
      labels: { ...ofPack.labels, ...labels },
      annotations: { ...ofPack.annotations, ...annotations },
    },
  };
}

const MAX_NAME = 63;
const DIGEST = /^[0-9a-f]{16}$/;

const LABEL = new RegExp(DNS_LABEL);

/** Fits into a label and into the name of a Secret, which a chart's name may not; no layer has a name with a dot. */
function partName(layer: string, part: string): string {
  const name = `${layer}.${part}`;
  const fits = name.length <= MAX_NAME && LABEL.test(part);
  return fits ? name : `${shortened(layer)}.${sha256Hex(name).slice(0, 16)}`;
}

function shortened(layer: string): string {
  return layer.slice(0, 40).replace(/-+$/, "");
}

/** Whether a name is that of a part of this layer's pack, or (of layers with long names that begin alike) may be. */
export function isPartOf(name: string, layer: string): boolean {
  const short = `${shortened(layer)}.`;
  return name.startsWith(`${layer}.`) || (name.startsWith(short) && DIGEST.test(name.slice(short.length)));
}
