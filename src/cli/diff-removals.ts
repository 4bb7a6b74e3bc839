import { PART_OF_LABEL } from "../api/names.ts";
import { leaveNamespace } from "../apply/layer-namespace.ts";
import { removeItem } from "../apply/remove-object.ts";
import { ApiError } from "../kube/api-error.ts";
import type { Parent } from "../membership/applyset.ts";
import { isMember } from "../membership/observed.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import { type Leaving, nextToGo } from "../plan/removal.ts";
import type { Tracked } from "../plan/seen.ts";
import type { RemoveItem } from "../plan/step.ts";
import type { Secrecy } from "./diff-mask.ts";
import { namespaceRefOf } from "./diff-namespaces.ts";
import { difference, refused } from "./diff-objects.ts";
import { comparable } from "./diff-shape.ts";
import { anyResource, type DiffTarget, writesOn } from "./diff-target.ts";
import type { ObjectDiff } from "./diff-types.ts";
import type { ProfilePlan } from "./plan-profile.ts";

/**
 * Reads the members of an ApplySet into the target's site, from all places that its parent names.
 *
 * @throws what the client throws
 */
export async function recordMembers(
  { client, site, ...rest }: DiffTarget,
  { parent, id }: { parent: Parent; id: string },
  signal: AbortSignal,
): Promise<void> {
  const labelSelector = `${PART_OF_LABEL}=${id}`;
  const byKind = Map.groupBy(placesOf(parent), ({ kind }) => kind);
  const lists = [...byKind].map(async ([kind, places]): Promise<KubeObject[]> => {
    const [name = "", ...group] = kind.split(".");
    const resource = anyResource({ client, site, ...rest }, { kind: name, group: group.join(".") });
    if (!resource) return [];
    const list = async (namespace: string | undefined) =>
      (await client.listAll(resource, { namespace, labelSelector, metadataOnly: true, signal })).items;
    try {
      return await list(undefined);
    } catch (error) {
      // Who may not list a kind everywhere may often do so where the members are.
      if (!(error instanceof ApiError && error.status === 403 && resource.namespaced)) throw error;
      return (await Promise.all(places.map(({ namespace }) => list(namespace)))).flat();
    }
  });
  for (const member of (await Promise.all(lists)).flat()) site.record(member);
}

function placesOf({ places }: Parent): { kind: string; namespace: string | undefined }[] {
  return [...places].map((place) => {
    const [kind = "", namespace] = place.split("/");
    return { kind, namespace: namespace || undefined };
  });
}

/** What leaves a cluster with a profile as it is now: members by their layer, in the order in which they go. */
export function leavingOf({ seen, layers }: ProfilePlan): Map<string, RemoveItem[]> {
  const wanted = new Set(
    layers.flatMap(({ state }) => (state.kind === "known" ? state.desired : [])).map(({ key }) => key),
  );
  const spared = new Set(layers.flatMap(({ spec }) => (spec.prune === "Never" ? [spec.name] : [])));
  const stays: Leaving["stays"] = ({ observed: { key, layer } }) =>
    wanted.has(key) || (layer !== undefined && spared.has(layer));
  const members = [...seen.site.members()].filter(({ observed }) => isMember(observed, seen.set));
  const staying = members.filter((tracked) => stays(tracked) || tracked.observed.layer === undefined);
  const items: RemoveItem[] = [];
  let left = members.filter((tracked) => !staying.includes(tracked));
  while (left.length > 0) {
    const present: readonly Tracked[] = [...staying, ...left];
    const next = nextToGo(left, {
      stays,
      isTurn: true,
      seen: { ...seen, site: { ...seen.site, members: () => present } },
    });
    items.push(...next.items);
    left = left.filter((tracked) => !next.current.includes(tracked));
  }
  return Map.groupBy(items, ({ tracked }) => tracked.observed.layer ?? "");
}

const STAYS = "it stays in the cluster";

interface Leave {
  target: DiffTarget;
  plan: ProfilePlan;
  secrecy: Secrecy;
}

/** What becomes of one member that leaves; undefined when it is gone already. */
export async function compareLeaving(
  item: RemoveItem,
  { target, plan, secrecy }: Leave,
  signal: AbortSignal,
): Promise<ObjectDiff | undefined> {
  const { ref, key } = item.tracked.observed;
  try {
    const resource = target.site.resourceFor(ref);
    const live = resource && (await target.client.find(resource, ref, { signal }));
    if (!live) return undefined;
    const { kind, why } = await removeItem(item, writesOn(target, plan.seen, true), signal);
    if (kind === "gone") return undefined;
    const notes = why === undefined ? [] : [why];
    if (kind === "released") return { ref, change: "released", notes: [STAYS, ...notes] };
    return difference({ ref, key, notes }, { before: comparable(live) }, secrecy);
  } catch (error) {
    signal.throwIfAborted();
    return refused(ref, error, secrecy);
  }
}

/**
 * What becomes of a namespace that no layer asks for any more.
 *
 * @param tenant a member that stays in it, and is then not ours any more
 */
export async function compareLeftNamespace(
  name: string,
  { target, plan, secrecy, tenant }: Leave & { tenant: ObjectRef | undefined },
  signal: AbortSignal,
): Promise<ObjectDiff | undefined> {
  const ref = namespaceRefOf(name);
  const { client, site } = target;
  if (tenant) return { ref, change: "released", notes: [STAYS, `${tenant.kind} ${tenant.name} in it is kept`] };
  try {
    const served = { resources: site.resources(), stale: site.stale() };
    const left = await leaveNamespace(client, { set: plan.seen.set, name, ...served }, signal);
    if (left.kind === "left") return undefined;
    if (left.kind === "kept") return { ref, change: "released", notes: [STAYS, left.why] };
    return { ref, change: "deleted", notes: [] };
  } catch (error) {
    signal.throwIfAborted();
    return refused(ref, error, secrecy);
  }
}
