import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditEvent } from "../support/audit.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  follow,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

const API = "strata.dev/v1alpha1";
const profilePath = (name: string): string => pathOf(API, "addonprofiles", `acme/${name}`);
const deploymentPath = (name: string): string => pathOf("apps/v1", "deployments", `acme/${name}`);
const crdPath = (name: string): string =>
  pathOf("apiextensions.k8s.io/v1", "customresourcedefinitions", `widgets.${name}.example`);
const widgetPath = (name: string): string => pathOf(`${name}.example/v1`, "widgets", `acme/${name}`);

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  hub = await startControlPlane({ name: "teardown" });
  folder = await temporaryFolder("teardown");
  await writeChart(join(folder.path, "operator"), {
    name: "operator",
    version: "1.0.0",
    files: {
      "templates/crd.yaml": yaml(crd("{{ .Values.run }}")),
      "templates/operator.yaml": yaml(operator("{{ .Values.run }}")),
      "values.yaml": "run: none",
    },
  });
  await writeChart(join(folder.path, "widget"), {
    name: "widget",
    version: "1.0.0",
    files: { "templates/widget.yaml": yaml(widget("{{ .Values.run }}")), "values.yaml": "run: none" },
  });
  repo = await startChartRepo(folder.path);
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop(), folder?.remove()]);
});

const yaml = (object: Live): string => JSON.stringify(object);

const crd = (name: string): Live => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `widgets.${name}.example` },
  spec: {
    group: `${name}.example`,
    scope: "Namespaced",
    names: { kind: "Widget", plural: "widgets" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

const operator = (name: string): Live => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "main", image: "registry.example/operator:1" }] },
    },
  },
});

const widget = (name: string): Live => ({
  apiVersion: `${name}.example/v1`,
  kind: "Widget",
  metadata: { name },
  spec: { size: 1 },
});

const base = (name: string): Live => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: `${name}-base` },
});

function manifests(layer: string, ...objects: Live[]): Live {
  return { name: layer, manifests: objects.map((object) => ({ object })) };
}

function chart(layer: string, run: string): Live {
  const helm = { repo: repo.url, chart: layer, version: "1.0.0", releaseName: `${run}-${layer}` };
  return { name: layer, helm, values: { run } };
}

function profile(name: string, layers: Live[]): Live {
  const spec = { namespace: "acme", clusterRefs: [{ name: "local" }], layers };
  return { apiVersion: API, kind: "AddOnProfile", metadata: { name, namespace: "acme" }, spec };
}

/** How an operator and what it operates are brought, and taken back. */
interface Form {
  layers(name: string): Live[];
  /** What is in the cluster before. */
  before?(name: string): Live;
  end: "profile deleted" | "layers dropped";
}

const inManifests = (name: string): Live[] => [
  manifests("operator", crd(name), operator(name)),
  manifests("widget", widget(name)),
];
const inCharts = (name: string): Live[] => [chart("operator", name), chart("widget", name)];

const FORMS: Readonly<Record<string, Form>> = {
  "two layers of manifests": { layers: inManifests, end: "profile deleted" },
  "two layers of manifests that leave the list": { layers: inManifests, end: "layers dropped" },
  "two layers with charts": { layers: inCharts, end: "profile deleted" },
  "two layers with charts that leave the list": { layers: inCharts, end: "layers dropped" },
  "one layer for all": {
    layers: (name) => [manifests("all", crd(name), operator(name), widget(name))],
    end: "profile deleted",
  },
  "one layer, its CRD from elsewhere": {
    layers: (name) => [manifests("all", operator(name), widget(name))],
    before: crd,
    end: "profile deleted",
  },
};

async function isSo(path: string, what: string, is: (live: Live | undefined) => boolean): Promise<Live> {
  return await waitUntil(hub, path, { what, is });
}

const isGone = (path: string): Promise<Live> => isSo(path, "gone", (live) => live === undefined);

async function patch(path: string, body: Live): Promise<void> {
  const { status } = await hub.request("PATCH", path, { body, contentType: "application/merge-patch+json" });
  if (status !== 200) throw new Error(`PATCH ${path}: ${status}`);
}

/** The operator puts its finalizer on a new widget, as controllers do. */
async function takeCharge(name: string): Promise<void> {
  await patch(widgetPath(name), { metadata: { finalizers: [`${name}.example/cleanup`] } });
}

/** The operator cleans up after a widget that is going, and lets go of it; without its Deployment it can do nothing. */
async function cleanUp(name: string, mayEnd: Promise<void> = Promise.resolve()): Promise<void> {
  const isGoing = (live: Live | undefined): boolean => live?.metadata.deletionTimestamp !== undefined;
  await isSo(widgetPath(name), "going", isGoing);
  await mayEnd;
  const scratch = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `${name}-scratch` } };
  await hub.request("POST", "/api/v1/namespaces/acme/configmaps", { body: scratch });
  await hub.request("DELETE", pathOf("v1", "configmaps", `acme/${name}-scratch`));
  const own = await read(hub, deploymentPath(name));
  if (!own || isGoing(own)) throw new Error(`${name}: its operator went before it: nobody takes the finalizer off`);
  await patch(widgetPath(name), { metadata: { finalizers: null } });
}

async function bring(name: string, { layers, before }: Form): Promise<void> {
  if (before) await apply(hub, before(name));
  await apply(hub, profile(name, [manifests("base", base(name)), ...layers(name)]));
  await isSo(profilePath(name), "Ready", isReady);
  await takeCharge(name);
}

/** Asks for the end of operator and widget. */
async function askForEnd(name: string, { end }: Form): Promise<void> {
  if (end === "layers dropped") await apply(hub, profile(name, [manifests("base", base(name))]));
  else await hub.kubectlOk(["delete", "sap", name, "-n", "acme", "--wait=false"]);
}

async function isDone(name: string, { end, before }: Form): Promise<void> {
  if (end === "profile deleted") await isGone(profilePath(name));
  else {
    const isBare = (live: Live): boolean => isReady(live) && live.status.layers.length === 1;
    await isSo(profilePath(name), "Ready without its former layers", isBare);
  }
  for (const path of [widgetPath(name), deploymentPath(name)])
    expect((await hub.request("GET", path)).status).toBe(404);
  expect((await hub.request("GET", crdPath(name))).status).toBe(before ? 200 : 404);
}

async function run(name: string, form: Form): Promise<void> {
  await bring(name, form);
  await Promise.all([cleanUp(name), askForEnd(name, form).then(() => isDone(name, form))]);
}

/** What was written on widget, operator and CRD, `who verb resource`, from the first delete on. */
function endOf(name: string, events: readonly AuditEvent[]): string[] {
  const kinds = ["widgets", "deployments", "customresourcedefinitions"];
  const names = [name, `widgets.${name}.example`];
  const writes = events.filter(
    ({ verb, objectRef: { resource = "", name: one = "", subresource } = {}, responseStatus }) =>
      ["patch", "update", "delete"].includes(verb) &&
      kinds.includes(resource) &&
      names.includes(one) &&
      subresource !== "status" &&
      (responseStatus?.code ?? 500) < 300,
  );
  const first = writes.findIndex(({ verb }) => verb === "delete");
  return writes.slice(first).map(({ userAgent = "", verb, objectRef }) => {
    const who = userAgent.startsWith("strata/") ? "Strata" : userAgent === "strata-test" ? "operator" : "Kubernetes";
    return `${who}: ${verb} ${objectRef?.resource}`;
  });
}

/** Widget, finalizer, Deployment until the garbage collector has let go of it, CRD. */
function expectOrder(name: string, { before }: Form, events: readonly AuditEvent[]): void {
  const all = endOf(name, events);
  const deeds = all.filter((deed) => !deed.startsWith("Kubernetes"));
  const want = ["Strata: delete widgets", "operator: patch widgets", "Strata: delete deployments"];
  expect(deeds, name).toEqual(before ? want : [...want, "Strata: delete customresourcedefinitions"]);
  const gone = all.findLastIndex((deed) => deed.endsWith("deployments"));
  if (!before) expect(all.indexOf("Strata: delete customresourcedefinitions"), all.join("; ")).toBeGreaterThan(gone);
}

describe("an operator and what it operates", () => {
  test("go in reverse order, 20 of 20 times: what has a finalizer first, then who takes it off, then the CRD", async () => {
    const times = [4, 4, 3, 3, 3, 3];
    const runs = Object.values(FORMS).map((form, index) =>
      Array.from({ length: times[index] ?? 0 }, (_, count) => ({ name: `run-${index}-${count}`, form })),
    );
    expect(runs.flat()).toHaveLength(20);
    for (const batch of runs) await Promise.all(batch.map(({ name, form }) => run(name, form)));
    const events = await hub.auditEvents();
    for (const { name, form } of runs.flat()) expectOrder(name, form, events);
  }, 400_000);

  test("go so too when Strata dies in the middle of it", async () => {
    const runs = Object.values(FORMS).map((form, index) => ({ name: `killed-${index}`, form }));
    await Promise.all(runs.map(({ name, form }) => bring(name, form)));
    const restarted = Promise.withResolvers<void>();
    const cleaned = runs.map(({ name }) => cleanUp(name, restarted.promise));
    await Promise.all(runs.map(({ name, form }) => askForEnd(name, form)));
    const isGoing = (live: Live): boolean => live?.metadata.deletionTimestamp !== undefined;
    await Promise.all(runs.map(({ name }) => isSo(widgetPath(name), "going", isGoing)));
    await strata.kill();
    strata = await home.start();
    restarted.resolve();
    await Promise.all([...cleaned, ...runs.map(({ name, form }) => isDone(name, form))]);
    const events = await hub.auditEvents();
    for (const { name, form } of runs) expectOrder(name, form, events);
  }, 300_000);

  test.each(["profile deleted", "layers dropped"] as const)(
    "whose operator does not run any more: the status names who holds it and what to do, and goes on when that is done (%s)",
    async (end) => {
      const name = `stuck-${end.split(" ")[0]}`;
      const form: Form = { layers: inManifests, end };
      await bring(name, form);
      await askForEnd(name, form);
      const held = `1 object left; Widget acme/${name} is being deleted, held by finalizer ${name}.example/cleanup`;
      const stuck = await isSo(profilePath(name), held, (live) => live?.status?.summary?.message?.startsWith(held));
      const { message } = stuck.status.summary;
      expect(layerOf(stuck, "widget")).toMatchObject({ state: "Removing", reason: "Removing", message });
      const command = /; if that runs no more, in that cluster: kubectl (.*) -p '(.*)'$/.exec(message);
      if (!command) throw new Error(message);
      const [, args = "", body = ""] = command;

      using story = await follow(hub, deploymentPath(name));
      expect((await hub.kubectlOk(["get", "sap", name, "-n", "acme"])).split("\n")[1]).toContain(held);
      await hub.kubectlOk([...args.split(" "), "-p", body]);
      await isDone(name, form);
      expect(story.versions[0]?.metadata.deletionTimestamp, "the operator stays as long as it may be needed").toBe(
        undefined,
      );
      const deeds = endOf(name, await hub.auditEvents()).filter((deed) => deed.startsWith("Strata"));
      expect(deeds).toEqual([
        "Strata: delete widgets",
        "Strata: delete deployments",
        "Strata: delete customresourcedefinitions",
      ]);
    },
  );
});
