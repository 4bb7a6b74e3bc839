import type { ProfileDeploymentStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { Attempt, SiteView } from "../plan/seen.ts";
import type { ContentMemory } from "../plan/types.ts";

/**
 * What the process remembers of one deployment between passes. All of it can be lost at any moment: it is then read or done
 * again, and nothing is applied twice for it.
 */
export interface DeploymentMemory {
  /** The site that the rest speaks of; another one (new credentials for another cluster) begins anew. */
  site: object;
  /** Of the profile: with a new spec, what was refused is tried again at once. */
  generation: number | undefined;
  prepared: SiteView["prepared"];
  contents: Map<string, ContentMemory>;
  attempts: Map<string, Attempt>;
  namespaces: Map<string, Attempt>;
  leaving: Map<string, "left" | "deleting" | "kept">;
  /** A failure of a step as a whole, such as writing the parent: no other step is taken before `retryAt`. */
  trouble: { failure: Failure; attempts: number; retryAt: number } | undefined;
  status: ProfileDeploymentStatus | undefined;
}

export function newMemory(site: object, status: ProfileDeploymentStatus | undefined): DeploymentMemory {
  return {
    site,
    generation: undefined,
    prepared: undefined,
    contents: new Map(),
    attempts: new Map(),
    namespaces: new Map(),
    leaving: new Map(),
    trouble: undefined,
    status,
  };
}
