import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
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
import { prepareHub, type StrataProcess } from "../support/strata.ts";

const CANARY = "c4n4ry-bird";
const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/page");

/** A chart that shows its values, and fails with a value in its hands. */
const TEMPLATE = `
{{- if .Values.broken }}{{ fail .Values.token }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data:
  version: {{ .Chart.Version | quote }}
  title: {{ .Values.title | quote }}
  replicas: {{ add .Values.replicas 1 | quote }}
  network: {{ .Values.network | quote }}
  features: {{ join "," .Values.features | quote }}
---
apiVersion: v1
kind: Secret
metadata: { name: page }
stringData: { token: {{ .Values.token | quote }} }
`;

let hub: ControlPlane;
let edge: ControlPlane;
let charts: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let strata: StrataProcess;

beforeAll(async () => {
  folder = await temporaryFolder("variables");
  for (const version of ["1.0.0", "1.1.0"]) {
    const files = { "templates/page.yaml": TEMPLATE };
    await writeChart(join(folder.path, `page-${version}`), { name: "page", version, files });
  }
  charts = await startChartRepo(folder.path);
  [hub, edge] = (await Promise.all(
    ["variables-hub", "variables-edge"].map((name) => startControlPlane({ name, controllers: false })),
  )) as [ControlPlane, ControlPlane];
  const home = await prepareHub(hub);
  strata = await home.start({ STRATA_LOG_LEVEL: "trace" });
  await trustedTenant(hub, "acme");
  await apply(hub, secret("edge-kubeconfig", { kubeconfig: edge.kubeconfig }), cluster({}));
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), edge?.stop(), charts?.stop(), folder?.remove()]);
});

const configMap = (name: string, data: Live, namespace = "acme"): Live => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
  data,
});

const secret = (name: string, stringData: Live): Live => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "acme" },
  stringData,
});

function cluster(spec: Live): Live {
  const connection = { kubeconfigSecretRef: { name: "edge-kubeconfig" } };
  const metadata = { name: "edge", namespace: "acme" };
  return { apiVersion: "strata.dev/v1alpha1", kind: "TargetCluster", metadata, spec: { connection, ...spec } };
}

/** Values of several types, in a chart's values, its version and its namespace. */
function profile(spec: Live = {}, values: Live = {}): Live {
  const variables = [
    { name: "title", default: "a page" },
    { name: "replicas", type: "integer", default: 1, maximum: 5 },
    { name: "network", type: "ipv4cidr", default: "10.0.0.0/8" },
    { name: "features", type: "list", default: ["plain"] },
    { name: "chart", type: "semver", default: "1.0.0" },
    { name: "space", default: "front", immutable: true },
    { name: "region", required: true },
    { name: "token", required: true, sensitive: true },
  ];
  const layer = {
    name: "page",
    namespace: `web-\${{ variables.space }}`,
    helm: { repo: charts.url, chart: "page", version: `\${{ variables.chart }}` },
    values: {
      title: `\${{ variables.title }} of \${{ cluster.name }} in \${{ variables.region }}`,
      replicas: `\${{ variables.replicas }}`,
      network: `\${{ variables.network }}`,
      features: `\${{ variables.features }}`,
      token: `\${{ variables.token }}`,
      ...values,
    },
  };
  const metadata = { name: "page", namespace: "acme" };
  const whole = { clusterRefs: [{ name: "edge" }], variables, layers: [layer], ...spec };
  return { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec: whole };
}

const FROM = { variablesFrom: [{ configMapRef: { name: "settings" } }, { secretRef: { name: "token" } }] };

/** The data of an object `page` on the target, once one field of it is so. */
async function page(field: string, value: string, resource = "configmaps"): Promise<Live> {
  const path = pathOf("v1", resource, "web-front/page");
  const what = `${field} ${value}`;
  const { data } = await waitUntil(edge, path, { what, is: (live) => live?.data?.[field] === value });
  return data;
}

const ready = async (): Promise<Live> => await untilReady(hub, PROFILE);

async function refused(message: RegExp): Promise<Live> {
  return await waitUntil(hub, PROFILE, {
    what: `${message}`,
    is: (live) => message.test(layerOf(live, "page")?.message),
  });
}

/** Waits until the status says that the values of a profile come from these places, and from no others. */
async function comesFrom(want: Record<string, string>, name = "page"): Promise<void> {
  const { body } = await hub.request("GET", "/apis/strata.dev/v1alpha1/profiledeployments");
  const { metadata } = body.items.find(({ spec }: Live) => spec.profileRef.name === name);
  const path = pathOf("strata.dev/v1alpha1", "profiledeployments", `${metadata.namespace}/${metadata.name}`);
  const text = ({ status }: Live): string =>
    JSON.stringify(status.variables.map((row: Live) => [row.name, row.source]).sort());
  const wanted = JSON.stringify(Object.entries(want).sort());
  await waitUntil(hub, path, { what: wanted, is: (live) => text(live) === wanted });
}

/** What Strata has written of the chart since a mark, its release left out. */
async function pageWrites(mark: number): Promise<string[]> {
  return (await strataWrites(edge, mark)).filter((write) => write.endsWith("/page"));
}

describe("variables, from the default to the cluster's last word", () => {
  test("all required ones without a value are named at once, and nothing is applied", async () => {
    const mark = await auditMark(edge);
    await apply(hub, profile());
    const live = await refused(/region/);
    expect(layerOf(live, "page")).toMatchObject({
      state: "Failed",
      reason: "InvalidValues",
      message: expect.stringContaining(
        "variable region is required and has no value: set it in spec.variables of TargetCluster edge; " +
          "variable token is required and has no value: set it by a Secret in variablesFrom of the profile or of TargetCluster edge",
      ),
    });
    expect(condition(live, "Ready")).toMatchObject({ status: "False", reason: "InvalidValues" });
    expect(await pageWrites(mark)).toEqual([]);
    expect(await read(edge, pathOf("v1", "namespaces", "web-front"))).toBeUndefined();
  });

  test("names that do not exist are told of in every layer at once, and nothing is applied", async () => {
    const mark = await auditMark(edge);
    await apply(hub, configMap("settings", { region: "north" }), secret("token", { token: `${CANARY}-0` }));
    const { spec, ...rest } = profile(FROM);
    const [layer] = spec.layers;
    const wrong = (name: string, values: Live): Live => ({ ...layer, name, values });
    const layers = [
      layer,
      wrong("second", {
        title: `\${{ variables.titel }} \${{ cluster.labels.site }}`,
        list: [`\${{ variables.region2 }}`],
      }),
      wrong("third", { token: `\${{ layers.second.outputs.token }}` }),
    ];
    await apply(hub, { ...rest, spec: { ...spec, layers } });
    const held = "waits for layer second: nothing new is applied until its expressions are right";
    const live = await waitUntil(hub, PROFILE, {
      what: "both layers refused, and the first one held",
      is: (one) =>
        ["second", "third"].every((name) => layerOf(one, name)?.reason === "InvalidValues") &&
        layerOf(one, "page")?.message?.includes(held) === true,
    });
    expect(layerOf(live, "second").message).toContain(
      "values.list[0]: variables.region2 is not declared in spec.variables; did you mean region?; " +
        "values.title, character 1: variables.titel is not declared in spec.variables; did you mean title?; " +
        "values.title, character 24: cluster edge has no label site",
    );
    expect(layerOf(live, "third").message).toContain(
      "values.token: layer second has no output named token; there is none",
    );
    expect(live.status.summary).toMatchObject({
      layer: "second",
      message: expect.stringContaining("edge: values.list"),
    });
    expect(await pageWrites(mark)).toEqual([]);
  });

  test("defaults, a ConfigMap and a Secret", async () => {
    await apply(
      hub,
      configMap("settings", { region: "north", unrelated: "of another profile" }),
      secret("token", { token: `${CANARY}-1` }),
      profile(FROM),
    );
    await ready();
    expect(await page("title", "a page of edge in north")).toEqual({
      version: "1.0.0",
      title: "a page of edge in north",
      replicas: "2",
      network: "10.0.0.0/8",
      features: "plain",
    });
    await page("token", Buffer.from(`${CANARY}-1`).toString("base64"), "secrets");
    await comesFrom({
      title: "default",
      replicas: "default",
      network: "default",
      features: "default",
      chart: "default",
      space: "default",
      region: "variablesFrom[0] ConfigMap acme/settings key region",
      token: "variablesFrom[1] Secret acme/token key token",
    });
  });

  test("a ConfigMap and a Secret are watched; texts are read by their types", async () => {
    await apply(
      hub,
      configMap("settings", { region: "south", replicas: "3", features: "[x, z]", chart: "1.1.0" }),
      secret("token", { token: `${CANARY}-2` }),
    );
    expect(await page("version", "1.1.0")).toMatchObject({
      title: "a page of edge in south",
      replicas: "4",
      features: "x,z",
    });
    await page("token", Buffer.from(`${CANARY}-2`).toString("base64"), "secrets");
    await ready();
  });

  test("a text of another type is named by its place, and what stands stays", async () => {
    await apply(hub, configMap("settings", { region: "south", replicas: "many", network: "10.0.0.0/40" }));
    const live = await refused(/replicas/);
    expect(layerOf(live, "page").message).toMatch(
      /variable replicas, from variablesFrom\[0\] ConfigMap acme\/settings key replicas: must be a whole number.*; variable network, from /,
    );
    await page("version", "1.1.0");
    await apply(hub, configMap("settings", { region: "south" }));
    await page("version", "1.0.0");
    await ready();
  });

  test("the cluster's sources go over the profile's, and its own values over both", async () => {
    await apply(
      hub,
      configMap("site", { region: "west", title: "a site" }),
      secret("site", { text: `${CANARY}-3` }),
      cluster({
        variablesFrom: [
          { configMapRef: { name: "site" } },
          { secretKeyRef: { name: "site", key: "text" }, variable: "token" },
        ],
        variables: { region: "east", replicas: 4 },
      }),
    );
    expect(await page("title", "a site of edge in east")).toMatchObject({ replicas: "5" });
    await page("token", Buffer.from(`${CANARY}-3`).toString("base64"), "secrets");
    await ready();
    await comesFrom({
      title: "TargetCluster edge variablesFrom[0] ConfigMap acme/site key title",
      token: "TargetCluster edge variablesFrom[1] Secret acme/site key text",
      region: "TargetCluster edge",
      replicas: "TargetCluster edge",
      network: "default",
      features: "default",
      chart: "default",
      space: "default",
    });
  });

  test("overrides go over all values of the layer, on this cluster", async () => {
    const profileRef = { kind: "AddOnProfile", name: "page" };
    const override = { profileRef, layer: "page", values: { title: `over \${{ variables.region }}`, features: ["z"] } };
    await apply(hub, cluster({ variables: { region: "east" }, overrides: [override] }));
    expect(await page("title", "over east")).toMatchObject({ features: "z", replicas: "2" });
    await page("token", Buffer.from(`${CANARY}-2`).toString("base64"), "secrets");
    await apply(hub, cluster({ variables: { region: "east" } }));
    expect(await page("title", "a page of edge in east")).toMatchObject({ features: "plain" });
    await ready();
  });

  test("what is said of a variable is for people: nothing is written for it", async () => {
    const mark = await auditMark(edge);
    const { spec, ...rest } = profile(FROM);
    // leaf: Profile spec.variables[].description
    const variables = spec.variables.map((one: Live) => ({ ...one, description: `The page's ${one.name}.` }));
    await apply(hub, { ...rest, spec: { ...spec, variables } });
    await ready();
    expect(await pageWrites(mark)).toEqual([]);
    await apply(hub, profile(FROM));
    await ready();
  });

  test("an immutable one keeps its first value", async () => {
    const mark = await auditMark(edge);
    await apply(hub, cluster({ variables: { region: "far", space: "back" } }));
    const live = await refused(/immutable/);
    expect(layerOf(live, "page")).toMatchObject({
      reason: "InvalidValues",
      message: expect.stringContaining(
        "variable space is immutable and was set before, but TargetCluster edge changes it: give it its first value again, or declare another variable",
      ),
    });
    expect(await pageWrites(mark)).toEqual([]);
    await apply(hub, cluster({ variables: { region: "near", space: "front" } }));
    await page("title", "a page of edge in near");
    await ready();
  });
});

describe("a SystemProfile", () => {
  test("takes variables from objects of the namespaces that it names", async () => {
    await apply(hub, configMap("fleet", { motto: "first" }, "default"), {
      apiVersion: "strata.dev/v1alpha1",
      kind: "SystemProfile",
      metadata: { name: "fleet" },
      spec: {
        clusterRefs: [{ name: "edge", namespace: "acme" }],
        variables: [{ name: "motto", required: true }, { name: "region" }],
        variablesFrom: [{ configMapKeyRef: { name: "fleet", namespace: "default", key: "motto" } }],
        layers: [
          {
            name: "fleet",
            namespace: "fleet",
            helm: { repo: charts.url, chart: "page", version: "1.0.0" },
            values: {
              title: `\${{ variables.motto }} in \${{ variables.region }}`,
              replicas: 1,
              network: "none",
              features: [],
              token: "none",
            },
          },
        ],
      },
    });
    const path = pathOf("v1", "configmaps", "fleet/page");
    const titled = (title: string) => ({ what: title, is: (live: Live) => live?.data?.title === title });
    await waitUntil(edge, path, titled("first in near"));
    await apply(hub, configMap("fleet", { motto: "second" }, "default"));
    await waitUntil(edge, path, titled("second in near"));
    await comesFrom(
      {
        motto: "variablesFrom[0] ConfigMap default/fleet key motto",
        region: "TargetCluster edge",
      },
      "fleet",
    );
  });
});

describe("a secret value stands nowhere", () => {
  test.each<[what: string, change: () => Live[], says: RegExp]>([
    ["given in plain sight", () => [cluster({ variables: { token: `${CANARY}-4` } })], /may only come from a Secret/],
    ["used in a namespace", () => [cluster({ variables: { region: "near" } }), inNamespace()], /everybody/],
    ["in what a chart fails with", () => [profile(FROM, { broken: true })], /page/],
    ["in what an expression fails with", () => [profile(FROM, { title: `\${{ int(variables.token) }}` })], /title/],
    ["that breaks a limit", () => [limited()], /variable token, from .*: must match/],
  ])("%s", async (_, change, says) => {
    await apply(hub, ...change());
    await refused(says);
  });

  test("neither in a status, nor in an event, nor in the log", async () => {
    await apply(
      hub,
      secret("token", { token: `${CANARY}-5` }),
      cluster({ variables: { region: "near" } }),
      profile(FROM),
    );
    await page("token", Buffer.from(`${CANARY}-5`).toString("base64"), "secrets");
    await ready();
    const told: string[] = [strata.log()];
    for (const kind of ["addonprofiles", "profiledeployments", "systemprofiles", "targetclusters"]) {
      const { body } = await hub.request("GET", `/apis/strata.dev/v1alpha1/${kind}`);
      expect(body.items.length, kind).toBeGreaterThan(0);
      told.push(JSON.stringify(body.items.map(({ status }: Live) => status)));
    }
    for (const plane of [hub, edge]) {
      for (const path of ["events", "configmaps"])
        told.push(JSON.stringify((await plane.request("GET", `/api/v1/${path}`)).body));
    }
    for (const text of told) {
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain(Buffer.from(CANARY).toString("base64").slice(0, -2));
    }
  });
});

/** The profile with its secret in the name of its namespace. */
function inNamespace(): Live {
  const { spec, ...rest } = profile(FROM);
  return { ...rest, spec: { ...spec, layers: [{ ...spec.layers[0], namespace: `\${{ variables.token }}` }] } };
}

/** The profile with a secret that is not as it is declared. */
function limited(): Live {
  const { spec, ...rest } = profile(FROM);
  const variables = spec.variables.map((one: Live) => (one.name === "token" ? { ...one, pattern: "^[0-9]+$" } : one));
  return { ...rest, spec: { ...spec, variables } };
}
