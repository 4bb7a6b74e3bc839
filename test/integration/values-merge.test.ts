import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { sha256Hex } from "../../src/objects/digest.ts";
import { parseJson, stringifyJson } from "../../src/objects/json.ts";
import { parseManifests } from "../../src/objects/yaml.ts";
import { chartValues, packValues } from "../../src/pack/index.ts";
import type { Preset } from "../../src/pack/types.ts";
import { type LayerInputs, layerValues } from "../../src/plan/inputs.ts";
import { mergeValues, setAtPath, type Values } from "../../src/plan/values.ts";
import { Renderer } from "../../src/render/renderer.ts";
import { writeArchive } from "../../src/source/archive/write-archive.ts";
import { helm } from "../support/helm.ts";
import { temporaryFolder } from "../support/processes.ts";
import { requestOf } from "../support/rendering.ts";
import { toolPath } from "../support/tools.ts";

const RUNS = { numRuns: 40 };
const TIME = 300_000;
const signal = new AbortController().signal;

/** What a chart and its subchart are given, as they see it. */
const TEMPLATE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Chart.Name }} }
data: { values: {{ .Values | toJson | quote }} }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let renderer: Renderer;

beforeAll(async () => {
  folder = await temporaryFolder("values-merge");
  renderer = new Renderer({ binary: toolPath("strata-render"), processes: 1 });
});

afterAll(async () => {
  await renderer?.[Symbol.asyncDispose]();
  await folder?.remove();
});

/** Few keys, so that they meet; each may be a map here and a scalar, a list or null there. */
const key = fc.constantFrom("a", "b", "x.y", "constructor", "sub", "global");
const scalar = fc.oneof(
  fc.constantFrom<unknown>("", "1", "true", "~", "{{ .Values.a }}", "two\nlines", 0, 7, -1.5, 1e21, true, false, null),
  fc.string({ maxLength: 3 }),
);
const { map: anyValues } = fc.letrec<{ map: Values; node: unknown }>((tie) => ({
  map: fc.array(fc.tuple(key, tie("node")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  node: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: scalar },
    { weight: 4, arbitrary: tie("map") },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  ),
}));

/** As people write them: `global` and what stands below a subchart's name are maps, or Helm renders nothing. */
const values = anyValues.map((tree) =>
  Object.fromEntries(Object.entries(tree).filter(([name, value]) => !["sub", "global"].includes(name) || isMap(value))),
);

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A chart with a subchart, each with values of its own. */
interface Chart {
  defaults: Values;
  subDefaults: Values;
}

const chart = fc.record<Chart>({ defaults: values, subDefaults: values });

function filesOf({ defaults, subDefaults }: Chart): Map<string, string> {
  return new Map([
    ["Chart.yaml", "{ apiVersion: v2, name: app, version: 1.0.0 }"],
    ["values.yaml", stringifyJson(defaults)],
    ["templates/values.yaml", TEMPLATE],
    ["charts/sub/Chart.yaml", "{ apiVersion: v2, name: sub, version: 1.0.0 }"],
    ["charts/sub/values.yaml", stringifyJson(subDefaults)],
    ["charts/sub/templates/values.yaml", TEMPLATE],
  ]);
}

type Seen = Record<string, unknown>;

function seenIn(objects: readonly unknown[]): Seen {
  const maps = objects as { metadata: { name: string }; data: { values: string } }[];
  return Object.fromEntries(maps.map(({ metadata, data }) => [metadata.name, parseJson(data.values)]));
}

/** What `helm template` gives the chart, with these files in this order. */
async function byHelm(of: Chart, given: readonly Values[], flags: readonly string[] = []): Promise<Seen> {
  const place = join(folder.path, "app");
  for (const [path, text] of filesOf(of)) {
    await mkdir(join(place, path, ".."), { recursive: true });
    await writeFile(join(place, path), text);
  }
  const files = given.map((_, index) => join(folder.path, `${index}.json`));
  for (const [index, tree] of given.entries()) await writeFile(files[index] ?? "", stringifyJson(tree));
  const args = ["template", "front", place, ...files.flatMap((file) => ["--values", file]), ...flags];
  const parsed = parseManifests(await helm(args, { home: folder.path }), "helm template");
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return seenIn(parsed.value);
}

/** What Strata gives the chart, with these values over its own. */
async function byStrata(of: Chart, given: Values | Failure): Promise<Seen> {
  if (given instanceof Failure) throw given;
  const files = [...filesOf(of)].map(([path, text]) => [path, Buffer.from(text)] as const);
  const bytes = writeArchive(new Map(files), "app");
  const digest = `sha256:${sha256Hex(Buffer.from(bytes).toString("base64"))}`;
  const { objects } = await renderer.renderChart(requestOf({ bytes, digest }, { values: given }), signal);
  return seenIn(objects);
}

/** A layer with `values`, one of `valuesFrom` and one override of the cluster. */
function layerOf([own, from, override]: readonly [Values, Values, Values]): LayerInputs {
  const layer = { name: "app", values: own, valuesFrom: [{ configMapKeyRef: { name: "a", key: "b" } }] };
  const texts = new Map([["valuesFrom[0]", [{ what: "ConfigMap a", key: "b", text: stringifyJson(from) }]]]);
  return { layer, texts, overrides: [override] } as unknown as LayerInputs;
}

/** A pack of one chart, one preset of it, and a layer. */
function valuesOfPack(given: readonly [Values, Values, Values]): Values {
  const [text, add, own] = given.map((tree) => ({ charts: { app: tree } }));
  const preset: Preset = { name: "p", displayName: "P", group: undefined, add: stringifyJson(add), remove: [] };
  const pack = { presets: [preset] };
  const where = "pack app 1.0.0";
  const merged = packValues({ pack, text: stringifyJson(text), presets: [preset], values: own ?? {}, where });
  const final = merged.ok ? chartValues(merged.value.final, "app") : merged;
  if (!final.ok) throw new Error(final.problems.join());
  return final.value;
}

describe("values are merged as helm merges them", () => {
  test("chart, values, valuesFrom and overrides: as one `--values` after the other", { timeout: TIME }, async () => {
    const property = fc.asyncProperty(chart, fc.tuple(values, values, values), async (of, given) => {
      expect(await byStrata(of, layerValues(layerOf(given)))).toEqual(await byHelm(of, given));
    });
    await fc.assert(property, RUNS);
  });

  test("chart, pack, preset and layer: as one `--values` after the other", { timeout: TIME }, async () => {
    const property = fc.asyncProperty(chart, fc.tuple(values, values, values), async (of, given) => {
      expect(await byStrata(of, valuesOfPack(given))).toEqual(await byHelm(of, given));
    });
    await fc.assert(property, RUNS);
  });

  test("what no chart's values lie below: as the chart's values and one `--values`", { timeout: TIME }, async () => {
    const property = fc.asyncProperty(values, values, async (defaults, over) => {
      const { app } = await byHelm({ defaults, subDefaults: {} }, [over]);
      expect(plain(mergeValues(defaults, over))).toEqual(plain(app));
    });
    await fc.assert(property, RUNS);
  });
});

/** Without what Helm adds for subcharts, and without nulls: Helm leaves one where it has found nothing to delete. */
function plain(tree: unknown): Values {
  const { sub: _, global: __, ...rest } = withoutNulls(tree) as Values;
  return rest;
}

function withoutNulls(node: unknown): unknown {
  if (!isMap(node)) return node;
  const entries = Object.entries(node).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([name, value]) => [name, withoutNulls(value)]));
}

describe("a text goes where `--set-string` puts it", () => {
  const step = fc.constantFrom("a", "b", "x.y", "constructor", "a[0]", "b[1]", "a[0][2]");
  const path = fc
    .array(step, { minLength: 1, maxLength: 3 })
    .map((steps) => steps.map((one) => one.replace("x.y", "x\\.y")).join("."));

  test("or is refused where that fails", { timeout: TIME }, async () => {
    const text = fc.constantFrom("v", "7", "null", "true");
    const property = fc.asyncProperty(values.map(withoutNulls), path, text, async (tree, at, text) => {
      const given = tree as Values;
      const none = { defaults: {}, subDefaults: {} };
      const ours = setAtPath(given, at, text);
      const theirs = await byHelm(none, [given], ["--set-string", `${at}=${text}`]).catch(() => undefined);
      if (theirs === undefined) expect(ours.ok, `${at} in ${stringifyJson(given)}`).toBe(false);
      else if (ours.ok) expect(await byStrata(none, ours.value)).toEqual(theirs);
      else expect(ours.problems).toEqual([expect.stringContaining("is not a ")]);
    });
    await fc.assert(property, RUNS);
  });
});
