import { packSet, type StoredSet, unpackSet } from "../apply/stored-set.ts";
import { readStoredSet, writeStoredSet } from "../apply/system-objects.ts";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { stringifyJson } from "../objects/json.ts";
import { toYaml } from "../objects/yaml.ts";
import { type LayerInputs, layerValues } from "../plan/inputs.ts";
import { manifestsContent, plainObjects } from "../plan/manifests.ts";
import type { Step } from "../plan/step.ts";
import type { LayerContent, PlannedLayer, ReleaseSource } from "../plan/types.ts";
import type { Renderer } from "../render/renderer.ts";
import type { LookupPort, RenderedChart } from "../render/types.ts";
import type { ChartSource } from "../source/chart-source.ts";
import type { ChartPackage } from "../source/types.ts";

/** What a chart may look at in its cluster. */
export interface Capabilities {
  /** `v1.36.3`. */
  kubeVersion: string;
  apiVersions: readonly string[];
}

export interface RenderPlace {
  /** Acts as Strata itself in the target's `strata-system`. */
  system: KubeClient;
  set: ApplySet;
  /** As the cluster is now: what a layer before this one has just brought must be seen. */
  capabilities(signal: AbortSignal): Promise<Capabilities>;
  /** How charts look at the cluster where `helm.lookup` allows it: as the identity that applies them. */
  lookup: LookupPort["read"];
}

/** What a chart is rendered for. */
export interface ChartContext {
  stored: StoredSet | undefined;
  capabilities: Capabilities;
  /** Without it, charts find nothing. */
  lookup?: LookupPort["read"];
  revision: number;
  isUpgrade: boolean;
}

/** Renders layers for clusters: the stored set of a chart is its content until an input changes. */
export class LayerRenderer {
  readonly #source: ChartSource;
  readonly #renderer: Renderer;

  readonly #count: (result: "hit" | "miss" | "failed") => void;
  /** What is known here already was rendered for another cluster, or for another profile. */
  readonly #rendered = new WeakSet<RenderedChart>();

  /** @param count hears of each chart that was wanted: it was stored or rendered before, or had to be rendered */
  constructor(source: ChartSource, renderer: Renderer, count: (result: "hit" | "miss" | "failed") => void) {
    this.#source = source;
    this.#renderer = renderer;
    this.#count = count;
  }

  /** @returns the content, or the failure that the layer shows; throws what the target's API server says */
  async render(
    { layer: { spec, inputs }, revision, isUpgrade }: Omit<Step & { kind: "Render" }, "kind">,
    place: RenderPlace,
    signal: AbortSignal,
  ): Promise<LayerContent | Failure> {
    if (!inputs) return new Failure("ReferenceNotFound", "something that the layer refers to is missing");
    if (!spec.helm) return manifestsContent(spec, inputs.texts);
    const packed = await readStoredSet(place.system, place.set, spec.name, signal);
    const stored = packed === undefined ? undefined : unpackSet(packed);
    if (stored?.inputs === inputs.digest) {
      this.#count("hit");
      return stored.content;
    }
    const capabilities = await place.capabilities(signal);
    const { lookup } = place;
    const content = await this.chart(inputs, { stored, capabilities, lookup, revision, isUpgrade }, signal);
    if (content instanceof Failure) {
      this.#count("failed");
      return content;
    }
    try {
      await this.store(inputs, content, { place, signal });
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
    return content;
  }

  /** Makes this the stored content of a layer, for as long as its inputs are these. */
  async store(
    { layer, digest, specDigest }: LayerInputs,
    content: LayerContent,
    { place, signal }: { place: Pick<RenderPlace, "system" | "set">; signal: AbortSignal },
  ): Promise<void> {
    const packed = packSet({ inputs: digest, specDigest, content });
    await writeStoredSet(place.system, { set: place.set, layer: layer.name, content: packed }, signal);
  }

  /** The stored content of a layer, whatever it was rendered from. */
  async recall(
    layer: string,
    { system, set }: Pick<RenderPlace, "system" | "set">,
    signal: AbortSignal,
  ): Promise<LayerContent | undefined> {
    const packed = await readStoredSet(system, set, layer, signal);
    return packed === undefined ? undefined : unpackSet(packed)?.content;
  }

  /** The chart of a layer as its Helm release holds it: fetched from the chart's source and rendered for nothing else. */
  async releaseSource(
    { inputs, state }: PlannedLayer,
    place: RenderPlace,
    signal: AbortSignal,
  ): Promise<ReleaseSource | Failure> {
    if (!inputs || state.kind !== "known") throw new Error("the content of the layer is not known");
    const stored = { inputs: inputs.digest, specDigest: inputs.specDigest, content: state.content };
    const { lookup } = place;
    const about = { stored, capabilities: await place.capabilities(signal), lookup, revision: 1, isUpgrade: false };
    const content = await this.chart(inputs, about, signal);
    if (content instanceof Failure) return content;
    return content.release?.source ?? { chart: "{}", config: "{}" };
  }

  /** A chart's objects. A version that was resolved before is kept until the layer itself changes. */
  async chart(
    inputs: LayerInputs,
    { stored, capabilities, lookup, revision, isUpgrade }: ChartContext,
    signal: AbortSignal,
  ): Promise<LayerContent | Failure> {
    const { helm, name } = inputs.layer;
    const values = layerValues(inputs);
    if (values instanceof Failure) return values;
    if (!helm || inputs.namespace === undefined)
      return new Failure("NamespaceMissing", `layer ${name} has a chart and needs a namespace`);
    try {
      const pinned = stored?.specDigest === inputs.specDigest ? pinnedIn(stored.content) : undefined;
      const version = pinned?.version ?? (await this.#source.resolve(helm, signal)).version;
      const chart = await this.#source.fetch(
        { ...helm, version, ...(pinned?.digest ? { digest: pinned.digest } : {}) },
        signal,
      );
      const rendered = await this.#renderer.renderChart(
        {
          chartBytes: chart.bytes,
          chartDigest: chart.digest,
          values,
          releaseName: helm.releaseName ?? name,
          namespace: inputs.namespace,
          ...capabilities,
          isUpgrade,
          revision,
          ownKinds: inputs.layer.crds !== "Skip",
          ...(helm.lookup && lookup ? { lookup: { allowed: helm.lookup, read: lookup } } : {}),
        },
        signal,
      );
      this.#count(this.#rendered.has(rendered) ? "hit" : "miss");
      this.#rendered.add(rendered);
      return contentOf(rendered, { inputs, values, chart });
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  }
}

/** What the layer's chart was resolved to, also while the content is that of an older revision. */
function pinnedIn(content: LayerContent): Pick<LayerContent, "version" | "digest"> {
  return content.release?.rolledBack?.pinned ?? content;
}

/** A rendered chart with what is attached to it, as the content of its layer. */
function contentOf(
  { objects, crds, chart: { name }, hooks, manifest, notes, chartJson, refusedLookups }: RenderedChart,
  { inputs, values, chart }: { inputs: LayerInputs; values: Record<string, unknown>; chart: ChartPackage },
): LayerContent | Failure {
  const attachments = plainObjects(inputs.layer, "attachments", inputs.texts);
  if (attachments instanceof Failure) return attachments;
  const attached = attachments.map((object) => `---\n# Source: attachments\n${toYaml(object)}`);
  return {
    objects,
    crds,
    version: chart.version,
    digest: chart.digest,
    ...(attachments.length > 0 ? { attachments } : {}),
    release: {
      chart: name,
      hooks,
      notes,
      ...(refusedLookups.length > 0 ? { refusedLookups } : {}),
      manifest: [...attached, manifest].join(""),
      source: { chart: chartJson, config: stringifyJson(values) },
    },
  };
}
