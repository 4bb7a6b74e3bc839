import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ArgoHealth, argoHealth, type Recorded, writeRecorded } from "../support/argocd.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  condition,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataProcess } from "../support/strata.ts";

const PLURALS = {
  AddOnProfile: "addonprofiles",
  ClusterProfile: "clusterprofiles",
  SystemProfile: "systemprofiles",
  ProfileDeployment: "profiledeployments",
  TargetCluster: "targetclusters",
  Registry: "registries",
} as const;

const CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));

let hub: ControlPlane;
let strata: StrataProcess;
let charts: ChartRepo;
const recorded: Recorded[] = [];

beforeAll(async () => {
  charts = await startChartRepo(CHARTS, ({ url }, response) => {
    if (!url?.startsWith("/nowhere")) return false;
    response.writeHead(404).end();
    return true;
  });
  hub = await startControlPlane({ name: "argocd" });
  const home = await prepareHub(hub, ["--set", "systemProfiles.clusterRole=cluster-admin"]);
  await trustedTenant(hub, "acme");
  await apply(hub, profile("early", [configMap("early")]));
  await shown("a profile before Strata has seen it", await read(hub, path("AddOnProfile", "early")), {
    status: "Progressing",
    message: "waiting for Strata to see it",
  });
  strata = await home.start();
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), charts?.stop()]);
  // The statuses that test/integration/argocd-health.test.ts reads, where no control plane is needed.
  if (process.env["STRATA_RECORD"]) await writeRecorded(recorded);
});

function path(kind: keyof typeof PLURALS, name: string): string {
  return pathOf("strata.dev/v1alpha1", PLURALS[kind], kind === "SystemProfile" ? name : `acme/${name}`);
}

/** What the health script says of a live object; kept for the tests without a control plane. */
async function shown(name: string, live: Live, want: ArgoHealth): Promise<void> {
  const { managedFields: _, ...metadata } = live.metadata;
  const object = { ...live, metadata };
  expect(await argoHealth([object])).toEqual([want]);
  recorded.push({ name, want, object });
}

const until = (kind: keyof typeof PLURALS, name: string, is: (live: Live) => boolean): Promise<Live> =>
  waitUntil(hub, path(kind, name), { what: "as told", is });

function profile(name: string, layers: readonly object[], { kind = "AddOnProfile", ...spec }: Live = {}): Live {
  const metadata = { name, ...(kind === "SystemProfile" ? {} : { namespace: "acme" }) };
  const targets = { clusterRefs: [{ name: "local" }], namespace: "acme" };
  return { apiVersion: "strata.dev/v1alpha1", kind, metadata, spec: { ...targets, ...spec, layers } };
}

const configMap = (name: string, fields: object = {}): Live => ({
  name: "settings",
  manifests: [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "b" } } }],
  ...fields,
});

function pods(kind: string, name: string, { spec, labels, ...fields }: Live): Live {
  const template = { metadata: { labels: { app: name, ...labels } }, spec };
  const selector = kind === "Job" ? { backoffLimit: 0 } : { selector: { matchLabels: { app: name } } };
  const apiVersion = kind === "Job" ? "batch/v1" : "apps/v1";
  const object = { apiVersion, kind, metadata: { name, labels: { app: name } }, spec: { ...selector, template } };
  return { name: "web", manifests: [{ object }], ...fields };
}

const missing = { containers: [{ name: "app", image: "registry.example/web:missing" }] };

test("a Ready profile is Healthy, and so is its deployment", async () => {
  await shown("a Ready profile", await until("AddOnProfile", "early", isReady), {
    status: "Healthy",
    message: "all layers are Ready",
  });
  const { items } = await read(hub, path("ProfileDeployment", "x").replace(/\/x$/, ""));
  const found = items.find(({ spec }: Live) => spec.profileRef.name === "early");
  const deployment = { apiVersion: "strata.dev/v1alpha1", kind: "ProfileDeployment", ...found };
  await shown("the deployment of a Ready profile", deployment, { status: "Healthy", message: "all layers are Ready" });
});

test("a change that Strata has not seen is Progressing, although Ready is still True", async () => {
  strata.signal("SIGSTOP");
  try {
    await apply(hub, profile("early", [configMap("early", { timeout: "7m" })]));
    const live = await read(hub, path("AddOnProfile", "early"));
    expect(condition(live, "Ready").status).toBe("True");
    await shown("a profile that was changed just now", live, {
      status: "Progressing",
      message: "waiting for Strata to see it",
    });
  } finally {
    strata.signal("SIGCONT");
  }
  await until("AddOnProfile", "early", isReady);
});

test("a layer that waits is Progressing and names the culprit, and Degraded after its timeout", async () => {
  await apply(hub, profile("late", [pods("Deployment", "late", { spec: missing })]));
  const waits = await until("AddOnProfile", "late", (live) => /ImagePullBackOff/.test(layerOf(live, "web")?.message));
  const { message } = layerOf(waits, "web");
  await shown("a profile whose image does not exist", waits, { status: "Progressing", message });

  await apply(hub, profile("late", [pods("Deployment", "late", { spec: missing, timeout: "1s" })]));
  const late = await until(
    "AddOnProfile",
    "late",
    (live) => condition(live, "Ready")?.reason === "Timeout" && /ImagePullBackOff/.test(layerOf(live, "web").message),
  );
  await shown("a profile that is late", late, { status: "Degraded", message: `not ready after 1s: ${message}` });
});

test("what has failed is Degraded", async () => {
  const spec = {
    restartPolicy: "Never",
    containers: missing.containers.map((one) => ({ ...one, image: "a.example/b:1" })),
  };
  await apply(
    hub,
    profile("failed", [pods("Job", "failed", { spec, labels: { "test.strata.dev/fault": "job-failed" } })]),
  );
  const failed = await until("AddOnProfile", "failed", (live) => condition(live, "Ready")?.reason === "Unhealthy");
  await shown("a profile whose Job failed", failed, { status: "Degraded", message: layerOf(failed, "web").message });
});

test("what only a person can mend is Degraded", async () => {
  const namespaceless = { ...profile("stalled", [configMap("stalled")]) };
  namespaceless.spec.namespace = undefined;
  await apply(hub, namespaceless);
  const stalled = await until("AddOnProfile", "stalled", (live) => condition(live, "Stalled")?.status === "True");
  await shown("a profile that only a person can mend", stalled, {
    status: "Degraded",
    message: "ConfigMap stalled has no namespace: set it on the object, on layer settings, or as spec.namespace",
  });
});

const suspension = (live: Live) => isReady(live) && condition(live, "Suspended")?.status === "True";

test("a suspended profile is Suspended; one with a suspended layer stays Healthy and says so", async () => {
  const layers = [configMap("paused"), { ...configMap("paused-too"), name: "other" }];
  await apply(hub, profile("paused", layers));
  await until("AddOnProfile", "paused", isReady);
  await apply(hub, profile("paused", [layers[0], { ...layers[1], suspend: true }]));
  await shown("a profile with a suspended layer", await until("AddOnProfile", "paused", suspension), {
    status: "Healthy",
    message: "all layers are Ready; left as it is: layer other",
  });

  await apply(hub, profile("paused", layers, { suspend: true }));
  const whole = await until("AddOnProfile", "paused", (live) => suspension(live) && live.spec.suspend === true);
  await shown("a suspended profile", whole, {
    status: "Suspended",
    message: "the profile is suspended: all its layers are left as they are",
  });
});

test("a ClusterProfile without core layers and a SystemProfile are as Healthy as they are Ready", async () => {
  await apply(hub, profile("base", [configMap("base")], { kind: "ClusterProfile" }));
  const base = await until("ClusterProfile", "base", isReady);
  expect(condition(base, "CoreLayersComplete").status).toBe("False");
  const healthy = { status: "Healthy", message: "all layers are Ready" };
  await shown("a ClusterProfile that lacks core layers", base, healthy);

  await apply(hub, profile("edge", [configMap("edge")], { kind: "SystemProfile" }));
  await shown("a SystemProfile", await until("SystemProfile", "edge", isReady), healthy);
});

test("a TargetCluster is Progressing until it first answers, and Degraded when it is lost", async () => {
  const spec = { connection: { kubeconfigSecretRef: { name: "oslo" } } };
  await apply(hub, {
    apiVersion: "strata.dev/v1alpha1",
    kind: "TargetCluster",
    metadata: { name: "oslo", namespace: "acme" },
    spec,
  });
  const unready = (live: Live) => condition(live, "Ready")?.status === "False";
  const message = "Secret acme/oslo does not exist";
  await shown("a TargetCluster that never answered", await until("TargetCluster", "oslo", unready), {
    status: "Progressing",
    message,
  });

  const stringData = { kubeconfig: hub.kubeconfig };
  await apply(hub, { apiVersion: "v1", kind: "Secret", metadata: { name: "oslo", namespace: "acme" }, stringData });
  const live = await until("TargetCluster", "oslo", isReady);
  await shown("a TargetCluster", live, { status: "Healthy", message: condition(live, "Ready").message });

  await hub.kubectlOk(["delete", "secret", "oslo", "-n", "acme"]);
  await shown("a TargetCluster that is lost", await until("TargetCluster", "oslo", unready), {
    status: "Degraded",
    message,
  });
});

test("a Registry is Healthy when it answers, and Degraded when it does not", async () => {
  const registry = (name: string, url: string): Live => ({
    apiVersion: "strata.dev/v1alpha1",
    kind: "Registry",
    metadata: { name, namespace: "acme" },
    spec: { type: "Helm", url },
  });
  await apply(hub, registry("charts", charts.url), registry("nowhere", `${charts.url}/nowhere`));
  const ready = await until("Registry", "charts", isReady);
  await shown("a Registry", ready, { status: "Healthy", message: "the registry answers" });
  const away = await until("Registry", "nowhere", (live) => condition(live, "Ready")?.status === "False");
  await shown("a Registry that does not answer", away, {
    status: "Degraded",
    message: condition(away, "Ready").message,
  });
});
