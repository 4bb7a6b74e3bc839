import type { KubeObject } from "../../objects/types.ts";

/**
 * Holds a Lease that was made anew, because there was none. Somebody may have held the one that was deleted, and not know it
 * yet: this one runs out like any other, and then may be taken.
 */
export const NOBODY = "nobody";

/** A Lease as it was read. */
export interface LeaseRecord {
  /** The Lease's resourceVersion: an update is one of this version or none. */
  readonly version: string;
  /** Empty: it was given up, or never held. */
  readonly holder: string;
  /** What its holder was promised, in milliseconds. */
  readonly durationMs: number;
  readonly transitions: number;
  /** When the present holder took it, as it wrote it itself. */
  readonly acquireTime: string | undefined;
  /** Which Lease it is, and all that its holder wrote. It changes with each renewal. */
  readonly text: string;
}

/** What is written into a Lease. */
export interface LeaseTerms {
  readonly holder: string;
  readonly durationMs: number;
  readonly transitions: number;
  readonly acquireTime: string;
  readonly renewTime: string;
}

export function recordOf(lease: KubeObject): LeaseRecord {
  const spec = (lease["spec"] ?? {}) as Record<string, unknown>;
  const { holderIdentity, leaseDurationSeconds, leaseTransitions, acquireTime } = spec;
  return {
    version: lease.metadata.resourceVersion ?? "",
    holder: typeof holderIdentity === "string" ? holderIdentity : "",
    durationMs: Number(leaseDurationSeconds ?? 0) * 1_000,
    transitions: Number(leaseTransitions ?? 0),
    acquireTime: typeof acquireTime === "string" ? acquireTime : undefined,
    text: JSON.stringify([lease.metadata.uid, spec]),
  };
}

/** The fields of `coordination.k8s.io/v1` Lease. Times are for people: nobody compares them with a clock of their own. */
export function specOf({ holder, durationMs, transitions, acquireTime, renewTime }: LeaseTerms): object {
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.max(1, Math.round(durationMs / 1_000)),
    leaseTransitions: transitions,
    acquireTime,
    renewTime,
  };
}
