import { expect, it } from "vitest";
import { Failure } from "../errors.ts";
import type { Step } from "../plan/step.ts";
import { loadedPack } from "../plan/testdata/packs.ts";
import { earlierDoubt, lookAgain } from "./doubts.ts";
import { newMemory } from "./memory.ts";
import { noticeRegistry, remember } from "./remember.ts";

const away = new Failure("SourceUnavailable", "ours does not answer");
const unsigned = new Failure("VerificationFailed", "not signed");
const fetch = { kind: "FetchPack", layer: { spec: { name: "web" } }, key: "k" } as unknown as Step;

/** A pack that is read again whenever that is due. */
function harness() {
  const memory = newMemory({}, undefined);
  /** What a reading finds at that time, and when the next is due. */
  const read = (now: number, unverified?: Failure) => {
    const result = { ...loadedPack("web"), ...(unverified ? { unverified } : {}) };
    remember(memory, fetch, { kind: "Fetched", result }, { now, random: 1 });
    return earlierDoubt(memory, undefined);
  };
  const isReadAt = (now: number) => {
    lookAgain(memory, now);
    return !memory.packs.has("web");
  };
  return { memory, read, isReadAt };
}

it("a pack that is not verified is read again every ten minutes: a registry that is silent holds the profile up each time", () => {
  const { read, isReadAt } = harness();
  expect(read(0, away)).toBe(600_000);
  expect(isReadAt(599_999)).toBe(false);
  expect(isReadAt(600_000)).toBe(true);
  expect(read(600_000, unsigned)).toBe(1_200_000);
  expect(isReadAt(1_200_000)).toBe(true);
  expect(read(1_200_000)).toBeUndefined();
  expect(isReadAt(10_000_000)).toBe(false);
});

it("a registry that answers again is a reason to look at once", () => {
  const { memory, read, isReadAt } = harness();
  read(0, unsigned);
  noticeRegistry(memory, "answers");
  expect(isReadAt(1)).toBe(true);
  read(1);
  noticeRegistry(memory, "answers");
  expect(isReadAt(2)).toBe(false);
});

it("what is due before is first, and a pack that cannot be had any more is no reason to come by", () => {
  const { memory, read } = harness();
  read(0, away);
  expect(earlierDoubt(memory, 500)).toBe(500);
  expect(earlierDoubt(memory, 900_000)).toBe(600_000);
  remember(memory, fetch, { kind: "Fetched", result: away }, { now: 0, random: 1 });
  expect(earlierDoubt(memory, undefined)).toBeUndefined();
});
