import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { parseRange, parseVersion } from "../text/versions.ts";
import { layerOf } from "./pack-parts.ts";
import type { Plan, PlannedLayer } from "./types.ts";

type Required = NonNullable<NonNullable<Layer["requires"]>["layers"]>[number];

/**
 * Why the cluster's Kubernetes will not do. Distributions put their own words behind the version (`v1.33.1-gke.100`,
 * `v1.33.1+k3s1`): these are no pre-releases, and do not count.
 */
export function kubernetesFailure({ requires }: Pick<Layer, "requires">, version: string): Failure | undefined {
  const range = requires?.kubernetes;
  if (range === undefined || isIn(version.replace(/[-+].*$/, ""), range)) return undefined;
  return new Failure("RequirementNotMet", `requires Kubernetes ${range}; this cluster has ${version}`);
}

/** The layers of a plan, in which those are refused that require of another what it is not. */
export function withRequirements(layers: readonly PlannedLayer[], packs: Plan["packs"]): PlannedLayer[] {
  const asking = layers.some(({ spec }) => spec.requires?.layers);
  if (!asking) return [...layers];
  return layers.map((layer, index) => {
    const { requires } = layer.spec;
    // A pack that is being opened goes on: the values of others may ask for its own.
    if (!requires?.layers || ["skipped", "missing", "unpacked", "macros"].includes(layer.state.kind)) return layer;
    const above = layers.slice(0, index);
    const clauses = requires.layers.flatMap((one) => problemOf(one, above, packs) ?? []);
    if (clauses.length === 0) return layer;
    const failure = new Failure("RequirementNotMet", `requires ${clauses.join("; ")}`);
    return { ...layer, inputs: undefined, state: { kind: "missing", failure } };
  });
}

function problemOf(
  { name, version }: Required,
  above: readonly PlannedLayer[],
  packs: Plan["packs"],
): string | undefined {
  const asked = `layer ${name} ${version}`;
  const layer = above.find(({ spec }) => layerOf(spec) === name);
  if (!layer) return `${asked}, and no layer before this one has that name`;
  if (layer.state.kind === "skipped") return `${asked}, which is skipped`;
  const isPack = layer.spec.pack !== undefined || layer.spec.part !== undefined;
  if (!isPack && !layer.spec.helm) return `${asked}, which is of manifests and has no version`;
  const known = layer.state.kind === "known" ? layer.state.content.version : undefined;
  const present = isPack ? packs.get(name)?.version : known;
  // Until it is known, the layer waits for that one's gate anyway.
  if (present === undefined || isIn(present, version)) return undefined;
  return `${asked}; ${present} is there`;
}

function isIn(text: string, range: string): boolean {
  const version = parseVersion(text);
  return text === range || (version !== undefined && parseRange(range)?.matches(version) === true);
}
