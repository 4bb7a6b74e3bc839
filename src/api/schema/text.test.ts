import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationMs } from "../duration.ts";
import { duration, semanticVersion, versionRange } from "./text.ts";

const isDuration = (value: string) => duration("timeout").safeParse(value).success;
const isVersion = (value: string) => semanticVersion("version").safeParse(value).success;
const isRange = (value: string) => versionRange("version").safeParse(value).success;

describe("durations", () => {
  test.each([
    ["1s", 1000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["1h0m0s", 3_600_000],
    ["1500ms", 1500],
    ["24h", 86_400_000],
  ])("%s is %d ms and within bounds", (value, ms) => {
    expect(durationMs(value)).toBe(ms);
    expect(isDuration(value)).toBe(true);
  });

  test.each(["", "10", "10 m", "-1m", "1d", "m", "999ms", "25h", "1h\n", "1e3s", "1s1s1s1s1s"])(
    "%j is refused",
    (value) => {
      expect(isDuration(value)).toBe(false);
    },
  );

  test("parts add up", () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(59), fc.nat(59), fc.nat(999), (h, m, s, ms) => {
        expect(durationMs(`${h}h${m}m${s}s${ms}ms`)).toBe(((h * 60 + m) * 60 + s) * 1000 + ms);
      }),
    );
  });
});

describe("versions", () => {
  test.each(["0.0.1", "1.4.0", "1.4.0-rc.1", "1.4.0+build.7", "1.4.0-alpha-2.3+x"])("%s is one", (value) => {
    expect(isVersion(value)).toBe(true);
  });

  test.each(["", "1", "1.4", "v1.4.0", "1.4.x", "01.4.0", "1.4.0-", "1.4.0 ", "1.4.0-a..b", "latest"])(
    "%j is none",
    (value) => {
      expect(isVersion(value)).toBe(false);
    },
  );
});

describe("ranges", () => {
  test.each([
    "1.18.2",
    "v1.18.2",
    "1.18.x",
    "1.18",
    "1",
    "*",
    "x",
    "^1.18.0",
    "~1.18",
    "~> 1.18",
    "!=1.18.2",
    ">0.0.0-0",
    ">=1.18.0 <1.20.0",
    ">= 1.18.0, < 1.20.0",
    ">=1.18.0,<1.20.0",
    "1.2 - 1.4.5",
    "1.2 - 1.4.5 || ^2.0",
    "1.2 - 1.3.0 , !=1.2.3",
    "1.1.x||1.3.X",
    "1.0.0-rc.1+build",
  ])("%s is one", (value) => {
    expect(isRange(value)).toBe(true);
  });

  test.each([
    "",
    "latest",
    "==1.2",
    "1.2.3.4",
    ">",
    "1.2,",
    "|| 1.2",
    "1.2 |",
    "1.2 -",
    "1.0.0 - 1.2.3 - 2.0.0",
    "v",
    "1..2",
    ">= 1.2 <",
    "1.2\n",
  ])("%j is none", (value) => {
    expect(isRange(value)).toBe(false);
  });

  test("a hostile text is refused at once", () => {
    const began = performance.now();
    for (const unit of ["1  ", "1 - ", ">=1 ", "1-a.", "1 - 1 ", "1 , ", "1 || "]) {
      expect(isRange(`${unit.repeat(Math.floor(126 / unit.length))}!`)).toBe(false);
    }
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
