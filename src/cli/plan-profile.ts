import { LOCAL_CLUSTER } from "../api/names.ts";
import type { Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";
import { macroKey } from "../pack/macro-plan.ts";
import type { MacroAnswer, MacroExpression } from "../pack/macro-types.ts";
import { buildPlan } from "../plan/build-plan.ts";
import type { LayerInputs } from "../plan/inputs.ts";
import { fetchedSources, manifestsContent } from "../plan/manifests.ts";
import type { PackMemory } from "../plan/packs.ts";
import type { Referents } from "../plan/references.ts";
import { type NamedRef, NO_CONDITIONS, type Seen, type SiteView } from "../plan/seen.ts";
import type { Side } from "../plan/sides.ts";
import type { ContentMemory, LayerContent, Plan, PlannedLayer } from "../plan/types.ts";
import type { LoadedPack } from "../plan/valued-pack.ts";
import type { Variables } from "../plan/variables.ts";

export interface PlanPlace {
  site: SiteView & { prepared: NonNullable<SiteView["prepared"]> };
  referents: Referents;
  /** The hub itself, if left out. */
  cluster?: Seen["cluster"] | undefined;
  /** `Management`: what is applied on the hub for that cluster. */
  side?: Side | undefined;
  /** Where packs come from; without it they stay unopened. */
  packs?: PackPort | undefined;
  /**
   * The content of a layer that has to be fetched.
   *
   * @param above what the layers before it bring: their CRDs may make kinds known
   */
  chart(inputs: LayerInputs, above: readonly LayerContent[]): Promise<LayerContent | Failure>;
  /** Reads an object for an output; left out where there is no cluster. */
  read?(ref: NamedRef): Promise<KubeObject | "absent" | Failure>;
}

/** How packs are opened: fetched, and the macros in them evaluated. */
export interface PackPort {
  fetch(layer: PlannedLayer): Promise<LoadedPack | Failure>;
  evaluateMacros(batch: readonly MacroExpression[]): Promise<readonly MacroAnswer[]>;
}

/** A profile as the operator would plan it, from one look at everything. */
export interface ProfilePlan {
  seen: Seen;
  /** Those that come to this cluster. */
  layers: readonly PlannedLayer[];
  /** Why the content of a layer is not known, by its name. */
  failures: ReadonlyMap<string, Failure>;
  /** Opened packs, by the names of their layers, with what has no effect in them. */
  packs: Plan["packs"];
  variables?: Variables;
  /** Values of outputs that must be seen nowhere. */
  secretOutputs: readonly unknown[];
}

/** Plans a profile by the operator's own code: once to know the inputs of its layers, and once with their content. */
export async function planProfile(profile: Profile, without: PlanPlace): Promise<ProfilePlan> {
  const place = await withOutputs(profile, without);
  const { prepared } = place.site;
  const opened = await openPacks(profile, place);
  const before = buildPlan(seenAt(profile, place, opened), prepared);
  const contents = new Map<string, ContentMemory>();
  const failures = new Map<string, Failure>();
  const above: LayerContent[] = [];
  for (const layer of before.layers) {
    // An observed layer brings nothing, which is known from the start.
    if (layer.state.kind === "skipped" || layer.state.kind === "known") continue;
    const content = await contentOf(layer, place, above);
    if (content instanceof Failure) failures.set(layer.spec.name, content);
    else {
      above.push(content);
      if (layer.inputs) contents.set(layer.spec.name, known(layer.inputs, content));
    }
  }
  const seen = seenAt(profile, place, { ...opened, contents });
  const { layers, packs, variables, outputs } = buildPlan(seen, prepared);
  noteLate(layers, failures, place);
  const listed = layers.filter(({ state }) => state.kind !== "skipped");
  const about = { seen, layers: listed, failures, packs, secretOutputs: outputs.secrets };
  return { ...about, ...(variables ? { variables } : {}) };
}

/** What a layer requires of another, and what expressions in its objects give, is known with the content. */
function noteLate(layers: readonly PlannedLayer[], failures: Map<string, Failure>, place: PlanPlace): void {
  for (const { spec, state } of layers) {
    if (state.kind === "missing") failures.set(spec.name, state.failure);
    if (state.kind === "waiting" && !failures.has(spec.name)) failures.set(spec.name, awaited(state.on, place));
  }
}

/** The place with all objects that outputs are read from: one output may be what another layer's namespace is made of. */
async function withOutputs(profile: Profile, place: PlanPlace): Promise<PlanPlace> {
  const { read, site } = place;
  if (!read || !profile.spec.layers.some(({ outputs }) => outputs)) return place;
  const found = new Map<string, KubeObject | "absent" | Failure>();
  const known = { ...place, site: { ...site, named: (ref: NamedRef) => found.get(JSON.stringify(ref)) ?? "unknown" } };
  const nothing = { packs: new Map(), macros: new Map(), contents: new Map() };
  for (let before = -1; before < found.size; ) {
    before = found.size;
    const { outputs } = buildPlan(seenAt(profile, known, nothing), site.prepared);
    const fresh = outputs.named.filter((ref) => !found.has(JSON.stringify(ref)));
    await Promise.all(fresh.map(async (ref) => void found.set(JSON.stringify(ref), await read(ref))));
  }
  return known;
}

/** The ApplySet of a profile in whatever cluster; that of what is applied on the hub is another one for each cluster. */
export function applySetOfProfile(
  { kind, metadata: { namespace, name } }: Profile,
  { cluster, side }: Pick<PlanPlace, "cluster" | "side"> = {},
): ApplySet {
  const madeFor = side === "Management" ? cluster?.target?.metadata : undefined;
  return applySetOf({ kind, namespace, name, ...(madeFor ? { target: `${madeFor.namespace}/${madeFor.name}` } : {}) });
}

const ONLY_THERE = "it uses outputs of other layers, which only a cluster can tell";

function awaited(on: string, { read }: { read?: PlanPlace["read"] | undefined }): Failure {
  return new Failure("ReferenceNotFound", read ? `waits for ${on}` : ONLY_THERE);
}

async function contentOf(
  { spec, inputs, state }: PlannedLayer,
  { chart, read }: PlanPlace,
  above: readonly LayerContent[],
): Promise<LayerContent | Failure> {
  if (state.kind === "missing" || state.kind === "failed") return state.failure;
  if (state.kind === "waiting") return awaited(state.on, { read });
  if (!inputs) return new Failure("ReferenceNotFound", "something that the layer refers to is missing");
  const isRead = !spec.helm && !spec.part && !spec.pack && fetchedSources(spec).length === 0;
  return isRead ? manifestsContent(spec, inputs.texts) : await chart(inputs, above);
}

function known({ digest, specDigest }: LayerInputs, content: LayerContent): ContentMemory {
  return { inputs: digest, specDigest, attempts: 0, result: { kind: "known", content } };
}

type Known = Pick<Seen, "packs" | "macros" | "contents">;

/** More than a chain of macros that the plan allows. */
const MAX_ROUNDS = 100;

/** What the operator does in as many passes: fetches all packs, then evaluates their macros. */
async function openPacks(profile: Profile, place: PlanPlace): Promise<Known> {
  const packs = new Map<string, PackMemory>();
  const macros = new Map<string, MacroAnswer>();
  const known = { packs, macros, contents: new Map() };
  for (let round = 0; place.packs && round < MAX_ROUNDS; round += 1) {
    const { layers } = buildPlan(seenAt(profile, place, known), place.site.prepared);
    const batch = layers.flatMap(({ state }) => (state.kind === "macros" ? state.batch : []));
    const unpacked = layers.filter(({ state }) => state.kind === "unpacked");
    if (batch.length === 0 && unpacked.length === 0) break;
    for (const layer of unpacked) packs.set(layer.spec.name, await fetched(layer, place.packs));
    const answers = batch.length > 0 ? await place.packs.evaluateMacros(batch) : [];
    for (const [index, answer] of answers.entries()) {
      const expression = batch[index];
      if (expression) macros.set(macroKey(expression), answer);
    }
  }
  return known;
}

async function fetched(layer: PlannedLayer, packs: PackPort): Promise<PackMemory> {
  const key = layer.state.kind === "unpacked" ? layer.state.key : "";
  const result = await packs.fetch(layer);
  if (result instanceof Failure) return { key, attempts: 1, result: { kind: "failed", failure: result, retryAt: 0 } };
  return { key, attempts: 1, result: { kind: "loaded", loaded: result } };
}

function seenAt(profile: Profile, { site, referents, cluster, side }: PlanPlace, known: Known): Seen {
  return {
    now: Date.now(),
    profile,
    set: applySetOfProfile(profile, { cluster, side }),
    site,
    referents,
    ...known,
    attempts: new Map(),
    namespaces: new Map(),
    leaving: new Map(),
    rows: new Map(),
    installed: new Map(),
    conditions: NO_CONDITIONS,
    cluster: cluster ?? { name: LOCAL_CLUSTER, target: undefined },
    ...(side ? { side } : {}),
    fixed: {},
  };
}
