import { parseApiVersion } from "../objects/identity.ts";
import type { ObjectRef } from "../objects/types.ts";
import { wantedRelease } from "../plan/chart-layer.ts";
import { factsFor } from "../plan/core-layers.ts";
import type { Beside } from "../plan/gates.ts";
import { healthChecksOf } from "../plan/layer-health.ts";
import type { DeploymentView } from "../plan/next-step.ts";
import { namespaceRef } from "../plan/own-namespaces.ts";
import type { ReleaseName } from "../plan/release.ts";
import type { NamedRef } from "../plan/seen.ts";
import type { Side } from "../plan/sides.ts";
import type { Plan } from "../plan/types.ts";
import { intentsOf } from "./intents.ts";
import type { DeploymentMemory } from "./memory.ts";
import type { Interest } from "./ports.ts";

/** Of a deployment that is gone, or has no cluster. */
export const NO_INTEREST: Interest = {
  late: [],
  named: [],
  kept: [],
  releases: [],
  nodes: false,
  storage: false,
  waiting: false,
  claims: new Map(),
  isJudged: true,
  generation: undefined,
  moving: false,
};

/** Late objects are looked into for the culprit; what health checks and outputs name and namespaces on their way out are watched by name. */
export function interestOf(
  { plan, side, beside }: { plan: Plan; side: Side; beside: Beside | undefined },
  view: DeploymentView | undefined,
  memory: DeploymentMemory,
): Interest {
  const hooks = [...(view?.layers ?? []), ...(view?.removals ?? [])].flatMap((one) => one.hooks ?? []);
  const late = view?.layers.flatMap(({ health }) => health?.late ?? []) ?? [];
  const checks = plan.layers.flatMap(({ spec }) => {
    const compiled = healthChecksOf(spec);
    return compiled.ok ? compiled.value : [];
  });
  const about = checks.map(({ apiVersion, kind, namespace, name }) => ({
    ...parseApiVersion(apiVersion),
    kind,
    namespace,
    name,
  }));
  const named = about.flatMap((ref): NamedRef[] => (ref.name === undefined ? [] : [{ ...ref, name: ref.name }]));
  const awaited = view?.layers.flatMap(({ awaits = [] }) => awaits) ?? [];
  const foreign = awaited.filter(({ isNamed }) => isNamed).slice(0, MOST_AWAITED);
  // What makes a cluster is verified on the cluster: what the hub is like says nothing of it.
  const facts = side === "Management" ? [] : plan.layers.map(({ spec }) => factsFor(spec));
  const leaving = [...memory.leaving].filter(([, state]) => state === "deleting").map(([name]) => namespaceRef(name));
  return {
    waiting: beside !== undefined && (beside.all !== undefined || beside.closed.size > 0),
    late: [...hooks.flatMap((one) => one.late), ...late],
    named: [
      ...named,
      ...plan.outputs.named,
      ...leaving,
      ...hooks.flatMap((one) => one.named),
      ...foreign.map(({ ref }) => namedRef(ref)),
    ],
    kept: about,
    releases: [...releasesOf(plan), ...(memory.prepared?.parent.releases ?? [])],
    nodes: plan.readsNodes || facts.some(({ nodes }) => nodes),
    storage: facts.some(({ storage }) => storage),
    generation: memory.generation,
    moving: memory.trouble === undefined && (view === undefined || view.step.kind !== "None" || view.looking),
    isJudged: view !== undefined,
    ...(view?.done === false ? { intents: onceAsked(() => intentsOf(plan, view.layers, memory)) } : {}),
    claims: new Map(awaited.flatMap(({ key, heir }) => (heir === undefined ? [] : [[key, heir] as const]))),
  };
}

function onceAsked<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** So many objects in the way are watched by their names; when they are gone, the next ones are. */
const MOST_AWAITED = 20;

function namedRef(ref: ObjectRef): NamedRef {
  return { ...ref, namespace: ref.namespace };
}

/** The Helm releases of all listed charts: their records are known by the time a layer's turn comes. */
function releasesOf(plan: Plan): ReleaseName[] {
  return plan.layers.flatMap((layer) => wantedRelease(layer) ?? []);
}
