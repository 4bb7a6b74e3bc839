import type { ProfileDeploymentStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { MacroAnswer } from "../pack/macro-types.ts";
import type { PackMemory } from "../plan/packs.ts";
import { type Attempt, NO_CONDITIONS, type Seen, type SiteView } from "../plan/seen.ts";
import type { ContentMemory } from "../plan/types.ts";
import { rowsAndParts } from "../status/deployment-status.ts";

/** A Registry answers again, or it is another one: it, its credentials, or the signatures that it asks for. */
export type Renewal = "answers" | "changed";

export interface Wait {
  /** For so many milliseconds. */
  ms: number;
  /** When it was last looked at, in milliseconds since the epoch, and at which look. */
  at: number;
  look: number;
}

/**
 * What the process remembers of one deployment between passes. All of it can be lost at any moment: it is then read or done
 * again, and nothing is applied twice for it.
 */
export interface DeploymentMemory {
  /** The site that the rest speaks of; another one (new credentials for another cluster) begins anew. */
  site: object;
  /** Of the profile: with a new spec, what was refused is tried again at once. */
  generation: number | undefined;
  /** How often the cluster was looked at, or was to be. */
  looks: number;
  /** How long something that goes has been waited with since its turn has come, by its key, or that of its Helm release. */
  turns: Map<string, Wait>;
  /** The same of what a brake holds. */
  holds: Map<string, Wait>;
  prepared: SiteView["prepared"];
  /** Whether the cluster had a record of the profile, its parent, when that was read or written last. */
  isRecorded: boolean;
  /** Since when that is missing, in milliseconds since the epoch. */
  missingSince: number | undefined;
  /** Whether somebody who writes as we do was looked for, before what is his is written over or taken away. */
  confirmed: boolean;
  /** Whether what it has made is on its way out. */
  isLeaving: boolean;
  packs: Map<string, PackMemory>;
  /** Packs that run without the signatures that are asked for by now, and when they are looked at again, in milliseconds since the epoch. */
  doubts: Map<string, number>;
  macros: Map<string, MacroAnswer>;
  contents: Map<string, ContentMemory>;
  installed: Map<string, Seen["installed"] extends ReadonlyMap<string, infer Layer> ? Layer : never>;
  conditions: Seen["conditions"];
  attempts: Map<string, Attempt>;
  namespaces: Map<string, Attempt>;
  leaving: Map<string, "left" | "deleting" | "kept">;
  /** A failure of a step as a whole, such as writing the parent: no other step is taken before `retryAt`. */
  trouble: { failure: Failure; attempts: number; retryAt: number } | undefined;
  /** What has become of a Registry that its layers come from since the present step began. */
  renewed: Renewal | undefined;
  status: ProfileDeploymentStatus | undefined;
}

export function newMemory(site: object, status: ProfileDeploymentStatus | undefined): DeploymentMemory {
  return {
    site,
    generation: undefined,
    looks: 0,
    turns: new Map(),
    holds: new Map(),
    prepared: undefined,
    isRecorded: false,
    missingSince: undefined,
    confirmed: false,
    isLeaving: false,
    packs: new Map(),
    doubts: new Map(),
    macros: new Map(),
    contents: new Map(),
    installed: new Map(),
    conditions: NO_CONDITIONS,
    attempts: new Map(),
    namespaces: new Map(),
    leaving: new Map(),
    trouble: undefined,
    renewed: undefined,
    status,
  };
}

/**
 * Whether a layer was Ready once on the cluster that is there now: another one of the same name has nothing of what the status
 * tells. What is only observed leaves nothing to go by.
 */
export function isInstalled(memory: DeploymentMemory | undefined, told: ProfileDeploymentStatus | undefined): boolean {
  const isEmpty = memory?.prepared?.parent.layers.length === 0;
  return rowsAndParts(memory?.status ?? told).some(
    ({ readyDigest, source }) => readyDigest !== undefined && (!isEmpty || source === "observed"),
  );
}
