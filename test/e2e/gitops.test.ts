import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import { writePage } from "../support/registry-stories.ts";
import { type Live, pathOf, read, strataWrites, trustedTenant, untilReady } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let strata: StrataProcess;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let charts: ChartRepo;

beforeAll(async () => {
  folder = await temporaryFolder("gitops");
  await writePage(join(folder.path, "charts"), "1.0.0");
  charts = await startChartRepo(join(folder.path, "charts"));
  hub = await startControlPlane({ name: "gitops" });
  strata = await startStrata(hub, ["--set", "systemProfiles.clusterRole=cluster-admin"]);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), charts?.stop(), folder?.remove()]);
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

/** A layer with one ConfigMap of its name. */
const layer = (name: string, data = "1"): Live => ({
  name,
  manifests: [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { data } } }],
});

function profile(name: string, layers: readonly Live[], spec: Live = {}): Live {
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name, namespace: "acme" },
    spec: { ...spec, layers },
  };
}

/** `kubectl apply --server-side` by somebody; resolves with kubectl's complaint, empty when there is none. */
async function applyAs(manager: string, object: Live): Promise<string> {
  const args = ["apply", "--server-side", `--field-manager=${manager}`, "-f", "-"];
  const { code, stderr } = await hub.kubectl(args, { input: JSON.stringify(object) });
  return code === 0 ? "" : stderr;
}

const namesOf = (live: Live): string[] => live.spec.layers.map(({ name }: Live) => name);

describe("a layer list that two managers write", () => {
  // The platform team says which clusters and the first layers; the shop team adds its own, each by its own manifest.
  const targets = (name: string): Live => ({ clusterRefs: [{ name: "local" }], namespace: name });
  const platform = (name: string, ...layers: Live[]) => applyAs("platform", profile(name, layers, targets(name)));
  const shop = (name: string, ...layers: Live[]) => applyAs("shop", profile(name, layers));
  const order = async (name: string) => namesOf(await read(hub, profilePath(name)));

  test("has the layers of the second behind those of the first, and keeps that order whoever applies again", async () => {
    expect(await platform("behind", layer("base"), layer("mesh"))).toBe("");
    expect(await shop("behind", layer("cart"), layer("pay"))).toBe("");
    expect(await order("behind")).toEqual(["base", "mesh", "cart", "pay"]);
    const { generation } = (await read(hub, profilePath("behind"))).metadata;

    expect(await platform("behind", layer("base"), layer("mesh"))).toBe("");
    expect(await shop("behind", layer("cart"), layer("pay"))).toBe("");
    const again = await read(hub, profilePath("behind"));
    expect(again.metadata.generation).toBe(generation);
    expect(namesOf(again)).toEqual(["base", "mesh", "cart", "pay"]);
  });

  test("has a layer of the second before one that he names", async () => {
    expect(await platform("before", layer("base"), layer("mesh"))).toBe("");
    expect(await shop("before", layer("certs"), { name: "mesh" }, layer("cart"))).toBe("");
    expect(await order("before")).toEqual(["base", "certs", "mesh", "cart"]);
    expect(await platform("before", layer("base"), layer("mesh", "2"))).toBe("");
    expect(await order("before")).toEqual(["base", "certs", "mesh", "cart"]);
  });

  test("is brought to the cluster in the order in which it is stored", async () => {
    expect(await shop("stored", layer("z-first"), layer("m-last"))).toMatch(/exactly one of clusterRefs/);
    // Nothing is brought before both have written.
    const base = [layer("z-first"), layer("k-second"), layer("m-last")];
    const held = profile("stored", base, { ...targets("stored"), suspend: true });
    expect(await applyAs("platform", held)).toBe("");
    expect(await shop("stored", layer("a-third"), { name: "m-last" }, layer("b-fifth"))).toBe("");
    expect(await platform("stored", ...base)).toBe("");
    const live = await untilReady(hub, profilePath("stored"));
    const names = ["z-first", "k-second", "a-third", "m-last", "b-fifth"];
    expect(namesOf(live)).toEqual(names);
    expect(live.status.layers.map(({ name }: Live) => name)).toEqual(names);
    const writes = await strataWrites(hub, 0, { accepted: true });
    const brought = writes.flatMap((write) => /^patch configmaps stored\/(.*)$/.exec(write)?.[1] ?? []);
    expect(brought.filter((name) => names.includes(name))).toEqual(names);
  });

  test("has the first one's new order, with the second one's layers still in it", async () => {
    expect(await platform("moved", layer("one"), layer("two"), layer("three"))).toBe("");
    expect(await shop("moved", layer("own"))).toBe("");
    expect(await platform("moved", layer("three"), layer("two"), layer("one"))).toBe("");
    const moved = await order("moved");
    expect(moved.filter((name) => name !== "own")).toEqual(["three", "two", "one"]);
    expect(moved).toContain("own");
  });

  test("loses the layers of one who leaves them out, and only those", async () => {
    expect(await platform("left", layer("base"))).toBe("");
    expect(await shop("left", layer("cart"), layer("pay"))).toBe("");
    expect(await shop("left", layer("pay"))).toBe("");
    expect(await order("left")).toEqual(["base", "pay"]);
    const live = await untilReady(hub, profilePath("left"));
    expect(live.status.layers.map(({ name }: Live) => name)).toEqual(["base", "pay"]);
  });

  test("does not lose a layer that the other still names: the API server says so", async () => {
    expect(await platform("named", layer("base"), layer("mesh"))).toBe("");
    expect(await shop("named", { name: "mesh" }, layer("cart"))).toBe("");
    expect(await platform("named", layer("base"))).toContain("exactly one of pack, helm and manifests must be set");
    expect(await order("named")).toEqual(["base", "mesh", "cart"]);
    expect(await shop("named", layer("cart"))).toBe("");
    expect(await platform("named", layer("base"))).toBe("");
    expect(await order("named")).toEqual(["base", "cart"]);
  });

  test("is not taken from under the other: one layer with two contents is a conflict that names him", async () => {
    expect(await platform("twice", layer("base"))).toBe("");
    expect(await shop("twice", layer("base", "2"))).toMatch(/conflict with "platform".*spec\.layers\[name="base"\]/s);
  });
});

/** What a person might write of profiles: all that has a default is left out of the first, and spelled out in the second. */
const ADD_ONS: readonly Live[] = [
  profile("plain", [layer("plain")], { clusterRefs: [{ name: "local" }], namespace: "acme" }),
  profile(
    "full",
    [
      { ...layer("one"), timeout: "5m", gate: "Applied", adoption: "Never", prune: "Never", type: "AddOn" },
      { name: "two", manifests: [{ inline: "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: two }\n" }] },
    ],
    {
      clusterSelector: { matchLabels: { diff: "yes" } },
      namespace: "acme",
      serviceAccountName: "default",
      deletionPolicy: "Orphan",
      variables: [{ name: "greeting", default: "hello" }],
      version: "1.0.0",
    },
  ),
];

/** Layers that only look, and one that brings what it expects. */
const CORE: readonly Live[] = [
  { name: "kubernetes", type: "Kubernetes", expect: { version: ">=1.33", nodes: 0 } },
  { name: "network", type: "Network", expect: {} },
  {
    name: "storage",
    type: "Storage",
    manifests: [
      {
        object: {
          apiVersion: "storage.k8s.io/v1",
          kind: "StorageClass",
          metadata: { name: "disk" },
          provisioner: "disk.csi.example.com",
        },
      },
      {
        object: {
          apiVersion: "storage.k8s.io/v1",
          kind: "CSIDriver",
          metadata: { name: "disk.csi.example.com" },
          spec: {},
        },
      },
    ],
    expect: { storageClass: "disk" },
  },
];

const ALL: Live = { ...layer("all"), namespace: "all" };

const CHART: Live = {
  name: "page",
  helm: { registryRef: { name: "charts" }, chart: "page", version: "1.x" },
  values: { title: "shop", replicas: 0, ratio: 0.5, isOn: false, lists: [[], {}, ""] },
  namespaceMetadata: { labels: { team: "shop" } },
  patches: [{ target: {}, patch: "data: { patched: 'yes' }" }],
  drift: { mode: "Warn", ignore: [{ target: { kind: "ConfigMap" }, jsonPointers: ["/data/title"] }] },
  healthChecks: [{ apiVersion: "v1", kind: "ConfigMap", current: 'self.data.version == "1.0.0"' }],
  onFailure: "Rollback",
  dependsOn: ["storage"],
};

/** An object of each kind that people write, and where it is. */
const written = (): readonly { path: string; object: Live }[] => {
  const local = { clusterRefs: [{ name: "local" }] };
  const mine = (name: string, labels?: Live): Live => ({ name, namespace: "acme", ...(labels && { labels }) });
  const core = { ...local, namespace: "core", ordering: "Graph", readyWhen: { maxUnavailable: "10%" } };
  const diff = { connection: { kubeconfigSecretRef: { name: "diff" } }, variables: { greeting: "hi" } };
  const rows: readonly (readonly [plural: string, object: Live])[] = [
    ...ADD_ONS.map((object) => ["addonprofiles", object] as const),
    [
      "clusterprofiles",
      { kind: "ClusterProfile", metadata: mine("core"), spec: { ...core, layers: [...CORE, CHART] } },
    ],
    ["systemprofiles", { kind: "SystemProfile", metadata: { name: "all" }, spec: { ...local, layers: [ALL] } }],
    ["targetclusters", { kind: "TargetCluster", metadata: mine("diff", { diff: "yes" }), spec: diff }],
    ["registries", { kind: "Registry", metadata: mine("charts"), spec: { type: "Helm", url: charts.url } }],
  ];
  return rows.map(([plural, object]) => {
    const { name, namespace } = object.metadata;
    const path = pathOf("strata.dev/v1alpha1", plural, namespace ? `${namespace}/${name}` : name);
    return { path, object: { apiVersion: "strata.dev/v1alpha1", ...object } };
  });
};

describe("what GitOps tools compare", () => {
  beforeAll(async () => {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "diff", namespace: "acme" },
      stringData: { kubeconfig: hub.kubeconfig },
    };
    await hub.kubectlOk(["apply", "-f", "-"], { input: JSON.stringify(secret) });
  });

  test.each([
    ["kubectl apply", []],
    ["kubectl apply --server-side", ["--server-side"]],
    ["Flux", ["--server-side", "--field-manager=kustomize-controller", "--force-conflicts"]],
    ["Argo CD", ["--server-side", "--field-manager=argocd-controller", "--force-conflicts"]],
  ])("is equal once all is Ready: by %s", async (_, options) => {
    const input = written()
      .map(({ object }) => JSON.stringify(object))
      .join("\n");
    await hub.kubectlOk(["apply", ...options, "-f", "-"], { input });
    for (const { path } of written()) await untilReady(hub, path);
    const { code, stdout, stderr } = await hub.kubectl(["diff", ...options, "-f", "-"], { input });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("has no mark of a tool on what Strata makes of a profile", async () => {
    const marks = {
      labels: { "app.kubernetes.io/instance": "shop", "kustomize.toolkit.fluxcd.io/name": "shop" },
      annotations: { "argocd.argoproj.io/tracking-id": "shop:strata.dev/AddOnProfile:acme/marked" },
    };
    const marked = profile("marked", [{ ...layer("marked"), namespace: "marked" }], {
      clusterRefs: [{ name: "local" }],
    });
    await hub.kubectlOk(["apply", "--server-side", "-f", "-"], {
      input: JSON.stringify({ ...marked, metadata: { ...marked.metadata, ...marks } }),
    });
    await untilReady(hub, profilePath("marked"));
    const [deployment, object, namespace] = await Promise.all([
      hub.kubectlOk(["get", "spd", "-n", "acme", "-o", "json"]).then((text) => {
        return JSON.parse(text).items.find(({ spec }: Live) => spec.profileRef.name === "marked");
      }),
      read(hub, pathOf("v1", "configmaps", "marked/marked")),
      read(hub, pathOf("v1", "namespaces", "marked")),
    ]);
    for (const { metadata } of [deployment, object, namespace]) {
      expect(
        Object.keys({ ...metadata.labels, ...metadata.annotations }).filter((key) => /argo|flux|instance/.test(key)),
      ).toEqual([]);
    }
  });
});
