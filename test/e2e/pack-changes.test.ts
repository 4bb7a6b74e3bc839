import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { type PackSite, startPackSite, type WrittenPack } from "../support/packs.ts";
import { temporaryFolder } from "../support/processes.ts";
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
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const PORT = 8080;

/** A Deployment whose pod needs a port of the node, of which there is one. */
const onPort = (name: string): Live => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          { name: "main", image: `registry.example/${name}:1`, ports: [{ containerPort: PORT, hostPort: PORT }] },
        ],
      },
    },
  },
});

const configMap = (name: string, data: Record<string, string> = {}): Live => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

const chart = (object: Live): Record<string, string> => ({ "templates/it.yaml": JSON.stringify(object) });

const PAGE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data: { title: {{ .Values.title | default "plain" | quote }}, revision: {{ .Release.Revision | quote }} }
`;

const PACKS: readonly WrittenPack[] = [
  { name: "door", version: "1.0.0", charts: { old: chart(onPort("old")), sign: chart(configMap("sign")) } },
  { name: "door", version: "2.0.0", charts: { fresh: chart(onPort("fresh")), sign: chart(configMap("sign")) } },
  { name: "gate", version: "1.0.0", files: { "manifests/gate.yaml": JSON.stringify(onPort("gate")) } },
  {
    name: "page",
    version: "1.2.0",
    charts: { page: { "templates/page.yaml": PAGE } },
    files: { "values.yaml": "pack: { releaseNameOverride: { page: site } }\ncharts: { page: { title: packed } }" },
  },
  {
    name: "notes",
    version: "1.0.0",
    files: { "manifests/notes.yaml": JSON.stringify(configMap("notes", { a: "2" })) },
  },
  { name: "pair", version: "1.0.0", charts: { one: chart(configMap("one")), two: chart(configMap("two")) } },
  { name: "pair", version: "2.0.0", charts: { one: chart(configMap("one")) } },
];

let hub: ControlPlane;
let strata: StrataProcess;
let site: PackSite;
let charts: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("pack-changes");
  const page = join(folder.path, "page");
  await mkdir(join(page, "templates"), { recursive: true });
  await writeFile(join(page, "Chart.yaml"), "{ apiVersion: v2, name: page, version: 1.2.0 }");
  await writeFile(join(page, "templates", "page.yaml"), PAGE);
  [charts, site] = await Promise.all([startChartRepo(folder.path), startPackSite(PACKS)]);
  // One node: two pods with the same hostPort cannot both run.
  hub = await startControlPlane({ name: "pack-changes", nodes: 1 });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  const metadata = { name: "site", namespace: "acme" };
  const spec = { type: "Pack", url: site.url };
  await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata, spec });
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), site?.stop(), charts?.stop(), folder?.remove()]);
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

/** The only layer, `site`, of a profile; Ready when this resolves. */
async function siteBecomes(name: string, layer: Live): Promise<Live> {
  const spec = { clusterRefs: [{ name: "local" }], namespace: name, layers: [{ name: "site", ...layer }] };
  const metadata = { name, namespace: "acme" };
  await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec });
  return await untilReady(hub, profilePath(name));
}

const pack = (name: string, version = "1.0.0"): Live => ({ pack: { registryRef: { name: "site" }, name, version } });
const manifests = (...objects: Live[]): Live => ({ manifests: objects.map((object) => ({ object })) });
const chartOf = (name: string): Live => ({ helm: { repo: charts.url, chart: name, version: "1.2.0" } });

const live = async (resource: string, path: string): Promise<Live> =>
  await read(hub, pathOf(resource === "deployments" ? "apps/v1" : "v1", resource, path));

/** The Deployments of a namespace. */
async function deployments(namespace: string): Promise<string[]> {
  const { items } = await read(hub, `/apis/apps/v1/namespaces/${namespace}/deployments`);
  return items.map(({ metadata }: Live) => metadata.name);
}

/** The records of Helm releases in a namespace, as `name.vN status`. */
async function releases(namespace: string): Promise<string[]> {
  const { items } = await read(hub, `/api/v1/namespaces/${namespace}/secrets`);
  const records = items.filter(({ type }: Live) => type === "helm.sh/release.v1");
  return records.map(({ metadata: { labels } }: Live) => `${labels.name}.v${labels.version} ${labels.status}`).sort();
}

async function remove(name: string): Promise<void> {
  await hub.kubectlOk(["delete", "-n", "acme", `sap/${name}`, "--timeout=90s"]);
}

/** What Strata deletes meanwhile, save what it keeps for itself of a part that is gone. */
async function deletes(doing: () => Promise<unknown>): Promise<string[]> {
  const mark = await auditMark(hub);
  await doing();
  return (await strataWrites(hub, mark)).filter((write) => /^delete (?!secrets strata-system\/)/.test(write));
}

describe("what is left of a layer goes before it is healthy, so that the new can have the port of the old", () => {
  test("a chart of a pack has another name in its next version", async () => {
    await siteBecomes("door", pack("door", "1.0.0"));
    expect(await deployments("door")).toEqual(["old"]);
    await siteBecomes("door", pack("door", "2.0.0"));
    expect(await deployments("door")).toEqual(["fresh"]);
    expect(await releases("door")).toEqual(
      ["door-fresh.v1 deployed", "door-sign.v2 deployed", "door-sign.v1 superseded"].sort(),
    );
    await remove("door");
  });

  test("manifests become a pack, and a pack manifests", async () => {
    await siteBecomes("gate", manifests(onPort("plain")));
    await siteBecomes("gate", pack("gate"));
    expect(await deployments("gate")).toEqual(["gate"]);
    await siteBecomes("gate", manifests(onPort("plain")));
    expect(await deployments("gate")).toEqual(["plain"]);
    await remove("gate");
  });
});

describe("a layer that becomes a pack", () => {
  test("hands over the objects of its chart, and the release with its history: nothing is deleted", async () => {
    await siteBecomes("chart", chartOf("page"));
    const { uid } = (await live("configmaps", "chart/page")).metadata;
    expect(await deletes(() => siteBecomes("chart", pack("page", "1.2.0")))).toEqual([]);
    const page = await live("configmaps", "chart/page");
    expect(page).toMatchObject({ metadata: { uid }, data: { title: "packed", revision: "2" } });
    expect(await releases("chart")).toEqual(["site.v1 superseded", "site.v2 deployed"]);
    expect(await deletes(() => siteBecomes("chart", chartOf("page")))).toEqual([]);
    expect((await live("configmaps", "chart/page")).data).toEqual({ title: "plain", revision: "3" });
    await remove("chart");
    expect(await live("configmaps", "chart/page")).toBeUndefined();
  });

  test("hands over its manifests", async () => {
    await siteBecomes("notes", manifests(configMap("notes", { a: "1" })));
    const { uid } = (await live("configmaps", "notes/notes")).metadata;
    expect(await deletes(() => siteBecomes("notes", pack("notes")))).toEqual([]);
    expect(await live("configmaps", "notes/notes")).toMatchObject({ metadata: { uid }, data: { a: "2" } });
    await remove("notes");
  });
});

describe("a part that another version of its pack does not have", () => {
  test("stays with prune: Never, its release too, and goes when that is taken back", async () => {
    await siteBecomes("pair", { ...pack("pair", "1.0.0"), prune: "Never" });
    const later = async (): Promise<Live> => await siteBecomes("pair", { ...pack("pair", "2.0.0"), prune: "Never" });
    expect(await deletes(later)).toEqual([]);
    expect(layerOf(await later(), "site")).toMatchObject({ version: "2.0.0", state: "Ready" });
    expect(await live("configmaps", "pair/two")).toBeDefined();
    expect(await releases("pair")).toContain("pair-two.v1 deployed");
    await siteBecomes("pair", pack("pair", "2.0.0"));
    expect(await live("configmaps", "pair/two")).toBeUndefined();
    expect((await releases("pair")).filter((release) => release.includes("two"))).toEqual([]);
    await remove("pair");
  });
});
