import { ADOPTED_ANNOTATION } from "../api/names.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { isRetaken } from "../membership/field-sets.ts";
import { applyEntryOf, mergeFields } from "../membership/fields.ts";
import { ownFieldsDigest, withoutIgnored } from "../membership/ignored-fields.ts";
import { type Claim, judge } from "../membership/judge.ts";
import { stampOf } from "../membership/observed.ts";
import { valuesDigest } from "../membership/owned-values.ts";
import type { KubeObject } from "../objects/types.ts";
import type { ApplyResult } from "../plan/outcome.ts";
import { withMark } from "../plan/place.ts";
import type { Tracked, Witness } from "../plan/seen.ts";
import type { ApplyItem } from "../plan/step.ts";
import type { Desired } from "../plan/types.ts";
import type { WriteOutcome } from "./context.ts";

/** What is remembered of an object that was written or looked at: what it was like when its values were ours. */
export function resultOf(
  item: ApplyItem,
  outcome: Extract<WriteOutcome, { kind: "written" | "seen" }>,
  { manager }: ApplySet,
): ApplyResult {
  const { object } = outcome;
  const entry = applyEntryOf(object, manager);
  const witness: Witness = {
    stamp: stampOf(object),
    writtenAt: entry?.time,
    values: ownValues(object, item.desired, manager),
  };
  if (outcome.kind === "seen") return { item, ok: true, how: outcome.differs ? "differs" : "verified", witness };
  return { item, ok: true, how: outcome.how, fields: entry ? ownFieldsDigest(entry, item.desired) : "", witness };
}

/** What a repair of an object came to: where it changed no value there is nothing to tell, though fields are ours again. */
export function repairOf(outcome: WriteOutcome, { observed }: Tracked, { manager }: ApplySet): WriteOutcome {
  if (outcome.kind !== "written" || outcome.how !== "repaired") return outcome;
  const { managedFields = [] } = outcome.object.metadata;
  const [before] = observed.entries.filter((entry) => entry.manager === manager);
  const after = applyEntryOf(outcome.object, manager);
  if (!before?.fieldsV1 || !after?.fieldsV1) return outcome;
  const others = mergeFields(managedFields.flatMap((entry) => (entry === after ? [] : [entry.fieldsV1 ?? {}])));
  const own = { before: before.fieldsV1, after: after.fieldsV1 };
  return isRetaken(own, others) ? { ...outcome, how: "retaken" } : outcome;
}

/** The digest of the values at our fields of an object; undefined when nothing but its metadata is there. */
function ownValues(object: KubeObject, { object: wanted, ignored = [] }: Desired, manager: string): string | undefined {
  const entry = applyEntryOf(object, manager);
  const isWhole = Object.keys(wanted).every((field) => field in object);
  if (!entry || !isWhole) return undefined;
  return valuesDigest(withoutIgnored(entry.fieldsV1 ?? {}, wanted, ignored), object);
}

/**
 * Whether an object has other values at our fields than were sent, or than our last apply was answered with. Of one that is
 * not ours any more, the watch tells.
 */
export function valuesDiffer(
  live: KubeObject,
  { desired, values }: ApplyItem,
  { set, claim }: { set: ApplySet; claim: Claim },
): boolean {
  const { object, ignored = [], fromCrdsFolder } = desired;
  const entry = applyEntryOf(live, set.manager);
  if (!entry || judge(live, set, { ...claim, fromCrdsFolder }).kind !== "ours") return false;
  const fields = withoutIgnored(entry.fieldsV1 ?? {}, object, ignored);
  const actual = valuesDigest(fields, live);
  const adopted = live.metadata.annotations?.[ADOPTED_ANNOTATION] === "true";
  const wanted = withMark(desired, claim.layer, adopted ? { [ADOPTED_ANNOTATION]: "true" } : {});
  return actual !== values && actual !== valuesDigest(fields, wanted);
}

/** Whether two states of an object have the same values at our fields. */
export function hasSameValues(
  one: KubeObject,
  other: KubeObject,
  { desired, set: { manager } }: { desired: Desired; set: ApplySet },
): boolean {
  return ownValues(one, desired, manager) === ownValues(other, desired, manager);
}
