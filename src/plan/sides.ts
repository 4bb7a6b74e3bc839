import type { Layer, Profile } from "../api/types.ts";
import { isObserved } from "./core-layers.ts";

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
 * as a core layer is verified on the cluster: there it has no source.
 */
export function onSide(profile: Profile, side: Side): Profile {
  if (!hasManagement(profile)) return profile;
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

function verification({ name, type, timeout, gate, adoption, prune, expect = {}, dependsOn, suspend }: Layer): Layer {
  const more = { ...(dependsOn ? { dependsOn } : {}), ...(suspend === undefined ? {} : { suspend }) };
  return { name, type, timeout, gate, adoption, prune, expect, ...more };
}
