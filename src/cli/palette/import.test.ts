/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of this file */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseProfile, parseRegistry } from "../../api/parse.ts";
import type { Profile } from "../../api/types.ts";
import { parseManifests } from "../../objects/yaml.ts";
import { parsePack } from "../../pack/index.ts";
import { expressionsIn } from "../../plan/expressions.ts";
import { checkDeclarations } from "../../plan/variable-limits.ts";
import { convert, type Imported, type ImportOptions } from "./convert.ts";
import { parseExport } from "./export-file.ts";
import { printImport } from "./print.ts";

const OPTIONS: ImportOptions = { namespace: undefined, clusters: [], urls: new Map(), known: new Map() };

function exported(name: string): string {
  return readFileSync(new URL(`testdata/${name}.json`, import.meta.url), "utf8");
}

function importOf(text: string, options: Partial<ImportOptions> = {}): Imported {
  const parsed = parseExport(text, "export.json");
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  const imported = convert(parsed.value, { ...OPTIONS, ...options });
  if (!imported.ok) throw new Error(imported.problems.join("\n"));
  return imported.value;
}

describe("an exported profile", () => {
  test.each(["infra", "full", "add-on"])("of the type %s becomes what was reviewed", async (name) => {
    const { profile, registries } = printImport(importOf(exported(name)), `${name}.json`);
    await expect(`${profile}---\n${registries}`).toMatchFileSnapshot(`testdata/${name}.yaml`);
  });

  test.each(["infra", "full", "add-on"])("of the type %s is what the API server and the plan take", (name) => {
    const { profile, registries } = printImport(importOf(exported(name)), name);
    const objects = parseManifests(`${profile}---\n${registries}`, "output");
    if (!objects.ok) throw new Error(objects.problems.join("\n"));
    const [first, ...others] = objects.value;
    expect(others.flatMap((one) => problemsOf(parseRegistry(one)))).toEqual([]);
    const parsed = parseProfile(first);
    if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
    const { spec } = parsed.value as Profile;
    expect(checkDeclarations(spec.variables ?? [])).toEqual([]);
    const known = { variables: new Set(spec.variables?.map((one) => one.name)), layers: new Map() };
    expect(expressionsIn(spec.layers, known, "layers").problems).toEqual([]);
  });

  test("may go to clusters that are named, into a namespace, from registries whose addresses are known", () => {
    const urls = new Map([
      ["Public Repo", "https://packs.example.test/public"],
      ["Acme_Packs", "oci://oci.example.test/acme"],
    ]);
    const { profile, registries, findings } = importOf(exported("infra"), {
      namespace: "acme",
      clusters: ["edge-1", "edge-2"],
      urls,
    });
    expect(profile).toMatchObject({
      metadata: { namespace: "acme" },
      spec: { clusterRefs: [{ name: "edge-1" }, { name: "edge-2" }] },
    });
    expect(registries).toMatchObject([
      { metadata: { namespace: "acme" }, spec: { type: "Pack", url: "https://packs.example.test/public" } },
      { metadata: { namespace: "acme" }, spec: { type: "OCI", url: "oci://oci.example.test/acme" } },
    ]);
    expect(findings.decide.filter((one) => !one.startsWith("layer edge-"))).toEqual([
      "Registry acme-packs: is private: create Secret acme-packs-credentials with username and password, bearerToken or .dockerconfigjson",
    ]);
  });

  test("keeps only what differs from a pack that is known, with its presets by name", () => {
    const values = `
pack: { namespace: mesh-net }
charts:
  mesh-net: { podCIDR: 10.0.0.0/8, mtu: 1400, tunnel: false, debug: true, clusterName: '{{ .spectro.system.cluster.name }}' }
`;
    const presets = "presets: [{name: tunnel, group: Overlay, add: 'charts: {mesh-net: {tunnel: true}}'}]";
    const json = JSON.stringify({ name: "mesh-net", displayName: "Mesh", version: "1.4.2", layer: "cni" });
    const files = Object.entries({ "pack.json": json, "values.yaml": values, "presets.yaml": presets });
    const pack = parsePack(new Map(files.map(([path, text]) => [path, new TextEncoder().encode(text)])), "pack");
    if (!pack.ok) throw new Error(pack.problems.join("\n"));
    const charts = [{ name: "mesh-net", values: { debug: false } }];
    const known = new Map([["mesh-net 1.4.2", { pack: pack.value, charts }]]);
    const { profile, findings } = importOf(exported("infra"), { known });
    expect(profile["spec"]).toMatchObject({
      layers: [
        {
          pack: { presets: ["Overlay:tunnel"] },
          values: {
            pack: { content: { images: [expect.anything()] } },
            // `debug` was taken away from the pack's values, so that the chart's own counts.
            charts: {
              "mesh-net": {
                podCIDR: "{{ .spectro.var.podCIDR }}",
                mtu: "${{ variables.mtu }}",
                replicas: 2,
                debug: false,
              },
            },
          },
        },
        {},
      ],
    });
    const [{ values: found } = { values: {} }] = (profile["spec"] as { layers: { values: object }[] }).layers;
    expect(Object.keys((found as { charts: { "mesh-net": object } }).charts["mesh-net"])).not.toContain("tunnel");
    expect(findings.notes.filter((note) => note.startsWith("layer mesh-net"))).toEqual([
      "layer mesh-net: Palette followed the tag 1.4.x; the version is fixed to 1.4.2 now",
    ]);
  });
});

/** An add-on export with one layer, changed. */
function addOn(pack: object, more: { variables?: object[]; type?: string } = {}): string {
  const one = {
    name: "web",
    type: "helm",
    layer: "addon",
    version: "1.0.0",
    values: "pack: {namespace: web}",
    ...pack,
  };
  const { variables = [], type = "add-on" } = more;
  return JSON.stringify({ metadata: { name: "p" }, spec: { variables, template: { type, packs: [one] } } });
}

function layerOf(text: string): Record<string, unknown> {
  return (importOf(text).profile["spec"] as { layers: Record<string, unknown>[] }).layers[0] ?? {};
}

describe("values of a chart", () => {
  const variables = [
    { name: "count", format: "number", defaultValue: "2" },
    { name: "on", format: "boolean", defaultValue: "true" },
    { name: "word", defaultValue: "x" },
    { name: "my-name", defaultValue: "x" },
  ];
  test.each<[string, string, unknown]>([
    ["a number without quotes stays one", "{{ .spectro.var.count }}", "${{ variables.count }}"],
    ["a number in quotes is text", "'{{ .spectro.var.count }}'", "${{ string(variables.count) }}"],
    ["a boolean in quotes is text", "'{{ .spectro.var.on }}'", "${{ string(variables.on) }}"],
    ["text in quotes", "'{{.spectro.var.word}}'", "${{ variables.word }}"],
    ["a number within a text", "'n{{ .spectro.var.count }}'", "n${{ variables.count }}"],
    ["two in one text", "'{{ .spectro.var.word }}-{{ .spectro.var.on }}'", "${{ variables.word }}-${{ variables.on }}"],
    ["a name that no variable can have", "'{{ .spectro.var.my-name }}'", "${{ variables.my_name }}"],
    [
      "the version of Kubernetes",
      "'{{ .spectro.system.kubernetes.version }}'",
      "${{ cluster.kubernetesVersion.substring(1) }}",
    ],
    ["the cluster", "'{{ .spectro.system.cluster.name }}'", "${{ cluster.name }}"],
    ["a pipeline stays", "'{{ .spectro.var.word | upper }}'", "{{ .spectro.var.word | upper }}"],
    ["a variable that is not declared stays", "'{{ .spectro.var.other }}'", "{{ .spectro.var.other }}"],
    ["a reference to a pack stays", "'{{ .spectro.pack.a-b.c.d }}'", "{{ .spectro.pack.a-b.c.d }}"],
    ["what looks like an expression is escaped", "'${{ github.ref }}'", "$${{ github.ref }}"],
    ["an escape is escaped again", "'$${{ x }}'", "$$$${{ x }}"],
    ["other templates stay", "'{{ .Values.x }} ${X} $(X)'", "{{ .Values.x }} ${X} $(X)"],
    ["numbers stay", "12345678901234567890", expect.objectContaining({ rawJSON: "12345678901234567890" })],
  ])("%s", (_, written, value) => {
    const values = `pack: {namespace: web}\ncharts:\n  web:\n    key: ${written}\n`;
    expect(layerOf(addOn({ values }, { variables }))["values"]).toEqual({ key: value });
  });
});

describe("a layer", () => {
  test.each<[string, object, object]>([
    [
      "of a chart has the values without pack",
      { values: "pack: {namespace: a}\nx: 1" },
      { namespace: "a", values: { x: 1 } },
    ],
    [
      "may have its namespace from a variable",
      { values: "pack: {namespace: '{{ .spectro.system.cluster.name }}'}" },
      { namespace: "${{ cluster.name }}" },
    ],
    [
      "takes its tag when the version is none",
      { version: "LTS__1", tag: "1.2.x" },
      { helm: expect.objectContaining({ version: "1.2.x" }) },
    ],
    ["has a name that Kubernetes takes", { name: "My_Chart.v2", values: "" }, { name: "my-chart-v2" }],
    [
      "keeps the name of a release that is overridden",
      { values: "pack: {namespace: a, releaseNameOverride: {web: old}}" },
      { helm: expect.objectContaining({ releaseName: "old" }) },
    ],
  ])("%s", (_, pack, layer) => {
    expect(layerOf(addOn(pack))).toMatchObject(layer);
  });

  test.each<[string, object, string]>([
    [
      "other charts' values",
      { values: "pack: {namespace: a}\ncharts: {web: {}, b: {}}\nfree: 1" },
      "layer web: charts.b, free of its values belong to no chart and are left out",
    ],
    [
      "more namespaces",
      { values: "pack: {namespace: a, additionalNamespaces: b}" },
      "layer web: pack.additionalNamespaces is left out: make a layer with these namespaces",
    ],
    [
      "a readinessCheck",
      {
        values:
          "pack: {namespace: a}\nreadinessCheck: {v1beta1: [{name: a, kind: A, group: g.io, version: v1, keysToCheck: [{keyToCheck: status.a, expectedValue: b}]}]}",
      },
      "layer web: readinessCheck is left out: write healthChecks",
    ],
    [
      "a hidden secret",
      { values: "pack: {namespace: a}\ncharts: {web: {a.b: {c: ['*****']}}}" },
      "layer web, values.a\\.b.c[0]: holds a secret that the export hides: give it by valuesFrom",
    ],
    [
      "Zarf",
      { registry: { metadata: { uid: "z", name: "z", kind: "oci", providerType: "zarf" } } },
      "Registry z: holds Zarf packages, which are not supported",
    ],
    [
      "a macro of the system in a pack",
      { type: "oci", values: "pack: {x: '{{ .spectro.system.user.email }}'}" },
      "layer web, values.pack.x: Strata has no {{ .spectro.system.user.email }}: put its value there",
    ],
    [
      "an unknown variable in a pack",
      { type: "oci", values: "pack: {x: '{{ .spectro.var.gone }}'}" },
      "layer web, values.pack.x: {{ .spectro.var.gone }} names no variable of the profile: declare one, or put its value there",
    ],
  ])("says that somebody must look after %s", (_, pack, sentence) => {
    expect(importOf(addOn(pack)).findings.decide).toContain(sentence);
  });
});

describe("a variable", () => {
  test.each<[string, object, object, string[]]>([
    [
      "with a dropdown",
      { format: "number", options: [{ value: "1" }, { value: "2", default: true }] },
      { type: "number", default: 2, enum: [1, 2] },
      [],
    ],
    ["of a version", { format: "version", defaultValue: "1.2.3" }, { type: "semver", default: "1.2.3" }, []],
    [
      "that is a secret",
      { isSensitive: true, defaultValue: "*****", options: [{ value: "a" }] },
      { type: "string", sensitive: true },
      ["is sensitive, and can have no list of allowed values: it is left out"],
    ],
    ["with a pattern", { regex: "^a+$", defaultValue: "a" }, { pattern: "^a+$", default: "a" }, []],
    [
      "with a pattern that is none",
      { regex: "(", defaultValue: "a" },
      { default: "a" },
      ["has a regex that does not work: it is left out"],
    ],
    [
      "with a pattern for a number",
      { format: "number", regex: "^1", defaultValue: "1" },
      { type: "number", default: 1 },
      ["has a regex, which a number cannot have: it is left out; use minimum, maximum or enum"],
    ],
    [
      "of a format that nobody knows",
      { format: "date", required: true },
      { type: "string", required: true },
      ["has the format date, which is not known: it is text now"],
    ],
    [
      "whose default is of another type",
      { format: "boolean", defaultValue: "yes", required: true },
      { type: "boolean", required: true },
      ["its default must be true or false: it is left out"],
    ],
    [
      "whose default is hidden",
      { defaultValue: "****" },
      { type: "string", default: "" },
      ["has a default that the export hides: give it one, or make the variable sensitive"],
    ],
  ])("%s", (_, variable, declaration, sentences) => {
    const { profile, findings } = importOf(addOn({}, { variables: [{ name: "v", ...variable }] }));
    expect((profile["spec"] as { variables: object[] }).variables[0]).toEqual({
      name: "v",
      type: "string",
      ...declaration,
    });
    const found = findings.decide.filter((one) => one.startsWith("variable v: "));
    expect(found).toEqual(sentences.map((sentence) => `variable v: ${sentence}`));
  });
});

describe("an export that cannot be imported says why", () => {
  test.each<[string, string, string[]]>([
    ["no JSON", "{", ["export.json, line 1: unexpected end of the stream within a flow collection"]],
    ["something else", "{}", ["export.json: metadata: Required value", "export.json: spec: Required value"]],
    [
      "a system profile",
      addOn({}, { type: "system" }),
      ['export.json: spec.template.type: Unsupported value: "system": supported values: "infra", "cluster", "add-on"'],
    ],
    [
      "values that are no YAML",
      addOn({ values: "a: [" }),
      ["layer web, values, line 1: unexpected end of the stream within a flow collection"],
    ],
    [
      "nothing that Strata has layers for",
      addOn({ layer: "os", type: "oci" }, { type: "infra" }),
      [
        "no layer of the profile can be imported: web: Strata provisions no operating system, and has no layer that expects one yet",
      ],
    ],
    [
      "a core layer in an add-on profile",
      addOn({ layer: "cni" }),
      ["spec.layers: only a ClusterProfile may have layers of type OS, Kubernetes, Network or Storage"],
    ],
  ])("%s", (_, text, problems) => {
    const parsed = parseExport(text, "export.json");
    expect(parsed.ok ? problemsOf(convert(parsed.value, OPTIONS)) : parsed.problems).toEqual(problems);
  });
});

function problemsOf(result: { ok: boolean; problems?: readonly string[] }): readonly string[] {
  return result.problems ?? [];
}
