import { beforeEach, expect, test } from "vitest";
import { Failure } from "../../errors.ts";
import { Silences } from "./silences.ts";

const ORIGIN = "https://charts.example";
const failure = new Failure("SourceUnavailable", "charts.example is not available: it takes too long to answer");

let silences: Silences;
beforeEach(() => {
  silences = new Silences();
});

/** Whether somebody may ask at this time, and when they are to come again if not. */
function mayAsk(now: number, origin = ORIGIN): true | number | undefined {
  try {
    silences.check(origin, now);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ reason: failure.reason, message: failure.message });
    return (error as Failure).retryAfterMs;
  }
}

test("a host that did not answer is asked by nobody for a while, and then by one at a time", () => {
  silences.unanswered(ORIGIN, failure, { since: 0, now: 30_000 });
  expect(mayAsk(30_000)).toBe(10_000);
  expect(mayAsk(39_000)).toBe(1_000);
  expect(mayAsk(40_000)).toBe(true);
  expect(mayAsk(40_001), "the one who tries is still out").toBe(9_999);
  silences.unanswered(ORIGIN, failure, { since: 40_000, now: 70_000 });
  expect(mayAsk(75_000)).toBe(5_000);
});

test("its first answer opens it to all", () => {
  silences.unanswered(ORIGIN, failure, { since: 0, now: 30_000 });
  expect(mayAsk(40_000)).toBe(true);
  silences.answered(ORIGIN, 40_100);
  expect([mayAsk(40_200), mayAsk(40_300)]).toEqual([true, true]);
});

test("another host is not concerned", () => {
  silences.unanswered(ORIGIN, failure, { since: 0, now: 30_000 });
  expect(mayAsk(30_000, "https://other.example")).toBe(true);
});

test.each([
  { what: "that answers others meanwhile", answeredAt: 29_000, since: 0 },
  { what: "to which the question came at the end of its time", answeredAt: 0, since: 29_000 },
])("a host $what is only slow", ({ answeredAt, since }) => {
  silences.answered(ORIGIN, answeredAt);
  silences.unanswered(ORIGIN, failure, { since, now: 30_000 });
  expect(mayAsk(30_000)).toBe(true);
});
