import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import { packSet, packStored, type StoredSet } from "../apply/stored-set.ts";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import { applySetOf } from "../membership/applyset.ts";
import { packJson } from "../pack/testdata/sample.ts";
import { type LayerInputs, readInputs } from "../plan/inputs.ts";
import type { LayerContent, PackPart } from "../plan/types.ts";
import type { Renderer } from "../render/renderer.ts";
import type { LookupRules, RenderRequest } from "../render/types.ts";
import type { RegistryAccess } from "../source/access.ts";
import type { Sources } from "../source/sources.ts";
import type { HelmSource, PinnedSource } from "../source/types.ts";
import { type Elsewhere, LayerRenderer, type RegistryPort } from "./layer-renderer.ts";

const signal = new AbortController().signal;
const NEWEST = "2.0.1";

function inputsOf(from: object): LayerInputs {
  const helm = { chart: "shop", version: "2.x", ...from };
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme" },
    spec: { clusterRefs: [{ name: "local" }], namespace: "web", layers: [{ name: "shop", helm }] },
  });
  const [layer] = parsed.ok ? parsed.value.spec.layers : [];
  if (!parsed.ok || !layer) throw new Error("no layer");
  const referents = () => ({ kind: "absent" as const });
  const about = { profile: parsed.value, referents, digestKey: new Uint8Array(32), kubernetesVersion: "v1.36.3" };
  const read = readInputs(layer, about);
  if (read.kind !== "read") throw new Error("no inputs");
  return read.inputs;
}

const release = { chart: "shop", hooks: [], manifest: "", notes: "" };

/** Renders the layer where `stored` is what the last render left; tells what was asked of the chart's source. */
async function render({
  stored,
  isKnown = false,
  notes = "",
  from = { repo: "https://charts.example" },
  part,
  registry = async () => new Failure("ReferenceNotFound", "there is no such Registry"),
}: {
  stored?: Partial<StoredSet> & { content: LayerContent };
  /** This process has made what is stored. */
  isKnown?: boolean;
  notes?: string;
  from?: object;
  part?: PackPart;
  registry?: RegistryPort;
}) {
  const read = inputsOf(from);
  const inputs = part ? { ...read, layer: { ...read.layer, part } } : read;
  const lookups: (LookupRules | undefined)[] = [];
  const asked: object[] = [];
  const places: HelmSource["repo"][] = [];
  const passes = { away: 0 };
  const elsewhere: Elsewhere = async (work) => {
    passes.away += 1;
    const done = await work();
    passes.away -= 1;
    return done;
  };
  const source = {
    resolve: async ({ repo }: HelmSource) => {
      expect(passes.away, "who waits for a registry holds up nobody").toBe(1);
      places.push(repo);
      return { version: NEWEST };
    },
    fetch: async ({ repo, version, digest }: PinnedSource) => {
      expect(passes.away, "who waits for a registry holds up nobody").toBe(1);
      places.push(repo);
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
  const before = stored && { inputs: "before", specDigest: inputs.specDigest, ...stored };
  const set = before && (await packSet(before));
  const written: unknown[] = [];
  const reads: unknown[] = [];
  const system = {
    find: async (_resource: unknown, key: unknown) => {
      reads.push(key);
      return set && { data: { set } };
    },
    apply: async (_resource: unknown, object: unknown) => void written.push(object),
  };
  const place = {
    system: system as unknown as KubeClient,
    set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" }),
    capabilities: async () => ({ kubeVersion: "v1.36.3", apiVersions: [] }),
    lookup: async () => undefined as never,
    registry,
    elsewhere,
  };
  const renderer = {
    renderChart: async ({ lookup }: RenderRequest) => {
      lookups.push(lookup && { field: lookup.field, allowed: lookup.allowed });
      expect(passes.away, "to render is work").toBe(0);
      return rendered;
    },
  };
  const sources = { charts: source, packs: undefined } as unknown as Sources;
  const layers = new LayerRenderer(sources, renderer as unknown as Renderer, () => undefined);
  const layer = { spec: inputs.layer, inputs, state: { kind: "unknown" as const }, namespace: "web" };
  const known = isKnown && before ? { before } : {};
  const content = await layers.render({ layer, revision: 2, isUpgrade: true, ...known }, place, signal);
  return { asked, places, content, written, lookups, reads };
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

  it.each(rows)("%s, and what this process has made itself is not read again", async (_name, stored, want) => {
    const { asked, reads } = await render(stored ? { stored, isKnown: true } : {});
    expect(asked).toEqual([want]);
    expect(reads.length).toBe(stored ? 0 : 1);
  });
});

describe("a chart that looks at its cluster", () => {
  const from = { repo: "https://charts.example" };
  const lookup = [{ apiVersion: "v1", kind: "Secret", namespace: "web", name: "db" }];
  const pin = { layer: "shop", registry: "ours", name: "shop", version: "1.0.0", digest: "sha256:shop" };
  const part: PackPart = { kind: "chart", of: "shop", name: "app", pin };
  const registry: RegistryPort = async () => ({ kind: "OCI", url: "oci://ours.example" });

  it("finds what its layer allows, which is nothing if it does not say", async () => {
    expect((await render({ from: { ...from, lookup } })).lookups).toEqual([{ field: "helm.lookup", allowed: lookup }]);
    expect((await render({ from })).lookups).toEqual([{ field: "helm.lookup", allowed: [] }]);
  });

  it("is told of by the field of the pack whose part it is", async () => {
    expect((await render({ from: { ...from, lookup }, part, registry })).lookups).toEqual([
      { field: "pack.lookup", allowed: lookup },
    ]);
  });
});

describe("a chart of a Registry", () => {
  const access: RegistryAccess = { kind: "OCI", url: "oci://registry.example", name: "Registry acme/company" };
  const refused = new Failure("ReferenceNotFound", "Registry acme/company: Secret acme/login does not exist");

  it("comes from where the Registry says, with its credentials", async () => {
    // leaf: Profile spec.layers[].helm.registryRef.name
    const wanted: string[] = [];
    const registry: RegistryPort = async ({ name }) => {
      wanted.push(name);
      return access;
    };
    const { places } = await render({ from: { registryRef: { name: "company" } }, registry });
    expect(wanted).toEqual(["company"]);
    expect(places).toEqual([access, access]);
  });

  it("fails the layer with the Registry's sentence when that cannot be used", async () => {
    const { content, places } = await render({
      from: { registryRef: { name: "company" } },
      registry: async () => refused,
    });
    expect(content).toBe(refused);
    expect(places).toEqual([]);
  });

  it("is not asked for while what is stored was rendered from the same inputs, dead as its Registry may be", async () => {
    const from = { registryRef: { name: "company" } };
    const content = { objects: [], crds: [], ...TWO, release };
    const stored = { inputs: inputsOf(from).digest, content };
    const again = await render({ from, stored, registry: async () => refused });
    expect(again.content).toMatchObject({ version: "2.0.0" });
    expect(again.written).toEqual([]);
  });
});

it("what is too large to be stored fails the layer, with its size", async () => {
  const { content, written } = await render({ notes: randomBytes(2_000_000).toString("base64") });
  expect(content).toMatchObject({ reason: "TooLarge", message: expect.stringMatching(/1\.9 MiB when packed/) });
  expect(written).toEqual([]);
});

describe("a part of a pack that was stored before its Registry asked for signatures", () => {
  const unsigned = new Failure("VerificationFailed", "pack web 1.0.0 is not signed");

  /** What a render gives where the stored content was made from `inputs`, if there is any. */
  async function rendered(inputs: (inputs: LayerInputs) => string | undefined) {
    const read = inputsOf({ registryRef: { name: "elsewhere" } });
    const spec = { ...read.layer, part: { kind: "chart" as const, of: "web", name: "shop" } };
    const stored = inputs(read);
    const about = { what: "it", remedy: "none" };
    const files = { "pack.json": packJson({ name: "web" }), "values.yaml": "" };
    const pack = {
      key: "k",
      registry: "company",
      name: "web",
      version: "1.0.0",
      digest: "sha256:web",
      charts: [],
      files,
    };
    const content = { objects: [], crds: [], ...TWO, release };
    const sets = new Map([[".web", await packStored(pack, about)]]);
    if (stored) sets.set(".shop", await packSet({ inputs: stored, specDigest: read.specDigest, content }));
    const system = {
      find: async (_resource: unknown, { name }: { name: string }) => {
        const [, set] = [...sets].find(([suffix]) => name.endsWith(suffix)) ?? [];
        return set && { data: { set } };
      },
      apply: async () => undefined,
    };
    const packs = { fetch: async () => Promise.reject(unsigned) };
    const place = {
      system: system as unknown as KubeClient,
      set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" }),
      capabilities: async () => ({ kubeVersion: "v1.36.3", apiVersions: [] }),
      lookup: async () => undefined as never,
      registry: async () => ({ kind: "OCI" as const, url: "oci://ours.example", verify: { cosignKeys: ["key"] } }),
      elsewhere: <T>(work: () => Promise<T>) => work(),
    };
    const layers = new LayerRenderer({ packs } as unknown as Sources, {} as Renderer, () => undefined);
    const layer = { spec, inputs: { ...read, layer: spec }, state: { kind: "unknown" as const }, namespace: "web" };
    return await layers.render({ layer, revision: 2, isUpgrade: true }, place, signal);
  }

  it("runs on as it is", async () => {
    expect(await rendered(({ digest }) => digest)).toMatchObject({ version: "2.0.0" });
  });

  it("is rendered neither for other values nor for the first time, whatever registry its chart is from", async () => {
    expect(await rendered(() => "others")).toBe(unsigned);
    expect(await rendered(() => undefined)).toBe(unsigned);
  });
});
