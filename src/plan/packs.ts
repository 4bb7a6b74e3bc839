import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import {
  checkDependencies,
  checkLayerValues,
  checkSchema,
  type OtherPack,
  packDefects,
  packMeta,
  releaseNameProblems,
  supportWarnings,
} from "../pack/index.ts";
import { planMacros } from "../pack/macro-plan.ts";
import type { MacroAnswers, MacroExpression, MacroScope } from "../pack/macro-types.ts";
import { resolvedDocument } from "../pack/resolved-document.ts";
import { type PackParts, partProblems, partsOf } from "./pack-parts.ts";
import { judgeResources, type KnownNodes } from "./pack-resources.ts";
import { namesFromSecrets } from "./seen-names.ts";
import type { ContentFailed, ContentState } from "./types.ts";
import { asksFor, documentOf, type LoadedPack, type PackLayer, type Valued, valuesOf } from "./valued-pack.ts";

/** What fetching a layer's pack left behind, good as long as the layer asks for the same pack. */
export interface PackMemory {
  key: string;
  attempts: number;
  result: ContentFailed | { kind: "loaded"; loaded: LoadedPack };
}

/** A pack layer that nobody can open yet: what it refers to is not read, is missing, or waits for an output. */
export interface AbsentPack {
  layer: Layer;
  state: Extract<ContentState, { kind: "reading" | "missing" | "waiting" }>;
}

/** What becomes of a pack layer. */
export type PackState =
  /** To be fetched. */
  | { kind: "unknown"; key: string }
  /** Macros of the profile's packs are to be evaluated. */
  | { kind: "macros"; batch: readonly MacroExpression[] }
  | ContentFailed
  | { kind: "failing"; failure: Failure }
  /** The values of another pack are asked for, and that is not to be had; in words. */
  | { kind: "waiting"; on: string }
  | PackParts;

export interface PackContext {
  memories: ReadonlyMap<string, PackMemory>;
  answers: MacroAnswers;
  scope: MacroScope;
  digestKey: Uint8Array;
  /** The namespace for layers that name none. */
  namespace: string | undefined;
  kubernetesVersion: string;
  nodes: KnownNodes;
  /** Versions of packs that were Ready before, by the names of their layers. */
  installed: ReadonlyMap<string, string>;
  /** The profile's other pack layers. */
  absent: readonly AbsentPack[];
  /** RFC 3339 day, for what is out of support. */
  today: string;
}

const openedBefore = new WeakMap<PackContext["memories"], { inputs: string; states: Map<string, PackState> }>();

/** As `openPacks`; the same parts as before while nothing has changed from which they come. */
export function openPacksOnce(layers: readonly PackLayer[], context: PackContext): ReadonlyMap<string, PackState> {
  const { memories, answers, scope, digestKey, namespace, kubernetesVersion, today, installed } = context;
  const about = layers.map(({ layer, inputs }) => {
    const { values: _, ...rest } = layer;
    return [rest, inputs.digest, inputs.sensitive ?? null, told(memories.get(layer.name))];
  });
  const absent = context.absent.map(({ layer, state }) => [layer.name, layer.pack?.name, wordsOf(state)]);
  const resources = asksForResources(layers, memories) ? [toldNodes(context.nodes), [...installed]] : [];
  const others = [answers.size, scope, namespace ?? null, kubernetesVersion, today];
  const inputs = hmacDigest(digestKey, [about, absent, resources, ...others]);
  const before = openedBefore.get(memories);
  if (before?.inputs === inputs) return before.states;
  const states = openPacks(layers, context);
  openedBefore.set(memories, { inputs, states });
  return states;
}

function told(memory: PackMemory | undefined): unknown[] {
  if (!memory) return [];
  const { key, attempts, result } = memory;
  if (result.kind === "failed") return [key, attempts, result.retryAt];
  return [key, attempts, result.loaded.digest, result.loaded.unverified?.message ?? null];
}

function wordsOf(state: AbsentPack["state"]): string {
  if (state.kind === "waiting") return state.on;
  return state.kind === "missing" ? state.failure.message : "";
}

function toldNodes(nodes: KnownNodes): unknown {
  return nodes instanceof Failure ? nodes.message : (nodes ?? null);
}

/** Whether one of the packs says what it needs of the nodes, which are then to be watched. */
export function asksForResources(
  layers: readonly { layer: { name: string } }[],
  memories: PackContext["memories"],
): boolean {
  return layers.some(({ layer }) => {
    const result = memories.get(layer.name)?.result;
    return result?.kind === "loaded" && result.loaded.pack.resources.length > 0;
  });
}

/**
 * Opens the packs of a profile into their parts. Values of one pack may refer to those of any other, so that all are
 * fetched, and all macros evaluated, before the first part is rendered.
 */
export function openPacks(layers: readonly PackLayer[], context: PackContext): Map<string, PackState> {
  const states = new Map(context.absent.map(({ layer, state }) => [layer.name, stateOfAbsent(state)]));
  const all = [...layers, ...context.absent];
  const loaded: Valued[] = [];
  for (const one of layers) {
    const { name } = one.layer;
    const key = packKey(one.layer, context.digestKey);
    const memory = context.memories.get(name);
    if (memory?.key !== key) states.set(name, { kind: "unknown", key });
    else if (memory.result.kind === "failed") states.set(name, memory.result);
    else {
      const valued = valuesOf(one, memory.result.loaded, context.digestKey);
      if (valued instanceof Failure) states.set(name, { kind: "failing", failure: valued });
      else loaded.push(valued);
    }
  }
  // Until all are here, nobody can say what their values refer to.
  const isWaiting = [...states.values()].some(({ kind }) => kind === "unknown");
  if (isWaiting) {
    for (const { layer } of loaded) states.set(layer.name, { kind: "macros", batch: [] });
    return states;
  }
  settle(withoutDependents(loaded, all, states), { layers: all, states, context });
  return states;
}

function stateOfAbsent(state: AbsentPack["state"]): PackState {
  if (state.kind === "reading") return { kind: "macros", batch: [] };
  return state.kind === "missing" ? { kind: "failing", failure: state.failure } : state;
}

interface Settling {
  layers: readonly { layer: Layer }[];
  states: Map<string, PackState>;
  context: PackContext;
}

/** Replaces the macros of packs. Those in which one is wrong fail, and the others go on without them. */
function settle(ready: readonly Valued[], settling: Settling): void {
  const { layers, states, context } = settling;
  const documents = ready.map(documentOf);
  const plan = planMacros(documents, context.scope, context.answers);
  if (plan.kind === "failed") {
    const blamed = ready.filter(({ layer }) => problemsOf(plan.problems, layer.name).length > 0);
    for (const { layer } of blamed.length > 0 ? blamed : ready) {
      const own = problemsOf(plan.problems, layer.name);
      const text = (own.length > 0 ? own : plan.problems).join("; ");
      states.set(layer.name, { kind: "failing", failure: new Failure("InvalidValues", text) });
    }
    const others = ready.filter(({ layer }) => !states.has(layer.name));
    if (others.length > 0) settle(withoutDependents(others, layers, states), settling);
    return;
  }
  if (plan.kind === "evaluate") {
    for (const { layer } of ready) states.set(layer.name, { kind: "macros", batch: plan.batch });
    return;
  }
  const absent = new Set(layers.flatMap(({ layer }) => (states.has(layer.name) ? (layer.pack?.name ?? []) : [])));
  const others = ready.map(({ loaded: { pack, version } }) => ({ name: pack.name, version, layer: pack.layer }));
  const packs = documents.map((document, index) => resolvedDocument(document, plan.trees[index], plan.sensitive));
  const macros = { scope: context.scope, packs, seal: hmacDigest(context.digestKey, "macros in manifests") };
  ready.forEach((valued, index) => {
    const seen = namesFromSecrets(packs[index]?.sensitive ?? []);
    states.set(valued.layer.name, open(valued, plan.trees[index], { context, others, absent, macros, seen }));
  });
}

/** Each problem begins with the layer in which the macro stands. */
function problemsOf(problems: readonly string[], layer: string): readonly string[] {
  return problems.filter((problem) => problem.startsWith(`layer ${layer},`));
}

/**
 * Those whose macros ask for no pack that cannot be opened, nor for one that waits itself: with `default` in such a macro,
 * another value would come out of it while a registry is down.
 */
function withoutDependents(
  loaded: readonly Valued[],
  layers: readonly { layer: Layer }[],
  states: Map<string, PackState>,
): readonly Valued[] {
  const absent = layers.flatMap(({ layer }) => {
    const state = states.get(layer.name);
    return state ? [{ layer, state }] : [];
  });
  const found = loaded.flatMap((valued) => {
    const other = absent.find(({ layer }) => asksFor(valued, layer.pack?.name ?? ""));
    return other ? [{ valued, other }] : [];
  });
  for (const { valued, other } of found) states.set(valued.layer.name, waitingFor(other));
  const ready = loaded.filter((valued) => !states.has(valued.layer.name));
  return found.length > 0 ? withoutDependents(ready, layers, states) : ready;
}

function waitingFor({ layer: { name, pack }, state }: { layer: Layer; state: PackState }): PackState {
  if (state.kind === "macros") return state;
  const why = state.kind === "waiting" ? `, which waits for ${state.on}` : "";
  return { kind: "waiting", on: `pack ${pack?.name} of layer ${name}${why}` };
}

/** What decides which pack a layer has: a range is resolved again only when it changes. */
export function packKey({ pack }: Layer, digestKey: Uint8Array): string {
  return hmacDigest(digestKey, [pack?.registryRef.name, pack?.name, pack?.version]);
}

function unverified({ pack, version, unverified: why }: LoadedPack): string[] {
  if (why === undefined) return [];
  const what = `pack ${pack.name} ${version} was stored before its Registry asked for signatures as it does now, and is not verified`;
  return [`${what}: what runs of it stays as it is, and nothing new is made of it (${why.message})`];
}

function refused(problems: readonly string[], where: string): PackState {
  return {
    kind: "failing",
    failure: new Failure("InvalidValues", problems.map((one) => `${where}: ${one}`).join("; ")),
  };
}

type Macros = Parameters<typeof partsOf>[1]["macros"];

function open(
  { layer, loaded, values, own }: Valued,
  tree: unknown,
  {
    context,
    others,
    absent,
    macros,
    seen,
  }: {
    context: PackContext;
    others: readonly OtherPack[];
    absent: ReadonlySet<string>;
    macros: Macros;
    /** What is wrong with names that macros give. */
    seen: readonly string[];
  },
): PackState {
  const { pack, version, charts } = loaded;
  const where = `pack ${pack.name} ${version}`;
  // What else is wrong with these may be told with the very value that must not be seen.
  if (seen.length > 0) return refused(seen, where);
  const final = tree as Record<string, unknown>;
  const meta = packMeta(final);
  const schema = checkSchema(pack.schema, { preset: values.preset, final });
  const neighbours = [
    { name: "kubernetes", version: context.kubernetesVersion, layer: "k8s" as const },
    ...others.filter(({ name }) => name !== pack.name),
  ];
  // Of a pack that cannot be had nobody knows which version it is.
  const known = pack.dependencies.filter(({ packName }) => !absent.has(packName));
  const dependencies = checkDependencies({ ...pack, dependencies: known }, neighbours);
  const problems = [
    ...partProblems(layer, loaded),
    ...(meta.ok
      ? releaseNameProblems(
          meta.value,
          pack.name,
          charts.map((chart) => chart.name),
        )
      : meta.problems),
    ...schema.problems,
    ...dependencies.problems,
  ];
  if (!meta.ok || problems.length > 0) return refused(problems, where);
  const isInstalled = context.installed.get(layer.name) === version;
  const resources = judgeResources(pack, final, { nodes: context.nodes, isInstalled });
  if (resources === "unknown") return { kind: "macros", batch: [] };
  if (resources.problems.length > 0)
    return { kind: "failing", failure: new Failure("RequirementNotMet", resources.problems.join("; ")) };
  const warnings = [
    ...unverified(loaded),
    ...pack.warnings,
    ...values.warnings,
    ...schema.warnings,
    ...dependencies.warnings,
    ...resources.warnings,
    ...packDefects(pack, charts, values.defaults),
    ...checkLayerValues({ pack, charts, preset: values.preset }, own),
    ...supportWarnings(pack, context.today),
  ];
  return partsOf(layer, { macros, loaded, meta: meta.value, final, warnings }, context.namespace);
}
