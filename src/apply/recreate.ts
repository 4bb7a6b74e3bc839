import { Failure } from "../errors.ts";
import { type Claim, judge } from "../membership/judge.ts";
import { layerMark, saysKeep, wasAdopted } from "../membership/observed.ts";
import { describeRef, groupKindKey } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import type { Desired } from "../plan/types.ts";
import { isConflictError, isNotFoundError } from "./conflicts.ts";
import type { WriteContext } from "./context.ts";

interface Recreation {
  desired: Desired;
  claim: Claim;
  /** The uid of the object of this name that was there before us. */
  lent?: string | undefined;
  context: WriteContext;
  signal: AbortSignal;
}

/** What would go with an object of these kinds, which are never deleted for a field. */
const NEVER = new Map([
  ["CustomResourceDefinition.apiextensions.k8s.io", "all its objects would go with it"],
  ["Namespace", "all that is in it would go with it"],
  ["PersistentVolume", "its data may go with it"],
  ["PersistentVolumeClaim", "its data may go with it"],
]);

const STATEFUL_SET = "StatefulSet.apps";

const PODS = "its pods stop before the new ones start";
const COSTS = new Map([
  ["Deployment.apps", PODS],
  [STATEFUL_SET, PODS],
  ["DaemonSet.apps", PODS],
  ["ReplicaSet.apps", PODS],
  ["Job.batch", "what it is running is cut off, and it runs again"],
  ["Service", "it gets other addresses"],
]);

/**
 * Deletes an object in the foreground, because a field changes that cannot; it is created again when it is gone. The delete
 * carries uid and resourceVersion of the object that was judged. Only for a layer with `recreate`, and for what is its own;
 * what was made with this very content is not made again: whoever changes it would do so for ever.
 *
 * @param failure the API server's ImmutableField
 * @returns the uid of the object that goes
 * @throws Failure ImmutableField that says what would help, and what it costs
 */
export async function recreate(
  { desired, claim, lent, context, signal }: Recreation,
  failure: Failure,
): Promise<string> {
  const what = describeRef(desired.ref);
  const resource = context.resourceFor(desired.ref);
  // Of one kind, more than the metadata tells what would go with it.
  const metadataOnly = groupKindKey(desired.ref) !== STATEFUL_SET;
  const live = resource && (await context.client.find(resource, desired.ref, { metadataOnly, signal }));
  if (!resource || !live) throw new Failure("StaleRead", `${what} went away while it was written; tried again`);
  const against = reasonAgainst(live, { desired, claim, lent, context });
  if (against !== undefined) throw new Failure(failure.reason, `${failure.message}; ${against}`, { cause: failure });
  const { uid = "", resourceVersion } = live.metadata;
  try {
    const preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    await context.client.delete(resource, desired.ref, { ...preconditions, propagationPolicy: "Foreground", signal });
  } catch (error) {
    if (isConflictError(error))
      throw new Failure("StaleRead", `${what} changed while it was to be deleted; tried again`);
    if (!isNotFoundError(error)) throw error;
  }
  return uid;
}

function reasonAgainst(
  live: KubeObject,
  { desired, claim, lent, context }: Omit<Recreation, "signal">,
): string | undefined {
  const kind = groupKindKey(desired.ref);
  const loss = NEVER.get(kind);
  if (loss !== undefined) return `Strata never deletes a ${desired.ref.kind} for that: ${loss}`;
  if (takesClaims(live))
    return "Strata does not delete it for that: by its persistentVolumeClaimRetentionPolicy its claims, and their data, would go with it. Set whenDeleted to Retain first, in a change of its own";
  if (saysKeep(live)) return "it says of itself that it stays: take the annotation that says so off to have it deleted";
  const { recreate: isAllowed, adoption } = claim;
  if (!isAllowed) {
    const cost = COSTS.get(kind) ?? "what uses it goes without it until then";
    return `or set the layer's recreate to true: it is then deleted and created again, and ${cost}`;
  }
  const isTheirs = judge(live, context.set, claim).kind !== "ours" || wasAdopted(live, lent);
  if (isTheirs && adoption !== "Always")
    return "recreate is not for what was there before Strata: set the layer's adoption to Always too";
  if (layerMark(live).digest === desired.digest)
    return "it was created with this very content, and changed by somebody else";
  return undefined;
}

/** Whether the persistent volume claims of a StatefulSet go with it. */
function takesClaims({ spec }: KubeObject): boolean {
  const { persistentVolumeClaimRetentionPolicy: policy } = (spec ?? {}) as {
    persistentVolumeClaimRetentionPolicy?: { whenDeleted?: unknown };
  };
  return policy?.whenDeleted === "Delete";
}
