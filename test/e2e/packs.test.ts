import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { type PackSite, pushPacks, startPackSite, type WrittenPack } from "../support/packs.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, type Registry, startChartRepo, startRegistry } from "../support/registry.ts";
import {
  apply,
  auditMark,
  condition,
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

const LAMP_TYPE = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: lamps.lamps.example }
spec:
  group: lamps.example
  scope: Namespaced
  names: { kind: Lamp, plural: lamps }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`;

const LAMP = `
apiVersion: lamps.example/v1
kind: Lamp
metadata: { name: {{ .Release.Name }} }
spec: { chart: {{ .Chart.Version | quote }}, watts: {{ .Values.watts }}, room: {{ .Values.room | quote }}, color: {{ .Values.color }} }
`;

/** Two charts, of which the second has an object of a kind that the first brings. */
const lamps = (version: string): WrittenPack => ({
  name: "lamps",
  version,
  charts: {
    types: { "templates/type.yaml": LAMP_TYPE },
    lamp: { "templates/lamp.yaml": LAMP, "values.yaml": "{ watts: 1, color: white, room: none }" },
  },
  files: {
    "values.yaml": `
pack:
  namespace: lamps
  additionalNamespaces: [lamp-store]
  namespaceLabels: { lamps: "owner=lamps-pack" }
  releaseNameOverride: { lamp: desk }
charts:
  lamp:
    watts: 40
    room: "{{ .spectro.var.room }} of {{ .spectro.system.cluster.name }}"
`,
    "presets.yaml": `presets: [{ name: bright, displayName: Bright, group: Light, add: "charts: { lamp: { watts: 100 } }" }]`,
  },
});

const PAGE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data:
  title: {{ .Values.title | quote }}
  lines: {{ .Values.lines | quote }}
  cluster: "{{ .spectro.system.cluster.name | upper }}"
  lamp: "{{ .spectro.pack.lamps.charts.lamp.watts | default "none" }}"
`;

/** A manifest with values, presets and a schema; its second version brings one object more, and one less. */
const greeting = (version: string): WrittenPack => ({
  name: "greeting",
  version,
  files: {
    "values.yaml": "pack: { namespace: greeting }\nmanifests: { page: { title: plain, lines: 2 } }",
    "manifests/page.yaml": PAGE,
    [`manifests/of-${version}.yaml`]: `{ apiVersion: v1, kind: ConfigMap, metadata: { name: of-${version} } }`,
    "presets.yaml": `presets: [{ name: long, displayName: Long, group: Size, add: "manifests: { page: { lines: 9 } }" }]`,
    "schema.yaml": `manifests.page.lines:\n  schema: '{{ required | format "\${number:[1-9]}" }}'`,
  },
});

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let oci: Registry;
let site: PackSite;
let charts: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("packs");
  for (const version of ["8.0.0", "9.1.0"]) {
    const files = { "values.yaml": "{ color: company }", "templates/lamp.yaml": LAMP };
    await writeChart(join(folder.path, `lamp-${version}`), { name: "lamp", version, files });
  }
  [oci, charts, site] = await Promise.all([
    startRegistry(),
    startChartRepo(folder.path),
    startPackSite([greeting("1.0.0"), greeting("1.1.0")]),
  ]);
  await pushPacks(oci.host, [lamps("1.0.0"), lamps("2.0.0")]);
  hub = await startControlPlane({ name: "packs" });
  home = await prepareHub(hub);
  await startIt();
  await trustedTenant(hub, "acme");
  await apply(
    hub,
    registry("ours", "OCI", `oci://${oci.host}/packs`),
    registry("site", "Pack", site.url),
    registry("charts", "Helm", charts.url),
    registry("dead", "Pack", "http://127.0.0.1:9"),
  );
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), oci?.stop(), site?.stop(), charts?.stop(), folder?.remove()]);
});

async function startIt(): Promise<void> {
  strata = await home.start({ STRATA_PLAIN_HTTP_REGISTRIES: oci.host });
}

const registry = (name: string, type: string, url: string): object => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "Registry",
  metadata: { name, namespace: "acme" },
  spec: { type, url },
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

const profile = (name: string, layers: string): string => `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: { name: ${name}, namespace: acme }
spec:
  clusterRefs: [{ name: local }]
  variables:
    - { name: room, type: string, default: attic }
    - { name: watts, type: integer, default: 60 }
  layers:${layers}`;

async function applyAndWait(name: string, layers: string): Promise<Live> {
  await apply(hub, profile(name, layers));
  return await untilReady(hub, profilePath(name));
}

async function failureOf(name: string, reason: string): Promise<Live> {
  const is = (object: Live): boolean =>
    condition(object, "Ready")?.reason === reason && object.status.observedGeneration === object.metadata.generation;
  return await waitUntil(hub, profilePath(name), { what: reason, is });
}

/** The row of a layer as its deployment has it, with parts and warnings. */
async function rowOf(name: string, layer: string): Promise<Live> {
  const { items } = await read(hub, "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
  return layerOf(
    items.find(({ spec }: Live) => spec.profileRef.name === name),
    layer,
  );
}

const lampOf = async (name = "desk"): Promise<Live> =>
  (await read(hub, pathOf("lamps.example/v1", "lamps", `lamps/${name}`)))?.spec;
const pageOf = async (): Promise<Live> => (await read(hub, pathOf("v1", "configmaps", "greeting/page")))?.data;

const lampLayer = (settings = "", version = "1.0.0", more = ""): string => `
    - name: lamps
      pack:
        registryRef: { name: ours } # leaf: Profile spec.layers[].pack.registryRef.name
        name: lamps # leaf: Profile spec.layers[].pack.name
        version: ${version}${more}${settings}`; // leaf: Profile spec.layers[].pack.version

const pageLayer = (settings = "", { version = "1.0.0", registry: name = "site" } = {}): string => `
    - name: page
      pack: { registryRef: { name: ${name} }, name: greeting, version: ${version} }${settings}`;

describe("a pack with two charts", () => {
  test("comes in the order of its charts, each a Helm release, in its own namespaces", async () => {
    await applyAndWait("shop", lampLayer());
    expect(await lampOf()).toEqual({ chart: "1.0.0", watts: 40, room: "attic of local", color: "white" });
    const row = await rowOf("shop", "lamps");
    expect(row).toMatchObject({ source: "pack ours/lamps", version: "1.0.0", state: "Ready", ready: "2/2" });
    expect(row.parts.map(({ name, state, version }: Live) => [name, state, version])).toEqual([
      ["lamps.types", "Ready", "1.0.0"],
      ["lamps.lamp", "Ready", "1.0.0"],
    ]);
    for (const release of ["lamps-types", "desk"])
      expect(await read(hub, pathOf("v1", "secrets", `lamps/sh.helm.release.v1.${release}.v1`))).toBeDefined();
    expect((await read(hub, pathOf("v1", "namespaces", "lamps"))).metadata.labels).toMatchObject({
      owner: "lamps-pack",
    });
    expect(await read(hub, pathOf("v1", "namespaces", "lamp-store"))).toBeDefined();
  });

  test("takes presets, values, variables and expressions", async () => {
    const presets = "\n        presets: [bright]"; // leaf: Profile spec.layers[].pack.presets
    await applyAndWait("shop", lampLayer("", "1.0.0", presets));
    expect(await lampOf()).toMatchObject({ watts: 100, room: "attic of local" });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression
    const values = "\n      values: { charts: { lamp: { watts: '${{ variables.watts }}', color: red } } }";
    await applyAndWait("shop", lampLayer(values, "1.0.0", presets));
    expect(await lampOf()).toMatchObject({ watts: 60, color: "red" });
    await apply(hub, profile("shop", lampLayer(values, "1.0.0", presets)).replace("attic", "cellar"));
    await untilReady(hub, profilePath("shop"));
    expect(await lampOf()).toMatchObject({ watts: 60, room: "cellar of local" });
  });

  test("warns in its status of what has no effect, and goes on", async () => {
    await applyAndWait("shop", lampLayer("\n      values: { chart: {}, charts: { lamp: { wats: 3 } } }"));
    expect((await rowOf("shop", "lamps")).warnings).toEqual([
      "values: the pack has no key chart; did you mean charts?",
      "values: charts.lamp.wats is no value of the chart; did you mean watts?",
    ]);
  });

  test("is upgraded: each release has another revision", async () => {
    await applyAndWait("shop", lampLayer("", "2.x"));
    expect(await lampOf()).toMatchObject({ chart: "2.0.0", watts: 40 });
    expect(await rowOf("shop", "lamps")).toMatchObject({ version: "2.0.0", state: "Ready" });
    const records = await hub.kubectlOk([
      "get",
      "secrets",
      "-n",
      "lamps",
      "-l",
      "name=desk,status=deployed",
      "-o",
      "name",
    ]);
    expect(records.trim().split("\n")).toHaveLength(1);
  });

  test("has a chart from another place: of a repository, or of another Registry", async () => {
    const elsewhere = (place: string, version: string): string => `
        charts:
          - name: lamp # leaf: Profile spec.layers[].pack.charts[].name
            ${place}
            version: ${version}`; // leaf: Profile spec.layers[].pack.charts[].version
    const repo = `repo: "${charts.url}"`; // leaf: Profile spec.layers[].pack.charts[].repo
    await applyAndWait("shop", lampLayer("", "2.0.0", elsewhere(repo, "8.0.0")));
    expect(await lampOf()).toMatchObject({ chart: "8.0.0", watts: 40, color: "company" });
    const ref = "registryRef: { name: charts }"; // leaf: Profile spec.layers[].pack.charts[].registryRef.name
    await applyAndWait("shop", lampLayer("", "2.0.0", elsewhere(ref, "9.x")));
    expect(await lampOf()).toMatchObject({ chart: "9.1.0" });
    expect((await rowOf("shop", "lamps")).parts.map(({ version }: Live) => version)).toEqual(["2.0.0", "9.1.0"]);
  });
});

describe("a pack of manifests", () => {
  const values = (text: string): string => `\n      values: { manifests: { page: ${text} } }`;

  test("is rendered with its values, presets, facts of the cluster and values of other packs", async () => {
    await applyAndWait("shop", `${lampLayer("", "2.0.0")}${pageLayer()}`);
    expect(await pageOf()).toEqual({ title: "plain", lines: "2", cluster: "LOCAL", lamp: "40" });
    const long = pageLayer(values("{ title: 'Room {{ .spectro.var.room }}' }")).replace(
      "1.0.0 }",
      "1.0.0, presets: ['Size:long'] }",
    );
    await applyAndWait("shop", `${lampLayer("", "2.0.0")}${long}`);
    expect(await pageOf()).toEqual({ title: "Room attic", lines: "9", cluster: "LOCAL", lamp: "40" });
    expect(await rowOf("shop", "page")).toMatchObject({
      source: "pack site/greeting",
      parts: [{ name: "page.manifests" }],
    });
  });

  test("is upgraded: what it no longer has goes", async () => {
    await applyAndWait("shop", `${lampLayer("", "2.0.0")}${pageLayer("", { version: "1.1.0" })}`);
    expect(await read(hub, pathOf("v1", "configmaps", "greeting/of-1.0.0"))).toBeUndefined();
    expect(await read(hub, pathOf("v1", "configmaps", "greeting/of-1.1.0"))).toBeDefined();
  });

  test.each([
    ["a value against its schema", "{ lines: 77 }", /^pack greeting 1\.1\.0: manifests\.page\.lines .*1.*9/],
    [
      "a macro that is not defined",
      "{ title: '{{ .spectro.var.rom }}' }",
      /^layer page, values.*\.spectro\.var\.rom\b/,
    ],
  ])("is not applied with %s, and says where that is", async (_, text, message) => {
    const mark = await auditMark(hub);
    await apply(hub, profile("shop", `${lampLayer("", "2.0.0")}${pageLayer(values(text), { version: "1.1.0" })}`));
    const failed = layerOf(await failureOf("shop", "InvalidValues"), "page");
    expect(failed.message).toMatch(message);
    expect((await strataWrites(hub, mark)).filter((write) => / (greeting|lamps)\//.test(write))).toEqual([]);
    expect(await pageOf()).toMatchObject({ title: "plain" });
  });
});

describe("a registry that is down", () => {
  test("is named in one sentence by those who need something of it", async () => {
    await apply(hub, profile("lost", pageLayer("", { registry: "dead" })));
    const { message, state } = layerOf(await failureOf("lost", "SourceUnavailable"), "page");
    expect(state).toBe("Failed");
    expect(message).toMatch(/^127\.0\.0\.1:9 is not available: /);
    await hub.kubectlOk(["delete", "-n", "acme", "sap/lost", "--timeout=90s"]);
  });

  test("is not missed by what is installed: after a restart all is Ready, and nothing is written", async () => {
    const layers = `${lampLayer("", "2.0.0")}${pageLayer("", { version: "1.1.0" })}`;
    await applyAndWait("shop", layers);
    await strata.kill();
    await Promise.all([site.stop(), oci.stop(), charts.stop()]);
    const mark = await auditMark(hub);
    await startIt();
    // What somebody breaks is mended from what is known, so that the restart has come to its end.
    await hub.kubectlOk(["delete", "configmap", "page", "-n", "greeting"]);
    await waitUntil(hub, pathOf("v1", "configmaps", "greeting/page"), {
      what: "back",
      is: (object) => object !== undefined,
    });
    const ready = await untilReady(hub, profilePath("shop"));
    expect(ready.status.layers.map(({ state }: Live) => state)).toEqual(["Ready", "Ready"]);
    expect(await strataWrites(hub, mark)).toEqual(["patch configmaps greeting/page"]);
  });

  test("holds up a new version, and what is there stays", async () => {
    await apply(hub, profile("shop", `${lampLayer("", "2.0.0")}${pageLayer("", { version: "1.0.0" })}`));
    expect(layerOf(await failureOf("shop", "SourceUnavailable"), "page").state).toBe("Failed");
    expect(await read(hub, pathOf("v1", "configmaps", "greeting/of-1.1.0"))).toBeDefined();
    expect((await rowOf("shop", "page")).parts.map(({ name }: Live) => name)).toEqual(["page.manifests"]);
  });
});

describe("a pack that goes", () => {
  const stored = async (): Promise<string> =>
    await hub.kubectlOk(["get", "secrets", "-n", "strata-system", "-o", "name"]);

  test("leaves nothing when its layer leaves the list, and nothing when the profile goes", async () => {
    expect(await stored()).toMatch(/\.page\n/);
    await applyAndWait("shop", lampLayer("", "2.0.0"));
    const gone = { what: "gone", is: (object: Live): boolean => object === undefined };
    await waitUntil(hub, pathOf("v1", "namespaces", "greeting"), gone);
    await untilReady(hub, profilePath("shop"));
    expect(await stored()).not.toMatch(/\.page/);
    expect(await stored()).toMatch(/\.lamps\n/);
    await hub.kubectlOk(["delete", "-n", "acme", "sap/shop", "--timeout=90s"]);
    expect(await stored()).not.toMatch(/\.(page|lamps)/);
    for (const namespace of ["lamps", "lamp-store"])
      expect(await read(hub, pathOf("v1", "namespaces", namespace))).toBeUndefined();
    expect(await hub.kubectlOk(["get", "customresourcedefinitions", "-o", "name"])).not.toContain("lamps.example");
  });
});
