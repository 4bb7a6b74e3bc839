import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { apply, condition, layerOf, pathOf, trustedTenant, waitUntil } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { startWebhook, type Webhook } from "../support/webhook.ts";

let hub: ControlPlane;
let strata: StrataProcess;
let webhook: Webhook;

const UNSIGNED = "image registry.example/web:1 is not signed";

beforeAll(async () => {
  webhook = await startWebhook(() => UNSIGNED);
  hub = await startControlPlane({ name: "culprits" });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
  await webhook?.stop();
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

const database = (storageClass: string): string => `
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: { name: db }
            spec:
              serviceName: db
              selector: { matchLabels: { app: db } }
              template: { metadata: { labels: { app: db } }, spec: { ${container} } }
              volumeClaimTemplates:
                - metadata: { name: data }
                  spec: { ${storageClass} accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }`;

const claim = `
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: { name: data }
            spec: { storageClassName: fast, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }`;

/** The platform team's limit, there before the profile is. */
async function limited(namespace: string): Promise<void> {
  const hard = { "requests.memory": "1Gi" };
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "small", namespace }, spec: { hard } };
  await apply(hub, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, quota);
  const path = pathOf("v1", "resourcequotas", `${namespace}/small`);
  await waitUntil(hub, path, { what: "counted", is: (live) => live?.status?.used?.["requests.memory"] !== undefined });
}

/** A webhook that takes no object of `resource` in the namespace; resolves when the API server asks it. */
async function guarded(namespace: string, { group, resource }: { group: string; resource: string }): Promise<void> {
  const name = `images.${resource}.example`;
  const rules = [{ apiGroups: [group], apiVersions: ["v1"], operations: ["CREATE"], resources: [resource] }];
  await apply(
    hub,
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name },
      webhooks: [
        {
          name,
          rules,
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
          clientConfig: { url: webhook.url, caBundle: webhook.caBundle },
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        },
      ],
    },
  );
  const spec = { selector: { matchLabels: { a: "b" } }, template: { metadata: { labels: { a: "b" } }, spec: pod } };
  const probe =
    resource === "pods"
      ? { apiVersion: "v1", kind: "Pod", spec: pod }
      : { apiVersion: "apps/v1", kind: "Deployment", spec };
  const create = ["create", "--dry-run=server", "-n", namespace, "-f", "-"];
  const input = JSON.stringify({ ...probe, metadata: { name: "probe" } });
  await expect.poll(async () => (await hub.kubectl(create, { input })).stderr, { timeout: 60_000 }).toContain(UNSIGNED);
}

const pod = { containers: [{ name: "app", image: "registry.example/web:1" }] };

interface Row {
  /** What there is before the profile. */
  before?: (namespace: string) => Promise<void>;
  manifest: string;
  state: "Waiting" | "Failed";
  /** What stands on the profile, POD being the name of the pod, and NAMESPACE that of the layer. */
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
  "a claim that nobody can bind": {
    manifest: `${claim}
            ---${deployment(`{ ${container}, volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }] }`)}`,
    state: "Waiting",
    want: 'PersistentVolumeClaim data is not bound yet: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found (and 1 more)',
  },
  "a claim of a StatefulSet, which names a class that does not exist": {
    manifest: database("storageClassName: fast,"),
    state: "Waiting",
    want: 'StatefulSet db 0/1: Pod POD unschedulable: PersistentVolumeClaim data-db-0 ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
  },
  "a claim without a class, where there is no default one": {
    manifest: database(""),
    state: "Waiting",
    want: "StatefulSet db 0/1: Pod POD unschedulable: PersistentVolumeClaim data-db-0 FailedBinding: no persistent volumes available for this claim and no storage class is set",
  },
  "a probe that fails": {
    manifest: deployment(`{ ${container} }`, "test.strata.dev/fault: not-ready"),
    state: "Waiting",
    want: "Deployment web 0/1: Pod POD not ready: Readiness probe failed: HTTP probe failed with statuscode: 503",
  },
  "a quota that is used up": {
    before: limited,
    manifest: deployment(
      "{ containers: [{ name: app, image: registry.example/web:1, resources: { requests: { memory: 2Gi } } }] }",
    ),
    state: "Waiting",
    want: "Deployment web 0/1: cannot create pods: exceeded quota: small, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi",
  },
  "a webhook that refuses the pods": {
    before: (namespace) => guarded(namespace, { group: "", resource: "pods" }),
    manifest: deployment(`{ ${container} }`),
    state: "Waiting",
    want: `Deployment web 0/1: cannot create pods: admission webhook "images.pods.example" denied the request: ${UNSIGNED}`,
  },
  "a webhook that refuses the Deployment itself": {
    before: (namespace) => guarded(namespace, { group: "apps", resource: "deployments" }),
    manifest: deployment(`{ ${container} }`),
    state: "Failed",
    want: `Deployment NAMESPACE/web: admission webhook "images.deployments.example" denied the request: ${UNSIGNED}`,
  },
  "a ConfigMap that is missing, whose keys are variables of a container": {
    manifest: deployment(
      "{ containers: [{ name: app, image: registry.example/web:1, envFrom: [{ configMapRef: { name: settings } }] }] }",
      "test.strata.dev/fault: missing-env",
    ),
    state: "Waiting",
    want: 'Deployment web 0/1: Pod POD CreateContainerConfigError: container app: configmap "settings" not found',
  },
  "a ConfigMap that is missing, which is mounted": {
    manifest: deployment(
      `{ ${container}, volumes: [{ name: settings, configMap: { name: settings } }] }`,
      "test.strata.dev/fault: missing-volume",
    ),
    state: "Waiting",
    want: 'Deployment web 0/1: Pod POD FailedMount: MountVolume.SetUp failed for volume "settings": configmap "settings" not found',
  },
  "a Job whose pod fails": {
    manifest: job,
    state: "Failed",
    want: "Job migrate failed: BackoffLimitExceeded: Job has reached the specified backoff limit; Pod POD: container sql exited with code 1",
  },
};

let count = 0;

// A node of kind does not reach a server on this machine's loopback.
const onKind = process.env["STRATA_E2E_KIND"] !== undefined;
const stories = Object.entries(rows).filter(([name]) => !onKind || !name.includes("webhook"));

test.for(stories)("%s is named on the profile, word for word", async ([, { before, manifest, state, want }]) => {
  count += 1;
  const name = `culprit-${count}`;
  await before?.(name);
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
  const words = want.replace("NAMESPACE", name).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^${words.replace("POD", "(?<pod>\\S+)")}$`);
  const seen = await waitUntil(hub, path, {
    what: want,
    is: (object) => layerOf(object, "web")?.state === state && pattern.test(layerOf(object, "web").message),
  });
  const message: string = layerOf(seen, "web").message;
  expect(condition(seen, "Ready")).toMatchObject({ status: "False", message });
  expect(seen.status.summary).toEqual({ clusters: "0/1", layer: "web", message });
  const pods = (await hub.kubectlOk(["get", "pods", "-n", name, "-o", "name"])).trim().split("\n");
  const named = pattern.exec(message)?.groups?.["pod"];
  if (named) expect(pods).toContain(`pod/${named}`);
  const table = await hub.kubectlOk(["get", "-n", "acme", `sap/${name}`, "--no-headers"]);
  expect(table).toContain(message);
});
