import { describe, expect, it } from "vitest";
import { failedLookups, lookupFieldOf, refusedLookups } from "./refused-lookups.ts";
import type { ChartRelease, PackPart } from "./types.ts";

const part: PackPart = { kind: "chart", of: "shop", name: "app" };
const release = (refused?: string[]): ChartRelease => ({
  chart: "app",
  hooks: [],
  manifest: "",
  notes: "",
  ...(refused ? { refusedLookups: refused } : {}),
});
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `v1 Secret web/${index}`);

describe("what a chart looked up in vain", () => {
  it("is told with the field that a person writes", () => {
    expect([lookupFieldOf({}), lookupFieldOf({ part })]).toEqual(["helm.lookup", "pack.lookup"]);
    const words = "rendered as if v1 Secret web/0 did not exist:";
    expect(refusedLookups({}, release(names(1)))).toBe(`${words} helm.lookup does not allow it`);
    expect(refusedLookups({ part }, release(names(1)))).toBe(`${words} pack.lookup does not allow it`);
  });

  it("is nothing to tell of when there was none", () => {
    expect([refusedLookups({}, release()), failedLookups([], "helm.lookup"), failedLookups([], undefined)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("has a bound, in number and in length", () => {
    expect(failedLookups(names(20), "pack.lookup")).toBe(
      "rendered as if v1 Secret web/0, v1 Secret web/1, v1 Secret web/2 and 17 more did not exist: if it does, allow it in pack.lookup",
    );
    expect(failedLookups([`v1 Secret web/${"x".repeat(9999)}`], "pack.lookup")?.length).toBeLessThan(300);
  });

  it("needs no permission where no cluster was looked at", () => {
    expect(failedLookups(names(1), undefined)).toBe(
      "rendered as if v1 Secret web/0 did not exist: no cluster was looked at",
    );
  });
});
