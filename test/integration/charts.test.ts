import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Failure } from "../../src/errors.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import { parseManifests } from "../../src/objects/yaml.ts";
import type { Hook } from "../../src/plan/types.ts";
import { Renderer } from "../../src/render/renderer.ts";
import type { RenderedChart, RenderRequest } from "../../src/render/types.ts";
import type { ChartSource } from "../../src/source/chart-source.ts";
import { Sources } from "../../src/source/sources.ts";
import type { ChartPackage } from "../../src/source/types.ts";
import { LOOPBACK_NETWORKS } from "../../src/text/addresses.ts";
import { helm } from "../support/helm.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, type Registry, startChartRepo, startRegistry } from "../support/registry.ts";
import { packChart, rendererPids, requestOf } from "../support/rendering.ts";
import { toolPath } from "../support/tools.ts";
import { until } from "../support/waiting.ts";

const charts = fileURLToPath(new URL("../support/charts", import.meta.url));
const signal = new AbortController().signal;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let repo: ChartRepo;
let registry: Registry;
let sources: Sources;
let source: ChartSource;
let renderer: Renderer;
let shop: ChartPackage;

beforeAll(async () => {
  folder = await temporaryFolder("charts-test");
  repo = await startChartRepo(charts);
  registry = await startRegistry();
  await registry.pushCharts(charts);
  sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
  source = sources.charts;
  renderer = newRenderer();
  shop = await source.fetch({ repo: repo.url, chart: "shop", version: "1.2.3" }, signal);
});

afterAll(async () => {
  await renderer[Symbol.asyncDispose]();
  await sources[Symbol.asyncDispose]();
  await Promise.all([registry.stop(), repo.stop(), folder.remove()]);
});

function newRenderer(options: { processes?: number; deadlineMs?: number } = {}): Renderer {
  return new Renderer({ binary: toolPath("strata-render"), processes: 2, ...options });
}

const packed = (name: string, template: string, values = "") => packChart(folder.path, { name, template, values });

const hook = (name: string, kind: string, events: string, more = "") => `---
# ${name}
apiVersion: batch/v1
kind: ${kind}
metadata:
  name: ${name}
  annotations: { helm.sh/hook: "${events}" ${more} }
`;

/** Documents as charts have them: comments, CRLF, separators with blanks, hooks between objects, events that nobody knows. */
const HOOKS = [
  "\n\n--- \n# first\napiVersion: v1\nkind: Service\nmetadata: { name: s }\n\n\n",
  hook("b", "Job", "pre-install, Post-Upgrade", ', helm.sh/hook-weight: "-5", helm.sh/hook-delete-policy: hook-failed'),
  hook("a", "Job", "pre-install", ', helm.sh/hook-weight: "many"'),
  hook("account", "ServiceAccount", "pre-rollback,post-rollback,pre-delete,post-delete"),
  hook("old", "CustomResourceDefinition", "crd-install"),
  hook("strange", "Job", "pre-install,on-tuesdays"),
  hook("check", "Pod", "test-success", ", helm.sh/hook-output-log-policy: 'hook-failed, hook-succeeded'"),
  "---\r\napiVersion: v1\r\nkind: ConfigMap\r\nmetadata: { name: windows }\r\ndata: { a: ümläut }\r\n",
  "---\n# nothing\n---\n\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: space }",
].join("");

const WRITER = '{{ $_ := set .Values.db "host" "<db>" }}apiVersion: v1\nkind: ConfigMap\nmetadata: { name: w }\n';

/** What helm 4.3 supposes when it has no cluster; `helm install` takes no version. */
const HELMS_KUBERNETES = "v1.37.0";

interface HelmRelease {
  info: { notes?: string };
  manifest: string;
  hooks?: unknown[];
  chart: Record<string, unknown>;
}

/** The release that the real helm would store. */
async function helmRelease(chart: Uint8Array): Promise<HelmRelease> {
  const file = join(folder.path, "release.tgz");
  await writeFile(file, chart);
  const args = ["install", "front", file, "--namespace", "web", "--dry-run=client", "--output", "json"];
  return JSON.parse(await helm(args, { home: folder.path })) as HelmRelease;
}

/** A hook as a release holds it; Go leaves out what is empty. */
function storedHook({ name, kind, path, events, weight, manifest, ...policies }: Hook): unknown {
  const { deletePolicies, outputLogPolicies } = policies;
  return {
    name,
    kind,
    path,
    manifest,
    events,
    last_run: { phase: "" },
    ...(weight === 0 ? {} : { weight }),
    ...(deletePolicies.length === 0 ? {} : { delete_policies: deletePolicies }),
    ...(outputLogPolicies.length === 0 ? {} : { output_log_policies: outputLogPolicies }),
  };
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ name: "Failure" });
  return failure as Failure;
}

describe("sources", () => {
  test("the HTTP repository and the OCI registry give the same chart, by range, with the digest that helm made", async () => {
    const wanted = { chart: "shop", version: "1.x" };
    const overHttp = { repo: repo.url, ...wanted };
    const overOci = { repo: `oci://${registry.host}/charts`, ...wanted };
    expect(await source.resolve(overHttp, signal)).toEqual({ version: "1.2.3", digest: shop.digest });
    await using others = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
    const fresh = others.charts;
    const fetched = await fresh.fetch(overOci, signal);
    expect(await fresh.resolve(overOci, signal)).toEqual({ version: fetched.version, digest: fetched.digest });
    expect(fetched).toMatchObject({ name: "shop", version: "1.2.3" });
    // Packages hold times, so that the two were not packed alike; what they render to is.
    expect(await objectsOf(fetched)).toEqual(await objectsOf(shop));
  });

  test("a registry without the chart says so", async () => {
    const missing = { repo: `oci://${registry.host}/charts`, chart: "absent", version: "1.x" };
    expect((await failureOf(source.resolve(missing, signal))).message).toBe(
      `oci://${registry.host}/charts has no chart "absent"`,
    );
  });
});

async function objectsOf(chart: ChartPackage): Promise<readonly KubeObject[]> {
  return (await renderer.renderChart(requestOf(chart), signal)).objects;
}

interface Variant {
  of: string;
  values: Record<string, unknown>;
  more?: Partial<RenderRequest>;
  flags?: string[];
}

const variants: Variant[] = [
  { of: "nothing set", values: {} },
  { of: "a subchart switched on by its condition", values: { cache: { enabled: true, size: "128Mi" } } },
  { of: "a subchart's own values deleted by null", values: { cache: { enabled: true, size: null } } },
  {
    of: "numbers, texts and templates",
    values: { replicas: 3, config: { big: "9007199254740993", who: "{{ .Release.Name }}" } },
  },
  { of: "no list", values: { extraLists: false, image: { tag: "8" } } },
  { of: "an upgrade", values: {}, more: { isUpgrade: true }, flags: ["--is-upgrade"] },
  {
    of: "another API",
    values: {},
    more: { apiVersions: ["v1", "shop.example/v1/Widget"] },
    flags: ["--api-versions", "shop.example/v1/Widget"],
  },
  { of: "another Kubernetes", values: {}, more: { kubeVersion: "v1.33.1" }, flags: ["--kube-version", "v1.33.1"] },
];

describe("a chart renders to what the real helm renders", () => {
  test.each(variants)("with $of", async ({ values, more, flags = [] }) => {
    const rendered = await renderer.renderChart(requestOf(shop, { values, ...more }), signal);
    const expected = await helmTemplate(values, flags);
    expect([...rendered.crds, ...rendered.objects]).toEqual(expected);
    expect(rendered.chart).toEqual({ name: "shop", version: "1.2.3", appVersion: "7.0" });
  });

  test.each([
    { of: "a chart with subcharts, CRDs and notes", chart: async () => shop },
    { of: "hooks of every form", chart: () => packed("hooks", HOOKS) },
    { of: "a chart whose templates write into its values", chart: () => packed("writer", WRITER, "db: { size: 1 }\n") },
  ])("with the same release: $of", async ({ chart }) => {
    const { bytes, digest } = await chart();
    const release = await helmRelease(bytes);
    const rendered = await renderer.renderChart(
      requestOf({ bytes, digest }, { kubeVersion: HELMS_KUBERNETES }),
      signal,
    );
    expect(rendered.notes).toBe(release.info.notes ?? "");
    expect(rendered.manifest).toBe(release.manifest);
    expect(rendered.hooks.map(storedHook)).toEqual(release.hooks ?? []);
    expect(JSON.parse(rendered.chartJson)).toEqual(release.chart);
  });

  test("but a template sees the revision, which helm template does not know", async () => {
    const { objects } = await renderer.renderChart(requestOf(shop, { revision: 7, isUpgrade: true }), signal);
    expect(JSON.stringify(objects)).toContain('{"name":"REVISION","value":"7"}');
  });
});

async function helmTemplate(values: Record<string, unknown>, flags: string[]): Promise<KubeObject[]> {
  const file = join(folder.path, "values.json");
  await writeFile(file, JSON.stringify(values));
  const args = ["template", "front", join(charts, "shop"), "--values", file, "--namespace", "web", "--include-crds"];
  const output = await helm([...args, "--skip-tests", "--kube-version", "v1.36.3", ...flags], { home: folder.path });
  const parsed = parseManifests(output, "helm template");
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

describe("equal requests", () => {
  test("render once, at the same time and later, also for another patch release of Kubernetes", async () => {
    const ask = (more: Partial<RenderRequest> = {}) =>
      renderer.renderChart(requestOf(shop, { revision: 2, ...more }), signal);
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second).toBe(first);
    expect(await ask({ kubeVersion: "v1.36.9", apiVersions: ["apps/v1", "v1", "v1"] })).toBe(first);
  });

  test.each<[string, Partial<RenderRequest>]>([
    ["value", { values: { replicas: 2 } }],
    ["release", { releaseName: "other" }],
    ["namespace", { namespace: "other" }],
    ["revision", { revision: 4 }],
    ["upgrade", { isUpgrade: true }],
    ["Kubernetes minor", { kubeVersion: "v1.35.0" }],
    ["API", { apiVersions: ["v1"] }],
    ["chart", { chartDigest: "sha256:other" }],
  ])("another %s is another request", async (_what, more) => {
    const ask = (other: Partial<RenderRequest>) =>
      renderer.renderChart(requestOf(shop, { revision: 3, ...other }), signal);
    expect(await ask(more)).not.toBe(await ask({}));
  });

  test("a generated password is never shared", async () => {
    const chart = await packed(
      "random",
      "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { p: {{ randAlphaNum 20 | quote }} }\n",
    );
    const password = ({ objects }: RenderedChart) => objects[0]?.["stringData"];
    const ask = () => renderer.renderChart(requestOf(chart), signal).then(password);
    const seen = [...(await Promise.all([ask(), ask(), ask()])), await ask()];
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(4);
  });
});

describe("a chart that cannot be", () => {
  test.each([
    {
      values: { replicas: "many" },
      sentence: "InvalidValues: chart shop 1.2.3 refuses the values: replicas: got string, want integer",
    },
    {
      values: { config: { a: "{{ c4n4ry-template }}" } },
      sentence: "RenderFailed: chart shop 1.2.3 does not render: shop/templates/config.yaml:",
    },
    {
      values: { service: { port: "c4n4ry: value: x" } },
      sentence: "RenderFailed: chart shop 1.2.3 does not render: YAML parse error on shop/templates/service.yaml",
    },
  ])("with $values is told without the values", async ({ values, sentence }) => {
    const failure = await failureOf(renderer.renderChart(requestOf(shop, { values }), signal));
    expect(`${failure.reason}: ${failure.message}`).toContain(sentence);
    expect(failure.message).not.toContain("c4n4ry");
  });
});

describe("a hostile chart", () => {
  const endless = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}";

  test.each([
    {
      of: "a template that never ends",
      template: endless,
      sentence: "RenderTimeout: the chart takes too long to render",
    },
    {
      of: "a text of 4 GB",
      template: '{{ repeat 2000000000 "ab" }}',
      sentence: "RenderFailed: the chart broke the renderer",
    },
    {
      of: "templates that grow without end",
      template:
        '{{ define "x" }}{{ $a := repeat 1000000 "ab" }}{{ include "x" (printf "%s%s" $a .) }}{{ end }}{{ include "x" "" }}',
      sentence: "RenderFailed: the chart broke the renderer",
    },
    {
      of: "80 MiB of objects",
      template: '{{ range until 80 }}---\n# {{ repeat 1048576 "a" }}\n{{ end }}',
      sentence: "RenderFailed: chart hostile 1.0.0 does not render: its templates make 80 MiB, the limit is 64 MiB",
    },
  ])("with $of is ended, and the next one renders", async ({ template, sentence }) => {
    const chart = await packed("hostile", template);
    await using strict = newRenderer({ processes: 1, deadlineMs: 3_000 });
    const attack = failureOf(strict.renderChart(requestOf(chart), signal));
    const next = strict.renderChart(requestOf(shop), signal);
    const { reason, message } = await attack;
    expect(`${reason}: ${message}`).toContain(sentence);
    expect((await next).objects).not.toEqual([]);
  });

  test("ends with the last one who waits for it", async () => {
    const chart = await packed("endless", endless);
    await using strict = newRenderer({ processes: 1, deadlineMs: 60_000 });
    const others = await rendererPids();
    const impatient = new AbortController();
    const attack = strict.renderChart(requestOf(chart), impatient.signal);
    const ours = async () => (await rendererPids()).filter((pid) => !others.includes(pid));
    await until(async () => (await ours()).length === 1, { what: "a renderer", programs: [] });
    impatient.abort(new Error("gave up"));
    await expect(attack).rejects.toThrow("gave up");
    await until(async () => (await ours()).length === 0, { what: "the end of the renderer", programs: [] });
    expect((await strict.renderChart(requestOf(shop), signal)).objects).not.toEqual([]);
  });

  test("or anybody else may kill an idle renderer: the next request starts another", async () => {
    const others = await rendererPids();
    await using single = newRenderer({ processes: 1 });
    await single.renderChart(requestOf(shop), signal);
    const ours = async () => (await rendererPids()).filter((pid) => !others.includes(pid));
    const [pid] = await ours();
    process.kill(Number(pid), "SIGKILL");
    await until(async () => (await ours()).length === 0, { what: "the end of the renderer", programs: [] });
    expect((await single.renderChart(requestOf(shop, { revision: 2 }), signal)).objects).not.toEqual([]);
  });

  test("sees nothing of the environment", async () => {
    await renderer.renderChart(requestOf(shop), signal);
    // One that the tests before have killed may still be listed; of the dead there is nothing to read.
    const read = (await rendererPids()).map((pid) => readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""));
    const environments = (await Promise.all(read)).filter((environment) => environment !== "");
    expect(environments.length).toBeGreaterThan(0);
    for (const environment of environments) {
      const names = environment.split("\0").filter((line) => line !== "");
      expect(names.map((line) => line.split("=")[0]).sort()).toEqual(["GOMEMLIMIT", "STRATA_RENDER_MEMORY"]);
    }
  });
});
