import type { Profile } from "../api/types.ts";
import { EMPTY_PARENT } from "../membership/applyset.ts";
import { groupKindKey } from "../objects/identity.ts";
import { scopeOfBuiltIn } from "../objects/scope.ts";
import type { GroupKind, KubeObject, Result } from "../objects/types.ts";
import { profileScopes } from "../plan/build-plan.ts";
import { scopesDeclaredBy } from "../plan/place.ts";
import type { Referents } from "../plan/references.ts";
import type { Desired, PlannedLayer } from "../plan/types.ts";
import type { LayerRenderer } from "../wiring/layer-renderer.ts";
import { type PlanPlace, planProfile } from "./plan-profile.ts";
import { hooksOfLayer, type RenderedHook } from "./render-hooks.ts";

/** One layer as it would be applied. */
export interface RenderedLayer {
  layer: PlannedLayer["spec"];
  namespace: string | undefined;
  /** Version that a chart's range was resolved to. */
  version: string | undefined;
  /** In the order in which they are written. */
  desired: readonly Desired[];
  /** Of a chart, in the order in which those of one event run. */
  hooks: readonly RenderedHook[];
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
  const { referents, renderer, kubeVersion, apiVersions } = options;
  const capabilities = { kubeVersion, apiVersions };
  const { seen, layers, failures } = await planProfile(profile, {
    site: siteOffline(options),
    referents,
    chart: (inputs) =>
      renderer.chart(inputs, { stored: undefined, capabilities, revision: 1, isUpgrade: false }, signal),
  });
  const about = { set: seen.set, digestKey: OFFLINE_KEY, scopes: profileScopes(seen) };
  const read = layers.map((layer) => ({ layer, ...hooksOfLayer(layer, about) }));
  const problems = read.flatMap(({ layer: { spec, state }, problems: ofHooks }) => {
    const ofObjects = state.kind === "known" ? state.problems : [];
    const all = [...ofObjects, ...ofHooks, failures.get(spec.name) ?? []].flat();
    return all.map(({ message }) => `layer ${spec.name}: ${message}`);
  });
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: read.flatMap(({ layer, hooks }) => renderedLayer(layer, hooks)) };
}

function renderedLayer({ spec, namespace, state }: PlannedLayer, hooks: readonly RenderedHook[]): RenderedLayer[] {
  if (state.kind !== "known") return [];
  const desired = state.desired.toSorted((a, b) => a.wave - b.wave);
  return [{ layer: spec, namespace, version: state.content.version, desired, hooks }];
}

/** A cluster that has no objects of ours, and serves what Kubernetes itself and the given CRDs bring. */
function siteOffline({ kubeVersion, crds }: OfflineOptions): PlanPlace["site"] {
  const declared = scopesDeclaredBy(crds);
  return {
    prepared: PREPARED,
    kubernetesMinor: /^v(\d+\.\d+)/.exec(kubeVersion)?.[1] ?? "",
    scopeOf: (kind: GroupKind) => declared.get(groupKindKey(kind)) ?? scopeOfBuiltIn(kind),
    served: () => false,
    servedIn: () => false,
    watchState: () => "unwatched",
    crdOf: () => undefined,
    member: () => undefined,
    members: () => [],
    named: () => "absent",
    deleted: () => undefined,
    releases: () => [],
    explain: () => undefined,
  };
}
