import { packSet, type StoredSet, unpackSet } from "../apply/stored-set.ts";
import { readStoredSet, writeStoredSet } from "../apply/system-objects.ts";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { type LayerInputs, layerValues } from "../plan/inputs.ts";
import { manifestsContent } from "../plan/manifests.ts";
import type { LayerContent, PlannedLayer } from "../plan/types.ts";
import type { Renderer } from "../render/renderer.ts";
import type { RenderedChart } from "../render/types.ts";
import type { ChartSource } from "../source/chart-source.ts";

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
    { spec, inputs }: PlannedLayer,
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
    const content = await this.chart(inputs, { stored, capabilities: await place.capabilities(signal) }, signal);
    if (content instanceof Failure) {
      this.#count("failed");
      return content;
    }
    const set: StoredSet = {
      inputs: inputs.digest,
      specDigest: inputs.specDigest,
      revision: (stored?.revision ?? 0) + 1,
      content,
    };
    await writeStoredSet(place.system, { set: place.set, layer: spec.name, content: packSet(set) }, signal);
    return content;
  }

  /** A chart's objects. A version that was resolved before is kept until the layer itself changes. */
  async chart(
    inputs: LayerInputs,
    { stored, capabilities }: { stored: StoredSet | undefined; capabilities: Capabilities },
    signal: AbortSignal,
  ): Promise<LayerContent | Failure> {
    const { helm, name } = inputs.layer;
    const values = layerValues(inputs);
    if (values instanceof Failure) return values;
    if (!helm || inputs.namespace === undefined)
      return new Failure("NamespaceMissing", `layer ${name} has a chart and needs a namespace`);
    try {
      const pinned = stored?.specDigest === inputs.specDigest ? stored.content : undefined;
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
          isUpgrade: stored !== undefined,
          revision: (stored?.revision ?? 0) + 1,
        },
        signal,
      );
      this.#count(this.#rendered.has(rendered) ? "hit" : "miss");
      this.#rendered.add(rendered);
      return { objects: rendered.objects, crds: rendered.crds, version: chart.version, digest: chart.digest };
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  }
}
