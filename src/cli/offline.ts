import type { Profile, Registry } from "../api/types.ts";
import { EMPTY_PARENT } from "../membership/applyset.ts";
import { groupKindKey } from "../objects/identity.ts";
import { scopeOfBuiltIn } from "../objects/scope.ts";
import type { GroupKind, KubeObject, Result } from "../objects/types.ts";
import { profileScopes } from "../plan/build-plan.ts";
import { layerOf } from "../plan/pack-parts.ts";
import { scopesDeclaredBy } from "../plan/place.ts";
import type { Referents } from "../plan/references.ts";
import type { Desired, PlannedLayer } from "../plan/types.ts";
import type { LayerRenderer } from "../wiring/layer-renderer.ts";
import type { Secrecy } from "./diff-mask.ts";
import { secrecyOffline } from "./diff-secrets.ts";
import { type PlanPlace, type ProfilePlan, planProfile } from "./plan-profile.ts";
import { registryPort } from "./registries.ts";
import { hooksOfLayer, type RenderedHook } from "./render-hooks.ts";
import { isOnlyLocal, sidesOf } from "./sides.ts";

/** One layer as it would be applied. */
export interface RenderedLayer {
  layer: PlannedLayer["spec"];
  /** Whether it is applied on the hub, for each cluster that the profile goes to. */
  isForHub: boolean;
  namespace: string | undefined;
  /** Version that a chart's range was resolved to. */
  version: string | undefined;
  /** In the order in which they are written. */
  desired: readonly Desired[];
  /** Of a chart, in the order in which those of one event run. */
  hooks: readonly RenderedHook[];
}

/** A profile's layers in their order, and what of them must not be shown. */
export interface RenderedProfile {
  layers: readonly RenderedLayer[];
  secrecy: Secrecy;
}

export interface OfflineOptions {
  referents: Referents;
  /** By `namespace/name`. */
  registries: ReadonlyMap<string, Registry>;
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
): Promise<Result<RenderedProfile>> {
  const { referents, registries, renderer, kubeVersion, apiVersions } = options;
  const capabilities = { kubeVersion, apiVersions };
  const registry = registryPort(profile, {
    registry: async (namespace, name) => registries.get(`${namespace}/${name}`),
    referent: async (reference) => referents(reference),
  });
  const place: PlanPlace = {
    site: siteOffline(options),
    referents,
    packs: {
      fetch: (layer) => renderer.fetchPack(layer, registry, signal),
      evaluateMacros: (batch) => renderer.evaluateMacros(batch, signal),
    },
    chart: (inputs) =>
      renderer.chart(inputs, { stored: undefined, capabilities, registry, revision: 1, isUpgrade: false }, signal),
  };
  const plans: ProfilePlan[] = [];
  for (const { profile: part, side } of sidesOf(profile, isOnlyLocal(profile)))
    plans.push(await planProfile(part, { ...place, side }));
  const sides = plans.map(renderedSide);
  const problems = sides.flatMap((side) => side.problems);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { layers: inOrder(sides, profile), secrecy: secrecyOffline(plans) } };
}

interface RenderedSide {
  layers: readonly RenderedLayer[];
  problems: readonly string[];
}

function renderedSide(plan: ProfilePlan): RenderedSide {
  const { seen, layers, failures } = plan;
  const about = { set: seen.set, digestKey: OFFLINE_KEY, scopes: profileScopes(seen) };
  const read = layers.map((layer) => ({ layer, ...hooksOfLayer(layer, about) }));
  const problems = read.flatMap(({ layer: { spec, state }, problems: ofHooks }) => {
    const ofObjects = state.kind === "known" ? state.problems : [];
    const all = [...ofObjects, ...ofHooks, failures.get(spec.name) ?? []].flat();
    return all.map(({ message }) => `layer ${spec.name}: ${message}`);
  });
  const isForHub = seen.side === "Management";
  return { problems, layers: read.flatMap(({ layer, hooks }) => renderedLayer(layer, { hooks, isForHub })) };
}

function renderedLayer(
  { spec, namespace, state }: PlannedLayer,
  about: Pick<RenderedLayer, "hooks" | "isForHub">,
): RenderedLayer[] {
  if (state.kind !== "known") return [];
  const desired = state.desired.toSorted((a, b) => a.wave - b.wave);
  return [{ layer: spec, namespace, version: state.content.version, desired, ...about }];
}

/** The layers of all sides in the order of the list. What is brought on the hub and verified on the cluster is there once. */
function inOrder(sides: readonly RenderedSide[], { spec }: Profile): RenderedLayer[] {
  const all = sides.flatMap(({ layers }) => layers);
  const brought = new Set(all.flatMap(({ layer, isForHub }) => (isForHub ? [layerOf(layer)] : [])));
  const once = all.filter(({ layer, isForHub }) => isForHub || !brought.has(layerOf(layer)));
  return spec.layers.flatMap(({ name }) => once.filter(({ layer }) => layerOf(layer) === name));
}

/** A cluster that has no objects of ours, and serves what Kubernetes itself and the given CRDs bring. */
export function siteOffline({ kubeVersion, crds }: Pick<OfflineOptions, "kubeVersion" | "crds">): PlanPlace["site"] {
  const declared = scopesDeclaredBy(crds);
  return {
    prepared: PREPARED,
    kubernetesVersion: kubeVersion,
    scopeOf: (kind: GroupKind) => declared.get(groupKindKey(kind)) ?? scopeOfBuiltIn(kind),
    served: () => false,
    servedIn: () => false,
    watchState: () => "unwatched",
    crdOf: () => undefined,
    member: () => undefined,
    members: () => [],
    named: () => "absent",
    deleted: () => undefined,
    nodes: () => undefined,
    storage: () => ({ classes: undefined, drivers: undefined }),
    releases: () => [],
    explain: () => undefined,
  };
}
