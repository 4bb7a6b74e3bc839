import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChartShelf, openChartShelf } from "../../scripts/demo/chart-shelf.ts";
import { LAYER_ANNOTATION } from "../../src/api/names.ts";
import { defaultApiVersions } from "../../src/cli/kubernetes.ts";
import { connect } from "../../src/kube/client.ts";
import { Discovery } from "../../src/kube/discovery.ts";
import { ownAccess } from "../../src/kube/own-access.ts";
import { applySetOf } from "../../src/membership/applyset.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import { parseManifests } from "../../src/objects/yaml.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { type CommandResult, runCommand } from "../support/kubectl.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { toolPath } from "../support/tools.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../../examples/platform", import.meta.url));
const CLUSTERS = join(EXAMPLE, "clusters.yaml");
const LAYERS = ["network", "storage", "database", "shop", "hello"];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shelf: ChartShelf;
/** The example profile and its Registry, with the addresses of the chart sources. */
let platform: string;

beforeAll(async () => {
  folder = await temporaryFolder("cli");
  shelf = await openChartShelf(folder.path);
  const texts = ["profile.yaml", "registry.yaml"].map((file) => readFile(join(EXAMPLE, file), "utf8"));
  const http = (await Promise.all(texts)).join("---\n").replaceAll("http://charts.example.test", shelf.repo.url);
  platform = await written("platform.yaml", http.replaceAll("registry.example.test", shelf.registry.host));
});

afterAll(async () => {
  await shelf?.[Symbol.asyncDispose]();
  await folder?.remove();
});

async function written(name: string, text: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, text);
  return path;
}

function strata(
  args: readonly string[],
  { input, kubeconfig = "" }: { input?: string; kubeconfig?: string } = {},
): Promise<CommandResult> {
  const env = {
    ...process.env,
    STRATA_RENDER_BINARY: toolPath("strata-render"),
    KUBECONFIG: kubeconfig,
    HOME: folder.path,
  };
  return runCommand(process.execPath, [CLI, ...args], { env, ...(input === undefined ? {} : { input }) });
}

function objectsIn(text: string): KubeObject[] {
  const parsed = parseManifests(text, "output");
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

describe("strata render", () => {
  test("prints an example layer by layer, as it was reviewed", async () => {
    const { stdout, stderr, code } = await strata(["render", "-f", platform, "--cluster", CLUSTERS]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const stable = stdout
      .replaceAll(shelf.repo.url, "http://charts.example.test")
      .replaceAll(shelf.registry.host, "registry.example.test");
    await expect(stable).toMatchFileSnapshot("../golden/render-platform.yaml");
  });

  const profile = (layers: object[], more: object = {}): string =>
    JSON.stringify({
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name: "web", namespace: "acme" },
      spec: { clusterRefs: [{ name: "local" }], namespace: "web", layers, ...more },
    });
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "door" }, stringData: { code: "open-sesame" } };
  const object = (apiVersion: string, kind: string) => ({ object: { apiVersion, kind, metadata: { name: "x" } } });

  test("hides what Secrets hold, unless it is asked for", async () => {
    const input = profile([{ name: "one", manifests: [{ object: secret }] }]);
    const hidden = await strata(["render", "-f", "-"], { input });
    expect(hidden.stdout).toContain("code: (hidden)");
    const shown = await strata(["render", "-f", "-", "--show-secrets"], { input });
    expect(objectsIn(shown.stdout)[0]?.["data"]).toEqual({ code: Buffer.from("open-sesame").toString("base64") });
  });

  test("reads ConfigMaps and Secrets from the same files, in the profile's namespace", async () => {
    const text = "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: guard }\n";
    const reference = { configMapKeyRef: { name: "guards", key: "a.yaml" } };
    const map = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "guards", namespace: "acme" },
      data: { "a.yaml": text },
    };
    const input = `${profile([{ name: "one", manifests: [reference] }])}\n---\n${JSON.stringify(map)}`;
    const { stdout } = await strata(["render", "-f", "-"], { input });
    expect(objectsIn(stdout).map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name])).toEqual([
      ["ServiceAccount", "web", "guard"],
    ]);
  });

  test("knows the kinds of CRDs in the profile's layers and in the files", async () => {
    const crd = (kind: string) => ({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${kind.toLowerCase()}s.example.com` },
      spec: { group: "example.com", scope: "Cluster", names: { kind, plural: `${kind.toLowerCase()}s` } },
    });
    const layers = [
      { name: "one", manifests: [{ object: crd("Lamp") }] },
      { name: "two", manifests: [object("example.com/v1", "Lamp"), object("example.com/v1", "Door")] },
    ];
    const { stdout, stderr } = await strata(["render", "-f", "-"], {
      input: `${profile(layers)}\n---\n${JSON.stringify(crd("Door"))}`,
    });
    expect(stderr).toBe("");
    expect(objectsIn(stdout).map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ["CustomResourceDefinition", undefined],
      ["Lamp", undefined],
      ["Door", undefined],
    ]);
  });

  const one = [{ name: "one", manifests: [object("v1", "ConfigMap")] }];
  test.each([
    ["no profile", "", 1, "there is no profile in standard input: render needs one"],
    [
      "a field that does not exist",
      profile(one, { colour: "red" }),
      1,
      'AddOnProfile acme/web: unknown field "spec.colour"',
    ],
    [
      "an unknown kind and a missing reference, both told",
      profile([
        { name: "one", manifests: [object("example.com/v1", "Lamp")] },
        { name: "two", manifests: [{ configMapRef: { name: "gone" } }] },
      ]),
      1,
      /layer one: Lamp x: the cluster has no kind Lamp.*\n.*layer two: .*ConfigMap acme\/gone does not exist/,
    ],
    ["YAML that is none", "a: [", 1, "standard input, document 1, line 1"],
    [
      "a cluster that the profile does not go to",
      profile(one),
      1,
      "AddOnProfile acme/web does not go to acme/hub",
      ["--cluster", CLUSTERS],
    ],
    ["a version that is none", profile(one), 2, "It must be like 1.36 or v1.36.3", ["--kube-version", "new"]],
    ["a flag that does not exist", profile(one), 2, "unknown option '--fast'", ["--fast"]],
  ] as [string, string, number, string | RegExp, string[]?][])(
    "refuses %s",
    async (_, input, code, sentence, more = []) => {
      const result = await strata(["render", "-f", "-", ...more], { input });
      expect(result.stdout).toBe("");
      expect(result.stderr).toMatch(sentence);
      expect(result.code).toBe(code);
    },
  );

  test("needs a file", async () => {
    expect(await strata(["render"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--filename") });
  });
});

describe("on a control plane with Strata", () => {
  let hub: ControlPlane;
  let process_: StrataProcess;

  beforeAll(async () => {
    hub = await startControlPlane({ name: "cli" });
    process_ = await startStrata(hub);
    await hub.kubectlOk(["create", "namespace", "acme"]);
    const kubeconfig = `--from-file=kubeconfig=${hub.kubeconfigPath}`;
    await hub.kubectlOk(["create", "secret", "generic", "hub-kubeconfig", "-n", "acme", kubeconfig]);
    const target = objectsIn(await readFile(CLUSTERS, "utf8"))[0];
    await hub.kubectlOk(["apply", "--server-side", "-f", "-"], { input: JSON.stringify(target) });
    await hub.kubectlOk(["apply", "--server-side", "-f", platform]);
    await hub.kubectlOk(["wait", "-n", "acme", "scp/platform", "--for=condition=Ready", "--timeout=100s"]);
  });

  afterAll(async () => {
    await process_?.kill();
    await hub?.stop();
  });

  const get = (args: readonly string[]) => strata(["get", "-n", "acme", ...args], { kubeconfig: hub.kubeconfigPath });

  test("render prints exactly what Strata applied", async () => {
    const { stdout } = await strata(["render", "-f", platform, "--marks", "--show-secrets"]);
    const { manager } = applySetOf({ kind: "ClusterProfile", namespace: "acme", name: "platform" });
    const print = ["-o", "json", "--show-managed-fields"];
    const apply = ["apply", "--server-side", "--dry-run=server", "--force-conflicts", `--field-manager=${manager}`];
    const live = JSON.parse(await hub.kubectlOk(["get", "-f", "-", ...print], { input: stdout }));
    const again = JSON.parse(await hub.kubectlOk([...apply, "-f", "-", ...print], { input: stdout }));
    expect(again.items.map(applied)).toEqual(live.items.map(applied));
    const deployments = JSON.parse(await hub.kubectlOk(["get", "spd", "-n", "acme", "-o", "json"]));
    const rows: { ready: string }[] = deployments.items[0].status.layers;
    const total = rows.reduce((sum, { ready }) => sum + Number(ready.split("/")[1]), 0);
    // Two nodes with a network, and a default StorageClass, are looked at besides.
    expect(total - live.items.length).toBe(3);
  });

  /** Without what changes by itself, and the digest in the mark, which is keyed by the cluster (a Deployment counts it as a generation). */
  function applied({ status: _, metadata, ...object }: KubeObject): object {
    const { resourceVersion: __, generation: ____, managedFields = [], annotations = {}, ...rest } = metadata;
    const entries = managedFields
      .filter(({ subresource }) => subresource === undefined)
      .map(({ time: ___, ...entry }) => entry);
    const layer = annotations[LAYER_ANNOTATION]?.split("/")[0];
    return {
      ...object,
      metadata: { ...rest, annotations: { ...annotations, [LAYER_ANNOTATION]: layer }, managedFields: entries },
    };
  }

  test("the API versions that charts see offline are those of a new cluster", async () => {
    const client = connect(await ownAccess({ kubeconfigPath: hub.kubeconfigPath, env: {} }));
    const all = await new Discovery(client).all({ signal: new AbortController().signal });
    await client.close();
    const served = all.flatMap(({ group, version, kind }) => {
      const groupVersion = group === "" ? version : `${group}/${version}`;
      return group === "strata.dev" ? [] : [groupVersion, `${groupVersion}/${kind}`];
    });
    expect(defaultApiVersions().sort()).toEqual([...new Set(served)].sort());
  });

  test("get prints the layers of all profiles, rolled up", async () => {
    const { stdout, code } = await get([]);
    const [title, ...lines] = stdout.trimEnd().split("\n");
    expect(title).toMatch(/^PROFILE +LAYER +STATE +READY +AGE +MESSAGE$/);
    expect(lines.map((line) => line.split(/\s{2,}/).slice(0, 4))).toEqual(
      LAYERS.map((name) => ["platform", name, "Ready", "1/1"]),
    );
    expect(code).toBe(0);
  });

  test.each([
    ["a profile", "platform", "CLUSTER", "hub"],
    ["a profile by its kind", "scp/platform", "CLUSTER", "hub"],
    ["a cluster", "stc/hub", "PROFILE", "platform"],
  ])("get prints the layers of %s", async (_, name, heading, first) => {
    const [title, ...lines] = (await get([name])).stdout.trimEnd().split("\n");
    expect(title?.split(/\s{2,}/)).toEqual([heading, "LAYER", "STATE", "READY", "AGE", "MESSAGE"]);
    expect(lines.map((line) => line.split(/\s{2,}/).slice(0, 4))).toEqual(
      [
        ["network", "7/7"],
        ["storage", "4/4"],
        ["database", "2/2"],
        ["shop", "5/5"],
        ["hello", "3/3"],
      ].map(([layer, ready]) => [first, layer, "Ready", ready]),
    );
  });

  test("get -o json is for programs", async () => {
    const rows = JSON.parse((await get(["platform", "-o", "json"])).stdout);
    expect(rows[0]).toMatchObject({
      profile: "platform",
      cluster: "hub",
      layer: "network",
      state: "Ready",
      ready: "7/7",
      version: "1.0.0",
    });
  });

  test.each([
    ["a name that nothing has", ["nobody"], 1, 'there is no profile or cluster "nobody" with layers in namespace acme'],
    ["a kind that has no layers", ["pod/x"], 1, '"pod" is no kind of Strata that has layers'],
    ["a format that does not exist", ["-o", "xml"], 2, "Allowed choices are table, wide, json"],
  ])("get refuses %s", async (_, args, code, sentence) => {
    const result = await get(args);
    expect(result.stderr).toContain(sentence);
    expect(result.code).toBe(code);
  });

  test("get says in one sentence when the hub does not answer", async () => {
    await hub.stopApiServer();
    const { stderr, code } = await get([]);
    expect(stderr).toMatch(/^reading profiles: .*connection refused\n$/);
    expect(code).toBe(1);
    await hub.startApiServer();
  });
});
