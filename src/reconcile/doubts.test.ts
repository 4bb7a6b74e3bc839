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

it("a pack that is not verified is read again as its failure says, ever more seldom during an outage", () => {
  const { read, isReadAt } = harness();
  expect(read(0, away)).toBe(1_000);
  expect(isReadAt(999)).toBe(false);
  expect(isReadAt(1_000)).toBe(true);
  expect(read(1_000, away)).toBe(3_000);
  expect(isReadAt(3_000)).toBe(true);
  expect(read(3_000, unsigned)).toBe(603_000);
  expect(isReadAt(603_000)).toBe(true);
  expect(read(603_000)).toBeUndefined();
  expect(isReadAt(10_000_000)).toBe(false);
  expect(read(10_000_000, away)).toBe(10_001_000);
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
  expect(earlierDoubt(memory, 5_000)).toBe(1_000);
  remember(memory, fetch, { kind: "Fetched", result: away }, { now: 0, random: 1 });
  expect(earlierDoubt(memory, undefined)).toBeUndefined();
});
