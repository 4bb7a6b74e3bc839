import fc from "fast-check";
import { expect, it } from "vitest";
import { PlaceSet, pathKey } from "./path-key.ts";

it.each([
  [[], ""],
  [["a"], ".a"],
  [["images", 0, "name"], ".images[0].name"],
  [["system.uri", "x"], ".system\\.uri.x"],
  [["a[0]", "b\\"], ".a\\[0].b\\\\"],
])("%j is %s", (path, want) => {
  expect(pathKey(path)).toBe(want);
});

const path = fc.array(fc.oneof(fc.constantFrom("a", "b", "a.b", "a[0]", "\\", ""), fc.nat(2)), { maxLength: 5 });

it("has what is below its places, and touches what is above them, whatever the keys", () => {
  fc.assert(
    fc.property(path, path, (one, more) => {
      const whole = pathKey([...one, ...more]);
      expect(new PlaceSet([pathKey(one)]).has(whole)).toBe(true);
      expect(new PlaceSet([whole]).touches(pathKey(one))).toBe(true);
    }),
  );
});

it("no two places share one, whatever the keys", () => {
  fc.assert(
    fc.property(path, path, (one, other) => {
      const isInside = one.length <= other.length && one.every((step, index) => step === other[index]);
      expect(new PlaceSet([pathKey(one)]).has(pathKey(other))).toBe(isInside);
    }),
  );
});

it.each([
  [".a", ".b"],
  [".a", ".ab"],
  [".a.b", ".a.c"],
  [".a[0]", ".a[1]"],
  [".a[1]", ".a[10]"],
  [".a\\.b", ".a.b"],
])("%s has nothing of %s", (one, other) => {
  const places = new PlaceSet([one]);
  expect([places.has(other), places.touches(other)]).toEqual([false, false]);
});

it("has not what is above it", () => {
  expect(new PlaceSet([".a.b"]).has(".a")).toBe(false);
});
