import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { helm } from "../support/helm.ts";
import { CHART_FOLDER, CRD_FOLDER, installStrata } from "../support/install.ts";
import { asArguments, EVERYTHING, NAMESPACE } from "../support/operator-chart.ts";

const ACCOUNT = "system:serviceaccount:strata-system:strata";
const FOLLOW = ["list", "watch"];
const KEEP = ["get", "list", "watch", "create", "patch", "delete"];

describe("the chart, installed by helm", () => {
  let plane: ControlPlane;
  const run = (...args: string[]) => helm(args, { home: plane.dataDir, kubeconfigPath: plane.kubeconfigPath });
  const names = async (kind: string): Promise<string[]> =>
    (await plane.kubectlOk(["get", kind, "-A", "-o", "name"])).split("\n").filter((name) => /strata/.test(name));

  beforeAll(async () => {
    plane = await startControlPlane({ name: "chart" });
    await plane.kubectlOk(["create", "namespace", NAMESPACE]);
    const labels = ["enforce", "warn"].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    await plane.kubectlOk(["label", "namespace", NAMESPACE, ...labels]);
    await run("install", "strata", CHART_FOLDER, "--namespace", NAMESPACE, "--set", "replicas=2");
  });
  afterAll(() => plane?.stop());

  const upgrade = (...values: string[]): Promise<string> =>
    run("upgrade", "strata", CHART_FOLDER, "--namespace", NAMESPACE, ...values);

  interface Pod {
    metadata: { name: string; deletionTimestamp?: string };
    spec: { nodeName: string };
  }
  /** Strata's Pods, when as many as are wanted have been made, and are Ready. */
  async function pods(replicas: number): Promise<Pod[]> {
    const status = async (): Promise<unknown> => {
      const { body } = await plane.request("GET", `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/strata`);
      const { observedGeneration, updatedReplicas = 0, readyReplicas = 0, replicas: all = 0 } = body.status ?? {};
      return [observedGeneration === body.metadata.generation, updatedReplicas, readyReplicas, all];
    };
    await expect.poll(status, { timeout: 60_000 }).toEqual([true, replicas, replicas, replicas]);
    const selector = "labelSelector=app.kubernetes.io%2Fcomponent%3Doperator";
    const { body } = await plane.request("GET", `/api/v1/namespaces/${NAMESPACE}/pods?${selector}`);
    return (body.items as Pod[]).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** What `kubectl drain` asks for; the answer's status. */
  async function evict({ metadata: { name } }: Pod): Promise<number> {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
    return (await plane.request("POST", path, { body: eviction })).status;
  }

  test("runs two replicas on two nodes, in a namespace that enforces the restricted Pod Security Standard", async () => {
    const running = await pods(2);
    expect(new Set(running.map(({ spec }) => spec.nodeName)).size).toBe(2);
  });

  test("lets a drain take one of two replicas at a time, and the only one at once", async () => {
    const budget = `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets/strata`;
    const allowed = async (): Promise<unknown> => (await plane.request("GET", budget)).body.status?.disruptionsAllowed;
    const [first, second] = await pods(2);
    await expect.poll(allowed, { timeout: 60_000 }).toBe(1);
    // Nobody can make the next Pod, so that the budget is not given back meanwhile.
    await plane.kubectlOk(["cordon", "node-0", "node-1"]);
    expect(await evict(first!)).toBe(201);
    expect(await evict(second!), "the last one that works").toBe(429);
    await plane.kubectlOk(["uncordon", "node-0", "node-1"]);
    await upgrade("--set", "replicas=1");
    const [last] = await pods(1);
    expect(await evict(last!), "no budget holds the only one").toBe(201);
    await pods(1);
  });

  test("needs nothing of the Prometheus operator, and asks for it before anything is changed", async () => {
    await expect(upgrade("--set", "serviceMonitor.enabled=true", "--set", "replicas=3")).rejects.toThrow(
      /no matches for kind "ServiceMonitor".*ensure CRDs are installed first/s,
    );
    await pods(1);
  });

  test("upgrades its CRDs with it, and keeps them and what is in them when it brings them no more", async () => {
    const older = join(plane.dataDir, "older");
    await cp(CHART_FOLDER, older, { recursive: true });
    const file = join(older, "files/crd/strata.dev_addonprofiles.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace("      - sap\n", "      - sap\n      - old\n"));
    await run("upgrade", "strata", older, "--namespace", NAMESPACE, "--set", "replicas=0");
    const shortNames = async (): Promise<string[]> => {
      const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/addonprofiles.strata.dev";
      return (await plane.request("GET", path)).body.spec.names.shortNames;
    };
    expect(await shortNames()).toEqual(["sap", "old"]);
    await upgrade("--set", "replicas=0");
    expect(await shortNames()).toEqual(["sap"]);
    await upgrade("--set", "replicas=0", "--set", "crds.install=false");
    expect(await names("customresourcedefinitions")).toHaveLength((await readdir(CRD_FOLDER)).length);
    await upgrade("--set", "replicas=0");
  });

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
    { what: "clusterprofiles.strata.dev", where: "acme", may: [...FOLLOW, "patch"] },
    { what: "systemprofiles.strata.dev", where: "", may: [...FOLLOW, "patch"] },
    { what: "targetclusters.strata.dev", where: "acme", may: [...FOLLOW, "patch"] },
    { what: "registries.strata.dev", where: "acme", may: FOLLOW },
    { what: "registries.strata.dev", where: NAMESPACE, may: [...FOLLOW, "create", "patch", "delete"] },
    { what: "profiledeployments.strata.dev", where: "acme", may: [...FOLLOW, "create", "patch", "delete"] },
    { what: "addonprofiles.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "targetclusters.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "registries.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "profiledeployments.strata.dev/status", where: "acme", may: ["patch"] },
    { what: "events", where: "acme", may: ["create"] },
    { what: "namespaces", where: "", may: FOLLOW },
    { what: "secrets", where: "acme", may: FOLLOW },
    { what: "configmaps", where: "acme", may: FOLLOW },
    { what: "secrets", where: NAMESPACE, may: KEEP },
    { what: "configmaps", where: NAMESPACE, may: KEEP },
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
    const verbs = ["get", ...FOLLOW, "create", "update", "patch", "delete", "deletecollection", "impersonate", "bind"];
    const answers = await Promise.all(verbs.map((verb) => mayStrata(verb, what, where)));
    expect(verbs.filter((_, index) => answers[index])).toEqual(may);
  });

  test("has objects that the API server takes, with every value set", async () => {
    for (const namespace of ["acme", "platform"]) await plane.kubectlOk(["create", "namespace", namespace]);
    await upgrade(...asArguments({ ...EVERYTHING, serviceMonitor: {} }));
    const named = ["deployment", "networkpolicy", "poddisruptionbudget"].map((kind) => `${kind}/strata`);
    await plane.kubectlOk(["get", "-n", NAMESPACE, ...named]);
  });

  test("serves its kinds, and an upgrade that names namespaces takes cluster-wide rights back", async () => {
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
