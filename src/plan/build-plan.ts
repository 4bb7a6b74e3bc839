import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import { describeRef, groupKindKey } from "../objects/identity.ts";
import type { GroupKind, ObjectRef } from "../objects/types.ts";
import { answerBefore, judgeCondition } from "./condition.ts";
import { expectProblems, isObserved } from "./core-layers.ts";
import { driftProblems } from "./drift.ts";
import { outputKey } from "./expression-names.ts";
import type { LayerOutput, Scope } from "./expression-scope.ts";
import { PROFILE_BUDGET } from "./expressions.ts";
import { type InputsContext, readInputs } from "./inputs.ts";
import { withInstalled } from "./installed.ts";
import { withMacrosHidden } from "./layer-macros.ts";
import { evaluateContent } from "./manifest-expressions.ts";
import { awaiting, outputProblems, outputsOf, undecided } from "./outputs.ts";
import type { PackParts } from "./pack-parts.ts";
import { type AbsentPack, asksForResources, openPacksOnce, type PackState } from "./packs.ts";
import { patchContentOnce, patchProblems, withUnmatched } from "./patches.ts";
import { type Scopes, scopesDeclaredBy } from "./place.ts";
import { placedContent } from "./placed-content.ts";
import { macroScope, type Overrides, type ProfileScope, profileScope } from "./profile-scope.ts";
import { kubernetesFailure, withRequirements } from "./requirements.ts";
import { hasExpressions } from "./resolve-layer.ts";
import { resolveOnce } from "./resolve-once.ts";
import type { Answer, Conditions, NamedRef, Seen } from "./seen.ts";
import type { ContentState, EngineLayer, Plan, PlannedLayer } from "./types.ts";
import type { PackLayer } from "./valued-pack.ts";

type Prepared = NonNullable<Seen["site"]["prepared"]>;

/** The ordered plan of a profile on a cluster, from what is known now. Pure: the same Seen gives the same plan. */
export function buildPlan(seen: Seen, prepared: Prepared): Plan {
  const scope = profileScope(seen, prepared.digestKey);
  const answers = new Map<string, Answer>();
  const context = { seen, prepared, scopes: profileScopes(seen), scope, answers };
  const { planned, outputs, absentSince } = planInOrder(context);
  const opening = opened(planned, context);
  const parts = planned.flatMap((layer) => partsOfPlanned(layer, opening, context));
  const packs = new Map([...opening].flatMap(([name, state]) => (state.kind === "parts" ? [[name, state]] : [])));
  const layers = refuseTwins(withUnmatched(withRequirements(parts, packs))).map((layer) =>
    withInstalled(layer, { seen, prepared, scopes: context.scopes }),
  );
  const readsNodes = asksForResources(packLayersOf(planned), seen.packs);
  const conditions = { answers, absentSince };
  const variables = scope.kind === "read" ? { variables: scope.variables } : {};
  return { layers, packs, outputs, readsNodes, conditions, ...variables };
}

/** Each layer sees the outputs of those before it. */
function planInOrder(
  context: PlanContext,
): { planned: PlannedLayer[]; outputs: Plan["outputs"] } & Pick<Conditions, "absentSince"> {
  const { seen, scopes } = context;
  const above = new Map<string, ReadonlyMap<string, LayerOutput>>();
  const named: NamedRef[] = [];
  const absentSince = new Map<string, number>();
  const budget = { left: PROFILE_BUDGET };
  const planned = seen.profile.spec.layers.map((layer) => {
    const one = planLayer(layer, new Map(above), context);
    const given = outputsOf(one, { site: seen.site, scopes, budget });
    above.set(layer.name, given.values);
    named.push(...given.named);
    for (const [output, { absence }] of given.values) {
      const key = outputKey({ layer: layer.name, output });
      if (absence?.kind === "missing") absentSince.set(key, seen.conditions.absentSince.get(key) ?? seen.now);
    }
    return one;
  });
  const secrets = [...above.values()].flatMap((given) =>
    [...given.values()].flatMap(({ value, sensitive }) => (sensitive && value !== undefined ? [value] : [])),
  );
  return { planned, outputs: { named, secrets }, absentSince };
}

/** One object in two layers would change hands for ever: the first layer has it, and the other says so. */
function refuseTwins(layers: readonly PlannedLayer[]): PlannedLayer[] {
  const owners = new Map<string, string>();
  return layers.map((layer) => {
    if (layer.state.kind !== "known") return layer;
    const twins = layer.state.desired.filter(({ key }) => owners.has(key));
    for (const { key } of layer.state.desired) if (!owners.has(key)) owners.set(key, layer.spec.name);
    if (twins.length === 0) return layer;
    const desired = layer.state.desired.filter((one) => !twins.includes(one));
    const problems = [...layer.state.problems, ...twins.map(({ ref, key }) => twinFailure(ref, owners.get(key) ?? ""))];
    return { ...layer, state: { ...layer.state, desired, problems } };
  });
}

function twinFailure(ref: ObjectRef, owner: string): Failure {
  return new Failure("InvalidManifest", `${describeRef(ref)} is in layer ${owner} already: keep it in one of the two`);
}

/** The packs of all layers whose references are read. */
function opened(
  planned: readonly PlannedLayer[],
  { seen, prepared, scope }: PlanContext,
): ReadonlyMap<string, PackState> {
  const layers = packLayersOf(planned);
  if (layers.length === 0 || scope.kind !== "read") return new Map();
  return openPacksOnce(layers, {
    memories: seen.packs,
    answers: seen.macros,
    scope: macroScope(scope.scopeWith(new Map())),
    digestKey: prepared.digestKey,
    namespace: seen.profile.spec.namespace,
    kubernetesVersion: seen.site.kubernetesVersion,
    nodes: seen.site.nodes(),
    installed: installedPacks(seen),
    absent: planned.flatMap(absentOf),
    today: new Date(seen.now).toISOString().slice(0, 10),
  });
}

function packLayersOf(planned: readonly PlannedLayer[]): PackLayer[] {
  return planned.flatMap(({ spec, inputs }) => (spec.pack && inputs ? [{ layer: inputs.layer, inputs }] : []));
}

function absentOf({ spec: layer, inputs, state }: PlannedLayer): AbsentPack[] {
  if (!layer.pack || inputs) return [];
  const isAbsent = state.kind === "reading" || state.kind === "missing" || state.kind === "waiting";
  return isAbsent ? [{ layer, state }] : [];
}

/** The versions of packs of which a part was Ready, by the names of their layers. */
function installedPacks({ rows }: Seen): ReadonlyMap<string, string> {
  const installed = [...rows.values()].flatMap(({ name, version, parts = [] }) => {
    const isInstalled = version !== undefined && parts.some(({ readyDigest }) => readyDigest !== undefined);
    return isInstalled ? [[name, version] as const] : [];
  });
  return new Map(installed);
}

/** A pack layer as its parts, once they are known; any other layer as it is. */
function partsOfPlanned(
  planned: PlannedLayer,
  packs: ReadonlyMap<string, PackState>,
  context: PlanContext,
): PlannedLayer[] {
  const state = planned.inputs && packs.get(planned.spec.name);
  if (!state) return [planned];
  switch (state.kind) {
    case "unknown":
      return [{ ...planned, state: { kind: "unpacked", key: state.key } }];
    case "failing":
      return [{ ...planned, state: { kind: "missing", failure: state.failure } }];
    case "macros":
    case "waiting":
    case "failed":
      return [{ ...planned, state }];
    case "parts":
      if (state.parts.length === 0) return [{ ...planned, state: withoutParts(planned, state, context) }];
      return state.parts.map((part) => planResolved(part, { written: part, overrides: [] }, context));
  }
}

/** A pack may have nothing but values, for others to ask for. Its layer is there all the same, and has a row. */
function withoutParts({ spec, namespace }: PlannedLayer, { version }: PackParts, context: PlanContext): ContentState {
  const { seen, prepared, scopes } = context;
  const placement = { layer: spec, namespace, set: seen.set, digestKey: prepared.digestKey, scopes };
  return placedContent({ objects: [], crds: [], version }, placement);
}

/** Nothing is brought; another expectation is another content, with a gate of its own. */
function observed(layer: Layer, { seen, prepared, scopes }: PlanContext): ContentState {
  const { set, site } = seen;
  const { digestKey } = prepared;
  const version = layer.type === "Kubernetes" ? { version: site.kubernetesVersion } : {};
  const placement = { layer, namespace: undefined, set, digestKey, scopes };
  const content = placedContent({ objects: [], crds: [], ...version }, placement);
  return { ...content, digest: hmacDigest(digestKey, layer.expect ?? {}) };
}

interface PlanContext {
  seen: Seen;
  prepared: Prepared;
  scopes: Scopes;
  scope: ProfileScope;
  /** Of the conditions so far. */
  answers: Map<string, Answer>;
}

/** The questions come in the order in which a person would ask them; all answers to one of them come at once. */
function planLayer(written: Layer, above: Scope["layers"], context: PlanContext): PlannedLayer {
  const { scope: of, seen, answers } = context;
  if (written.when !== undefined) answers.set(written.name, answerBefore(written.name, seen));
  const without = (state: ContentState) => ({ ...aboutOf(written, context), inputs: undefined, state });
  if (of.kind !== "read") return without(of);
  const scope = of.scopeWith(above);
  const wrong = [
    ...outputProblems(written),
    ...expectProblems(written),
    ...patchProblems(written),
    ...driftProblems(written),
  ];
  if (wrong.length > 0) return without(wrongBy(new Failure("InvalidSpec", wrong.join("; ")), true));
  const bare = of.scopeWith(withoutValues(above));
  const not = byCondition(written, { scope, bare }, context);
  if (not) return without(not);
  const unfit = kubernetesFailure(written, seen.site.kubernetesVersion);
  if (unfit) return missing(written, unfit, context);
  if (isObserved(written)) return without(observed(written, context));
  const overrides = of.overridesOf(written.name, scope);
  if (overrides instanceof Failure)
    return without(wrongBy(overrides, of.overridesOf(written.name, bare) instanceof Failure));
  const { layer, macros } = withMacrosHidden(written, context.prepared.digestKey);
  const about = { written, memory: seen.contents, digestKey: context.prepared.digestKey };
  const resolved = hasExpressions(layer)
    ? resolveOnce(layer, scope, { ...about, as: "values" })
    : { kind: "resolved" as const, layer, uses: [] };
  if (resolved.kind === "failed")
    return without(wrongBy(resolved.failure, resolveOnce(layer, bare, { ...about, as: "bare" }).kind === "failed"));
  const asked = resolved.kind === "waiting" ? resolved.on : undecided(resolved.uses, above);
  const late = awaiting([...overrides.waitsFor, ...undecided(overrides.uses, above), ...asked], above);
  if (late || resolved.kind === "waiting") return without(late ?? { kind: "reading" });
  const sensitive = sensitiveInputs(resolved, overrides);
  const given = { written, overrides: overrides.values, macros, sensitive, within: scope };
  return planResolved(resolved.layer, given, context);
}

function sensitiveInputs(
  { sensitive: values }: { sensitive?: readonly string[] },
  { sensitive: overrides }: Overrides,
): InputsContext["sensitive"] {
  return values || overrides ? { values: values ?? [], overrides: overrides ?? [] } : undefined;
}

/** Why a layer is not brought, by its own condition; how that was answered is noted. */
function byCondition(
  written: Layer,
  { scope, bare }: { scope: Scope; bare: Scope },
  { seen, answers }: PlanContext,
): ContentState | undefined {
  if (written.when === undefined) return undefined;
  const { not, answer } = judgeCondition(written, scope, seen);
  answers.set(written.name, answer);
  if (not?.kind !== "missing") return not;
  return wrongBy(not.failure, judgeCondition(written, bare, seen).not?.kind === "missing");
}

/** @param isOwn whether it is so whatever the layers before this one give: none of them can mend it */
function wrongBy(failure: Failure, isOwn: boolean): ContentState {
  return { kind: "missing", failure, ...(isOwn ? { isWrong: true } : {}) };
}

function withoutValues(above: Scope["layers"]): Scope["layers"] {
  return new Map([...above].map(([layer, given]) => [layer, new Map([...given.keys()].map((name) => [name, {}]))]));
}

function aboutOf(layer: Layer, { seen }: PlanContext): Pick<PlannedLayer, "spec" | "namespace"> {
  return { spec: layer, namespace: layer.namespace ?? seen.profile.spec.namespace };
}

function missing(layer: Layer, failure: Failure, context: PlanContext): PlannedLayer {
  return { ...aboutOf(layer, context), inputs: undefined, state: { kind: "missing", failure } };
}

/** A layer with what its expressions give, and what it was before. */
interface Resolved extends Pick<InputsContext, "macros" | "sensitive"> {
  written: EngineLayer;
  overrides: readonly Record<string, unknown>[];
  /** What expressions in its objects may read; a pack's have none. */
  within?: Scope;
}

function planResolved(layer: EngineLayer, { written, within, ...given }: Resolved, context: PlanContext): PlannedLayer {
  const { seen, prepared, scopes } = context;
  const { profile, referents, site } = seen;
  const { digestKey } = prepared;
  const about = aboutOf(layer, context);
  const { kubernetesVersion } = site;
  const read = readInputs(layer, { profile, referents, digestKey, kubernetesVersion, written, ...given });
  if (read.kind === "reading") return { ...about, inputs: undefined, state: { kind: "reading" } };
  if (read.kind === "missing") return missing(layer, read.failure, context);
  const { inputs } = read;
  if (layer.pack) return { ...about, inputs, state: { kind: "unknown" } };
  const memory = seen.contents.get(layer.name);
  if (memory?.inputs !== inputs.digest) return { ...about, inputs, state: { kind: "unknown" } };
  if (memory.result.kind === "failed") return { ...about, inputs, state: memory.result };
  const { content: raw } = memory.result;
  const whole = within ? evaluateContent(raw, { scope: within, digestKey }) : raw;
  if ("kind" in whole) return { ...about, inputs, state: whole };
  // Those of a chart and of a pack are in what was rendered.
  const content = layer.helm || layer.part ? whole : patchContentOnce(whole, layer, about.namespace);
  if (content instanceof Failure) return { ...about, inputs, state: { kind: "missing", failure: content } };
  const placement = { layer, namespace: about.namespace, set: seen.set, digestKey, scopes };
  return { ...about, inputs, state: placedContent(content, placement) };
}

/** A kind's scope as the cluster serves it, else as a CRD of any layer declares it. */
export function profileScopes(seen: Seen): Scopes {
  const declared = new Map<string, "Namespaced" | "Cluster">();
  for (const { result } of seen.contents.values()) {
    if (result.kind !== "known") continue;
    for (const [kind, scope] of scopesDeclaredBy([...result.content.crds, ...result.content.objects]))
      declared.set(kind, scope);
  }
  return (kind: GroupKind) => seen.site.scopeOf(kind) ?? declared.get(groupKindKey(kind));
}
