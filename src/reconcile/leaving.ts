import { durationMs } from "../api/duration.ts";
import type { DeploymentLayerStatus, Profile, ProfileDeploymentStatus } from "../api/types.ts";
import type { Failure, FailureReason } from "../errors.ts";
import type { Parent } from "../membership/applyset.ts";
import type { DeploymentView } from "../plan/next-step.ts";
import { isBrought } from "../status/away-status.ts";
import type { DeploymentFacts } from "./ports.ts";

const DEFAULT_GRACE = "1h";
/** What only rights and places could mend that went with the namespace. */
const LOST: ReadonlySet<FailureReason> = new Set(["Forbidden", "Unauthorized", "NamespaceTerminating"]);

/** What a deployment does that is on its way out. */
export type WayOut =
  /** What it has brought stays, with its marks. `isAsked` is false where a namespace that goes would make it otherwise. */
  | { kind: "keep"; isAsked: boolean }
  /** What it has brought is taken back. */
  | { kind: "remove" }
  /** By what the watches told, the cluster is not there any more. */
  | { kind: "gone" }
  /** The cluster cannot be reached, and is waited for until then, in milliseconds since the epoch. */
  | { kind: "away"; failure: Failure; until: number };

/**
 * Which way a deployment goes out: by `deletionPolicy` when its profile goes, or the namespace with all that is in it; by
 * `unmatchPolicy` when the profile goes to the cluster no more. One that somebody deleted by hand is made again. What makes
 * a cluster goes with its TargetCluster, whatever becomes of the profile.
 */
export function wayOut(facts: DeploymentFacts, now: number): WayOut {
  const { profile, target } = facts;
  if (!profile) return { kind: "keep", isAsked: true };
  if (isKept(facts, profile))
    return { kind: "keep", isAsked: isGoing(facts) || profile.spec.deletionPolicy === "Orphan" };
  if (target.kind === "gone") return { kind: "gone" };
  if (target.kind === "failing" && !target.isTwin)
    return { kind: "away", failure: target.failure, until: graceEnd(facts, profile, now) };
  return { kind: "remove" };
}

function isKept(facts: DeploymentFacts, profile: Profile): boolean {
  const { side, cluster, matched } = facts;
  if (side === "Management" && (!cluster || cluster.metadata.deletionTimestamp !== undefined)) return false;
  if (isGoing(facts)) return profile.spec.deletionPolicy === "Orphan";
  return matched || profile.spec.unmatchPolicy !== "Delete" || facts.hasHeir();
}

/** Whether the profile itself goes, with all that it has brought anywhere. */
export function isGoing({ profile, isTenantGoing }: DeploymentFacts): boolean {
  return profile?.metadata.deletionTimestamp !== undefined || isTenantGoing;
}

/** A cluster that is away only at times begins anew each time: the grace is for one that does not come back. */
function graceEnd({ deployment, cluster }: DeploymentFacts, { spec }: Profile, now: number): number {
  const ready = cluster?.status?.conditions?.find(({ type }) => type === "Ready");
  const awaySince = ready?.status === "False" ? Date.parse(ready.lastTransitionTime) : now;
  const leavingSince = Date.parse(deployment.metadata.deletionTimestamp ?? "");
  return Math.max(awaySince, leavingSince) + (durationMs(spec.deletionGrace ?? DEFAULT_GRACE) ?? 0);
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

/** Whether a failure of a deployment on its way out is one that will never end. */
export function isPowerless({ deployment, isTenantGoing }: DeploymentFacts, { reason }: Failure): boolean {
  return deployment.metadata.deletionTimestamp !== undefined && isTenantGoing && LOST.has(reason);
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
