import { describe, expect, it } from "vitest";
import { expiredVerdict, finishedOf } from "./expiry.ts";
import type { KnownLayer } from "./layer-view.ts";
import { REMOVAL } from "./removal.ts";
import type { Attempt, Seen, Tracked } from "./seen.ts";
import type { Desired } from "./types.ts";

const jobWith = (spec: object): Desired =>
  ({
    ref: { group: "batch", version: "v1", kind: "Job", namespace: "shop", name: "migrate" },
    key: "job",
    digest: "d",
    object: { apiVersion: "batch/v1", kind: "Job", metadata: {}, spec },
  }) as unknown as Desired;
const job = jobWith({ ttlSecondsAfterFinished: 0 });
const layerOf = (desired: Desired) =>
  ({ spec: { name: "one" }, state: { desired: [desired] } }) as unknown as KnownLayer;
const as = (state: string, observed: object = {}): Tracked =>
  ({ observed: { digest: "d", uid: "u", terminating: false, ...observed }, verdict: { state } }) as unknown as Tracked;

interface World {
  live?: Tracked;
  last?: Tracked;
  row?: object;
  attempt?: Partial<Attempt>;
}
function seen({ live, last, row = {}, attempt }: World): Seen {
  const site = { member: () => live, expired: () => last };
  return {
    site,
    rows: new Map([["one", row]]),
    attempts: new Map(attempt ? [["job", attempt]] : []),
  } as unknown as Seen;
}
const done = { object: "Job shop/migrate", digest: "d" };

describe("a Job with a TTL", () => {
  it.each([
    ["that never ran is made", {}, undefined],
    ["that is there is judged as it is", { live: as("Current") }, undefined],
    ["that was done when it went stays gone", { last: as("Current") }, "Current"],
    ["that had failed stays gone, and failed", { last: as("Failed") }, "Failed"],
    ["that somebody deleted while it ran is made again", { last: as("InProgress") }, undefined],
    [
      "that is done and on its way out stays gone",
      { live: as("Terminating", { terminating: true }), last: as("Current") },
      "Current",
    ],
    ["that a process before this one saw done stays gone", { row: { finished: [done] } }, "Current"],
    ["that was another one then is made", { row: { finished: [{ ...done, digest: "older" }] } }, undefined],
    ["whose manifest has changed since is made", { last: as("Current", { digest: "older" }) }, undefined],
    [
      "that we deleted ourselves is made",
      { last: as("Current"), attempt: { digest: REMOVAL, removed: "u" } },
      undefined,
    ],
  ])("%s", (_name, world, want) => expect(expiredVerdict(job, layerOf(job), seen(world))?.state).toBe(want));

  it("is told in the status from the moment on that it is done", () => {
    expect(finishedOf(layerOf(job), seen({ live: as("Current") }))).toEqual([done]);
    expect(finishedOf(layerOf(job), seen({ live: as("Failed") }))).toEqual([{ ...done, failed: true }]);
    expect(finishedOf(layerOf(job), seen({ live: as("InProgress"), row: { finished: [done] } }))).toEqual([]);
    expect(finishedOf(layerOf(job), seen({ row: { finished: [done] } }))).toEqual([done]);
  });
});

it("A Job without a TTL is made again, whoever deleted it", () => {
  const plain = jobWith({});
  expect(
    expiredVerdict(plain, layerOf(plain), seen({ last: as("Current"), row: { finished: [done] } })),
  ).toBeUndefined();
});
