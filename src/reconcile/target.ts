import { FINALIZER } from "../api/names.ts";
import type { TargetPorts } from "./ports.ts";

/**
 * Holds a TargetCluster by a finalizer as long as layers are on it: deleting it lets its profiles leave, by their
 * `unmatchPolicy`, while its credentials are still there. One that nobody uses goes at once.
 */
export async function reconcileTarget(key: string, ports: TargetPorts, signal: AbortSignal): Promise<void> {
  const facts = ports.observe(key);
  if (!facts) return;
  const { target, isInUse } = facts;
  const { finalizers = [], deletionTimestamp } = target.metadata;
  const isHeld = finalizers.includes(FINALIZER);
  if (isInUse && !isHeld && deletionTimestamp === undefined) await ports.addFinalizer(target, signal);
  if (!isInUse && isHeld) await ports.removeFinalizer(target, signal);
}
