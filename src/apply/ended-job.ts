import { endOfJob, type JobEnd } from "../health/index.ts";
import type { ApplyItem } from "../plan/step.ts";
import { isForbiddenError } from "./conflicts.ts";
import type { WriteContext } from "./context.ts";

/**
 * How the Job ended that an item is to create again, by the events about that very one: they outlive it by an hour, unless
 * the cluster is told otherwise. Undefined when it may not have run yet, or when nothing tells, also where the identity may
 * not list events.
 *
 * @throws what the client throws: while nobody can tell, it is not run again
 */
export async function endOfRun(
  { desired: { ref }, lastRun }: Pick<ApplyItem, "desired" | "lastRun">,
  { client, resourceFor }: Pick<WriteContext, "client" | "resourceFor">,
  signal: AbortSignal,
): Promise<JobEnd | undefined> {
  const events = resourceFor({ group: "", version: "v1", kind: "Event" });
  if (lastRun === undefined || !events) return undefined;
  try {
    const about = { namespace: ref.namespace, fieldSelector: `involvedObject.uid=${lastRun}`, signal };
    return endOfJob((await client.listAll(events, about)).items);
  } catch (error) {
    if (isForbiddenError(error)) return undefined;
    throw error;
  }
}
