import { packSet, unpackSet } from "../apply/stored-set.ts";
import { readStoredSet, writeStoredSet } from "../apply/system-objects.ts";
import { Failure, failureOf } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ApplySet } from "../membership/applyset.ts";
import type { MacroAnswer, MacroExpression } from "../pack/macro-types.ts";
import { type LayerInputs, layerValues } from "../plan/inputs.ts";
import { fetchedSources, manifestsContent, plainObjects } from "../plan/manifests.ts";
import { patchContent } from "../plan/patches.ts";
import { lookupFieldOf } from "../plan/refused-lookups.ts";
import type { Step } from "../plan/step.ts";
import type { EngineLayer, LayerContent, MadeContent, PackPart, PlannedLayer, ReleaseSource } from "../plan/types.ts";
import type { LoadedPack } from "../plan/valued-pack.ts";
import type { Renderer } from "../render/renderer.ts";
import type { LookupPort, RenderedChart } from "../render/types.ts";
import type { RegistryAccess } from "../source/access.ts";
import type { ChartSource } from "../source/chart-source.ts";
import type { Sources } from "../source/sources.ts";
import type { ChartPackage, HelmSource } from "../source/types.ts";
import { ManifestSources, pinnedIn, pinsOf } from "./manifest-sources.ts";
import { PackLoader } from "./pack-loader.ts";
import { packManifests } from "./pack-manifests.ts";
import { contentOf } from "./rendered-content.ts";

/** What a chart may look at in its cluster. */
export interface Capabilities {
  /** `v1.36.3`. */
  kubeVersion: string;
  apiVersions: readonly string[];
}

/** How to speak to a Registry that a layer refers to, as the profile's namespace knows it. */
export type RegistryPort = (ref: { name: string }, signal: AbortSignal) => Promise<RegistryAccess | Failure>;

/** Runs work that waits for a registry: the pass that waits holds up no other on its cluster. */
export type Elsewhere = <T>(work: () => Promise<T>) => Promise<T>;

export interface RenderPlace {
  /** Acts as Strata itself in the target's `strata-system`. */
  system: KubeClient;
  set: ApplySet;
  /** As the cluster is now: what a layer before this one has just brought must be seen. */
  capabilities(signal: AbortSignal): Promise<Capabilities>;
  /** How charts look at the cluster where `helm.lookup` or `pack.lookup` allows it: as the identity that applies them. */
  lookup: LookupPort["read"];
  registry: RegistryPort;
  elsewhere: Elsewhere;
}

/** What a chart is rendered for. */
export interface ChartContext {
  stored: MadeContent | undefined;
  capabilities: Capabilities;
  /** Without it, charts find nothing. */
  lookup?: LookupPort["read"];
  registry: RegistryPort;
  /** Without it, the work is only done. */
  elsewhere?: Elsewhere;
  revision: number;
  isUpgrade: boolean;
}

/** Renders layers for clusters: the stored set of a chart is its content until an input changes. */
export class LayerRenderer {
  readonly #source: ChartSource;
  readonly #packs: PackLoader;
  readonly #manifestSources: ManifestSources;
  readonly #renderer: Renderer;

  readonly #count: (result: "hit" | "miss" | "failed") => void;
  /** What is known here already was rendered for another cluster, or for another profile. */
  readonly #rendered = new WeakSet<RenderedChart>();

  /** @param count hears of each content that was wanted: it was stored or rendered before, or had to be made */
  constructor(
    { charts, packs, artifacts, urls }: Pick<Sources, "charts" | "packs" | "artifacts" | "urls">,
    renderer: Renderer,
    count: (result: "hit" | "miss" | "failed") => void,
  ) {
    this.#source = charts;
    this.#packs = new PackLoader(packs);
    this.#manifestSources = new ManifestSources({ artifacts, urls });
    this.#renderer = renderer;
    this.#count = count;
  }

  /** @returns the content, or the failure that the layer shows; throws what the target's API server says */
  async render(
    { layer: { spec, inputs }, revision, isUpgrade, before }: Omit<Step & { kind: "Render" }, "kind">,
    place: RenderPlace,
    signal: AbortSignal,
  ): Promise<LayerContent | Failure> {
    if (!inputs) return new Failure("ReferenceNotFound", "something that the layer refers to is missing");
    const isPlain = !spec.helm && !spec.part;
    if (isPlain && fetchedSources(spec).length === 0) return manifestsContent(spec, inputs.texts);
    const stored = before ?? (await storedSet(spec.name, place, signal));
    if (stored?.inputs === inputs.digest) {
      this.#count("hit");
      return stored.content;
    }
    const distrust = spec.part && (await this.#packs.distrust(spec.part, place, signal));
    if (distrust) {
      this.#count("failed");
      return distrust;
    }
    // To look at the cluster is of use to templates only.
    const capabilities = isPlain ? { kubeVersion: "", apiVersions: [] } : await place.capabilities(signal);
    const content = await this.chart(inputs, { ...place, stored, capabilities, revision, isUpgrade }, signal);
    if (content instanceof Failure) {
      this.#count("failed");
      return content;
    }
    try {
      await this.store(inputs, content, { place, signal });
    } catch (error) {
      return failureOf(error);
    }
    return content;
  }

  /** Makes this the stored content of a layer, for as long as its inputs are these. */
  async store(
    { layer, digest, specDigest }: LayerInputs,
    content: LayerContent,
    { place, signal }: { place: Pick<RenderPlace, "system" | "set">; signal: AbortSignal },
  ): Promise<void> {
    const packed = await packSet({ inputs: digest, specDigest, content });
    await writeStoredSet(place.system, { set: place.set, layer: layer.name, content: packed }, signal);
  }

  /** The stored content of a layer, whatever it was rendered from. */
  async recall(
    layer: string,
    { system, set }: Pick<RenderPlace, "system" | "set">,
    signal: AbortSignal,
  ): Promise<LayerContent | undefined> {
    return (await storedSet(layer, { system, set }, signal))?.content;
  }

  /** The chart of a layer as its Helm release holds it: fetched from the chart's source and rendered for nothing else. */
  async releaseSource(
    { inputs, state }: PlannedLayer,
    place: RenderPlace,
    signal: AbortSignal,
  ): Promise<ReleaseSource | Failure> {
    if (!inputs || state.kind !== "known") throw new Error("the content of the layer is not known");
    const stored = { inputs: inputs.digest, specDigest: inputs.specDigest, content: state.content };
    const capabilities = await place.capabilities(signal);
    const about = { ...place, stored, capabilities, revision: 1, isUpgrade: false };
    const content = await this.chart(inputs, about, signal);
    if (content instanceof Failure) return content;
    return content.release?.source ?? { chart: "{}", config: "{}" };
  }

  /** A layer's objects, whatever its source. A version that was resolved before is kept until the layer itself changes. */
  async chart(inputs: LayerInputs, context: ChartContext, signal: AbortSignal): Promise<LayerContent | Failure> {
    const { helm, part } = inputs.layer;
    try {
      if (!helm && !part) return await this.#manifestSources.content(inputs, context, signal);
      if (part?.kind === "manifests") return await this.#manifests(inputs, { part, context }, signal);
      return await this.#renderedChart(inputs, context, signal);
    } catch (error) {
      return failureOf(error);
    }
  }

  async #renderedChart(
    inputs: LayerInputs,
    context: ChartContext,
    signal: AbortSignal,
  ): Promise<LayerContent | Failure> {
    const { stored, capabilities, lookup, registry, elsewhere = (work) => work(), revision, isUpgrade } = context;
    const { helm, name } = inputs.layer;
    const values = layerValues(inputs);
    if (values instanceof Failure) return values;
    if (!helm || inputs.namespace === undefined)
      return new Failure("NamespaceMissing", `layer ${name} has a chart and needs a namespace`);
    const pinned = stored?.specDigest === inputs.specDigest ? pinnedIn(stored.content) : undefined;
    const chart = await elsewhere(() => this.#package(inputs.layer, { pinned, registry }, signal));
    if (chart instanceof Failure) return chart;
    const attached = await this.#manifestSources.texts(inputs, context, signal);
    if (attached instanceof Failure) return attached;
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
        ...(lookup ? { lookup: { field: lookupFieldOf(inputs.layer), allowed: helm.lookup ?? [], read: lookup } } : {}),
      },
      signal,
    );
    this.#count(this.#rendered.has(rendered) ? "hit" : "miss");
    this.#rendered.add(rendered);
    return contentOf(rendered, { inputs, values, chart, attached });
  }

  /** The chart of a layer: of a repository, or of the pack that it is a part of. */
  async #package(
    { helm, part }: EngineLayer,
    { pinned, registry }: { pinned: Pick<LayerContent, "version" | "digest"> | undefined; registry: RegistryPort },
    signal: AbortSignal,
  ): Promise<ChartPackage | Failure> {
    if (!helm) throw new Error("the layer has no chart");
    if (part?.kind === "chart" && part.pin && part.path !== undefined) {
      const { version, ...chart } = await this.#packs.chart(
        { pin: part.pin, path: part.path, name: helm.chart },
        registry,
        signal,
      );
      return { ...chart, version: helm.version };
    }
    const source = await sourceOf(helm, registry, signal);
    if (source instanceof Failure) return source;
    const version = pinned?.version ?? (await this.#source.resolve(source, signal)).version;
    const digest = pinned?.digest ? { digest: pinned.digest } : {};
    return await this.#source.fetch({ ...source, version, ...digest }, signal);
  }

  async #manifests(
    inputs: LayerInputs,
    { part, context }: { part: PackPart & { kind: "manifests" }; context: ChartContext },
    signal: AbortSignal,
  ): Promise<LayerContent | Failure> {
    const { capabilities } = context;
    const namespace = inputs.namespace ?? "";
    const attached = await this.#manifestSources.texts(inputs, context, signal);
    if (attached instanceof Failure) return attached;
    const attachments = plainObjects(inputs.layer, "attachments", attached.texts);
    if (attachments instanceof Failure) return attachments;
    const objects = await packManifests(part, { renderer: this.#renderer, namespace, capabilities }, signal);
    if (objects instanceof Failure) return objects;
    const { version, digest } = part.pin;
    const content = { objects: [...attachments, ...objects], crds: [], version, digest, ...pinsOf(attached) };
    return patchContent(content, inputs.layer, inputs.namespace);
  }

  /** The pack of a layer, and answers to macros in packs. */
  async loadPack(
    step: Omit<Step & { kind: "FetchPack" }, "kind">,
    place: RenderPlace,
    signal: AbortSignal,
  ): Promise<LoadedPack | Failure> {
    return await this.#packs.load(step, place, signal);
  }

  /** The pack of a layer, without a place to store it. */
  async fetchPack(
    { spec: { pack } }: PlannedLayer,
    registry: RegistryPort,
    signal: AbortSignal,
  ): Promise<LoadedPack | Failure> {
    if (!pack) return new Failure("InvalidSpec", "the layer has no pack");
    const fetched = await this.#packs.fetch(pack, registry, signal);
    return fetched instanceof Failure ? fetched : fetched.loaded;
  }

  async evaluateMacros(batch: readonly MacroExpression[], signal: AbortSignal): Promise<MacroAnswer[]> {
    return await this.#renderer.evaluateMacros(batch, signal);
  }
}

async function storedSet(
  layer: string,
  { system, set }: Pick<RenderPlace, "system" | "set">,
  signal: AbortSignal,
): Promise<MadeContent | undefined> {
  const packed = await readStoredSet(system, set, layer, signal);
  return packed === undefined ? undefined : unpackSet(packed);
}

/** Where a chart is to be had. The API server demands one of `repo` and `registryRef`. */
async function sourceOf(
  { repo, registryRef, chart, version }: NonNullable<LayerInputs["layer"]["helm"]>,
  registry: RegistryPort,
  signal: AbortSignal,
): Promise<HelmSource | Failure> {
  const place = registryRef ? await registry(registryRef, signal) : repo;
  if (place instanceof Failure) return place;
  if (place === undefined) return new Failure("InvalidSpec", "exactly one of repo and registryRef must be set");
  return { repo: place, chart, version };
}
