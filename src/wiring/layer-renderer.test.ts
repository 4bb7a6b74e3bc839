import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import { packSet, type StoredSet } from "../apply/stored-set.ts";
import type { KubeClient } from "../kube/client.ts";
import { applySetOf } from "../membership/applyset.ts";
import { type LayerInputs, readInputs } from "../plan/inputs.ts";
import type { LayerContent } from "../plan/types.ts";
import type { Renderer } from "../render/renderer.ts";
import type { ChartSource } from "../source/chart-source.ts";
import { LayerRenderer } from "./layer-renderer.ts";

const signal = new AbortController().signal;
const NEWEST = "2.0.1";

function inputsOf(): LayerInputs {
  const helm = { repo: "https://charts.example", chart: "shop", version: "2.x" };
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme" },
    spec: { clusterRefs: [{ name: "local" }], namespace: "web", layers: [{ name: "shop", helm }] },
  });
  const [layer] = parsed.ok ? parsed.value.spec.layers : [];
  if (!parsed.ok || !layer) throw new Error("no layer");
  const referents = () => ({ kind: "absent" as const });
  const about = { profile: parsed.value, referents, digestKey: new Uint8Array(32), kubernetesMinor: "1.36" };
  const read = readInputs(layer, about);
  if (read.kind !== "read") throw new Error("no inputs");
  return read.inputs;
}

const release = { chart: "shop", hooks: [], manifest: "", notes: "" };

/** Renders the layer where `stored` is what the last render left; tells what was asked of the chart's source. */
async function render({
  stored,
  notes = "",
}: {
  stored?: Partial<StoredSet> & { content: LayerContent };
  notes?: string;
}) {
  const inputs = inputsOf();
  const asked: object[] = [];
  const source = {
    resolve: async () => ({ version: NEWEST }),
    fetch: async ({ version, digest }: { version: string; digest?: string }) => {
      asked.push({ version, digest });
      return { name: "shop", version, digest: digest ?? `sha256:${version}`, bytes: new Uint8Array() };
    },
  };
  const rendered = {
    ...release,
    objects: [],
    crds: [],
    chart: { name: "shop" },
    chartJson: "{}",
    refusedLookups: [],
    notes,
  };
  const set = stored && packSet({ inputs: "before", specDigest: inputs.specDigest, ...stored });
  const written: unknown[] = [];
  const system = {
    find: async () => set && { data: { set } },
    apply: async (_resource: unknown, object: unknown) => void written.push(object),
  };
  const place = {
    system: system as unknown as KubeClient,
    set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" }),
    capabilities: async () => ({ kubeVersion: "v1.36.3", apiVersions: [] }),
    lookup: async () => undefined as never,
  };
  const renderer = { renderChart: async () => rendered };
  const layers = new LayerRenderer(source as unknown as ChartSource, renderer as unknown as Renderer, () => undefined);
  const layer = { spec: inputs.layer, inputs, state: { kind: "unknown" as const }, namespace: "web" };
  const content = await layers.render({ layer, revision: 2, isUpgrade: true }, place, signal);
  return { asked, content, written };
}

const TWO = { version: "2.0.0", digest: "sha256:two" };
const rolledBack = { from: 2, to: 1, why: "a hook failed", pinned: TWO };

describe("a chart that is rendered again", () => {
  const rows: [name: string, stored: Parameters<typeof render>[0]["stored"], want: object][] = [
    ["is the newest of its range at first", undefined, { version: NEWEST, digest: undefined }],
    ["is the same while only inputs change", { content: { objects: [], crds: [], ...TWO, release } }, TWO],
    [
      "is the one that the layer asks for, also where the content is that of an older revision",
      { content: { objects: [], crds: [], version: "1.0.0", release: { ...release, rolledBack } } },
      TWO,
    ],
    [
      "is the newest again when the layer itself has changed",
      { specDigest: "another", content: { objects: [], crds: [], ...TWO, release } },
      { version: NEWEST, digest: undefined },
    ],
  ];
  it.each(rows)("%s", async (_name, stored, want) => {
    expect((await render(stored ? { stored } : {})).asked).toEqual([want]);
  });
});

it("what is too large to be stored fails the layer, with its size", async () => {
  const { content, written } = await render({ notes: randomBytes(2_000_000).toString("base64") });
  expect(content).toMatchObject({ reason: "TooLarge", message: expect.stringMatching(/1\.9 MiB when packed/) });
  expect(written).toEqual([]);
});
