import { describe, expect, test } from "vitest";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { profileStatus, type TargetProblem } from "./profile-status.ts";

const NOW = "2026-11-22T12:00:00Z";

function profile(maxUnavailable?: number | string): Profile {
  const spec = {
    clusterSelector: {},
    layers: [{ name: "web", type: "AddOn" }],
    ...(maxUnavailable === undefined ? {} : { readyWhen: { maxUnavailable } }), // leaf: Profile spec.readyWhen.maxUnavailable
  };
  const metadata = { name: "p", namespace: "acme", generation: 2 };
  return { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec } as unknown as Profile;
}

type Verdict = "Ready" | "Waiting" | "Stalled" | "Old";

/** What one cluster says of the profile; Old speaks of the spec before. */
function deployment(cluster: string, verdict: Verdict): ProfileDeployment {
  const isReady = verdict === "Ready" || verdict === "Old";
  const at = { lastTransitionTime: NOW, message: "x" };
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "ProfileDeployment",
    metadata: { name: `p-${cluster}`, namespace: "acme", generation: 1 },
    spec: {
      profileRef: { kind: "AddOnProfile", name: "p", namespace: "acme" },
      clusterRef: { name: cluster, namespace: "acme" },
    },
    status: {
      profileGeneration: verdict === "Old" ? 1 : 2,
      conditions: [
        { type: "Ready", status: isReady ? "True" : "False", reason: "x", ...at },
        { type: "Stalled", status: verdict === "Stalled" ? "True" : "False", reason: "Conflict", ...at },
      ],
      layers: [{ name: "web", state: isReady ? "Ready" : "Waiting", reason: "NotReady", message: "web 0/1" }],
    },
  };
}

/** The clusters `c-01`, `c-02`... */
const fleet = (...verdicts: readonly Verdict[]): ProfileDeployment[] =>
  verdicts.map((verdict, index) => deployment(`c-${`${index + 1}`.padStart(2, "0")}`, verdict));
const of = (verdict: Verdict, count: number): Verdict[] => Array.from({ length: count }, () => verdict);

function told(
  deployments: readonly ProfileDeployment[],
  maxUnavailable?: number | string,
  problems: TargetProblem[] = [],
) {
  const { conditions = [], summary } = profileStatus(profile(maxUnavailable), deployments, { now: NOW, problems });
  const find = (type: string) => conditions.find((one) => one.type === type);
  const [ready, reconciling, stalled] = ["Ready", "Reconciling", "Stalled"].map(find);
  return {
    ready: ready?.status,
    reason: ready?.reason,
    reconciling: reconciling?.status,
    stalled: stalled?.status,
    clusters: summary?.clusters,
    message: summary?.message,
  };
}

describe("readyWhen.maxUnavailable: how many clusters need not be Ready", () => {
  test.each<[string, number | string | undefined, Verdict[], string]>([
    ["without it all have to be", undefined, ["Ready", "Waiting"], "False"],
    ["0 is the same", 0, ["Ready", "Waiting"], "False"],
    ["as many as may be late are", 1, ["Ready", "Ready", "Waiting"], "True"],
    ["one more is", 1, ["Ready", "Waiting", "Waiting"], "False"],
    ["a cluster that speaks of the spec before is late", 1, ["Ready", "Old", "Waiting"], "False"],
    ["all may be late", 3, ["Waiting", "Waiting"], "True"],
    ["no cluster at all is never enough", "100%", [], "False"],
    ["a percentage of all clusters", "20%", [...of("Ready", 8), ...of("Waiting", 2)], "True"],
    ["one more than the percentage", "20%", [...of("Ready", 7), ...of("Waiting", 3)], "False"],
    ["a percentage is rounded down", "50%", ["Ready", "Waiting", "Waiting"], "False"],
    ["a percentage of so few that none may be late", "10%", ["Ready", "Ready", "Waiting"], "False"],
    ["all by percentage", "100%", ["Waiting", "Waiting"], "True"],
    ["none by percentage", "0%", ["Ready", "Waiting"], "False"],
  ])("%s", (_, maxUnavailable, verdicts, want) => {
    expect(told(fleet(...verdicts), maxUnavailable).ready).toBe(want);
  });

  const culprit = "c-02: web 0/1";
  test.each<[string, number | string, Verdict[], object]>([
    [
      "enough are Ready",
      1,
      ["Ready", "Waiting", "Ready"],
      {
        reason: "EnoughClusters",
        message: `2 of 3 clusters are Ready, as readyWhen.maxUnavailable: 1 allows; not Ready: c-02; ${culprit}`,
      },
    ],
    [
      "too few are Ready",
      "34%",
      ["Ready", "Waiting", "Waiting"],
      {
        reason: "NotReady",
        message: `1 of 3 clusters are Ready, and readyWhen.maxUnavailable: 34% demands 2; not Ready: c-02, c-03; ${culprit}`,
      },
    ],
    [
      "many are late",
      20,
      ["Ready", ...of("Waiting", 12)],
      {
        reason: "EnoughClusters",
        message: `1 of 13 clusters are Ready, as readyWhen.maxUnavailable: 20 allows; not Ready: c-02, c-03, c-04, c-05, c-06, c-07, c-08, c-09, c-10, c-11 and 2 more; ${culprit}`,
      },
    ],
    ["all are Ready", 1, ["Ready", "Ready"], { reason: "LayersReady", message: "all layers are Ready on 2 clusters" }],
    ["none may be late", 0, ["Ready", "Waiting"], { reason: "NotReady", message: culprit }],
  ])("says how many are Ready, and which are not, when %s", (_, maxUnavailable, verdicts, want) => {
    expect(told(fleet(...verdicts), maxUnavailable)).toMatchObject(want);
  });

  test("who waits for the profile does not wait for clusters that may be late: it is neither Reconciling nor Stalled", () => {
    const idle = { ready: "True", reconciling: "False", stalled: "False" };
    expect(told(fleet("Ready", "Waiting"), 1)).toMatchObject(idle);
    expect(told(fleet("Ready", "Stalled"), 1)).toMatchObject(idle);
    expect(told(fleet("Stalled", "Waiting"), 1)).toMatchObject({ reconciling: "True", stalled: "False" });
    expect(told(fleet("Stalled", "Stalled"), 1)).toMatchObject({ reconciling: "False", stalled: "True" });
  });

  test("a TargetCluster that does not exist is one that is late, whatever was told of it last", () => {
    const problem = { cluster: { namespace: "acme", name: "c-02" }, message: "TargetCluster acme/c-02 does not exist" };
    const clusters = fleet("Ready", "Ready");
    expect(told(clusters, undefined, [problem])).toMatchObject({ ready: "False", reason: "ReferenceNotFound" });
    expect(told(clusters, 1, [problem])).toMatchObject({
      ready: "True",
      clusters: "1/2",
      message: `1 of 2 clusters are Ready, as readyWhen.maxUnavailable: 1 allows; not Ready: c-02; ${problem.message}`,
    });
  });
});
