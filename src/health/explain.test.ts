import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { assess } from "./assess.ts";
import { type CulpritEvidence, explain } from "./explain.ts";
import {
  deployment,
  ended,
  event,
  make,
  pod,
  readyPod,
  replicaSet,
  running,
  scheduled,
  unscheduledPod,
  waiting,
} from "./testdata/objects.ts";

function told(object: KubeObject, evidence: Partial<CulpritEvidence> = {}): string {
  return explain(object, assess(object), { pods: [], events: [], ...evidence });
}

const web = deployment("web", 0);
const LATER = "2026-05-04T08:10:00Z";
const PULL =
  'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/shop/web:9.9": failed to resolve reference "docker.io/shop/web:9.9": docker.io/shop/web:9.9: not found';
const DOCKER = "Error response from daemon: manifest for shop/web:9.9 not found: manifest unknown: manifest unknown";
const SHORT_OF_MEMORY =
  "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";

const looping = (exit = ended(1), restarts = 5) => ({
  ...waiting(
    "CrashLoopBackOff",
    "back-off 2m40s restarting failed container=app pod=web-7d4b9-x2x_shop(uid)",
    restarts,
  ),
  lastState: exit,
});

const onePod = (container: Record<string, unknown>, parts = {}) => [pod("web-7d4b9-x2x", container, parts)];

interface Story {
  name: string;
  object?: KubeObject;
  pods?: KubeObject[];
  events?: KubeObject[];
  related?: KubeObject[];
  want: string;
}

const probed = (readinessProbe: object) => ({ containers: [{ name: "app", image: "shop/web:9.9", readinessProbe }] });
const x2x = pod("web-7d4b9-x2x", {});

const images: Story[] = [
  {
    name: "containerd, backing off, with the cause (kubelet 1.32 and later)",
    pods: onePod(waiting("ImagePullBackOff", `Back-off pulling image "shop/web:9.9": ErrImagePull: ${PULL}`)),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: docker.io/shop/web:9.9: not found",
  },
  {
    name: "containerd, between two attempts: the same sentence",
    pods: onePod(waiting("ErrImagePull", PULL)),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: docker.io/shop/web:9.9: not found",
  },
  {
    name: "Docker",
    pods: onePod(waiting("ErrImagePull", `rpc error: code = Unknown desc = ${DOCKER}`)),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: manifest for shop/web:9.9 not found",
  },
  {
    name: "CRI-O",
    pods: onePod(
      waiting(
        "ErrImagePull",
        "unable to pull image or OCI artifact: pull image err: initializing source docker://shop/web:9.9: reading manifest 9.9 in docker.io/shop/web: manifest unknown",
      ),
    ),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: reading manifest 9.9 in docker.io/shop/web: manifest unknown",
  },
  {
    name: "the back-off of an older kubelet, the cause from the event",
    pods: onePod(waiting("ImagePullBackOff", 'Back-off pulling image "shop/web:9.9"')),
    events: [
      event(x2x, "Failed", "Error: ErrImagePull"),
      event(x2x, "Failed", `Failed to pull image "shop/web:9.9": ${DOCKER}`),
      event(x2x, "BackOff", 'Back-off pulling image "shop/web:9.9"', { type: "Normal", at: LATER }),
    ],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: manifest for shop/web:9.9 not found",
  },
  {
    name: "the back-off of an older kubelet, no event left",
    pods: onePod(waiting("ImagePullBackOff", 'Back-off pulling image "shop/web:9.9"')),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: cannot pull shop/web:9.9",
  },
  {
    name: "an echo of the registry",
    pods: onePod(waiting("ImagePullBackOff", "manifest unknown: manifest unknown")),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: manifest unknown",
  },
  {
    name: "a private registry, with a signature in the address",
    pods: onePod(
      waiting(
        "ErrImagePull",
        'failed to pull and unpack image "reg.example/web:9.9": failed to resolve reference "reg.example/web:9.9": failed to do request: Head "https://robot:t0ken@reg.example/v2/web/manifests/9.9?X-Sig=abc": 403 Forbidden',
      ),
    ),
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x ImagePullBackOff: failed to do request: Head "https://reg.example/v2/web/manifests/9.9": 403 Forbidden',
  },
  {
    name: "a name that is none",
    pods: onePod(
      waiting(
        "InvalidImageName",
        'Failed to apply default image tag "Shop/Web": couldn\'t parse image name "Shop/Web": invalid reference format: repository name (library/Shop/Web) must be lowercase',
      ),
    ),
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x InvalidImageName: Failed to apply default image tag "Shop/Web": couldn\'t parse image name "Shop/Web": invalid reference format: repository name (library/Shop/Web) must be lowercase',
  },
  {
    name: "never to be pulled",
    pods: onePod(
      waiting("ErrImageNeverPull", 'Container image "shop/web:9.9" is not present with pull policy of Never'),
    ),
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x ErrImageNeverPull: Container image "shop/web:9.9" is not present with pull policy of Never',
  },
];

const crashes: Story[] = [
  {
    name: "crash loop",
    object: deployment("web", 1),
    pods: [readyPod("web-7d4b9-aaa"), ...onePod(looping())],
    want: "Deployment web 1/3: Pod web-7d4b9-x2x CrashLoopBackOff: container app exited with code 1, 5 restarts",
  },
  {
    name: "crash loop of which kubelet does not know the end",
    pods: onePod(waiting("CrashLoopBackOff", "back-off 10s restarting failed container", 2)),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: container app ends again and again, 2 restarts",
  },
  {
    name: "what the container printed last stays out",
    pods: onePod(looping(ended(1, "Error", "panic: cannot log in with password hunter2"))),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: container app exited with code 1, 5 restarts",
  },
  {
    name: "a container that ends well, again and again",
    pods: onePod(looping(ended(0, "Completed"), 1)),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: container app exited with code 0, 1 restart",
  },
  {
    name: "just ended, before the back-off",
    pods: onePod({ state: ended(2), restartCount: 1 }, { status: { phase: "Running" } }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x: container app exited with code 2, 1 restart",
  },
  {
    name: "killed by its liveness probe",
    pods: onePod(looping(ended(137))),
    events: [
      event(x2x, "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500"),
      event(x2x, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500", { at: LATER }),
    ],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: container app exited with code 137, 5 restarts; Liveness probe failed: HTTP probe failed with statuscode: 500",
  },
  {
    name: "runs again after crashes, still not ready",
    pods: onePod({ ...running, restartCount: 3, lastState: ended(1) }, { status: { phase: "Running" } }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x: container app exited with code 1, 3 restarts",
  },
  {
    name: "out of memory, with its limit",
    pods: onePod(looping(ended(137, "OOMKilled")), {
      spec: { containers: [{ name: "app", image: "shop/web:9.9", resources: { limits: { memory: "128Mi" } } }] },
    }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x OOMKilled: container app exceeded its memory limit of 128Mi, 5 restarts",
  },
  {
    name: "out of memory, without a limit, not yet restarted",
    pods: onePod({ state: ended(137, "OOMKilled") }, { status: { phase: "Running" } }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x OOMKilled: container app ran out of memory",
  },
  {
    name: "a command that does not exist",
    pods: onePod(
      looping(
        ended(
          128,
          "StartError",
          'failed to create containerd task: failed to create shim task: exec: "serve": executable file not found in $PATH: unknown',
        ),
        2,
      ),
    ),
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: container app cannot start: failed to create containerd task: failed to create shim task: exec: "serve": executable file not found in $PATH: unknown, 2 restarts',
  },
  {
    name: "an init container in a crash loop",
    pods: onePod(waiting("PodInitializing"), {
      spec: { initContainers: [{ name: "wait-db" }] },
      status: {
        phase: "Pending",
        initContainerStatuses: [{ name: "wait-db", ready: false, ...looping(ended(1), 2) }],
        containerStatuses: [{ name: "app", ready: false, restartCount: 0, ...waiting("PodInitializing") }],
      },
    }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: init container wait-db exited with code 1, 2 restarts",
  },
  {
    name: "a sidecar in a crash loop",
    pods: onePod(running, {
      spec: { initContainers: [{ name: "proxy", restartPolicy: "Always" }] },
      status: { phase: "Running", initContainerStatuses: [{ name: "proxy", ready: false, ...looping(ended(1), 2) }] },
    }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: sidecar proxy exited with code 1, 2 restarts",
  },
  {
    name: "evicted",
    pods: onePod(
      {},
      {
        status: {
          phase: "Failed",
          reason: "Evicted",
          message: "The node was low on resource: memory. ",
          containerStatuses: [],
        },
      },
    ),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x Evicted: The node was low on resource: memory.",
  },
];

const claimVolume = { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } }] };
const claim = make("v1", "PersistentVolumeClaim", "data-db-0", { status: { phase: "Pending" } });
const db = make("apps/v1", "StatefulSet", "db", {
  meta: { generation: 1 },
  spec: { replicas: 3 },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1 },
});
const UNBOUND =
  "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";

const places: Story[] = [
  {
    name: "no node has room",
    pods: [unscheduledPod("web-7d4b9-x2x", SHORT_OF_MEMORY)],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x unschedulable: 0/3 nodes are available: 3 Insufficient memory",
  },
  {
    name: "no node has room, as newer schedulers say it",
    pods: [
      unscheduledPod(
        "web-7d4b9-x2x",
        "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
      ),
    ],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x unschedulable: 0/1 nodes are available: 1 node(s) had untolerated taint(s)",
  },
  {
    name: "no scheduler has come by",
    pods: [unscheduledPod("web-7d4b9-x2x", "")],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x is not scheduled yet",
  },
  {
    name: "an unbound claim, the cause from its event",
    object: db,
    pods: [unscheduledPod("db-0", UNBOUND, claimVolume)],
    events: [event(claim, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')],
    want: 'StatefulSet db 0/3: Pod db-0 unschedulable: PersistentVolumeClaim data-db-0 ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
  },
  {
    name: "an unbound claim without a class: a Normal event",
    object: db,
    pods: [unscheduledPod("db-0", UNBOUND, claimVolume)],
    events: [
      event(claim, "FailedBinding", "no persistent volumes available for this claim and no storage class is set", {
        type: "Normal",
      }),
    ],
    want: "StatefulSet db 0/3: Pod db-0 unschedulable: PersistentVolumeClaim data-db-0 FailedBinding: no persistent volumes available for this claim and no storage class is set",
  },
  {
    name: "an unbound claim without events: the scheduler's words",
    object: db,
    pods: [unscheduledPod("db-0", UNBOUND, claimVolume)],
    want: "StatefulSet db 0/3: Pod db-0 unschedulable: 0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims",
  },
  {
    name: "a missing Secret in the environment",
    pods: onePod(waiting("CreateContainerConfigError", 'secret "db" not found')),
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x CreateContainerConfigError: container app: secret "db" not found',
  },
  {
    name: "a missing ConfigMap as a volume",
    pods: onePod(waiting("ContainerCreating")),
    events: [
      event(x2x, "FailedMount", 'MountVolume.SetUp failed for volume "config" : configmap "app" not found'),
      event(
        x2x,
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[config]: timed out waiting for the condition",
        {
          at: LATER,
        },
      ),
    ],
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x FailedMount: MountVolume.SetUp failed for volume "config": configmap "app" not found',
  },
  {
    name: "a volume that another node holds",
    pods: onePod(waiting("ContainerCreating")),
    events: [
      event(x2x, "FailedAttachVolume", 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) db-0'),
    ],
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x FailedAttachVolume: Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) db-0',
  },
  {
    name: "no network plugin",
    pods: onePod(waiting("ContainerCreating")),
    events: [
      event(
        x2x,
        "NetworkNotReady",
        "network is not ready: container runtime network not ready: cni plugin not initialized",
      ),
    ],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x NetworkNotReady: network is not ready: container runtime network not ready: cni plugin not initialized",
  },
  {
    name: "nothing wrong yet",
    pods: onePod(waiting("ContainerCreating")),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x ContainerCreating",
  },
  {
    name: "a readiness probe that fails, newest event",
    object: deployment("web", 2),
    pods: onePod(running, { status: { phase: "Running" } }),
    events: [
      event(x2x, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", { at: LATER }),
      event(x2x, "Unhealthy", "Readiness probe failed: dial tcp: connection refused"),
    ],
    want: "Deployment web 2/3: Pod web-7d4b9-x2x not ready: Readiness probe failed: HTTP probe failed with statuscode: 503",
  },
  {
    name: "what a probe's command printed stays out",
    pods: onePod(running, { status: { phase: "Running" }, spec: probed({ exec: { command: ["ping-db"] } }) }),
    events: [event(x2x, "Unhealthy", "Readiness probe failed: cannot log in with password hunter2")],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x not ready: Readiness probe failed: its command says no",
  },
  {
    name: "what a probe's connection says does not",
    pods: onePod(running, { status: { phase: "Running" }, spec: probed({ tcpSocket: { port: 80 } }) }),
    events: [event(x2x, "Unhealthy", "Readiness probe failed: dial tcp: connection refused")],
    want: "Deployment web 0/3: Pod web-7d4b9-x2x not ready: Readiness probe failed: dial tcp: connection refused",
  },
  {
    name: "what a hook of a container printed stays out",
    pods: onePod(waiting("PostStartHookError", 'Exec lifecycle hook failed, message: "password hunter2"')),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x PostStartHookError: container app",
  },
  {
    name: "not ready, nobody says why",
    pods: onePod(running, { status: { phase: "Running" } }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x not ready: container app is running but not ready",
  },
  {
    name: "a startup probe that has not passed",
    pods: onePod({ ...running, started: false }, { status: { phase: "Running" } }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x not ready: container app is still starting",
  },
  {
    name: "a readiness gate",
    pods: onePod(
      { ...running, ready: true },
      {
        status: {
          phase: "Running",
          conditions: [
            scheduled,
            {
              type: "Ready",
              status: "False",
              reason: "ReadinessGatesNotReady",
              message: 'corresponding condition of pod readiness gate "lb.example/target" does not exist.',
            },
          ],
        },
      },
    ),
    want: 'Deployment web 0/3: Pod web-7d4b9-x2x not ready: corresponding condition of pod readiness gate "lb.example/target" does not exist.',
  },
  {
    name: "a node that went away",
    pods: onePod({ ...running, ready: true }, { status: { phase: "Running" } }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x not ready: its node node-1 may be down",
  },
  {
    name: "an init container that runs long",
    pods: onePod(waiting("PodInitializing"), {
      spec: { initContainers: [{ name: "wait-db" }] },
      status: { initContainerStatuses: [{ name: "wait-db", ready: false, restartCount: 0, ...running }] },
    }),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x: init container wait-db is still running",
  },
];

const QUOTA = "exceeded quota: compute, requested: memory=1Gi, used: memory=2Gi, limited: memory=2Gi";
const refused = deployment("web", 0, {
  status: {
    replicas: 0,
    updatedReplicas: 0,
    conditions: [
      {
        type: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        message: `pods "web-7d4b9-x2x" is forbidden: ${QUOTA}`,
      },
    ],
  },
});
const csi = make("apps/v1", "DaemonSet", "csi-node", {
  meta: { generation: 1 },
  status: { observedGeneration: 1, desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3 },
});

const workloads: Story[] = [
  {
    name: "pods refused by a quota, from the condition, without the pod's random name",
    object: refused,
    want: `Deployment web 0/3: cannot create pods: ${QUOTA}`,
  },
  {
    name: "pods refused by a webhook, from an event on the ReplicaSet",
    object: deployment("web", 0, { status: { replicas: 0 } }),
    events: [
      event(
        replicaSet(web, "7d4b9"),
        "FailedCreate",
        'Error creating: admission webhook "policy.example" denied the request: no latest tag',
      ),
    ],
    want: 'Deployment web 0/3: cannot create pods: admission webhook "policy.example" denied the request: no latest tag',
  },
  {
    name: "pods refused by a webhook after a quota, of which only the condition still speaks",
    object: refused,
    events: [
      event(
        replicaSet(web, "7d4b9"),
        "FailedCreate",
        '(combined from similar events): Error creating: admission webhook "policy.example" denied the request: no latest tag',
      ),
    ],
    want: 'Deployment web 0/3: cannot create pods: admission webhook "policy.example" denied the request: no latest tag',
  },
  {
    name: "an event on another Deployment's ReplicaSet is not taken for ours",
    object: deployment("web", 0, { status: { replicas: 0 } }),
    events: [event(replicaSet(deployment("web-api", 0), "7d4b9"), "FailedCreate", "Error creating: no")],
    want: "Deployment web: 0/3 replicas created",
  },
  {
    name: "pods refused by pod security, on a DaemonSet",
    object: csi,
    events: [
      event(
        csi,
        "FailedCreate",
        'Error creating: pods "csi-node-" is forbidden: violates PodSecurity "restricted:latest": privileged',
      ),
    ],
    want: 'DaemonSet csi-node 0/3: cannot create pods: violates PodSecurity "restricted:latest": privileged',
  },
  {
    name: "pods refused for a StatefulSet",
    object: db,
    events: [
      event(db, "FailedCreate", `create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: ${QUOTA}`),
    ],
    want: `StatefulSet db 0/3: cannot create pods: ${QUOTA}`,
  },
  {
    name: "an old refusal is forgotten when all pods are there",
    object: csi,
    pods: ["a", "b", "c"].map((name) => pod(name, waiting("ContainerCreating"))),
    events: [event(csi, "FailedCreate", "Error creating: no")],
    want: "DaemonSet csi-node 0/3: Pod a ContainerCreating",
  },
  {
    name: "a DaemonSet with a bad image",
    object: csi,
    pods: [pod("csi-x", waiting("ImagePullBackOff", "manifest unknown"))],
    want: "DaemonSet csi-node 0/3: Pod csi-x ImagePullBackOff: manifest unknown",
  },
  {
    name: "a rolling update that keeps the old pods up",
    object: deployment("web", 3, { status: { replicas: 4, updatedReplicas: 1 } }),
    pods: [readyPod("web-old-1"), ...onePod(looping())],
    want: "Deployment web 1/3 updated: Pod web-7d4b9-x2x CrashLoopBackOff: container app exited with code 1, 5 restarts",
  },
  {
    name: "progress deadline exceeded, the culprit is still the pod",
    object: deployment("web", 0, {
      status: { conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }] },
    }),
    pods: onePod(looping()),
    want: "Deployment web 0/3: Pod web-7d4b9-x2x CrashLoopBackOff: container app exited with code 1, 5 restarts",
  },
  {
    name: "progress deadline exceeded, pods not seen",
    object: deployment("web", 0, {
      status: { conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }] },
    }),
    want: "Deployment web: 0/3 replicas available: progress deadline exceeded",
  },
  {
    name: "the controller has not looked at the new spec: no old pod is blamed",
    object: deployment("web", 0, { meta: { generation: 4 } }),
    pods: onePod(looping()),
    want: "Deployment web: generation 4 is not observed yet",
  },
  {
    name: "an old pod still terminating",
    object: deployment("web", 3, { status: { replicas: 4, readyReplicas: 3 } }),
    pods: [pod("web-old-1", running, { meta: { deletionTimestamp: LATER } }), readyPod("web-new-1")],
    want: "Deployment web 3/3: Pod web-old-1 is still terminating",
  },
  {
    name: "a Deployment that is being deleted",
    object: deployment("web", 0, { meta: { deletionTimestamp: LATER, finalizers: ["foregroundDeletion"] } }),
    pods: onePod(looping()),
    want: "Deployment web is being deleted, waits for foregroundDeletion",
  },
];

const job = (status: Record<string, unknown>) =>
  make("batch/v1", "Job", "migrate", {
    spec: { completions: 1, parallelism: 1 },
    status: { startTime: LATER, ...status },
  });
const deadPod = (name: string, exitCode: number, created: string) =>
  pod(
    name,
    { name: "migrate", state: ended(exitCode) },
    { status: { phase: "Failed" }, meta: { creationTimestamp: created } },
  );

const singles: Story[] = [
  {
    name: "a failed Job",
    object: job({
      conditions: [
        {
          type: "Failed",
          status: "True",
          reason: "BackoffLimitExceeded",
          message: "Job has reached the specified backoff limit",
        },
      ],
    }),
    pods: [deadPod("migrate-aaa", 2, "2026-05-04T08:00:00Z"), deadPod("migrate-abc", 1, LATER)],
    want: "Job migrate failed: BackoffLimitExceeded: Job has reached the specified backoff limit; Pod migrate-abc: container migrate exited with code 1",
  },
  {
    name: "a failed Job whose pods are gone",
    object: job({
      conditions: [
        {
          type: "Failed",
          status: "True",
          reason: "DeadlineExceeded",
          message: "Job was active longer than specified deadline",
        },
      ],
    }),
    want: "Job migrate failed: DeadlineExceeded: Job was active longer than specified deadline",
  },
  {
    name: "a Job that cannot start its pod",
    object: job({ active: 1 }),
    pods: [pod("migrate-abc", waiting("CreateContainerConfigError", 'configmap "app" not found'))],
    want: 'Job migrate 0/1: Pod migrate-abc CreateContainerConfigError: container app: configmap "app" not found',
  },
  {
    name: "a Job that runs",
    object: job({ active: 1 }),
    pods: [
      pod(
        "migrate-abc",
        { ...running, ready: true },
        { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
      ),
    ],
    want: "Job migrate: 0/1 completed",
  },
  {
    name: "a bare Pod",
    object: pod("debug", waiting("ErrImagePull", DOCKER)),
    want: "Pod debug ImagePullBackOff: manifest for shop/web:9.9 not found",
  },
  {
    name: "a claim that nobody provisions",
    object: claim,
    events: [event(claim, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')],
    want: 'PersistentVolumeClaim data-db-0 is not bound yet: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
  },
  {
    name: "a claim that waits for a pod",
    object: claim,
    events: [
      event(claim, "WaitForFirstConsumer", "waiting for first consumer to be created before binding", {
        type: "Normal",
      }),
    ],
    want: "PersistentVolumeClaim data-db-0 is not bound yet: WaitForFirstConsumer: waiting for first consumer to be created before binding",
  },
  {
    name: "a load balancer",
    object: make("v1", "Service", "lb", { spec: { type: "LoadBalancer", clusterIP: "10.96.0.9" } }),
    want: "Service lb has no load balancer address yet",
  },
  {
    name: "a custom resource with its own words, which no event adds to",
    object: make("cert-manager.io/v1", "Certificate", "tls", {
      status: {
        conditions: [
          {
            type: "Ready",
            status: "False",
            reason: "DoesNotExist",
            message: "Issuing certificate as Secret does not exist",
          },
        ],
      },
    }),
    events: [event(make("cert-manager.io/v1", "Certificate", "tls"), "Odd", "old news")],
    want: "Certificate tls: DoesNotExist: Issuing certificate as Secret does not exist",
  },
  {
    name: "a custom resource without words, in the newer events API",
    object: make("shop.example/v1", "Widget", "gear", { status: { conditions: [{ type: "Ready", status: "False" }] } }),
    events: [
      {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: "gear.1", namespace: "shop" },
        regarding: { kind: "Widget", name: "gear", uid: "uid-Widget-gear" },
        type: "Warning",
        reason: "NoTeeth",
        note: "the gear has no teeth",
        eventTime: "2026-05-04T08:00:00.123456Z",
      },
    ],
    want: "Widget gear: condition Ready is False: NoTeeth: the gear has no teeth",
  },
  {
    name: "a namespace that does not go",
    object: make("v1", "Namespace", "shop", { meta: { deletionTimestamp: LATER }, status: { phase: "Terminating" } }),
    want: "Namespace shop is being deleted",
  },
];

describe.each([
  ["images", images],
  ["crashes", crashes],
  ["places", places],
  ["workloads", workloads],
  ["single objects", singles],
])("explain: %s", (_, stories) => {
  it.each(stories)("$name", ({ object = web, pods = [], events = [], related, want }) => {
    expect(told(object, { pods, events, related })).toBe(want);
  });
});

describe("explain", () => {
  it("is empty for a Current object", () => {
    expect(explain(web, { state: "Current", message: "" }, { pods: [], events: [] })).toBe("");
  });

  const named = (sentence: string) => /Pod (\S+)/.exec(sentence)?.[1];

  it("names the worst pod, whatever the order of the evidence", () => {
    const worstFirst = [
      pod("p-image", waiting("ErrImagePull", DOCKER)),
      pod("o-config", waiting("CreateContainerConfigError", "x")),
      pod("n-memory", looping(ended(137, "OOMKilled"))),
      pod("m-crash", looping()),
      unscheduledPod("l-unschedulable", SHORT_OF_MEMORY),
      pod("k-mount", waiting("ContainerCreating")),
      pod("j-probe", running),
      pod("i-dead", {}, { status: { phase: "Failed", reason: "Evicted" } }),
      pod("h-late", running),
      pod("g-starting", waiting("ContainerCreating")),
      pod("f-leaving", running, { meta: { deletionTimestamp: LATER } }),
    ];
    const events = [
      event(worstFirst[5]!, "FailedMount", "no"),
      event(worstFirst[6]!, "Unhealthy", "Readiness probe failed: no"),
    ];
    for (let index = 0; index < worstFirst.length; index++) {
      const rest = worstFirst.slice(index);
      fc.assert(
        fc.property(fc.shuffledSubarray(rest, { minLength: rest.length }), (pods) => {
          expect(named(told(web, { pods, events: [...events].reverse() }))).toBe(rest[0]?.metadata.name);
        }),
        { numRuns: 10 },
      );
    }
  });

  it("names the first by name among equals", () => {
    const pods = ["web-c", "web-a", "web-b"].map((name) => pod(name, looping()));
    expect(named(told(web, { pods }))).toBe("web-a");
  });

  const ofRevision = (name: string, hash: string, container: Record<string, unknown>, created: string) =>
    pod(name, container, { meta: { labels: { "pod-template-hash": hash }, creationTimestamp: created } });

  it("blames the newest revision before the one that it replaces", () => {
    const pods = [
      ofRevision("web-old-1", "old", waiting("ErrImagePull", DOCKER), "2026-05-04T07:00:00Z"),
      ofRevision("web-new-1", "new", waiting("ContainerCreating"), "2026-05-04T09:00:00Z"),
    ];
    expect(named(told(web, { pods }))).toBe("web-new-1");
  });

  it("goes by the ReplicaSets' revisions where they are known: a replaced pod of the old one may be younger", () => {
    const labelled = (set: KubeObject, hash: string) => ({
      ...set,
      metadata: { ...set.metadata, labels: { "pod-template-hash": hash } },
    });
    const related = [labelled(replicaSet(web, "old", "9"), "old"), labelled(replicaSet(web, "new", "10"), "new")];
    const pods = [
      ofRevision("web-old-1", "old", waiting("ErrImagePull", DOCKER), "2026-05-04T11:00:00Z"),
      ofRevision("web-new-1", "new", waiting("ContainerCreating"), "2026-05-04T09:00:00Z"),
    ];
    expect(named(told(web, { pods, related }))).toBe("web-new-1");
    expect(named(told(web, { pods: pods.slice(0, 1), related }))).toBe("web-old-1");
  });

  it("goes by updateRevision for a StatefulSet", () => {
    const rolling = { ...db, status: { ...(db["status"] as object), updateRevision: "db-2" } };
    const pods = ["db-1", "db-2"].map((hash, index) =>
      pod(`db-${index}`, index === 0 ? looping() : waiting("ContainerCreating"), {
        meta: { labels: { "controller-revision-hash": hash } },
      }),
    );
    expect(named(told(rolling, { pods }))).toBe("db-1");
  });

  it("does not take an event about an earlier pod of the same name", () => {
    const pods = [pod("db-0", waiting("ContainerCreating"))];
    const earlier = { ...pods[0]!, metadata: { ...pods[0]!.metadata, uid: "another" } };
    expect(told(db, { pods, events: [event(earlier, "FailedMount", "gone")] })).toBe(
      "StatefulSet db 0/3: Pod db-0 ContainerCreating",
    );
  });

  it("folds and cuts long words", () => {
    const pods = onePod(waiting("CreateContainerError", `first line\n${"x".repeat(2000)}`));
    const sentence = told(web, { pods });
    expect(sentence).toMatch(
      /^Deployment web 0\/3: Pod web-7d4b9-x2x CreateContainerError: container app: first line x+…$/,
    );
    expect(sentence).toHaveLength(300);
  });

  it("never throws, whatever the evidence holds", () => {
    const objects = [web, db, csi, job({}), claim, x2x];
    const anything = fc.record({ spec: fc.jsonValue(), status: fc.jsonValue(), involvedObject: fc.jsonValue() });
    fc.assert(
      fc.property(fc.constantFrom(...objects), fc.array(anything), (object, parts) => {
        const pods = parts.map((part, index) => ({ ...make("v1", "Pod", `p${index}`), ...part }));
        const sentence = explain(object, { state: "InProgress", message: "x" }, { pods, events: pods, related: pods });
        expect(sentence.length).toBeGreaterThan(0);
        expect(sentence.length).toBeLessThanOrEqual(300);
      }),
    );
  });
});
