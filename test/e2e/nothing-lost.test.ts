import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fence, inventory, strataRequests } from "../support/ledger.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  auditMark,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";
import { until } from "../support/waiting.ts";

const CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));
const PART_OF = "applyset.kubernetes.io/part-of";
const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/shop");

let hub: ControlPlane;
let charts: ChartRepo;
let home: StrataHome;
let strata: StrataProcess;
let before: string[];

beforeAll(async () => {
  charts = await startChartRepo(CHARTS);
  hub = await startControlPlane({ name: "nothing-lost" });
  home = await prepareHub(hub);
  await trustedTenant(hub, "acme");
  await apply(hub, ...foreign.before);
  // What Strata makes once per cluster stays: the key of its digests.
  strata = await home.start();
  await apply(hub, profile({ revision: 0, layers: ["base"] }));
  await untilReady(hub, PROFILE);
  await hub.kubectlOk(["delete", "addonprofile", "shop", "-n", "acme", "--timeout=60s"]);
  await strata.kill();
  before = await settledInventory();
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
  await charts?.stop();
});

const object = (apiVersion: string, kind: string, name: string, rest: Live = {}): { object: Live } => {
  const { metadata, ...fields } = rest;
  return { object: { apiVersion, kind, metadata: { name, ...metadata }, ...fields } };
};
const configMap = (name: string, data: Record<string, string>, namespace?: string): { object: Live } =>
  object("v1", "ConfigMap", name, { ...(namespace ? { metadata: { namespace } } : {}), data });
const deployment = (name: string, image: string): { object: Live } =>
  object("apps/v1", "Deployment", name, {
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image }] } },
    },
  });
const WIDGETS = {
  spec: {
    group: "toys.example",
    scope: "Namespaced",
    names: { kind: "Toy", plural: "toys" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};
const GAMES = {
  spec: { ...WIDGETS.spec, group: "games.example", names: { kind: "Game", plural: "games" } },
};

/** What others have in the cluster before us, and put next to our objects meanwhile. */
const foreign = {
  before: [
    object("v1", "Namespace", "others").object,
    object("v1", "PersistentVolume", "disk", {
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path: "/nowhere" },
      },
    }).object,
    configMap("theirs", { a: "1" }, "others").object,
    object("v1", "PersistentVolumeClaim", "theirs", {
      metadata: { namespace: "others" },
      spec: { storageClassName: "none", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    }).object,
  ],
  /** @param partOf the label of our ApplySet, which controllers and people copy */
  meanwhile: (partOf: string) => {
    const slice = (namespace: string): Live =>
      object("discovery.k8s.io/v1", "EndpointSlice", "by-hand", {
        metadata: { namespace, labels: { "kubernetes.io/service-name": "db", [PART_OF]: partOf } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.1.2.3"] }],
      }).object;
    return [
      slice("others"),
      slice("shop-slices"),
      configMap("notes", { by: "somebody else" }, "shop-mixed").object,
      configMap("notes", { by: "somebody else" }, "shop-own-mixed").object,
      object("toys.example/v1", "Toy", "theirs", { metadata: { namespace: "others" } }).object,
    ];
  },
};

interface Shape {
  revision: number;
  /** Default: all. */
  layers?: readonly string[];
  image?: string;
}

/** Something of everything; each revision changes values, brings an object and drops another. */
function profile({ revision, layers, image = `shop:${revision}` }: Shape): Live {
  const values = { revision: `${revision}` };
  const all = [
    {
      name: "base",
      namespace: "shop-base",
      namespaceMetadata: { labels: { team: "shop" } },
      manifests: [
        configMap("settings", values),
        configMap(`only-${revision % 3}`, values),
        object("v1", "ServiceAccount", "shop"),
        object("v1", "Secret", "key", { stringData: values }),
        object("v1", "Service", "web", { spec: { selector: { app: "web" }, ports: [{ port: 80 }] } }),
        object("v1", "Service", "db", { metadata: { namespace: "others" }, spec: { ports: [{ port: 5432 }] } }),
        object("rbac.authorization.k8s.io/v1", "ClusterRole", "shop", { rules: [] }),
      ],
    },
    {
      name: "kinds",
      namespace: "shop-kinds",
      manifests: [
        object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "toys.toys.example", WIDGETS),
        object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "games.games.example", GAMES),
        object("toys.example/v1", "Toy", "robot", { spec: values }),
        object("games.example/v1", "Game", "chess", { spec: values }),
      ],
    },
    {
      name: "spaces",
      manifests: [
        object("v1", "Namespace", "shop-own"),
        object("v1", "Namespace", "shop-own-mixed"),
        configMap("in-own", values, "shop-own"),
        configMap("in-own", values, "shop-own-mixed"),
      ],
    },
    { name: "mixed", namespace: "shop-mixed", manifests: [configMap("ours", values)] },
    { name: "slices", namespace: "shop-slices", manifests: [configMap("ours", values)] },
    {
      name: "data",
      namespace: "shop-data",
      manifests: [
        configMap("ours", values),
        object("v1", "PersistentVolumeClaim", "data", {
          spec: {
            storageClassName: "",
            volumeName: "disk",
            accessModes: ["ReadWriteOnce"],
            resources: { requests: { storage: "1Gi" } },
          },
        }),
      ],
    },
    {
      name: "chart",
      namespace: "shop-chart",
      helm: { repo: charts.url, chart: "shop", version: "1.2.3" },
      values: { config: values },
      crds: "Skip",
    },
    { name: "middle", namespace: "shop-web", manifests: [deployment("web", image), configMap("web", values)] },
    { name: "after", namespace: "shop-after", manifests: [configMap("ours", values)] },
  ];
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "shop", namespace: "acme" },
    spec: {
      clusterRefs: [{ name: "local" }],
      layers: layers ? all.filter(({ name }) => layers.includes(name)) : all,
    },
  };
}

/** Objects of which the label says that they are ours, as `Kind namespace/name`. */
async function labelled(): Promise<string[]> {
  return await inventory(hub, ["-l", PART_OF]);
}

/** The whole cluster, when nothing is on its way out any more. */
async function settledInventory(): Promise<string[]> {
  const namespaces = async (): Promise<Live[]> => (await hub.request("GET", "/api/v1/namespaces")).body.items;
  const settled = async () => (await namespaces()).every(({ status }) => status.phase === "Active");
  await until(settled, { what: "rest of all namespaces", programs: [] });
  return await inventory(hub);
}

/** Numbers that are the same for the same seed (a linear congruential generator). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Resolves when Strata has sent that many more requests, or has sent none for two seconds. */
async function requestsFromNow(count: number): Promise<void> {
  await using file = await open(join(hub.dataDir, "audit.log"));
  let { size: position } = await file.stat();
  let left = count;
  for (let quiet = 0; left > 0 && quiet < 200; quiet++) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(1 << 20), position });
    position += bytesRead;
    const sent = buffer.toString("utf8", 0, bytesRead).split('"userAgent":"strata/').length - 1;
    left -= sent;
    if (sent > 0) quiet = 0;
    else await sleep(10);
  }
}

describe("Nothing lost", () => {
  const seed = Number(process.env["STRATA_TEST_SEED"] ?? Date.now() % 1_000_000);
  const random = seeded(seed);

  test("kill -9 at seven random moments of installing and updating leaves no orphan and no gap", {
    timeout: 400_000,
  }, async () => {
    console.log(`STRATA_TEST_SEED=${seed}`);
    for (let round = 1; round <= 7; round++) {
      await apply(hub, profile({ revision: round, ...(round % 2 ? { image: "shop:missing" } : {}) }));
      strata = await home.start();
      await requestsFromNow(1 + random(60));
      await strata.kill();
    }
    await apply(hub, profile({ revision: 8 }));
    strata = await home.start();
    await untilReady(hub, PROFILE);
    const ours = await labelled();
    expect(ours.filter((name) => name.includes("/only-"))).toEqual(["ConfigMap shop-base/only-2"]);
    expect(await read(hub, "/api/v1/namespaces/shop-base/configmaps/settings")).toMatchObject({
      data: { revision: "8" },
    });
  });

  test("a restart of what is Ready writes nothing, renders nothing and reads no object", async () => {
    await strata.kill();
    const mark = await auditMark(hub);
    const asked = charts.requests.length;
    strata = await home.start();
    const isOfFence = await fence(hub, "fence-restart");
    expect((await strataWrites(hub, mark)).filter((write) => !isOfFence(write))).toEqual([]);
    expect(charts.requests.length).toBe(asked);
    expect(await metric('strata_renders_total{result="miss"}')).toBe(0);
    const statuses = (await strataRequests(hub, mark))
      .filter(({ objectRef: ref }) => ref?.subresource === "status" && !isOfFence(ref.name ?? ""))
      .map(({ requestURI }) => requestURI);
    await hub.kubectlOk(["delete", "addonprofile", "fence-restart", "-n", "acme", "--timeout=60s"]);
    expect(statuses).toEqual([]);
  });

  test("a layer fails in the middle; deletion, with three kills, takes all of ours and nothing of others", {
    timeout: 400_000,
  }, async () => {
    const { metadata } = await read(hub, "/api/v1/namespaces/shop-base/configmaps/settings");
    const others = foreign.meanwhile(metadata.labels[PART_OF]);
    await apply(hub, ...others);
    const untouched = await versionsOf(others);
    const slices = await inventory(hub, ["-n", "shop-base", "-l", `kubernetes.io/service-name=web,${PART_OF}`]);
    expect(slices, "Kubernetes copies our label").toEqual([expect.stringMatching(/^EndpointSlice shop-base\/web-/)]);
    await apply(hub, profile({ revision: 9, image: "shop:missing" }));
    await waitUntil(hub, PROFILE, {
      what: "stuck in the middle",
      is: (live) =>
        /missing/.test(layerOf(live, "middle")?.message ?? "") && layerOf(live, "after").state === "Pending",
    });
    await strata.kill();
    await hub.kubectlOk(["delete", "addonprofile", "shop", "-n", "acme", "--wait=false"]);
    for (let round = 1; round <= 3; round++) {
      strata = await home.start();
      await requestsFromNow(1 + random(40));
      await strata.kill();
    }
    strata = await home.start();
    await waitUntil(hub, PROFILE, { what: "gone", is: (live) => live === undefined });
    const after = await settledInventory();
    expect(after.filter((name) => !before.includes(name))).toEqual(STAYS);
    expect(before.filter((name) => !after.includes(name))).toEqual([]);
    expect(await versionsOf(others)).toEqual(untouched);
    expect(await labelled()).toEqual(["EndpointSlice others/by-hand", "EndpointSlice shop-slices/by-hand"]);
    const marked = await Promise.all(RELEASED.map((path) => read(hub, path)));
    for (const live of marked) expect(JSON.stringify(live)).not.toMatch(/strata/);
    const claim = await read(hub, "/api/v1/namespaces/shop-data/persistentvolumeclaims/data");
    expect(claim.status.phase).toBe("Bound");
    expect(await eventsOf("shop")).toContain("namespace shop-mixed stays: ConfigMap notes in it is not ours");
  });
});

/** Of what was made meanwhile: what others made, what holds it, and what may hold data. */
const STAYS = [
  "APIService v1.toys.example",
  "ConfigMap shop-data/kube-root-ca.crt",
  "ConfigMap shop-mixed/kube-root-ca.crt",
  "ConfigMap shop-mixed/notes",
  "ConfigMap shop-own-mixed/kube-root-ca.crt",
  "ConfigMap shop-own-mixed/notes",
  "ConfigMap shop-slices/kube-root-ca.crt",
  "CustomResourceDefinition toys.toys.example",
  "EndpointSlice others/by-hand",
  "EndpointSlice shop-slices/by-hand",
  "Namespace shop-data",
  "Namespace shop-mixed",
  "Namespace shop-own-mixed",
  "Namespace shop-slices",
  "PersistentVolumeClaim shop-data/data",
  "ServiceAccount shop-data/default",
  "ServiceAccount shop-mixed/default",
  "ServiceAccount shop-own-mixed/default",
  "ServiceAccount shop-slices/default",
  "Toy others/theirs",
];

const RELEASED = [
  "/api/v1/namespaces/shop-data",
  "/api/v1/namespaces/shop-mixed",
  "/api/v1/namespaces/shop-own-mixed",
  "/api/v1/namespaces/shop-slices",
  "/api/v1/namespaces/shop-data/persistentvolumeclaims/data",
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/toys.toys.example",
];

async function versionsOf(objects: readonly Live[]): Promise<string[]> {
  const names = objects.map(({ kind, metadata: { name, namespace } }) => `${kind} ${namespace}/${name}`);
  const versions = await Promise.all(
    objects.map(async ({ kind, metadata: { name, namespace } }) => {
      const args = ["get", kind, name, "-n", namespace, "-o", "jsonpath={.metadata.resourceVersion}"];
      return await hub.kubectlOk(args);
    }),
  );
  return names.map((name, index) => `${name} ${versions[index]}`);
}

async function eventsOf(profileName: string): Promise<string> {
  const selector = `involvedObject.name=${profileName}`;
  return await hub.kubectlOk([
    "get",
    "events",
    "-n",
    "acme",
    "--field-selector",
    selector,
    "-o",
    "jsonpath={.items[*].message}",
  ]);
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${strata.url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
