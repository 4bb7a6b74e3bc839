import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import {
  apply,
  auditMark,
  condition,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const BASE = pathOf("strata.dev/v1alpha1", "clusterprofiles", "acme/base");
const target = (name: string): string => pathOf("strata.dev/v1alpha1", "targetclusters", name);
const addOn = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

let hub: ControlPlane;
let oslo: ControlPlane;
let bergen: ControlPlane;
let strata: StrataProcess;
/** Between Strata and the cluster oslo. */
let network: TcpProxy;

beforeAll(async () => {
  [hub, oslo, bergen] = (await Promise.all(
    ["hub", "oslo", "bergen"].map((name) => startControlPlane({ name, controllers: false })),
  )) as [ControlPlane, ControlPlane, ControlPlane];
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  await trustedTenant(hub, "beta");
  network = await startTcpProxy(Number(new URL(oslo.server).port));
  const overTheNetwork = oslo.kubeconfig.replace(oslo.server, `https://127.0.0.1:${network.port}`);
  await apply(hub, ...cluster("acme/oslo", overTheNetwork), ...cluster("acme/self", hub.kubeconfig));
  await allow(bergen, "first");
  await apply(hub, ...cluster("acme/bergen", bergen.userKubeconfig({ user: "first" })));
});

afterAll(async () => {
  await strata?.kill();
  await network?.[Symbol.asyncDispose]();
  await Promise.all([hub?.stop(), oslo?.stop(), bergen?.stop()]);
});

async function allow(plane: ControlPlane, user: string): Promise<void> {
  await plane.kubectlOk(["create", "clusterrolebinding", user, "--clusterrole=cluster-admin", `--user=${user}`]);
}

/** As Cluster API names it in its Secrets; the other stories use the default. */
const KUBECONFIG_KEY = "value";

/** A TargetCluster and the Secret with its kubeconfig. */
function cluster(path: string, kubeconfig: string, labels: Record<string, string> = { env: "prod" }): Live[] {
  const [namespace, name] = path.split("/");
  return [
    secret(path, kubeconfig),
    {
      apiVersion: "strata.dev/v1alpha1",
      kind: "TargetCluster",
      metadata: { name, namespace, labels },
      spec: {
        connection: {
          kubeconfigSecretRef: {
            name: `${name}-kubeconfig`, // leaf: TargetCluster spec.connection.kubeconfigSecretRef.name
            key: KUBECONFIG_KEY, // leaf: TargetCluster spec.connection.kubeconfigSecretRef.key
          },
        },
      },
    },
  ];
}

function secret(path: string, kubeconfig: string): Live {
  const [namespace, name] = path.split("/");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: `${name}-kubeconfig`, namespace },
    stringData: { [KUBECONFIG_KEY]: kubeconfig },
  };
}

const configMap = (name: string, value: string): Live => ({
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } },
});

function profile(name: string, targets: Live, { value = "1", kind = "ClusterProfile", objects = 1 } = {}): Live {
  const metadata = kind === "SystemProfile" ? { name } : { name, namespace: "acme" };
  const many = Array.from({ length: objects }, (_, index) => configMap(`${name}-${index}`, value));
  const layers = [
    { name: "first", namespace: name, manifests: many },
    { name: "second", namespace: name, manifests: [configMap("last", value)] },
  ];
  return { apiVersion: "strata.dev/v1alpha1", kind, metadata, spec: { ...targets, layers } };
}

const PROD = { clusterSelector: { matchLabels: { env: "prod" } } };

/** The profile `base`, Ready on so many clusters, for what its spec says now. */
async function baseIs(clusters: string, message = /^/): Promise<Live> {
  return await waitUntil(hub, BASE, {
    what: `${clusters} ${message}`,
    is: ({ status, metadata }) =>
      status?.summary?.clusters === clusters &&
      status.observedGeneration === metadata.generation &&
      message.test(status.summary.message),
  });
}

async function has(plane: ControlPlane, value: string, name = "last", namespace = "base"): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  await waitUntil(plane, path, { what: `of value ${value}`, is: (live) => live?.data?.value === value });
}

/** The last line that kubectl prints for an object, its age left out. */
async function row(...args: string[]): Promise<string> {
  const lines = (await hub.kubectlOk(["get", ...args])).trim().split("\n");
  return (lines.at(-1) ?? "").replace(/\s+\S+$/, "").replace(/\s{2,}/g, "  ");
}

describe("Three clusters", () => {
  test("one profile reaches, by a label, every cluster that has it", async () => {
    await apply(hub, profile("base", PROD)); // leaf: Profile spec.clusterSelector.matchLabels
    const live = await baseIs("3/3");
    expect(isReady(live)).toBe(true);
    for (const plane of [hub, oslo, bergen]) await has(plane, "1");
    expect(await row("scp", "base", "-n", "acme")).toBe("base  True  3/3  all layers are Ready on 3 clusters");
    expect(await row("stc", "oslo", "-n", "acme")).toBe("oslo  True  v1.36.3  Kubernetes v1.36.3 answers");
    const { status } = await read(hub, target("acme/oslo"));
    const { metadata } = await read(oslo, "/api/v1/namespaces/kube-system");
    expect(status).toMatchObject({ uid: metadata.uid, kubernetesVersion: "v1.36.3" });
    // One identity acts there: all its requests and watches are streams of one connection.
    const own = (await oslo.auditEvents()).filter(({ userAgent }) => /^strata\//.test(userAgent ?? ""));
    expect(own.filter(({ verb }) => verb === "watch").length).toBeGreaterThan(1);
    expect(network.connections).toBe(1);
  });

  test("a network that goes silent is noticed by a PING, said, and served again over a new connection", async () => {
    network.freeze();
    try {
      const silent = await baseIs("2/3", /oslo.*no answer/);
      expect(condition(silent, "Ready")).toMatchObject({ status: "False", reason: "Unreachable" });
    } finally {
      network.thaw();
    }
    await baseIs("3/3");
    await expect.poll(() => network.open, { timeout: 60_000 }).toBe(1);
  });

  test("one cluster is away: 2/3 and why; the others go on; it comes back and is served", async () => {
    await bergen.stopApiServer();
    const away = await baseIs("2/3", /^bergen: .*127\.0\.0\.1:\d+: connection refused$/);
    expect(layerOf(away, "first")).toMatchObject({ state: "Blocked", reason: "Unreachable", ready: "2/3" });
    expect(await row("stc", "bergen", "-n", "acme")).toMatch(/^bergen {2}False {2}v1\.36\.3 {2}.*connection refused$/);

    await apply(hub, profile("base", PROD, { value: "2" }));
    for (const plane of [hub, oslo]) await has(plane, "2");
    await baseIs("2/3", /bergen.*connection refused/);

    const readyWhen = { maxUnavailable: "34%" };
    await apply(hub, profile("base", { ...PROD, readyWhen }, { value: "2" }));
    const words =
      /^2 of 3 clusters are Ready, as readyWhen.maxUnavailable: 34% allows; not Ready: bergen; bergen: .*refused$/;
    const enough = await baseIs("2/3", words);
    expect(condition(enough, "Ready")).toMatchObject({ status: "True", reason: "EnoughClusters" });

    await bergen.startApiServer();
    await baseIs("3/3");
    await has(bergen, "2");
    expect(await row("stc", "bergen", "-n", "acme")).toBe("bergen  True  v1.36.3  Kubernetes v1.36.3 answers");
  });

  test("one cluster goes silent: the others are served meanwhile, and it is when it speaks again", async () => {
    oslo.pauseApiServer();
    try {
      await apply(hub, profile("base", PROD, { value: "3" }));
      for (const plane of [hub, bergen]) await has(plane, "3");
      const silent = await baseIs("2/3", /oslo.*no answer/);
      expect(condition(silent, "Ready")).toMatchObject({ status: "False", reason: "Unreachable" });
      await apply(hub, profile("base", PROD, { value: "4" }));
      for (const plane of [hub, bergen]) await has(plane, "4");
    } finally {
      oslo.resumeApiServer();
    }
    await baseIs("3/3");
    await has(oslo, "4");
  });

  test("a kubeconfig that is wrong says so; one that is rotated in mid-flight goes on", async () => {
    const wrong = JSON.parse(bergen.userKubeconfig({ user: "first" }));
    wrong.users[0].user = { token: "not-a-token-of-this-cluster" };
    await apply(hub, secret("acme/bergen", JSON.stringify(wrong)), profile("base", PROD, { value: "5" }));
    const refused = await waitUntil(hub, target("acme/bergen"), {
      what: "refused",
      is: (live) => condition(live, "Ready")?.reason === "Unauthorized",
    });
    expect(condition(refused, "Ready").message).toMatch(/the API server does not accept the credentials/);
    await baseIs("2/3", /bergen: .*does not accept the credentials/);

    await apply(hub, secret("acme/bergen", bergen.userKubeconfig({ user: "first" })));
    await baseIs("3/3");

    await allow(bergen, "second");
    await apply(hub, profile("base", PROD, { value: "6", objects: 60 }));
    await has(bergen, "6", "base-0");
    await apply(hub, secret("acme/bergen", bergen.userKubeconfig({ user: "second" })));
    await bergen.kubectlOk(["delete", "clusterrolebinding", "first"]);
    await apply(hub, profile("base", PROD, { value: "7", objects: 60 }));
    await baseIs("3/3");
    await has(bergen, "7");
    const users = new Set((await bergen.auditEvents()).slice(-20).map(({ user }) => user.username));
    expect(users).toContain("second");
  });

  test("a label is removed: the deployment goes, the objects stay; it comes back: they are recognised", async () => {
    await hub.kubectlOk(["label", "targetcluster", "oslo", "-n", "acme", "env-"]);
    await baseIs("2/2");
    const deployments = await hub.kubectlOk(["get", "profiledeployments", "-n", "acme", "-o", "name"]);
    expect(deployments).not.toMatch(/base-oslo/);
    await has(oslo, "7");
    const mark = await auditMark(oslo);
    await hub.kubectlOk(["label", "targetcluster", "oslo", "-n", "acme", "env=prod"]);
    await baseIs("3/3");
    expect(await strataWrites(oslo, mark)).toEqual([]);
  });

  // leaf: Profile spec.clusterSelector.matchExpressions[].key
  // leaf: Profile spec.clusterSelector.matchExpressions[].operator
  // leaf: Profile spec.clusterSelector.matchExpressions[].values
  test.each([
    [{ key: "site", operator: "In", values: ["north"] }, ["oslo"]],
    [{ key: "site", operator: "In", values: ["north", "west"] }, ["bergen", "oslo"]],
    [{ key: "site", operator: "NotIn", values: ["north"] }, ["bergen", "self"]],
    [{ key: "site", operator: "DoesNotExist" }, ["self"]],
    [{ key: "env", operator: "Exists" }, ["bergen", "oslo", "self"]],
  ])("%j takes %j", async (expression, clusters) => {
    await hub.kubectlOk(["label", "targetcluster", "oslo", "-n", "acme", "--overwrite", "site=north"]);
    await hub.kubectlOk(["label", "targetcluster", "bergen", "-n", "acme", "--overwrite", "site=west"]);
    await apply(
      hub,
      profile("selected", { clusterSelector: { matchExpressions: [expression] } }, { kind: "AddOnProfile" }),
    );
    const ready = `${clusters.length}/${clusters.length}`;
    await waitUntil(hub, addOn("selected"), {
      what: `Ready on ${clusters}`,
      is: (live) => isReady(live) && live.status.summary.clusters === ready,
    });
    expect(await clustersOf("acme", "selected")).toEqual(clusters);
  });

  test("clusterRefs name clusters, the hub as `local`, and one that does not exist is named in the status", async () => {
    // leaf: Profile spec.clusterRefs[].name
    const refs = (...names: string[]): Live => ({ clusterRefs: names.map((name) => ({ name })) });
    await apply(hub, profile("named", refs("local", "oslo"), { kind: "AddOnProfile" }));
    const path = addOn("named");
    await untilReady(hub, path);
    expect(await clustersOf("acme", "named")).toEqual(["local", "oslo"]);
    for (const plane of [hub, oslo]) await has(plane, "1", "last", "named");

    await apply(hub, profile("named", refs("local", "atlantis"), { kind: "AddOnProfile" }));
    const missing = await waitUntil(hub, path, {
      what: "told",
      is: ({ status, metadata }) =>
        status.observedGeneration === metadata.generation &&
        /atlantis/.test(status.summary.message) &&
        status.summary.clusters === "1/2",
    });
    expect(missing.status.summary.message).toBe(
      "TargetCluster acme/atlantis does not exist: create it, or take it out of clusterRefs",
    );
    await has(oslo, "1", "last", "named");

    await apply(hub, ...cluster("acme/atlantis", oslo.kubeconfig, {}));
    await untilReady(hub, path);
  });

  test("a SystemProfile reaches the clusters of the tenants that its namespaceSelector takes", async () => {
    await hub.kubectlOk(["label", "namespace", "acme", "tier=gold"]);
    await apply(hub, ...cluster("beta/oslo-too", oslo.kubeconfig));
    const system = async (namespaceSelector: Live, clusters: readonly string[]): Promise<void> => {
      const targets = { clusterSelector: { matchLabels: { env: "prod" } }, namespaceSelector };
      const prod = clusters.length;
      await apply(hub, profile("fleet", targets, { kind: "SystemProfile" }));
      await waitUntil(hub, pathOf("strata.dev/v1alpha1", "systemprofiles", "fleet"), {
        what: `Ready on ${clusters}`,
        is: (live) => isReady(live) && live.status.summary.clusters === `${prod}/${prod}`,
      });
      expect(await clustersOf("strata-system", "fleet")).toEqual(clusters);
    };
    const gold = ["bergen", "oslo", "self"];
    await system({ matchLabels: { tier: "gold" } }, gold); // leaf: SystemProfile spec.namespaceSelector.matchLabels
    // leaf: SystemProfile spec.namespaceSelector.matchExpressions[].key
    // leaf: SystemProfile spec.namespaceSelector.matchExpressions[].operator
    // leaf: SystemProfile spec.namespaceSelector.matchExpressions[].values
    await hub.kubectlOk(["label", "namespace", "beta", "tier=silver"]);
    await hub.kubectlOk(["label", "targetcluster", "oslo", "-n", "acme", "env-"]);
    const expressions = (operator: string, values?: string[]): Live => ({
      matchExpressions: [{ key: "tier", operator, ...(values ? { values } : {}) }],
    });
    await system(expressions("In", ["silver"]), ["oslo-too"]);
    await system(expressions("NotIn", ["silver"]), ["bergen", "self"]);
    await system(expressions("Exists"), ["bergen", "oslo-too", "self"]);
  });
});

/** The clusters for which a profile has deployments, sorted. */
async function clustersOf(namespace: string, name: string): Promise<string[]> {
  const { body } = await hub.request("GET", `/apis/strata.dev/v1alpha1/namespaces/${namespace}/profiledeployments`);
  const own = body.items.filter(
    ({ spec, metadata }: Live) => spec.profileRef.name === name && !metadata.deletionTimestamp,
  );
  return own.map(({ spec }: Live) => spec.clusterRef.name).sort();
}
