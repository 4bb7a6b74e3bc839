import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataProcess } from "../support/strata.ts";

const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/shop");
const PAGE = pathOf("v1", "configmaps", "front/page");
const TOKEN = pathOf("v1", "secrets", "front/page");
const EXTRA = pathOf("v1", "configmaps", "front/extra");

const CHARTS: Record<string, string> = {
  gateway: `
apiVersion: v1
kind: Service
metadata: { name: gateway }
spec: { type: LoadBalancer, selector: { app: gateway }, ports: [{ port: 80 }] }
`,
  page: `
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data: { upstream: {{ .Values.upstream | quote }}, revision: {{ .Release.Revision | quote }} }
---
apiVersion: v1
kind: Secret
metadata: { name: page }
stringData: { token: {{ .Values.token | quote }} }
`,
};

let hub: ControlPlane;
let charts: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let home: Awaited<ReturnType<typeof prepareHub>>;
let strata: StrataProcess;

beforeAll(async () => {
  folder = await temporaryFolder("outputs");
  for (const [name, template] of Object.entries(CHARTS)) {
    const files = { "templates/all.yaml": template };
    await writeChart(join(folder.path, name), { name, version: "1.2.0", files });
  }
  charts = await startChartRepo(folder.path);
  hub = await startControlPlane({ name: "outputs" });
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), charts?.stop(), folder?.remove()]);
});

interface Wants {
  /** `when` and `requires` of the layer `extra`. */
  extra?: Live;
}

/** A chart with an address, a chart that needs it and a generated key, and a layer for some clusters. */
function profile({ extra = {} }: Wants = {}): Live {
  const outputs = [
    {
      name: "address",
      object: { apiVersion: "v1", kind: "Service", name: "gateway" },
      value: "self.status.loadBalancer.ingress[0].ip",
    },
    { name: "key", object: { apiVersion: "v1", kind: "Secret", name: "generated" }, value: "self.data.key" },
    { name: "flag", object: { apiVersion: "v1", kind: "ConfigMap", name: "flag" }, value: "self.data.on" },
  ];
  const values = {
    upstream: `http://\${{ layers.gateway.outputs.address }}:80`,
    token: `\${{ layers.gateway.outputs.key }}`,
  };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "extra" }, data: { a: "1" } };
  const layers = [
    { name: "gateway", gate: "Applied", helm: { repo: charts.url, chart: "gateway", version: "1.x" }, outputs },
    { name: "page", helm: { repo: charts.url, chart: "page", version: "1.x" }, values },
    { name: "extra", manifests: [{ object }], ...extra },
  ];
  const metadata = { name: "shop", namespace: "acme" };
  const spec = { clusterRefs: [{ name: "local" }], namespace: "front", layers };
  return { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec };
}

/** What a load balancer's controller would do. */
async function address(ip: string): Promise<void> {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip }] } } });
  const what = ["service", "gateway", "--namespace=front", "--subresource=status", "--type=merge"];
  await hub.kubectlOk(["patch", ...what, `--patch=${patch}`]);
}

/** What a controller would do that makes keys. */
async function generated(key: string): Promise<void> {
  const metadata = { name: "generated", namespace: "front" };
  await apply(hub, { apiVersion: "v1", kind: "Secret", metadata, stringData: { key } });
}

async function says(layer: string, message: RegExp): Promise<Live> {
  const what = `${layer}: ${message}`;
  return await waitUntil(hub, PROFILE, { what, is: (live) => message.test(layerOf(live, layer)?.message) });
}

const stateOf = (live: Live, layer: string): string => layerOf(live, layer)?.state;
const textOf = (secret: Live): string => Buffer.from(secret?.data?.token ?? "", "base64").toString();
const ready = async (): Promise<Live> => await untilReady(hub, PROFILE);

/** What somebody changes or deletes of the page is as it was, although nobody can say what it should be next. */
async function isMended(mark: string): Promise<void> {
  const { data, metadata } = await read(hub, PAGE);
  const patch = JSON.stringify({ data: { upstream: mark } });
  await hub.kubectlOk(["patch", "configmap", "page", "-n=front", "--type=merge", `--patch=${patch}`]);
  await waitUntil(hub, PAGE, { what: "mended", is: (live) => live?.data.upstream === data.upstream });
  await hub.kubectlOk(["delete", "configmap", "page", "-n=front"]);
  const back = await waitUntil(hub, PAGE, { what: "back", is: (live) => live && live.metadata.uid !== metadata.uid });
  expect(back.data).toEqual(data);
}

describe("outputs of layers", () => {
  test("that are not there are waited for, each by name, and the layers behind wait too", async () => {
    await apply(hub, profile());
    const live = await says("page", /output key .* does not exist; output address .* has no /);
    expect(layerOf(live, "page")).toMatchObject({ state: "Pending", reason: "WaitingForOutput" });
    expect(layerOf(live, "page").message).toContain(
      "output address of layer gateway: Service front/gateway has no status.loadBalancer",
    );
    expect(layerOf(live, "page").message).toContain("Secret front/generated does not exist");
    expect(layerOf(live, "extra").message).toContain("waits for layer page");
    await address("192.0.2.1");
    await says("page", /^(\S+: )?waits for output key of layer gateway: Secret front\/generated does not exist$/);
  });

  test("feed a later layer as soon as they are there", async () => {
    await generated("first-key");
    await ready();
    expect((await read(hub, PAGE))?.data).toEqual({ upstream: "http://192.0.2.1:80", revision: "1" });
    expect(textOf(await read(hub, TOKEN))).toBe("first-key");
  });

  test("that change are followed, each by one revision", async () => {
    await address("192.0.2.2");
    await waitUntil(hub, PAGE, { what: "new address", is: (live) => live?.data.upstream === "http://192.0.2.2:80" });
    await generated("second-key");
    await waitUntil(hub, TOKEN, { what: "new key", is: (live) => textOf(live) === "second-key" });
    await waitUntil(hub, PAGE, { what: "revision 3", is: (live) => live?.data.revision === "3" });
    await ready();
  });

  test("that go away leave what runs, which is mended meanwhile, also after a restart, and are waited for", async () => {
    await hub.kubectlOk(["delete", "secret", "generated", "--namespace=front"]);
    await says("page", /output key of layer gateway: Secret front\/generated does not exist/);
    expect(textOf(await read(hub, TOKEN))).toBe("second-key");
    await isMended("a: 1");
    await strata.kill();
    strata = await home.start();
    await isMended("a: 2");
    await generated("second-key");
    await ready();
    expect((await read(hub, PAGE))?.data.revision).toBe("3");
  });

  test("are known again after a restart, without a new revision", async () => {
    await strata.kill();
    strata = await home.start();
    await address("192.0.2.3");
    await waitUntil(hub, PAGE, { what: "new address", is: (live) => live?.data.upstream === "http://192.0.2.3:80" });
    await ready();
    expect((await read(hub, PAGE))?.data.revision).toBe("4");
  });
});

describe("a layer for some clusters", () => {
  test("is skipped and removed while its when is false, and comes back", async () => {
    await apply(hub, profile({ extra: { when: 'cluster.name != "local"' } }));
    await waitUntil(hub, EXTRA, { what: "gone", is: (live) => live === undefined });
    const live = await waitUntil(hub, PROFILE, {
      what: "Ready and Skipped",
      is: (one) => isReady(one) && stateOf(one, "extra") === "Skipped",
    });
    expect(layerOf(live, "extra")).toMatchObject({ reason: "Skipped", ready: "1/1" });
    await apply(hub, profile({ extra: { when: 'cluster.name == "local"' } }));
    await waitUntil(hub, EXTRA, { what: "back", is: (one) => one !== undefined });
    await ready();
  });

  test("stays while an output that its when asks for is gone for a moment, and goes when that lasts", async () => {
    const flag = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "flag", namespace: "front" },
      data: { on: "1" },
    };
    const removeFlag = async (): Promise<unknown> => await hub.kubectlOk(["delete", "configmap", "flag", "-n=front"]);
    await apply(hub, flag, profile({ extra: { when: "has(layers.gateway.outputs.flag)" } }));
    await ready();
    const { metadata } = await read(hub, EXTRA);
    await removeFlag();
    await says(
      "extra",
      /ConfigMap front\/flag does not exist; until that has lasted a minute, `when` keeps its answer$/,
    );
    await apply(hub, flag);
    await ready();
    expect((await read(hub, EXTRA)).metadata.uid).toBe(metadata.uid);

    await removeFlag();
    await waitUntil(hub, EXTRA, { what: "gone", is: (live) => live === undefined });
    const live = await ready();
    expect(stateOf(live, "extra")).toBe("Skipped");
    await apply(hub, flag);
    await waitUntil(hub, EXTRA, { what: "back", is: (live) => live !== undefined });
  });

  test("is Blocked, and stays as it is, while what it requires is not there", async () => {
    await apply(hub, profile({ extra: { requires: { layers: [{ name: "page", version: "2.x" }] } } }));
    const live = await says("extra", /requires layer page 2\.x; 1\.2\.0 is there/);
    expect(layerOf(live, "extra")).toMatchObject({ state: "Blocked", reason: "RequirementNotMet" });
    expect(await read(hub, EXTRA)).toBeDefined();
    await apply(hub, profile({ extra: { requires: { kubernetes: "<1.20" } } }));
    await says("extra", /requires Kubernetes <1\.20; this cluster has v1\./);
    await apply(
      hub,
      profile({ extra: { requires: { kubernetes: ">=1.20", layers: [{ name: "page", version: "1.x" }] } } }),
    );
    await ready();
  });
});
