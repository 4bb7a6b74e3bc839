import type { DeploymentLayerStatus } from "../api/types.ts";
import { isWrittenAs } from "./inputs.ts";
import type { KnownLayer } from "./layer-view.ts";
import { fetchedSources } from "./manifests.ts";
import type { Scopes } from "./place.ts";
import { placedAnew } from "./placed-content.ts";
import type { Seen } from "./seen.ts";
import type { ContentKnown, EngineLayer, LayerContent, PlannedLayer } from "./types.ts";

interface Context {
  seen: Seen;
  prepared: NonNullable<Seen["site"]["prepared"]>;
  scopes: Scopes;
}

/**
 * A layer of which nobody can say now what it should be (an output is missing, a pack cannot be had), or whose turn is yet to
 * come, with what it is: what was Ready last stays the desired state until then, and is mended when somebody changes it. A
 * fresh process has it from the stored set, if one is stored of such a layer; whether that is what was Ready, its digest tells.
 */
export function withInstalled(layer: PlannedLayer, context: Context): PlannedLayer {
  const { seen, prepared } = context;
  const { state, spec } = layer;
  if (state.kind === "skipped") return layer;
  const own = readyNow(spec.name, seen);
  if (state.kind === "known") return own && own.state.digest !== state.digest ? { ...layer, installed: [own] } : layer;
  const rows = installedRows(spec.name, seen.rows);
  if (rows.length === 0) return layer;
  const found = rows.map((row) => ({ row, one: installedAs(row, layer, context) }));
  const isWaiting = state.kind === "waiting" && !spec.pack;
  const isUnchanged = isWaiting && own?.inputs && isWrittenAs(spec, own.inputs, prepared.digestKey);
  return {
    ...layer,
    installed: found.flatMap(({ one }) => one ?? []),
    lost:
      lasts(state.kind) && isStored(spec)
        ? found.flatMap(({ row, one }) => (one || seen.contents.has(row.name) ? [] : [row.name]))
        : [],
    ...(isUnchanged ? { isUnchanged } : {}),
  };
}

/** What this process saw Ready, unless something else was Ready since. */
function readyNow(name: string, { installed, rows }: Seen): KnownLayer | undefined {
  const known = installed.get(name);
  return known && known.state.digest === rows.get(name)?.readyDigest ? known : undefined;
}

/** Objects that stand in the profile, or in ConfigMaps and Secrets of the hub, are stored nowhere else. */
function isStored(spec: EngineLayer): boolean {
  return spec.helm !== undefined || spec.pack !== undefined || fetchedSources(spec).length > 0;
}

/** What a fresh process has only begun to read is known in a moment: it is not worth a request. */
function lasts(kind: PlannedLayer["state"]["kind"]): boolean {
  return kind === "waiting" || kind === "missing" || kind === "failed";
}

/** The rows of a layer, or of the parts of its pack, of which something was Ready. */
export function installedRows(name: string, rows: Seen["rows"]): DeploymentLayerStatus[] {
  const row = rows.get(name);
  const own = row?.parts ? row.parts.flatMap((part) => rows.get(part.name) ?? []) : row ? [row] : [];
  return own.filter(({ readyDigest }) => readyDigest !== undefined);
}

function installedAs(
  { name, readyDigest }: DeploymentLayerStatus,
  layer: PlannedLayer,
  context: Context,
): KnownLayer | undefined {
  const { seen, prepared } = context;
  const known = readyNow(name, seen);
  if (known) return known;
  const result = seen.contents.get(name)?.result;
  if (result?.kind !== "known" || readyDigest === undefined) return undefined;
  const { helm: _, pack: __, manifests: ___, ...rest } = layer.spec;
  const releases = prepared.parent.releases.filter((release) => release.layer === name);
  const places = releases.map(({ namespace, name: releaseName }) => ({
    namespace,
    spec: { ...rest, name, helm: { chart: "", version: "", ...layer.spec.helm, releaseName } },
  }));
  for (const { spec, namespace } of [...places, { spec: { ...rest, name }, namespace: layer.namespace }]) {
    const state = stateAt(result.content, { spec, namespace, readyDigest }, context);
    if (state) return { spec, namespace, inputs: undefined, state };
  }
  return undefined;
}

const states = new WeakMap<LayerContent, ContentKnown>();

/** The content as it comes out at a place, if that is what was Ready. */
function stateAt(
  content: LayerContent,
  at: { spec: EngineLayer; namespace: string | undefined; readyDigest: string },
  { seen, prepared, scopes }: Context,
): ContentKnown | undefined {
  const before = states.get(content);
  if (before?.digest === at.readyDigest) return before;
  const { spec, namespace } = at;
  const about = { layer: spec, namespace, set: seen.set, digestKey: prepared.digestKey, scopes };
  const { placed, digest } = placedAnew(content, about);
  if (digest !== at.readyDigest) return undefined;
  const state: ContentKnown = { kind: "known", content, ...placed, digest };
  states.set(content, state);
  return state;
}
