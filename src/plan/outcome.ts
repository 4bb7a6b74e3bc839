import type { Failure } from "../errors.ts";
import type { JobEnd } from "../health/index.ts";
import type { Parent } from "../membership/applyset.ts";
import type { MacroAnswer } from "../pack/macro-types.ts";
import type { Witness } from "./seen.ts";
import type { ApplyItem, RemoveItem } from "./step.ts";
import type { LayerContent } from "./types.ts";
import type { LoadedPack } from "./valued-pack.ts";

/** What came of a step. */
export type Outcome =
  | { kind: "Prepared"; digestKey: Uint8Array; parent: Parent }
  | { kind: "Rendered"; result: LayerContent | Failure }
  | { kind: "Fetched"; result: LoadedPack | Failure }
  /** In the order of the batch. */
  | { kind: "Evaluated"; answers: readonly MacroAnswer[] }
  | { kind: "Reached"; parent: Parent }
  /** `missing` names the kinds that are still not served. */
  | { kind: "Discovered"; missing: string | undefined }
  | { kind: "NamespaceEnsured"; failure?: Failure }
  /** Nobody uses the versions any more, or why they must stay. */
  | { kind: "VersionsRetired"; failure?: Failure }
  | { kind: "Applied"; results: readonly ApplyResult[] }
  | { kind: "Removed"; results: readonly RemoveResult[] }
  /** A step on a Helm release, or on a hook of it, was taken or refused; `note` says what people should hear. */
  | { kind: "Released"; failure?: Failure; note?: { reason: string; message: string } }
  /** `content` is undefined when nothing is stored. */
  | { kind: "Recalled"; content: LayerContent | undefined }
  /** What became of it, or why nothing did. */
  | { kind: "NamespaceLeft"; result: { state: "left" | "deleting" | "kept"; why?: string } | Failure }
  | { kind: "Forgotten" }
  | { kind: "Done" };

export type ApplyResult = {
  item: ApplyItem;
} & (
  | { ok: true; how: "created" | "updated" | "repaired" | "adopted"; fields: string; witness?: Witness }
  /** Somebody had taken fields of it, and left their values as they were. */
  | { ok: true; how: "retaken"; fields: string; witness?: Witness }
  /** It was looked at, and its values are ours, or are not. */
  | { ok: true; how: "verified" | "differs"; witness: Witness }
  | { ok: true; how: "terminating" | "exists" }
  /** It had run before it went, and stays gone. */
  | { ok: true; how: "ended"; end: JobEnd }
  /** Deleted, to be created again; `uid` of the one that goes. */
  | { ok: true; how: "recreating"; uid: string }
  /** `occupiedBy` is set when the object is somebody else's: the id of the ApplySet that has it, or empty. */
  | { ok: false; failure: Failure; occupiedBy?: string }
);

/** `kept` says why an object was given back, or who has it now, where it should have been deleted. */
export type RemoveResult = { item: RemoveItem } & (
  | { ok: true; kept?: string; how: "deleted" | "released" }
  | { ok: false; failure: Failure }
);
