import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../support/certificates.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, type Registry, startChartRepo, startRegistry } from "../support/registry.ts";
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
import { anyPort, until } from "../support/waiting.ts";

const OWN_CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));

/** A chart of one small template, so that a test can say which value stands where. */
const PAGE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-page }
data:
  version: {{ .Chart.Version | quote }}
  title: {{ .Values.title | quote }}
  lines: {{ join "," .Values.lines | quote }}
  kept: {{ .Values.map.kept | quote }}
  dropped: {{ .Values.map.dropped | default "none" | quote }}
---
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }}-license }
stringData: { key: {{ .Values.license.key | quote }} }
`;
const PAGE_VALUES = "{ title: plain, lines: [a, b], map: { kept: yes please, dropped: old }, license: { key: none } }";

const LAMPS = "lamps.lamps.example";

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let registry: Registry;
let pages: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("mixed");
  for (const version of ["1.0.0", "1.2.0", "2.0.0"]) {
    const files = { "values.yaml": PAGE_VALUES, "templates/page.yaml": PAGE };
    await writeChart(join(folder.path, `page-${version}`), { name: "page", version, files });
  }
  await writeLamps();
  [repo, pages, registry] = await Promise.all([
    startChartRepo(OWN_CHARTS),
    startChartRepo(folder.path),
    startRegistry(),
  ]);
  await registry.pushCharts(folder.path);
  hub = await startControlPlane({ name: "mixed" });
  home = await prepareHub(hub);
  strata = await home.start({ STRATA_PLAIN_HTTP_REGISTRIES: registry.host });
  await trustedTenant(hub, "acme");
});

/** A chart whose CRD gets another version, and then drops the first one. */
async function writeLamps(): Promise<void> {
  for (const [version, versions] of Object.entries({
    "1.0.0": ["v1beta1"],
    "2.0.0": ["v1", "v1beta1"],
    "3.0.0": ["v1"],
  })) {
    const spec = {
      group: "lamps.example",
      scope: "Namespaced",
      names: { kind: "Lamp", plural: "lamps" },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      })),
    };
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: LAMPS },
      spec,
    };
    const template =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: lamps }\ndata: { version: {{ .Chart.Version }} }\n";
    const files = { "crds/lamps.yaml": JSON.stringify(definition), "templates/lamps.yaml": template };
    await writeChart(join(folder.path, `lamps-${version}`), { name: "lamps", version, files });
  }
}

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop(), pages?.stop(), registry?.stop(), folder?.remove()]);
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
const configMapPath = (name: string): string => pathOf("v1", "configmaps", name);

const profile = (name: string, layers: string): string => `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: { name: ${name}, namespace: acme }
spec:
  namespace: ${name}
  clusterRefs: [{ name: local }]
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

/** Of `strata_renders_total`. */
async function renders(): Promise<{ hit: number; miss: number; failed: number }> {
  const text = await (await fetch(`${strata.url}/metrics`)).text();
  const count = (result: string): number =>
    Number(new RegExp(`^strata_renders_total\\{result="${result}"\\} (\\d+)$`, "m").exec(text)?.[1]);
  return { hit: count("hit"), miss: count("miss"), failed: count("failed") };
}

/** A validating webhook as a cluster sees it: an https server; it refuses machines that are too fast. */
function webhook(authority: ReturnType<typeof createAuthority>): Server {
  const { certPem, keyPem } = authority.issue({ commonName: "webhook", hosts: ["127.0.0.1"] });
  return createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { uid, object } = JSON.parse(Buffer.concat(chunks).toString()).request;
      const allowed = object.spec.speed <= 10;
      const status = allowed ? {} : { status: { message: `speed ${object.spec.speed} is more than 10` } };
      const answer = {
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid, allowed, ...status },
      };
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    });
  });
}

const crd = (plural: string, kind: string): string => `
        - object:
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: { name: ${plural}.factory.example }
            spec:
              group: factory.example
              scope: Namespaced
              names: { kind: ${kind}, plural: ${plural} }
              versions:
                - name: v1
                  served: true
                  storage: true
                  schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }`;

describe("one list", () => {
  test("holds a namespace, CRDs, their objects, a webhook and charts from two kinds of registries", async () => {
    const authority = createAuthority("webhook-authority");
    const port = await anyPort();
    const ca = Buffer.from(authority.certPem).toString("base64");
    const layers = (speed: number): string => `
    - name: types
      manifests:
        - object: { apiVersion: factory.example/v1, kind: Recipe, metadata: { name: bread, namespace: hall }, spec: { flour: 500 } }
        - object: { apiVersion: v1, kind: Namespace, metadata: { name: hall } }${crd("machines", "Machine")}${crd("recipes", "Recipe")}
    - name: guard
      manifests:
        - object:
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: { name: machines.factory.example }
            webhooks:
              - name: machines.factory.example
                sideEffects: None
                admissionReviewVersions: [v1]
                failurePolicy: Fail
                clientConfig: { url: "https://127.0.0.1:${port}/", caBundle: ${ca} }
                rules: [{ apiGroups: [factory.example], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [machines] }]
    - name: machines
      manifests:
        - object: { apiVersion: factory.example/v1, kind: Machine, metadata: { name: press, namespace: hall }, spec: { speed: ${speed} } }
    - name: shop
      namespace: shop
      helm: { repo: "${repo.url}", chart: shop, version: 1.2.3 }
    - name: page
      namespace: hall
      helm: { repo: "oci://${registry.host}/charts", chart: page, version: 1.x, releaseName: front }`;
    await apply(hub, profile("factory", layers(99)));
    using story = await follow(hub, profilePath("factory"));
    const machines = (object: Live): Live => layerOf(object, "machines");
    const down = await story.until(
      "held up by the webhook",
      (object) => machines(object)?.reason === "WebhookUnavailable",
    );
    expect(machines(down).message).toBe(
      `Machine hall/press: admission webhook "machines.factory.example" cannot be asked: ` +
        `Post "https://127.0.0.1:${port}/?timeout=10s": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    );
    expect(machines(down).state).toBe("Failed");
    expect(condition(down, "Stalled").status).toBe("False");
    expect(["types", "guard"].map((name) => layerOf(down, name).state)).toEqual(["Ready", "Ready"]);
    expect(layerOf(down, "shop")).toMatchObject({ state: "Pending", message: "waits for layer machines" });

    const server = webhook(authority);
    try {
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      const denied = await story.until(
        "refused by the webhook",
        (object) => machines(object)?.reason === "AdmissionDenied",
      );
      expect(machines(denied).message).toBe(
        'Machine hall/press: admission webhook "machines.factory.example" denied the request: speed 99 is more than 10',
      );
      await apply(hub, profile("factory", layers(9)));
      const ready = await story.until("Ready", isReady);
      expect(
        ready.status.layers.map(({ name, type, source, version, state }: Live) => [name, type, source, version, state]),
      ).toEqual([
        ["types", "AddOn", "manifests", undefined, "Ready"],
        ["guard", "AddOn", "manifests", undefined, "Ready"],
        ["machines", "AddOn", "manifests", undefined, "Ready"],
        ["shop", "AddOn", `helm ${repo.url}/shop`, "1.2.3", "Ready"],
        ["page", "AddOn", `helm oci://${registry.host}/charts/page`, "1.2.0", "Ready"],
      ]);
      expect(await read(hub, pathOf("factory.example/v1", "machines", "hall/press"))).toMatchObject({
        spec: { speed: 9 },
      });
      expect(await read(hub, pathOf("factory.example/v1", "recipes", "hall/bread"))).toMatchObject({
        spec: { flour: 500 },
      });
      expect((await read(hub, configMapPath("hall/front-page"))).data).toMatchObject({
        version: "1.2.0",
        title: "plain",
      });
      // The chart's test is for those who ask for it.
      expect(await read(hub, pathOf("v1", "pods", "shop/shop-shop-ping"))).toBeUndefined();
      await hub.kubectlOk(["delete", "-n", "acme", "sap/factory", "--timeout=90s"]);
      const crds = await hub.kubectlOk(["get", "customresourcedefinitions", "-o", "name"]);
      expect(crds).not.toContain("factory.example");
      // What a chart has in crds/ may hold what people made since: it stays, as with Helm.
      expect(crds).toContain("widgets.shop.example");
      expect(await read(hub, pathOf("v1", "namespaces", "hall"))).toBeUndefined();
      expect(await read(hub, pathOf("v1", "namespaces", "shop"))).toBeUndefined();
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe("a chart layer", () => {
  const page = (settings = "", version = "1.0.0"): string => `
    - name: page
      helm:
        repo: "${pages.url}" # leaf: Profile spec.layers[].helm.repo
        chart: page # leaf: Profile spec.layers[].helm.chart
        version: ${version}${settings}`; // leaf: Profile spec.layers[].helm.version
  const dataOf = async (name: string): Promise<Live> => (await read(hub, configMapPath(name)))?.data;

  test("takes values, and values from ConfigMaps and Secrets; a change of a Secret writes only what it changes", async () => {
    const settings = (name: string): string => `
      values: # leaf: Profile spec.layers[].values
        title: from the profile
        lines: [c]
        map: { dropped: null }
      valuesFrom:
        - configMapKeyRef:
            name: ${name} # leaf: Profile spec.layers[].valuesFrom[].configMapKeyRef.name
            key: values.yaml # leaf: Profile spec.layers[].valuesFrom[].configMapKeyRef.key
        - secretKeyRef:
            name: license # leaf: Profile spec.layers[].valuesFrom[].secretKeyRef.name
            key: text # leaf: Profile spec.layers[].valuesFrom[].secretKeyRef.key
          targetPath: license.key # leaf: Profile spec.layers[].valuesFrom[].targetPath
        - configMapKeyRef: { name: absent, key: title }
          targetPath: title
          optional: true`; // leaf: Profile spec.layers[].valuesFrom[].optional
    const licensePath = pathOf("v1", "secrets", "values/page-license");
    await apply(hub, profile("values", page(settings("more"))));
    const missing = await failureOf("values", "ReferenceNotFound");
    expect(layerOf(missing, "page")).toMatchObject({
      state: "Blocked",
      message: "valuesFrom[0]: ConfigMap acme/more does not exist; valuesFrom[1]: Secret acme/license does not exist",
    });
    await hub.kubectlOk([
      "create",
      "configmap",
      "more",
      "-n",
      "acme",
      "--from-literal=values.yaml={title: from a ConfigMap}",
    ]);
    await hub.kubectlOk(["create", "secret", "generic", "license", "-n", "acme", "--from-literal=text=abc"]);
    await untilReady(hub, profilePath("values"));
    expect(await dataOf("values/page-page")).toEqual({
      version: "1.0.0",
      title: "from a ConfigMap",
      lines: "c",
      kept: "yes please",
      dropped: "none",
    });
    const key = async (): Promise<string> => Buffer.from((await read(hub, licensePath)).data.key, "base64").toString();
    expect(await key()).toBe("abc");

    const mark = await auditMark(hub);
    const before = await renders();
    using story = await follow(hub, licensePath);
    const next = { data: { text: Buffer.from("xyz").toString("base64") } };
    await hub.kubectlOk(["patch", "secret", "license", "-n", "acme", "--type=merge", "-p", JSON.stringify(next)]);
    await story.until("changed", (object) => object.data.key === Buffer.from("xyz").toString("base64"));
    await untilReady(hub, profilePath("values"));
    const writes = (await strataWrites(hub, mark)).filter((write) => !/ strata-system\/|sh\.helm\.release/.test(write));
    expect(writes).toEqual(["patch secrets values/page-license"]);
    expect((await renders()).miss).toBe(before.miss + 1);
    expect(JSON.stringify(await read(hub, profilePath("values")))).not.toContain("xyz");
  });

  test("resolves a range when its spec changes, and says what it took", async () => {
    const versionOf = async (range: string): Promise<string> => {
      const ready = await applyAndWait("range", page("", range));
      expect(layerOf(ready, "page").digest).toMatch(/^\w+/);
      return `${layerOf(ready, "page").version} ${(await dataOf("range/page-page")).version}`;
    };
    expect(await versionOf("1.0.0")).toBe("1.0.0 1.0.0");
    expect(await versionOf("^1.0.0")).toBe("1.2.0 1.2.0");
    expect(await versionOf('">=1.0.0 <3"')).toBe("2.0.0 2.0.0");
    await apply(hub, profile("range", page("", "~4.1")));
    const failed = await failureOf("range", "ChartNotFound");
    expect(layerOf(failed, "page").message).toBe(
      `${pages.url} has chart "page", but no version ~4.1: the newest are 2.0.0, 1.2.0, 1.0.0`,
    );
    expect(condition(failed, "Stalled")).toMatchObject({ status: "True" });
    // What runs goes on running.
    expect((await dataOf("range/page-page")).version).toBe("2.0.0");
  });

  test("names its release after the layer, or as it is told", async () => {
    const named = "\n        releaseName: front"; // leaf: Profile spec.layers[].helm.releaseName
    await applyAndWait("named", page(named));
    expect(await dataOf("named/front-page")).toBeDefined();
    await applyAndWait("named", page());
    expect(await dataOf("named/page-page")).toBeDefined();
    await waitUntil(hub, configMapPath("named/front-page"), { what: "gone", is: (object) => object === undefined });
  });

  test("leaves crds/ out, creates or upgrades it, as it is told", async () => {
    const shop = (crds: string): string => `
    - name: shop
      crds: ${crds} # leaf: Profile spec.layers[].crds
      helm: { repo: "${repo.url}", chart: shop, version: 1.2.3 }`;
    const path = pathOf("apiextensions.k8s.io/v1", "customresourcedefinitions", "widgets.shop.example");
    await hub.kubectl(["delete", "customresourcedefinition", "widgets.shop.example"]);
    const notServed = async (): Promise<boolean> => (await hub.request("GET", "/apis/shop.example/v1")).status === 404;
    await until(notServed, { what: "the end of the CRD", programs: [] });
    await applyAndWait("crds", shop("Skip"));
    expect(await read(hub, path)).toBeUndefined();
    await applyAndWait("crds", shop("Create"));
    expect(await read(hub, path)).toBeDefined();
    const schema = async (): Promise<Live> => (await read(hub, path)).spec.versions[0].schema.openAPIV3Schema;
    const theirs = { type: "object", description: "theirs" };
    const edit = [{ op: "replace", path: "/spec/versions/0/schema/openAPIV3Schema", value: theirs }];
    await hub.kubectlOk(["patch", "crd", "widgets.shop.example", "--type=json", "-p", JSON.stringify(edit)]);
    await applyAndWait("crds", `${shop("Create")}\n      timeout: 5m`);
    expect(await schema()).toEqual(theirs);
    await applyAndWait("crds", shop("Upgrade"));
    expect(await schema()).toMatchObject({ "x-kubernetes-preserve-unknown-fields": true });
  });

  test("is not upgraded while that would take a version of a CRD in which objects are stored, and loses none", async () => {
    const lamps = (version: string): string => `
    - name: lamps
      helm: { repo: "${pages.url}", chart: lamps, version: ${version} }`;
    const definition = (): Promise<Live> =>
      read(hub, pathOf("apiextensions.k8s.io/v1", "customresourcedefinitions", LAMPS));
    const chartVersion = async (): Promise<string> => (await read(hub, configMapPath("lamps/lamps"))).data.version;
    await applyAndWait("lamps", lamps("1.0.0"));
    await apply(hub, {
      apiVersion: "lamps.example/v1beta1",
      kind: "Lamp",
      metadata: { name: "desk", namespace: "lamps" },
      watts: 40,
    });
    await applyAndWait("lamps", lamps("2.0.0"));
    expect((await definition()).status.storedVersions).toEqual(["v1beta1", "v1"]);

    await apply(hub, profile("lamps", lamps("3.0.0")));
    const refused = layerOf(await failureOf("lamps", "VersionInUse"), "lamps");
    expect(refused).toMatchObject({ state: "Blocked", reason: "VersionInUse" });
    expect(refused.message).toMatch(new RegExp(`^CustomResourceDefinition ${LAMPS}: version v1beta1 would go, and `));
    expect(await chartVersion()).toBe("2.0.0");
    expect(await read(hub, pathOf("v1", "secrets", "lamps/sh.helm.release.v1.lamps.v3"))).toBeUndefined();

    // As the sentence says.
    await hub.kubectlOk(["annotate", LAMPS, "--all", "-n", "lamps", "written=again"]);
    const [, patch = ""] = /kubectl patch crd .* -p '(.*)'$/.exec(refused.message) ?? [];
    await hub.kubectlOk(["patch", "crd", LAMPS, "--subresource=status", "--type=merge", "-p", patch]);
    const served = await waitUntil(hub, profilePath("lamps"), {
      what: "refused because of who wrote it",
      is: (object) => /version v1beta1 would be served no more/.test(layerOf(object, "lamps")?.message ?? ""),
    });
    const [, forget = ""] = / -p '(.*)'$/.exec(layerOf(served, "lamps").message) ?? [];
    await hub.kubectlOk(["patch", LAMPS, "desk", "-n", "lamps", "--type=json", "-p", forget]);
    await untilReady(hub, profilePath("lamps"));
    expect(await chartVersion()).toBe("3.0.0");
    expect((await definition()).spec.versions.map(({ name }: Live) => name)).toEqual(["v1"]);
    expect((await read(hub, "/apis/lamps.example/v1/namespaces/lamps/lamps/desk")).watts).toBe(40);
  });

  test("renders once for equal inputs, never for unchanged ones, and outlives its registry and a restart", async () => {
    const layers = page("\n      values: { title: once }").replace(
      "- name: page",
      "- name: page\n      namespace: shared",
    );
    const before = await renders();
    await applyAndWait("once", layers);
    expect(await renders()).toMatchObject({ miss: before.miss + 1 });
    // Another profile wants the very same, once the release is free.
    await hub.kubectlOk(["delete", "-n", "acme", "sap/once", "--timeout=90s"]);
    await applyAndWait("twin", layers);
    expect(await renders()).toMatchObject({ miss: before.miss + 1, hit: before.hit + 1 });
    await hub.kubectlOk(["delete", "-n", "acme", "sap/twin", "--timeout=90s"]);
    await applyAndWait("once", layers);
    await applyAndWait("once", `${layers}\n      timeout: 5m`);
    expect(await renders()).toMatchObject({ miss: before.miss + 1, hit: before.hit + 2 });

    await strata.kill();
    await pages.stop();
    await hub.kubectlOk(["delete", "configmap", "page-page", "-n", "shared"]);
    const mark = await auditMark(hub);
    strata = await home.start({ STRATA_PLAIN_HTTP_REGISTRIES: registry.host });
    await waitUntil(hub, configMapPath("shared/page-page"), {
      what: "back",
      is: (object) => object?.data.title === "once",
    });
    await untilReady(hub, profilePath("once"));
    expect((await strataWrites(hub, mark)).filter((write) => write.includes(" shared/"))).toEqual([
      "patch configmaps shared/page-page",
    ]);
    expect((await renders()).miss).toBe(0);
  });
});
