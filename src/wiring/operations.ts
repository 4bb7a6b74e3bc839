import type { Operation } from "../ops/metrics.ts";
import type { Outcome } from "../plan/outcome.ts";

/** What came of the objects of a step, each counted by itself. */
export function operationsOf(outcome: Outcome): Operation[] {
  if (outcome.kind === "Removed") {
    return outcome.results.map((result) => (result.ok ? result.how : "failed"));
  }
  if (outcome.kind !== "Applied") return [];
  return outcome.results.flatMap((result): Operation[] => {
    if (!result.ok) return ["failed"];
    if (result.how === "recreating") return ["deleted"];
    if (!("fields" in result)) return [];
    return [result.how === "retaken" ? "updated" : result.how];
  });
}
