import { Failure, type FailureReason } from "../errors.ts";

/** What is asked for: it decides which reasons and words a failure has. */
export type Subject = "chart" | "pack" | "artifact" | "manifests" | "registry";

const REASONS = {
  chart: { missing: "ChartNotFound", invalid: "InvalidChart" },
  pack: { missing: "SourceNotFound", invalid: "InvalidSource" },
  artifact: { missing: "SourceNotFound", invalid: "InvalidSource" },
  manifests: { missing: "SourceNotFound", invalid: "InvalidSource" },
  registry: { missing: "SourceNotFound", invalid: "InvalidSource" },
} as const satisfies Record<Subject, { missing: FailureReason; invalid: FailureReason }>;

/** Nothing of that name is there. */
export function missing(subject: Subject, sentence: string): Failure {
  return new Failure(REASONS[subject].missing, sentence);
}

/** What is there cannot be used. */
export function invalid(subject: Subject, sentence: string): Failure {
  return new Failure(REASONS[subject].invalid, sentence);
}
