import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { below, writeChart } from "../support/files.ts";
import { helm } from "../support/helm.ts";
import { fence, strataRequests } from "../support/ledger.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  auditMark,
  condition,
  follow,
  isReady,
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

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

const CHART = {
  "config.yaml":
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }} }\ndata: { title: {{ .Values.title | quote }} }\n",
};

beforeAll(async () => {
  folder = await temporaryFolder("drift-modes");
  const files = { "values.yaml": "title: plain\n", ...below("templates", CHART) };
  await writeChart(join(folder.path, "app"), { name: "app", version: "1.0.0", files, fields: {} });
  [repo, hub] = await Promise.all([startChartRepo(folder.path), startControlPlane({ name: "drift-modes", nodes: 1 })]);
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop()]);
  await folder?.remove();
});

const configMap = (name: string, data: Live = { key: "ours" }): Live => ({
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data },
});
const deployment = (name: string, { replicas = 2, image = "web:1" } = {}): Live => ({
  object: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "main", image }] } },
    },
  },
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
const at = (resource: string, name: string): string =>
  pathOf(resource === "deployments" ? "apps/v1" : resource === "jobs" ? "batch/v1" : "v1", resource, name);

/** A profile with one layer, whose objects are in a namespace of its name. */
function profile(name: string, layer: Live): Live {
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name, namespace: "acme" },
    spec: { namespace: name, clusterRefs: [{ name: "local" }], layers: [{ name: "one", ...layer }] },
  };
}

async function bring(name: string, layer: Live): Promise<Live> {
  await apply(hub, profile(name, layer));
  const { generation } = (await read(hub, profilePath(name))).metadata;
  const is = (object: Live): boolean => isReady(object) && object.metadata.generation >= generation;
  return await waitUntil(hub, profilePath(name), { what: "Ready", is });
}

/** Resolves when Strata has done all that it had to do. */
async function settled(name: string): Promise<void> {
  await fence(hub, name);
}

const isDrifted = (object: Live): boolean => layerOf(object, "one")?.state === "Drifted";

// leaf: Profile spec.layers[].drift.mode
describe("drift.mode", () => {
  const manifests = [deployment("web"), configMap("settings"), configMap("other")];

  test("Warn leaves what somebody changed or deleted, stays Ready, and says so; a change of the layer is applied", async () => {
    await bring("warned", { manifests, drift: { mode: "Warn" } });
    const mark = await auditMark(hub);
    await hub.kubectlOk(["scale", "-n", "warned", "deployment/web", "--replicas=3"]);
    await hub.kubectlOk(["delete", "-n", "warned", "configmap/settings"]);
    const sentence =
      "Deployment warned/web, ConfigMap warned/settings changed or deleted by somebody, and left so, as drift.mode is Warn";
    const told = await waitUntil(hub, profilePath("warned"), {
      what: "Drifted, and Ready",
      is: (object) => layerOf(object, "one")?.message === sentence && isReady(object),
    });
    expect(layerOf(told, "one")).toMatchObject({ state: "Drifted", reason: "DriftLeft" });
    expect(condition(told, "Drifted")).toMatchObject({
      status: "True",
      reason: "DriftLeft",
      message: `layer one: ${sentence}`,
    });
    await settled("after-warned");
    const isOurs = (write: string): boolean => write.includes(" warned/");
    expect((await strataWrites(hub, mark)).filter(isOurs)).toEqual([]);

    await strata.kill();
    strata = await home.start();
    await settled("after-restart");
    expect((await strataWrites(hub, mark)).filter(isOurs)).toEqual([]);
    expect(condition(await read(hub, profilePath("warned")), "Drifted")).toMatchObject({ status: "True" });

    await bring("warned", {
      manifests: [...manifests.slice(0, 2), configMap("other", { key: "new" })],
      drift: { mode: "Warn" },
    });
    expect((await read(hub, at("configmaps", "warned/other"))).data).toEqual({ key: "new" });
    expect((await read(hub, at("deployments", "warned/web"))).spec.replicas).toBe(3);

    await bring("warned", { manifests });
    const repaired = await waitUntil(hub, profilePath("warned"), {
      what: "repaired",
      is: (object) => layerOf(object, "one")?.state === "Ready",
    });
    expect(condition(repaired, "Drifted")).toBeUndefined();
    expect((await read(hub, at("deployments", "warned/web"))).spec.replicas).toBe(2);
  });

  test("Ignore leaves it, and says nothing", async () => {
    await bring("ignored", { manifests, drift: { mode: "Ignore" } });
    const mark = await auditMark(hub);
    await hub.kubectlOk(["scale", "-n", "ignored", "deployment/web", "--replicas=3"]);
    await hub.kubectlOk(["delete", "-n", "ignored", "configmap/settings"]);
    await waitUntil(hub, at("deployments", "ignored/web"), {
      what: "scaled",
      is: ({ status }) => status?.readyReplicas === 3,
    });
    await settled("after-ignored");
    expect((await strataWrites(hub, mark)).filter((write) => write.includes(" ignored/"))).toEqual([]);
    const live = await read(hub, profilePath("ignored"));
    expect([isReady(live), isDrifted(live), condition(live, "Drifted")]).toEqual([true, false, undefined]);

    const changed = [...manifests.slice(0, 2), configMap("other", { key: "new" })];
    await bring("ignored", { manifests: changed, drift: { mode: "Ignore" } });
    expect((await read(hub, at("configmaps", "ignored/settings")))?.data).toEqual({ key: "ours" });
    expect((await read(hub, at("deployments", "ignored/web"))).spec.replicas).toBe(3);
  });
});

describe("what a person does with helm", () => {
  const chart = { repo: "", chart: "app", version: "1.0.0" };
  const layerWith = (title: string, mode: string): Live => ({
    helm: { ...chart, repo: repo.url },
    values: { title },
    drift: { mode },
  });
  const run = (...args: string[]) => helm(args, { home: folder.path, kubeconfigPath: hub.kubeconfigPath });
  const titleOf = async (name: string): Promise<string> =>
    (await read(hub, at("configmaps", `${name}/one`)))?.data.title;

  test.each(["Warn", "Ignore"])("stands under %s, until the layer changes", async (mode) => {
    const name = `helm-${mode.toLowerCase()}`;
    await bring(name, layerWith("first", mode));
    await bring(name, layerWith("second", mode));
    const mark = await auditMark(hub);
    await run("rollback", "one", "1", "-n", name);
    const isTold = (object: Live): boolean =>
      mode === "Ignore" ||
      layerOf(object, "one")?.message?.includes(`Helm release ${name}/one is at revision 3 (deployed)`);
    await waitUntil(hub, profilePath(name), {
      what: "left as it is",
      is: (object) => isReady(object) && isTold(object),
    });
    await settled(`${name}-rollback`);
    expect(await titleOf(name)).toBe("first");

    await run("upgrade", "one", `${repo.url}/app-1.0.0.tgz`, "-n", name, "--set", "title=theirs");
    await settled(`${name}-upgrade`);
    expect(await titleOf(name)).toBe("theirs");

    await run("uninstall", "one", "-n", name);
    await settled(`${name}-uninstall`);
    expect(await read(hub, at("configmaps", `${name}/one`))).toBeUndefined();
    const writes = (await strataWrites(hub, mark)).filter((write) => write.includes(` ${name}/`));
    expect(writes).toEqual([]);
    expect(isReady(await read(hub, profilePath(name)))).toBe(true);

    await bring(name, layerWith("third", mode));
    expect(await titleOf(name)).toBe("third");
  });
});

describe("drift.ignore", () => {
  const ignore = [{ target: { kind: "Deployment" }, jsonPointers: ["/spec/replicas"] }];
  const layerWith = (object: Live): Live => ({ manifests: [object], drift: { ignore } });

  test("replicas that an autoscaler has are never reset, not even once", async () => {
    const path = at("deployments", "scaled/web");
    await bring("scaled", layerWith(deployment("web")));
    using story = await follow(hub, path);
    const scale = {
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: "web", namespace: "scaled" },
      spec: { replicas: 5 },
    };
    const { status } = await hub.request("PUT", `${path}/scale`, { body: scale });
    expect(status).toBe(200);
    const scaled = await story.until("scaled", (object) => object.spec.replicas === 5);
    const from = story.versions.indexOf(scaled);

    await bring("scaled", layerWith(deployment("web", { image: "web:2" })));
    await bring("scaled", layerWith(deployment("web", { image: "web:2", replicas: 3 })));
    await hub.kubectlOk(["set", "image", "-n", "scaled", "deployment/web", "main=theirs:1"]);
    await story.until("repaired", (object) => {
      const images = story.versions.map((one) => one.spec.template.spec.containers[0].image);
      return images.includes("theirs:1") && object === story.versions.at(-1) && images.at(-1) === "web:2";
    });
    await strata.kill();
    await hub.kubectlOk(["set", "image", "-n", "scaled", "deployment/web", "main=theirs:2"]);
    strata = await home.start();
    await story.until("repaired again", (object) => {
      const images = story.versions.map((one) => one.spec.template.spec.containers[0].image);
      return images.includes("theirs:2") && object === story.versions.at(-1) && images.at(-1) === "web:2";
    });
    expect(new Set(story.versions.slice(from).map(({ spec }) => spec.replicas))).toEqual(new Set([5]));
    const entries = story.versions.at(-1).metadata.managedFields.filter((entry: Live) => entry.operation === "Apply");
    expect(entries.flatMap(({ fieldsV1 }: Live) => Object.keys(fieldsV1["f:spec"]))).not.toContain("f:replicas");
  });

  test("until somebody has the field it keeps the value that it has", async () => {
    const path = at("deployments", "kept/web");
    await bring("kept", layerWith(deployment("web")));
    await bring("kept", layerWith(deployment("web", { image: "web:2", replicas: 3 })));
    const { spec, metadata } = await read(hub, path);
    expect([spec.replicas, spec.template.spec.containers[0].image]).toEqual([2, "web:2"]);
    const own = metadata.managedFields.find((entry: Live) => entry.operation === "Apply");
    expect(own.fieldsV1["f:spec"]).toHaveProperty("f:replicas");

    // Somebody gets it while nobody looks.
    using story = await follow(hub, path);
    await strata.kill();
    await hub.kubectlOk(["scale", "-n", "kept", "deployment/web", "--replicas=4"]);
    const scaled = await story.until("scaled", (object) => object.spec.replicas === 4);
    strata = await home.start();
    await bring("kept", layerWith(deployment("web", { image: "web:3", replicas: 3 })));
    await story.until("changed", (object) => object.spec.template.spec.containers[0].image === "web:3");
    const since = story.versions.slice(story.versions.indexOf(scaled));
    expect(new Set(since.map((object) => object.spec.replicas))).toEqual(new Set([4]));
  });

  test("an object that was there keeps it when it is taken over", async () => {
    const { object } = deployment("web", { replicas: 4 });
    await hub.kubectlOk(["create", "namespace", "found"]);
    await hub.kubectlOk(["apply", "-n", "found", "-f", "-"], { input: JSON.stringify(object) });
    using story = await follow(hub, at("deployments", "found/web"));
    await bring("found", layerWith(deployment("web")));
    expect(new Set(story.versions.map(({ spec }) => spec.replicas))).toEqual(new Set([4]));
  });
});

describe("a Job that its TTL deletes", () => {
  const job = (image: string, ttlSecondsAfterFinished = 0): Live => ({
    object: {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "migrate" },
      spec: {
        ttlSecondsAfterFinished,
        template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image }] } },
      },
    },
  });
  /** It runs once a node is labelled so. */
  const held = (labels: Live): Live => {
    const { object } = job("migrate:1");
    const spec = { ...object.spec.template.spec, nodeSelector: { held: "no" } };
    const metadata = { ...object.metadata, labels: { app: "migrate" } };
    const template = { metadata: { labels }, spec };
    return { object: { ...object, metadata, spec: { ...object.spec, backoffLimit: 0, template } } };
  };
  const layerWith = (image: string, key: string): Live => ({ manifests: [job(image), configMap("settings", { key })] });
  const path = at("jobs", "expiring/migrate");
  const created = async (): Promise<number> =>
    (await strataWrites(hub, 0, { accepted: true })).filter((write) => write === "patch jobs expiring/migrate").length;

  test("stays gone, over other changes and a restart, and runs again when its manifest changes", async () => {
    using story = await follow(hub, path);
    await bring("expiring", layerWith("migrate:1", "1"));
    await story.until("deleted by its TTL", (object) => object === undefined && story.versions.length > 1);
    await settled("after-expiry");
    expect([await read(hub, path), await created()]).toEqual([undefined, 1]);
    expect(isReady(await read(hub, profilePath("expiring")))).toBe(true);

    await bring("expiring", layerWith("migrate:1", "2"));
    await strata.kill();
    strata = await home.start();
    await bring("expiring", layerWith("migrate:1", "3"));
    expect([await read(hub, path), await created()]).toEqual([undefined, 1]);

    await bring("expiring", layerWith("migrate:2", "3"));
    expect(await created()).toBe(2);
  });

  test("stays gone when it is deleted while Strata is down", async () => {
    const gone = at("jobs", "expired/migrate");
    await bring("expired", { manifests: [job("migrate:1", 15)] });
    using story = await follow(hub, gone);
    await strata.kill();
    expect(story.versions.at(-1)).toBeDefined();
    await story.until("deleted by its TTL", (object) => object === undefined);
    const mark = await auditMark(hub);
    strata = await home.start();
    await settled("after-down");
    expect(await read(hub, gone)).toBeUndefined();
    expect((await strataWrites(hub, mark)).filter((write) => write.includes(" expired/"))).toEqual([]);
    expect(isReady(await read(hub, profilePath("expired")))).toBe(true);
  });

  test("stays gone when it also ends while Strata is down, and runs again when nothing tells that it did", async () => {
    const jobs = (name: string): string => at("jobs", `${name}/migrate`);
    const layers: Record<string, Live> = {
      completed: held({}),
      failed: held({ "test.strata.dev/fault": "job-failed" }),
      cut: held({}),
    };
    const uids = new Map<string, string>();
    for (const [name, layer] of Object.entries(layers)) {
      await apply(hub, profile(name, { manifests: [layer] }));
      await waitUntil(hub, profilePath(name), {
        what: "Waiting",
        is: (object) => layerOf(object, "one")?.state === "Waiting",
      });
      uids.set(name, (await read(hub, jobs(name))).metadata.uid);
    }
    await strata.kill();
    await hub.kubectlOk(["delete", "-n", "cut", "job/migrate"]);
    await hub.kubectlOk(["label", "node", "node-0", "held=no"]);
    for (const [name, reason] of [
      ["completed", "Completed"],
      ["failed", "BackoffLimitExceeded"],
    ] as const) {
      await waitUntil(hub, jobs(name), { what: "deleted by its TTL", is: (object) => object === undefined });
      const events = async () => (await read(hub, `/api/v1/namespaces/${name}/events`)).items;
      const isTold = async () => (await events()).some((event: Live) => event.reason === reason);
      await until(isTold, { what: `the event ${reason}`, programs: [] });
    }
    const mark = await auditMark(hub);
    const asked = async (name: string): Promise<number> =>
      (await strataRequests(hub, mark)).filter(({ requestURI }) =>
        decodeURIComponent(requestURI).includes(`involvedObject.uid=${uids.get(name)}`),
      ).length;
    const made = async (name: string): Promise<number> =>
      (await strataWrites(hub, mark)).filter((write) => write.endsWith(` jobs ${name}/migrate`)).length;

    strata = await home.start();
    await untilReady(hub, profilePath("completed"));
    await untilReady(hub, profilePath("cut"));
    const told = await waitUntil(hub, profilePath("failed"), {
      what: "Failed",
      is: (object) => layerOf(object, "one")?.state === "Failed",
    });
    expect(layerOf(told, "one")?.message).toContain(
      "Job failed/migrate: failed, and is gone by its ttlSecondsAfterFinished: change its manifest to run it again",
    );

    // The next process asks no more.
    await strata.kill();
    strata = await home.start();
    await settled("after-ends");
    const counts = Object.keys(layers).map(async (name) => [name, await asked(name), await made(name)]);
    expect(await Promise.all(counts)).toEqual([
      ["completed", 1, 0],
      ["failed", 1, 0],
      ["cut", 1, 1],
    ]);
    expect(isReady(await read(hub, profilePath("completed")))).toBe(true);
  });
});
