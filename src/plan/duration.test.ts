import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("parseDuration", () => {
  it.each([
    ["0", 0],
    ["0s", 0],
    ["12s", 12 * SECOND],
    ["10m", 10 * MINUTE],
    ["1h30m", 90 * MINUTE],
    ["1.5h", 90 * MINUTE],
    [".5s", 500],
    ["1.s", SECOND],
    ["+5s", 5 * SECOND],
    ["250ms", 250],
    ["250us", 0.25],
    ["250µs", 0.25],
    ["250μs", 0.25],
    ["1000000ns", 1],
    ["1m1h", 61 * MINUTE],
    ["9223372036s", 9_223_372_036_000],
  ])("%s", (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9);
  });

  it.each([
    "",
    "1",
    "-1s",
    "s",
    ".",
    ".s",
    "1d",
    "1h 30m",
    " 1s",
    "1s ",
    "1S",
    "1e3s",
    "1..5s",
    "one",
    "1s\n",
    "9223372037s",
  ])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it("adds up its parts", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), (h, m, s) => {
        expect(parseDuration(`${h}h${m}m${s}s`)).toBe(h * HOUR + m * MINUTE + s * SECOND);
      }),
    );
  });
});

describe("formatDuration", () => {
  // k8s.io/apimachinery/pkg/util/duration, HumanDuration.
  it.each([
    [-5, "0s"],
    [0, "0s"],
    [999, "0s"],
    [12_345, "12s"],
    [119 * SECOND, "119s"],
    [2 * MINUTE, "2m"],
    [5 * MINUTE + 10 * SECOND, "5m10s"],
    [10 * MINUTE - 1, "9m59s"],
    [10 * MINUTE + 30 * SECOND, "10m"],
    [179 * MINUTE, "179m"],
    [3 * HOUR, "3h"],
    [7 * HOUR + 59 * MINUTE, "7h59m"],
    [8 * HOUR + 59 * MINUTE, "8h"],
    [47 * HOUR, "47h"],
    [2 * DAY, "2d"],
    [3 * DAY + 2 * HOUR, "3d2h"],
    [8 * DAY + 5 * HOUR, "8d"],
    [729 * DAY, "729d"],
    [2 * 365 * DAY, "2y"],
    [3 * 365 * DAY + 100 * DAY, "3y100d"],
    [9 * 365 * DAY + 100 * DAY, "9y"],
  ])("%i ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
