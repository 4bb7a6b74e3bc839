import type { Config } from "../config.ts";

/** What a command ends with. */
export interface Outcome {
  /** For standard output. */
  text: string;
  /** For standard error, a sentence each. */
  problems: readonly string[];
  code: (typeof EXIT)[keyof typeof EXIT];
}

/** Done and nothing to object; done, and there is something to object; it could not be done. */
export const EXIT = { ok: 0, problems: 1, failed: 2 } as const;

/** What the door hands to its commands. */
export interface Door {
  /** What the rooms that fetch and render are told, as the operator is. */
  config(): Config;
  signal: AbortSignal;
  /** Prints what a command ends with, and makes its code that of the process. */
  end(outcome: Promise<Outcome>): Promise<void>;
}
