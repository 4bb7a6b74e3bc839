import type { ReflectorEvent } from "../../src/kube/reflector.ts";
import type { Resource } from "../../src/kube/resource.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import type { DemoCluster } from "./clusters.ts";
import { Followed, type Patience, reached } from "./follow.ts";

export interface WatchedObject {
  cluster: DemoCluster;
  resource: Resource;
  namespace: string;
  name: string;
}

/**
 * Watches one object while somebody spoils it, and measures by the watch's own events.
 *
 * @param isGood whether the object is as the profile wants it; undefined stands for a deleted one
 * @returns milliseconds from the event that showed it spoiled to the event that showed it good again
 */
export async function measureRepair(
  { cluster, resource, namespace, name }: WatchedObject,
  isGood: (object: KubeObject | undefined) => boolean,
  { spoil, patience }: { spoil: () => Promise<unknown>; patience: Patience },
): Promise<number> {
  const scope = { namespace, fieldSelector: `metadata.name=${name}` };
  using followed = await Followed.open(cluster.client, resource, scope);
  let spoiledAt: number | undefined;
  let goodAt: number | undefined;
  followed.onEvent((event) => {
    const good = isGood(objectIn(event));
    if (!good) spoiledAt ??= performance.now();
    else if (spoiledAt !== undefined) goodAt ??= performance.now();
  });
  await spoil();
  await reached([followed], () => goodAt !== undefined, patience);
  return (goodAt ?? 0) - (spoiledAt ?? 0);
}

function objectIn(event: ReflectorEvent): KubeObject | undefined {
  if (event.type === "sync") return event.objects[0];
  return event.type === "upsert" ? event.object : undefined;
}
