import { applyItem } from "../apply/apply-object.ts";
import type { WriteContext, WriteOutcome } from "../apply/context.ts";
import { Failure } from "../errors.ts";
import { CURRENT } from "../health/verdict.ts";
import { toFailure } from "../kube/failures.ts";
import type { ApplySet } from "../membership/applyset.ts";
import type { Claim } from "../membership/judge.ts";
import { isMember, type Observed, observe } from "../membership/observed.ts";
import { describeRef, groupKindKey } from "../objects/identity.ts";
import { canonicalJson } from "../objects/json.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import type { ApplyItem } from "../plan/step.ts";
import type { Desired } from "../plan/types.ts";
import { hideIn, maskPair, type Secrecy } from "./diff-mask.ts";
import { comparable, foretold } from "./diff-shape.ts";
import { anyResource, type DiffTarget } from "./diff-target.ts";
import type { Change, ObjectDiff } from "./diff-types.ts";

export interface Comparison {
  target: DiffTarget;
  claim: Claim;
  writes: WriteContext;
  secrecy: Secrecy;
  /** What the profile itself brings, and the server does not know yet: `groupKindKey`s, names of namespaces. */
  brought: { kinds: ReadonlySet<string>; namespaces: ReadonlySet<string> };
}

/**
 * What Strata would do to one object that a layer wants, by the operator's own rules of writing and a server that stores
 * nothing. A failure is part of the answer.
 */
export async function compareObject(
  desired: Desired,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<ObjectDiff> {
  const { target, secrecy } = comparison;
  const { ref } = desired;
  try {
    const resource = target.site.resourceFor(ref) ?? anyResource(target, ref);
    const live = resource && (await target.client.find(resource, ref, { signal }));
    return await judged(desired, live, comparison, signal);
  } catch (error) {
    signal.throwIfAborted();
    return refused(ref, error, secrecy);
  }
}

export function refused(ref: ObjectRef, error: unknown, secrecy: Secrecy): ObjectDiff {
  const name = describeRef(ref);
  const { message } = toFailure(error, name);
  const sentence = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  return { ref, change: "refused", notes: [hideIn(sentence, secrecy)] };
}

/** The difference of two objects, without what nobody may see. */
export function difference(
  about: { ref: ObjectRef; key: string; notes: readonly string[] },
  { before, after }: { before?: KubeObject | undefined; after?: KubeObject | undefined },
  secrecy: Secrecy,
): ObjectDiff {
  const { ref, key, notes } = about;
  const masked = maskPair({ before, after }, secrecy, secrecy.sealed.has(key));
  const isSame = before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after);
  const change: Change =
    before === undefined
      ? "added"
      : after === undefined
        ? "deleted"
        : isSame && notes.length === 0
          ? "unchanged"
          : "changed";
  return {
    ref,
    change,
    notes,
    ...(masked.before && !isSame ? { before: masked.before } : {}),
    ...(masked.after && !isSame ? { after: masked.after } : {}),
  };
}

/** What goes first, to be created when it is gone. */
const GOING = {
  recreating: "deleted and created again: a field of it cannot be changed",
  terminating: "somebody is deleting it: it is created again when it is gone",
};

function unwritten(
  desired: Desired,
  outcome: Exclude<WriteOutcome, { kind: "written" }>,
  { before, secrecy }: { before: KubeObject | undefined; secrecy: Secrecy },
): ObjectDiff {
  const { ref, key } = desired;
  if (outcome.kind === "exists" || outcome.kind === "seen") return { ref, change: "unchanged", notes: [] };
  if (outcome.kind === "occupied") throw outcome.failure;
  const after = outcome.kind === "recreating" ? comparable(desired.object) : before;
  return difference({ ref, key, notes: [GOING[outcome.kind]] }, { before, after }, secrecy);
}

async function judged(
  desired: Desired,
  live: KubeObject | undefined,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<ObjectDiff> {
  const { target, claim, writes, secrecy, brought } = comparison;
  const { ref, key } = desired;
  const before = live && comparable(live);
  if (live && (desired.createOnly || isLeft(live, writes.set))) return { ref, change: "unchanged", notes: [] };
  const unchecked = (why: string): ObjectDiff =>
    difference({ ref, key, notes: [`not checked: ${why}`] }, { before, after: comparable(desired.object) }, secrecy);
  if (!target.site.resourceFor(ref) && brought.kinds.has(groupKindKey(ref)))
    return unchecked("its kind comes with this profile");
  try {
    const item = itemOf(desired, live, comparison);
    const outcome = await applyItem(item, claim, { context: writes, signal });
    if (outcome.kind !== "written") return unwritten(desired, outcome, { before, secrecy });
    const after = live ? comparable(outcome.object) : foretold(outcome.object, desired.object);
    const notes = [
      ...(outcome.how === "adopted" ? ["taken over"] : []),
      ...moves(item.observed?.observed, claim.layer),
    ];
    return difference({ ref, key, notes }, { before, after }, secrecy);
  } catch (error) {
    const isHomeless = error instanceof Failure && error.reason === "NamespaceNotFound";
    if (isHomeless && brought.namespaces.has(ref.namespace ?? ""))
      return unchecked(`namespace ${ref.namespace} comes with this profile`);
    throw error;
  }
}

/** As the operator would write it: see `standingOf`. Without the key of the digests every object may have drifted. */
function itemOf(desired: Desired, live: KubeObject | undefined, { target, claim, writes }: Comparison): ApplyItem {
  const observed = live && observe(live);
  if (!observed || !isMember(observed, writes.set)) return { desired, mode: "create", observed: undefined };
  const isSame = observed.digest === desired.digest && observed.layer === claim.layer;
  const mode = isSame || !target.digestKey ? "repair" : "update";
  return { desired, mode, observed: { observed, verdict: CURRENT } };
}

/** A member that says of itself that it is to be left as it is. */
function isLeft(live: KubeObject, set: ApplySet): boolean {
  const observed = observe(live);
  return observed?.frozen === true && isMember(observed, set);
}

function moves(observed: Observed | undefined, layer: string): string[] {
  const from = observed?.layer;
  return from === undefined || from === layer ? [] : [`moves here from layer ${from}`];
}
