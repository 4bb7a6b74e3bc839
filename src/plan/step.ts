import type { Parent } from "../membership/applyset.ts";
import type { GroupKind, ObjectRef } from "../objects/types.ts";
import type { MacroExpression } from "../pack/macro-types.ts";
import type { NamespaceMetadata } from "./layer-namespace.ts";
import type { HookRun, ReleaseName, ReleaseProgress, ReleaseRecord, ReleaseStatus } from "./release.ts";
import type { Retirement } from "./retired-versions.ts";
import type { Tracked } from "./seen.ts";
import type { Desired, MadeContent, PlacedHook, PlannedLayer } from "./types.ts";

/** A kind to watch, and where: one namespace for an identity that may not list them all. */
export interface WatchRequest {
  kind: GroupKind;
  namespace: string | undefined;
}

/** One object to write, and by which of the write rules. */
export interface ApplyItem {
  desired: Desired;
  /**
   * `create` an object that is not there, `update` one with older content, `repair` one that somebody changed, `verify` one
   * that others have written: it is read, and repaired if a value of ours is another one.
   */
  mode: "create" | "update" | "repair" | "verify";
  observed: Tracked | undefined;
  /** Digest of all that the layer is to have, of which this is a part. */
  content?: string;
  /** The uid of the object of this name that was there before us: it goes back, also when somebody took its mark off. */
  lent?: string;
  /** Of `verify`: the digest of the values that the last answer had, though they may not be those that were sent. */
  values?: string | undefined;
  /** Of `verify`: it is only looked at. */
  looksOnly?: boolean;
  /** Of `create`: the uid of a Job that may have ended while nobody looked. If it has, it is not created again. */
  lastRun?: string;
}

/** A member that goes: deleted, or released (its marks taken off) where deleting would take more than we brought. */
export interface RemoveItem {
  tracked: Tracked;
  how: "delete" | "release";
  /** Why it is released where one would expect a delete. */
  why?: string;
}

/** By what the attempt at a step on a release is remembered, so that one that failed waits before it is taken again. */
export interface ReleaseAttempt {
  key: string;
  digest: string;
}

/** A new revision of a Helm release, on top of the records that are there. */
export interface OpenRelease {
  kind: "OpenRelease";
  attempt: ReleaseAttempt;
  layer: PlannedLayer;
  release: ReleaseName;
  revision: number;
  progress: ReleaseProgress;
  /** The newest record. */
  latest: ReleaseRecord | undefined;
  /** Whether nobody but the chart's name stands against taking over the release of somebody else. */
  adopts: boolean;
  /** All records that are there. */
  records: readonly ReleaseRecord[];
  /** Records that make room. */
  surplus: readonly ReleaseRecord[];
}

/** Writes the status of a record, and makes older deployed ones superseded. */
export interface MarkRelease {
  kind: "MarkRelease";
  attempt: ReleaseAttempt;
  record: ReleaseRecord;
  status: ReleaseStatus;
  description: string;
  progress: ReleaseProgress;
  /** The hooks of which `progress` has the runs. */
  hooks: readonly PlacedHook[];
  /** Of a revision that is Ready. */
  seal?: string;
  superseded: readonly ReleaseRecord[];
}

/** Looks who uses versions that a CRD is to serve no more, and moves what is the profile's own to one that stays. */
export interface RetireVersions {
  kind: "RetireVersions";
  /** By what the look is remembered. */
  look: ReleaseAttempt;
  retirement: Retirement;
}

/** How the run of a hook ended; `startedAt` in milliseconds since the epoch. */
export type HookEnd = Pick<HookRun, "phase" | "attempt" | "why"> & { startedAt: number | undefined };

/** The one thing that a pass does. Every step is safe to repeat, and safe to be cut off in the middle. */
export type Step =
  | { kind: "Prepare" }
  /** `before` is the content that the layer has now, where this process knows it: it is what is stored, too. */
  | { kind: "Render"; layer: PlannedLayer; revision: number; isUpgrade: boolean; before?: MadeContent }
  /** Gets the pack of a layer; `key` says which. */
  | { kind: "FetchPack"; layer: PlannedLayer; key: string }
  /** Evaluates macros of packs, with Go's templates. */
  | { kind: "EvaluateMacros"; batch: readonly MacroExpression[] }
  | { kind: "Discover"; wanted: readonly GroupKind[] }
  /** `widens` is false when the parent covers everything already and only watches are missing. */
  | { kind: "Reach"; parent: Parent; widens: boolean; watches: readonly WatchRequest[] }
  /** `isNew`: nothing speaks for it that the namespace is there. */
  | RetireVersions
  | { kind: "EnsureNamespace"; namespace: string; metadata: NamespaceMetadata; isNew: boolean }
  | { kind: "Apply"; layer: PlannedLayer; items: readonly ApplyItem[] }
  | { kind: "Remove"; layer: string; items: readonly RemoveItem[] }
  | OpenRelease
  | MarkRelease
  /** Creates the object of a hook; `id` names the run. */
  | { kind: "RunHook"; attempt: ReleaseAttempt; id: string; hook: PlacedHook }
  | { kind: "NoteHook"; attempt: ReleaseAttempt; record: ReleaseRecord; run: string; ended: HookEnd }
  | { kind: "RemoveHook"; attempt: ReleaseAttempt; ref: ObjectRef; uid: string; resourceVersion: string }
  /** Objects that somebody else's revision of the release brought; what is not of the release any more stays. */
  | { kind: "RemoveStrays"; attempt: ReleaseAttempt; record: ReleaseRecord; strays: readonly string[] }
  /** Asks whether the identity may write records of a release that another profile has: only then it is waited for. */
  | { kind: "ClaimRelease"; attempt: ReleaseAttempt; record: ReleaseRecord }
  /** Gives a release to the profile that waits for it, by its newest record. */
  | { kind: "HandOverRelease"; attempt: ReleaseAttempt; record: ReleaseRecord }
  /** The records of a release that is taken away. */
  | { kind: "ForgetRelease"; attempt: ReleaseAttempt; records: readonly ReleaseRecord[] }
  /** Goes back to the content of a revision that was Ready once. */
  | {
      kind: "Rollback";
      attempt: ReleaseAttempt;
      layer: PlannedLayer;
      from: ReleaseRecord;
      to: ReleaseRecord;
      why: string;
      /** The key of the record's seal. */
      key: Uint8Array;
    }
  /** The stored content of a layer that is not in the list any more: its hooks are still to run. */
  | { kind: "Recall"; layer: string }
  /** The hooks of a release as the record of a revision has them, to be remembered `as` a content. */
  | {
      kind: "RecallHooks";
      attempt: ReleaseAttempt;
      layer: string;
      as: string;
      record: ReleaseRecord;
      /** The key of the record's seal. */
      key: Uint8Array;
    }
  | { kind: "LeaveNamespace"; namespace: string }
  /** `gone` names the layers that are in nobody's list any more. */
  | { kind: "Narrow"; parent: Parent; gone: readonly string[] }
  | { kind: "Forget" }
  | { kind: "None" };
