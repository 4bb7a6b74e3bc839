import { LRUCache } from "lru-cache";
import { sha256Hex } from "../objects/digest.ts";
import { canonicalJson } from "../objects/json.ts";
import type { RenderAnswer } from "./protocol.ts";
import { RenderPool } from "./render-pool.ts";
import { renderedChartOf } from "./rendered-chart.ts";
import { SharedWork } from "./shared-work.ts";
import type { RenderedChart, RenderRequest } from "./types.ts";

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

interface Rendering {
  chart: RenderedChart;
  isRandom: boolean;
}

const MINOR = /^v?(\d+\.\d+)/;

/** Everything that decides the result, as one digest. A patch release of Kubernetes is no new input, a minor is. */
function cacheKey(request: RenderRequest): string {
  const { chartDigest, values, releaseName, namespace, kubeVersion, isUpgrade, revision } = request;
  const minor = MINOR.exec(kubeVersion)?.[1] ?? kubeVersion;
  const apiVersions = [...new Set(request.apiVersions)].sort();
  return sha256Hex(
    canonicalJson({ chartDigest, values, releaseName, namespace, minor, apiVersions, isUpgrade, revision }),
  );
}

function bytesOf({ result }: RenderAnswer): number {
  const documents = [...(result?.manifests ?? []), ...(result?.crds ?? [])];
  return documents.reduce((sum, { content }) => sum + content.length, 1000);
}

/**
 * Turns charts into objects by Helm's own code, in child processes that have no credentials, no environment, a memory
 * limit and a deadline. Equal requests render once, also when they come at the same time. A chart that calls a random
 * function is the exception: what it made may be a password, so each caller gets its own.
 */
export class Renderer implements AsyncDisposable {
  readonly #pool: RenderPool;
  readonly #shared = new SharedWork<Rendering>();
  readonly #cache: LRUCache<string, RenderedChart>;

  constructor({ binary, processes, deadlineMs = 10_000, cacheBytes = 32 * 1024 * 1024 }: RendererOptions) {
    this.#pool = new RenderPool({ binary, processes, deadlineMs });
    this.#cache = new LRUCache({ maxSize: cacheBytes });
  }

  /**
   * @returns the chart's objects, shared and frozen: copy one before you change it
   * @throws Failure InvalidChart, InvalidSpec (release name), InvalidValues (also the chart's schema), RenderFailed,
   * RenderTimeout or HooksNotSupported; or the reason of `signal`, which also ends a render that nobody else waits for
   */
  async renderChart(request: RenderRequest, signal: AbortSignal): Promise<RenderedChart> {
    const key = cacheKey(request);
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const { value, isFirst } = await this.#shared.join(key, (shared) => this.#render(key, request, shared), signal);
    if (value.isRandom && !isFirst) return (await this.#render(key, request, signal)).chart;
    return value.chart;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool[Symbol.dispose]();
    this.#cache.clear();
  }

  async #render(key: string, request: RenderRequest, signal: AbortSignal): Promise<Rendering> {
    const answer = await this.#pool.render(request, signal);
    const chart = renderedChartOf(answer);
    const isRandom = answer.result?.random === true;
    if (!isRandom) this.#cache.set(key, chart, { size: bytesOf(answer) });
    return { chart, isRandom };
  }
}
