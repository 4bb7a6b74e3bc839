import { describe, expect, it } from "vitest";
import { type Neighbours, patientFor, pruneTime } from "./settling.ts";

describe("what a new spec dropped", () => {
  const rows: [name: string, dueAt: number | undefined, neighbours: Neighbours, now: number, want?: number][] = [
    ["waits a breath: the other profile may be made next", undefined, "still", 9_000, 10_000],
    ["waits until the breath is over", 9_000, "still", 9_500, 10_000],
    ["goes after that breath", 9_000, "still", 10_000],
    ["waits for a profile that is on its way", 9_000, "moving", 10_000, 10_500],
    ["does not wait for ever", 9_000, "moving", 39_000],
  ];
  it.each(rows)("%s", (_name, dueAt, neighbours, now, want) => {
    expect(pruneTime({ changedAt: 1_000, dueAt }, () => neighbours, now)).toBe(want);
  });

  it("goes at once when nothing has changed since the process began", () => {
    expect(pruneTime({ changedAt: undefined, dueAt: undefined }, () => "moving", 1_000)).toBeUndefined();
  });

  it("has its time from when it is first to go, however long that was waited for", () => {
    const clocks = { changedAt: 1_000, dueAt: undefined };
    expect(pruneTime(clocks, () => "moving", 700_000)).toBe(701_000);
    expect(pruneTime(clocks, () => "moving", 701_000)).toBe(701_500);
    expect(pruneTime(clocks, () => "moving", 730_000)).toBeUndefined();
  });
});

describe("what another profile is about to take", () => {
  const heirs = { claim: (key: string) => key === "claimed", intend: (key: string) => key === "intended" };

  it.each([
    ["is waited for after a change", 1_000, undefined, 900_000, true],
    ["is waited for when something is to go", 1_000, 900_000, 901_000, true],
    ["is not waited for for ever", 1_000, 900_000, 1_500_000, false],
    ["is not waited for by who never changed", undefined, undefined, 2_000, false],
  ])("%s", (_name, changedAt, dueAt, now, want) => {
    const patient = patientFor({ changedAt, dueAt }, heirs, now);
    expect([patient.intend("intended"), patient.intend("other")]).toEqual([want, false]);
    expect([patient.claim("claimed"), patient.claim("intended")]).toEqual([true, false]);
  });
});
