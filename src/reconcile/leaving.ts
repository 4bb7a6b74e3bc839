import { conditionOf } from "../api/conditions.ts";
import { durationMs } from "../api/duration.ts";
import { LOCAL_CLUSTER } from "../api/names.ts";
import type { DeploymentLayerStatus, Profile, ProfileDeploymentStatus } from "../api/types.ts";
import { Failure, type FailureReason } from "../errors.ts";
import type { Parent } from "../membership/applyset.ts";
import type { DeploymentView } from "../plan/next-step.ts";
import { isBrought } from "../status/away-status.ts";
import type { DeploymentFacts } from "./ports.ts";
import { heldSince, wasLeaving } from "./unmatches.ts";

const DEFAULT_GRACE = "1h";
/** So long a cluster may be silent to which only credentials in memory lead: who deletes its Secret wants the wait to end. */
const MEMORY_GRACE_MS = 60_000;
/** What only rights and places could mend that went with the namespace. */
const LOST: ReadonlySet<FailureReason> = new Set(["Forbidden", "Unauthorized", "NamespaceTerminating"]);

/** What a deployment does that is on its way out. */
export type WayOut =
  /** What it has brought stays, with its marks. `isAsked` is false where a namespace that goes would make it otherwise. */
  | { kind: "keep"; isAsked: boolean }
  /** What it has brought is taken back. `isUnseen` where that is because, by what the watches told, the TargetCluster is gone. */
  | { kind: "remove"; isUnseen: boolean }
  /** The brake of the profile holds it: a person is to decide. */
  | { kind: "held" }
  /** By what the watches told, the cluster is not there any more. Where nobody may look, it is away until then. */
  | { kind: "gone"; until: number }
  | Away;

/** The cluster, or one that may be the same, cannot be reached, and is waited for until then, in milliseconds since the epoch. */
export interface Away {
  kind: "away";
  failure: Failure;
  until: number;
  /** Whether it is not waited for longer because its kubeconfig Secret is not there any more. */
  isOnMemory?: true;
}

/**
 * Which way a deployment goes out: by `deletionPolicy` when its profile goes, or the namespace with all that is in it; by
 * `unmatchPolicy` when the profile goes to the cluster no more. One that somebody deleted by hand is made again. What makes
 * a cluster goes with its TargetCluster, whatever becomes of the profile. As long as another name of the profile may be the
 * same cluster, nothing is taken back there.
 */
export function wayOut(facts: DeploymentFacts, now: number): WayOut {
  const { profile, target } = facts;
  if (!profile) return { kind: "keep", isAsked: true };
  if (isKept(facts, profile))
    return { kind: "keep", isAsked: isGoing(facts) || profile.spec.deletionPolicy === "Orphan" };
  if (isHeld(facts, profile)) return { kind: "held" };
  const heir = isGoing(facts) ? "no" : facts.hasHeir();
  if (heir === "yes") return { kind: "keep", isAsked: profile.spec.deletionPolicy === "Orphan" };
  if (target.kind === "gone") return { kind: "gone", until: graceEnd(facts, profile, awaySince(facts, now)) };
  // For the hub there is no grace: Strata itself waits for it, and all that is on it.
  if (target.kind === "failing" && !target.isTwin && !facts.isUnreadable && !isOnHub(facts))
    return outOfReach({ ...facts, target }, profile, now);
  if (target.kind === "ready" && heir instanceof Failure)
    return { kind: "away", failure: heir, until: graceEnd(facts, profile) };
  return { kind: "remove", isUnseen: facts.side === "Management" && isClusterGone(facts) };
}

function outOfReach(facts: DeploymentFacts & { target: { kind: "failing" } }, profile: Profile, now: number): WayOut {
  const { failure, lostAt } = facts.target;
  const until = graceEnd(facts, profile, awaySince(facts, now));
  if (lostAt === undefined) return { kind: "away", failure, until };
  const end = lostAt + Math.min(MEMORY_GRACE_MS, graceMs(profile));
  return now < end ? { kind: "away", failure, until: end, isOnMemory: true } : { kind: "gone", until };
}

function isKept(facts: DeploymentFacts, profile: Profile): boolean {
  const { side, cluster, matched } = facts;
  if (side === "Management" && (isClusterGone(facts) || cluster?.metadata.deletionTimestamp !== undefined))
    return false;
  if (isGoing(facts)) return profile.spec.deletionPolicy === "Orphan";
  return matched || profile.spec.unmatchPolicy !== "Delete";
}

function isClusterGone({ cluster, isUnreadable }: DeploymentFacts): boolean {
  return !cluster && !isUnreadable;
}

/** While the brake holds, the profile deletes nothing on clusters that it has left: this one somebody deleted by hand. */
function isHeld(facts: DeploymentFacts, profile: Profile): boolean {
  const since = heldSince(profile);
  if (since === undefined || isGoing(facts) || facts.matched || facts.isPlaceGoing) return false;
  return !wasLeaving(facts.deployment, since);
}

/** Whether the profile itself goes, with all that it has brought anywhere. */
export function isGoing({ profile, isTenantGoing }: DeploymentFacts): boolean {
  return profile?.metadata.deletionTimestamp !== undefined || isTenantGoing;
}

/** A cluster that is away only at times begins anew each time: the grace is for one that does not come back. */
function awaySince({ cluster }: DeploymentFacts, now: number): number {
  const ready = conditionOf(cluster, "Ready");
  return ready?.status === "False" ? Date.parse(ready.lastTransitionTime) : now;
}

function graceEnd({ deployment }: DeploymentFacts, profile: Profile, awaySince = 0): number {
  const leavingSince = Date.parse(deployment.metadata.deletionTimestamp ?? "");
  return Math.max(awaySince, leavingSince) + graceMs(profile);
}

function graceMs({ spec }: Profile): number {
  return durationMs(spec.deletionGrace ?? DEFAULT_GRACE) ?? 0;
}

/** Whether what is brought stands on the hub, where it was made by the rights of its tenant. */
function isOnHub({ deployment, side }: DeploymentFacts): boolean {
  return side === "Management" || deployment.spec.clusterRef.name === LOCAL_CLUSTER;
}

/**
 * Why what is left cannot be taken back, and never will be, and what that is: with its namespace a tenant loses its rights
 * and its place for new objects, such as hooks, for good.
 */
export function powerlessness(
  facts: DeploymentFacts,
  view: DeploymentView | undefined,
  parent: Parent | undefined,
): { why: string; left: string } | undefined {
  const { blocked, removals = [] } = view ?? {};
  const failures = [blocked, ...removals.map(({ failure }) => failure)];
  const why = failures.find((failure) => failure !== undefined && isPowerless(facts, failure))?.message;
  if (why === undefined) return undefined;
  const seen = removals.map(({ layer, left }) => `layer ${layer}${countText(left)}`);
  return { why, left: (seen.length > 0 ? seen : (parent?.layers ?? []).map((layer) => `layer ${layer}`)).join(", ") };
}

/** Whether a failure of a deployment on its way out is one that will never end. In another cluster no rights go with the namespace. */
export function isPowerless(facts: DeploymentFacts, { reason }: Failure): boolean {
  const isLeaving = facts.deployment.metadata.deletionTimestamp !== undefined;
  return isLeaving && facts.isTenantGoing && isOnHub(facts) && LOST.has(reason);
}

/** What a deployment has left on its cluster, in words; undefined when it had brought nothing. */
export function leftBehind(status: ProfileDeploymentStatus | undefined): string | undefined {
  const rows = (status?.layers ?? []).filter(isBrought);
  if (rows.length === 0) return undefined;
  return rows.map((row) => `layer ${row.name}${countOf(row)}`).join(", ");
}

function countOf({ counts = [] }: DeploymentLayerStatus): string {
  return countText(counts.reduce((sum, one) => sum + one.total, 0));
}

function countText(total: number): string {
  if (total === 0) return "";
  return total === 1 ? " (1 object)" : ` (${total} objects)`;
}
