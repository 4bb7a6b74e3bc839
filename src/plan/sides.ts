import type { Layer, Profile } from "../api/types.ts";
import { isObserved } from "./core-layers.ts";
import { compileExpression } from "./expression-program.ts";

/** Where the layers of a profile act for a cluster: on the cluster itself, or on the hub, which makes the cluster. */
export type Side = "Workload" | "Management";

/** The side of a layer: what makes a cluster is applied where the cluster comes from. */
export function sideOf(layer: Pick<Layer, "applyTo" | "type" | "pack" | "helm" | "manifests">): Side {
  const makesCluster = (layer.type === "OS" || layer.type === "Kubernetes") && !isObserved(layer);
  return layer.applyTo ?? (makesCluster ? "Management" : "Workload");
}

/** Whether something of the profile is applied on the hub for each of its clusters. */
export function hasManagement({ spec }: Pick<Profile, "spec">): boolean {
  return spec.layers.some((layer) => sideOf(layer) === "Management");
}

const sides = new WeakMap<Profile, Map<Side, Profile>>();

/**
 * The profile as one side of a cluster has it; the same object as long as the profile is the same. What is applied on the hub
 * as a core layer is verified on the cluster: there it has no source. Where nothing is applied on the hub any more, that side
 * has no layers: it is there to remove what is left.
 */
export function onSide(profile: Profile, side: Side): Profile {
  if (side === "Workload" && !hasManagement(profile)) return profile;
  const known = sides.get(profile) ?? new Map<Side, Profile>();
  sides.set(profile, known);
  const made = known.get(side) ?? cut(profile, side);
  known.set(side, made);
  return made;
}

function cut(profile: Profile, side: Side): Profile {
  const layers = profile.spec.layers.flatMap((layer): Layer[] => {
    if (sideOf(layer) === side) return [layer];
    return side === "Workload" && layer.type !== "AddOn" ? [verification(layer)] : [];
  });
  return { ...profile, spec: { ...profile.spec, layers } } as Profile;
}

function verification(layer: Layer): Layer {
  const { name, type, timeout, gate, adoption, prune, expect = {}, dependsOn, suspend, when } = layer;
  const more = {
    ...(dependsOn ? { dependsOn } : {}),
    ...(suspend === undefined ? {} : { suspend }),
    ...(when !== undefined && isSameOnBothSides(when) ? { when } : {}),
  };
  return { name, type, timeout, gate, adoption, prune, expect, ...more };
}

/**
 * Whether a condition gives the same answer on the cluster as on the hub: what is not brought is not verified either. Outputs
 * are there for layers of the same side only, and each side has its own version of Kubernetes; one that cannot be read is told
 * of on the hub.
 */
function isSameOnBothSides(when: string): boolean {
  const compiled = compileExpression(when.trim());
  if (!compiled.ok) return false;
  return compiled.value.references.every(
    (one) => one.kind !== "output" && !(one.kind === "cluster" && one.field === "kubernetesVersion"),
  );
}
