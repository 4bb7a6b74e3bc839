import type { ChartPackage, HelmSource, ResolvedChart } from "./types.ts";

export interface ChartSourceOptions {
  /** `host[:port]` of registries and repositories that may be reached without TLS, beside loopback. */
  plainHttp?: readonly string[];
  cacheBytes?: number;
}

export class ChartSource implements AsyncDisposable {
  constructor(_options: ChartSourceOptions = {}) {}
  async resolve(_source: HelmSource, _signal: AbortSignal): Promise<ResolvedChart> {
    throw new Error("not yet");
  }
  async fetch(_source: HelmSource, _signal: AbortSignal): Promise<ChartPackage> {
    throw new Error("not yet");
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
