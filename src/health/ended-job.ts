import type { KubeObject } from "../objects/types.ts";
import { mapAt, textAt } from "./fields.ts";

export type JobEnd = "Complete" | "Failed";

/**
 * The reasons of the events with which a cluster's Job controller tells that a Job is over: `Completed`, or the reason of
 * its condition Failed (k8s.io/api/batch/v1, `JobReason…`).
 */
const ENDS: ReadonlyMap<string, JobEnd> = new Map([
  ["Completed", "Complete"],
  ["BackoffLimitExceeded", "Failed"],
  ["DeadlineExceeded", "Failed"],
  ["PodFailurePolicy", "Failed"],
  ["MaxFailedIndexesExceeded", "Failed"],
  ["FailedIndexes", "Failed"],
]);

/** How a Job ended, by the core/v1 events about it; undefined when none tells. */
export function endOfJob(events: readonly KubeObject[]): JobEnd | undefined {
  return events.flatMap((event) => endIn(event) ?? [])[0];
}

function endIn(event: KubeObject): JobEnd | undefined {
  const isController = textAt(mapAt(event, "source"), "component") === "job-controller";
  return isController ? ENDS.get(textAt(event, "reason")) : undefined;
}
