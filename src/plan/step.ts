import type { Parent } from "../membership/applyset.ts";
import type { GroupKind, GroupVersionKind } from "../objects/types.ts";
import type { NamespaceMetadata } from "./layer-namespace.ts";
import type { Tracked } from "./seen.ts";
import type { Desired, PlannedLayer } from "./types.ts";

/** A kind to watch, and where: one namespace for an identity that may not list them all. */
export interface WatchRequest {
  kind: GroupKind;
  namespace: string | undefined;
}

/** One object to write, and by which of the write rules. */
export interface ApplyItem {
  desired: Desired;
  /** `create` an object that is not there, `update` one with older content, `repair` one that somebody changed. */
  mode: "create" | "update" | "repair";
  observed: Tracked | undefined;
}

/** A member that goes: deleted, or released (its marks taken off) where deleting would take more than we brought. */
export interface RemoveItem {
  tracked: Tracked;
  how: "delete" | "release";
  /** Why it is released where one would expect a delete. */
  why?: string;
}

/** The one thing that a pass does. Every step is safe to repeat, and safe to be cut off in the middle. */
export type Step =
  | { kind: "Prepare" }
  | { kind: "Render"; layer: PlannedLayer }
  | { kind: "Discover"; wanted: readonly GroupVersionKind[] }
  /** `widens` is false when the parent covers everything already and only watches are missing. */
  | { kind: "Reach"; parent: Parent; widens: boolean; watches: readonly WatchRequest[] }
  | { kind: "EnsureNamespace"; namespace: string; metadata: NamespaceMetadata }
  | { kind: "Apply"; layer: PlannedLayer; items: readonly ApplyItem[] }
  | { kind: "Remove"; layer: string; items: readonly RemoveItem[] }
  | { kind: "LeaveNamespace"; namespace: string }
  /** `gone` names the layers that are in nobody's list any more. */
  | { kind: "Narrow"; parent: Parent; gone: readonly string[] }
  | { kind: "Forget" }
  | { kind: "None" };
