import fc from "fast-check";
import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";
import { FakeClock } from "./testing/fake-clock.ts";

const LIMITS = { baseMs: 1_000, capMs: 30_000 };

test("delays stay between base and cap, whatever chance says, and may grow threefold at most", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (chances) => {
        const clock = new FakeClock();
        const backoff = new Backoff(LIMITS, clock);
        let previous = LIMITS.baseMs;
        for (const chance of chances) {
          clock.chance = chance;
          const delay = backoff.next();
          expect(delay).toBeGreaterThanOrEqual(LIMITS.baseMs);
          expect(delay).toBeLessThanOrEqual(Math.min(LIMITS.capMs, previous * 3));
          previous = delay;
        }
      },
    ),
  );
});

test("the first delay is spread too, so that many clients do not come back in step", () => {
  const clock = new FakeClock();
  const first = (chance: number) => {
    clock.chance = chance;
    return new Backoff(LIMITS, clock).next();
  };
  expect([first(0), first(0.5), first(0.99)].map(Math.round)).toEqual([1_000, 2_000, 2_980]);
});

test("it reaches the cap, takes another cap for a step, and begins anew after a reset", () => {
  const clock = new FakeClock();
  clock.chance = 1;
  const backoff = new Backoff(LIMITS, clock);
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([3_000, 9_000, 27_000, 30_000]);
  expect(backoff.next(60_000)).toBe(60_000);
  backoff.reset();
  expect(backoff.next()).toBe(3_000);
});
