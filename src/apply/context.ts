import type { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Resource } from "../kube/resource.ts";
import type { ApplySet } from "../membership/applyset.ts";
import type { GroupKind, GroupVersionKind, KubeObject } from "../objects/types.ts";

/** What a write to a target needs to know. */
export interface WriteContext {
  /** Acts as the identity that the profile may use on this cluster. */
  client: KubeClient;
  set: ApplySet;
  /** Of the profile whose set it is: a higher tier takes over what a lower one has. */
  profileKind: string;
  /** The resource that serves a kind in exactly this version; undefined when the cluster does not. */
  resourceFor(kind: GroupVersionKind): Resource | undefined;
  /** The API versions (`apps/v1`) in which the cluster serves a kind. */
  versionsOf(kind: GroupKind): readonly string[];
  /** Everything that the cluster serves, read anew. */
  resources(signal: AbortSignal): Promise<readonly Resource[]>;
  /** Group-versions that did not answer when that was read last: their kinds may be missing in it. */
  stale(): readonly string[];
  /** Whether the objects hold values of a chart or from a Secret, which no message may show. */
  hideEchoes: boolean;
  /** Whether nothing but metadata of the kind is kept: its answers need not carry more. */
  metadataOnly(kind: GroupVersionKind): boolean;
  /** Turns an error of the API server into the failure that people read; `what` begins the sentence. */
  toFailure(error: unknown, what: string): Failure;
  /** The profile whose ApplySet has this id, for a conflict's sentence. */
  ownerOf(applySetId: string, signal: AbortSignal): Promise<string | undefined>;
  /** Another profile on this cluster that waits for the object, by its key: it gets what would be deleted. */
  heirOf(key: string): Heir | undefined;
}

/** Who takes a member over, and for which of its layers. */
export interface Heir {
  set: ApplySet;
  layer: string;
  /** For people: `AddOnProfile acme/web`. */
  profile: string;
}

/** What came of one write: the object as the API server answered it, or that it must first go away. */
export type WriteOutcome =
  | { kind: "written"; object: KubeObject; how: "created" | "updated" | "repaired" | "retaken" | "adopted" }
  | { kind: "terminating" }
  /** Its values were looked at, and stay as they are; `differs` when not all of ours are as we want them. */
  | { kind: "seen"; object: KubeObject; differs: boolean }
  /** It is being deleted, to be created again; `uid` of the one that goes. */
  | { kind: "recreating"; uid: string }
  /** It exists, and the layer only creates it. */
  | { kind: "exists" }
  /** It exists and is somebody else's; `by` is the id of the ApplySet that has it, empty for anybody without one. */
  | { kind: "occupied"; failure: Failure; by: string };
