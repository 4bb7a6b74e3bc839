import type { DeploymentLayerStatus, ProfileDeploymentStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { awayFields } from "./row-text.ts";
import { finish, type StatusContext } from "./verdict.ts";

/** The status of a deployment on its way out whose cluster cannot be reached: what may still be there, and why nothing is done. */
export function awayStatus(failure: Failure, context: StatusContext): ProfileDeploymentStatus {
  const { previous, now } = context;
  const rows = (previous?.layers ?? []).filter(isBrought).map((old): DeploymentLayerStatus => {
    const { stateBefore: _, ...rest } = old;
    return { ...rest, state: "Removing" as const, ...awayFields(failure, old, now) };
  });
  return finish(rows, { first: rows[0], stalled: undefined, done: false, idle: failure.message }, context);
}

/** Whether something of a layer may be on the cluster. */
export function isBrought({ appliedAt, readyDigest, ready, state }: DeploymentLayerStatus): boolean {
  return [appliedAt, readyDigest, ready].some((field) => field !== undefined) || state === "Removing";
}
