import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { helm } from "../support/helm.ts";
import { CHART_FOLDER } from "../support/install.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import { type Grant, grantsOf, grantText, refusals, unusedGrants, usedRights } from "../support/rights.ts";
import { apply, auditMark, type Live, pathOf, trustedTenant, untilReady, waitUntil } from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

const CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));
const ACCOUNT = "system:serviceaccount:strata-system:strata";
const FLUX = "source.toolkit.fluxcd.io";
const FLUX_KINDS = ["GitRepository", "OCIRepository", "Bucket", "ExternalArtifact"];

/** Each need has a namespace of its own, so that what one grant allowed is not taken for the use of another. */
const BOUNDED = [
  "--set=impersonation.namespaces={acme}",
  "--set=targets.namespaces={clusters}",
  "--set=systemProfiles.namespaces={platform}",
  "--set=systemProfiles.clusterRole=cluster-admin",
  `--set-json=registries=${JSON.stringify({ public: { type: "Helm", url: "https://charts.example.test" } })}`,
];

/** Granted, and not used in the story of this file. Each says when it is used, or it has to go. */
const KEPT: readonly { grant: string; because: string }[] = [
  {
    grant: "Role strata: list leases.coordination.k8s.io in strata-system",
    because: "who stands by reads the Lease anew after its watch broke off",
  },
];

/** Asked for and not granted, on purpose. */
const REFUSED: readonly { request: string; because: string }[] = [
  {
    request: "create /api/v1/namespaces",
    because: "strata-system is made in targets; on the hub it is there, and a refusal is as good as a conflict",
  },
];

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let charts: ChartRepo;
let grants: readonly Grant[];

beforeAll(async () => {
  charts = await startChartRepo(CHARTS);
  hub = await startControlPlane({ name: "rights", nodes: 1 });
  await trustedTenant(hub, "acme");
  for (const namespace of ["clusters", "platform"]) await hub.kubectlOk(["create", "namespace", namespace]);
  home = await prepareHub(hub, BOUNDED);
  const rendering = helm(["template", "strata", CHART_FOLDER, "--namespace", "strata-system", ...BOUNDED], {
    home: hub.dataDir,
  });
  grants = grantsOf(await rendering, { name: "strata", namespace: "strata-system" });
  strata = await home.start();
}, 240_000);

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), charts?.stop()]);
});

const strataObject = (kind: string, name: string, spec: Live): Live => {
  const [namespace, own] = name.includes("/") ? name.split("/") : [undefined, name];
  return { apiVersion: "strata.dev/v1alpha1", kind, metadata: { name: own, ...(namespace && { namespace }) }, spec };
};
const configMap = (name: string, namespace?: string, data: Live = {}): Live => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...(namespace && { namespace }) },
  data,
});
const secret = (name: string, namespace: string, stringData: Live): Live => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace },
  stringData,
});
const ours = (resource: string, name: string): string => pathOf("strata.dev/v1alpha1", resource, name);

const settled = (path: string): Promise<Live> => untilReady(hub, path);
const gone = (path: string): Promise<Live> =>
  waitUntil(hub, path, { what: "gone", is: (object) => object === undefined });

function fluxCrd(kind: string): Live {
  const singular = kind.toLowerCase();
  const plural = kind.endsWith("y") ? `${singular.slice(0, -1)}ies` : `${singular}s`;
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${FLUX}` },
    spec: {
      group: FLUX,
      scope: "Namespaced",
      names: { plural, singular, kind, listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

/** The list of Registries as another `helm upgrade` leaves it. */
async function list(specs: Record<string, object | null>): Promise<void> {
  const data = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, spec && JSON.stringify(spec)]));
  const where = ["configmap", "strata-registries", "-n", "strata-system"];
  await hub.kubectlOk(["patch", ...where, "--type=merge", "-p", JSON.stringify({ data })]);
}

const chart = (title: string): Live => ({
  name: "shop",
  namespace: "shop",
  helm: { repo: charts.url, chart: "shop", version: "1.2.x" },
  values: { config: { value: title } },
  crds: "Skip",
});
const addOn = (title: string): Live =>
  strataObject("AddOnProfile", "acme/web", {
    clusterRefs: [{ name: "local" }],
    layers: [
      { name: "settings", namespace: "acme", manifests: [{ object: configMap("settings", undefined, { title }) }] },
      chart(title),
    ],
  });
const onTarget = strataObject("ClusterProfile", "clusters/base", {
  clusterRefs: [{ name: "self" }],
  namespace: "base",
  layers: [{ name: "base", manifests: [{ object: configMap("base") }] }],
});
const system = (name: string, manifests: Live[]): Live =>
  strataObject("SystemProfile", name, {
    clusterRefs: [{ name: "local" }],
    namespace: "edge",
    layers: [{ name, manifests }],
  });

async function everythingComes(): Promise<void> {
  await apply(hub, ...FLUX_KINDS.map(fluxCrd));
  const login = { username: "me", password: "s3cret" };
  const refused = { type: "Helm", url: "https://127.0.0.1:1", secretRef: { name: "login" } };
  const bound = { namespace: "platform" };
  await apply(
    hub,
    secret("self", "clusters", { kubeconfig: hub.kubeconfig }),
    strataObject("TargetCluster", "clusters/self", { connection: { kubeconfigSecretRef: { name: "self" } } }),
    onTarget,
    secret("login", "acme", login),
    strataObject("Registry", "acme/own", refused),
    secret("login", "strata-system", login),
    strataObject("Registry", "strata-system/private", refused),
    addOn("first"),
    configMap("apps", "platform", { "app.yaml": JSON.stringify(configMap("app")) }),
    secret("apps", "platform", { "key.yaml": JSON.stringify(configMap("key")) }),
    system("bootstrap", [{ configMapRef: { name: "apps", ...bound } }, { secretRef: { name: "apps", ...bound } }]),
  );
  await settled(ours("clusterprofiles", "clusters/base"));
  await settled(ours("addonprofiles", "acme/web"));
  await settled(ours("systemprofiles", "bootstrap"));
  // It waits for ever, and everything that came to the cluster after it would wait for it.
  const sources = FLUX_KINDS.map((kind) => ({ sourceRef: { kind, name: "apps", ...bound } }));
  await apply(hub, system("flux", sources));
  await waitUntil(hub, ours("systemprofiles", "flux"), {
    what: "waiting for its sources",
    is: (live) => /does not exist/.test(live?.status?.layers?.[0]?.message ?? ""),
  });
}

async function everythingChanges(): Promise<void> {
  await apply(hub, addOn("second"));
  await settled(ours("addonprofiles", "acme/web"));
  const url = "https://other.example.test";
  await list({ public: { type: "Helm", url } });
  await waitUntil(hub, ours("registries", "strata-system/public"), {
    what: "changed",
    is: (it) => it?.spec.url === url,
  });
}

/** All connections break: each watch looks whether the server behind it is still the one that it was. */
async function theHubRestarts(): Promise<void> {
  await hub.stopApiServer();
  await hub.startApiServer();
  await apply(hub, addOn("third"));
  await settled(ours("addonprofiles", "acme/web"));
  // An API server that has just started knows no roles for a moment: a watch that it refused comes again in a while.
  const lists = async (): Promise<string[]> => (await unused()).filter((text) => /: list /.test(text));
  await expect.poll(lists, { timeout: 100_000, interval: 1_000 }).toEqual(KEPT.map(({ grant }) => grant));
}

async function unused(): Promise<string[]> {
  return unusedGrants(grants, usedRights(await hub.auditEvents(), ACCOUNT)).map(grantText);
}

/** Two replicas: one leads, the other follows the Lease, which somebody had deleted. */
async function anotherStandsBy(): Promise<void> {
  await strata.terminate();
  await hub.kubectlOk(["delete", "lease", "strata", "-n", "strata-system"]);
  const env = { STRATA_LEADER_ELECTION: "true" };
  strata = await home.start(env);
  await using _second = await home.start(env);
  const verbs = async (): Promise<string[]> => {
    const used = usedRights(await hub.auditEvents(), ACCOUNT).filter(({ resource }) => resource === "leases");
    return [...new Set(used.map(({ verb }) => verb))].sort();
  };
  await expect.poll(verbs, { timeout: 60_000, interval: 1_000 }).toEqual(["create", "get", "patch", "watch"]);
}

async function everythingGoes(): Promise<void> {
  await list({ public: null });
  await gone(ours("registries", "strata-system/public"));
  await hub.kubectlOk(["delete", "sap,scp", "--all", "-A", "--wait=false"]);
  await hub.kubectlOk(["delete", "ssp", "--all", "--wait=false"]);
  await gone(ours("addonprofiles", "acme/web"));
  await gone(ours("clusterprofiles", "clusters/base"));
  for (const name of ["bootstrap", "flux"]) await gone(ours("systemprofiles", name));
}

test("all that Strata does on a hub is done once, with the chart's rights", async () => {
  await everythingComes();
  await everythingChanges();
  const before = await hub.auditEvents();
  await theHubRestarts();
  const restarted = await auditMark(hub);
  await everythingGoes();
  await anotherStandsBy();
  // The first answers of an API server that has just started are left out: it refuses everybody.
  const refused = refusals([...before, ...(await hub.auditEvents()).slice(restarted)], ACCOUNT);
  expect(refused, "used, but not granted").toEqual(REFUSED.map(({ request }) => request));
}, 400_000);

test("every right that the chart grants was used, or has its reason", async () => {
  expect(grants.length).toBeGreaterThan(40);
  expect(await unused(), "granted, but not used").toEqual(KEPT.map(({ grant }) => grant));
});
