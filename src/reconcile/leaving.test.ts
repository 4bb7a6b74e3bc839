import { describe, expect, test } from "vitest";
import { wayOut } from "./leaving.ts";
import type { DeploymentFacts } from "./ports.ts";

const going = { deletionTimestamp: "2026-11-22T12:00:00Z" };
const cluster = { metadata: { name: "edge", namespace: "acme" } };
const READY = { kind: "ready" } as DeploymentFacts["target"];

interface Row {
  name: string;
  profile?: object;
  spec?: object;
  facts?: object;
  want: string;
}

const rows: Row[] = [
  { name: "a profile that goes takes its objects along", profile: going, want: "remove" },
  {
    name: "a profile that goes and orphans leaves them",
    profile: going,
    spec: { deletionPolicy: "Orphan", unmatchPolicy: "Delete" },
    want: "keep, asked",
  },
  { name: "an unmatch leaves them, but looks at the namespace first", facts: { matched: false }, want: "keep" },
  {
    name: "an unmatch deletes them when it is told to",
    spec: { unmatchPolicy: "Delete" },
    facts: { matched: false },
    want: "remove",
  },
  {
    name: "a deployment that somebody deletes by hand takes nothing along",
    spec: { unmatchPolicy: "Delete" },
    want: "keep",
  },
  {
    name: "a cluster with another name keeps its objects",
    spec: { unmatchPolicy: "Delete" },
    facts: { matched: false, hasHeir: () => true },
    want: "keep",
  },
  {
    name: "a tenant that goes is no unmatch: the profile goes with it",
    facts: { matched: false, isTenantGoing: true },
    want: "remove",
  },
  {
    name: "a tenant that goes, with a profile that orphans",
    spec: { deletionPolicy: "Orphan" },
    facts: { isTenantGoing: true },
    want: "keep, asked",
  },
  { name: "a profile that nobody knows any more", facts: { profile: undefined }, want: "keep, asked" },
  { name: "a cluster that is gone", profile: going, facts: { target: { kind: "gone" } }, want: "gone" },
  {
    name: "a cluster that is gone, and was to keep its objects",
    facts: { matched: false, target: { kind: "gone" } },
    want: "keep",
  },
  {
    name: "what makes a cluster stays when only a label goes",
    facts: { matched: false, side: "Management" },
    want: "keep",
  },
  {
    name: "what makes a cluster goes with its TargetCluster",
    facts: { matched: false, side: "Management", cluster: { metadata: { ...cluster.metadata, ...going } } },
    want: "remove",
  },
  {
    name: "what makes a cluster goes with its TargetCluster, also when it went without a word",
    spec: { deletionPolicy: "Orphan" },
    facts: { matched: false, side: "Management", cluster: undefined },
    want: "remove",
  },
];

describe("the way out", () => {
  test.each(rows)("$name", ({ profile = {}, spec = {}, facts = {}, want }) => {
    const about = {
      deployment: { metadata: going },
      profile: { metadata: profile, spec: { deletionPolicy: "Delete", ...spec } },
      side: "Workload",
      cluster,
      target: READY,
      matched: true,
      isTenantGoing: false,
      hasHeir: () => false,
      ...facts,
    } as unknown as DeploymentFacts;
    const way = wayOut(about, 0);
    expect(way.kind === "keep" && way.isAsked ? "keep, asked" : way.kind).toBe(want);
  });
});
