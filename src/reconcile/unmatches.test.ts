import { expect, test } from "vitest";
import type { Condition, Profile, ProfileDeployment } from "../api/types.ts";
import { withHeldUnmatch } from "../status/held-unmatch.ts";
import { heldSince, Unmatches, wasLeaving } from "./unmatches.ts";

const refs = (...names: string[]) => names.map((name) => ({ name, namespace: "acme" }));
const counted = ({ before, waitMs }: ReturnType<Unmatches["notice"]>) => [before.length, waitMs];

test("clusters that are left one after the other are left at once, and those that come since are not counted", () => {
  const unmatches = new Unmatches();
  const at = (now: number, all: string[], left: string[]) =>
    counted(unmatches.notice("p", { all: refs(...all), left: refs(...left) }, now));
  expect(at(0, ["a", "b", "c"], [])).toEqual([3, 0]);
  expect(at(10_000, ["a", "b", "c"], ["a"])).toEqual([3, 2_000]);
  expect(at(11_000, ["a", "b", "c", "new"], ["a"])).toEqual([3, 1_000]);
  expect(at(11_500, ["a", "b", "c", "new"], ["a", "b"])).toEqual([3, 2_000]);
  expect(at(13_500, ["a", "b", "c", "new"], ["a", "b"])).toEqual([3, 0]);
  expect(at(20_000, ["c", "new"], [])).toEqual([2, 0]);
  expect(at(20_000, ["c", "new"], ["c"])).toEqual([2, 2_000]);
});

test("one that comes back is waited for no longer", () => {
  const unmatches = new Unmatches();
  const all = refs("a", "b");
  unmatches.notice("p", { all, left: all }, 0);
  expect(counted(unmatches.notice("p", { all, left: refs("a") }, 500))).toEqual([2, 1_500]);
});

test("profiles are looked at each by itself", () => {
  const unmatches = new Unmatches();
  unmatches.notice("p", { all: refs("a"), left: refs("a") }, 0);
  expect(counted(unmatches.notice("q", { all: refs("a", "b"), left: refs("a") }, 5_000))).toEqual([2, 2_000]);
});

test.each([
  ["was Ready until then", "True", "LayersReady", "False"],
  ["had been Stalled for days by something else", "False", "PruneHeld", "True"],
])(
  "of a profile that %s the brake holds what it left in the minute before, and no more",
  (_, ready, reason, stalled) => {
    const told = (type: string, status: string) => ({
      type,
      status,
      reason,
      lastTransitionTime: "2026-11-20T12:00:00Z",
    });
    const conditions = [told("Ready", ready), told("Reconciling", "False"), told("Stalled", stalled)];
    const profile = { metadata: { generation: 1 }, spec: { unmatchPolicy: "Delete" } } as unknown as Profile;
    const before = { ...profile, status: { conditions: conditions as Condition[] } };
    expect(heldSince(before)).toBeUndefined();
    const status = withHeldUnmatch(before.status, "two of three", { profile: before, now: "2026-11-22T12:00:00Z" });
    const since = heldSince({ ...profile, status }) ?? Number.NaN;
    const leftAt = (deletionTimestamp: string) => ({ metadata: { deletionTimestamp } }) as ProfileDeployment;
    expect(wasLeaving(leftAt("2026-11-22T09:00:00Z"), since)).toBe(true);
    expect(wasLeaving(leftAt("2026-11-22T11:59:30Z"), since)).toBe(false);
  },
);
