import { describe, expect, it } from "vitest";
import { type Neighbours, patientFor, pruneTime } from "./settling.ts";

describe("what a new spec dropped", () => {
  const rows: [name: string, changedAt: number | undefined, neighbours: Neighbours, now: number, want?: number][] = [
    ["goes at once where the profile is alone", 1_000, "none", 1_000],
    ["goes at once when nothing has changed since the process began", undefined, "moving", 1_000],
    ["waits a breath: the other profile may be edited next", 1_000, "still", 1_500, 2_000],
    ["goes after that breath", 1_000, "still", 2_000],
    ["waits for a profile that is on its way", 1_000, "moving", 2_000, 2_500],
    ["does not wait for ever", 1_000, "moving", 31_000],
  ];
  it.each(rows)("%s", (_name, changedAt, neighbours, now, want) => {
    expect(pruneTime({ changedAt }, () => neighbours, now)).toBe(want);
  });
});

describe("what another profile is about to take", () => {
  const heirs = { claim: (key: string) => key === "claimed", intend: (key: string) => key === "intended" };

  it.each([
    ["is waited for after a change", 1_000, 2_000, true],
    ["is not waited for for ever", 1_000, 601_000, false],
    ["is not waited for by who never changed", undefined, 2_000, false],
  ])("%s", (_name, changedAt, now, want) => {
    const patient = patientFor({ changedAt }, heirs, now);
    expect([patient.intend("intended"), patient.intend("other")]).toEqual([want, false]);
    expect([patient.claim("claimed"), patient.claim("intended")]).toEqual([true, false]);
  });
});
