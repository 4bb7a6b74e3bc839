import { expect, test } from "vitest";
import { setCondition } from "./conditions.ts";
import type { Condition } from "./types.ts";

const THEN = "2026-01-01T00:00:00Z";
const NOW = "2026-01-02T00:00:00Z";
const ready: Condition = {
  type: "Ready",
  status: "False",
  reason: "NotReady",
  message: "csi waits",
  observedGeneration: 1,
  lastTransitionTime: THEN,
};
const stalled: Condition = { ...ready, type: "Stalled" };
const { lastTransitionTime: _, ...readyNext } = ready;

test("a condition that says the same leaves the very list", () => {
  const list = [ready, stalled];
  expect(setCondition(list, readyNext, NOW)).toBe(list);
});

test.each([
  ["message", { message: "csi still waits" }],
  ["reason", { reason: "TimedOut" }],
  ["observedGeneration", { observedGeneration: 2 }],
])("another %s keeps the time and the place", (_, change) => {
  expect(setCondition([ready, stalled], { ...readyNext, ...change }, NOW)).toEqual([{ ...ready, ...change }, stalled]);
});

test("another status takes the present time", () => {
  const next = { ...readyNext, status: "True" as const };
  expect(setCondition([stalled, ready], next, NOW)).toEqual([stalled, { ...next, lastTransitionTime: NOW }]);
});

test("a new condition comes last and leaves the old list alone", () => {
  const list = [stalled];
  expect(setCondition(list, readyNext, NOW)).toEqual([stalled, { ...readyNext, lastTransitionTime: NOW }]);
  expect(list).toEqual([stalled]);
});
