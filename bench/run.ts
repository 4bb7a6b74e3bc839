/**
 * `npm run bench`: five ordered layers of 100 objects each, brought to all Ready in one run by Strata, by a bare apply loop
 * that waits for each layer (the floor) and by `kubectl apply --server-side` that waits for nothing. Figures are ratios of one
 * run on one machine; nothing here is a test.
 */
import { accessOf } from "../src/kube/access.ts";
import { connect, type KubeClient } from "../src/kube/client.ts";
import { coreResource, type Resource } from "../src/kube/resource.ts";
import type { KubeObject } from "../src/objects/types.ts";
import { type ControlPlane, startControlPlane } from "../test/support/controlplane.ts";
import { startStrata } from "../test/support/strata.ts";
import { deployments, LAYERS, layerObjects } from "./layers.ts";
import { measure, print } from "./measure.ts";

const RESOURCES: Readonly<Record<string, Resource>> = {
  ServiceAccount: coreResource("ServiceAccount", "serviceaccounts", true),
  ConfigMap: coreResource("ConfigMap", "configmaps", true),
  Service: coreResource("Service", "services", true),
  Deployment: { ...coreResource("Deployment", "deployments", true), group: "apps" },
};

const { signal } = new AbortController();
await using plane = await startControlPlane({ name: "bench", nodes: 1 });
const strata = await startStrata(plane);
const rows = [
  await measure(plane, { name: "bare apply loop that waits (the floor)", namespace: "floor" }, () =>
    withClient(applyAndWait),
  ),
  await measure(plane, { name: "Strata, first apply", namespace: "strata" }, () => byStrata("1")),
  await measure(plane, { name: "Strata, one value changed in each layer", namespace: "strata" }, () => byStrata("2")),
  await measure(plane, { name: "kubectl apply --server-side, waits for nothing", namespace: "kubectl" }, byKubectl),
];
print(`${LAYERS} ordered layers of 100 objects, to all Ready`, rows);
await strata.terminate();

async function withClient(work: (client: KubeClient, plane: ControlPlane) => Promise<void>): Promise<void> {
  const { server, caPem, admin } = plane;
  await using client = connect(
    accessOf({ server, caPem, clientCert: { certPem: admin.certPem, keyPem: admin.keyPem } }),
  );
  await work(client, plane);
}

async function applyAndWait(client: KubeClient): Promise<void> {
  for (let layer = 0; layer < LAYERS; layer++) {
    const objects = layerObjects(layer, "floor", "1");
    await Promise.all(
      objects.map((object) => client.apply(resourceOf(object), object, { manager: "floor", force: true, signal })),
    );
    const waits = deployments(layer).map((name) => `deployment/${name}`);
    await plane.kubectlOk(["wait", "-n", "floor", "--for=condition=Available", "--timeout=120s", ...waits]);
  }
}

async function byStrata(value: string): Promise<void> {
  const layers = Array.from({ length: LAYERS }, (_, layer) => ({
    name: `layer-${layer}`,
    manifests: layerObjects(layer, "strata", value).map((object) => ({ object })),
  }));
  const profile = {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "bench", namespace: "strata" },
    spec: { clusterRefs: [{ name: "local" }], namespace: "strata", layers },
  };
  await plane.kubectlOk(["apply", "--server-side", "-f", "-"], { input: JSON.stringify(profile) });
  await plane.kubectlOk(["wait", "-n", "strata", "sap/bench", "--for=condition=Ready", "--timeout=120s"]);
}

async function byKubectl(): Promise<void> {
  for (let layer = 0; layer < LAYERS; layer++) {
    const input = layerObjects(layer, "kubectl", "1")
      .map((object) => JSON.stringify(object))
      .join("\n---\n");
    await plane.kubectlOk(["apply", "--server-side", "--validate=false", "-f", "-"], { input });
  }
}

function resourceOf({ kind }: KubeObject): Resource {
  const resource = RESOURCES[kind];
  if (!resource) throw new Error(`no resource for ${kind}`);
  return resource;
}
