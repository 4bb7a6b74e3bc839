import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { assess } from "./assess.ts";
import type { Verdict } from "./verdict.ts";

interface Row {
  name: string;
  /** What Go's kstatus answers; see testdata/README.md. */
  kstatus: Verdict["state"];
  object: KubeObject;
}

const rows: Row[] = JSON.parse(readFileSync(new URL("testdata/kstatus.json", import.meta.url), "utf8"));

/** Where Strata answers otherwise than kstatus, and why. */
const DIFFERENCES: Record<string, { want: Verdict["state"]; because: string }> = {
  "StatefulSet: just created with 0 replicas": {
    want: "InProgress",
    because: "its controller always writes observedGeneration, and has not come by",
  },
  "StatefulSet: OnDelete, not observed": { want: "InProgress", because: "the same" },
  "ReplicaSet: just created with 0 replicas": { want: "InProgress", because: "the same" },
  "PodDisruptionBudget: just created": { want: "InProgress", because: "the same" },
  "DaemonSet: OnDelete, old pods run": {
    want: "Current",
    because: "a person replaces the pods when they like; the layer would wait for ever",
  },
  "Pod: unschedulable for long": {
    want: "InProgress",
    because: "no clock in a pure room; an autoscaler takes minutes, and the layer has a timeout",
  },
  "Pod: evicted": { want: "Failed", because: "a pod that ended badly is not as its spec wants it" },
  "Pod: container failed for good": { want: "Failed", because: "the same" },
  "Job: running": { want: "InProgress", because: "a Job before an application means its end, as Flux reads it" },
  "Job: running after failures": { want: "InProgress", because: "the same" },
  "Job: about to fail, pods still terminating": { want: "InProgress", because: "the same" },
  "PersistentVolumeClaim: lost": { want: "Failed", because: "a lost volume does not come back by waiting" },
  "Service: load balancer without address": { want: "InProgress", because: "nobody can reach it; Helm waits so too" },
  "CustomResourceDefinition: established, then name taken": {
    want: "Failed",
    because: "kstatus stops at the first condition of the list that decides",
  },
  "APIService: not answering": { want: "InProgress", because: "kstatus has no rule for APIService" },
  "APIService: just created": { want: "InProgress", because: "the same" },
  "Custom resource: Ready is about an older generation": {
    want: "InProgress",
    because: "the condition itself says that it judges an older spec",
  },
  "Custom resource: stalled about an older generation": { want: "InProgress", because: "the same" },
};

const MESSAGES: Record<string, string> = {
  "Deployment: just created, no status": "generation 1 is not observed yet",
  "Deployment: spec changed, controller has not looked": "generation 4 is not observed yet",
  "Deployment: pods not created yet": "0/3 replicas created",
  "Deployment: quota refuses pods":
    "1/3 replicas created: exceeded quota: compute, requested: memory=1Gi, used: memory=2Gi, limited: memory=2Gi",
  "Deployment: created, none available": "0/3 replicas available",
  "Deployment: rolling update, one of three updated": "1 of 3 updated",
  "Deployment: old replica still there": "1 replica too many, waiting for termination",
  "Deployment: available, ready count behind": "2/3 replicas ready",
  "Deployment: progress deadline exceeded": "0/3 replicas available: progress deadline exceeded",
  "Deployment: rollout not marked complete": "the rollout is not complete yet",
  "Deployment: complete, below minimum availability": "not available yet",
  "Deployment: paused in the middle": "1 of 3 updated, the rollout is paused",
  "Deployment: being deleted": "is being deleted, waits for foregroundDeletion",
  "StatefulSet: first pod not ready": "1/3 replicas created",
  "StatefulSet: one of three not ready": "2/3 replicas ready",
  "StatefulSet: partition, update not through": "1 of 2 updated",
  "StatefulSet: no rollingUpdate block, revision not settled": "the rollout is not complete yet",
  "DaemonSet: without desired count": "the nodes are not counted yet",
  "DaemonSet: one pod missing": "2/3 pods created",
  "DaemonSet: one updated": "1 of 3 updated",
  "DaemonSet: none available": "0/3 pods available",
  "ReplicaSet: webhook refuses pods":
    '0/2 replicas created: admission webhook "policy.example" denied the request: no latest tag',
  "ReplicaSet: one available": "1/2 replicas available",
  "Pod: just created": "is not seen by the cluster yet",
  "Pod: pending": "is not running yet",
  "Pod: running, not ready": "is running, but not ready",
  "Pod: crash loop": "CrashLoopBackOff: app",
  "Pod: evicted": "Evicted: The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi.",
  "Job: just created": "is not started yet",
  "Job: suspended": "is suspended",
  "Job: running": "0/1 completed",
  "Job: running after failures": "1/3 completed, 2 failed",
  "Job: failed": "BackoffLimitExceeded: Job has reached the specified backoff limit",
  "PersistentVolumeClaim: pending": "is not bound yet",
  "PersistentVolumeClaim: lost": "has lost its volume",
  "Service: load balancer without cluster IP": "has no cluster IP yet",
  "Service: load balancer without address": "has no load balancer address yet",
  "CustomResourceDefinition: installing": "is not established yet",
  "CustomResourceDefinition: name taken": 'ListKindConflict: "WidgetList" is already in use',
  "APIService: not answering":
    "FailedDiscoveryCheck: failing or missing response from https://10.96.7.1:443/apis/metrics.k8s.io/v1beta1: dial tcp 10.96.7.1:443: connect: connection refused",
  "Namespace: being deleted":
    "is being deleted: Some content in the namespace has finalizers remaining: shop.example/cleanup in 1 resource instances",
  "Custom resource: not ready": "DoesNotExist: Issuing certificate as Secret does not exist",
  "Custom resource: ready unknown": "Progressing",
  "Custom resource: generation behind": "generation 4 is not observed yet",
  "Custom resource: reconciling": "Progressing: building artifact",
  "Custom resource: stalled": "InvalidURL: the URL has no scheme",
};

describe("assess", () => {
  it.each(rows)("$name", ({ name, kstatus, object }) => {
    const difference = DIFFERENCES[name];
    const verdict = assess(object);
    expect(verdict.state).toBe(difference?.want ?? kstatus);
    expect(difference?.want, "a difference that is none").not.toBe(kstatus);
    expect(verdict.message === "").toBe(verdict.state === "Current");
    if (MESSAGES[name] !== undefined) expect(verdict.message).toBe(MESSAGES[name]);
  });

  it("has a row for every difference and every message", () => {
    const names = new Set(rows.map(({ name }) => name));
    expect([...Object.keys(DIFFERENCES), ...Object.keys(MESSAGES)].filter((name) => !names.has(name))).toEqual([]);
  });

  it("judges each observed workload InProgress while its generation is ahead", () => {
    const settled = rows.filter(({ object }) => object.metadata.generation && assess(object).state === "Current");
    const ahead = settled.filter(({ object }) => "observedGeneration" in ((object["status"] as object) ?? {}));
    expect(ahead.length).toBeGreaterThan(8);
    for (const { object } of ahead) {
      const changed = { ...object, metadata: { ...object.metadata, generation: 77 } };
      expect(assess(changed)).toEqual({ state: "InProgress", message: "generation 77 is not observed yet" });
    }
  });

  it("never throws, whatever a status holds, and keeps messages short and on one line", () => {
    const kinds = rows.map(({ object }) => ({ apiVersion: object.apiVersion, kind: object.kind }));
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.jsonValue(), fc.jsonValue(), (type, spec, status) => {
        const { state, message } = assess({ ...type, metadata: { name: "x", generation: 1 }, spec, status });
        expect(message.length).toBeLessThanOrEqual(300);
        expect(message).not.toMatch(/[\n\r\t]/);
        expect(message === "").toBe(state === "Current");
      }),
    );
  });

  it.each([
    ["conditions as a map", { conditions: { Ready: "False" } }, "Current"],
    [
      "conditions with holes",
      { conditions: [null, 3, "x", [], { type: "Ready", status: "False", message: "no" }] },
      "InProgress",
    ],
    ["status as text", "Ready", "Current"],
    ["status as a list", [{ conditions: [] }], "Current"],
    [
      "a message that is no text",
      { conditions: [{ type: "Ready", status: "False", message: { a: 1 } }] },
      "InProgress",
    ],
    ["an observedGeneration as text", { observedGeneration: "3" }, "Current"],
  ])("reads %s", (_, status, want) => {
    const object = { apiVersion: "a.b/v1", kind: "C", metadata: { name: "x", generation: 4 }, status };
    expect(assess(object).state).toBe(want);
  });

  it("folds and cuts what controllers write, and takes secrets out of addresses", () => {
    const told = (message: string) =>
      assess({
        apiVersion: "a.b/v1",
        kind: "C",
        metadata: { name: "x" },
        status: { conditions: [{ type: "Ready", status: "False", message }] },
      }).message;
    expect(told("first\n  second\tthird\u001b[31m\u202e")).toBe("first second third[31m");
    expect(told("x".repeat(5000))).toBe(`${"x".repeat(299)}…`);
    expect(told(`${"😀".repeat(400)}`)).toBe(`${"😀".repeat(299)}…`);
    expect(told('Get "https://bob:hunter2@repo.example/a?X-Sig=abc": 403')).toBe('Get "https://repo.example/a": 403');
  });
});
