import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { below, writeChart } from "../support/files.ts";
import { helm } from "../support/helm.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  auditMark,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

const CHART = {
  "config.yaml":
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }} }\ndata: { title: {{ .Values.title | quote }} }\n",
  "account.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: {{ .Release.Name }} }\n",
};

beforeAll(async () => {
  folder = await temporaryFolder("handover");
  const files = { "values.yaml": "title: plain\n", ...below("templates", CHART) };
  await writeChart(join(folder.path, "shop"), { name: "shop", version: "1.0.0", files, fields: {} });
  [repo, hub] = await Promise.all([startChartRepo(folder.path), startControlPlane({ name: "handover" })]);
  home = await prepareHub(hub);
  strata = await home.start();
  for (const tenant of ["acme", "beta"]) await trustedTenant(hub, tenant);
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop()]);
  await folder?.remove();
});

const configMap = (name: string): Live => ({
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { key: "v" } },
});
const plain = (name: string): Live => ({ name, manifests: [configMap(name)] });

/** What a layer of manifests from a ConfigMap of the tenant acme is made of, and the layer. */
const source = (name: string, text: string): Live => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "acme" },
  data: { "objects.yaml": text },
});
const layerFrom = (name: string): Live => ({ name, manifests: [{ configMapRef: { name } }] });
const FREE = JSON.stringify({ metadata: { finalizers: null } });

/** Layers that wait for each other, one of them with a chart; the second profile's chart has another value. */
const moving = (title: string): Live[] => [
  plain("first"),
  { name: "shop", helm: { repo: repo.url, chart: "shop", version: "1.0.0" }, values: { title } },
  plain("last"),
];

interface Wanted {
  tenant: string;
  namespace: string;
  layers: readonly Live[];
}

/** Two profiles of two tenants, whose objects are in one namespace. */
function sides(namespace: string): { from: Wanted; to: Wanted; without: (wanted: Wanted) => Wanted } {
  const from = { tenant: "acme", namespace, layers: [plain("stays"), ...moving("theirs")] };
  const to = { tenant: "beta", namespace, layers: [plain("own"), ...moving("ours")] };
  return { from, to, without: (wanted) => ({ ...wanted, layers: wanted.layers.slice(0, 1) }) };
}

const profile = ({ tenant, namespace, layers }: Wanted): Live => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name: namespace, namespace: tenant },
  spec: { clusterRefs: [{ name: "local" }], namespace, layers },
});
const profilePath = ({ tenant, namespace }: Wanted): string =>
  pathOf("strata.dev/v1alpha1", "addonprofiles", `${tenant}/${namespace}`);

async function ready(wanted: Wanted): Promise<void> {
  const names = wanted.layers.map(({ name }) => name).join();
  await waitUntil(hub, profilePath(wanted), {
    what: `Ready: ${names}`,
    is: (object) => isReady(object) && object.status.layers.map(({ name }: Live) => name).join() === names,
  });
}

/** What moves, as it is. */
async function moved({ namespace }: Wanted): Promise<Live[]> {
  const names = ["configmaps first", "configmaps shop", "serviceaccounts shop", "configmaps last"];
  return await Promise.all(
    names.map((text) => {
      const [resource = "", name = ""] = text.split(" ");
      return read(hub, pathOf("v1", resource, `${namespace}/${name}`));
    }),
  );
}
const uids = (objects: readonly Live[]): string[] => objects.map((object) => object?.metadata.uid);

/** Deletes of Strata since a mark, besides what it keeps for itself. */
async function deletesSince(mark: number): Promise<string[]> {
  const writes = await strataWrites(hub, mark);
  return writes.filter((write) => write.startsWith("delete") && !write.includes(" strata-system/"));
}

async function releases({ namespace }: Wanted): Promise<string[]> {
  const text = await helm(["list", "-n", namespace, "-o", "json"], {
    home: folder.path,
    kubeconfigPath: hub.kubeconfigPath,
  });
  return JSON.parse(text).map(({ name, revision, status }: Live) => `${name} ${revision} ${status}`);
}

/** Everything that moved is the second profile's, as it was, and nothing was deleted. */
async function isHandedOver({ to, before, mark }: { to: Wanted; before: Live[]; mark: number }): Promise<void> {
  await ready(to);
  const after = await moved(to);
  expect(uids(after)).toEqual(uids(before));
  const [first, shop] = after;
  expect(shop.data).toEqual({ title: "ours" });
  expect(shop.metadata.labels["applyset.kubernetes.io/part-of"]).toBe(
    first.metadata.labels["applyset.kubernetes.io/part-of"],
  );
  expect(await deletesSince(mark)).toEqual([]);
  expect(await releases(to)).toEqual(["shop 2 deployed"]);
}

async function remove(...all: Wanted[]): Promise<void> {
  for (const { tenant, namespace } of all)
    await hub.kubectlOk(["delete", "-n", tenant, `addonprofiles.strata.dev/${namespace}`, "--timeout=90s"]);
}

describe("layers that move from one profile to another, one of them with a chart", () => {
  test.each([
    ["into the new one first", "in"],
    ["out of the old one first", "out"],
    ["while Strata is down", "down"],
  ])("%s: 0 deletes", async (_order, how) => {
    const { from, to, without } = sides(`move-${how}`);
    await apply(hub, profile(from), profile(without(to)));
    await ready(from);
    await ready(without(to));
    const before = await moved(from);
    const mark = await auditMark(hub);
    if (how === "down") await strata.kill();
    const both = [profile(to), profile(without(from))];
    await apply(hub, ...(how === "out" ? both.toReversed() : both));
    if (how === "down") strata = await home.start();
    await isHandedOver({ to, before, mark });
    await ready(without(from));
    await remove(from);
    expect(uids(await moved(to))).toEqual(uids(before));
    await remove(to);
    expect(await moved(to)).toEqual([undefined, undefined, undefined, undefined]);
    expect(await releases(to)).toEqual([]);
  });
});

test("layers that move to a profile made in the same breath: 0 deletes", async () => {
  const { from, to, without } = sides("move-new");
  await apply(hub, profile(from));
  await ready(from);
  const before = await moved(from);
  const mark = await auditMark(hub);
  await apply(hub, profile(without(from)), profile(to));
  await isHandedOver({ to, before, mark });
  await remove(from, to);
});

describe("a profile whose layers another one waits for", () => {
  test.each([
    ["is deleted", "up"],
    ["is deleted while Strata is down", "down"],
  ])("%s: the other one has them, and nothing else is deleted", async (_what, how) => {
    const { from, to } = sides(`go-${how}`);
    await apply(hub, profile(from));
    await ready(from);
    await apply(hub, profile(to));
    await waitUntil(hub, profilePath(to), {
      what: "in Conflict",
      is: (object) => layerOf(object, "first")?.reason === "Conflict",
    });
    const before = await moved(from);
    const mark = await auditMark(hub);
    if (how === "down") await strata.kill();
    const { tenant, namespace } = from;
    await hub.kubectlOk(["delete", "-n", tenant, `addonprofiles.strata.dev/${namespace}`, "--wait=false"]);
    if (how === "down") strata = await home.start();
    await waitUntil(hub, profilePath(from), { what: "gone", is: (object) => object === undefined });
    await ready(to);
    expect(uids(await moved(to))).toEqual(uids(before));
    expect(await deletesSince(mark)).toEqual([`delete configmaps ${namespace}/stays`]);
    expect(await releases(to)).toEqual(["shop 2 deployed"]);
    await remove(to);
  });
});

describe("what a profile has given up and still has goes at once to one that comes for it later", () => {
  /**
   * The other one is there, and comes for it when nothing happens any more that the owner would look at. That it is refused
   * changes nothing on the cluster.
   */
  async function isTaken(from: Wanted, name: string): Promise<void> {
    const pathTo = (map: string): string => pathOf("v1", "configmaps", `${from.namespace}/${map}`);
    const { uid } = (await read(hub, pathTo(name))).metadata;
    const to = { ...from, tenant: "beta", layers: [plain("own")] };
    await apply(hub, profile(to));
    await ready(to);
    const mark = await auditMark(hub);
    to.layers.push(plain(name));
    await apply(hub, profile(to));
    await ready(to);
    const [own, taken] = await Promise.all([read(hub, pathTo("own")), read(hub, pathTo(name))]);
    expect(taken.metadata.uid).toBe(uid);
    expect(taken.metadata.labels).toEqual(own.metadata.labels);
    expect(await deletesSince(mark)).toEqual([]);
    await remove(to);
  }

  test("where a brake holds it", async () => {
    const from = { tenant: "acme", namespace: "held", layers: [layerFrom("given")] };
    await apply(hub, source("given", JSON.stringify(configMap("given").object)), profile(from));
    await ready(from);
    await apply(hub, source("given", "# nothing yet"));
    await waitUntil(hub, profilePath(from), {
      what: "held",
      is: (object) => layerOf(object, "given")?.reason === "PruneHeld",
    });
    await isTaken(from, "given");
    // Nothing is left to hold.
    await ready(from);
    await remove(from);
  });

  test("where it waits for another object, that does not go", async () => {
    const path = pathOf("coordination.k8s.io/v1", "leases", "behind/late");
    const late = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "late", finalizers: ["example.com/hold"] },
    };
    const dropped = { name: "dropped", manifests: [configMap("first"), { object: late }] };
    const from = { tenant: "acme", namespace: "behind", layers: [plain("stays"), dropped] };
    await apply(hub, profile(from));
    await ready(from);
    const without = { ...from, layers: from.layers.slice(0, 1) };
    await apply(hub, profile(without));
    await waitUntil(hub, profilePath(from), {
      what: "waiting for the Lease",
      is: (object) => /^2 objects left; Lease .* held by finalizer/.test(layerOf(object, "dropped")?.message),
    });
    await isTaken(from, "first");
    expect((await read(hub, path)).metadata.deletionTimestamp).toBeDefined();
    await hub.kubectlOk(["patch", "lease", "late", "-n", "behind", "--type=merge", "-p", FREE]);
    await ready(without);
    await remove(without);
  });
});
