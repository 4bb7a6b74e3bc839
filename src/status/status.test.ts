import { describe, expect, it } from "vitest";
import type { DeploymentLayerStatus, LayerState, Profile, ProfileDeployment, TargetCluster } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { blockedStatus } from "./deployment-status.ts";
import { profileStatus } from "./profile-status.ts";
import { targetStatus } from "./target-status.ts";

const NOW = "2026-11-22T12:00:00Z";
const BEFORE = "2026-11-22T11:00:00Z";

const profile = (change: Partial<Profile> = {}): Profile =>
  ({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme", generation: 2 },
    spec: {
      clusterSelector: {},
      layers: [
        { name: "cni", type: "Network" }, // leaf: Profile spec.layers[].type
        { name: "csi", type: "AddOn", helm: { repo: "https://charts.example/", chart: "csi", version: "1.x" } },
      ],
    },
    ...change,
  }) as unknown as Profile;

const row = (name: string, state: LayerState, message = "", reason: string = state): DeploymentLayerStatus => ({
  name,
  state,
  reason,
  message,
});

function deployment(cluster: string, rows: DeploymentLayerStatus[], generation = 2): ProfileDeployment {
  const ready = rows.every(({ state }) => state === "Ready");
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "ProfileDeployment",
    metadata: { name: `p-${cluster}`, namespace: "acme", generation: 1 },
    spec: {
      profileRef: { kind: "AddOnProfile", name: "p", namespace: "acme" },
      clusterRef: { name: cluster, namespace: "acme" },
    },
    status: {
      profileGeneration: generation,
      conditions: [
        { type: "Ready", status: ready ? "True" : "False", reason: "x", message: "x", lastTransitionTime: BEFORE },
      ],
      layers: rows,
    },
  };
}

const ready = [row("cni", "Ready"), row("csi", "Ready")];
const late = [
  row("cni", "Ready"),
  row("csi", "Waiting", "DaemonSet csi-node 0/3: Pod csi-x ImagePullBackOff: manifest unknown", "NotReady"),
];
const conditionOf = (
  status: { conditions?: { type: string; status: string; reason: string; message: string }[] },
  type: string,
) => status.conditions?.find((condition) => condition.type === type);

describe("profileStatus: the roll-up over clusters", () => {
  it("is Ready when every cluster is", () => {
    const status = profileStatus(profile(), [deployment("a", ready), deployment("b", ready)], {
      now: NOW,
      problems: [],
    });
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "True", observedGeneration: 2 });
    expect(status.summary).toEqual({ clusters: "2/2", message: "all layers are Ready on 2 clusters" });
    expect(status.layers?.map(({ state, ready: count }) => `${state} ${count}`)).toEqual(["Ready 2/2", "Ready 2/2"]);
    expect(status.layers?.map(({ type }) => type)).toEqual(["Network", "AddOn"]);
  });

  it("names the cluster, the layer and the culprit of the one that is late", () => {
    const status = profileStatus(profile(), [deployment("edge-16", ready), deployment("edge-17", late)], {
      now: NOW,
      problems: [],
    });
    const message = "edge-17: DaemonSet csi-node 0/3: Pod csi-x ImagePullBackOff: manifest unknown";
    expect(status.summary).toEqual({ clusters: "1/2", layer: "csi", message });
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "False", reason: "NotReady", message });
    expect(conditionOf(status, "Stalled")).toMatchObject({ status: "False" });
    expect(status.layers?.[1]).toMatchObject({
      state: "Waiting",
      ready: "1/2",
      message,
      source: "helm https://charts.example/csi",
    });
  });

  it("names the layer that is wrong, not one before it that waits for it", () => {
    const rows = [row("cni", "Pending", "waits for layer csi", "WaitingForLayer"), row("csi", "Failed", "is wrong")];
    const status = profileStatus(profile(), [deployment("edge", rows)], { now: NOW, problems: [] });
    expect(status.summary).toEqual({ clusters: "0/1", layer: "csi", message: "edge: is wrong" });
  });

  it("does not count a cluster that still speaks of the generation before", () => {
    const status = profileStatus(profile(), [deployment("a", ready, 1)], { now: NOW, problems: [] });
    expect(status.summary).toMatchObject({ clusters: "0/1" });
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "False", observedGeneration: 2 });
    expect(status.layers?.[0]).toMatchObject({ state: "Pending", ready: "0/1" });
  });

  it("says how to get clusters when none matches", () => {
    const status = profileStatus(profile(), [], { now: NOW, problems: [] });
    expect(conditionOf(status, "Ready")).toMatchObject({
      status: "False",
      reason: "NoClusters",
      message: expect.stringContaining("label a TargetCluster"),
    });
  });

  it("says that the clusters it names are going, when they all are", () => {
    const { layers } = profile().spec;
    const naming = profile({ spec: { clusterRefs: [{ name: "edge" }], layers } } as Partial<Profile>);
    const status = profileStatus(naming, [], { now: NOW, problems: [] });
    expect(status.summary?.message).toBe("each cluster in clusterRefs is being deleted: name one that stays");
  });

  it("names a cluster that does not exist before anything else", () => {
    const status = profileStatus(profile(), [deployment("a", ready), deployment("x", ready)], {
      now: NOW,
      problems: [{ cluster: { namespace: "acme", name: "x" }, message: "TargetCluster acme/x does not exist" }],
    });
    expect(status).toMatchObject({ clusters: 2, readyClusters: 1 });
    expect(conditionOf(status, "Ready")).toMatchObject({
      status: "False",
      reason: "ReferenceNotFound",
      message: "TargetCluster acme/x does not exist",
    });
  });

  it("puts the worst cluster into a row, whatever their order", () => {
    const failed = [row("cni", "Failed", "broken"), row("csi", "Pending", "waits")];
    const all = [deployment("c", late), deployment("b", failed), deployment("a", ready)];
    for (const deployments of [all, all.toReversed()]) {
      const status = profileStatus(profile(), deployments, { now: NOW, problems: [] });
      expect(status.layers?.map(({ state, message }) => [state, message])).toEqual([
        ["Failed", "b: broken"],
        ["Waiting", "c: DaemonSet csi-node 0/3: Pod csi-x ImagePullBackOff: manifest unknown"],
      ]);
      expect(status.summary?.message).toBe("b: broken");
    }
  });

  it("shows layers that left the list until they are gone", () => {
    const removing = [...ready, row("old", "Removing", "2 objects left")];
    const status = profileStatus(profile(), [deployment("a", removing)], { now: NOW, problems: [] });
    expect(status.layers?.[2]).toMatchObject({ name: "old", state: "Removing", message: "a: 2 objects left" });
    const alone = profileStatus(profile(), [deployment("local", removing)], { now: NOW, problems: [] });
    expect(alone.layers?.[2]).toMatchObject({ name: "old", message: "2 objects left" });
  });

  it("counts a skipped layer as Ready, and shows it as Skipped only when no cluster has it", () => {
    const skips = [row("cni", "Ready"), row("csi", "Skipped", "`when` is false on this cluster")];
    const settled = (cluster: string, rows: DeploymentLayerStatus[]) => {
      const one = deployment(cluster, rows);
      one.status?.conditions?.forEach((condition) => {
        condition.status = "True";
      });
      return one;
    };
    const rowsOf = (...deployments: ProfileDeployment[]) => {
      const status = profileStatus(profile(), deployments, { now: NOW, problems: [] });
      expect(conditionOf(status, "Ready")?.status).toBe("True");
      return status.layers?.map(({ state, ready: count }) => `${state} ${count}`);
    };
    expect(rowsOf(settled("a", ready), settled("b", skips))).toEqual(["Ready 2/2", "Ready 2/2"]);
    expect(rowsOf(settled("a", skips))).toEqual(["Ready 1/1", "Skipped 1/1"]);
  });

  it("keeps the time of a state and of a condition as long as they last", () => {
    const first = profileStatus(profile(), [deployment("a", late)], { now: BEFORE, problems: [] });
    const again = profileStatus(profile({ status: first }), [deployment("a", late)], { now: NOW, problems: [] });
    expect(again).toEqual(first);
    const done = profileStatus(profile({ status: first }), [deployment("a", ready)], { now: NOW, problems: [] });
    expect(done.layers?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([BEFORE, NOW]);
  });
});

describe("blockedStatus: a cluster that cannot be worked on", () => {
  const context = {
    now: NOW,
    generation: 1,
    profileGeneration: 2,
    previous: deployment("a", [{ ...row("cni", "Ready"), readyDigest: "d" }]).status,
  };

  it("blocks every layer with the reason and forgets nothing that was Ready", () => {
    const status = blockedStatus(profile().spec.layers, new Failure("Unreachable", "connection refused"), context);
    expect(status.layers).toMatchObject([
      { name: "cni", state: "Blocked", reason: "Unreachable", readyDigest: "d" },
      { name: "csi", state: "Blocked" },
    ]);
    expect(conditionOf(status, "Stalled")).toMatchObject({ status: "False" });
  });

  it("says since when the cluster is away, also with other words and after a restart; another reason begins anew", () => {
    const { layers } = profile().spec;
    const first = blockedStatus(layers, new Failure("Unreachable", "connection refused"), { ...context, now: BEFORE });
    const speaks = (status: typeof first) => status.layers?.[0]?.message;
    expect(speaks(first)).toBe(`unreachable since ${BEFORE}: connection refused`);
    const later = blockedStatus(layers, new Failure("Unreachable", "no answer"), { ...context, previous: first });
    expect(later.layers?.[0]).toMatchObject({
      message: `unreachable since ${BEFORE}: no answer`,
      lastTransitionTime: BEFORE,
    });
    expect(
      profileStatus(profile(), [{ ...deployment("a", []), status: later }], { now: NOW, problems: [] }).summary,
    ).toMatchObject({ message: `a: unreachable since ${BEFORE}: no answer` });
    const refused = blockedStatus(layers, new Failure("Unauthorized", "bad token"), { ...context, previous: later });
    expect(refused.layers?.[0]).toMatchObject({ message: "bad token", lastTransitionTime: NOW });
  });

  it("keeps what immutable variables were set to: they are still fixed when the cluster is back", () => {
    const variables = [{ name: "zone", source: "default", digest: "0123456789abcdef" }];
    const previous = { ...context.previous, variables };
    const status = blockedStatus(profile().spec.layers, new Failure("Unreachable", "no answer"), {
      ...context,
      previous,
    });
    expect(status.variables).toEqual(variables);
  });

  it("is Stalled when only a person can mend it", () => {
    const status = blockedStatus(profile().spec.layers, new Failure("InvalidKubeconfig", "no user"), context);
    expect(conditionOf(status, "Stalled")).toMatchObject({
      status: "True",
      reason: "InvalidKubeconfig",
      message: "cni: no user",
    });
    expect(conditionOf(status, "Reconciling")).toMatchObject({ status: "False" });
  });
});

describe("targetStatus", () => {
  const target = {
    metadata: { generation: 3 },
    status: { kubernetesVersion: "v1.36.3", uid: "u" },
  } as unknown as TargetCluster;

  it("keeps what was known of a cluster that is away", () => {
    const status = targetStatus(
      target,
      { kind: "failing", failure: new Failure("Unreachable", "no answer within 5 s") },
      { users: [], now: NOW },
    );
    expect(status).toMatchObject({ kubernetesVersion: "v1.36.3", uid: "u", observedGeneration: 3 });
    expect(conditionOf(status, "Ready")).toMatchObject({
      status: "False",
      reason: "Unreachable",
      message: "no answer within 5 s",
    });
  });

  it("says which version answers", () => {
    const status = targetStatus(target, { kind: "live", uid: "w", version: "v1.36.4" }, { users: [], now: NOW });
    expect(status).toMatchObject({ kubernetesVersion: "v1.36.4", uid: "w" });
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "True" });
  });
});

describe("Drifted: what somebody changed and is left so", () => {
  const row = {
    name: "cni",
    state: "Drifted",
    stateBefore: "Ready",
    reason: "DriftLeft",
    message: "ConfigMap a/b changed",
  } as const;
  const drifted = (cluster: string): ProfileDeployment => {
    const one = deployment(cluster, ready);
    const condition = { type: "Drifted", status: "True" as const, reason: "DriftLeft", message: "layer cni: x" };
    const conditions = [...(one.status?.conditions ?? []), { ...condition, lastTransitionTime: BEFORE }];
    return { ...one, status: { ...one.status, conditions, layers: [row, ready[1] as DeploymentLayerStatus] } };
  };

  it("is a condition of its own on the profile, which is Ready all the same", () => {
    const status = profileStatus(profile(), [drifted("a"), deployment("b", ready)], { now: NOW, problems: [] });
    expect(conditionOf(status, "Ready")?.status).toBe("True");
    expect(conditionOf(status, "Drifted")).toMatchObject({ status: "True", message: "a: layer cni: x" });
    expect(status.layers?.[0]).toMatchObject({ state: "Drifted", ready: "2/2", reason: "DriftLeft" });
  });

  it("goes when it is over, and stays while the cluster does not answer", () => {
    const status = profileStatus(profile(), [deployment("a", ready)], { now: NOW, problems: [] });
    expect(conditionOf(status, "Drifted")).toBeUndefined();
    const context = { now: NOW, generation: 1, profileGeneration: 2, previous: drifted("a").status };
    const blocked = blockedStatus(profile().spec.layers, new Failure("Unreachable", "no answer"), context);
    expect(conditionOf(blocked, "Drifted")).toMatchObject({ message: "layer cni: x" });
  });
});
