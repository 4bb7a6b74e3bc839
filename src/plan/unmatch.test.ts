import { expect, test } from "vitest";
import { heldUnmatch } from "./unmatch.ts";

const refs = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `c${index}`, namespace: "acme" }));

test.each([
  { name: "its only cluster", left: 1, of: 1, want: false },
  { name: "one of two", left: 1, of: 2, want: false },
  { name: "two of three", left: 2, of: 3, want: true },
  { name: "two of ten, which is a fifth", left: 2, of: 10, want: false },
  { name: "three of ten", left: 3, of: 10, want: true },
  { name: "a fifth, after it was held for more", left: 2, of: 10, wasHeld: true, want: true },
  { name: "one, after it was held for more", left: 1, of: 10, wasHeld: true, want: false },
  { name: "all, with leave", left: 3, of: 3, spec: { allowMassPrune: true }, want: false },
  { name: "all, which keep their objects", left: 3, of: 3, spec: { unmatchPolicy: "Orphan" }, want: false },
  { name: "all, which keep their objects by default", left: 3, of: 3, spec: { unmatchPolicy: undefined }, want: false },
])("a profile that leaves $name is held: $want", ({ left, of, spec = {}, wasHeld = false, want }) => {
  const profile = { spec: { unmatchPolicy: "Delete", ...spec } } as never;
  const why = heldUnmatch(profile, { before: refs(of), left: refs(left), wasHeld });
  expect(why !== undefined).toBe(want);
});

test("it says how many of how many, which, and what lets them go", () => {
  const why = heldUnmatch({ spec: { unmatchPolicy: "Delete" } } as never, {
    before: refs(20),
    left: refs(12),
    wasHeld: false,
  });
  expect(why).toMatch(
    /^the profile goes to 12 of 20 clusters no more \(c0, c1, c10, c11, c2, c3, c4, c5, c6, c7 and 2 more\), .*allowMassPrune: true/,
  );
});
