import type { DeploymentLayerStatus, Profile, TargetCluster } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { JobEnd } from "../health/index.ts";
import type { Verdict } from "../health/verdict.ts";
import type { ApplySet, Parent } from "../membership/applyset.ts";
import type { Observed } from "../membership/observed.ts";
import type { GroupKind, GroupVersionKind, KubeObject } from "../objects/types.ts";
import type { MacroAnswers } from "../pack/macro-types.ts";
import type { ClassFacts, Known, NodeFacts } from "./core-facts.ts";
import type { Beside } from "./gates.ts";
import type { PackMemory } from "./packs.ts";
import type { Referents } from "./references.ts";
import type { ReleaseName, ReleaseRecord } from "./release.ts";
import type { Side } from "./sides.ts";
import type { ContentKnown, ContentMemory, PlannedLayer } from "./types.ts";

/** One object of a cluster as the watches last told it. */
export interface Tracked {
  observed: Observed;
  verdict: Verdict;
  /** Kept only while somebody needs more than the verdict: an unhealthy object, or a kind with `healthChecks`. */
  object?: KubeObject;
}

/** Whether the objects of a kind are known: watched and listed, on the way, refused, or not served by the cluster at all. */
export type WatchState = "live" | "starting" | "unwatched" | "unserved" | Failure;

export interface NamedRef extends GroupVersionKind {
  namespace: string | undefined;
  name: string;
}

/** The target cluster of one deployment, as the caches have it. Reading it costs no request. */
export interface SiteView {
  /** The key of the digests and the parent, once the cluster was prepared for this profile. */
  prepared: { digestKey: Uint8Array; parent: Parent } | undefined;
  /** As its API server says it: `v1.36.3`. */
  kubernetesVersion: string;
  /** Of its kube-system, as it says itself: its TargetCluster's status comes later, and wakes nobody. */
  uid?: string | undefined;
  scopeOf(kind: GroupKind): "Namespaced" | "Cluster" | undefined;
  served(kind: GroupKind): boolean;
  /** Whether a kind is served in exactly this version. */
  servedIn(kind: GroupVersionKind): boolean;
  /** The state of the watch that covers a kind in a namespace (any namespace where the identity may list them all). */
  watchState(kind: GroupKind, namespace: string | undefined): WatchState;
  /** The object key of the CRD that serves a kind, when one does. */
  crdOf(kind: GroupKind): string | undefined;
  member(key: string): Tracked | undefined;
  members(): Iterable<Tracked>;
  /** A member that the cluster has deleted by itself when it was done, as it was then. */
  expired?(key: string): Tracked | undefined;
  /** A live object that no layer brings but a health check names, a hook's, or a namespace that is on its way out. */
  named(ref: NamedRef): KubeObject | "absent" | "unknown" | Failure;
  /** Such an object as it was when it was deleted, if that was seen. */
  deleted(ref: NamedRef): KubeObject | undefined;
  /** What the nodes are like, while a plan asks for it. */
  nodes(): Known<NodeFacts>;
  /** StorageClasses and the names of registered CSI drivers, while a plan asks for them. */
  storage(): { classes: Known<ClassFacts>; drivers: Known<string> };
  /** The records of a Helm release, in no order. */
  releases(release: ReleaseName): readonly ReleaseRecord[] | "unknown" | Failure;
  /** The sentence that names why an object is late, from its pods and events, as far as they are known. */
  explain(tracked: Tracked & { object: KubeObject }): string | undefined;
}

/** What an object was like when its values were known to be ours. */
export interface Witness {
  /** The `stamp` of `Observed`: while it stays nobody has written. */
  stamp: string;
  /** The time of our own entry, RFC 3339 by the clock of the cluster. */
  writtenAt?: string | undefined;
  /** Digest of the values at our fields: not always what was sent. Left out when the answer had no values. */
  values?: string | undefined;
}

/** What one attempt left behind: an object's failure, or the field digest that its apply answered with. */
export interface Attempt {
  digest: string;
  failure?: Failure;
  /** Milliseconds since the epoch; before it the object is not written again. */
  retryAt?: number;
  attempts?: number;
  fields?: string;
  /** Digest of all that the layer was to have when it was written. */
  content?: string;
  /** What the object was like in that answer, or when it was last looked at: see `Witness`. */
  witness?: Witness;
  /** When its values were last looked at because others had written it, and how often that was for nothing of late. */
  lookedAt?: number;
  looks?: number;
  /** Values of ours differ, and the layer leaves them so. */
  differs?: boolean;
  /** How often this process wrote the very same content again within a short time, and when it last did. */
  repeats?: number;
  writtenAt?: number;
  /** A Job that is gone, and ended so. */
  ended?: JobEnd;
  /** It exists, is not ours, and the layer only creates it. */
  leftAlone?: boolean;
  /** It exists and is somebody else's: the id of the ApplySet that has it, or empty. */
  occupiedBy?: string;
  /** The uid of the object whose delete was accepted. */
  removed?: string;
}

/** How the `when` of a layer was answered last: `unsure` when a fresh process cannot tell, `new` when nobody has asked yet. */
export type Answer = "on" | "off" | "unsure" | "new";

/** What a process remembers of conditions; a fresh one begins anew, and so does the time of what is absent. */
export interface Conditions {
  /** By layer. */
  answers: ReadonlyMap<string, Answer>;
  /** Since when each output has been absent, in milliseconds since the epoch; by `outputKey`. */
  absentSince: ReadonlyMap<string, number>;
}

export const NO_CONDITIONS: Conditions = { answers: new Map(), absentSince: new Map() };

/** Everything that the plan of one deployment is made from. */
export interface Seen {
  now: number;
  profile: Profile;
  /** The cluster as the hub names it; `target` is undefined for the virtual cluster `local`. */
  cluster: { name: string; target: TargetCluster | undefined };
  set: ApplySet;
  site: SiteView;
  referents: Referents;
  /** Fetched packs by layer name. */
  packs: ReadonlyMap<string, PackMemory>;
  /** What macros of packs were evaluated to. */
  macros: MacroAnswers;
  /** Rendered content by layer name. */
  contents: ReadonlyMap<string, ContentMemory>;
  /** Layers and parts of packs as they were when they were last Ready, by name; a fresh process knows none. */
  installed: ReadonlyMap<string, PlannedLayer & { state: ContentKnown }>;
  conditions: Conditions;
  /** By object key; what the process itself did or failed to do. */
  attempts: ReadonlyMap<string, Attempt>;
  /** Layer namespaces that this process has ensured or failed to, with the digest of what was asked of them. */
  namespaces: ReadonlyMap<string, Attempt>;
  /** What became of namespaces that layers used and that were given up. */
  leaving: ReadonlyMap<string, "left" | "deleting" | "kept">;
  /** The layer rows as last written, by name: they remember since when, and with which content a layer was Ready. */
  rows: ReadonlyMap<string, DeploymentLayerStatus>;
  /** Whether the rows tell of the profile as it is written now. */
  isTold?: boolean;
  /** What the layers wait for besides each other; left out where there is nothing else. */
  beside?: Beside;
  /** Left out: the cluster itself. */
  side?: Side;
  /** Keyed digests of the immutable variables, as the status remembers them. */
  fixed: Readonly<Record<string, string>>;
  /** The profile, in words, whose ApplySet has this parent, as far as this hub knows it. */
  profileOf?: (parent: string) => string | undefined;
  /**
   * Before this time, in milliseconds since the epoch, something does not go whose turn has come: another profile may be about
   * to say that it wants it. The time begins when this is first asked.
   */
  pruneAt?: (key: string) => number | undefined;
  /** What other profiles on the cluster want; left out where there are none. */
  heirs?: Heirs;
}

/** What other profiles on the cluster want of what goes; a release goes by `releaseKey`, an object by its key. */
export interface Heirs {
  /** Whether one waits for it and may write it: it is handed over. */
  claim(key: string): boolean;
  /** Whether one is yet to try to write it, and is waited for: its turn to go has come, or a brake holds it. */
  intend(key: string, at: "turn" | "brake"): boolean;
}
