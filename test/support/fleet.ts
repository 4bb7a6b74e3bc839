import { expect } from "vitest";
import type { ControlPlane } from "./controlplane.ts";
import { auditMark, type Live, strataWrites } from "./stories.ts";
import { targetCluster } from "./target-cluster.ts";

const API = "strata.dev/v1alpha1";
const LABELS = { env: "prod" };

/** A TargetCluster of the tenant acme that each `fleetProfile` selects, and the Secret with its kubeconfig. */
export function fleetMember(name: string, kubeconfig: string): Live[] {
  return targetCluster(name, kubeconfig, { labels: LABELS });
}

/** A profile of acme for the whole fleet, in a namespace of its own name. */
export function fleetProfile(kind: string, name: string, layers: Live[]): Live {
  const spec = { clusterSelector: { matchLabels: LABELS }, namespace: name, layers };
  return { apiVersion: API, kind, metadata: { name, namespace: "acme" }, spec };
}

/** A layer of one ConfigMap, which has the layer's name. */
export function configMapLayer(name: string, value: string): Live {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } };
  return { name, manifests: [{ object }] };
}

/** From where `writesSince` counts on each of these clusters. */
export async function auditMarks(planes: readonly ControlPlane[]): Promise<number[]> {
  return await Promise.all(planes.map((plane) => auditMark(plane)));
}

/** What Strata has written on each of these clusters since, `verb resource namespace/name`. */
export async function writesSince(planes: readonly ControlPlane[], marks: readonly number[]): Promise<string[][]> {
  return await Promise.all(planes.map((plane, index) => strataWrites(plane, marks[index])));
}

export interface WorkMeanwhile<T> {
  /** What of Strata waits for the dead cluster now. */
  waiting(): readonly T[];
  prepare?(attempt: number): Promise<void>;
  /** Begins on the healthy clusters, and ends there. */
  work(attempt: number): Promise<void>;
}

/**
 * The order of what happened, and no clock: something was sent to the dead cluster and had no answer; then all of the work was
 * asked for, and done on the healthy ones; and then that same thing still waited for its answer. Strata gives up in its time
 * what is not answered: the work that such a moment falls into proves nothing, and is done anew.
 *
 * @returns what was written on each of the healthy clusters meanwhile
 */
export async function whileWaitedFor<T>(
  healthy: readonly ControlPlane[],
  { waiting, prepare, work }: WorkMeanwhile<T>,
): Promise<string[][]> {
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    await prepare?.(attempt);
    await expect.poll(() => waiting().length, { timeout: 60_000 }).toBeGreaterThan(0);
    const before = waiting();
    const marks = await auditMarks(healthy);
    await work(attempt);
    const writes = await writesSince(healthy, marks);
    const after = new Set(waiting());
    if (before.some((one) => after.has(one))) return writes;
  }
  throw new Error("what was asked of the dead cluster was given up each time before the others had done their work");
}
