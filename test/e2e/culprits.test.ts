import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { apply, condition, layerOf, pathOf, trustedTenant, waitUntil } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  hub = await startControlPlane({ name: "culprits" });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

function deployment(pod: string, podLabels = ""): string {
  return `
            apiVersion: apps/v1
            kind: Deployment
            metadata: { name: web }
            spec:
              selector: { matchLabels: { app: web } }
              template:
                metadata: { labels: { app: web, ${podLabels} } }
                spec: ${pod}`;
}

const job = `
            apiVersion: batch/v1
            kind: Job
            metadata: { name: migrate, labels: { app: migrate } }
            spec:
              backoffLimit: 0
              template:
                metadata: { labels: { app: migrate, test.strata.dev/fault: job-failed } }
                spec: { restartPolicy: Never, containers: [{ name: sql, image: registry.example/sql:1 }] }`;

const container = "containers: [{ name: app, image: registry.example/web:1 }]";

interface Row {
  manifest: string;
  state: "Waiting" | "Failed";
  /** What stands on the profile, POD being the name of the pod. */
  want: string;
}

const rows: Record<string, Row> = {
  "an image that does not exist": {
    manifest: deployment("{ containers: [{ name: app, image: registry.example/web:missing }] }"),
    state: "Waiting",
    want: "Deployment web 0/1: Pod POD ImagePullBackOff: registry.example/web:missing: not found",
  },
  "a container that ends again and again": {
    manifest: deployment(`{ ${container} }`, "test.strata.dev/fault: crash-loop"),
    state: "Waiting",
    want: "Deployment web 0/1: Pod POD CrashLoopBackOff: container app exited with code 1, 3 restarts",
  },
  "a container that needs more memory than it may have": {
    manifest: deployment(
      "{ containers: [{ name: app, image: registry.example/web:1, resources: { limits: { memory: 64Mi } } }] }",
      "test.strata.dev/fault: oom",
    ),
    state: "Waiting",
    want: "Deployment web 0/1: Pod POD OOMKilled: container app exceeded its memory limit of 64Mi, 3 restarts",
  },
  "a pod that no node takes": {
    manifest: deployment(`{ nodeSelector: { disk: nvme }, ${container} }`),
    state: "Waiting",
    want: "Deployment web 0/1: Pod POD unschedulable: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector",
  },
  "a pod that asks for more than any node has": {
    manifest: deployment(
      "{ containers: [{ name: app, image: registry.example/web:1, resources: { requests: { memory: 4Ti } } }] }",
    ),
    state: "Waiting",
    want: "Deployment web 0/1: Pod POD unschedulable: 0/2 nodes are available: 2 Insufficient memory",
  },
  "a Job whose pod fails": {
    manifest: job,
    state: "Failed",
    want: "Job migrate failed: BackoffLimitExceeded: Job has reached the specified backoff limit; Pod POD: container sql exited with code 1",
  },
};

let count = 0;

test.for(Object.entries(rows))("%s is named on the profile, word for word", async ([, { manifest, state, want }]) => {
  count += 1;
  const name = `culprit-${count}`;
  await apply(
    hub,
    `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: { name: ${name}, namespace: acme }
spec:
  clusterRefs: [{ name: local }]
  layers:
    - name: web
      namespace: ${name}
      manifests:
        - inline: |${manifest}`,
  );
  const path = pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
  // The sentence grows with what is seen around the object, until it names the pod.
  const pattern = new RegExp(`^${want.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace("POD", "(?<pod>\\S+)")}$`);
  const seen = await waitUntil(hub, path, {
    what: want,
    is: (object) => layerOf(object, "web")?.state === state && pattern.test(layerOf(object, "web").message),
  });
  const message: string = layerOf(seen, "web").message;
  expect(condition(seen, "Ready")).toMatchObject({ status: "False", message });
  expect(seen.status.summary).toEqual({ clusters: "0/1", layer: "web", message });
  const pods = (await hub.kubectlOk(["get", "pods", "-n", name, "-o", "name"])).trim().split("\n");
  expect(pods).toContain(`pod/${pattern.exec(message)?.groups?.["pod"]}`);
  const table = await hub.kubectlOk(["get", "-n", "acme", `sap/${name}`, "--no-headers"]);
  expect(table).toContain(message);
});
