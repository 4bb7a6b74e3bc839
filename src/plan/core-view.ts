import { type CoreProbe, type CoreVerdict, isObserved, verifyCore } from "./core-layers.ts";
import { type LayerHealth, UNHEALTHY_LISTED, waiting } from "./layer-health.ts";
import { failing, type KnownLayer, type LayerView, type Surroundings } from "./layer-view.ts";

/**
 * The view of a core layer that has brought what it brings: the live cluster decides whether it is Ready. One that was Ready
 * with its present content keeps its gate open, whatever becomes of the cluster.
 */
export function verified(view: LayerView, layer: KnownLayer, { seen }: Pick<Surroundings, "seen">): LayerView {
  if (view.state !== "Ready") return view;
  const { site, rows } = seen;
  const wasReady = rows.get(layer.spec.name)?.readyDigest === layer.state.digest;
  const cluster = { kubernetesVersion: site.kubernetesVersion, nodes: site.nodes(), ...site.storage() };
  const verdict = verifyCore(layer.spec, cluster);
  switch (verdict.kind) {
    case "reading":
      return { ...view, ...RESOLVING, gateOpen: wasReady, looking: true };
    case "unmet": {
      const { state, reason, message, failure } = failing(layer, verdict.failure);
      return { ...view, state, reason, message, gateOpen: wasReady, ...(failure ? { failure } : {}) };
    }
    case "probed":
      return probed(view, layer, { verdict, seen, wasReady });
  }
}

const RESOLVING = { state: "Resolving", reason: "Resolving", message: "reading what the cluster is like" } as const;

interface About extends Pick<Surroundings, "seen"> {
  verdict: CoreVerdict & { kind: "probed" };
  wasReady: boolean;
}

function probed(view: LayerView, { spec }: KnownLayer, { verdict, seen, wasReady }: About): LayerView {
  const { probes, summary, opensEarly } = verdict;
  const late = probes.flatMap(({ kind, name, late: message }) =>
    message ? [{ object: `${kind} ${name}`, message }] : [],
  );
  const [first] = late;
  const told = isObserved(spec) ? summary : `${view.message}; ${summary}`;
  const more = late.length > 1 ? ` (and ${late.length - 1} more)` : "";
  const stands = first ? waiting(spec, `${first.message}${more}`, seen) : { ...READY, message: told };
  const base = view.health ?? NO_OBJECTS;
  const health: LayerHealth = {
    ...base,
    ...stands,
    ready: base.ready + probes.length - late.length,
    total: base.total + probes.length,
    counts: [...base.counts, ...countsOf(probes)],
    unhealthy: [...base.unhealthy, ...late].slice(0, UNHEALTHY_LISTED),
  };
  const { state, reason, message } = stands;
  const wakes = [view.wakeAt, health.wakeAt].filter((time) => time !== undefined);
  return {
    ...view,
    state,
    reason,
    message,
    health,
    gateOpen: first === undefined || opensEarly || wasReady || spec.gate === "Applied",
    ...(wakes.length > 0 ? { wakeAt: Math.min(...wakes) } : {}),
  };
}

const READY = { state: "Ready", reason: "Ready" } as const;
const NO_OBJECTS: LayerHealth = { ...READY, message: "", ready: 0, total: 0, counts: [], unhealthy: [], late: [] };

function countsOf(probes: readonly CoreProbe[]): LayerHealth["counts"] {
  return [...Map.groupBy(probes, ({ kind }) => kind)].map(([kind, all]) => ({
    kind,
    ready: all.filter(({ late }) => late === undefined).length,
    total: all.length,
  }));
}
