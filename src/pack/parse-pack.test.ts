import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chartIdentity } from "./chart-identity.ts";
import { type PackFiles, parsePack } from "./parse-pack.ts";
import { packJson, type SampleFiles, sampleFiles, samplePack } from "./testdata/sample.ts";

const ARCHIVE = new Uint8Array([0x1f, 0x8b, 8]);

function problemsOf(files: SampleFiles): string[] {
  const parsed = parsePack(sampleFiles(files), "pack sample");
  return parsed.ok ? [] : parsed.problems;
}

describe("parsePack", () => {
  it("gives charts and manifests in the order of pack.json, each manifest with its key", () => {
    const pack = samplePack({
      "pack.json": packJson({
        charts: ["charts/b-1.0.0.tgz", "./charts/a-1.0.0.tgz"],
        kubeManifests: ["manifests/crds/z.yaml", "manifests/app.yml"],
      }),
      "charts/a-1.0.0.tgz": ARCHIVE,
      "charts/b-1.0.0.tgz": ARCHIVE,
      "charts/unlisted-1.0.0.tgz": ARCHIVE,
      "manifests/crds/z.yaml": "z: 1",
      "manifests/app.yml": "a: {{ .Values.b }}",
    });
    expect(pack.charts.map(({ path }) => path)).toEqual(["charts/b-1.0.0.tgz", "charts/a-1.0.0.tgz"]);
    expect(pack.charts[0]?.archive).toBe(ARCHIVE);
    expect(pack.manifests.map(({ key, text }) => [key, text])).toEqual([
      ["z", "z: 1"],
      ["app", "a: {{ .Values.b }}"],
    ]);
    expect(pack.warnings).toEqual([]);
  });

  it("takes little time for a pack.json that lists more than anybody has", { timeout: 20_000 }, () => {
    const listed = (count: number) => Array.from({ length: count }, (_, n) => `${"x".repeat(500)}${n}.yaml`);
    const files = Object.fromEntries(listed(2000).map((path) => [path.replaceAll("x", "y"), "a: 1"]));
    const missing = problemsOf({ ...files, "pack.json": packJson({ kubeManifests: listed(1000) }) });
    expect(missing).toHaveLength(100);
    expect(problemsOf({ "pack.json": packJson({ charts: Array(300_000).fill(1) }) })).toHaveLength(100);
    const many = Array.from({ length: 400_000 }, (_, n) => n.toString(36));
    expect(problemsOf({ "pack.json": packJson({ charts: many }) })).toEqual([
      "pack sample, pack.json: charts: at most 1000 files can be listed",
    ]);
  });

  it("keeps the text of values.yaml, which may be no YAML before its macros are replaced", () => {
    expect(samplePack({ "values.yaml": "a: {{ .spectro.var.A }}" }).valuesText).toBe("a: {{ .spectro.var.A }}");
  });

  it("reads what is optional: README, values.schema.json, a byte order mark, keys that nobody knows, nulls", () => {
    const pack = samplePack({
      "pack.json": `\uFEFF${packJson({ charts: null, constraints: null, annotations: null, displayName: null, kubeVersion: ">=1.30", eol: " " })}`,
      "README.md": "# Sample",
      "values.schema.json": "{}",
    });
    expect(pack).toMatchObject({
      name: "sample",
      displayName: "sample",
      charts: [],
      manifests: [],
      presets: [],
      schema: [],
      dependencies: [],
      annotations: {},
      eol: undefined,
      readme: "# Sample",
      valuesSchema: "{}",
    });
  });

  it.each<[string, SampleFiles, string[]]>([
    ["no pack.json", { "pack.json": undefined }, ["pack sample, pack.json: the pack has no such file"]],
    ["no values.yaml", { "values.yaml": undefined }, ["pack sample, values.yaml: the pack has no such file"]],
    ["broken JSON", { "pack.json": "{" }, ["pack sample, pack.json: this is not valid JSON"]],
    [
      "bytes that are no text",
      { "values.yaml": new Uint8Array([0xff]) },
      ["pack sample, values.yaml: this is not UTF-8 text"],
    ],
    [
      "several wrong fields, all at once",
      {
        "pack.json": JSON.stringify({
          name: "../escape",
          layer: "app",
          charts: [1],
          constraints: { resources: [{ type: "gpu" }] },
        }),
      },
      [
        "pack sample, pack.json: name: should match '^[A-Za-z0-9][-._A-Za-z0-9]{0,127}$'",
        "pack sample, pack.json: version: Required value",
        'pack sample, pack.json: layer: Unsupported value: "app": supported values: "kernel", "os", "k8s", "cni", "csi", "addon"',
        "pack sample, pack.json: charts[0]: must be of type string",
        'pack sample, pack.json: constraints.resources[0].type: Unsupported value: "gpu": supported values: "cpu", "memory", "diskSize"',
      ],
    ],
    [
      "a listed archive and a listed manifest that are missing",
      {
        "pack.json": packJson({ charts: ["charts/app-1.0.0.tgz"], kubeManifests: ["manifests/a.yaml"] }),
        "charts/app-1.0.1.tgz": ARCHIVE,
      },
      [
        'pack sample, pack.json: charts[0]: "charts/app-1.0.0.tgz" is not in the pack; it has charts/app-1.0.1.tgz',
        'pack sample, pack.json: kubeManifests[0]: "manifests/a.yaml" is not in the pack',
      ],
    ],
    [
      "a path that leads out of the pack",
      { "pack.json": packJson({ kubeManifests: ["../../etc/passwd"] }) },
      ['pack sample, pack.json: kubeManifests[0]: "../../etc/passwd" is not in the pack'],
    ],
    [
      "a chart that is listed twice",
      { "pack.json": packJson({ charts: ["charts/a.tgz", "charts/a.tgz"] }), "charts/a.tgz": ARCHIVE },
      ['pack sample, pack.json: charts[1]: "charts/a.tgz" is listed twice'],
    ],
    [
      "more charts than the status has rows for",
      { "pack.json": packJson({ charts: Array.from({ length: 32 }, (_, n) => `charts/a${n}.tgz`) }) },
      ["pack sample, pack.json: charts: 32 are listed; a pack can have at most 31: split it into several packs"],
    ],
    [
      "presets.yaml that is no YAML",
      { "presets.yaml": "presets: [" },
      ["pack sample, presets.yaml, line 1: unexpected end of the stream within a flow collection"],
    ],
    [
      "a preset without a name, and one whose paths are a text",
      { "presets.yaml": "presets: [{group: A}, {name: b, remove: a.b}]" },
      [
        "pack sample, presets.yaml: presets[0].name: Required value",
        "pack sample, presets.yaml: presets[1].remove: must be of type array",
      ],
    ],
    [
      "two presets of one name in a group",
      { "presets.yaml": "presets: [{name: a, group: G}, {name: a, group: H}, {name: a, group: G}]" },
      ['pack sample, presets.yaml: there are two presets "G:a"'],
    ],
    ["schema.yaml that is a list", { "schema.yaml": "- a" }, ["pack sample, schema.yaml: values must be a YAML map"]],
  ])("refuses %s", (_, files, problems) => {
    expect(problemsOf(files)).toEqual(problems);
  });

  it("warns about what is odd but harmless", () => {
    const pack = samplePack({
      "pack.json": packJson({
        eol: "soon",
        ansibleRoles: ["roles/image"],
        kubeManifests: ["manifests/a/app.yaml", "manifests/b/app.yaml"],
        constraints: { dependencies: [{ packName: "kubernetes", layer: "k8s", minVersion: "1.34", maxVersion: "" }] },
      }),
      "manifests/a/app.yaml": "",
      "manifests/b/app.yaml": "",
      "presets.yaml": "",
      "schema.yaml": "a.b:\n  schema: '{{ format \"x\" | mandatory }}'\n",
    });
    expect(pack.dependencies).toEqual([
      { packName: "kubernetes", layer: "k8s", minVersion: "1.34", maxVersion: undefined, type: "optional" },
    ]);
    expect(pack.warnings).toEqual([
      'pack.json: constraints.dependencies[0]: the dependency on "kubernetes" has no type and counts as optional',
      "pack.json: ansibleRoles: roles are for building machine images and are left out",
      "pack.json: eol: this is not a day such as 2028-04-30 and is left out",
      'schema.yaml: a.b: the rule is left out: there is no "mandatory"; there are required, readonly, format, hints',
      "pack.json: manifests/a/app.yaml and manifests/b/app.yaml share the values under manifests.app",
    ]);
  });

  it("takes any bytes for an answer: a pack or problems, each one printable line led by the pack and a file", () => {
    const name = fc.constantFrom("pack.json", "values.yaml", "presets.yaml", "schema.yaml", "charts/a.tgz");
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc.constant(new TextEncoder().encode(packJson({ charts: ["charts/a\u001b[31m\n.tgz"] }))),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, content), { maxLength: 5 }), (entries) => {
        const parsed = parsePack(new Map(entries) as PackFiles, "pack x");
        const problems = parsed.ok ? [] : parsed.problems;
        expect(parsed.ok || problems.length > 0).toBe(true);
        expect(
          problems.filter((problem) => !/^pack x, (pack|values|presets|schema)[^\p{Cc}]+$/u.test(problem)),
        ).toEqual([]);
      }),
    );
  });

  it("keeps keys of Object's prototype as data", () => {
    const pack = samplePack({ "pack.json": packJson({ annotations: { constructor: "x" } }) });
    expect(Object.keys(pack.annotations)).toEqual(["constructor"]);
    expect(samplePack().annotations["toString"]).not.toBe("x");
  });
});

describe("chartIdentity", () => {
  it("reads the name that the pack's values use, and those of the subcharts", () => {
    const text = "name: app\nversion: 1.2.3\ndependencies: [{name: redis}, {name: postgresql, alias: db}, x]";
    expect(chartIdentity(text, "x")).toEqual({
      ok: true,
      value: { name: "app", version: "1.2.3", subcharts: ["redis", "db"] },
    });
  });

  it.each([
    ["version: 1.10", ["x: name: must be a text that is not empty", "x: version: must be a text that is not empty"]],
    ["- name", ["x: values must be a YAML map"]],
  ])("refuses %j", (text, problems) => {
    expect(chartIdentity(text, "x")).toEqual({ ok: false, problems });
  });
});
