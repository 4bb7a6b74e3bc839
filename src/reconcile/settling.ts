import { LOOK_MS } from "../plan/removal.ts";
import type { Heirs } from "../plan/seen.ts";
import type { DeploymentMemory } from "./memory.ts";

/** How other profiles on the cluster are: each has done all that it can, or one has something to do. */
export type Neighbours = "still" | "moving";

type Clocks = Pick<DeploymentMemory, "changedAt" | "dueAt">;

/** Who edits two profiles in one breath has done so within this time. */
const BREATH_MS = 1_000;
/** A neighbour that moves on for longer is not waited for. */
const PATIENCE_MS = 30_000;
/** Nobody keeps alive for longer what goes by saying that he is about to take it: layers may be in the way of his. */
const INTENT_MS = 10 * 60_000;

/**
 * Until when nothing is deleted that a new spec dropped, or that goes with its profile, in milliseconds since the epoch; to a new
 * process each spec is new. What moves from one profile to another is handed over, and for that the other one, which may come
 * to the cluster in the same breath, must have said that it wants it. The clock starts when this is first asked after a change:
 * what was dropped may have waited long until all else was Ready.
 */
export function pruneTime(clocks: Clocks, neighbours: () => Neighbours, now: number): number | undefined {
  if (clocks.changedAt === undefined) return undefined;
  clocks.dueAt ??= now;
  if (now < clocks.dueAt + BREATH_MS) return clocks.dueAt + BREATH_MS;
  if (now >= clocks.dueAt + PATIENCE_MS) return undefined;
  return neighbours() === "moving" ? now + LOOK_MS : undefined;
}

/** What other profiles want of what goes, as long as it is waited for that they have tried to take it. */
export function patientFor({ changedAt, dueAt }: Clocks, heirs: Heirs, now: number): Heirs {
  const isPatient = changedAt !== undefined && (dueAt === undefined || now < dueAt + INTENT_MS);
  return { claim: heirs.claim, intend: (key) => isPatient && heirs.intend(key) };
}
