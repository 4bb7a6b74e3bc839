import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { type CommandResult, runCommand } from "../support/kubectl.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import { apply, pathOf, read, trustedTenant, untilReady, waitUntil } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { targetCluster } from "../support/target-cluster.ts";
import { toolPath } from "../support/tools.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const CANARY = "canary-that-nobody-may-see";
const NEW_CANARY = "another-bird-of-that-kind";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let hub: ControlPlane;
let strata: StrataProcess;
let repo: ChartRepo;
/** A diff on a cluster that is no hub. */
let beforeStrata: CommandResult;

beforeAll(async () => {
  folder = await temporaryFolder("diff");
  hub = await startControlPlane({ name: "diff" });
  beforeStrata = await diff([profile("early", [layer("first", ["configMapRef: { name: manifests }"]), ...SHOP])]);
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  repo = await startChartRepo(await chartsFolder());
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop()]);
  await folder?.remove();
});

/** A chart whose objects are other ones each time it is rendered, and show a value that is given as a secret. */
async function chartsFolder(): Promise<string> {
  const object = (kind: string, name: string) => `apiVersion: v1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
  const number = `${object("ConfigMap", "number")}data: { number: {{ randAlphaNum 20 | quote }} }\n`;
  const login = `${object("ConfigMap", "login")}data: { url: "https://me:{{ .Values.password }}@host", size: "{{ .Values.size }}" }\n`;
  const secret = `${object("Secret", "login")}stringData: { password: {{ .Values.password | quote }} }\n`;
  const files = { "templates/all.yaml": [number, login, secret].join("---\n") };
  const charts = join(folder.path, "charts");
  await writeChart(join(charts, "lucky"), { name: "lucky", version: "1.0.0", files });
  return charts;
}

interface DiffOptions {
  args?: readonly string[];
  kubeconfig?: string;
}

function diff(
  documents: readonly string[],
  { args = [], kubeconfig = hub.kubeconfigPath }: DiffOptions = {},
): Promise<CommandResult> {
  const env = {
    ...process.env,
    STRATA_RENDER_BINARY: toolPath("strata-render"),
    KUBECONFIG: kubeconfig,
    HOME: folder.path,
  };
  const input = documents.join("\n---\n");
  return runCommand(process.execPath, [CLI, "diff", "-f", "-", ...args], { env, input });
}

/** The lines that name objects, and the last one, which counts. */
function linesOf({ stdout }: CommandResult): string[] {
  const lines = stdout.trimEnd().split("\n");
  return [...lines.filter((line) => /^[-+~=!] \w+ \S+ \(/.test(line)), lines.at(-1) ?? ""];
}

function profile(name: string, layers: readonly string[], spec = ""): string {
  return `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: { name: ${name}, namespace: acme }
spec:
  namespace: ${name}
  clusterRefs: [{ name: local }]${spec}
  layers:${layers.join("")}`;
}

/** A layer of manifests, each one line of YAML in flow style; `settings` are more lines of the layer. */
function layer(name: string, manifests: readonly string[], settings = ""): string {
  const sources = manifests.map((manifest) => `\n        - ${manifest}`);
  return `\n    - name: ${name}${settings}\n      manifests:${sources.join("")}`;
}

const object = (text: string) => `object: ${text}`;
const configMap = (name: string, value: string, more = "") =>
  object(
    `{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name}${more} }, data: { colour: ${value}, shape: round } }`,
  );
const secret = (value: string) =>
  object(`{ apiVersion: v1, kind: Secret, metadata: { name: door }, stringData: { code: ${value}, open: "no" } }`);
const service = object(
  "{ apiVersion: v1, kind: Service, metadata: { name: front }, spec: { type: NodePort, selector: { app: front }, ports: [{ port: 80 }] } }",
);
const deployment = (image: string) =>
  object(
    "{ apiVersion: apps/v1, kind: Deployment, metadata: { name: front }, spec: { replicas: 1, selector: { matchLabels: { app: front } }, " +
      `template: { metadata: { labels: { app: front } }, spec: { containers: [{ name: main, image: "registry.example/${image}" }] } } } }`,
  );
const crd = object(
  "{ apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: { name: lamps.example.com }, spec: { group: example.com, scope: Namespaced, " +
    "names: { kind: Lamp, plural: lamps }, versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }] } }",
);
const lamp = object("{ apiVersion: example.com/v1, kind: Lamp, metadata: { name: desk }, spec: { on: true } }");
const claim = object(
  "{ apiVersion: v1, kind: PersistentVolumeClaim, metadata: { name: disk }, spec: { accessModes: [ReadWriteOnce], storageClassName: none, resources: { requests: { storage: 1Gi } } } }",
);

async function install(name: string, ...documents: readonly string[]): Promise<void> {
  await apply(hub, ...documents);
  await untilReady(hub, pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`));
}

const SHOP = [
  layer("config", [configMap("settings", "red"), secret(CANARY), crd]),
  layer("front", [deployment("front:1"), service, lamp]),
];

/** What the command line has sent since a mark that is no reading. */
async function writesSince(mark: number): Promise<{ verb: string; dryRun: boolean }[]> {
  const events = (await hub.auditEvents()).slice(mark);
  return events
    .filter(({ userAgent, verb }) => userAgent?.startsWith("strata-cli/") && !["get", "list", "watch"].includes(verb))
    .map(({ verb, requestURI }) => ({ verb, dryRun: requestURI.includes("dryRun=All") }));
}

test("a cluster that is not the hub is asked nothing but what it is, and what it lacks is named", () => {
  const { code, stdout } = beforeStrata;
  expect(code).toBe(2);
  expect(stdout).toContain("# AddOnProfile acme/early: this cluster is not the hub: name files with the ConfigMaps");
  expect(stdout).toContain("! layer first\n  manifests[0]: ConfigMap acme/manifests does not exist\n");
  expect(stdout).toContain("+ Deployment early/front (added; not checked: namespace early comes with this profile)\n");
});

describe("what is not there yet", () => {
  test("is all added, with the namespace, and nothing is written", async () => {
    const mark = (await hub.auditEvents()).length;
    const result = await diff([profile("shop", SHOP)]);
    expect(result.stderr).toBe("");
    expect(result.code).toBe(1);
    expect(result.stdout).toContain("# AddOnProfile acme/shop: nothing of it was ever brought to this cluster\n");
    const newNamespace = "added; not checked: namespace shop comes with this profile";
    expect(linesOf(result)).toEqual([
      "+ Namespace shop (added)",
      "+ CustomResourceDefinition lamps.example.com (added)",
      `+ ConfigMap shop/settings (${newNamespace})`,
      `+ Secret shop/door (${newNamespace})`,
      `+ Service shop/front (${newNamespace})`,
      `+ Deployment shop/front (${newNamespace})`,
      "+ Lamp shop/desk (added; not checked: its kind comes with this profile)",
      "7 added, 0 changed, 0 deleted, 0 unchanged",
    ]);
    expect(result.stdout).toContain("+  colour: red\n");
    expect(result.stdout).toContain("+  code: '***'\n");
    const writes = await writesSince(mark);
    expect(writes.length).toBeGreaterThan(0);
    expect(writes.filter(({ dryRun }) => !dryRun)).toEqual([]);
    expect(await read(hub, pathOf("v1", "namespaces", "shop"))).toBeUndefined();
  });

  test("is shown with what the server makes of it where its namespace exists, save what the server chooses by chance", async () => {
    await hub.kubectlOk(["create", "namespace", "ready"]);
    const { stdout } = await diff([profile("ready", [layer("front", [deployment("front:1"), service])])]);
    expect(stdout).toContain("+ Deployment ready/front (added)\n");
    expect(stdout).toContain("+  progressDeadlineSeconds: 600\n");
    expect(stdout).not.toMatch(/clusterIP:|nodePort:/);
  });
});

describe("a profile that Strata has installed", () => {
  beforeAll(() => install("shop", profile("shop", SHOP)));

  const livePaths = [
    pathOf("v1", "configmaps", "shop/settings"),
    pathOf("v1", "secrets", "shop/door"),
    pathOf("v1", "services", "shop/front"),
  ];

  test("has no difference, and comparing it changes nothing", async () => {
    const versions = () => Promise.all(livePaths.map(async (path) => (await read(hub, path)).metadata.resourceVersion));
    const before = await versions();
    const mark = (await hub.auditEvents()).length;
    expect(await diff([profile("shop", SHOP)])).toEqual({ stdout: "", stderr: "", code: 0 });
    expect(await versions()).toEqual(before);
    expect((await writesSince(mark)).every(({ dryRun }) => dryRun)).toBe(true);
  });

  test("shows the one value that is another, where it stands, and nothing else", async () => {
    const changed = layer("config", [configMap("settings", "blue"), secret(CANARY), crd]);
    const { stdout, stderr, code } = await diff([profile("shop", [changed, ...SHOP.slice(1)])]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 1 });
    expect(stdout).toBe(`layer config (AddOnProfile acme/shop)

~ ConfigMap shop/settings (changed)
@@ -4,5 +4,5 @@ data
   name: settings
   namespace: shop
 data:
-  colour: red
+  colour: blue
   shape: round

0 added, 1 changed, 0 deleted, 5 unchanged
`);
  });

  test("names the container in which something differs", async () => {
    const changed = layer("front", [deployment("front:2"), service, lamp]);
    const { stdout } = await diff([profile("shop", [...SHOP.slice(0, 1), changed])]);
    expect(stdout).toMatch(/^@@ .* @@ spec\.template\.spec\.containers(\[main\])?$/m);
    expect(stdout).toContain("image: registry.example/front:1\n");
    expect(stdout).toContain("image: registry.example/front:2\n");
  });

  test("shows that a Secret's value is another, and neither of the two", async () => {
    const changed = layer("config", [configMap("settings", "red"), secret(NEW_CANARY), crd]);
    const result = await diff([profile("shop", [changed, ...SHOP.slice(1)])]);
    expect(linesOf(result)).toEqual(["~ Secret shop/door (changed)", "0 added, 1 changed, 0 deleted, 5 unchanged"]);
    expect(result.stdout).toContain("-  code: '*** (before)'\n+  code: '*** (after)'\n   open: '***'\n");
    for (const canary of [CANARY, NEW_CANARY]) {
      expect(result.stdout).not.toContain(canary);
      expect(result.stdout).not.toContain(Buffer.from(canary).toString("base64"));
    }
  });

  test("shows what would be deleted: an object, and the objects of a layer that is not listed any more", async () => {
    const result = await diff([profile("shop", [layer("config", [secret(CANARY), crd])])]);
    expect(result.code).toBe(1);
    expect(linesOf(result)).toEqual([
      "- ConfigMap shop/settings (deleted)",
      "- Lamp shop/desk (deleted)",
      "- Deployment shop/front (deleted)",
      "- Service shop/front (deleted)",
      "0 added, 0 changed, 4 deleted, 2 unchanged",
    ]);
    expect(result.stdout).toContain("layer front (no longer in AddOnProfile acme/shop)\n");
    expect(result.stdout).toContain("-  colour: red\n");
  });

  test("shows an object that moves to another layer, and that nothing of it is deleted", async () => {
    const moved = [
      layer("config", [secret(CANARY), crd]),
      layer("front", [deployment("front:1"), service, lamp, configMap("settings", "red")]),
    ];
    expect(linesOf(await diff([profile("shop", moved)]))).toEqual([
      "~ ConfigMap shop/settings (changed; moves here from layer config)",
      "0 added, 1 changed, 0 deleted, 5 unchanged",
    ]);
  });

  test("shows each object that would be refused with its reason, and the others all the same", async () => {
    const bad = object(
      "{ apiVersion: v1, kind: Service, metadata: { name: front }, spec: { ports: [{ port: 99999 }] } }",
    );
    const layers = [
      layer("config", [configMap("settings", "blue"), secret(CANARY), crd]),
      layer("front", [
        deployment("front:1"),
        bad,
        lamp,
        object("{ apiVersion: example.com/v1, kind: Chair, metadata: { name: x } }"),
      ]),
    ];
    const result = await diff([profile("shop", layers)]);
    expect(result.code).toBe(2);
    expect(result.stderr).toBe("something could not be compared: see the lines that begin with !\n");
    expect(linesOf(result)).toEqual([
      "~ ConfigMap shop/settings (changed)",
      "! Service shop/front (refused)",
      "0 added, 1 changed, 0 deleted, 4 unchanged, 2 failed",
    ]);
    expect(result.stdout).toContain("  spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535");
    expect(result.stdout).toContain("! layer front\n  Chair x: the cluster has no kind Chair in example.com/v1");
  });

  test("shows an object that belongs to somebody else as refused", async () => {
    const { code, stdout } = await diff([
      profile("thief", [layer("one", [configMap("settings", "red", ", namespace: shop")])]),
    ]);
    expect(code).toBe(2);
    expect(stdout).toContain("! ConfigMap shop/settings (refused)\n");
    expect(stdout).toContain("belongs to layer config of AddOnProfile acme/shop: take it out of one of the two");
  });

  test("shows an object that it would take over", async () => {
    await hub.kubectlOk([
      "create",
      "configmap",
      "found",
      "-n",
      "shop",
      "--from-literal=colour=red",
      "--from-literal=shape=round",
    ]);
    const result = await diff([profile("shop", [...SHOP, layer("more", [configMap("found", "red")])])]);
    expect(linesOf(result)).toEqual([
      "~ ConfigMap shop/found (changed; taken over)",
      "0 added, 1 changed, 0 deleted, 6 unchanged",
    ]);
  });

  test("has colours when they are asked for, and the same words", async () => {
    const documents = [
      profile("shop", [layer("config", [configMap("settings", "blue"), secret(CANARY), crd]), ...SHOP.slice(1)]),
    ];
    const [plain, coloured] = [await diff(documents), await diff(documents, { args: ["--color", "always"] })];
    expect(coloured.stdout).toContain("\u001b[32m+  colour: blue");
    expect(stripVTControlCharacters(coloured.stdout)).toBe(plain.stdout);
  });
});

test("what stays in the cluster when its layers go is shown as that, and the namespaces that go with them", async () => {
  const front = layer("front", [configMap("a", "red")]);
  const loft = layer("loft", [configMap("b", "red")], "\n      namespace: loft");
  const attic = layer("attic", [configMap("c", "red"), claim], "\n      namespace: attic");
  await apply(hub, profile("house", [front, loft, attic]));
  const disk = pathOf("v1", "persistentvolumeclaims", "attic/disk");
  await waitUntil(hub, disk, { what: "there", is: (object) => object !== undefined });
  expect(linesOf(await diff([profile("house", [front])]))).toEqual([
    "- ConfigMap attic/c (deleted)",
    "= PersistentVolumeClaim attic/disk (released; it stays in the cluster)",
    "- ConfigMap loft/b (deleted)",
    "= Namespace attic (released; it stays in the cluster; PersistentVolumeClaim disk in it is kept)",
    "- Namespace loft (deleted)",
    "0 added, 0 changed, 3 deleted, 2 released, 1 unchanged",
  ]);
});

describe("what profiles refer to", () => {
  const reference = layer("config", ["configMapRef: { name: manifests }"]);
  const manifests = (value: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: manifests, namespace: acme }\ndata: { a.yaml: "${configMapText(value)}" }`;
  const configMapText = (value: string) =>
    `{ apiVersion: v1, kind: ConfigMap, metadata: { name: settings }, data: { colour: ${value} } }`;

  test("is read from the hub, if the files do not have it", async () => {
    await install("referring", manifests("red"), profile("referring", [reference]));
    expect(await diff([profile("referring", [reference])])).toEqual({ stdout: "", stderr: "", code: 0 });
    const { stdout, code } = await diff([manifests("blue"), profile("referring", [reference])]);
    expect(code).toBe(1);
    expect(stdout).toContain("-  colour: red\n+  colour: blue\n");
  });

  test("is missed by name, and other profiles are shown all the same", async () => {
    const missing = profile("missing", [layer("config", ["configMapRef: { name: gone }"])]);
    const { stdout, code } = await diff([manifests("blue"), missing, profile("referring", [reference])]);
    expect(code).toBe(2);
    expect(stdout).toContain("! layer config\n  manifests[0]: ConfigMap acme/gone does not exist\n");
    expect(stdout).toContain("+  colour: blue\n");
  });

  test("shows no value of objects that stand in a Secret as a whole", async () => {
    const sealed = `{ apiVersion: v1, kind: Secret, metadata: { name: sealed, namespace: acme }, stringData: { a.yaml: "${configMapText(CANARY)}" } }`;
    const { stdout } = await diff([sealed, profile("sealed", [layer("config", ["secretRef: { name: sealed }"])])]);
    expect(stdout).toContain("+  colour: '***'\n");
    expect(stdout).not.toContain(CANARY);
  });
});

describe("a chart", () => {
  const lucky = (size: number) => `
    - name: lucky
      helm: { repo: "${repo.url}", chart: lucky, version: 1.x }
      values: { size: ${size} }
      valuesFrom: [{ secretKeyRef: { name: password, key: password }, targetPath: password }]`;
  const password = (value: string) =>
    `{ apiVersion: v1, kind: Secret, metadata: { name: password, namespace: acme }, stringData: { password: ${value} } }`;

  test("that makes values at random has no difference while its inputs are the same", async () => {
    await install("lucky", password(CANARY), profile("lucky", [lucky(1)]));
    expect(await diff([profile("lucky", [lucky(1)])])).toEqual({ stdout: "", stderr: "", code: 0 });
  });

  test("shows no value that it was given from a Secret", async () => {
    const result = await diff([password(NEW_CANARY), profile("lucky", [lucky(2)])]);
    expect(result.code).toBe(1);
    expect(linesOf(result)).toEqual([
      "~ Secret lucky/login (changed)",
      "~ ConfigMap lucky/number (changed)",
      "~ ConfigMap lucky/login (changed)",
      "0 added, 3 changed, 0 deleted, 0 unchanged",
    ]);
    expect(result.stdout).toContain("+  size: '2'\n");
    expect(result.stdout).toContain("-  url: '*** (before)'\n");
    expect(result.stdout).not.toContain(CANARY);
    expect(result.stdout).not.toContain(NEW_CANARY);
  });

  test("shows no value of its Secrets when it goes", async () => {
    const result = await diff([profile("lucky", [layer("other", [configMap("plain", "red")])])]);
    expect(linesOf(result).filter((line) => line.startsWith("-"))).toEqual([
      "- ConfigMap lucky/login (deleted)",
      "- ConfigMap lucky/number (deleted)",
      "- Secret lucky/login (deleted)",
    ]);
    expect(result.stdout).toContain("-  url: '***'\n");
    expect(result.stdout).not.toContain(CANARY);
  });

  test("is rendered anew for a person who may not read what Strata rendered, and the diff says so", async () => {
    const user = { user: "reader" };
    const kubeconfig = join(folder.path, "reader.kubeconfig");
    await writeFile(kubeconfig, hub.userKubeconfig(user), { mode: 0o600 });
    await hub.kubectlOk(["create", "clusterrole", "admin-of-maps", "--verb=*", "--resource=configmaps,secrets"]);
    await hub.kubectlOk([
      "create",
      "rolebinding",
      "reader",
      "-n",
      "lucky",
      "--clusterrole=admin-of-maps",
      "--user=reader",
    ]);
    const documents = [password(CANARY), profile("lucky", [lucky(1)])];
    const blind = await diff(documents, { kubeconfig });
    expect(blind.code).toBe(2);
    expect(blind.stdout).toContain(
      "! AddOnProfile acme/lucky\n  what it has brought is not known, so nothing is shown as deleted: ",
    );
    expect(blind.stdout).toContain("~ ConfigMap lucky/number (changed)\n");
    await hub.kubectlOk(["create", "role", "parents", "-n", "strata-system", "--verb=get", "--resource=configmaps"]);
    const binding = ["create", "rolebinding", "reader", "-n", "strata-system"];
    await hub.kubectlOk([...binding, "--role=parents", "--user=reader"]);
    const result = await diff(documents, { kubeconfig });
    expect(result.stdout).toContain("# rendered anew, because what Strata rendered may not be read");
    expect(linesOf(result)).toEqual([
      "~ ConfigMap lucky/number (changed)",
      "0 added, 1 changed, 0 deleted, 2 unchanged",
    ]);
    expect(result.code).toBe(1);
  });
});

describe("a sensitive variable", () => {
  const door = (token: string, pin: string) =>
    `{ apiVersion: v1, kind: Secret, metadata: { name: door, namespace: acme }, stringData: { token: ${token}, pin: "${pin}" } }`;
  const page = object(
    "{ apiVersion: v1, kind: ConfigMap, metadata: { name: page }, data: { " +
      `url: "https://me:\${{ variables.token }}@host", pin: "\${{ variables.pin }}", size: "\${{ variables.size }}" } }`,
  );
  const guarded = (size: string) =>
    profile(
      "guarded",
      [layer("page", [page], "\n      expressions: true")],
      `
  variables: [{ name: token, sensitive: true }, { name: pin, sensitive: true }, { name: size, default: ${size} }]
  variablesFrom: [{ secretRef: { name: door } }]`,
    );

  test("is read from the hub, if the files do not have it", async () => {
    await install("guarded", door(CANARY, "4711"), guarded("small"));
    expect(await diff([guarded("small")])).toEqual({ stdout: "", stderr: "", code: 0 });
  });

  test("shows that its value is another, and neither of the two, however short they are", async () => {
    const { stdout, code } = await diff([door(NEW_CANARY, "0815"), guarded("large")]);
    expect(code).toBe(1);
    expect(stdout).toContain("-  pin: '*** (before)'\n-  size: small\n-  url: '*** (before)'\n");
    expect(stdout).toContain("+  pin: '*** (after)'\n+  size: large\n+  url: '*** (after)'\n");
    for (const value of [CANARY, NEW_CANARY, "4711", "0815"]) expect(stdout).not.toContain(value);
  });
});

describe("a profile that makes its cluster, which here is the hub under another name", () => {
  const MAPS = pathOf("v1", "configmaps", "acme/");
  const EDGE = ["--target", "edge"];
  const HUB = [...EDGE, "--management"];
  const forHub = "# ClusterProfile acme/base: layers kubernetes, dns are for the hub, and not compared: say ";
  const forCluster = "# ClusterProfile acme/base: layers os, cni are for the cluster itself, and not compared: ";
  const target = () => [
    `{ apiVersion: v1, kind: Secret, metadata: { name: edge, namespace: acme }, stringData: { kubeconfig: ${JSON.stringify(hub.kubeconfig)} } }`,
    "{ apiVersion: strata.dev/v1alpha1, kind: TargetCluster, metadata: { name: edge, namespace: acme }, spec: { connection: { kubeconfigSecretRef: { name: edge } } } }",
  ];
  const named = (what: string) => `"${what}-\${{ cluster.name }}"`;
  const ofType = (type: string) => `\n      type: ${type}\n      expressions: true`;
  const base = ({ hubs = "red", clusters = "red", dns = true } = {}) => {
    const layers = [
      "\n    - { name: os, type: OS, expect: {} }",
      layer("kubernetes", [configMap(named("claim"), hubs)], ofType("Kubernetes")),
      layer("cni", [configMap(named("cni"), clusters)], ofType("Network")),
      ...(dns ? [layer("dns", [configMap("dns", hubs)], "\n      applyTo: Management")] : []),
    ];
    const written = profile("base", layers).replace("AddOnProfile", "ClusterProfile");
    return written.replace("namespace: base", "namespace: acme").replace("name: local", "name: edge");
  };

  test("is compared with the cluster itself, and what is for the hub is named and left out", async () => {
    await apply(hub, ...target());
    const result = await diff([base()], { args: EDGE });
    expect(result.stdout).toContain(`${forHub}--management in the context of the hub\n`);
    expect(linesOf(result)).toEqual([
      "+ ConfigMap acme/cni-edge (added)",
      "1 added, 0 changed, 0 deleted, 0 unchanged",
    ]);
    expect(result.code).toBe(1);
  });

  test("with --management it is compared with what is applied on the hub for that cluster", async () => {
    const result = await diff([base()], { args: HUB });
    expect(result.stdout).toContain(`${forCluster}leave out --management, in the context of that cluster\n`);
    expect(linesOf(result)).toEqual([
      "+ ConfigMap acme/claim-edge (added)",
      "+ ConfigMap acme/dns (added)",
      "2 added, 0 changed, 0 deleted, 0 unchanged",
    ]);
  });

  test("is the same on both sides when it is there, and what was left out does not count", async () => {
    await apply(hub, base());
    for (const name of ["claim-edge", "cni-edge", "dns"])
      await waitUntil(hub, `${MAPS}${name}`, { what: "brought", is: (live) => live !== undefined });
    const cluster = await diff([base({ hubs: "blue", dns: false })], { args: EDGE });
    const left =
      "# ClusterProfile acme/base: layer kubernetes is for the hub, and not compared: say --management in the context of the hub\n";
    expect(cluster).toEqual({ stdout: left, stderr: "", code: 0 });
    const hubs = await diff([base({ clusters: "blue" })], { args: HUB });
    expect(hubs).toMatchObject({ stdout: expect.stringContaining(forCluster), stderr: "", code: 0 });
    expect(hubs.stdout.split("\n")).toHaveLength(2);
  });

  test("shows what changes and goes on the hub", async () => {
    const result = await diff([base({ hubs: "blue", dns: false })], { args: HUB });
    expect(linesOf(result)).toEqual([
      "~ ConfigMap acme/claim-edge (changed)",
      "- ConfigMap acme/dns (deleted)",
      "0 added, 1 changed, 1 deleted, 0 unchanged",
    ]);
  });

  test.each([
    ["without the cluster it is for", ["--management"], "--management needs --target <cluster>: "],
    [
      "for a cluster that is not there",
      ["--target", "egde"],
      "TargetCluster acme/egde is neither in the files nor on this ",
    ],
  ])("%s: it says so and ends with 2", async (_, args, sentence) => {
    const { stdout, stderr, code } = await diff([base()], { args });
    expect(stdout + stderr).toContain(sentence);
    expect(code).toBe(2);
  });
});

describe("a cluster with a context of its own", () => {
  let far: ControlPlane;
  const FAR = ["--target", "far"];
  const layers = [
    layer("vpc", [configMap("vpc", "red")], "\n      applyTo: Management"),
    layer("one", [configMap("one", "red", ", namespace: default")]),
  ];
  const goesFar = profile("far", layers).replace("name: local", "name: far");

  beforeAll(async () => {
    far = await startControlPlane({ name: "diff-far", controllers: false });
    await apply(hub, ...targetCluster("far", far.kubeconfig));
    await untilReady(hub, pathOf("strata.dev/v1alpha1", "targetclusters", "acme/far"));
  });

  afterAll(() => far?.stop());

  /** The TargetCluster, as a person keeps it in a file. */
  const file = () => JSON.stringify(targetCluster("far", far.kubeconfig)[1]);

  test("is not compared with the hub, and what to do is said", async () => {
    for (const documents of [[goesFar], [file(), goesFar]]) {
      const { stdout, stderr, code } = await diff(documents, { args: FAR });
      const said = stdout.replace(/\s+/g, " ");
      expect(said).toContain("! AddOnProfile acme/far the cluster of this context is not TargetCluster acme/far (");
      expect(said).toContain("): name the TargetCluster's own context with --context, or say --management for ");
      expect({ stderr, code }).toEqual({ stderr: expect.stringContaining("see the lines that begin with !"), code: 2 });
    }
  });

  test("is compared in its own context, and what is for the hub in the hub's", async () => {
    const own = await diff([file(), goesFar], { args: FAR, kubeconfig: far.kubeconfigPath });
    expect(linesOf(own)).toEqual(["+ ConfigMap default/one (added)", "1 added, 0 changed, 0 deleted, 0 unchanged"]);
    const hubs = await diff([goesFar], { args: [...FAR, "--management"] });
    expect(hubs.stdout).toMatch(/^\+ ConfigMap far\/vpc \(added; /m);
    expect(hubs.stdout).not.toContain("ConfigMap default/one");
  });

  test("does not have what is applied on the hub: with --management its context is refused", async () => {
    const args = [...FAR, "--management"];
    const { stdout, stderr, code } = await diff([file(), goesFar], { args, kubeconfig: far.kubeconfigPath });
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toContain("and the cluster of this context is none, as it has no ClusterProfiles: name the hub's ");
  });
});

describe("asked in another way", () => {
  const one = profile("shop", SHOP);
  test.each([
    ["no profile", "", [], "there is no profile in standard input: diff needs one"],
    ["a context that does not exist", one, ["--context", "nowhere"], 'has no context "nowhere"; it has '],
    ["a colour that does not exist", one, ["--color", "pink"], "Allowed choices are auto, always, never"],
    ["a flag that does not exist", one, ["--show-secrets"], "unknown option '--show-secrets'"],
    ["a field that does not exist", one.replace("clusterRefs", "clusterRef"), [], 'unknown field "spec.clusterRef"'],
  ])("%s: it says so and ends with 2", async (_, document, args, sentence) => {
    const result = await diff([document], { args });
    expect(result.stdout).toBe("");
    expect(result.stderr).toContain(sentence);
    expect(result.code).toBe(2);
  });

  test("a document without a namespace: it is taken to be in the one that is named", async () => {
    const nameless = one.replace(", namespace: acme", "");
    expect(await diff([nameless], { args: ["-n", "acme"] })).toEqual({ stdout: "", stderr: "", code: 0 });
  });
});

describe("while Strata is down", () => {
  beforeAll(() => strata.terminate());

  test("what somebody changed by hand is shown with what it goes back to", async () => {
    await hub.kubectlOk(["scale", "-n", "shop", "deployment/front", "--replicas=3"]);
    await hub.kubectlOk(["delete", "-n", "shop", "service/front"]);
    await hub.kubectlOk(["label", "-n", "shop", "configmap/settings", "mine=yes"]);
    const result = await diff([profile("shop", SHOP)]);
    expect(linesOf(result)).toEqual([
      "+ Service shop/front (added)",
      "~ Deployment shop/front (changed)",
      "1 added, 1 changed, 0 deleted, 4 unchanged",
    ]);
    expect(result.stdout).toContain("-  replicas: 3\n+  replicas: 1\n");
  });

  test("a server that does not answer is said in one sentence", async () => {
    await hub.stopApiServer();
    const { stdout, stderr, code } = await diff([profile("shop", SHOP)]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toMatch(/^looking at the cluster: .*connection refused\n$/);
  });
});
