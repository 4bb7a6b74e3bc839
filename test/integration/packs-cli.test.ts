import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pullCommand } from "../../src/cli/packs/pull-command.ts";
import { pushCommand } from "../../src/cli/packs/push-command.ts";
import { validate } from "../../src/cli/validate/validate-command.ts";
import { type Config, parseConfig } from "../../src/config.ts";
import { writeArchive } from "../../src/source/archive/write-archive.ts";
import { type Files, writeFiles } from "../support/files.ts";
import { type CommandResult, runCommand } from "../support/kubectl.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { toolPath } from "../support/tools.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const EXPORT = fileURLToPath(new URL("../../src/cli/palette/testdata/full.json", import.meta.url));
/** The password is `s3cret`. */
const HTPASSWD = "me:$2b$04$Wf7.nRDJN/0hio7O/QetbOeA4UKvJ8D.ciq7mL1g3ZhDmoxFX7vWu\n";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let open: Registry;
let closed: Registry;

beforeAll(async () => {
  folder = await temporaryFolder("packs-cli");
  open = await startRegistry();
  closed = await startRegistry({ htpasswd: HTPASSWD });
});

afterAll(async () => {
  await Promise.all([open?.stop(), closed?.stop()]);
  await folder?.remove();
});

function config(): Config {
  const parsed = parseConfig({ STRATA_RENDER_BINARY: toolPath("strata-render") }, []);
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

function strata(...args: string[]): Promise<CommandResult> {
  const env = { ...process.env, STRATA_RENDER_BINARY: toolPath("strata-render"), HOME: folder.path, DOCKER_CONFIG: "" };
  return runCommand(process.execPath, [CLI, ...args], { env });
}

const written = (name: string, files: Files): Promise<string> => writeFiles(join(folder.path, name), files);

const template =
  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  replicas: {{ .Values.replicas | quote }}\n";
const chart = (values: string) =>
  writeArchive(
    new Map(
      Object.entries({
        "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "values.yaml": values,
        "templates/a.yaml": template,
      }).map(([path, text]) => [path, new TextEncoder().encode(text)]),
    ),
    "web",
  );

async function shop(version: string): Promise<string> {
  return written(`shop-${version}`, {
    "pack.json": JSON.stringify({
      name: "shop",
      displayName: "Shop",
      version,
      layer: "addon",
      charts: ["charts/web.tgz"],
    }),
    "values.yaml": "pack: {namespace: shop}\ncharts: {web: {replicas: 2}}\n",
    "charts/web.tgz": chart("replicas: 1\n"),
  });
}

test("a pack is pushed into a registry, found there by a range, and comes back as it was", async () => {
  const url = `oci://${open.host}/acme`;
  for (const version of ["1.9.0", "1.10.0"]) {
    const { code, stdout, stderr } = await strata("pack", "push", await shop(version), url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`pushed: ${open.host}/acme/spectro-packs/archive/shop:${version}`);
  }
  const again = await strata("pack", "push", await shop("1.9.0"), url);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("is there already") });
  const changed = join(folder.path, "shop-1.9.0", "values.yaml");
  await writeFile(changed, "pack: {namespace: other}\n");
  const refused = await strata("pack", "push", join(folder.path, "shop-1.9.0"), url);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("with other content: give the pack another version"),
  });
  const pulled = await strata("pack", "pull", "shop:1.x", url, "-d", join(folder.path, "pulled"));
  expect(pulled).toMatchObject({ code: 0, stderr: "" });
  const [from, to] = [join(folder.path, "shop-1.10.0"), join(folder.path, "pulled", "shop-1.10.0")];
  expect(await readdir(to)).toEqual(await readdir(from));
  expect(await readFile(join(to, "charts/web.tgz"))).toEqual(await readFile(join(from, "charts/web.tgz")));
  expect(await strata("pack", "pull", "shop:1.x", url, "-d", join(folder.path, "pulled"))).toMatchObject({ code: 1 });
});

test("a registry that lets only some in takes the credentials of a docker config, and else says what to do", async () => {
  const url = `oci://${closed.host}/acme`;
  const door = { config, signal: new AbortController().signal };
  const push = { folder: await shop("2.0.0"), url, force: false, today: "2026-07-01" };
  const auths = (host: string) =>
    JSON.stringify({ auths: { [host]: { auth: Buffer.from("me:s3cret").toString("base64") } } });
  const login = await written("login", {
    "own.json": auths(closed.host),
    "other.json": auths("other.example.test"),
  });
  const [own, other] = [join(login, "own.json"), join(login, "other.json")];
  const stranger = await pushCommand({ ...push, registryConfig: other }, door);
  expect(stranger).toMatchObject({
    code: 1,
    problems: [expect.stringMatching(/: it wants credentials$/), expect.stringMatching(/^log in with/)],
  });
  expect(await pushCommand({ ...push, registryConfig: own }, door)).toMatchObject({ code: 0, problems: [] });
  const pull = { pack: "shop", url, into: join(folder.path, "private") };
  const refused = await pullCommand({ ...pull, registryConfig: other }, door);
  expect(refused.problems.join()).not.toContain("Secret of the Registry");
  const pulled = await pullCommand({ ...pull, registryConfig: own }, door);
  expect(pulled).toMatchObject({ code: 0, text: expect.stringContaining("shop-2.0.0") });
});

test("what an export of Palette becomes is valid, on standard output, in a file and in a folder", async () => {
  const { stdout, stderr, code } = await strata("import", "palette", EXPORT);
  expect(code).toBe(0);
  expect(stderr).toContain("decide: variable REGION: ");
  const file = join(await written("imported", { "full.yaml": stdout }), "full.yaml");
  expect(await strata("validate", "-f", file)).toMatchObject({ code: 0, stderr: "" });
  const out = await written("folder", { "README.md": "" });
  expect(await strata("import", "palette", EXPORT, "-o", out)).toMatchObject({ code: 0 });
  expect((await readdir(out)).sort()).toEqual(["README.md", "shop-cluster-registries.yaml", "shop-cluster.yaml"]);
  expect(await strata("import", "palette", EXPORT, "-o", out)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--force"),
  });
});

test("validate fetches and renders charts when it is asked to", async () => {
  const charts = await written("charts", {
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "web/values.yaml": "replicas: 1\n",
    "web/templates/a.yaml": '{{ if lt (int .Values.replicas) 1 }}{{ fail "too few" }}{{ end }}\n',
  });
  await open.pushCharts(charts);
  const profile = (replicas: number, version: string, host = open.host) =>
    JSON.stringify({
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name: "web", namespace: "acme" },
      spec: {
        clusterRefs: [{ name: "local" }],
        namespace: "web",
        layers: [{ name: "web", helm: { repo: `oci://${host}/charts`, chart: "web", version }, values: { replicas } }],
      },
    });
  const check = async (text: string, fetch: boolean) => {
    const file = join(await written("profiles", { "web.json": text }), "web.json");
    const options = { files: [file], namespace: "default", fetch, kubeVersion: "v1.36.0", format: "json" as const };
    return validate(options, config(), new AbortController().signal);
  };
  const messages = ({ text }: { text: string }) =>
    JSON.parse(text).findings.map((one: { message: string }) => one.message);
  expect(await check(profile(2, "1.x"), true)).toMatchObject({ code: 0 });
  const unrendered = await check(profile(0, "1.x"), false);
  expect([unrendered.code, messages(unrendered)]).toEqual([
    0,
    ["1 chart not rendered: say --fetch to fetch and render"],
  ]);
  const failing = await check(profile(0, "1.x"), true);
  expect([failing.code, messages(failing)]).toEqual([1, [expect.stringContaining("too few")]]);
  expect(await check(profile(2, "9.x"), true)).toMatchObject({
    code: 1,
    text: expect.stringContaining("but no version 9.x"),
  });
  const unreachable = await check(profile(2, "1.x", "127.0.0.1:1"), true);
  expect([unreachable.code, messages(unreachable)]).toEqual([2, [expect.stringContaining("it refuses connections")]]);
});
