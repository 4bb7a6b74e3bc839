import { expect, test } from "vitest";
import { Unmatches } from "./unmatches.ts";

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
