import type { KubeObject, OwnerReference } from "../../objects/types.ts";

/** Builders of objects as a cluster writes them, for the tests of this room. */

const CREATED = "2026-05-04T08:00:00Z";

export function owner(object: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name ?? "", uid: metadata.uid ?? "", controller: true };
}

interface Parts {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  meta?: Partial<KubeObject["metadata"]>;
}

export function make(apiVersion: string, kind: string, name: string, { spec, status, meta }: Parts = {}): KubeObject {
  const metadata = { name, namespace: "shop", uid: `uid-${kind}-${name}`, creationTimestamp: CREATED, ...meta };
  return { apiVersion, kind, metadata, spec: spec ?? {}, status: status ?? {} };
}

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "app", image: "shop/web:9.9" }] },
};

export function deployment(name: string, available: number, { spec, status, meta }: Parts = {}): KubeObject {
  return make("apps/v1", "Deployment", name, {
    meta: { generation: 1, ...meta },
    spec: { replicas: 3, progressDeadlineSeconds: 600, selector: { matchLabels: { app: name } }, template, ...spec },
    status: { observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: available, ...status },
  });
}

export function replicaSet(of: KubeObject, hash: string, revision = "1"): KubeObject {
  return make("apps/v1", "ReplicaSet", `${of.metadata.name}-${hash}`, {
    meta: { ownerReferences: [owner(of)], annotations: { "deployment.kubernetes.io/revision": revision } },
  });
}

export const waiting = (reason: string, message = "", restarts = 0) => ({
  state: { waiting: { reason, ...(message === "" ? {} : { message }) } },
  ...(restarts > 0 ? { restartCount: restarts } : {}),
});

export const running = { state: { running: { startedAt: CREATED } } };

export const ended = (exitCode: number, reason = "Error", message = "") => ({
  terminated: { exitCode, reason, ...(message === "" ? {} : { message }), startedAt: CREATED, finishedAt: CREATED },
});

export const scheduled = { type: "PodScheduled", status: "True" };
const notReady = {
  type: "Ready",
  status: "False",
  reason: "ContainersNotReady",
  message: "containers with unready status: [app]",
};

/** A pod on node-1 with one container `app` in the given state. */
export function pod(name: string, container: Record<string, unknown>, { spec, status, meta }: Parts = {}): KubeObject {
  return make("v1", "Pod", name, {
    meta: meta ?? {},
    spec: { nodeName: "node-1", containers: [{ name: "app", image: "shop/web:9.9" }], ...spec },
    status: {
      phase: "Pending",
      conditions: [scheduled, notReady],
      containerStatuses: [{ name: "app", image: "shop/web:9.9", ready: false, restartCount: 0, ...container }],
      ...status,
    },
  });
}

export function readyPod(name: string): KubeObject {
  return pod(
    name,
    { ...running, ready: true },
    {
      status: { phase: "Running", conditions: [scheduled, { type: "Ready", status: "True" }] },
    },
  );
}

/** A pod that no node took. */
export function unscheduledPod(name: string, message: string, spec: Record<string, unknown> = {}): KubeObject {
  return make("v1", "Pod", name, {
    spec: { containers: [{ name: "app", image: "shop/web:9.9" }], ...spec },
    status: {
      phase: "Pending",
      conditions: message === "" ? [] : [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
    },
  });
}

export function event(
  about: KubeObject,
  reason: string,
  message: string,
  { at = CREATED, type = "Warning" } = {},
): KubeObject {
  const { kind, metadata } = about;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${metadata.name}.${reason}.${at}`, namespace: "shop" },
    involvedObject: { kind, name: metadata.name, namespace: "shop", uid: metadata.uid },
    type,
    reason,
    message,
    lastTimestamp: at,
  };
}
