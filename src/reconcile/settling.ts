import type { DeploymentMemory } from "./memory.ts";

/** How other profiles on the cluster are: each has done all that it can, or one has something to do. */
export type Neighbours = "none" | "still" | "moving";

/** Who edits two profiles in one breath has done so within this time. */
const BREATH_MS = 1_000;
/** A neighbour that moves on for longer is not waited for. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 500;

/**
 * Until when nothing is deleted that a new spec dropped, in milliseconds since the epoch. What moves from one profile to
 * another is handed over, and for that the other one must have said that it wants it.
 */
export function pruneTime(
  { changedAt }: Pick<DeploymentMemory, "changedAt">,
  neighbours: () => Neighbours,
  now: number,
): number | undefined {
  if (changedAt === undefined || now >= changedAt + PATIENCE_MS) return undefined;
  const seen = neighbours();
  if (seen === "none") return undefined;
  if (now < changedAt + BREATH_MS) return changedAt + BREATH_MS;
  return seen === "moving" ? now + LOOK_MS : undefined;
}
