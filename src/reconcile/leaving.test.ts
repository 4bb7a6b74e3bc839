import { describe, expect, test } from "vitest";
import { Failure } from "../errors.ts";
import { type WayOut, wayOut } from "./leaving.ts";
import type { DeploymentFacts } from "./ports.ts";

const going = { deletionTimestamp: "2026-11-22T12:00:00Z" };
const cluster = { metadata: { name: "edge", namespace: "acme" } };
const UNKNOWN = new Failure("Conflict", "who knows");
const LOST = new Failure("Unreachable", "no answer");
const READY = { kind: "ready" } as DeploymentFacts["target"];

interface Row {
  name: string;
  profile?: object;
  spec?: object;
  facts?: object;
  /** Of the cluster, what differs from `edge`. */
  place?: object;
  /** Since when the brake of the profile holds, by its status. */
  heldAt?: string;
  want: string;
}

/** Too many clusters were left at once, a minute ago. */
const HELD = { heldAt: "2026-11-22T11:59:00Z", spec: { unmatchPolicy: "Delete" }, facts: { matched: false } };

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
    facts: { matched: false, hasHeir: () => "yes" },
    want: "keep",
  },
  {
    name: "a cluster that may have another name keeps its objects for a while",
    spec: { unmatchPolicy: "Delete", deletionGrace: "5s" },
    facts: { matched: false, hasHeir: () => UNKNOWN },
    want: "away for 5 s: who knows",
  },
  {
    name: "a cluster that may have another name is not waited for when the profile goes",
    profile: going,
    facts: { hasHeir: () => UNKNOWN },
    want: "remove",
  },
  {
    name: "a cluster that may have another name, and is not known itself yet",
    spec: { unmatchPolicy: "Delete" },
    facts: { matched: false, hasHeir: () => UNKNOWN, target: { kind: "connecting" } },
    want: "remove",
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
    want: "remove, unseen",
  },
  {
    name: "what makes a cluster stays when its TargetCluster cannot be read",
    facts: { side: "Management", cluster: undefined, isUnreadable: true },
    want: "keep",
  },
  {
    name: "of a profile that goes, it goes also then",
    profile: going,
    facts: { side: "Management", cluster: undefined, isUnreadable: true },
    want: "remove",
  },
  {
    name: "a profile that goes waits for a TargetCluster that cannot be read without a term",
    profile: going,
    facts: { cluster: undefined, isUnreadable: true, target: { kind: "failing", failure: {} } },
    want: "remove",
  },
  {
    name: "a cluster that does not answer is waited for",
    profile: going,
    spec: { deletionGrace: "5m" },
    facts: { target: { kind: "failing", failure: LOST } },
    want: "away for 301 s: no answer",
  },
  {
    name: "the hub is waited for without a term",
    profile: going,
    spec: { deletionGrace: "0s" },
    place: { name: "local" },
    facts: { target: { kind: "failing", failure: LOST } },
    want: "remove",
  },
  {
    name: "what makes a cluster is on the hub, however long that cluster has been away",
    profile: going,
    spec: { deletionGrace: "0s" },
    facts: { side: "Management", target: { kind: "failing", failure: LOST } },
    want: "remove",
  },
  {
    name: "a cluster without its Secret may be silent for a moment",
    profile: going,
    facts: { target: { kind: "failing", failure: LOST, lostAt: Date.parse("2026-11-22T11:59:02Z") } },
    want: "away for 2 s: no answer",
  },
  {
    name: "one that stays silent is gone",
    profile: going,
    facts: { target: { kind: "failing", failure: LOST, lostAt: Date.parse("2026-11-22T11:59:01Z") } },
    want: "gone",
  },
  {
    name: "it is not waited for longer than deletionGrace",
    profile: going,
    spec: { deletionGrace: "5s" },
    facts: { target: { kind: "failing", failure: LOST, lostAt: Date.parse(going.deletionTimestamp) } },
    want: "away for 5 s: no answer",
  },
  { name: "a deployment that somebody deletes by hand while the brake holds waits", ...HELD, want: "held" },
  { name: "and is let go with the others", ...HELD, spec: { ...HELD.spec, allowMassPrune: true }, want: "remove" },
  { name: "and stays with the others", ...HELD, spec: { unmatchPolicy: "Orphan" }, want: "keep" },
  { name: "and stays when the cluster is matched again", ...HELD, facts: {}, want: "keep" },
  {
    name: "the brake does not hold what had been going for long before it",
    ...HELD,
    heldAt: "2026-11-22T12:01:01Z",
    want: "remove",
  },
  {
    name: "nor what goes with the namespace of its cluster",
    ...HELD,
    facts: { matched: false, isPlaceGoing: true },
    want: "remove",
  },
  { name: "nor what goes with the profile", ...HELD, profile: going, want: "remove" },
];

function wordsOf(way: WayOut): string {
  if (way.kind === "keep" && way.isAsked) return "keep, asked";
  if (way.kind === "remove" && way.isUnseen) return "remove, unseen";
  if (way.kind !== "away") return way.kind;
  return `away for ${(way.until - Date.parse(going.deletionTimestamp)) / 1_000} s: ${way.failure.message}`;
}

describe("the way out", () => {
  test.each(rows)("$name", ({ profile = {}, spec = {}, facts = {}, heldAt, place = {}, want }) => {
    const conditions = heldAt ? [{ type: "Stalled", reason: "MassUnmatch", lastTransitionTime: heldAt }] : [];
    const about = {
      deployment: { metadata: going, spec: { clusterRef: { name: "edge", namespace: "acme", ...place } } },
      profile: { metadata: profile, spec: { deletionPolicy: "Delete", ...spec }, status: { conditions } },
      side: "Workload",
      cluster,
      target: READY,
      matched: true,
      isTenantGoing: false,
      hasHeir: () => "no",
      ...facts,
    } as unknown as DeploymentFacts;
    expect(wordsOf(wayOut(about, Date.parse(going.deletionTimestamp) + 1_000))).toBe(want);
  });
});
