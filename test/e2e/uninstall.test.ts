import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { helm } from "../support/helm.ts";
import { accountKubeconfig, CHART_FOLDER } from "../support/install.ts";
import { fence, strataRequests } from "../support/ledger.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  auditMark,
  isReady,
  type Live,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
} from "../support/stories.ts";
import { homeWith, type StrataProcess } from "../support/strata.ts";

const CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));
const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/web");
const REGISTRY = pathOf("strata.dev/v1alpha1", "registries", "strata-system/public");

let hub: ControlPlane;
let charts: ChartRepo;
let strata: StrataProcess;

const run = (...args: string[]): Promise<string> =>
  helm([...args, "--namespace", "strata-system"], { home: hub.dataDir, kubeconfigPath: hub.kubeconfigPath });

/** As a person does it, save that Strata then runs as a process of the test: no Pod of a test plane runs anything. */
async function install(): Promise<StrataProcess> {
  const shared = JSON.stringify({ public: { type: "Helm", url: charts.url } });
  await run(
    "install",
    "strata",
    CHART_FOLDER,
    "--create-namespace",
    "--set=replicas=0",
    `--set-json=registries=${shared}`,
  );
  await hub.kubectlOk(["wait", "crd", "--all", "--for=condition=Established", "--timeout=60s"]);
  const home = await homeWith(hub, await accountKubeconfig(hub));
  return await home.start();
}

beforeAll(async () => {
  [charts, hub] = await Promise.all([startChartRepo(CHARTS), startControlPlane({ name: "uninstall", nodes: 1 })]);
  strata = await install();
  await trustedTenant(hub, "acme");
}, 240_000);

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), charts?.stop()]);
});

const object = (apiVersion: string, kind: string, rest: Live): Live => ({
  object: { apiVersion, kind, metadata: { name: "web" }, ...rest },
});
const containers = [{ name: "web", image: "registry.example/web:1" }];
const profile: Live = {
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name: "web", namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "local" }],
    layers: [
      {
        name: "web",
        namespace: "web",
        manifests: [
          object("v1", "ConfigMap", { data: { key: "value" } }),
          object("apps/v1", "Deployment", {
            spec: {
              selector: { matchLabels: { app: "web" } },
              template: { metadata: { labels: { app: "web" } }, spec: { containers } },
            },
          }),
        ],
      },
      {
        name: "shop",
        namespace: "shop",
        helm: { registryRef: { name: "public" }, chart: "shop", version: "1.2.x" },
        crds: "Skip",
      },
    ],
  },
};

/** A profile that comes meanwhile, and makes Strata try. */
const late: Live = {
  ...profile,
  metadata: { name: "late", namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "local" }],
    layers: [
      {
        name: "late",
        manifests: [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "late", namespace: "acme" } } }],
      },
    ],
  },
};

const isOfHelm = (labels: Record<string, string>): boolean =>
  labels["app.kubernetes.io/managed-by"] === "Helm" || labels["owner"] === "helm";

/** Uid and version of every object that must be as it was: a write by anybody would show. */
async function versions(): Promise<Record<string, string>> {
  const kinds = "sap,spd,sreg,namespaces,configmaps,secrets,services,deployments,replicasets,pods";
  const { items } = JSON.parse(await hub.kubectlOk(["get", kinds, "-A", "-o", "json"]));
  const isKept = ({ kind, metadata: { name, namespace = name, labels = {} } }: Live): boolean =>
    ["web", "shop"].includes(namespace) ||
    ["AddOnProfile", "ProfileDeployment", "Registry"].includes(kind) ||
    // What Strata remembers, and not what helm does.
    (namespace === "strata-system" && ["ConfigMap", "Secret"].includes(kind) && !isOfHelm(labels));
  const own = (items as Live[]).filter((one) => isKept(one) && one.metadata.name !== "late");
  return Object.fromEntries(
    own.map(({ kind, metadata: { namespace = "", name, uid, resourceVersion } }) => [
      `${kind} ${namespace}/${name}`,
      `${uid} ${resourceVersion}`,
    ]),
  );
}

test("helm uninstall touches no workload and loses no profile, and another install writes to none", async () => {
  await apply(hub, profile);
  await untilReady(hub, PROFILE);
  await untilReady(hub, REGISTRY);
  await fence(hub, "fence-before");
  const before = await versions();
  expect(Object.keys(before)).toEqual(
    expect.arrayContaining([
      "AddOnProfile acme/web",
      "ConfigMap web/web",
      "Deployment web/web",
      "Registry strata-system/public",
    ]),
  );
  const mark = await auditMark(hub);

  // Strata runs on while its rights go, as its Pod does for a while: that is the worst that can happen.
  await run("uninstall", "strata", "--wait");
  const isRefused = async (): Promise<boolean> =>
    (await strataRequests(hub, mark)).some(({ responseStatus }) => [401, 403].includes(responseStatus?.code ?? 0));
  await apply(hub, late);
  await expect.poll(isRefused, { timeout: 60_000 }).toBe(true);
  await strata.terminate();
  expect(await strataWrites(hub, mark, { accepted: true })).toEqual([]);
  expect(await versions()).toEqual(before);

  strata = await install();
  const isAnother = await fence(hub, "late");
  expect((await strataWrites(hub, mark, { accepted: true })).filter((write) => !isAnother(write))).toEqual([]);
  const after = await versions();
  const moved = Object.keys(before).filter((name) => after[name] !== before[name]);
  expect(moved).toEqual([]);
  expect(isReady(await read(hub, PROFILE))).toBe(true);
});
