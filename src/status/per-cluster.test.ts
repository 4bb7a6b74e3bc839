import { describe, expect, it } from "vitest";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { perCluster } from "./per-cluster.ts";

const layers = ["kubernetes", "cni"].map((name) => ({ name, type: "AddOn" }));
const profile = { metadata: { generation: 2 }, spec: { layers } } as unknown as Profile;

type Verdict = "Ready" | "Late" | "Stalled";

function side(
  verdict: Verdict,
  rows: Record<string, string>,
  { cluster = "edge", generation = 2 } = {},
): ProfileDeployment {
  const condition = (type: Verdict) => ({ type, status: type === verdict ? "True" : "False", message: verdict });
  return {
    spec: { clusterRef: { name: cluster } },
    status: {
      profileGeneration: generation,
      conditions: [condition("Ready"), condition("Stalled")],
      layers: Object.entries(rows).map(([name, state]) => ({ name, state })),
    },
  } as unknown as ProfileDeployment;
}

/** What is told of one cluster with two sides: whose words count, and the rows. */
function told(...sides: ProfileDeployment[]): [words: string | undefined, ...rows: string[]] {
  const [one, ...more] = perCluster(profile, sides);
  expect(more).toEqual([]);
  return [
    one?.status?.conditions?.[0]?.message,
    ...(one?.status?.layers ?? []).map(({ name, state }) => `${name} ${state}`),
  ];
}

describe("the two sides of one cluster", () => {
  it("are one, with one row for each layer, in the order of the list: the worst", () => {
    const workload = side("Late", { kubernetes: "Waiting", cni: "Pending" });
    const management = side("Ready", { kubernetes: "Ready" });
    expect(told(workload, management)).toEqual(["Late", "kubernetes Waiting", "cni Pending"]);
  });

  it("what only a person can mend is not hidden by the side that waits for it", () => {
    const workload = side("Late", { kubernetes: "Pending", cni: "Pending" });
    expect(told(workload, side("Stalled", { kubernetes: "Failed" }))).toEqual([
      "Stalled",
      "kubernetes Failed",
      "cni Pending",
    ]);
  });

  it("speak of the older version of the profile, as long as one does", () => {
    const [one] = perCluster(profile, [side("Ready", {}), side("Ready", {}, { generation: 1 })]);
    expect(one?.status?.profileGeneration).toBe(1);
  });

  it("of other clusters are others", () => {
    expect(perCluster(profile, [side("Ready", {}), side("Ready", {}, { cluster: "other" })])).toHaveLength(2);
  });
});
