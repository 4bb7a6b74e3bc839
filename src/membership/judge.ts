import { PART_OF_LABEL } from "../api/names.ts";
import { describeRef, refOf } from "../objects/identity.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import type { ApplySet } from "./applyset.ts";
import { applyEntryOf } from "./fields.ts";
import { hasControllerOwner } from "./observed.ts";

export type Adoption = "Never" | "IfUnowned" | "Always";

/** How an object that exists stands to a layer that wants it. */
export type Standing =
  | { kind: "ours" }
  | { kind: "adoptable" }
  | { kind: "terminating" }
  /** `owner` names who has it: a sentence for people, and the id of another ApplySet when it is one. */
  | { kind: "foreign"; owner: string; applySet?: string };

/**
 * Judges an object found in a cluster, read live: is it ours, may the layer adopt it, or does somebody else own it?
 *
 * The order matters: what we applied ourselves is ours even when somebody removed the label, another ApplySet keeps what it
 * has, and only then the layer's `adoption` decides (design, "Writes": *Unowned*).
 */
export function judge(live: KubeObject, set: ApplySet, adoption: Adoption): Standing {
  const partOf = live.metadata.labels?.[PART_OF_LABEL];
  const applied = applyEntryOf(live, set.manager) !== undefined;
  if (live.metadata.deletionTimestamp) return { kind: "terminating" };
  if (applied && (partOf === undefined || partOf === set.id)) return { kind: "ours" };
  if (partOf !== undefined && partOf !== set.id && !hasControllerOwner(live)) {
    return { kind: "foreign", owner: "another ApplySet", applySet: partOf };
  }
  if (adoption === "Always") return { kind: "adoptable" };
  const owner = ownerOf(live);
  if (owner !== undefined) return { kind: "foreign", owner };
  if (adoption === "Never") return { kind: "foreign", owner: "somebody else (the layer's adoption is Never)" };
  return { kind: "adoptable" };
}

/** Marks that other tools leave on what they manage: [where, key, words]. */
const TOOL_MARKS = [
  ["annotations", "meta.helm.sh/release-name", "Helm release"],
  ["labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"],
  ["labels", "helm.toolkit.fluxcd.io/name", "Flux HelmRelease"],
  ["annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"],
  ["labels", "argocd.argoproj.io/instance", "Argo CD application"],
] as const;

const UNOWNED_APPLIERS = /^(kubectl.*|before-first-apply)$/;

function ownerOf(live: KubeObject): string | undefined {
  const controller = live.metadata.ownerReferences?.find((owner) => owner.controller === true);
  if (controller) return `its controller ${controller.kind} ${controller.name}`;
  for (const [where, key, words] of TOOL_MARKS) {
    const value = live.metadata[where]?.[key];
    if (value !== undefined) return `${words} ${value}`;
  }
  if (live.metadata.labels?.["app.kubernetes.io/managed-by"] === "Helm") return "Helm";
  const applier = live.metadata.managedFields?.find(isForeignApply);
  return applier && `field manager ${applier.manager}`;
}

function isForeignApply(entry: ManagedFieldsEntry): boolean {
  return entry.operation === "Apply" && !UNOWNED_APPLIERS.test(entry.manager ?? "");
}

/** Field managers that must not be overruled when they hold a field that we used to own. */
const PROTECTED_MANAGERS = /^(strata-|helm$|Helm$|helm-controller$|kustomize-controller$|flux|argocd)/;

/** Whether a field manager in an apply conflict is another ApplySet, Helm, Flux or Argo CD. */
export function isProtectedManager(manager: string): boolean {
  return PROTECTED_MANAGERS.test(manager);
}

/** The sentence of a conflict over a whole object: what, whose it is, and what to do. */
export function conflictSentence(live: KubeObject, owner: string): string {
  return (
    `${describeRef(refOf(live))} exists and belongs to ${owner}: remove it there, take it out of this layer, ` +
    "or set the layer's adoption to Always to take it over"
  );
}
