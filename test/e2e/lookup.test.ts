import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { runCommand } from "../support/kubectl.ts";
import { type PackSite, startPackSite, type WrittenPack } from "../support/packs.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  condition,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { toolPath } from "../support/tools.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** What a chart finds of a Secret and of a ConfigMap with the same name, and how many Secrets. */
const LOOKER = `
apiVersion: v1
kind: ConfigMap
metadata: { name: looker }
data:
  secret: {{ dig "data" "key" "none" (lookup "v1" "Secret" "shared" "db") | quote }}
  config: {{ dig "data" "key" "none" (lookup "v1" "ConfigMap" "shared" "db") | quote }}
  list: {{ range (lookup "v1" "Secret" "shared" "").items }}{{ .metadata.name }},{{ end }}
`;

/** Does not render without the Secret, as charts that keep the password of the release before. */
const KEEPER = `
apiVersion: v1
kind: ConfigMap
metadata: { name: keeper }
data: { secret: {{ index (lookup "v1" "Secret" "shared" "db").data "key" | quote }} }
`;

/** Of one chart that does not render without what it looks up, or of two that do. */
const PACKS: WrittenPack[] = [
  { name: "keeper", version: "1.0.0", charts: { keeper: { "templates/a.yaml": KEEPER } } },
  {
    name: "pair",
    version: "1.0.0",
    charts: {
      one: { "templates/a.yaml": LOOKER.replace("name: looker", "name: one") },
      two: { "templates/a.yaml": LOOKER.replace("name: looker", "name: two") },
    },
  },
];

let hub: ControlPlane;
let strata: StrataProcess;
let repo: ChartRepo;
let site: PackSite;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("lookup");
  await mkdir(join(folder.path, "looker", "templates"), { recursive: true });
  await writeFile(join(folder.path, "looker", "Chart.yaml"), "{ apiVersion: v2, name: looker, version: 1.0.0 }");
  await writeFile(join(folder.path, "looker", "templates", "a.yaml"), LOOKER);
  [repo, site] = await Promise.all([startChartRepo(folder.path), startPackSite(PACKS)]);
  hub = await startControlPlane({ name: "lookup" });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  await apply(hub, {
    apiVersion: "strata.dev/v1alpha1",
    kind: "Registry",
    metadata: { name: "packs", namespace: "acme" },
    spec: { type: "Pack", url: site.url },
  });
  await hub.kubectlOk(["create", "namespace", "shared"]);
  await hub.kubectlOk(["create", "secret", "generic", "db", "-n", "shared", "--from-literal=key=c4n4ry-secret"]);
  await hub.kubectlOk(["create", "configmap", "db", "-n", "shared", "--from-literal=key=plain"]);
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop(), site?.stop(), folder?.remove()]);
});

const profile = (namespace: string, name: string, lookup: string): string => `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  namespace: ${name}
  clusterRefs: [{ name: local }]
  layers:
    - name: looker
      helm:
        { repo: "${repo.url}", chart: looker, version: 1.0.0${lookup === "" ? "" : `, lookup: [${lookup}]`} }`;

const ofPack = (pack: string, lookup: string): string =>
  profile("acme", pack, lookup)
    .replace("looker", pack)
    .replace("helm:", "pack:")
    .replace(`repo: "${repo.url}", chart: looker`, `registryRef: { name: packs }, name: ${pack}`);

const pathOfProfile = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", name);
const SECRET = Buffer.from("c4n4ry-secret").toString("base64");
const NOTHING = { secret: "none", config: "none", list: "" };

test.each([
  ["nothing", "", {}],
  ["one", "{ apiVersion: v1, kind: Secret, namespace: shared, name: db }", { secret: SECRET }],
  // leaf: Profile spec.layers[].helm.lookup[].apiVersion
  ["version", "{ apiVersion: apps/v1, kind: Secret, namespace: shared, name: db }", {}],
  // leaf: Profile spec.layers[].helm.lookup[].kind
  ["kind", "{ apiVersion: v1, kind: ConfigMap, namespace: shared, name: db }", { config: "plain" }],
  // leaf: Profile spec.layers[].helm.lookup[].namespace
  ["namespace", "{ apiVersion: v1, kind: Secret, namespace: elsewhere, name: db }", {}],
  // leaf: Profile spec.layers[].helm.lookup[].name
  ["name", "{ apiVersion: v1, kind: Secret, namespace: shared, name: other }", {}],
  [
    "any",
    "{ apiVersion: v1, kind: Secret }, { apiVersion: v1, kind: ConfigMap }",
    { secret: SECRET, config: "plain", list: "db," },
  ],
])("a chart finds what helm.lookup allows: %s", async (name, lookup, want) => {
  await apply(hub, profile("acme", name, lookup));
  await untilReady(hub, pathOfProfile(`acme/${name}`));
  const found = (await read(hub, pathOf("v1", "configmaps", `${name}/looker`)))?.data as Record<string, string>;
  expect(found).toEqual({ ...NOTHING, ...want });
});

test.each([
  // leaf: Profile spec.layers[].pack.lookup[].apiVersion
  // leaf: Profile spec.layers[].pack.lookup[].kind
  // leaf: Profile spec.layers[].pack.lookup[].namespace
  // leaf: Profile spec.layers[].pack.lookup[].name
  ["one", "{ apiVersion: v1, kind: Secret, namespace: shared, name: db }", { secret: SECRET }],
  ["another version", "{ apiVersion: apps/v1, kind: Secret, namespace: shared, name: db }", {}],
  ["another kind", "{ apiVersion: v1, kind: ConfigMap, namespace: shared, name: db }", { config: "plain" }],
  ["another namespace", "{ apiVersion: v1, kind: Secret, namespace: elsewhere, name: db }", {}],
  ["another name", "{ apiVersion: v1, kind: Secret, namespace: shared, name: other }", {}],
  ["any", "{ apiVersion: v1, kind: Secret }", { secret: SECRET, list: "db," }],
])("each chart of a pack finds what pack.lookup allows: %s", async (_, lookup, want) => {
  await apply(hub, ofPack("pair", lookup));
  await untilReady(hub, pathOfProfile("acme/pair"));
  for (const name of ["one", "two"]) {
    const found = (await read(hub, pathOf("v1", "configmaps", `pair/${name}`)))?.data as Record<string, string>;
    expect(found).toEqual({ ...NOTHING, ...want });
  }
});

test("a pack whose chart does not render without what it looked up says what to allow, and then comes", async () => {
  await apply(hub, ofPack("keeper", ""));
  const is = (object: Live): boolean => condition(object, "Ready")?.reason === "RenderFailed";
  const failed = await waitUntil(hub, pathOfProfile("acme/keeper"), { what: "RenderFailed", is });
  expect(layerOf(failed, "keeper").message).toMatch(
    /^keeper: chart keeper 1\.0\.0 does not render: keeper\/templates\/a\.yaml:5:.*; it was rendered as if v1 Secret shared\/db did not exist: if it does, allow it in pack\.lookup$/,
  );
  await apply(hub, ofPack("keeper", "{ apiVersion: v1, kind: Secret, namespace: shared, name: db }"));
  const ready = await untilReady(hub, pathOfProfile("acme/keeper"));
  expect((await read(hub, pathOf("v1", "configmaps", "keeper/keeper")))?.data).toEqual({ secret: SECRET });
  for (const told of [JSON.stringify([failed, ready]), strata.log()]) expect(told).not.toMatch(/c4n4ry|YzRuNHJ5/);
});

test.each([
  ["what the rules allow", "{ apiVersion: v1, kind: ConfigMap }", ["config: plain", "secret: none"]],
  ["no value of a Secret that it finds", "{ apiVersion: v1, kind: Secret, namespace: shared, name: db }", ["***"]],
  ["nor one of a Secret that a wider rule allows", "{ apiVersion: v1, kind: Secret }", ["secret: '***'", "list: db,"]],
  [
    "what the rules do not allow",
    "",
    ["rendered as if v1 Secret shared/db, v1 ConfigMap shared/db, v1 Secret shared/* did not"],
  ],
])("strata diff looks up as the person of the kubeconfig, and shows %s", async (_, lookup, wanted) => {
  const env = { ...process.env, STRATA_RENDER_BINARY: toolPath("strata-render"), KUBECONFIG: hub.kubeconfigPath };
  const input = profile("acme", "compared", lookup);
  const { stdout, stderr } = await runCommand(process.execPath, [CLI, "diff", "-f", "-"], { env, input });
  expect(stderr).toBe("");
  for (const words of wanted) expect(stdout).toContain(words);
  expect(stdout).not.toMatch(/c4n4ry/);
  expect(stdout).not.toContain(SECRET);
});

test("strata diff hides what pack.lookup lets a chart read in a Secret, and says what to allow", async () => {
  const env = { ...process.env, STRATA_RENDER_BINARY: toolPath("strata-render"), KUBECONFIG: hub.kubeconfigPath };
  const diff = (lookup: string) =>
    runCommand(process.execPath, [CLI, "diff", "-f", "-"], {
      env,
      input: ofPack("keeper", lookup)
        .replace("name: keeper,", "name: compared,")
        .replace("namespace: keeper", "namespace: compared"),
    });
  const { stdout } = await diff("{ apiVersion: v1, kind: Secret, namespace: shared, name: db }");
  expect(stdout).toContain("secret: '***'");
  expect(stdout).not.toContain(SECRET);
  expect((await diff("")).stdout).toContain("if it does, allow it in pack.lookup");
});

test("a chart reads as the identity of its profile, which is told what it may not", async () => {
  await hub.kubectlOk(["create", "namespace", "poor"]);
  const right = ["--clusterrole=edit", "--serviceaccount=poor:default"];
  await hub.kubectlOk(["create", "namespace", "denied"]);
  await hub.kubectlOk(["create", "rolebinding", "edit", "-n", "denied", ...right]);
  await apply(hub, profile("poor", "denied", "{ apiVersion: v1, kind: Secret, namespace: shared }"));
  const is = (object: Live): boolean => condition(object, "Ready")?.reason === "Forbidden";
  const denied = await waitUntil(hub, pathOfProfile("poor/denied"), { what: "Forbidden", is });
  expect(layerOf(denied, "looker").message).toMatch(
    /the chart may not look up v1 Secret shared\/(db|\*): User "system:serviceaccount:poor:default" cannot .*bind a role that allows it to ServiceAccount poor\/default/,
  );
  expect(JSON.stringify(denied)).not.toContain("c4n4ry");
  expect(strata.log()).not.toContain("c4n4ry");
});
