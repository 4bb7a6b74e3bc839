import type { Condition } from "./types.ts";

/** The conditions that Strata sets, and what each says when it is True (the first three as kstatus reads them). */
export const CONDITIONS = {
  Ready:
    "All layers are Ready on all clusters, or on as many as `readyWhen` demands; on a TargetCluster or a Registry: it answers, and accepts the credentials where it asks for them.",
  Reconciling: "Strata is at work on the spec, or tries again after a failure.",
  Suspended:
    "Layers are left as they are, because the profile or they themselves say so; absent otherwise. Ready stays as it was.",
  Drifted:
    "Somebody has changed or deleted objects of layers with `drift.mode: Warn`, and they are left so; absent otherwise. Ready stays as it was.",
  Stalled: "A person must act: the spec or something that it refers to is wrong. Any change of it is noticed.",
  CoreLayersComplete:
    "A ClusterProfile has a layer of each type that a cluster is made of: OS, Kubernetes, Network, Storage. False is no error.",
} as const;

/** Reasons of conditions and layers that are no failures. Those of failures are in src/errors.ts. */
export const REASONS = {
  LayersReady: "All layers are Ready.",
  CoreLayersPresent: "The ClusterProfile has all four core layers.",
  CoreLayersAbsent: "The ClusterProfile lacks core layers; what it lacks is up to somebody else.",
  EnoughClusters: "Not all clusters are Ready, but as many as the profile's `readyWhen` demands.",
  NoClusters: "The profile names or selects no cluster that exists.",
  MassUnmatch:
    "The profile has left many of its clusters at once, and by `unmatchPolicy: Delete` would delete its objects there: nothing is deleted until `allowMassPrune` permits it.",
  Connected: "The cluster answers and accepts the credentials.",
  Synced: "The registry answers, and accepts the credentials where it asks for them.",
  Progressing: "Strata is at work and nothing is wrong so far.",
  WaitingForLayer: "An earlier layer has not opened its gate, or the expressions of another layer are wrong.",
  WaitingForProfile: "Another profile comes to this cluster first, by its tier or by dependsOn.",
  WaitingForOutput: "Something that another layer gives is not there yet.",
  Skipped: "The layer's `when` is false on this cluster: it is not brought there, and counts as Ready.",
  Suspended: "The layer is left as it is, because it or its profile says so.",
  Resolving: "The layer's source is being read or rendered.",
  Applying: "Objects are being written.",
  RunningHooks: "Hooks of the chart are running, before its objects are written or after.",
  Drifted: "Somebody changed or deleted an object; it is being repaired.",
  DriftFight:
    "Somebody changes an object again and again that was repaired: it is repaired more slowly. The message names who wrote last.",
  DriftLeft: "Somebody changed or deleted an object; it is left so, as the layer's `drift.mode` is Warn.",
  NotReady: "All objects are written, and at least one is not healthy yet.",
  Unhealthy: "All objects are written, and at least one has failed.",
  Timeout: "The layer was not Ready within its timeout. Strata goes on trying.",
  Ready: "All objects of the layer are written and healthy.",
  Removing: "The layer's objects are being removed, in reverse order.",
} as const;

/** The condition of a type that an object has. */
export function conditionOf(
  object: { status?: { conditions?: readonly Condition[] | undefined } | undefined } | undefined,
  type: keyof typeof CONDITIONS,
): Condition | undefined {
  return object?.status?.conditions?.find((condition) => condition.type === type);
}

export type NextCondition = Omit<Condition, "lastTransitionTime">;

/**
 * The list with `next` in it, at the place of the condition of the same type or at the end. `lastTransitionTime` becomes
 * `now` (RFC 3339) only when the status of the condition changes. Answers the very list that came in when nothing does.
 */
export function setCondition(list: readonly Condition[], next: NextCondition, now: string): readonly Condition[] {
  const index = list.findIndex((condition) => condition.type === next.type);
  const old = list[index];
  if (old === undefined) return [...list, { ...next, lastTransitionTime: now }];
  if (isSame(old, next)) return list;
  const lastTransitionTime = old.status === next.status ? old.lastTransitionTime : now;
  return list.with(index, { ...next, lastTransitionTime });
}

function isSame(old: Condition, next: NextCondition): boolean {
  return (
    old.status === next.status &&
    old.reason === next.reason &&
    old.message === next.message &&
    old.observedGeneration === next.observedGeneration
  );
}
