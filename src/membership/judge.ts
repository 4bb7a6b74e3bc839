import { HOOK_ANNOTATION, PART_OF_LABEL } from "../api/names.ts";
import { describeRef, isCrd, refOf } from "../objects/identity.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import type { ApplySet } from "./applyset.ts";
import { applyEntryOf } from "./fields.ts";
import { hasControllerOwner, helmEntriesOf, ownHookEntryOf } from "./observed.ts";

export type Adoption = "Never" | "IfUnowned" | "SameRelease" | "Always";

/** Who wants an object, and what it may take. */
export interface Claim {
  /** The layer's name. */
  layer: string;
  adoption: Adoption;
  /** The Helm release of a chart's layer. */
  release?: { namespace: string; name: string } | undefined;
}

/** How an object that exists stands to a layer that wants it. */
export type Standing =
  | { kind: "ours" }
  | { kind: "adoptable" }
  | { kind: "terminating" }
  | { kind: "foreign"; owner: Owner };

/** Who has an object that is not ours: another ApplySet, a tool or controller in words for people, or nobody in particular. */
export type Owner = { kind: "applySet"; id: string } | { kind: "tool"; words: string } | { kind: "nobody" };

/**
 * Judges an object found in a cluster, read live: is it ours, may the layer adopt it, or does somebody else own it?
 *
 * @param claim with `fromCrdsFolder` for a CRD of a chart's `crds/` folder
 *
 * The order matters: what we applied ourselves is ours even when somebody removed the label, another ApplySet keeps what it
 * has, and only then the layer's `adoption` decides (design, "Writes": *Unowned*).
 */
export function judge(live: KubeObject, set: ApplySet, claim: Claim & { fromCrdsFolder?: boolean }): Standing {
  const partOf = live.metadata.labels?.[PART_OF_LABEL];
  const applied = applyEntryOf(live, set.manager) !== undefined;
  if (live.metadata.deletionTimestamp) return { kind: "terminating" };
  if (applied && (partOf === undefined || partOf === set.id)) return { kind: "ours" };
  if (partOf !== undefined && partOf !== set.id && !hasControllerOwner(live)) {
    return { kind: "foreign", owner: { kind: "applySet", id: partOf } };
  }
  if (isOfRelease(live, claim) || isOwnHook(live, set, claim)) return { kind: "ours" };
  const { adoption, release, fromCrdsFolder } = claim;
  if (adoption === "Always") return { kind: "adoptable" };
  const words = toolOf(live, release !== undefined && fromCrdsFolder === true && adoption === "SameRelease");
  if (words !== undefined) return { kind: "foreign", owner: { kind: "tool", words } };
  if (adoption === "Never") return { kind: "foreign", owner: { kind: "nobody" } };
  return { kind: "adoptable" };
}

const RELEASE_NAME = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE = "meta.helm.sh/release-namespace";

/**
 * An object of the very release that the layer writes: whether the layer may take the release over was decided when its
 * revision was opened; what `helm rollback` or `helm upgrade` made on top of it comes with it.
 */
function isOfRelease({ metadata: { annotations = {} } }: KubeObject, { release }: Claim): boolean {
  if (!release) return false;
  return annotations[RELEASE_NAME] === release.name && annotations[RELEASE_NAMESPACE] === release.namespace;
}

/** What was a hook of the layer and is an object of it now; a CRD that a hook only changed is not. */
function isOwnHook(live: KubeObject, set: ApplySet, { layer }: Claim): boolean {
  const run = live.metadata.annotations?.[HOOK_ANNOTATION] ?? "";
  return run.startsWith(`${layer}/v`) && ownHookEntryOf(live, set) !== undefined && !isCrd(refOf(live));
}

/** Marks that other tools leave on what they manage: [where, key, words]. */
const TOOL_MARKS = [
  ["annotations", RELEASE_NAME, "Helm release"],
  ["labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"],
  ["labels", "helm.toolkit.fluxcd.io/name", "Flux HelmRelease"],
  ["annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"],
  ["labels", "argocd.argoproj.io/instance", "Argo CD application"],
] as const;

const UNOWNED_APPLIERS = /^(kubectl.*|before-first-apply)$/;

/** @param isHelms whether Helm may have made it, for the release that the layer takes over: it claims nothing of `crds/` after */
function toolOf(live: KubeObject, isHelms: boolean): string | undefined {
  const controller = live.metadata.ownerReferences?.find((owner) => owner.controller === true);
  if (controller) return `its controller ${controller.kind} ${controller.name}`;
  for (const [where, key, words] of TOOL_MARKS) {
    const value = live.metadata[where]?.[key];
    if (value !== undefined) return `${words} ${value}`;
  }
  if (!isHelms && live.metadata.labels?.["app.kubernetes.io/managed-by"] === "Helm") return "Helm";
  const helms = isHelms ? helmEntriesOf(live) : [];
  const applier = live.metadata.managedFields?.find((entry) => isForeignApply(entry) && !helms.includes(entry));
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

/**
 * The sentence of a conflict over a whole object: what, whose it is, and what helps.
 *
 * @param profile of the ApplySet that has the object, as its parent names it: `ClusterProfile/acme/base`
 */
export function conflictSentence(live: KubeObject, owner: Owner, profile: string | undefined): string {
  const name = describeRef(refOf(live));
  switch (owner.kind) {
    case "applySet":
      return profile === undefined
        ? `${name} exists and belongs to an ApplySet of another tool: take it out of that set, or out of this layer`
        : `${name} exists and belongs to ${profile.replace("/", " ")}: take it out of one of the two profiles`;
    case "tool":
      return (
        `${name} exists and belongs to ${owner.words}: remove it there, take it out of this layer, ` +
        "or set the layer's adoption to Always to take it over"
      );
    case "nobody":
      return (
        `${name} exists, and the layer's adoption is Never: delete it, take it out of this layer, ` +
        "or set adoption to IfUnowned"
      );
  }
}
