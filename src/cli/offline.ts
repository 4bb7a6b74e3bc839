import type { Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { applySetOf, EMPTY_PARENT } from "../membership/applyset.ts";
import { groupKindKey } from "../objects/identity.ts";
import type { GroupKind, KubeObject, Result } from "../objects/types.ts";
import { buildPlan } from "../plan/build-plan.ts";
import { manifestsContent } from "../plan/manifests.ts";
import { scopesDeclaredBy } from "../plan/place.ts";
import type { Referents } from "../plan/references.ts";
import type { Seen, SiteView } from "../plan/seen.ts";
import type { ContentMemory, Desired, LayerContent, PlannedLayer } from "../plan/types.ts";
import type { LayerRenderer } from "../wiring/layer-renderer.ts";

/** One layer as it would be applied. */
export interface RenderedLayer {
  layer: PlannedLayer["spec"];
  namespace: string | undefined;
  /** Version that a chart's range was resolved to. */
  version: string | undefined;
  /** In the order in which they are written. */
  desired: readonly Desired[];
}

export interface OfflineOptions {
  referents: Referents;
  /** CRDs that are in the cluster already. */
  crds: readonly KubeObject[];
  /** `v1.36.3`. */
  kubeVersion: string;
  apiVersions: readonly string[];
  renderer: LayerRenderer;
}

/** Digests are keyed by a secret of each cluster; without a cluster they only tell objects apart. */
const OFFLINE_KEY = new Uint8Array(32);
const PREPARED = { digestKey: OFFLINE_KEY, parent: { ...EMPTY_PARENT, hub: "" } };

/**
 * The layers of a profile as the operator would apply them to a cluster that has nothing yet, by the operator's own plan.
 * All that is wrong is told, a sentence for each problem, led by the layer.
 */
export async function renderProfile(
  profile: Profile,
  options: OfflineOptions,
  signal: AbortSignal,
): Promise<Result<RenderedLayer[]>> {
  const before = buildPlan(seenOffline(profile, options, new Map()), PREPARED);
  const contents = new Map<string, ContentMemory>();
  const failures = new Map<string, Failure>();
  for (const layer of before.layers) {
    const content = await contentOf(layer, options, signal);
    if (content instanceof Failure) failures.set(layer.spec.name, content);
    else if (layer.inputs) contents.set(layer.spec.name, known(layer.inputs, content));
  }
  const { layers } = buildPlan(seenOffline(profile, options, contents), PREPARED);
  const problems = layers.flatMap(({ spec: { name }, state }) => {
    const ofObjects = state.kind === "known" ? state.problems : [];
    return [...ofObjects, failures.get(name) ?? []].flat().map(({ message }) => `layer ${name}: ${message}`);
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: layers.flatMap(renderedLayer) };
}

function renderedLayer({ spec, namespace, state }: PlannedLayer): RenderedLayer[] {
  if (state.kind !== "known") return [];
  const desired = state.desired.toSorted((a, b) => a.wave - b.wave);
  return [{ layer: spec, namespace, version: state.content.version, desired }];
}

async function contentOf(
  { spec, inputs, state }: PlannedLayer,
  { kubeVersion, apiVersions, renderer }: OfflineOptions,
  signal: AbortSignal,
): Promise<LayerContent | Failure> {
  if (state.kind === "missing") return state.failure;
  if (!inputs) return new Failure("ReferenceNotFound", "something that the layer refers to is missing");
  if (!spec.helm) return manifestsContent(spec, inputs.texts);
  return await renderer.chart(inputs, { stored: undefined, capabilities: { kubeVersion, apiVersions } }, signal);
}

function known({ digest, specDigest }: NonNullable<PlannedLayer["inputs"]>, content: LayerContent): ContentMemory {
  return { inputs: digest, specDigest, attempts: 0, result: { kind: "known", content } };
}

function seenOffline(profile: Profile, options: OfflineOptions, contents: Seen["contents"]): Seen {
  return {
    now: 0,
    profile,
    set: applySetOf({ kind: profile.kind, namespace: profile.metadata.namespace, name: profile.metadata.name }),
    site: siteOffline(options),
    referents: options.referents,
    contents,
    attempts: new Map(),
    namespaces: new Map(),
    leaving: new Map(),
    rows: new Map(),
  };
}

/** A cluster that has no objects of ours, and serves what Kubernetes itself and the given CRDs bring. */
function siteOffline({ kubeVersion, crds }: OfflineOptions): SiteView {
  const declared = scopesDeclaredBy(crds);
  return {
    prepared: PREPARED,
    kubernetesMinor: /^v(\d+\.\d+)/.exec(kubeVersion)?.[1] ?? "",
    scopeOf: (kind: GroupKind) => declared.get(groupKindKey(kind)),
    served: () => false,
    watchState: () => "unwatched",
    crdOf: () => undefined,
    member: () => undefined,
    members: () => [],
    named: () => "absent",
    explain: () => undefined,
  };
}
