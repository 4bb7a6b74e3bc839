import { PARENT_LABEL, RELEASE_ANNOTATION, RELEASE_LAYER_LABEL, RELEASE_SEAL_LABEL } from "../api/names.ts";
import { Failure } from "../errors.ts";
import { packProgress, RELEASE_TYPE, type ReleaseRecord, releaseKey } from "../plan/release.ts";
import type { Step } from "../plan/step.ts";
import { isConflictError, isNotFoundError } from "./conflicts.ts";
import { DONE, type ReleaseContext, type Released } from "./release-records.ts";
import { SECRETS } from "./system-objects.ts";

/**
 * Asks whether the identity may write records of the release, by a create that the record that is there stands in the way of:
 * whoever may not is given none.
 *
 * @throws Failure as the API server words its refusal
 */
export async function claimRelease(
  { record }: Step & { kind: "ClaimRelease" },
  { writes, set }: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const { namespace } = record.release;
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: record.secret, namespace }, type: RELEASE_TYPE };
  try {
    await writes.client.create(SECRETS, secret, { manager: set.manager, metadataOnly: true, dryRun: true, signal });
  } catch (error) {
    if (!isConflictError(error)) throw writes.toFailure(error, nameOf(record));
  }
  return DONE;
}

/**
 * Gives the release to the profile that waits for it: the newest record says from then on whose it is. What that one makes of
 * it is a revision of its own; a rollback of its own never goes back to one of this profile's, so that the seal comes off.
 */
export async function handOverRelease(
  { record }: Step & { kind: "HandOverRelease" },
  { writes, set }: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const heir = writes.heirOf(releaseKey(record.release));
  if (!heir) throw new Failure("StaleRead", `${nameOf(record)}: nobody waits for it any more; looked at again`);
  const { uid, resourceVersion } = record;
  const progress = { inputs: "", operation: "upgrade" as const, runs: {}, ...record.progress, handedOver: true };
  const metadata = {
    uid,
    resourceVersion,
    labels: { [PARENT_LABEL]: heir.set.parent, [RELEASE_LAYER_LABEL]: heir.layer, [RELEASE_SEAL_LABEL]: null },
    annotations: { [RELEASE_ANNOTATION]: packProgress(progress) },
  };
  const key = { namespace: record.release.namespace, name: record.secret };
  try {
    // Not taken for known: the watch tells of it, and wakes both profiles.
    await writes.client.mergePatch(SECRETS, key, { metadata }, { manager: set.manager, metadataOnly: true, signal });
  } catch (error) {
    if (isConflictError(error) || isNotFoundError(error))
      throw new Failure("StaleRead", `${nameOf(record)} was changed just now; looked at again`);
    throw writes.toFailure(error, nameOf(record));
  }
  const { namespace, name } = record.release;
  const message = `Helm release ${namespace}/${name} stays: ${heir.profile} has it now`;
  return { ...DONE, note: { reason: "ObjectKept", message } };
}

function nameOf({ release: { namespace, name } }: ReleaseRecord): string {
  return `the record of Helm release ${namespace}/${name}`;
}
