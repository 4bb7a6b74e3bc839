import { LRUCache } from "lru-cache";
import { Failure } from "../errors.ts";
import { sha256Hex } from "../objects/digest.ts";
import { canonicalJson } from "../objects/json.ts";
import type { MacroAnswer, MacroExpression } from "../pack/macro-types.ts";
import { Lookups, MAX_ROUNDS } from "./lookups.ts";
import { ManifestRenderer } from "./manifests.ts";
import { chartQuestion, macrosQuestion, type RenderAnswer } from "./protocol.ts";
import { RenderPool } from "./render-pool.ts";
import { renderedChartOf } from "./rendered-chart.ts";
import { SharedWork } from "./shared-work.ts";
import type { ManifestsRequest, PackFile, RenderedChart, RenderRequest, WantedLookup } from "./types.ts";

export interface RendererOptions {
  /** Path of the `strata-render` binary. */
  binary: string;
  /** How many charts render at once; the number of cores is good. */
  processes: number;
  /** Milliseconds that one chart may take, from the moment a process begins with it. Default 10 s. */
  deadlineMs?: number;
  /** Bytes of rendered YAML that are kept for equal requests. Default 32 MiB. */
  cacheBytes?: number;
}

/** A chart that looks at its cluster is rendered for this cluster alone. */
type Rendering = { chart: RenderedChart; isRandom: boolean } | { wanted: readonly WantedLookup[] };

const MINOR = /^v?(\d+\.\d+)/;

/** Everything that decides the result, as one digest. A patch release of Kubernetes is no new input, a minor is. */
function cacheKey(request: RenderRequest): string {
  const { chartDigest, values, releaseName, namespace, kubeVersion, isUpgrade, revision, ownKinds } = request;
  const { field, allowed } = request.lookup ?? { allowed: [] };
  const minor = MINOR.exec(kubeVersion)?.[1] ?? kubeVersion;
  const apiVersions = [...new Set(request.apiVersions)].sort();
  return sha256Hex(
    canonicalJson({
      chartDigest,
      values,
      releaseName,
      namespace,
      minor,
      apiVersions,
      isUpgrade,
      revision,
      ownKinds,
      lookup: [field ?? null, allowed],
    }),
  );
}

/** What a rendered chart weighs in memory, by its texts: objects are about as large as the YAML that they come from. */
function bytesOf({ result }: RenderAnswer, { manifest }: RenderedChart): number {
  if (result === undefined) return 0;
  const { manifests, crds, hooks, notes, chartJson } = result;
  const parsed = [...manifests, ...crds, ...hooks, ...hooks].reduce((sum, { content }) => sum + content.length, 1000);
  return parsed + manifest.length + notes.length + chartJson.length;
}

/**
 * Turns charts into objects by Helm's own code, in child processes that have no credentials, no environment, a memory
 * limit and a deadline. Equal requests render once, also when they come at the same time. Exceptions are charts that call
 * a random function, because what they made may be a password, and charts that look at their cluster: each caller gets its
 * own.
 */
export class Renderer implements AsyncDisposable {
  readonly #pool: RenderPool;
  readonly #shared = new SharedWork<Rendering>();
  readonly #cache: LRUCache<string, RenderedChart>;
  readonly #manifests: ManifestRenderer;

  constructor({ binary, processes, deadlineMs = 10_000, cacheBytes = 32 * 1024 * 1024 }: RendererOptions) {
    this.#pool = new RenderPool({ binary, processes, deadlineMs });
    this.#cache = new LRUCache({ maxSize: cacheBytes });
    this.#manifests = new ManifestRenderer(this.#pool);
  }

  /**
   * @returns the chart's objects, shared and frozen: copy one before you change it
   * @throws Failure InvalidChart, InvalidSpec (release name), InvalidValues (also the chart's schema), RenderFailed
   * or RenderTimeout; what a lookup throws; or the reason of `signal`, which also ends a render that nobody else waits for
   */
  async renderChart(request: RenderRequest, signal: AbortSignal): Promise<RenderedChart> {
    const key = cacheKey(request);
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const { value, isFirst } = await this.#shared.join(key, (shared) => this.#render(key, request, shared), signal);
    const isForeign = !isFirst && "isRandom" in value && value.isRandom;
    const own = isForeign ? await this.#render(key, request, signal) : value;
    return "wanted" in own ? await this.#renderLooking(request, own.wanted, signal) : own.chart;
  }

  /**
   * Renders the manifests of a pack: each file is a Helm template whose `.Values` is what the values have under its
   * name; a file that they do not name is given back as it is. Equal requests that come together render once.
   *
   * @returns the texts in the order of the request
   * @throws Failure RenderFailed, which names each file that fails and the line in it, InvalidValues or RenderTimeout;
   * or the reason of `signal`
   */
  async renderManifests(request: ManifestsRequest, signal: AbortSignal): Promise<readonly PackFile[]> {
    return this.#manifests.render(request, signal);
  }

  /**
   * Evaluates macros of packs (`planMacros` asks for them) with sprig, without chance, clock, environment and network.
   *
   * @returns the answers in the order of the batch
   * @throws Failure RenderFailed or RenderTimeout; or the reason of `signal`
   */
  async evaluateMacros(batch: readonly MacroExpression[], signal: AbortSignal): Promise<MacroAnswer[]> {
    const { macros = [] } = await this.#pool.ask(macrosQuestion(batch), signal);
    return macros.map(({ value, error }) => (error ? { ok: false, message: error.message } : { ok: true, value }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool[Symbol.dispose]();
    this.#cache.clear();
  }

  async #render(key: string, request: RenderRequest, signal: AbortSignal): Promise<Rendering> {
    const answer = await this.#pool.ask(chartQuestion(request, []), signal);
    if (answer.wanted) return { wanted: answer.wanted };
    const chart = renderedChartOf(answer, request.lookup?.field);
    const isRandom = answer.result?.random === true;
    if (!isRandom) this.#cache.set(key, chart, { size: bytesOf(answer, chart) });
    return { chart, isRandom };
  }

  /** Renders again with what the last render wanted to know, until it wants no more. */
  async #renderLooking(
    request: RenderRequest,
    first: readonly WantedLookup[],
    signal: AbortSignal,
  ): Promise<RenderedChart> {
    if (!request.lookup) throw new Error("the renderer looks up what nobody allowed");
    const lookups = new Lookups(request.lookup);
    let wanted: readonly WantedLookup[] | undefined = first;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await lookups.read(wanted, signal);
      const answer: RenderAnswer = await this.#pool.ask(chartQuestion(request, lookups.known), signal);
      wanted = answer.wanted;
      if (!wanted) return renderedChartOf(answer, request.lookup.field);
    }
    const why = `what it finds makes it look up more, after ${MAX_ROUNDS} renders still`;
    throw new Failure("RenderFailed", `the chart looks up one thing after the other: ${why}`);
  }
}
