import { HOOK_ANNOTATION, LAYER_ANNOTATION, PART_OF_LABEL, RECONCILE_ANNOTATION } from "../api/names.ts";
import { describeRef, isCrd, refOf } from "../objects/identity.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import type { ApplySet } from "./applyset.ts";
import { applyEntryOf } from "./fields.ts";
import { helmEntriesOf, isFrozen, ownHookEntryOf, ownsLabel } from "./observed.ts";

export type Adoption = "Never" | "IfUnowned" | "SameRelease" | "Always";

/** Who wants an object, and what it may take. */
export interface Claim {
  /** The layer's name. */
  layer: string;
  adoption: Adoption;
  /** Whether what is its own may be deleted and created again, where a field cannot be changed otherwise. */
  recreate?: boolean;
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
export type Owner =
  | { kind: "applySet"; id: string }
  | { kind: "tool"; words: string }
  /** The one whose part it is: it can be no member of a set, and goes when its owner does. */
  | { kind: "controller"; words: string }
  | { kind: "nobody" }
  /** It says of itself that it is to be left as it is. */
  | { kind: "frozen" };

/**
 * Judges an object found in a cluster, read live: is it ours, may the layer adopt it, or does somebody else own it?
 *
 * @param claim with `fromCrdsFolder` for a CRD of a chart's `crds/` folder
 *
 * The order matters: what a controller has is nobody else's, what we applied ourselves is ours even when somebody removed the
 * label, another ApplySet keeps what it has, and only then the layer's `adoption` decides (design, "Writes": *Unowned*).
 */
export function judge(live: KubeObject, set: ApplySet, claim: Claim & { fromCrdsFolder?: boolean }): Standing {
  const partOf = live.metadata.labels?.[PART_OF_LABEL];
  const applied = applyEntryOf(live, set.manager);
  if (live.metadata.deletionTimestamp) return { kind: "terminating" };
  const untouchable = untouchableBy(live);
  if (untouchable) return { kind: "foreign", owner: untouchable };
  if (applied && (partOf === undefined || partOf === set.id || ownsLabel(applied))) return { kind: "ours" };
  if (partOf === set.id && isDisowned(live)) return { kind: "ours" };
  if (partOf !== undefined && partOf !== set.id) {
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

/** Who keeps an object from any layer, whatever that has applied or may take. */
function untouchableBy(live: KubeObject): Owner | undefined {
  if (isFrozen(live)) return { kind: "frozen" };
  const controller = live.metadata.ownerReferences?.find((owner) => owner.controller === true);
  return controller && { kind: "controller", words: `${controller.kind} ${controller.name}` };
}

/** Whether nobody owns the label: somebody has cleared who owns what. A copy's is owned by who made that. */
function isDisowned({ metadata: { managedFields = [] } }: KubeObject): boolean {
  return managedFields.every((entry) => entry.manager === "before-first-apply" || !ownsLabel(entry));
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

/** Marks that other tools leave on what they manage: [where, key, words]. Flux installs by Helm, and is named before it. */
const TOOL_MARKS = [
  ["labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"],
  ["labels", "helm.toolkit.fluxcd.io/name", "Flux HelmRelease"],
  ["annotations", RELEASE_NAME, "Helm release"],
  ["annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"],
  ["labels", "argocd.argoproj.io/instance", "Argo CD application"],
] as const;

/** Argo CD's mark in most installations; charts set the label too, so that it is Argo CD's only where that has written. */
const INSTANCE_LABEL = "app.kubernetes.io/instance";

const UNOWNED_APPLIERS = /^(kubectl.*|before-first-apply)$/;

/** @param isHelms whether Helm may have made it, for the release that the layer takes over: it claims nothing of `crds/` after */
function toolOf(live: KubeObject, isHelms: boolean): string | undefined {
  for (const [where, key, words] of TOOL_MARKS) {
    const value = live.metadata[where]?.[key];
    // A tracking id is `application:group/Kind:namespace/name`.
    if (value !== undefined) return `${words} ${key.endsWith("/tracking-id") ? value.split(":")[0] : value}`;
  }
  const instance = live.metadata.labels?.[INSTANCE_LABEL];
  const isArgos = live.metadata.managedFields?.some(({ manager }) => manager?.startsWith("argocd")) ?? false;
  if (isArgos && instance !== undefined) return `Argo CD application ${instance}`;
  if (!isHelms && live.metadata.labels?.["app.kubernetes.io/managed-by"] === "Helm") return "Helm";
  const helms = isHelms ? helmEntriesOf(live) : [];
  const entries = live.metadata.managedFields?.filter((entry) => !isUser(entry, live) && !helms.includes(entry));
  const applier = entries?.find(isForeignApply);
  return applier && `field manager ${applier.manager}`;
}

/** A profile that uses a namespace has its labels on it, and no more: the namespace itself is nobody's. */
function isUser({ manager = "" }: ManagedFieldsEntry, live: KubeObject): boolean {
  return live.kind === "Namespace" && manager.startsWith("strata-");
}

function isForeignApply(entry: ManagedFieldsEntry): boolean {
  return entry.operation === "Apply" && !entry.subresource && !UNOWNED_APPLIERS.test(entry.manager ?? "");
}

/**
 * The sentence of a conflict over a whole object: what, whose it is, and what helps.
 *
 * @param profile of the ApplySet that has the object, as its parent names it: `ClusterProfile/acme/base`
 */
export function conflictSentence(live: KubeObject, owner: Owner, profile: string | undefined): string {
  const name = describeRef(refOf(live));
  switch (owner.kind) {
    case "applySet": {
      if (profile === undefined)
        return `${name} exists and belongs to an ApplySet of another tool: take it out of that set, or out of this layer`;
      const [layer] = (live.metadata.annotations?.[LAYER_ANNOTATION] ?? "").split("/");
      const who = `${layer ? `layer ${layer} of ` : ""}${profile.replace("/", " ")}`;
      return (
        `${name} exists and belongs to ${who}: take it out of one of the two profiles or, if that one has left the cluster, ` +
        `take the label ${PART_OF_LABEL} off the object and set the layer's adoption to Always`
      );
    }
    case "tool":
      return (
        `${name} exists and belongs to ${owner.words}: remove it there, take it out of this layer, ` +
        "or set the layer's adoption to Always to take it over"
      );
    case "controller":
      return (
        `${name} exists and belongs to its controller ${owner.words} (metadata.ownerReferences): ` +
        "give the layer's object another name, or take it out of this layer"
      );
    case "frozen":
      return `${name} exists and says ${RECONCILE_ANNOTATION}: Disabled: take the annotation off, or the object out of this layer`;
    case "nobody":
      return (
        `${name} exists, and the layer's adoption is Never: delete it, take it out of this layer, ` +
        "or set adoption to IfUnowned"
      );
  }
}

/** From the highest: a profile of a higher tier takes an object over from one of a lower. */
const TIERS = ["SystemProfile", "ClusterProfile", "AddOnProfile"];

/**
 * Whether a profile of this kind goes before the one that has an object.
 *
 * @param owner as the parent of its ApplySet names it: `ClusterProfile/acme/base`
 */
export function outranks(kind: string, owner: string): boolean {
  const [ownerKind = ""] = owner.split("/");
  return TIERS.includes(ownerKind) && TIERS.includes(kind) && TIERS.indexOf(kind) < TIERS.indexOf(ownerKind);
}
