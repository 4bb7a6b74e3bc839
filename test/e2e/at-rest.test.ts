import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditEvent } from "../support/audit.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fence, strataRequests } from "../support/ledger.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import { apply, auditMark, isReady, type Live, pathOf, read, trustedTenant, waitUntil } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));
const PROFILE = pathOf("strata.dev/v1alpha1", "clusterprofiles", "acme/platform");
const LOCAL = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/local");

let hub: ControlPlane;
let edge: ControlPlane;
let charts: ChartRepo;
let strata: StrataProcess;

beforeAll(async () => {
  charts = await startChartRepo(CHARTS);
  hub = await startControlPlane({ name: "at-rest-hub", controllers: false });
  edge = await startControlPlane({ name: "at-rest-edge", nodes: 1 });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  await apply(hub, secretOf("edge", edge.kubeconfig), targetOf("edge"));
  await waitUntil(hub, pathOf("strata.dev/v1alpha1", "targetclusters", "acme/edge"), { what: "Ready", is: isReady });
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), edge?.stop(), charts?.stop()]);
});

const secretOf = (name: string, kubeconfig: string): Live => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "acme" },
  stringData: { kubeconfig },
});
const targetOf = (name: string): Live => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "TargetCluster",
  metadata: { name, namespace: "acme" },
  spec: { connection: { kubeconfigSecretRef: { name } } },
});
const manifest = (apiVersion: string, kind: string, name: string, rest: Live = {}): { object: Live } => ({
  object: { apiVersion, kind, metadata: { name }, ...rest },
});
const deployment = (name: string): { object: Live } =>
  manifest("apps/v1", "Deployment", name, {
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: `${name}:1` }] } },
    },
  });

/** Three layers in three namespaces, of 4, 2 and (by its chart) 5 objects. */
function platform({ value = "1", chartValue = "1" } = {}): Live {
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "ClusterProfile",
    metadata: { name: "platform", namespace: "acme" },
    spec: {
      clusterRefs: [{ name: "edge" }],
      layers: [
        {
          name: "base",
          namespace: "base",
          manifests: [
            manifest("v1", "ConfigMap", "settings", { data: { value } }),
            manifest("v1", "Secret", "key", { stringData: { key: "k" } }),
            manifest("v1", "ServiceAccount", "app"),
            manifest("v1", "Service", "app", { spec: { ports: [{ port: 80 }] } }),
          ],
        },
        { name: "app", namespace: "app", manifests: [deployment("web"), manifest("v1", "ConfigMap", "web")] },
        {
          name: "shop",
          namespace: "shop",
          helm: { repo: charts.url, chart: "shop", version: "1.2.x" },
          values: { config: { value: chartValue } },
          crds: "Skip",
        },
      ],
    },
  };
}
const SIZE = { objects: 4 + 2 + 5, layers: 3, charts: 1, namespaces: 3 };

const local: Live = {
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name: "local", namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "local" }],
    namespace: "local",
    layers: [
      { name: "one", manifests: [manifest("v1", "ConfigMap", "one"), manifest("v1", "Secret", "one")] },
      { name: "two", manifests: [{ configMapRef: { name: "manifests" } }] },
    ],
  },
};

/** Discovery and watches are not counted, as the design's budgets have it. */
function isCounted({ verb, requestURI }: AuditEvent): boolean {
  return verb !== "watch" && !/^\/(version|apis?)(\?|$)/.test(requestURI);
}

/** Strata's requests since a mark: `verb resource[/subresource] name`, each with how often. */
async function counted(plane: ControlPlane, mark: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const event of (await strataRequests(plane, mark)).filter(isCounted)) {
    const ref = event.objectRef ?? {};
    const what = `${event.verb} ${[ref.resource, ref.subresource].filter(Boolean).join("/")} ${ref.name ?? ""}`.trim();
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

function total(counts: ReadonlyMap<string, number>, pattern = /^/): number {
  return [...counts].reduce((sum, [what, count]) => sum + (pattern.test(what) ? count : 0), 0);
}

const WRITE = /^(create|update|patch|delete) /;
const print = (title: string, counts: ReadonlyMap<string, number>): void =>
  console.log(
    `${title}: ${total(counts)} requests, ${total(counts, WRITE)} writes\n${[...counts].map(([what, count]) => `  ${count} ${what}`).join("\n")}`,
  );

async function marks(): Promise<{ hub: number; edge: number }> {
  return { hub: await auditMark(hub), edge: await auditMark(edge) };
}

async function readyAfter(...manifests: Live[]): Promise<void> {
  await apply(hub, ...manifests);
  const { kind, metadata } = manifests.at(-1);
  const path = kind === "ClusterProfile" ? PROFILE : LOCAL;
  const { generation } = (await read(hub, path)).metadata;
  const is = (live: Live): boolean => isReady(live) && live.metadata.generation >= generation;
  await waitUntil(hub, path, { what: `${metadata.name} Ready`, is });
}

describe("At rest", () => {
  test("the first apply stays within its budget, at the target and at the hub", async () => {
    const mark = await marks();
    const began = Date.now();
    await readyAfter(platform());
    const target = await counted(edge, mark.edge);
    const own = await counted(hub, mark.hub);
    print("first apply at the target", target);
    print("first apply at the hub", own);
    const { objects, layers, charts: chartLayers, namespaces } = SIZE;
    // A chart has its stored set, and its release record that is made and then deployed.
    const writes = objects + 1 + layers + 3 * chartLayers + 1 + namespaces;
    expect(total(target, WRITE), "writes at the target").toBeLessThanOrEqual(writes);
    // A look at what a former process may have left: the key of the digests, the parent, the namespaces, the charts.
    expect(total(target), "requests at the target").toBeLessThanOrEqual(writes + 2 + namespaces + chartLayers);
    const seconds = Math.ceil((Date.now() - began) / 1000);
    expect(total(own, /^create profiledeployments/)).toBe(1);
    expect(total(own, /^patch clusterprofiles platform/)).toBe(1);
    // Coalesced in a quarter of a second; a slow machine stretches the states of a layer over more, one a second at most.
    expect(total(own, /^patch profiledeployments\/status/)).toBeLessThanOrEqual(Math.max(2 * layers, 3 + seconds));
    expect(total(own, /^patch clusterprofiles\/status/)).toBeLessThanOrEqual(3 + seconds);
    expect(total(own, /^create events/)).toBeLessThanOrEqual(layers);
    const others = /^(?!create profiledeployments|patch (clusterprofiles|profiledeployments)|create events)/;
    expect(total(own, others)).toBe(0);
  });

  // The chart writes its revision into its Deployment, which is rolled out: its layer waits, and says so, in between.
  // That is four states, and at the most as many statuses on the deployment and on the profile: on a slow machine they do not
  // fall into the same quarter of a second.
  test.each([
    ["of a manifest", { value: "2" }, /^patch configmaps settings$/, { requests: 1, statuses: 4 }],
    [
      "of a chart",
      { value: "2", chartValue: "2" },
      /^patch configmaps shop-shop-config$/,
      // The stored set read and written, the record made and deployed, its predecessor superseded, and two objects.
      { requests: 7, statuses: 10 },
    ],
  ])("one changed value %s is one apply", async (_what, changed, objects, most) => {
    const mark = await marks();
    await readyAfter(platform(changed));
    const target = await counted(edge, mark.edge);
    const own = await counted(hub, mark.hub);
    print("one changed value at the target", target);
    print("one changed value at the hub", own);
    expect(total(target, objects)).toBeGreaterThanOrEqual(1);
    expect(total(target), "requests at the target").toBeLessThanOrEqual(most.requests);
    expect(total(own, /^patch (clusterprofiles|profiledeployments)\/status/)).toBeLessThanOrEqual(most.statuses);
    expect(total(own, /^create events/)).toBeLessThanOrEqual(1);
    expect(total(own)).toBeLessThanOrEqual(most.statuses + 1);
  });

  test("nothing is asked of anybody while only things happen that do not matter", async () => {
    const text = JSON.stringify(manifest("v1", "ConfigMap", "from-reference").object);
    await readyAfter(
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "manifests", namespace: "acme" }, data: { a: text } },
      local,
    );
    await fence(hub, "fence-before");
    const mark = await marks();
    const stranger: Live = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "stranger", namespace: "default" },
    };
    for (const plane of [hub, edge]) {
      for (const a of ["1", "2", "3"]) await apply(plane, { ...stranger, data: { a } });
    }
    await edge.kubectlOk(["annotate", "deployment", "web", "-n", "app", "example.com/checked=yes"]);
    await edge.kubectlOk(["label", "configmap", "settings", "-n", "base", "example.com/colour=blue"]);
    await hub.kubectlOk(["annotate", "clusterprofile", "platform", "-n", "acme", "example.com/owner=them"]);
    await hub.kubectlOk(["annotate", "targetcluster", "edge", "-n", "acme", "example.com/site=oslo"]);
    await hub.kubectlOk(["annotate", "secret", "edge", "-n", "acme", "example.com/checked=yes"]);
    await hub.kubectlOk(["annotate", "configmap", "manifests", "-n", "acme", "example.com/checked=yes"]);
    const pod = (await edge.kubectlOk(["get", "pod", "-n", "app", "-o", "name"])).trim();
    for (const [object, ...where] of [["node/node-0"], [pod, "-n", "app"]]) {
      for (const time of ["2030-01-01T00:00:00Z", "2030-01-01T00:00:10Z"]) {
        const heartbeat = { type: "example.com/Beat", status: "True", lastTransitionTime: time };
        const patch = JSON.stringify({ status: { conditions: [heartbeat] } });
        await edge.kubectlOk([
          "patch",
          object ?? "",
          ...where,
          "--subresource=status",
          "--type=strategic",
          "-p",
          patch,
        ]);
      }
    }

    const isOfFence = await fence(hub, "fence-after");
    const quiet = async (plane: ControlPlane, from: number): Promise<string[]> =>
      (await strataRequests(plane, from))
        .filter((event) => isCounted(event) && !isOfFence(`${event.requestURI} ${event.objectRef?.name}`))
        .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
    // An object of ours that somebody else wrote is looked at once: a value may have changed with it.
    const looks = [
      "get /api/v1/namespaces/base/configmaps/settings",
      "get /apis/apps/v1/namespaces/app/deployments/web",
    ];
    const asked = await quiet(edge, mark.edge);
    expect(asked.filter((request) => !looks.includes(request))).toEqual([]);
    expect(new Set(asked).size).toBe(asked.length);
    // What the fence itself needs first of all: the key of the cluster's digests, and an event.
    const fencesOwn = /secrets\/strata-digest-key|\/events\?/;
    expect((await quiet(hub, mark.hub)).filter((request) => !fencesOwn.test(request))).toEqual([]);
  });
});
