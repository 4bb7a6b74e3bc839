import { expect, test } from "vitest";
import { parseQuantity } from "./quantity.ts";

test.each([
  ["500m", 0.5],
  ["2", 2],
  [2, 2],
  ["1.5", 1.5],
  [".5", 0.5],
  ["128Mi", 128 * 2 ** 20],
  ["1Gi", 2 ** 30],
  ["1G", 1e9],
  ["1k", 1000],
  ["1e3", 1000],
  ["1E", 1e18],
  ["100n", 1e-7],
  [" 1Ki ", 1024],
  ["+1", 1],
  ["-1", -1],
])("%j is %j", (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value, 12);
});

test.each(["", "m", "1 Gi", "1gi", "1K", "ten", "1.2.3", "0x10", "1e9999", Number.NaN, Number.POSITIVE_INFINITY])(
  "%j is no quantity",
  (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  },
);
