import { expect, test } from "vitest";
import type { Condition, Profile, ProfileStatus } from "../api/types.ts";
import { withHeldUnmatch } from "./held-unmatch.ts";

const at = (time: string) => `2026-11-23T12:0${time}:00Z`;
const condition = (type: string, status: string, more: object = {}): Condition =>
  ({ type, status, reason: "LayersReady", message: "", lastTransitionTime: at("0"), ...more }) as Condition;

/** What is told of a profile that is Ready but for that, when this was told before. */
function told(before: Condition[], minute: string): ProfileStatus {
  const ready = {
    conditions: [condition("Ready", "True"), condition("Drifted", "True")],
    summary: { clusters: "1/1" },
  };
  const profile = { metadata: { generation: 2 }, status: { conditions: before } } as unknown as Profile;
  return withHeldUnmatch(ready, "two of three", { profile, now: at(minute) });
}

test("a profile that is held is not Ready and says why, and the rest stands", () => {
  const { conditions = [], summary } = told([], "1");
  expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ["Ready", "False", "MassUnmatch"],
    ["Reconciling", "False", "MassUnmatch"],
    ["Stalled", "True", "MassUnmatch"],
    ["Drifted", "True", "LayersReady"],
  ]);
  expect(summary).toEqual({ clusters: "1/1", message: "two of three" });
});

test("it is a transition once, not with each pass", () => {
  const first = told([condition("Ready", "True")], "1");
  expect(first.conditions?.[0]?.lastTransitionTime).toBe(at("1"));
  expect(told(first.conditions ?? [], "2")).toEqual(first);
});

test("what stood in its way before is another trouble: it is held since now", () => {
  const ill = ["Ready", "Reconciling"].map((type) => condition(type, "False", { reason: "PruneHeld" }));
  const { conditions = [] } = told([...ill, condition("Stalled", "True", { reason: "PruneHeld" })], "1");
  expect(conditions.slice(0, 3).map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
    at("1"),
    at("1"),
    at("1"),
  ]);
  expect(told(conditions, "2").conditions).toEqual(conditions);
});
