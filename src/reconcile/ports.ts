import type {
  ClusterRef,
  Profile,
  ProfileDeployment,
  ProfileDeploymentStatus,
  ProfileStatus,
  TargetCluster,
} from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { ApplySet } from "../membership/applyset.ts";
import type { GroupKind } from "../objects/types.ts";
import type { Street } from "../plan/beside.ts";
import type { Outcome } from "../plan/outcome.ts";
import type { Referents } from "../plan/references.ts";
import type { ReleaseName } from "../plan/release.ts";
import type { Heirs, NamedRef, SiteView, Tracked } from "../plan/seen.ts";
import type { Side } from "../plan/sides.ts";
import type { Step } from "../plan/step.ts";
import type { Neighbours } from "./settling.ts";
import type { Unmatches } from "./unmatches.ts";

/**
 * What the story needs of the world, in its own words; `wiring.ts` fits the edges to it. Everything that is read comes from
 * caches that watches feed; only `act` talks to a cluster.
 */
export interface DeploymentPorts {
  /** Milliseconds since the epoch. */
  now(): number;
  /** From 0 to 1. */
  random(): number;
  observe(key: string): DeploymentFacts | undefined;
  /** Takes one step. A step that fails as a whole throws Failure; single objects' failures are in the outcome. */
  act(step: Step, facts: DeploymentFacts, signal: AbortSignal): Promise<Outcome>;
  /** What is to be watched around this deployment from now on. */
  want(key: string, interest: Interest): void;
  report(key: string, status: ProfileDeploymentStatus): void;
  /** Tells people, on the profile. */
  tell(facts: DeploymentFacts, event: Tiding): void;
  /** The same, and in Strata's own namespace, where it outlives the profile and the tenant. */
  tellForGood(facts: DeploymentFacts, event: Tiding): void;
  /**
   * Whether the cluster of a deployment, or what leads to it, is there no more, by a live look: a sentence that says what, or
   * why nobody may look.
   */
  absence(facts: DeploymentFacts, signal: AbortSignal): Promise<string | Failure | undefined>;
  /** Whether the profile's namespace is being deleted, by a live look. */
  isTenantGoing(facts: DeploymentFacts, signal: AbortSignal): Promise<boolean>;
  /** Takes Strata's finalizer off the deployment. */
  finish(key: string, signal: AbortSignal): Promise<void>;
  /** A pass is due at once, or in so many milliseconds. */
  again(key: string, afterMs: number): void;
}

export interface DeploymentFacts {
  key: string;
  deployment: ProfileDeployment;
  /** Undefined when the profile is gone although its finalizer should have kept it. */
  profile: Profile | undefined;
  side: Side;
  /** What the hub says of the cluster; undefined for `local`, and when it is gone. */
  cluster: TargetCluster | undefined;
  target: TargetFacts;
  /** Whether the TargetCluster is there, and cannot be read: what is on the cluster stays as it is. */
  isUnreadable: boolean;
  /** Whether the profile goes to this cluster. */
  matched: boolean;
  /** Whether the namespace of the profile is being deleted, with all that is in it. */
  isTenantGoing: boolean;
  /** Whether the namespace of the TargetCluster is being deleted: nobody mistyped a selector. */
  isPlaceGoing: boolean;
  /** Whether the same physical cluster is reached by another deployment of the profile, which stays; or why that is not known yet. */
  hasHeir(): "yes" | "no" | Failure;
  referents: Referents;
  /** Who else is at work on the cluster; undefined while the profile is not known. */
  street(): Street | undefined;
}

/** The cluster of a deployment: reachable as a site, on the way, in trouble, or not there any more. */
export type TargetFacts =
  | { kind: "ready"; place: Place }
  | { kind: "connecting" }
  /**
   * A twin is the same physical cluster by another name, to which the profile goes already. `lostAt`, in milliseconds since
   * the epoch, is since when a cluster does not answer to which only credentials in memory lead.
   */
  | { kind: "failing"; failure: Failure; isTwin?: true; lostAt?: number | undefined }
  | { kind: "gone" };

/** Where a deployment acts: a cluster as one identity, and the ApplySet there. */
export interface Place {
  set: ApplySet;
  /** Stands for the connection: it changes when another cluster is behind the same name. */
  site: object;
  view: Omit<SiteView, "prepared">;
  /** How the other profiles on this cluster are. */
  neighbours(): Neighbours;
  /** What they want of what this one gives up. */
  heirs: Heirs;
  /** The profile, in words, whose ApplySet has this parent; undefined when it is none of this hub. */
  profileOf(parent: string): string | undefined;
}

export interface Interest {
  late: readonly Tracked[];
  named: readonly NamedRef[];
  /** Kinds that health checks read whole. */
  kept: readonly GroupKind[];
  /** Helm releases of the layers, also of those that are going. */
  releases: readonly ReleaseName[];
  /** Of the profile that this was made from. */
  generation: number | undefined;
  /** Whether it has something to do, and will do it by itself. */
  moving: boolean;
  /** What this deployment gets if its owner gives it up: the layer that wants it, by the object's key. */
  claims: ReadonlyMap<string, string>;
  /** What it is yet to try to write, by key: until then nobody deletes it. Left out when it is done. */
  intents?: () => ReadonlySet<string>;
  /** Whether it is known what it wants: before that, what it wanted last stands. */
  isJudged: boolean;
  /** Whether a pack or a core layer asks what the nodes are like. */
  nodes: boolean;
  /** Whether a Storage layer asks for StorageClasses and CSI drivers. */
  storage: boolean;
  /** Whether it waits for another profile, or for the other side of the cluster: each of their changes is a reason to look again. */
  waiting: boolean;
}

/** Something that happened, for an event and the log. */
export interface Tiding {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export interface ProfilePorts {
  readonly unmatches: Unmatches;
  now(): number;
  observe(key: string): ProfileFacts | undefined;
  createDeployment(deployment: ProfileDeployment, signal: AbortSignal): Promise<void>;
  deleteDeployment(deployment: ProfileDeployment, signal: AbortSignal): Promise<void>;
  /** Whether the profile has deployments, by a live look: the watch may not have told of one that was just made. */
  hasDeployments(profile: Profile, signal: AbortSignal): Promise<boolean>;
  addFinalizer(profile: Profile, signal: AbortSignal): Promise<void>;
  removeFinalizer(profile: Profile, signal: AbortSignal): Promise<void>;
  report(key: string, status: ProfileStatus): void;
  /** A pass is due in so many milliseconds. */
  again(key: string, afterMs: number): void;
}

export interface ProfileFacts {
  profile: Profile;
  /** The TargetClusters of the namespaces that the profile may reach. */
  clusters: readonly TargetCluster[];
  /** The profile's own deployments. */
  deployments: readonly ProfileDeployment[];
  /** Whether its namespace is being deleted, with all that is in it. */
  isTenantGoing: boolean;
  /** Whether the namespace of a TargetCluster is being deleted, with all that is in it. */
  isPlaceGoing(cluster: ClusterRef): boolean;
  /** Whether a TargetCluster is there, and cannot be read: nobody knows whether the profile goes there. */
  isUnreadable(cluster: ClusterRef): boolean;
}

export interface TargetPorts {
  /** Whether a profile has, or had until just now, something on the cluster. */
  observe(key: string): { target: TargetCluster; isInUse: boolean } | undefined;
  addFinalizer(target: TargetCluster, signal: AbortSignal): Promise<void>;
  removeFinalizer(target: TargetCluster, signal: AbortSignal): Promise<void>;
}
