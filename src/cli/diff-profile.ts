import type { Profile, Registry } from "../api/types.ts";
import { isConfidential } from "../apply/act.ts";
import { Failure } from "../errors.ts";
import { ApiError } from "../kube/api-error.ts";
import { toFailure } from "../kube/failures.ts";
import type { ApplySet, Parent } from "../membership/applyset.ts";
import { kindsServedBy } from "../objects/waves.ts";
import { brakesOf, isHeld } from "../plan/brakes.ts";
import { claimOf } from "../plan/chart-layer.ts";
import { wantedKeys } from "../plan/listed-layers.ts";
import { type Referents, referencesOf } from "../plan/references.ts";
import { refusedLookups } from "../plan/refused-lookups.ts";
import type { RemoveItem } from "../plan/step.ts";
import type { PlannedLayer } from "../plan/types.ts";
import type { LayerRenderer } from "../wiring/layer-renderer.ts";
import { chartContent } from "./diff-chart.ts";
import { hideIn, type Secrecy } from "./diff-mask.ts";
import { compareNamespace, layerNamespaces } from "./diff-namespaces.ts";
import { compareObject } from "./diff-objects.ts";
import { comparedPart, type PartSources } from "./diff-part.ts";
import { findRegistries, referentsOf } from "./diff-referents.ts";
import { compareLeaving, compareLeftNamespace, leavingOf, recordMembers } from "./diff-removals.ts";
import { secrecyOfPlan } from "./diff-secrets.ts";
import { type DiffTarget, parentIn, readOutput, viewOf, writesOn } from "./diff-target.ts";
import type { LayerDiff, ObjectDiff, ProfileDiff } from "./diff-types.ts";
import { applySetOfProfile, type ProfilePlan, planProfile } from "./plan-profile.ts";
import { registryPort } from "./registries.ts";

export interface DiffSources extends PartSources {
  /** What the person's files hold of what profiles refer to. */
  files: Referents;
  /** Of the files, by `namespace/name`. */
  registries: ReadonlyMap<string, Registry>;
  renderer: LayerRenderer;
}

/** One profile as it was planned, and what is known of the cluster. */
interface Planned {
  target: DiffTarget;
  plan: ProfilePlan;
  parent: Parent | undefined;
  secrecy: Secrecy;
}

/** Compares a profile with a cluster: the layers for it, and what leaves with what the profile does not have any more. */
export async function diffProfile(whole: Profile, sources: DiffSources, signal: AbortSignal): Promise<ProfileDiff> {
  const { target, renderer } = sources;
  const part = await comparedPart(whole, sources, signal);
  const { profile, cluster, side, elsewhere } = part;
  const set = applySetOfProfile(profile, part);
  const brought = await broughtTo(target, set, signal);
  const parent = brought instanceof Failure ? undefined : brought;
  const referents = await referentsOf(part, sources, signal);
  const registry = registryPort(profile, findRegistries(sources, signal));
  const chartNotes = new Map<string, string[]>();
  const plan = await planProfile(profile, {
    site: viewOf(target, set, parent),
    cluster,
    side,
    referents,
    read: (ref) => readOutput(ref, target, signal),
    packs: {
      fetch: (layer) => renderer.fetchPack(layer, registry, signal),
      evaluateMacros: (batch) => renderer.evaluateMacros(batch, signal),
    },
    chart: async (inputs, above) => {
      const { content, note } = await chartContent(inputs, { target, renderer, registry, set, above }, signal);
      const release = content instanceof Failure ? undefined : content.release;
      const notes = [note, release && refusedLookups(inputs.layer, release)].filter((words) => words !== undefined);
      chartNotes.set(inputs.layer.name, notes);
      return content;
    },
  });
  const planned = { target, plan, parent, secrecy: await secrecyOfPlan(plan, target, signal) };
  const listed = plan.layers.map((layer) => diffLayer(layer, planned, chartNotes.get(layer.spec.name) ?? [], signal));
  const isMissing = referencesOf(profile, cluster?.target ? [cluster.target] : []).some(
    (reference) => referents(reference).kind === "absent",
  );
  return {
    profile,
    notes: [
      ...(profile.spec.suspend ? [SUSPENDED] : []),
      ...(brought === undefined ? [NEVER_BROUGHT] : []),
      ...(isMissing && !target.isHub ? [NOT_THE_HUB] : []),
    ],
    ...(elsewhere === undefined ? {} : { elsewhere }),
    layers: await withRemovals(await Promise.all(listed), planned, signal),
    failures: brought instanceof Failure ? [brought.message] : [],
  };
}

/** The parent of the profile's objects, all of which are then in the target's site; a failure for who may not read them. */
async function broughtTo(
  target: DiffTarget,
  set: ApplySet,
  signal: AbortSignal,
): Promise<Parent | undefined | Failure> {
  try {
    const parent = await parentIn(target, set, signal);
    if (parent) await recordMembers(target, { parent, id: set.id }, signal);
    return parent;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return toFailure(error, "what it has brought is not known, so nothing is shown as deleted");
  }
}

const SUSPENDED = "suspended: nothing of this is done before it is resumed";
const NEVER_BROUGHT = "nothing of it was ever brought to this cluster";
const NOT_THE_HUB = "this cluster is not the hub: name files with the ConfigMaps and Secrets that it refers to";
async function diffLayer(
  layer: PlannedLayer,
  { target, plan, secrecy }: Planned,
  notes: readonly string[],
  signal: AbortSignal,
): Promise<LayerDiff> {
  const { spec, state } = layer;
  const told = spec.suspend ? [SUSPENDED, ...notes] : notes;
  const about = { name: spec.name, standing: "listed" as const, notes: told };
  const failure = plan.failures.get(spec.name);
  if (state.kind !== "known" || failure) {
    return { ...about, objects: [], failures: [hideIn(failure?.message ?? "its content is not known", secrecy)] };
  }
  const namespaces = [...layerNamespaces(plan)].filter(([, layer]) => layer === spec.name);
  const writes = writesOn(target, plan.seen, isConfidential(spec));
  const comparison = { target, claim: claimOf(layer), writes, secrecy, brought: broughtBy(plan) };
  const desired = state.desired.toSorted((a, b) => a.wave - b.wave);
  const diffs = await Promise.all([
    ...namespaces.map(([name]) => compareNamespace(name, { target, plan }, signal)),
    ...desired.map((one) => compareObject(one, comparison, signal)),
  ]);
  const failures = state.problems.map(({ message }) => hideIn(message, secrecy));
  return { ...about, objects: diffs.filter((diff) => diff !== undefined), failures };
}

function broughtBy(plan: ProfilePlan): { kinds: ReadonlySet<string>; namespaces: ReadonlySet<string> } {
  const desired = plan.layers.flatMap(({ state }) => (state.kind === "known" ? state.desired : []));
  const members = desired.filter(({ ref }) => ref.kind === "Namespace" && ref.group === "").map(({ ref }) => ref.name);
  return {
    kinds: kindsServedBy(desired.map(({ object }) => object)),
    namespaces: new Set([...members, ...layerNamespaces(plan).keys()]),
  };
}

/** While the content of one layer is not known, nobody knows what it wants, and Strata deletes nothing. */
async function withRemovals(listed: readonly LayerDiff[], planned: Planned, signal: AbortSignal): Promise<LayerDiff[]> {
  const { plan, parent } = planned;
  if (!parent || plan.layers.some(({ state }) => state.kind !== "known")) return [...listed];
  const leaving = leavingOf(plan);
  const brakes = brakesOf(plan, { seen: plan.seen, wanted: wantedKeys(plan) });
  const layers = listed.map(async (layer) => {
    const held = brakes.get(layer.name);
    if (held) return { ...layer, notes: [...layer.notes, held.failure.message] };
    const gone = await leavingDiffs(leaving.get(layer.name) ?? [], planned, signal);
    return gone.length === 0 ? layer : { ...layer, objects: [...layer.objects, ...gone] };
  });
  const names = new Set(listed.map(({ name }) => name));
  const order = [...parent.layers, ...leaving.keys()].filter((name, index, all) => all.indexOf(name) === index);
  const removed = order
    .toReversed()
    .filter((name) => !names.has(name) && !isHeld(name, brakes))
    .map(async (name): Promise<LayerDiff> => {
      const objects = await leavingDiffs(leaving.get(name) ?? [], planned, signal);
      return { name, standing: "removed", notes: [], objects, failures: [] };
    });
  const all = await Promise.all([...layers, ...removed]);
  return [...all, ...(await leftNamespaces(all, planned, signal))];
}

async function leavingDiffs(
  items: readonly RemoveItem[],
  planned: Planned,
  signal: AbortSignal,
): Promise<ObjectDiff[]> {
  const diffs = await Promise.all(items.map((item) => compareLeaving(item, planned, signal)));
  return diffs.filter((diff) => diff !== undefined);
}

/** Namespaces go last, when nothing is left in them. */
async function leftNamespaces(
  layers: readonly LayerDiff[],
  planned: Planned,
  signal: AbortSignal,
): Promise<LayerDiff[]> {
  const { plan, parent } = planned;
  const used = new Set(plan.layers.flatMap(({ namespace }) => namespace ?? []));
  const given = layers.flatMap(({ objects }) => objects).filter(({ change }) => change === "released");
  const left = [...(parent?.ownNamespaces ?? [])].filter((namespace) => !used.has(namespace));
  const diffs = await Promise.all(
    left.map((namespace) => {
      const tenant = given.find(({ ref }) => ref.namespace === namespace)?.ref;
      return compareLeftNamespace(namespace, { ...planned, tenant }, signal);
    }),
  );
  const objects = diffs.filter((diff) => diff !== undefined);
  return objects.length === 0 ? [] : [{ name: "", standing: "namespaces", notes: [], objects, failures: [] }];
}
