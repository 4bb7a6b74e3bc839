import type { Values } from "../plan/values.ts";
import { parseQuantity } from "../text/quantity.ts";
import { findPath } from "./maps.ts";
import { told } from "./tell.ts";
import type { Judgement, PackMetadata, ResourceComponent, ResourceLimit, ResourceType } from "./types.ts";

/** What a node has for pods. */
export interface NodeResources {
  role: "worker" | "control-plane";
  /** Millicores. */
  cpu: number;
  /** Mi. */
  memory: number;
  /** GB. */
  diskSize: number;
}

const UNITS: Readonly<Record<ResourceType, string>> = {
  cpu: "m of CPU",
  memory: "Mi of memory",
  diskSize: " GB of disk",
};

/** How much one unit of the limits is in the base units of quantities (cores, bytes). */
const SIZES: Readonly<Record<ResourceType, number>> = { cpu: 1e-3, memory: 2 ** 20, diskSize: 1e9 };

type Pool = "all" | "worker" | "control-plane";

const POOL_NAMES: Readonly<Record<Pool, string>> = {
  all: "the nodes together",
  worker: "the worker nodes together",
  "control-plane": "the control plane nodes together",
};

/**
 * Checks `constraints.resources` against what the nodes have: `minLimit` against the worker nodes; with components
 * instead the sum of request × replicas, read from the final values, against the nodes that these pods may run on. A
 * component for all nodes without replicas runs once on each. A cluster without worker nodes runs everything on its
 * control plane.
 */
export function checkResources(
  pack: Pick<PackMetadata, "name" | "version" | "resources">,
  values: Values,
  nodes: readonly NodeResources[],
): Judgement {
  const found: Judgement = { problems: [], warnings: [] };
  for (const limit of pack.resources) {
    for (const [pool, needed] of demands(limit, { values, nodes, warnings: found.warnings })) {
      const has = poolOf(nodes, pool).reduce((sum, node) => sum + node[limit.type], 0);
      if (needed <= has) continue;
      const [need, have] = [needed, has].map((amount) => `${Math.ceil(amount)}${UNITS[limit.type]}`);
      found.problems.push(`${pack.name} ${pack.version} needs ${need}; ${POOL_NAMES[pool]} have ${have}`);
    }
  }
  return { problems: told(found.problems), warnings: told(found.warnings) };
}

function poolOf(nodes: readonly NodeResources[], pool: Pool): readonly NodeResources[] {
  if (pool === "all") return nodes;
  const ofRole = nodes.filter(({ role }) => role === pool);
  return pool === "worker" && ofRole.length === 0 ? nodes : ofRole;
}

interface Cluster {
  values: Values;
  nodes: readonly NodeResources[];
  warnings: string[];
}

/** What each pool of nodes must have. */
function demands(limit: ResourceLimit, cluster: Cluster): Map<Pool, number> {
  const { components, minLimit } = limit;
  if (components.length === 0) return new Map(minLimit === undefined ? [] : [["worker", minLimit]]);
  const sums = new Map<Pool, number>();
  for (const component of components) {
    const pool = component.scheduleType === "master" ? "control-plane" : component.scheduleType;
    const demand = demandOf(component, limit.type, cluster);
    if (demand !== undefined) sums.set(pool, (sums.get(pool) ?? 0) + demand);
  }
  return sums;
}

function demandOf(
  component: ResourceComponent,
  type: ResourceType,
  { values, nodes, warnings }: Cluster,
): number | undefined {
  const { requestPath, replicasPath, scheduleType } = component;
  const request = requestPath === undefined ? undefined : numberAt(values, requestPath);
  if (request === undefined) {
    warnings.push(
      `constraints.resources: ${requestPath ?? `a component of ${type}`} gives no request and does not count`,
    );
    return undefined;
  }
  const everywhere = scheduleType === "all" && replicasPath === undefined ? nodes.length : 1;
  const replicas = replicasPath === undefined ? everywhere : (numberAt(values, replicasPath) ?? 1);
  return (request / SIZES[type]) * replicas;
}

function numberAt(values: Values, path: string): number | undefined {
  const value = findPath(values, path)[0]?.value;
  return typeof value === "string" || typeof value === "number" ? parseQuantity(value) : undefined;
}
