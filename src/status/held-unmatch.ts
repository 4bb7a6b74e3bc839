import { setCondition } from "../api/conditions.ts";
import type { Condition, Profile, ProfileStatus } from "../api/types.ts";
import { cut } from "./row-text.ts";

export const MASS_UNMATCH = "MassUnmatch";

/** The status of a profile that has left more clusters at once than it may without being asked: a person must act. */
export function withHeldUnmatch(
  status: ProfileStatus,
  why: string,
  { profile, now }: { profile: Profile; now: string },
): ProfileStatus {
  const message = cut(why);
  const told = [
    { type: "Ready", status: "False" as const, message },
    { type: "Reconciling", status: "False" as const, message },
    { type: "Stalled", status: "True" as const, message },
  ];
  // Beside what was told before, not beside what would be told without this: else each pass would be a transition. Their time
  // is that of the hold, also where another trouble had Stalled the profile: `heldSince` goes by it.
  const before = (profile.status?.conditions ?? []).filter(({ reason }) => reason === MASS_UNMATCH);
  const speaking = told.map((one): Condition => {
    const next = { ...one, reason: MASS_UNMATCH, observedGeneration: profile.metadata.generation ?? 0 };
    const condition = setCondition(before, next, now).find(({ type }) => type === one.type);
    return condition ?? { ...next, lastTransitionTime: now };
  });
  const types = new Set(told.map(({ type }) => type));
  const others = (status.conditions ?? []).filter(({ type }) => !types.has(type));
  return { ...status, conditions: [...speaking, ...others], summary: { ...status.summary, message } };
}
