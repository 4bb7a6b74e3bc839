import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildAs } from "../support/another-version.ts";
import { askedOf, count, isCounted, table } from "../support/budget.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { accountKubeconfig } from "../support/install.ts";
import { fence, strataRequests } from "../support/ledger.ts";
import { type PackSite, startPackSite } from "../support/packs.ts";
import { local, manifest, page, platform } from "../support/platform.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import { metric } from "../support/replicas.ts";
import {
  apply,
  auditMark,
  isReady,
  type Live,
  pathOf,
  read,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { homeWith, type StrataProcess, startStrata } from "../support/strata.ts";
import { targetCluster } from "../support/target-cluster.ts";

const CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));
const PROFILE = pathOf("strata.dev/v1alpha1", "clusterprofiles", "acme/platform");
const LOCAL = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/local");

let hub: ControlPlane;
let edge: ControlPlane;
let charts: ChartRepo;
let packs: PackSite;
let strata: StrataProcess;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [charts, packs, folder] = await Promise.all([
    startChartRepo(CHARTS),
    startPackSite([page]),
    temporaryFolder("budgets"),
  ]);
  hub = await startControlPlane({ name: "budgets-hub", controllers: false });
  edge = await startControlPlane({ name: "budgets-edge", nodes: 1 });
  // By far before Strata takes it over: what is written in the same second is looked at again after a restart.
  const there = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "there" }, data: { value: "old" } };
  await edge.kubectlOk(["apply", "-n", "default", "-f", "-"], { input: JSON.stringify(there) });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  const site = { apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata: { name: "packs", namespace: "acme" } };
  await apply(hub, ...targetCluster("edge", edge.kubeconfig), {
    ...site,
    spec: { type: "Pack", url: packs.url },
  });
  for (const name of ["targetclusters/edge", "registries/packs"]) {
    const [resource = "", object = ""] = name.split("/");
    await untilReady(hub, pathOf("strata.dev/v1alpha1", resource, `acme/${object}`));
  }
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), edge?.stop(), charts?.stop(), packs?.stop(), folder?.remove()]);
});

interface Phase {
  /** What was asked of the target, and of the hub. */
  target: string[];
  own: string[];
  /** How long it took, in whole seconds. */
  seconds: number;
}

/** Answers what Strata is asked for on the hub by the test itself, if anything. */
type Act = () => Promise<((request: string) => boolean) | undefined>;

/** All that Strata asks for while something is done; a person reads it in the log of the run. */
async function phase(name: string, act: Act): Promise<Phase> {
  const [onEdge, onHub] = [await auditMark(edge), await auditMark(hub)];
  const began = Date.now();
  const isOfTest = await act();
  const seconds = Math.ceil((Date.now() - began) / 1000);
  const target = await askedOf(edge, onEdge);
  const own = (await askedOf(hub, onHub)).filter((request) => !isOfTest?.(request));
  console.log(table(name, { target, hub: own }));
  return { target, own, seconds };
}

async function readyAfter(...manifests: Live[]): Promise<undefined> {
  await apply(hub, ...manifests);
  const { kind, metadata } = manifests.at(-1);
  const path = kind === "ClusterProfile" ? PROFILE : LOCAL;
  const { generation } = (await read(hub, path)).metadata;
  const is = (live: Live): boolean => isReady(live) && live.metadata.generation >= generation;
  await waitUntil(hub, path, { what: `${metadata.name} Ready`, is });
}

/** A person breaks an object of the target; it is as it was when the profile is Ready again. */
async function brokenAndMended(path: string, ...kubectl: string[]): Promise<undefined> {
  const { data } = await read(edge, path);
  await edge.kubectlOk(kubectl);
  await waitUntil(edge, path, { what: "mended", is: (live) => JSON.stringify(live?.data) === JSON.stringify(data) });
  await untilReady(hub, PROFILE);
}

/** The name of the ApplySet's parent, with which all that Strata keeps for a profile begins. */
async function parentName(): Promise<string> {
  const { body } = await edge.request("GET", "/api/v1/namespaces/strata-system/configmaps");
  const ofPlatform = ({ metadata }: Live): boolean =>
    metadata.annotations?.["strata.dev/profile"] === "ClusterProfile/acme/platform";
  return body.items.find(ofPlatform).metadata.name;
}

/** Requests in the order of the alphabet, with `parent` for that name. */
async function sorted(target: readonly string[]): Promise<string[]> {
  const parent = await parentName();
  return target.map((request) => request.replace(`strata-system/${parent}`, "parent")).sort();
}

/** What one pass or two write on the hub: 2 statuses of the deployment, 2 of the profile, and an event. */
function expectFew(own: readonly string[], { statuses = 4, events = 1 } = {}): void {
  expect(count(own, /^patch profiledeployments\/status/), "statuses of the deployment").toBeLessThanOrEqual(
    statuses / 2,
  );
  expect(count(own, /^patch (clusterprofiles|profiledeployments)\/status/), "statuses").toBeLessThanOrEqual(statuses);
  expect(count(own, /^create events/), "events").toBeLessThanOrEqual(events);
  expect(own.filter((request) => !/^patch \w+\/status|^create events/.test(request))).toEqual([]);
}

describe("Budgets", () => {
  test("first apply: each object, and what it takes to know it again", async () => {
    const { target, own, seconds } = await phase("first apply", () => readyAfter(platform(charts.url)));
    const record = (name: string): string[] => [`create secrets ${name}`, `patch secrets ${name}`];
    expect(await sorted(target)).toEqual(
      [
        // Strata's own namespace, and the key of the digests; a look at what a process before this one may have left.
        "get secrets strata-system/strata-digest-key",
        "create namespaces strata-system",
        "create secrets strata-system/strata-digest-key",
        "get configmaps parent",
        // The parent grows with each layer, before the first object of it, and knows at last what was adopted.
        ...Array(5).fill("patch configmaps parent"),
        ...["base", "app", "shop", "page"].map((name) => `patch namespaces ${name}`),
        // The objects.
        "patch configmaps base/settings",
        "patch secrets base/key",
        "patch serviceaccounts base/app",
        "patch services base/app",
        "patch configmaps app/web",
        "patch deployments app/web",
        ...["configmaps shop/shop-shop-config", "deployments shop/shop-shop", "services shop/shop-shop"].map(
          (object) => `patch ${object}`,
        ),
        "patch serviceaccounts shop/reader",
        "patch rolebindings shop/reader",
        "patch configmaps page/board",
        "patch configmaps page/page",
        // One that kubectl had applied: refused, read, its ownership folded, applied.
        ...Array(3).fill("patch configmaps default/there"),
        "get configmaps default/there",
        // A chart's and a pack's stored set, and what a process before this one may have stored.
        ...["shop", "page", "page.board", "page.manifests"].flatMap((name) => [
          `get secrets parent.${name}`,
          `patch secrets parent.${name}`,
        ]),
        ...record("shop/sh.helm.release.v1.shop.v1"),
        ...record("page/sh.helm.release.v1.page-board.v1"),
      ].sort(),
    );
    const layers = 4;
    expect(count(own, /^create profiledeployments/)).toBe(1);
    expect(count(own, /^patch clusterprofiles acme\/platform/)).toBe(1);
    // Coalesced in a quarter of a second; a slow machine stretches the states of a layer over more, one a second at most.
    expect(count(own, /^patch profiledeployments\/status/)).toBeLessThanOrEqual(Math.max(2 * layers, 3 + seconds));
    expect(count(own, /^patch clusterprofiles\/status/)).toBeLessThanOrEqual(3 + seconds);
    // Each layer is Ready, and one object was adopted.
    expect(count(own, /^create events/)).toBeLessThanOrEqual(layers + 1);
    const others = /^(?!create profiledeployments|patch (clusterprofiles|profiledeployments)|create events)/;
    // As long as a profile goes there, a TargetCluster has a finalizer.
    expect(own.filter((request) => others.test(request))).toEqual(["patch targetclusters acme/edge"]);
  });

  test("a spec that changes no object: nothing at the target", async () => {
    const act = () => readyAfter(platform(charts.url, { version: "2.0.0" }));
    const { target, own } = await phase("a spec that changes no object", act);
    expect(target).toEqual([]);
    expectFew(own, { events: 0 });
  });

  test("one value of a manifest: one apply", async () => {
    const act = () => readyAfter(platform(charts.url, { version: "2.0.0", value: "2" }));
    const { target, own } = await phase("one value of a manifest", act);
    expect(target).toEqual(["patch configmaps base/settings"]);
    expectFew(own);
  });

  // The chart writes its revision into its Deployment, which is rolled out: its layer waits, and says so, in between.
  // That is four states, and at the most as many statuses on the deployment and on the profile: on a slow machine they do
  // not fall into the same quarter of a second.
  test("one value of a chart: what it changes, the stored set, and the release as helm upgrades it", async () => {
    const act = () => readyAfter(platform(charts.url, { version: "2.0.0", value: "2", chartValue: "2" }));
    const { target, own } = await phase("one value of a chart", act);
    expect(await sorted(target)).toEqual(
      [
        "patch configmaps shop/shop-shop-config",
        "patch deployments shop/shop-shop",
        "patch secrets parent.shop",
        "create secrets shop/sh.helm.release.v1.shop.v2",
        "patch secrets shop/sh.helm.release.v1.shop.v1",
        "patch secrets shop/sh.helm.release.v1.shop.v2",
      ].sort(),
    );
    expectFew(own, { statuses: 10 });
  });

  test("a repair: one apply", async () => {
    const edit = ["patch", "configmap", "settings", "-n", "base", "--type=merge", "-p", '{"data":{"value":"edited"}}'];
    const act = () => brokenAndMended(pathOf("v1", "configmaps", "base/settings"), ...edit);
    const { target, own } = await phase("repair", act);
    expect(target).toEqual(["patch configmaps base/settings"]);
    expectFew(own);
  });

  test("a restart, here by the next version: no write, no render, no read of an object", async () => {
    const version = "9.9.9";
    const home = await homeWith(hub, await accountKubeconfig(hub), await buildAs(version, folder.path));
    await strata.kill();
    const began = await auditMark(edge);
    // What the fence itself needs first of all: the namespace, which is there, and the key of the hub's digests.
    const fencesOwn = /^create namespaces$| strata-system\/strata-digest-key$/;
    const { target, own } = await phase("restart, and a repair", async () => {
      strata = await home.start();
      const isOfFence = await fence(hub, "fence-restart");
      // That of the last layer is mended when all before it are known.
      await brokenAndMended(pathOf("v1", "configmaps", "page/page"), "delete", "configmap", "page", "-n", "page");
      return (request) => isOfFence(request) || fencesOwn.test(request);
    });
    const agents = (await strataRequests(edge, began)).map(({ userAgent }) => userAgent);
    expect(new Set(agents)).toEqual(new Set([`strata/${version}`]));
    expect(await sorted(target)).toEqual(
      [
        "get secrets strata-system/strata-digest-key",
        "get configmaps parent",
        ...["shop", "page", "page.board", "page.manifests"].map((name) => `get secrets parent.${name}`),
        "patch configmaps page/page",
      ].sort(),
    );
    expect(await metric(strata, 'strata_renders_total{result="miss"}')).toBe(0);
    expectFew(own);
  });

  test("nothing is asked of anybody while only things happen that do not matter", async () => {
    const text = JSON.stringify(manifest("v1", "ConfigMap", "from-reference").object);
    await readyAfter(
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "manifests", namespace: "acme" }, data: { a: text } },
      local,
    );
    await fence(hub, "fence-before");
    const mark = { hub: await auditMark(hub), edge: await auditMark(edge) };
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
