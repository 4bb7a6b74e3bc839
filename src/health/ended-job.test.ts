import { expect, it } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { endOfJob } from "./ended-job.ts";

const event = (reason: string, component = "job-controller"): KubeObject => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: reason },
  source: { component },
  reason,
});

it.each([
  ["nobody has told anything", [], undefined],
  ["it is only told that it began", [event("SuccessfulCreate")], undefined],
  ["it is told that it completed", [event("SuccessfulCreate"), event("Completed")], "Complete"],
  ["a pod could not be made, and then it was too late", [event("FailedCreate"), event("DeadlineExceeded")], "Failed"],
  ["its pods failed too often", [event("BackoffLimitExceeded")], "Failed"],
  ["a rule for its pods let it fail", [event("PodFailurePolicy")], "Failed"],
  ["an index of it failed", [event("FailedIndexes")], "Failed"],
  ["too many indexes of it failed", [event("MaxFailedIndexesExceeded")], "Failed"],
  ["somebody else says so", [event("Completed", "mine")], undefined],
] as const)("how a Job ended: %s", (_name, events, want) => expect(endOfJob(events)).toBe(want));
