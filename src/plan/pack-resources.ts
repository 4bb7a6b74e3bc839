import { Failure } from "../errors.ts";
import { checkResources, type Judgement, type NodeResources, type PackMetadata } from "../pack/index.ts";
import type { Values } from "./values.ts";

/** The nodes of the target; undefined where nobody looks at a cluster. */
export type KnownNodes = readonly NodeResources[] | "unknown" | Failure | undefined;

/**
 * What a pack asks of the nodes: it stands in the way of its first installation and of another version. Of what is there
 * already it is a warning, as when a node goes, and when the identity of the layer may not read nodes.
 */
export function judgeResources(
  pack: Pick<PackMetadata, "name" | "version" | "resources">,
  values: Values,
  { nodes, isInstalled }: { nodes: KnownNodes; isInstalled: boolean },
): Judgement | "unknown" {
  if (pack.resources.length === 0 || nodes === undefined) return { problems: [], warnings: [] };
  if (nodes === "unknown") return "unknown";
  if (nodes instanceof Failure) {
    const warning = `constraints.resources: nobody knows whether the nodes have enough: ${nodes.message}`;
    return { problems: [], warnings: [warning] };
  }
  const { problems, warnings } = checkResources(pack, values, nodes);
  return isInstalled ? { problems: [], warnings: [...problems, ...warnings] } : { problems, warnings };
}
