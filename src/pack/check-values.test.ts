import { describe, expect, it } from "vitest";
import { parseValues, type Values } from "../plan/values.ts";
import { checkLayerValues, type KnownChart, packDefects } from "./check-values.ts";
import { packJson, samplePack } from "./testdata/sample.ts";

const APP: KnownChart = {
  name: "app",
  values: { app: { env: [], replicas: 1 }, image: { tag: "1", pullPolicy: "Always" }, labels: {}, enabled: true },
  subcharts: ["redis"],
};

const pack = samplePack({
  "pack.json": packJson({ kubeManifests: ["manifests/web.yaml"] }),
  "manifests/web.yaml": "port: {{ .Values.port }}\nhost: {{ .Values.host }}\nzone: {{ .spectro.pack.sample.zone }}",
  "values.yaml": "account: ''\nother: {{ .spectro.pack.sample.account }}{{ .spectro.pack.sample.region }}",
});

function valuesOf(text: string): Values {
  const parsed = parseValues(text, "values");
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

describe("packDefects", () => {
  it.each([
    [
      "a pack in order",
      "pack: {releaseNameOverride: {app: a}}\ncharts: {app: {image: {}}}\nmanifests: {web: {}}\naccount: ''\nzone: ''",
      [],
    ],
    ["keys of a chart without values of its own", "charts: {bare: {a: 1}}", []],
    ["keys that the chart's values.yaml does not show", "charts: {app: {hidden: 1}}", []],
    [
      "charts that the pack has not",
      "charts: {app: {}, frs: {}, isOpenshift: false}",
      ["charts.frs, charts.isOpenshift: the pack has no such chart, so this has no effect"],
    ],
    [
      "a manifest that it has not",
      "manifests: {wbe: {}}",
      ["manifests.wbe: the pack has no such manifest, so this has no effect"],
    ],
    [
      "release names for charts that it has not",
      "pack: {releaseNameOverride: {a: x, b: x, c: x, d: x, e: x, f: x}}",
      [
        "pack.releaseNameOverride.a, pack.releaseNameOverride.b, pack.releaseNameOverride.c, pack.releaseNameOverride.d, pack.releaseNameOverride.e and 1 more: the pack has no such chart, so this has no effect",
      ],
    ],
    [
      "a chart's values one level too high",
      "charts: {app: {env: [], replicas: 2}}",
      ["charts.app has no key that is a value of the chart, so it has no effect; its keys belong under charts.app.app"],
    ],
    [
      "free keys that nothing refers to",
      "account: ''\nglobal: {}\nauth: {}",
      ["global, auth: nothing in the pack refers to it"],
    ],
  ])("%s", (_, text, defects) => {
    const charts = [APP, { name: "bare" }];
    expect(packDefects(pack, charts, valuesOf(text))).toEqual(
      defects.map((defect) => `pack sample, values.yaml: ${defect}`),
    );
  });
});

describe("values of a hostile pack", () => {
  const many = (count: number, name: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name}${n}`, { [`in${n}`]: 1 }]));

  it("are looked at in little time", { timeout: 30_000 }, () => {
    const values = many(100_000, "key");
    const chart = { ...APP, values: many(100_000, "other") };
    const found = packDefects(pack, [chart], { ...values, charts: { app: values } });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("key0, key1, key2, key3, key4 and");
    const layer = checkLayerValues({ pack, charts: [chart], preset: many(100_000, "preset") }, values);
    expect(layer.length).toBeLessThanOrEqual(100);
  });
});

describe("checkLayerValues", () => {
  const preset = valuesOf(
    "account: ''\npack: {namespace: app, custom: 1}\ncharts: {app: {extra: {a: 1}}}\nmanifests: {web: {port: 1}}",
  );

  it.each<[string, Values, string[]]>([
    [
      "what the pack, the chart and the templates know",
      {
        account: "1",
        region: "eu",
        readinessCheck: {},
        pack: { namespace: "x", custom: 2, "spectrocloud.com/display-name": "y" },
        charts: { app: { image: { tag: "2" }, extra: { b: 1 }, redis: {}, global: {}, labels: { anything: 1 } } },
        manifests: { web: { port: 2, host: "h" } },
      },
      [],
    ],
    ["a chart's name at the top", { app: {} }, ["values: the pack has no key app; did you mean charts.app?"]],
    [
      "a slip at the top",
      { acount: "1", chart: {} },
      [
        "values: the pack has no key acount; did you mean account?",
        "values: the pack has no key chart; did you mean charts?",
      ],
    ],
    ["a slip under pack", { pack: { namespce: "x" } }, ["values: pack.namespce is not known; did you mean namespace?"]],
    [
      "a chart that is not there",
      { charts: { ap: {}, other: {} } },
      [
        "values: charts.ap names no chart of the pack; did you mean app?",
        "values: charts.other names no chart of the pack",
      ],
    ],
    [
      "a manifest that is not there",
      { manifests: { webb: {} } },
      ["values: manifests.webb names no manifest of the pack; did you mean web?"],
    ],
    [
      "a key that is no value of the chart",
      { charts: { app: { imge: {} } } },
      ["values: charts.app.imge is no value of the chart; did you mean image?"],
    ],
    [
      "a slip deeper down, but not what is open there",
      { charts: { app: { image: { pulPolicy: "Never", completelyOther: 1 } } } },
      ["values: charts.app.image.pulPolicy is no value of the chart; did you mean pullPolicy?"],
    ],
    [
      "a value that the template does not use",
      { manifests: { web: { prot: 1 } } },
      ["values: manifests.web.prot is not used by the manifest; did you mean port?"],
    ],
    ["sections that are taken away", { charts: null, manifests: null, pack: null }, []],
  ])("%s", (_, values, warnings) => {
    expect(checkLayerValues({ pack, charts: [APP], preset }, values)).toEqual(warnings);
  });

  it("says nothing about a chart whose values are not known yet", () => {
    const values = { charts: { app: { whatever: 1 } } };
    expect(checkLayerValues({ pack, charts: [{ name: "app" }], preset }, values)).toEqual([]);
  });

  it("makes one printable line of any key", () => {
    const [warning = ""] = checkLayerValues(
      { pack, charts: [], preset },
      { [`a\n\u001b[31m${"x".repeat(10_000)}`]: 1 },
    );
    expect(warning).toMatch(/^[^\p{Cc}]{1,500}$/u);
  });
});
