/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of this file */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { helm } from "../support/helm.ts";
import { type PackSite, startPackSite } from "../support/packs.ts";
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
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const MAP = `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}, labels: { app: shop } }
data: { size: {{ .Values.size | quote }} }
---
# Of no interest to anybody.
apiVersion: v1
kind: ConfigMap
metadata: { name: untouched }
data: { a: "1" }
`;
const HOOK = `
apiVersion: v1
kind: ConfigMap
metadata: { name: before, annotations: { helm.sh/hook: pre-install,pre-upgrade } }
data: { a: "1" }
`;

let hub: ControlPlane;
let strata: StrataProcess;
let repo: ChartRepo;
let site: PackSite;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("patches");
  const files = { "values.yaml": "size: small", "templates/map.yaml": MAP, "templates/hook.yaml": HOOK };
  await writeChart(join(folder.path, "shop"), { name: "shop", version: "1.0.0", files });
  const map = (name: string): string =>
    `{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name} }, data: { a: "1" } }`;
  const pack = {
    name: "app",
    version: "1.0.0",
    charts: { first: { "templates/map.yaml": map("of-chart") } },
    files: { "values.yaml": "pack: { namespace: packed }", "manifests/map.yaml": map("of-manifests") },
  };
  [repo, site, hub] = await Promise.all([
    startChartRepo(folder.path),
    startPackSite([pack]),
    startControlPlane({ name: "patches" }),
  ]);
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  const metadata = { name: "site", namespace: "acme" };
  await apply(hub, {
    apiVersion: "strata.dev/v1alpha1",
    kind: "Registry",
    metadata,
    spec: { type: "Pack", url: site.url },
  });
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop(), site?.stop(), folder?.remove()]);
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
const mapPath = (name: string): string => pathOf("v1", "configmaps", name);

const profile = (name: string, layer: Live): Live => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name, namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "local" }],
    namespace: name,
    variables: [{ name: "color", type: "string", default: "red" }],
    layers: [{ name: "shop", ...layer }],
  },
});

async function applied(name: string, layer: Live): Promise<Live> {
  await apply(hub, profile(name, layer));
  return await untilReady(hub, profilePath(name));
}

async function failing(name: string, layer: Live, reason: string): Promise<string> {
  await apply(hub, profile(name, layer));
  const live = await waitUntil(hub, profilePath(name), {
    what: reason,
    is: (object) =>
      object?.status?.observedGeneration === object?.metadata.generation && layerOf(object, "shop")?.reason === reason,
  });
  return layerOf(live, "shop").message;
}

const dataOf = async (name: string): Promise<Live> => (await read(hub, mapPath(name)))?.data;

describe("patches", () => {
  test("of a chart are in its objects, its hooks, and in what helm says of the release", async () => {
    const chart = { helm: { repo: repo.url, chart: "shop", version: "1.0.0" } };
    const patches = [
      { target: { kind: "ConfigMap", name: "shop" }, patch: "data: { color: '${{ variables.color }}', size: null }" },
      {
        target: { labelSelector: { matchLabels: { app: "shop" } } },
        patch: "[{ op: add, path: /data/more, value: 'yes' }]",
      },
      { target: { name: "before" }, patch: "data: { a: '2' }" },
    ];
    await applied("charted", { ...chart, patches });
    expect(await dataOf("charted/shop")).toEqual({ color: "red", more: "yes" });
    expect(await dataOf("charted/before")).toEqual({ a: "2" });
    const at = { home: hub.dataDir, kubeconfigPath: hub.kubeconfigPath };
    const manifest = await helm(["get", "manifest", "shop", "-n", "charted"], at);
    expect(manifest).toContain("color: red");
    expect(manifest).not.toContain("small");
    expect(manifest).toContain("# Of no interest to anybody.");
    expect(await helm(["get", "hooks", "shop", "-n", "charted"], at)).toMatch(/a: ['"]2['"]/);

    const mark = await auditMark(hub);
    await applied("charted", { ...chart, patches: patches.slice(1) });
    expect(await dataOf("charted/shop")).toEqual({ size: "small", more: "yes" });
    const writes = (await strataWrites(hub, mark)).filter(
      (write) => write.includes(" charted/") && write.includes("configmaps"),
    );
    expect(writes.filter((write) => !write.endsWith("/before"))).toEqual(["patch configmaps charted/shop"]);
    expect(await helm(["history", "shop", "-n", "charted", "-o", "json"], at)).toContain('"revision":2');
  });

  test("of a pack are for any of its parts, and one that is for none is told", async () => {
    const pack = { registryRef: { name: "site" }, name: "app", version: "1.0.0" };
    const patches = ["of-chart", "of-manifests"].map((name) => ({ target: { name }, patch: "data: { b: '2' }" }));
    await applied("packed", { pack, patches });
    expect(await dataOf("packed/of-chart")).toEqual({ a: "1", b: "2" });
    expect(await dataOf("packed/of-manifests")).toEqual({ a: "1", b: "2" });
    const lost = [...patches, { target: { name: "lost" }, patch: "data: {}" }];
    expect(await failing("packed", { pack, patches: lost }, "InvalidPatch")).toContain(
      "patches[2] matches no object of the layer (name lost): correct its target, or take it out",
    );
  });

  test("that cannot be are told, and nothing is changed", async () => {
    const manifests = [
      { object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "plain" }, data: { a: "1" } } },
    ];
    await applied("plain", { manifests, patches: [{ target: {}, patch: "data: { b: '2' }" }] });
    expect(await dataOf("plain/plain")).toEqual({ a: "1", b: "2" });
    const say = async (target: Live, patch: string): Promise<string> =>
      await failing("plain", { manifests, patches: [{ target, patch }] }, "InvalidPatch");
    expect(await say({}, "[{ op: replace, path: /data/x, value: y }]")).toBe(
      "patches[0].patch[0] (replace /data/x): there is no /data/x in ConfigMap plain",
    );
    expect(await say({}, "metadata: { name: other }")).toBe(
      "patches[0].patch: must not change metadata.name of ConfigMap plain",
    );
    expect(await failing("plain", { manifests, patches: [{ target: {}, patch: "text" }] }, "InvalidSpec")).toBe(
      "patches[0].patch: must be a list of operations (JSON patch, RFC 6902) or a map (merge patch, RFC 7386)",
    );
    expect(await dataOf("plain/plain")).toEqual({ a: "1", b: "2" });
  });
});

describe("a field that cannot be changed: leaf: Profile spec.layers[].recreate", () => {
  const job = (image: string): Live => ({
    object: {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "work" },
      spec: {
        suspend: true,
        template: { spec: { restartPolicy: "Never", containers: [{ name: "work", image }] } },
      },
    },
  });
  const jobPath = pathOf("batch/v1", "jobs", "made/work");
  // A suspended Job is not Complete; what matters is whether it is written.
  const healthChecks = [{ apiVersion: "batch/v1", kind: "Job", current: "true" }];
  const layer = (image: string, rest: Live = {}): Live => ({ manifests: [job(image)], healthChecks, ...rest });
  const imageOf = (object: Live): string | undefined => object?.spec.template.spec.containers[0].image;

  test("is refused with what would help, and what that costs", async () => {
    await applied("made", layer("work:1"));
    const said = await failing("made", layer("work:2"), "ImmutableField");
    expect(said).toContain("Job made/work: ");
    expect(said).toContain(
      "or set the layer's recreate to true: it is then deleted and created again, and what it is running is cut off, and it runs again",
    );
    expect(imageOf(await read(hub, jobPath))).toBe("work:1");
  });

  test("leads to a delete and a create with recreate", async () => {
    const { uid } = (await read(hub, jobPath)).metadata;
    const mark = await auditMark(hub);
    await applied("made", layer("work:2", { recreate: true }));
    const live = await read(hub, jobPath);
    expect(imageOf(live)).toBe("work:2");
    expect(live.metadata.uid).not.toBe(uid);
    const deletes = (await strataWrites(hub, mark)).filter((write) => write.startsWith("delete"));
    expect(deletes).toEqual(["delete jobs made/work"]);
    const { items } = await read(hub, "/api/v1/namespaces/acme/events");
    expect(items.map(({ reason }: Live) => reason)).toContain("Recreated");
  });

  test("of what was there before, is refused unless adoption is Always", async () => {
    await hub.kubectlOk(["create", "namespace", "lent"]);
    const there = job("work:1").object;
    await hub.kubectlOk(["create", "-f", "-"], {
      input: JSON.stringify({ ...there, metadata: { name: "work", namespace: "lent" } }),
    });
    await applied("lent", layer("work:1", { recreate: true }));
    const said = await failing("lent", layer("work:2", { recreate: true }), "ImmutableField");
    expect(said).toContain("recreate is not for what was there before Strata: set the layer's adoption to Always too");
    await applied("lent", layer("work:2", { recreate: true, adoption: "Always" }));
    expect(imageOf(await read(hub, pathOf("batch/v1", "jobs", "lent/work")))).toBe("work:2");
  });

  test("of a claim of a volume is never a reason to delete it", async () => {
    const claim = (storage: string, storageClassName: string): Live => ({
      object: {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage } } },
      },
    });
    const checks = [{ apiVersion: "v1", kind: "PersistentVolumeClaim", current: "true" }];
    const volume = (storageClassName: string): Live => ({
      manifests: [claim("1Gi", storageClassName)],
      healthChecks: checks,
      recreate: true,
      adoption: "Always",
    });
    await applied("claimed", volume("one"));
    const { uid } = (await read(hub, pathOf("v1", "persistentvolumeclaims", "claimed/data"))).metadata;
    const said = await failing("claimed", volume("two"), "ImmutableField");
    expect(said).toContain("Strata never deletes a PersistentVolumeClaim for that: its data may go with it");
    expect((await read(hub, pathOf("v1", "persistentvolumeclaims", "claimed/data"))).metadata.uid).toBe(uid);
  });
});
