import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestsOf } from "../../src/objects/manifests.ts";
import { parseYaml } from "../../src/objects/yaml.ts";
import { hideMacros, hideMacrosInYaml, readMacroManifests } from "../../src/pack/macro-text.ts";
import type { MacroDocument, MacroScope } from "../../src/pack/macro-types.ts";
import { Renderer } from "../../src/render/renderer.ts";
import type { ManifestsRequest } from "../../src/render/types.ts";
import { packManifests } from "../../src/wiring/pack-manifests.ts";
import { resolveMacros } from "../../src/wiring/resolve-macros.ts";
import { rendererPids } from "../support/rendering.ts";
import { toolPath } from "../support/tools.ts";

/** The templates and macros of packs in the real renderer: Helm's engine, and sprig. */

const CANARY = "c4n4ry-value";
const signal = new AbortController().signal;

let renderer: Renderer;

beforeAll(() => {
  process.env["STRATA_CANARY"] = CANARY;
  renderer = new Renderer({ binary: toolPath("strata-render"), processes: 2, deadlineMs: 120_000 });
});

afterAll(async () => {
  delete process.env["STRATA_CANARY"];
  await renderer[Symbol.asyncDispose]();
});

function manifests(files: Record<string, string>, values: Record<string, unknown> = {}): ManifestsRequest {
  return {
    pack: { name: "storage", version: "1.2.0" },
    files: Object.entries(files).map(([path, content]) => ({ path, content })),
    values,
    releaseName: "storage",
    namespace: "csi",
    revision: 1,
    isUpgrade: false,
    kubeVersion: "v1.36.3",
    apiVersions: ["v1"],
    spectro: { cluster: "edge-17", apiServer: "10.0.0.1:6443" },
  };
}

async function render(files: Record<string, string>, values: Record<string, unknown> = {}): Promise<string[]> {
  const rendered = await renderer.renderManifests(manifests(files, values), signal);
  return rendered.map(({ path, content }) => `${path}: ${content}`);
}

describe("manifests of a pack", () => {
  test("are templates of Helm if the values have their name, each with its own values, else they stay as they are", async () => {
    const files = {
      "manifests/crds.yaml": "description: the {{ .Values.template }} of the user",
      "manifests/in/class.yaml": "{{ if .Values.on }}{{ .Values.fields | toYaml | indent 2 }}{{ end }}",
      "manifests/empty.yml": "n: {{ .Values.n | default .Release.Namespace }}{{ .Values.a.b }}",
      "manifests/last.yaml": "{{ .Chart.Name }} {{ .Capabilities.KubeVersion.Minor }} {{ .Spectro.cluster }}",
    };
    const values = { class: { on: true, fields: { a: 1 } }, empty: null, last: {}, other: { on: false } };
    await expect(render(files, values)).rejects.toThrow("manifests/empty.yml");
    files["manifests/empty.yml"] = "n: {{ .Values.n | default .Release.Namespace }}";
    expect(await render(files, values)).toEqual([
      "manifests/crds.yaml: description: the {{ .Values.template }} of the user",
      "manifests/in/class.yaml:   a: 1",
      "manifests/empty.yml: n: csi",
      "manifests/last.yaml: storage 36 edge-17",
    ]);
  });

  test("without a template need no renderer", async () => {
    const request = manifests({ "manifests/a.yaml": "{{ broken" }, { b: {} });
    const lost = new Renderer({ binary: "/nowhere/strata-render", processes: 1 });
    expect(await lost.renderManifests(request, signal)).toEqual([{ path: "manifests/a.yaml", content: "{{ broken" }]);
    await lost[Symbol.asyncDispose]();
  });

  test("that fail are all named, with their lines and without values", async () => {
    const files = {
      "manifests/a.yaml": 'x: 1\ny: {{ fail (printf "not %s" .Values.password) }}',
      "manifests/b.yaml": "fine: true",
      "manifests/c.yaml": "\n\n{{ if }}",
      "manifests/d.yaml": '{{ env "STRATA_CANARY" }}',
    };
    const error = await render(files, { a: { password: CANARY }, b: {}, c: {}, d: {} }).catch((e: unknown) => e);
    expect(error).toMatchObject({
      reason: "RenderFailed",
      message:
        "pack storage 1.2.0 does not render: manifests/a.yaml:2:6: not ***; manifests/c.yaml:3: missing value for if; " +
        'manifests/d.yaml:1: function "env" not defined',
    });
  });

  test("whose values are no map are refused", async () => {
    await expect(render({ "manifests/a.yaml": "", "manifests/b.yaml": "" }, { a: "x", b: [] })).rejects.toMatchObject({
      reason: "InvalidValues",
      message: "pack storage: manifests.a, manifests.b must be a map",
    });
  });

  test("that are equal and come together render once, unless chance is in them", async () => {
    const both = (content: string) => {
      const request = manifests({ "manifests/a.yaml": content }, { a: {} });
      return Promise.all([renderer.renderManifests(request, signal), renderer.renderManifests(request, signal)]);
    };
    const [one, same] = await both("a: 1");
    expect(one).toBe(same);
    const [mine, yours] = await both("a: {{ randAlphaNum 30 }}");
    expect(mine).not.toEqual(yours);
  });

  test("that never end, or take all memory, end their process and nothing else", async () => {
    await using hasty = new Renderer({ binary: toolPath("strata-render"), processes: 1, deadlineMs: 3000 });
    const endless = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}";
    await expect(hasty.renderManifests(manifests({ "a.yaml": endless }, { a: {} }), signal)).rejects.toMatchObject({
      reason: "RenderTimeout",
      message: "pack storage takes too long to render; one of its templates may never end",
    });
    const greedy = '{{ $x := repeat 100000000 "x" }}{{ range until 100 }}{{ $x }}{{ end }}';
    await expect(render({ "a.yaml": greedy }, { a: {} })).rejects.toMatchObject({ reason: "RenderFailed" });
    expect(await render({ "a.yaml": "fine" }, { a: {} })).toEqual(["a.yaml: fine"]);
  });

  test("are given up when nobody waits for them", async () => {
    const before = await rendererPids();
    const impatient = new AbortController();
    await using alone = new Renderer({ binary: toolPath("strata-render"), processes: 1 });
    const given = alone.renderManifests(manifests({ "a.yaml": "a" }, { a: {} }), impatient.signal);
    impatient.abort(new Error("gone"));
    await expect(given).rejects.toThrow("gone");
    await alone[Symbol.asyncDispose]();
    await expect.poll(async () => (await rendererPids()).filter((pid) => !before.includes(pid))).toEqual([]);
  });
});

const scope: MacroScope = {
  system: { cluster: { name: "Edge-17", uid: "0a1b" }, kubernetes: { version: "1.36.3" } },
  var: { replicas: 3, big: JSON.parse("9007199254740991"), password: CANARY, list: [3, 1] },
  macro: { region: "eu-west" },
};

function pack(name: string, text: string): MacroDocument {
  const hidden = hideMacrosInYaml(text, `layer ${name}, values.yaml`);
  const parsed = parseYaml(hidden.text, name);
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return { layer: name, pack: name, tree: parsed.value, macros: hidden.macros };
}

describe("macros", () => {
  test("are replaced through chains of packs and functions of sprig", async () => {
    const base = pack(
      "base",
      `pack:
  namespaceLabels:
    storage: "pod-security.kubernetes.io/enforce-version=v{{ .spectro.system.kubernetes.version | substr 0 4 }}"
options:
  system.uri: "{{ .spectro.pack.base.options.system.registry }}/{{ .spectro.pack.over-lay.name | lower }}:{{ .spectro.var.tag | default \\"v1\\" }}"
  system.registry: {{ .spectro.macro.region | upper | replace "-" "." }}
replicas: {{ add .spectro.var.replicas 1 }}
big: {{ .spectro.var.big | int64 }}
sorted: {{ sortAlpha .spectro.var.list }}
on: {{ eq .spectro.system.cluster.name "Edge-17" }}
alert: "{{ $labels.instance }} {{ .Values.x }}"
`,
    );
    const overlay = pack(
      "over-lay",
      "name: '{{ .spectro.system.cluster.name }}'\nuri: {{ .spectro.pack.base.options.system.uri | quote }}\n",
    );
    const { trees } = await resolveMacros(renderer, { documents: [base, overlay], scope }, signal);
    expect(trees).toEqual([
      {
        pack: { namespaceLabels: { storage: "pod-security.kubernetes.io/enforce-version=v1.36" } },
        options: { "system.uri": "EU.WEST/edge-17:v1", "system.registry": "EU.WEST" },
        replicas: 4,
        big: 9007199254740991,
        sorted: ["1", "3"],
        true: true,
        alert: "{{ $labels.instance }} {{ .Values.x }}",
      },
      { name: "Edge-17", uri: '"EU.WEST/edge-17:v1"' },
    ]);
  });

  test("that fail are all told, with layer, file and line, and without values", async () => {
    const text = `a: {{ .spectro.var.password | fail }}
b: {{ .spectro.var.absent }}
c: {{ .spectro.var.password | substr 0 "x" }}
d: {{ .spectro.var.password | env }}
e: {{ .spectro.var.replicas | getHostByName }}
f: {{ .spectro.var.replicas | randAlphaNum }}
g: {{ atoi .spectro.var.password | div 0 }}
`;
    const error = await resolveMacros(renderer, { documents: [pack("base", text)], scope }, signal).catch((e) => e);
    expect(error).toMatchObject({ reason: "InvalidValues" });
    const told = String((error as Error).message).split("; layer ");
    expect(told.map((problem) => /line \d+/.exec(problem)?.[0])).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `line ${n}`));
    expect(told.join("\n")).toContain('function "env" not defined');
    expect(told.join("\n")).toContain('function "getHostByName" not defined');
    expect(told.join("\n")).toContain('function "randAlphaNum" not defined');
    expect(told.join("\n")).not.toContain(CANARY);
  });

  test.each([
    ["too much text", "repeat 11000000 .spectro.macro.region", "InvalidValues", "more than 10 MiB"],
    ["too much memory", "repeat 200000000 .spectro.macro.region", "RenderFailed", "a macro broke the renderer"],
  ])("that make %s are ended", async (_what, expression, reason, message) => {
    const documents = [pack("base", `a: "{{ ${expression} }}"`)];
    await expect(resolveMacros(renderer, { documents, scope }, signal)).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(message),
    });
    expect(
      await resolveMacros(
        renderer,
        { documents: [pack("base", "a: {{ .spectro.macro.region | upper }}")], scope },
        signal,
      ),
    ).toEqual({ trees: [{ a: "EU-WEST" }] });
  });

  test("that take too long are ended", async () => {
    await using hasty = new Renderer({ binary: toolPath("strata-render"), processes: 1, deadlineMs: 2000 });
    const slow = (n: number) => `a${n}: {{ derivePassword ${n} "long" .spectro.macro.region "user" "site" }}`;
    const documents = [pack("base", Array.from({ length: 2000 }, (_, n) => slow(n)).join("\n"))];
    await expect(resolveMacros(hasty, { documents, scope }, signal)).rejects.toMatchObject({
      reason: "RenderTimeout",
      message: "a macro takes too long to render; one of its templates may never end",
    });
  });

  test("pass through the templates of a pack's manifests, and cannot change what these make", async () => {
    const text = `{{ range until (int .Values.copies) }}---
apiVersion: v1
kind: ConfigMap
metadata: { name: copy-{{ . }} }
data: { zone: "{{ .spectro.macro.region | upper }}", hostile: {{ .spectro.var.hostile }} }
{{ end }}`;
    const what = "layer csi, manifests/a.yaml of pack storage 1.2.0";
    const hidden = hideMacros(text, what);
    const [file] = await renderer.renderManifests(
      manifests({ "manifests/a.yaml": hidden.text }, { a: { copies: 2 } }),
      signal,
    );
    const read = readMacroManifests({ text: file?.content ?? "", macros: hidden.macros }, what);
    if (!read.ok) throw new Error(read.problems.join());
    const documents = read.value.map(({ tree, macros }) => ({ layer: "csi", tree, macros }));
    const hostile = "x }\n---\nkind: Secret";
    const { trees } = await resolveMacros(renderer, { documents, scope: { ...scope, var: { hostile } } }, signal);
    const objects = trees.map((tree, index) => manifestsOf(tree, read.value[index]?.place ?? ""));
    expect(objects).toEqual(
      [0, 1].map((n) => ({
        ok: true,
        value: [
          { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `copy-${n}` }, data: { zone: "EU-WEST", hostile } },
        ],
      })),
    );
  });

  describe("in a template of a pack's manifests", () => {
    /** What becomes of a file with a named template that has a macro. */
    async function applied(data: string): Promise<unknown> {
      const text = `{{ define "password" }}pw={{ .spectro.var.password }}{{ end }}
kind: ConfigMap
apiVersion: v1
metadata: { name: a }
data:
  it: ${data}
`;
      const pin = { layer: "csi", registry: "ours", name: "storage", version: "1.2.0", digest: "sha256:a" };
      const made = await packManifests(
        {
          ...{ kind: "manifests", of: "csi", name: "manifests", pin },
          files: [{ path: "manifests/a.yaml", content: text }],
          values: { a: { odd: "\uF8F0" } },
          macros: { scope, packs: [], seal: "s" },
        },
        { renderer, namespace: "csi", capabilities: { kubeVersion: "v1.36.3", apiVersions: [] } },
        signal,
      );
      return made instanceof Error ? made : (made[0] as unknown as { data: { it: unknown } }).data.it;
    }

    test.each([
      ["{{ include `password` . }}", `pw=${CANARY}`],
      ["{{ include `password` . | quote }}", `pw=${CANARY}`],
      ["|\n    it: {{ include `password` . | quote }}", `it: "pw=${CANARY}"\n`],
      ["{{ dict `a` (include `password` .) | toJson | squote }}", `{"a":"pw=${CANARY}"}`],
      ["{{ printf `%s%s` .Values.odd (include `password` .) | nindent 4 }}", `\uF8F0pw=${CANARY}`],
    ])("are replaced where nothing changes them: %s", async (data, want) => {
      expect(await applied(data)).toBe(want);
    });

    test.each([
      "b64enc",
      "sha256sum",
      "trunc 63 | trimSuffix `-`",
      "regexReplaceAll `[^a-z0-9-]` `-`",
      "eq `x` | toString",
    ])("are refused where one would change what stands for them: %s", async (change) => {
      const data = change.startsWith("regex")
        ? "{{ regexReplaceAll `[^a-z0-9-]` (include `password` .) `-` }}"
        : `{{ include \`password\` . | ${change} }}`;
      await expect(applied(data)).rejects.toMatchObject({
        reason: "RenderFailed",
        message: expect.stringMatching(
          /^pack storage 1\.2\.0 does not render: manifests\/a\.yaml:6:\d+: .*a macro stands where a template function changes it; move it out of there$/,
        ),
      });
    });
  });
});
