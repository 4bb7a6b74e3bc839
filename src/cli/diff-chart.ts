import { type StoredSet, unpackSet } from "../apply/stored-set.ts";
import { readStoredSet } from "../apply/system-objects.ts";
import type { Failure } from "../errors.ts";
import { ApiError } from "../kube/api-error.ts";
import { SECRETS } from "../kube/resource.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { isCrd } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import type { LayerInputs } from "../plan/inputs.ts";
import { releaseNameOf } from "../plan/place.ts";
import { latestOf, RELEASE_SELECTOR, type ReleaseRecord, readRecord } from "../plan/release.ts";
import type { LayerContent } from "../plan/types.ts";
import type { LayerRenderer, RegistryPort } from "../wiring/layer-renderer.ts";
import { lookupReader } from "../wiring/lookups.ts";
import type { DiffTarget } from "./diff-target.ts";

export interface ChartPlace {
  target: DiffTarget;
  renderer: LayerRenderer;
  registry: RegistryPort;
  set: ApplySet;
  /** What the layers before it bring: their CRDs may make kinds known. */
  above: readonly LayerContent[];
}

const RENDERED_AFRESH =
  "rendered anew, because what Strata rendered may not be read: a value that the chart makes at random shows as changed";

/**
 * The objects of a chart as Strata would have them on this cluster: what it rendered before, which stays the desired state until
 * an input changes, else rendered now, as the revision that would be next.
 *
 * @returns with a note for people, when nobody can tell whether it was rendered before
 */
export async function chartContent(
  inputs: LayerInputs,
  place: ChartPlace,
  signal: AbortSignal,
): Promise<{ content: LayerContent | Failure; note?: string }> {
  const stored = await storedSetOf(inputs.layer.name, place, signal);
  if (stored === "hidden") {
    const content = await rendered(inputs, undefined, { ...place, signal });
    return inputs.layer.helm ? { content, note: RENDERED_AFRESH } : { content };
  }
  if (stored?.inputs === inputs.digest) return { content: stored.content };
  return { content: await rendered(inputs, stored, { ...place, signal }) };
}

async function storedSetOf(
  layer: string,
  { target, set }: ChartPlace,
  signal: AbortSignal,
): Promise<StoredSet | undefined | "hidden"> {
  try {
    const packed = await readStoredSet(target.client, set, layer, signal);
    if (packed !== undefined && !target.digestKey) return "hidden";
    return packed === undefined ? undefined : unpackSet(packed);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return "hidden";
    throw error;
  }
}

async function rendered(
  inputs: LayerInputs,
  stored: StoredSet | undefined,
  { target, renderer, registry, above, signal }: ChartPlace & { signal: AbortSignal },
): Promise<LayerContent | Failure> {
  const brought = above.flatMap(({ crds, attachments = [], objects }) => [...crds, ...attachments, ...objects]);
  const apiVersions = new Set([...target.site.apiVersions(), ...brought.flatMap(apiVersionsDeclaredBy)]);
  const capabilities = { kubeVersion: target.version, apiVersions: [...apiVersions].sort() };
  const latest = latestOf(await recordsOf(inputs, target, signal));
  const about = {
    revision: (latest?.version ?? 0) + 1,
    isUpgrade: latest !== undefined,
    lookup: lookupReader(target.site),
  };
  return await renderer.chart(inputs, { ...about, stored, capabilities, registry }, signal);
}

/** The records of the layer's Helm release; none for a person who may not list them. */
async function recordsOf(
  { layer, namespace }: LayerInputs,
  { client }: DiffTarget,
  signal: AbortSignal,
): Promise<ReleaseRecord[]> {
  if (namespace === undefined || !layer.helm) return [];
  try {
    const labelSelector = RELEASE_SELECTOR;
    const { items } = await client.listAll(SECRETS, { namespace, labelSelector, metadataOnly: true, signal });
    const records = items.map(readRecord).filter((record) => record !== undefined);
    return records.filter(({ release }) => release.name === releaseNameOf(layer));
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  }
}

/** What a CRD will make the cluster serve, as charts ask for it. */
function apiVersionsDeclaredBy(object: KubeObject): string[] {
  if (!isCrd(object)) return [];
  const spec = object["spec"] as
    | { group?: string; names?: { kind?: string }; versions?: { name?: string; served?: boolean }[] }
    | undefined;
  const served = (Array.isArray(spec?.versions) ? spec.versions : []).filter(({ served: is }) => is !== false);
  return served.flatMap(({ name }) => {
    const groupVersion = `${spec?.group}/${name}`;
    return [groupVersion, `${groupVersion}/${spec?.names?.kind}`];
  });
}
