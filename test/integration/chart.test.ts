import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chartValues } from "../../scripts/chart-values-page.ts";
import { parseRegistry } from "../../src/api/parse.ts";
import { parseConfig, usage } from "../../src/config.ts";
import { startOpsServer } from "../../src/ops/server.ts";
import { helm } from "../support/helm.ts";
import { CHART_FOLDER, CRD_FOLDER } from "../support/install.ts";
import {
  asArguments,
  EVERYTHING,
  type Manifest,
  manifestsIn,
  NAMESPACE,
  ofKinds,
  only,
  renderedText,
} from "../support/operator-chart.ts";

const RBAC_FOLDER = fileURLToPath(new URL("../../config/rbac", import.meta.url));
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "strata-chart-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function render(...values: string[]): Promise<Manifest[]> {
  return manifestsIn(await renderedText(home, values));
}

async function manifestsOf(folder: string): Promise<Manifest[]> {
  const files = (await readdir(folder)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return texts.flatMap(manifestsIn);
}

/** By kind, namespace and name, without labels: what two sets of manifests are compared by. */
function byName(manifests: readonly Manifest[]): Record<string, object> {
  return Object.fromEntries(
    manifests.map(({ metadata: { labels: _, ...metadata }, ...rest }) => [
      [rest.kind, metadata.namespace, metadata.name].join("/"),
      { ...rest, metadata },
    ]),
  );
}

const RIGHTS = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

describe("the chart, rendered", () => {
  test("passes helm's lint", async () => {
    await helm(["lint", CHART_FOLDER, "--strict", "--namespace", NAMESPACE], { home });
  });

  test("has the CRDs of config/crd, to be kept on uninstall", async () => {
    const crds = ofKinds(await render(), "CustomResourceDefinition");
    const expected = (await manifestsOf(CRD_FOLDER)).map(({ metadata, ...rest }) => ({
      ...rest,
      metadata: { annotations: { "helm.sh/resource-policy": "keep" }, ...metadata },
    }));
    expect(byName(crds)).toEqual(byName(expected as Manifest[]));
    expect(ofKinds(await render("--set", "crds.install=false"), "CustomResourceDefinition")).toEqual([]);
  });

  test("has accounts and rights exactly as config/rbac argues them", async () => {
    expect(byName(ofKinds(await render(), ...RIGHTS))).toEqual(byName(await manifestsOf(RBAC_FOLDER)));
  });

  test("has no rule with a wildcard, and impersonates ServiceAccounts only", async () => {
    const rules = (await render()).flatMap((manifest) => manifest.rules ?? []);
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs].filter((word) => word.includes("*"))).toEqual([]);
      expect(rule.verbs).not.toEqual(expect.arrayContaining(["escalate"]));
      expect(rule.verbs).not.toEqual(expect.arrayContaining(["bind"]));
      if (rule.verbs.includes("impersonate")) expect(rule.resources).toEqual(["serviceaccounts"]);
    }
  });

  test.each([
    { value: "impersonation.namespaces", role: "strata-impersonation" },
    { value: "targets.namespaces", role: "strata-kubeconfigs" },
    { value: "systemProfiles.namespaces", role: "strata-references" },
  ])("binds $role in named namespaces only, when $value names some", async ({ value, role }) => {
    const bindings = ofKinds(await render("--set", `${value}={acme,beta}`), "ClusterRoleBinding", "RoleBinding").filter(
      ({ roleRef }) => (roleRef as { name: string }).name === role,
    );
    expect(bindings.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ["RoleBinding", "acme"],
      ["RoleBinding", "beta"],
    ]);
  });

  test("does not let Strata read references of SystemProfiles that are switched off", async () => {
    const names = (await render("--set", "systemProfiles.enabled=false")).map(({ metadata }) => metadata.name);
    expect(names).not.toContain("strata-references");
  });

  test("binds what SystemProfiles may do to their own account, and nothing by default", async () => {
    const bound = (manifests: Manifest[]) =>
      manifests.filter(({ subjects }) => JSON.stringify(subjects ?? []).includes("strata-system-profiles"));
    expect(bound(await render())).toEqual([]);
    expect(bound(await render("--set", "systemProfiles.clusterRole=edge-apps"))).toMatchObject([
      { kind: "ClusterRoleBinding", roleRef: { kind: "ClusterRole", name: "edge-apps" } },
    ]);
  });

  test("sets only variables that Strata knows, to values that it takes", async () => {
    const given = ["--set", "plainHttpRegistries={registry.lan:5000}", "--set", "allowedNetworks={10.20.0.0/16}"];
    const [deployment] = ofKinds(await render(...given), "Deployment");
    const env: { name: string; value: string }[] = deployment?.spec.template.spec.containers[0].env;
    const known = `${usage()} (UV_THREADPOOL_SIZE)`;
    expect(env.filter(({ name }) => !known.includes(`(${name})`))).toEqual([]);
    expect(parseConfig(Object.fromEntries(env.map(({ name, value }) => [name, value])), [])).toMatchObject({
      ok: true,
      value: { httpPort: 8080, plainHttpRegistries: ["registry.lan:5000"], allowedNetworks: ["10.20.0.0/16"] },
    });
  });

  test("gives Node more threads than silent name servers hold, as the image does", async () => {
    const [deployment] = ofKinds(await render(), "Deployment");
    const env: { name: string; value: string }[] = deployment?.spec.template.spec.containers[0].env;
    const threads = env.find(({ name }) => name === "UV_THREADPOOL_SIZE")?.value;
    expect(Number(threads)).toBeGreaterThanOrEqual(32);
    const image = await readFile(new URL("../../Dockerfile", import.meta.url), "utf8");
    expect(image).toMatch(new RegExp(`^(ENV|) +UV_THREADPOOL_SIZE=${threads}$`, "m"));
  });

  test("allows no private network that nobody has named", async () => {
    const [deployment] = ofKinds(await render(), "Deployment");
    expect(deployment?.spec.template.spec.containers[0].env).toContainEqual({
      name: "STRATA_ALLOWED_NETWORKS",
      value: "",
    });
  });

  test("lists default Registries for Strata to make, as specs that the API takes", async () => {
    const [before] = ofKinds(await render(), "ConfigMap");
    expect(before).toMatchObject({ metadata: { name: "strata-registries", namespace: NAMESPACE } });
    expect(before?.["data"] ?? {}).toEqual({});
    const spec = { type: "OCI", url: "oci://registry.lan/platform", mirrors: ["oci://mirror.lan/platform"] };
    const values = { public: spec, gone: null };
    const [list] = ofKinds(await render("--set-json", `registries=${JSON.stringify(values)}`), "ConfigMap");
    const data = (list?.["data"] ?? {}) as Record<string, string>;
    expect(Object.keys(data)).toEqual(["public"]);
    const object = { apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata: { name: "public" } };
    expect(parseRegistry({ ...object, spec: JSON.parse(data["public"] ?? "") })).toMatchObject({
      ok: true,
      value: { spec },
    });
  });

  test("gives Strata longer to end than it takes", async () => {
    const [deployment] = ofKinds(await render(), "Deployment");
    const config = parseConfig({}, []);
    expect(config.ok && config.value.gracePeriodMs / 1000).toBeLessThan(
      deployment?.spec.template.spec.terminationGracePeriodSeconds - 5,
    );
  });

  test("pins the image by digest when one is given", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const [deployment] = ofKinds(await render("--set", `image.digest=${digest}`), "Deployment");
    expect(deployment?.spec.template.spec.containers[0].image).toMatch(new RegExp(`^strata:\\d.*@${digest}$`));
  });

  test.each([
    {
      wrong: "another namespace",
      args: ["--namespace", "default"],
      want: "Strata lives in the namespace strata-system",
    },
    { wrong: "more replicas than are of use", args: ["--set", "replicas=6"], want: "/replicas" },
    {
      wrong: "a variable that the chart itself sets",
      args: ["--set", "extraEnv[0].name=STRATA_LOG_LEVEL,extraEnv[0].value=debug"],
      want: "extraEnv must not have STRATA_LOG_LEVEL: set the value log.level",
    },
    {
      wrong: "an interval that Prometheus does not read",
      args: ["--set", "serviceMonitor.interval=often"],
      want: "/serviceMonitor/interval",
    },
    {
      wrong: "a peer that names nobody",
      args: ["--set-json", "networkPolicy.metricsFrom=[{}]"],
      want: "/metricsFrom/0",
    },
    { wrong: "a registry without a type", args: ["--set", "registries.a.url=https://a.lan"], want: "/registries/a" },
    {
      wrong: "an address for a network",
      args: ["--set", "allowedNetworks={10.0.0.1}"],
      want: "/allowedNetworks/0",
    },
    { wrong: "a value with a slip", args: ["--set", "target.namespaces={a}"], want: "'target' not allowed" },
    {
      wrong: "a namespace that is none",
      args: ["--set", "targets.namespaces={Acme_1}"],
      want: "/targets/namespaces/0",
    },
  ])("is refused for $wrong", async ({ args, want }) => {
    await expect(render(...args)).rejects.toThrow(want);
  });
});

describe("the chart's objects", () => {
  // The CRDs are compared with config/crd above.
  const withoutCrds = "--set=crds.install=false";

  test("are these by default", async () => {
    await expect(await renderedText(home, [withoutCrds])).toMatchFileSnapshot("../golden/operator-chart.yaml");
  });

  test("are these with every value set", async () => {
    const text = await renderedText(home, [withoutCrds, ...asArguments(EVERYTHING)]);
    await expect(text).toMatchFileSnapshot("../golden/operator-chart-everything.yaml");
  });

  test.each([
    { replicas: 0, budget: [] },
    { replicas: 1, budget: [] },
    { replicas: 2, budget: [{ maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" }] },
  ])("have a budget only where it blocks no drain: $replicas replicas", async ({ replicas, budget }) => {
    const found = ofKinds(await render("--set", `replicas=${replicas}`), "PodDisruptionBudget");
    expect(found.map(({ spec: { selector: _, ...spec } }) => spec)).toEqual(budget);
    expect(ofKinds(await render("--set=replicas=2,podDisruptionBudget.enabled=false"), "PodDisruptionBudget")).toEqual(
      [],
    );
  });

  test("select Strata's Pods, whatever labels are given", async () => {
    const manifests = await render(...asArguments(EVERYTHING));
    const labels = only(manifests, "Deployment").spec.template.metadata.labels;
    const matchLabels = { "app.kubernetes.io/name": "strata", "app.kubernetes.io/component": "operator" };
    expect(labels).toEqual({ ...matchLabels, team: "platform", tier: "control" });
    expect(only(manifests, "Deployment").spec.selector).toEqual({ matchLabels });
    expect(only(manifests, "Service").spec.selector).toEqual(matchLabels);
    expect(only(manifests, "PodDisruptionBudget").spec.selector).toEqual({ matchLabels });
    expect(only(manifests, "NetworkPolicy").spec.podSelector).toEqual({ matchLabels });
    const service = only(manifests, "Service").metadata.labels;
    expect(service).toMatchObject(only(manifests, "ServiceMonitor").spec.selector.matchLabels);
  });

  test("close nothing but the way in, unless the ways out are named", async () => {
    const open = only(await render("--set=networkPolicy.enabled=true"), "NetworkPolicy").spec;
    expect(open.policyTypes).toEqual(["Ingress"]);
    expect(open.ingress).toEqual([{ ports: [{ protocol: "TCP", port: "metrics" }] }]);
    const named = only(await render(...asArguments(EVERYTHING)), "NetworkPolicy").spec;
    expect(named.policyTypes).toEqual(["Ingress", "Egress"]);
    const dns = ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 }));
    expect(named.egress).toEqual([{ ports: dns }, ...EVERYTHING.networkPolicy.egress]);
  });

  test("ask for paths that Strata serves, and begin to judge when it has begun to answer", async () => {
    const [container] = only(await render(), "Deployment").spec.template.spec.containers;
    const metrics = { contentType: "text/plain", text: async () => "" };
    const server = await startOpsServer({ address: "127.0.0.1", port: 0, metrics, ready: () => "starting" });
    const answer = async (probe: { httpGet: { path: string } }): Promise<number> =>
      (await fetch(`http://127.0.0.1:${server.port}${probe.httpGet.path}`)).status;
    // A Strata that knows nothing yet is alive, so that no restart keeps it from ever knowing.
    expect(await answer(container.startupProbe)).toBe(200);
    expect(await answer(container.livenessProbe)).toBe(200);
    expect(await answer(container.readinessProbe)).toBe(503);
    await server.close();
  });

  test("take more settings that Strata knows", async () => {
    const [container] = only(await render(...asArguments(EVERYTHING)), "Deployment").spec.template.spec.containers;
    expect(container.args).toEqual(EVERYTHING.extraArgs);
    expect(parseConfig({}, container.args)).toMatchObject({ ok: true, value: { chartCacheMib: 128 } });
    const names = container.env.map(({ name }: { name: string }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("the chart's values", () => {
  test("are each told in values.yaml, and so in docs/chart-values.md", () => {
    const values = chartValues();
    expect(values.length).toBeGreaterThan(30);
    expect(values.filter(({ meaning }) => meaning === "").map(({ path }) => path)).toEqual([]);
  });

  test("are those of the schema, which knows no other", async () => {
    interface Schema {
      type?: string;
      additionalProperties?: unknown;
      properties?: Record<string, Schema>;
    }
    const schema: Schema = JSON.parse(await readFile(join(CHART_FOLDER, "values.schema.json"), "utf8"));
    const told = chartValues().map(({ path }) => path);
    const leaves = (node: Schema, path: string): string[] => {
      if (node.properties === undefined || told.includes(path)) return [path];
      expect(node.additionalProperties, path).toBe(false);
      return Object.entries(node.properties).flatMap(([key, below]) => leaves(below, path ? `${path}.${key}` : key));
    };
    expect(
      leaves(schema, "")
        .filter((path) => path !== "global")
        .sort(),
    ).toEqual([...told].sort());
  });
});
