/**
 * Every failure that Strata knows, one row each: when it is tried again, and which layer state it leads to.
 *
 * - `transient`: tried again by itself, with jittered back-off from 1 s to 60 s (or after the server's Retry-After).
 * - `configuration`: a person must change an input; tried again when any input changes, and every 10 minutes.
 * - `waiting`: an event that Strata watches resolves it.
 */
export type RetryClass = "transient" | "configuration" | "waiting";

interface FailureRow {
  retry: RetryClass;
  /** The layer state that this failure means while it lasts. */
  state: "Failed" | "Blocked" | "Pending";
}

const FAILURES = {
  // the cluster
  Unreachable: { retry: "transient", state: "Blocked" },
  Throttled: { retry: "transient", state: "Blocked" },
  ServerError: { retry: "transient", state: "Failed" },
  Forbidden: { retry: "transient", state: "Failed" },
  Unauthorized: { retry: "transient", state: "Blocked" },
  QuotaExceeded: { retry: "transient", state: "Failed" },
  AdmissionDenied: { retry: "transient", state: "Failed" },
  WebhookUnavailable: { retry: "transient", state: "Failed" },
  NamespaceTerminating: { retry: "transient", state: "Failed" },
  NamespaceNotFound: { retry: "transient", state: "Failed" },
  KindNotFound: { retry: "transient", state: "Failed" },
  StaleRead: { retry: "transient", state: "Failed" },
  InvalidObject: { retry: "configuration", state: "Failed" },
  ImmutableField: { retry: "configuration", state: "Failed" },
  UnknownField: { retry: "configuration", state: "Failed" },
  TooLarge: { retry: "configuration", state: "Failed" },
  Conflict: { retry: "waiting", state: "Blocked" },
  VersionInUse: { retry: "waiting", state: "Blocked" },
  PruneHeld: { retry: "waiting", state: "Blocked" },
  // the profile and what it refers to
  InvalidPatch: { retry: "configuration", state: "Failed" },
  InvalidManifest: { retry: "configuration", state: "Failed" },
  InvalidValues: { retry: "configuration", state: "Failed" },
  InvalidSpec: { retry: "configuration", state: "Failed" },
  ReferenceNotFound: { retry: "waiting", state: "Blocked" },
  RequirementNotMet: { retry: "waiting", state: "Blocked" },
  ExpectationNotMet: { retry: "waiting", state: "Blocked" },
  NamespaceMissing: { retry: "configuration", state: "Failed" },
  InvalidKubeconfig: { retry: "waiting", state: "Blocked" },
  // charts, packs and where they come from
  SourceUnavailable: { retry: "transient", state: "Failed" },
  SourceUnauthorized: { retry: "configuration", state: "Failed" },
  SourceNotFound: { retry: "configuration", state: "Failed" },
  InvalidSource: { retry: "configuration", state: "Failed" },
  VerificationFailed: { retry: "configuration", state: "Failed" },
  ChartNotFound: { retry: "configuration", state: "Failed" },
  InvalidChart: { retry: "configuration", state: "Failed" },
  HookFailed: { retry: "transient", state: "Failed" },
  TestFailed: { retry: "transient", state: "Failed" },
  ReleaseBusy: { retry: "transient", state: "Blocked" },
  Timeout: { retry: "transient", state: "Failed" },
  RolledBack: { retry: "configuration", state: "Failed" },
  RenderFailed: { retry: "configuration", state: "Failed" },
  RenderTimeout: { retry: "transient", state: "Failed" },
} as const satisfies Record<string, FailureRow>;

/** The CamelCase reason that people see on a layer, a condition and an event. */
export type FailureReason = keyof typeof FAILURES;

/** Every reason, in the order of the table; docs/errors.md says what each means and what to do. */
export const FAILURE_REASONS = Object.keys(FAILURES) as readonly FailureReason[];

/** A failure with a sentence for people: what, where, and what to do. Never holds a Secret's value or a chart value. */
export class Failure extends Error {
  readonly reason: FailureReason;
  /** Milliseconds that the server asked us to wait, when it did. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: FailureReason, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }

  get retry(): RetryClass {
    return FAILURES[this.reason].retry;
  }

  get state(): FailureRow["state"] {
    return FAILURES[this.reason].state;
  }
}

/** What was thrown, as a value, if it is a Failure; anything else is a defect and is thrown on. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
