import { expect, test } from "vitest";
import { FINALIZER } from "../api/names.ts";
import { reconcileTarget } from "./target.ts";

const held = { finalizers: ["other.example/x", FINALIZER] };
const going = { deletionTimestamp: "2026-11-22T12:00:00Z" };

test.each([
  { name: "in use, is held", metadata: {}, isInUse: true, want: ["add"] },
  { name: "in use and held, is left", metadata: held, isInUse: true, want: [] },
  {
    name: "in use and on its way out, is left until its profiles have left",
    metadata: { ...held, ...going },
    isInUse: true,
    want: [],
  },
  { name: "on its way out, is held no more than it was", metadata: going, isInUse: true, want: [] },
  {
    name: "on its way out and in nobody's use, goes",
    metadata: { ...held, ...going },
    isInUse: false,
    want: ["remove"],
  },
  { name: "in nobody's use, is let go before it is deleted", metadata: held, isInUse: false, want: ["remove"] },
  { name: "in nobody's use, is not touched", metadata: {}, isInUse: false, want: [] },
])("a TargetCluster $name", async ({ metadata, isInUse, want }) => {
  const calls: string[] = [];
  const target = { metadata: { name: "edge", namespace: "acme", ...metadata } } as never;
  const ports = {
    observe: () => ({ target, isInUse }),
    addFinalizer: async () => void calls.push("add"),
    removeFinalizer: async () => void calls.push("remove"),
  };
  await reconcileTarget("acme/edge", ports, new AbortController().signal);
  expect(calls).toEqual(want);
});
