import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeArchive } from "../../source/archive/write-archive.ts";
import { indexCommand } from "./index-command.ts";
import { lintPack } from "./lint.ts";
import { lintCommand } from "./lint-command.ts";
import { readPackFolder } from "./pack-folder.ts";

const TODAY = "2026-07-01";

type Files = Record<string, string | Uint8Array | undefined>;

const encode = (content: string | Uint8Array) =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

function chart(name: string, values = "replicas: 1\n", more: Files = {}): Uint8Array {
  const files = { "Chart.yaml": `name: ${name}\nversion: 1.0.0\n`, "values.yaml": values, ...more };
  return writeArchive(mapOf(files), name);
}

function mapOf(files: Files): Map<string, Uint8Array> {
  return new Map(
    Object.entries(files).flatMap(([path, content]) => (content === undefined ? [] : [[path, encode(content)]])),
  );
}

function packJson(more: object = {}): string {
  return JSON.stringify({
    name: "shop",
    displayName: "Shop",
    version: "1.2.0",
    layer: "addon",
    charts: ["charts/web.tgz"],
    ...more,
  });
}

const GOOD: Files = {
  "pack.json": packJson(),
  "values.yaml": "pack: {namespace: shop}\ncharts: {web: {replicas: 2}}\n",
  "charts/web.tgz": chart("web"),
};

const lint = (files: Files) => lintPack(mapOf({ ...GOOD, ...files }), "pack shop-1.2.0", TODAY);

describe("a pack", () => {
  test("that is right has nothing to be said about", async () => {
    expect(await lint({})).toEqual({ pack: { name: "shop", version: "1.2.0" }, problems: [], warnings: [] });
  });

  test("with macros wherever values may stand is right too", async () => {
    const values = `
pack:
  namespace: '{{ .spectro.var.namespace }}'
  namespaceLabels: { x: "kube={{ .spectro.system.kubernetes.version | substr 0 4 }}" }
  spectrocloud.com/install-priority: "{{ .spectro.var.priority }}"
charts:
  web:
    replicas: {{ .spectro.var.replicas }}
`;
    const schema = `charts.web.replicas: {schema: '{{ required | format "\${number:[1-9]}" }}'}\n`;
    expect(await lint({ "values.yaml": values, "schema.yaml": schema })).toMatchObject({ problems: [], warnings: [] });
  });

  test.each<[string, Files, string[]]>([
    ["without pack.json", { "pack.json": undefined }, ["pack shop-1.2.0, pack.json: the pack has no such file"]],
    [
      "whose chart is no archive",
      { "charts/web.tgz": "no archive" },
      ["pack shop-1.2.0, charts/web.tgz: the archive is no gzip archive, or a broken one"],
    ],
    [
      "whose chart has no name",
      { "charts/web.tgz": writeArchive(mapOf({ "Chart.yaml": "version: 1.0.0" }), "web") },
      ["pack shop-1.2.0, charts/web.tgz, Chart.yaml: name: must be a text that is not empty"],
    ],
    [
      "with two charts of one name",
      { "pack.json": packJson({ charts: ["charts/web.tgz", "charts/b.tgz"] }), "charts/b.tgz": chart("web") },
      ["pack shop-1.2.0: two charts are named web: values and releases go by that name"],
    ],
    [
      "whose values are no YAML",
      { "values.yaml": "a: [" },
      ["pack shop-1.2.0, values.yaml, line 1: unexpected end of the stream within a flow collection"],
    ],
    [
      "with a namespace that none can be",
      { "values.yaml": "pack: {namespace: A_b}" },
      [expect.stringContaining("pack shop-1.2.0, values.yaml: pack.namespace must be the name of a namespace")],
    ],
    [
      "with a macro that is none",
      { "values.yaml": "a: '{{ .spectro.wrong }}'" },
      [expect.stringContaining('pack shop-1.2.0, values.yaml, line 1: ".spectro.wrong" names nothing')],
    ],
    [
      "against its own schema",
      { "schema.yaml": `charts.web.replicas: {schema: '{{ format "\${number:[5-9]}" }}'}` },
      ["pack shop-1.2.0, values.yaml: charts.web.replicas must be a number from 5 to 9"],
    ],
    [
      "whose preset breaks its schema",
      {
        "schema.yaml": `charts.web.replicas: {schema: '{{ format "\${number:[1-3]}" }}'}`,
        "presets.yaml": "presets: [{name: big, group: Size, add: 'charts: {web: {replicas: 9}}'}]",
      },
      ['pack shop-1.2.0, presets.yaml, preset "Size:big": charts.web.replicas must be a number from 1 to 3'],
    ],
    [
      "whose preset is no YAML",
      { "presets.yaml": "presets: [{name: big, add: 'a: ['}]" },
      [expect.stringContaining('preset "big"')],
    ],
    [
      "with a manifest that is none",
      { "pack.json": packJson({ kubeManifests: ["manifests/a.yaml"] }), "manifests/a.yaml": "kind: A\n" },
      [
        "pack shop-1.2.0, manifests/a.yaml, document 1, line 1: apiVersion is missing",
        "pack shop-1.2.0, manifests/a.yaml, document 1, line 1: metadata.name is missing",
      ],
    ],
    [
      "that no registry would take",
      { "README.md": "a", "readme.MD": "b" },
      [
        'pack shop-1.2.0: once packed, it holds "shop-1.2.0/README.md" and "shop-1.2.0/readme.MD", which some file systems cannot tell apart',
      ],
    ],
  ])("%s does not work", async (_, files, problems) => {
    expect((await lint(files)).problems).toEqual(problems);
  });

  test.each<[string, Files, string]>([
    [
      "values for a chart that is not there",
      { "values.yaml": "charts: {wbe: {}}" },
      "pack shop-1.2.0, values.yaml: charts.wbe: the pack has no such chart, so this has no effect",
    ],
    [
      "a chart that pack.json does not list",
      { "charts/more.tgz": chart("more") },
      "pack shop-1.2.0, pack.json: charts/more.tgz is not listed, so it is left out",
    ],
    [
      "a version that is none",
      { "pack.json": packJson({ version: "LTS" }) },
      "pack shop-1.2.0, pack.json: version LTS is no semantic version: no range finds it",
    ],
    [
      "the end of its life",
      { "pack.json": packJson({ eol: "2026-01-01" }) },
      "pack shop-1.2.0: shop 1.2.0 is no longer supported since 2026-01-01",
    ],
    [
      "a preset that removes what is not there",
      { "presets.yaml": "presets: [{name: a, remove: [charts.web.gone]}]" },
      'pack shop-1.2.0, presets.yaml: preset "a" removes "charts.web.gone", which is not in the pack\'s values',
    ],
    [
      "a schema for what is nowhere",
      { "schema.yaml": "charts.web.gone: {schema: '{{ readonly }}'}" },
      "pack shop-1.2.0, schema.yaml: charts.web.gone leads to no value of the pack, nor of a preset",
    ],
    [
      "a required value that is empty",
      {
        "values.yaml": "charts: {web: {key: ''}}",
        "schema.yaml": "charts.web.key: {schema: '{{ required | hints \"a key\" }}'}",
      },
      "pack shop-1.2.0: a layer must give a value: charts.web.key is required: a key",
    ],
    [
      "a name that with its chart's is too long for a Helm release",
      { "pack.json": packJson({ name: "x".repeat(50) }) },
      expect.stringMatching(/^pack shop-1\.2\.0, values\.yaml: .*set pack\.releaseNameOverride\.web in the values$/),
    ],
  ])("is warned about %s", async (_, files, warning) => {
    const { problems, warnings } = await lint(files);
    expect({ problems, warnings }).toEqual({ problems: [], warnings: [warning] });
  });

  test("may have a schema for a value that only its chart has", async () => {
    const schema = "charts.web.replicas: {schema: '{{ readonly }}'}";
    expect(await lint({ "values.yaml": "", "schema.yaml": schema })).toMatchObject({ problems: [], warnings: [] });
  });
});

describe("folders", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "strata-packs-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  async function write(name: string, files: Files): Promise<string> {
    for (const [path, content] of mapOf(files)) {
      const file = join(folder, name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    return join(folder, name);
  }

  test("are linted together, as text or as JSON, and the exit code tells the worst", async () => {
    const good = await write("lint/good", { ...GOOD, ".git/config": "x" });
    const bad = await write("lint/bad", { ...GOOD, "values.yaml": "a: [" });
    const options = { format: "text" as const, today: TODAY };
    expect(await lintCommand({ ...options, folders: [good] })).toEqual({
      text: "shop 1.2.0: 0 problems, 0 warnings\n",
      problems: [],
      code: 0,
    });
    expect(await lintCommand({ ...options, folders: [good, bad] })).toMatchObject({ problems: [], code: 1 });
    const lost = await lintCommand({ ...options, format: "json", folders: [bad, join(folder, "lost")] });
    expect(lost).toMatchObject({ problems: [`${join(folder, "lost")}: there is no such folder`], code: 2 });
    expect(JSON.parse(lost.text)).toEqual([
      {
        folder: bad,
        name: "shop",
        version: "1.2.0",
        ok: false,
        problems: [expect.stringContaining("pack bad, values.yaml")],
        warnings: [],
      },
    ]);
  });

  test("with links are refused: what they lead to is not of the pack", async () => {
    const path = await write("links/shop", GOOD);
    await symlink("/etc/passwd", join(path, "README.md"));
    await expect(readPackFolder(path)).rejects.toThrow(
      "README.md is neither a file nor a folder, which a pack is made of",
    );
  });

  test("of packs become a folder to serve, the same each time; folders of something else are left aside", async () => {
    await write("index/a", GOOD);
    await write("index/b", { ...GOOD, "pack.json": packJson({ version: "1.3.0" }) });
    await write("index/notes", { "README.md": "x" });
    const [from, to] = [join(folder, "index"), join(folder, "served")];
    expect(await indexCommand(from, to)).toEqual({
      text: `${join(to, "index.yaml")}: 1 pack in 2 versions\n`,
      problems: [],
      code: 0,
    });
    expect((await readdir(join(to, "archives"))).sort()).toEqual(["shop-1.2.0.tgz", "shop-1.3.0.tgz"]);
    const before = await readFile(join(to, "index.yaml"), "utf8");
    await indexCommand(from, from);
    await indexCommand(from, from);
    expect(await readFile(join(from, "index.yaml"), "utf8")).toBe(before);
  });

  test.each<[string, Record<string, Files>, string[]]>([
    [
      "with a pack that cannot be used",
      { a: { ...GOOD, "values.yaml": undefined } },
      ["pack a, values.yaml: the pack has no such file"],
    ],
    [
      "with one version twice",
      { a: GOOD, b: GOOD },
      ["shop 1.2.0 is in two folders: give one of them another version"],
    ],
    ["without packs", { a: { "README.md": "x" } }, [expect.stringContaining("none of its folders has a pack.json")]],
  ])("%s become none, and nothing is written", async (name, packs, problems) => {
    for (const [pack, files] of Object.entries(packs)) await write(`${name}/${pack}`, files);
    const to = join(folder, `${name}-served`);
    expect(await indexCommand(join(folder, name), to)).toEqual({ text: "", problems, code: 1 });
    await expect(readdir(to)).rejects.toThrow("ENOENT");
  });
});
