import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseRegistry } from "../../src/api/parse.ts";
import { parseConfig, usage } from "../../src/config.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { helm } from "../support/helm.ts";
import { CHART_FOLDER, CRD_FOLDER, installStrata } from "../support/install.ts";

const RBAC_FOLDER = fileURLToPath(new URL("../../config/rbac", import.meta.url));
const NAMESPACE = "strata-system";
const ACCOUNT = "system:serviceaccount:strata-system:strata";
const WATCH_ALL = ["get", "list", "watch"];

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: object; annotations?: Record<string, string> };
  rules?: Rule[];
  // biome-ignore lint/suspicious/noExplicitAny: a Deployment's spec, of which tests look at single fields
  spec?: any;
  [field: string]: unknown;
}

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "strata-chart-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function render(...values: string[]): Promise<Manifest[]> {
  const text = await helm(["template", "strata", CHART_FOLDER, "--namespace", NAMESPACE, ...values], { home });
  return manifestsIn(text);
}

function manifestsIn(text: string): Manifest[] {
  return (loadAll(text) as (Manifest | null)[]).filter((manifest) => manifest !== null);
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

function ofKinds(manifests: readonly Manifest[], ...kinds: string[]): Manifest[] {
  return manifests.filter(({ kind }) => kinds.includes(kind));
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
    { wrong: "two replicas", args: ["--set", "replicas=2"], want: "/replicas" },
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

describe("the chart, installed by helm", () => {
  let plane: ControlPlane;
  const run = (...args: string[]) => helm(args, { home: plane.dataDir, kubeconfigPath: plane.kubeconfigPath });
  const names = async (kind: string): Promise<string[]> =>
    (await plane.kubectlOk(["get", kind, "-A", "-o", "name"])).split("\n").filter((name) => /strata/.test(name));

  beforeAll(async () => {
    plane = await startControlPlane({ name: "chart", controllers: false });
    await plane.kubectlOk(["create", "namespace", NAMESPACE]);
    const labels = ["enforce", "warn"].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    await plane.kubectlOk(["label", "namespace", NAMESPACE, ...labels]);
    await run("install", "strata", CHART_FOLDER, "--namespace", NAMESPACE, "--set", "replicas=0");
  });
  afterAll(() => plane.stop());

  test("has Pods that a namespace under the restricted Pod Security Standard takes without a warning", async () => {
    const { body } = await plane.request("GET", `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/strata`);
    const dryRun = async (spec: object) => {
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "strata", namespace: NAMESPACE }, spec };
      return await plane.kubectl(["create", "--dry-run=server", "-f", "-"], { input: JSON.stringify(pod) });
    };
    const { spec } = body.spec.template;
    expect(await dryRun(spec)).toMatchObject({ code: 0, stderr: "" });
    const [container] = spec.containers;
    const loose = { ...spec, containers: [{ ...container, securityContext: {} }] };
    expect((await dryRun(loose)).stderr).toContain('violates PodSecurity "restricted');
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
  });

  /** Whether the API server lets Strata do it; `what` is `resource[.group][/subresource]`. */
  async function mayStrata(verb: string, what: string, namespace = ""): Promise<boolean> {
    const [qualified = "", subresource = ""] = what.split("/");
    const [resource = "", ...group] = qualified.split(".");
    const resourceAttributes = { verb, resource, group: group.join("."), subresource, namespace };
    const spec = { user: ACCOUNT, groups: ["system:serviceaccounts", "system:authenticated"], resourceAttributes };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    const { body } = await plane.request("POST", path, { body: review });
    return body.status.allowed;
  }

  test.each([
    { what: "clusterprofiles.strata.dev", where: "acme", may: [...WATCH_ALL, "patch"] },
    { what: "systemprofiles.strata.dev", where: "", may: [...WATCH_ALL, "patch"] },
    { what: "targetclusters.strata.dev", where: "acme", may: WATCH_ALL },
    { what: "registries.strata.dev", where: "acme", may: WATCH_ALL },
    { what: "registries.strata.dev", where: NAMESPACE, may: [...WATCH_ALL, "create", "patch", "delete"] },
    { what: "profiledeployments.strata.dev", where: "acme", may: [...WATCH_ALL, "create", "patch", "delete"] },
    { what: "addonprofiles.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "targetclusters.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "registries.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "profiledeployments.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "events", where: "acme", may: ["create"] },
    { what: "namespaces", where: "", may: WATCH_ALL },
    { what: "secrets", where: "acme", may: WATCH_ALL },
    { what: "configmaps", where: "acme", may: WATCH_ALL },
    { what: "secrets", where: NAMESPACE, may: [...WATCH_ALL, "create", "patch", "delete"] },
    { what: "configmaps", where: NAMESPACE, may: [...WATCH_ALL, "create", "patch", "delete"] },
    { what: "serviceaccounts", where: "acme", may: ["impersonate"] },
    { what: "serviceaccounts/token", where: NAMESPACE, may: [] },
    { what: "users", where: "", may: [] },
    { what: "groups", where: "", may: [] },
    { what: "pods", where: "acme", may: [] },
    { what: "pods/exec", where: NAMESPACE, may: [] },
    { what: "deployments.apps", where: NAMESPACE, may: [] },
    { what: "clusterrolebindings.rbac.authorization.k8s.io", where: "", may: [] },
    { what: "customresourcedefinitions.apiextensions.k8s.io", where: "", may: [] },
  ])("lets Strata do with $what in '$where' only: $may", async ({ what, where, may }) => {
    const verbs = [...WATCH_ALL, "create", "update", "patch", "delete", "deletecollection", "impersonate", "bind"];
    const answers = await Promise.all(verbs.map((verb) => mayStrata(verb, what, where)));
    expect(verbs.filter((_, index) => answers[index])).toEqual(may);
  });

  test("serves its kinds, and an upgrade that names namespaces takes cluster-wide rights back", async () => {
    await plane.kubectlOk(["create", "namespace", "acme"]);
    await plane.kubectlOk(["wait", "crd", "--all", "--for=condition=Established", "--timeout=30s"]);
    await plane.kubectlOk(["get", "scp,sap,ssp,stc,spd,sreg", "-A"]);
    const bound = ["--set", "targets.namespaces={acme}", "--set", "systemProfiles.enabled=false"];
    await run("upgrade", "strata", CHART_FOLDER, "--namespace", NAMESPACE, "--set", "replicas=0", ...bound);
    // The authorizer follows the change by a watch.
    await expect.poll(() => mayStrata("list", "secrets", "default"), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => mayStrata("list", "secrets", "acme"), { timeout: 10_000 }).toBe(true);
  });

  test("leaves the CRDs, and nothing else, when it is uninstalled", async () => {
    await run("uninstall", "strata", "--namespace", NAMESPACE);
    expect(await names("customresourcedefinitions")).toHaveLength((await readdir(CRD_FOLDER)).length);
    const others = [
      "deployments",
      "services",
      "serviceaccounts",
      "clusterroles",
      "clusterrolebindings",
      "roles",
      "rolebindings",
    ];
    for (const kind of others) expect(await names(kind)).toEqual([]);
  });
});

test("a test's Strata has the token, and so the rights, of the chart's account", async () => {
  await using plane = await startControlPlane({ name: "token", controllers: false });
  const { kubeconfig } = await installStrata(plane);
  const file = join(plane.dataDir, "strata.kubeconfig");
  await writeFile(file, kubeconfig);
  const whoami = async (...as: string[]) => {
    const { stdout } = await plane.kubectl(["--kubeconfig", file, "auth", "whoami", "-o", "json", ...as]);
    return stdout === "" ? undefined : JSON.parse(stdout).status.userInfo;
  };
  expect(await whoami()).toMatchObject({ username: ACCOUNT });
  // Without a group that is asked for, the API server adds those of the ServiceAccount.
  expect(await whoami("--as", "system:serviceaccount:acme:default")).toMatchObject({
    username: "system:serviceaccount:acme:default",
    groups: expect.arrayContaining(["system:serviceaccounts", "system:serviceaccounts:acme", "system:authenticated"]),
  });
  expect(await whoami("--as", "system:serviceaccount:acme:default", "--as-group", "system:masters")).toBeUndefined();
  expect(await whoami("--as", "ann")).toBeUndefined();
});
