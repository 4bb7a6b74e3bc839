/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of this file */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { type CommandResult, runCommand } from "../support/kubectl.ts";
import { type PackSite, startPackSite, type WrittenPack, writePacks } from "../support/packs.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, type Registry, startChartRepo, startRegistry } from "../support/registry.ts";
import { apply, type Live, pathOf, read, trustedTenant, untilReady } from "../support/stories.ts";
import { prepareHub, type StrataProcess } from "../support/strata.ts";
import { toolPath } from "../support/tools.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const EXPORTS = fileURLToPath(new URL("../../src/cli/palette/testdata", import.meta.url));
/** The password is `s3cret`. */
const HTPASSWD = "me:$2b$04$Wf7.nRDJN/0hio7O/QetbOeA4UKvJ8D.ciq7mL1g3ZhDmoxFX7vWu\n";

/** The network plugin of two exports: a pack with a chart, a preset, a variable and a fact of the cluster. */
const mesh: WrittenPack = {
  name: "mesh-net",
  version: "1.4.2",
  layer: "cni",
  charts: {
    "mesh-net": {
      "values.yaml": "{ podCIDR: 192.168.0.0/16, mtu: 1400, tunnel: false, clusterName: none, replicas: 1 }",
      "templates/agent.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: { name: agent }
data:
{{- range $key, $value := .Values }}
  {{ $key }}: {{ $value | quote }}
{{- end }}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec: { containers: [{ name: agent, image: "registry.example.test/mesh-net/agent:{{ .Chart.Version }}" }] }
`,
    },
  },
  files: {
    "values.yaml": `
pack: { namespace: mesh-net }
charts:
  mesh-net: { podCIDR: 10.0.0.0/8, mtu: 1400, tunnel: false, clusterName: '{{ .spectro.system.cluster.name }}', replicas: 1 }
`,
    "presets.yaml":
      "presets: [{ name: tunnel, displayName: Tunnel, group: Overlay, add: 'charts: { mesh-net: { tunnel: true } }' }]",
  },
};

const disks: WrittenPack = {
  name: "disks",
  version: "0.9.0",
  layer: "csi",
  files: {
    "values.yaml": "pack: { namespace: disks }\nmanifests: { disks: { class: slow, default: false } }",
    "manifests/disks.yaml": `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: {{ .Values.class }}
  annotations: { storageclass.kubernetes.io/is-default-class: {{ .Values.default | quote }} }
provisioner: disks.example.test
`,
  },
};

const metrics: WrittenPack = {
  name: "metrics",
  version: "5.4.0",
  files: {
    "values.yaml": "pack: { namespace: none }\nlogLevel: warn",
    "manifests/collector.yaml":
      "{ apiVersion: v1, kind: ConfigMap, metadata: { name: collector }, data: { level: '{{ .spectro.pack.metrics.logLevel }}' } }",
  },
};

/** Charts that show their values. */
const SHOWN = `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { values: {{ toJson .Values | quote }} }
`;

let hub: ControlPlane;
let strata: StrataProcess;
let open: Registry;
let closed: Registry;
let site: PackSite;
let charts: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("import");
  for (const [name, version] of [
    ["Shop", "2.3.1"],
    ["metrics", "1.0.0"],
  ] as const) {
    await writeChart(join(folder.path, "charts", name), { name, version, files: { "templates/shown.yaml": SHOWN } });
  }
  [open, closed, charts, site] = await Promise.all([
    startRegistry(),
    startRegistry({ htpasswd: HTPASSWD }),
    startChartRepo(join(folder.path, "charts")),
    startPackSite([mesh]),
  ]);
  const [meshFolder = "", ...others] = await writePacks(join(folder.path, "packs"), [mesh, disks, metrics]);
  await push(meshFolder, `oci://${open.host}/public`);
  for (const other of others) await push(other, `oci://${closed.host}/acme`);
  hub = await startControlPlane({ name: "import" });
  const home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
  await apply(
    hub,
    secret("acme-packs-credentials", { username: "me", password: "s3cret" }),
    secret("edge-1-kubeconfig", { kubeconfig: hub.kubeconfig }),
  );
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), open?.stop(), closed?.stop(), site?.stop(), charts?.stop(), folder?.remove()]);
});

async function push(pack: string, url: string): Promise<void> {
  const auth = Buffer.from("me:s3cret").toString("base64");
  const login = join(folder.path, "login.json");
  await writeFile(login, JSON.stringify({ auths: { [closed.host]: { auth } } }));
  const { code, stderr } = await strataCli("pack", "push", pack, url, "--registry-config", login);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
}

function strataCli(...args: string[]): Promise<CommandResult> {
  const env = { ...process.env, STRATA_RENDER_BINARY: toolPath("strata-render"), HOME: folder.path, DOCKER_CONFIG: "" };
  return runCommand(process.execPath, [CLI, ...args], { env });
}

const secret = (name: string, stringData: Live): Live => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "acme" },
  stringData,
});

const target = (variables: Live = {}): Live => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "TargetCluster",
  metadata: { name: "edge-1", namespace: "acme" },
  spec: { connection: { kubeconfigSecretRef: { name: "edge-1-kubeconfig" } }, variables },
});

/** What the import of an export prints, and what it leaves to a person, in order. */
async function imported(name: string, ...flags: string[]): Promise<{ text: string; decisions: string[] }> {
  const to = ["-n", "acme", "--clusters", "edge-1"];
  const { code, stdout, stderr } = await strataCli("import", "palette", join(EXPORTS, `${name}.json`), ...to, ...flags);
  expect(code, stderr).toBe(0);
  return { text: stdout, decisions: [...stderr.matchAll(/decide: (.*)/g)].map(([, sentence = ""]) => sentence) };
}

/** A person's edit: the place must be there, once. */
function edited(text: string, from: string, to: string): string {
  expect(text.split(from), from).toHaveLength(2);
  return text.replace(from, to);
}

/** Applies the file as it is and waits; `strata validate` has nothing to say of it that the cluster does not know. */
async function reconciled(text: string, path: string): Promise<Live> {
  const file = join(folder.path, "imported.yaml");
  await writeFile(file, text);
  expect(await strataCli("validate", "-f", file), text).toMatchObject({ code: 0, stderr: "" });
  await hub.kubectlOk(["apply", "-f", file]);
  return await untilReady(hub, path);
}

async function deleted(profile: string): Promise<void> {
  await hub.kubectlOk(["delete", "-n", "acme", profile, "--timeout=90s"]);
  await hub.kubectlOk(["delete", "-n", "acme", "sreg", "--all"]);
}

const profilePath = (resource: string, name: string): string => pathOf("strata.dev/v1alpha1", resource, `acme/${name}`);
const dataOf = async (name: string): Promise<Live> => (await read(hub, pathOf("v1", "configmaps", name)))?.data;
const shownBy = async (name: string): Promise<Live> => JSON.parse((await dataOf(name)).values);
const layersOf = ({ status }: Live): string[] =>
  status.layers.map(({ name, type, state, source }: Live) => `${type} ${name} ${state}, ${source}`);

test("an infrastructure profile: the network and storage of the packs, with their presets, variables and attachments", async () => {
  await apply(hub, target({ mtu: 1500 }));
  const { text, decisions } = await imported(
    "infra",
    ...["--registry", `Public Repo=oci://${open.host}/public`, "--registry", `Acme_Packs=oci://${closed.host}/acme`],
    ...["--packs", join(folder.path, "packs")],
  );
  expect(decisions).toEqual([
    "Registry acme-packs: is private: create Secret acme-packs-credentials with username and password, bearerToken or .dockerconfigjson",
    "layer edge-os: Strata provisions no operating system, and has no layer that expects one yet: it is left out",
    "layer edge-k8s: Strata provisions no Kubernetes, and has no layer that expects one yet (expect: { version: 1.33.5 }): it is left out",
  ]);
  const profile = await reconciled(text, profilePath("clusterprofiles", "edge-base"));
  expect(layersOf(profile)).toEqual([
    "Network mesh-net Ready, pack public-repo/mesh-net",
    "Storage disks Ready, pack acme-packs/disks",
  ]);
  expect(await dataOf("mesh-net/agent")).toEqual({
    podCIDR: "10.40.0.0/16",
    mtu: "1500",
    tunnel: "true",
    clusterName: "edge-1",
    replicas: "2",
  });
  const storage = await read(hub, pathOf("storage.k8s.io/v1", "storageclasses", "fast"));
  expect(storage.metadata.annotations).toMatchObject({ "storageclass.kubernetes.io/is-default-class": "true" });
  const { labels } = (await read(hub, pathOf("v1", "namespaces", "disks"))).metadata;
  expect(labels).toMatchObject({
    "pod-security.kubernetes.io/enforce": "privileged",
    kube: expect.stringMatching(/^1\.\d\d$/),
  });
  expect((await read(hub, pathOf("v1", "resourcequotas", "disks/disks"))).spec.hard).toEqual({
    persistentvolumeclaims: "40",
  });
  await deleted("scp/edge-base");
});

test("a whole cluster's profile: what the import left to a person is all that it needs", async () => {
  const { text, decisions } = await imported(
    "full",
    ...["--registry", `Public Repo=${site.url}`, "--registry", `acme charts=${charts.url}`],
  );
  const answers: Record<string, (file: string) => string | Promise<string>> = {
    "variable release: its default must be": (file) =>
      edited(file, "      type: semver\n", "      type: semver\n      default: 2.0.0\n"),
    "variable REGION: was a macro": async (file) => {
      await apply(hub, target({ REGION: "north", shopReplicas: 5 }));
      return file;
    },
    "layer shop, values.project: ": (file) =>
      edited(file, "project: '{{ .spectro.system.tenant.uid }}'", "project: ${{ profile.namespace }}"),
    "layer shop, values.adminPassword: holds a secret": async (file) => {
      await apply(hub, secret("shop-admin", { password: "h1dden" }));
      const from =
        "      valuesFrom: [{ secretKeyRef: { name: shop-admin, key: password }, targetPath: adminPassword }]";
      return edited(file, "        adminPassword: '********'\n", `${from}\n`);
    },
    "layer shop, manifest banner: ": (file) =>
      edited(file, "text: '{{ .spectro.var.banner }}'", "text: Open on Sundays"),
    "profile: create Secret acme/shop-cluster-variables with the keys api_token": async (file) => {
      await apply(hub, secret("shop-cluster-variables", { api_token: "t0ken" }));
      return file;
    },
  };
  expect(decisions).toEqual(Object.keys(answers).map((start) => expect.stringContaining(start)));
  let file = text;
  for (const answer of Object.values(answers)) file = await answer(file);

  const profile = await reconciled(file, profilePath("clusterprofiles", "shop-cluster"));
  expect(layersOf(profile)).toEqual([
    "Network mesh-net Ready, pack public-repo/mesh-net",
    expect.stringContaining("AddOn first-things Ready"),
    "AddOn shop Ready, helm acme-charts/Shop",
  ]);
  // Without --packs the values are all of the pack's; this export names none but one.
  expect(await dataOf("mesh-net/agent")).toMatchObject({ tunnel: "false", clusterName: "edge-1" });
  expect(await shownBy("shop/storefront")).toEqual({
    replicas: 5,
    replicasText: "5",
    tls: true,
    host: "shop.edge-1.example.test",
    token: "t0ken",
    workflow: "echo ${{ github.ref }} $HOME ${X} {{ .Values.y }}",
    region: "north",
    project: "acme",
    adminPassword: "h1dden",
  });
  expect(await dataOf("shop/banner")).toEqual({ text: "Open on Sundays" });
  expect(await dataOf("shop/settings")).toEqual({ colour: "red" });
  await deleted("scp/shop-cluster");
});

test("an add-on profile: packs, charts and manifests, also where two layers had one name", async () => {
  await apply(hub, target());
  const { text, decisions } = await imported(
    "add-on",
    ...["--registry", `Acme_Packs=oci://${closed.host}/acme`, "--registry", `helm registry=${charts.url}`],
  );
  expect(decisions).toEqual([
    expect.stringContaining("Registry acme-packs: is private"),
    "layer metrics: the export does not say which registry it comes from",
    "layer metrics-2: the export names no namespace for it: it is default now",
    "layer nodes: its version is none that Strata takes: it is left out",
    expect.stringContaining("agentVersion of the export is not known"),
  ]);
  const file = edited(text, "      namespace: default\n", "      namespace: metrics\n");
  const profile = await reconciled(file, profilePath("addonprofiles", "observability"));
  expect(layersOf(profile)).toEqual([
    expect.stringContaining("AddOn palette-agent-config Ready"),
    "AddOn metrics Ready, pack acme-packs/metrics",
    "AddOn metrics-2 Ready, helm helm-registry/metrics",
  ]);
  expect(await read(hub, pathOf("v1", "configmaps", "kube-system/agent"))).toBeDefined();
  expect(await dataOf("metrics/collector")).toEqual({ level: "info" });
  expect(await shownBy("metrics/metrics-2")).toEqual({ server: { retention: "30d" } });
  await deleted("sap/observability");
  expect(await read(hub, pathOf("v1", "namespaces", "metrics"))).toBeUndefined();
});
