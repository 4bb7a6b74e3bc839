import { ChartSource } from "./chart-source.ts";
import { ArtifactSource, PackSource } from "./pack-source.ts";
import { RegistryCheck } from "./registry-check.ts";
import { type SourceOptions, SourcePool } from "./source-pool.ts";
import { UrlSource } from "./url-source.ts";

/**
 * Everything that layers bring, from registries of three sorts and from addresses. It writes nothing to disk, shows
 * credentials to nobody but whom they are for, and asks once when several ask for the same at the same time.
 */
export class Sources implements AsyncDisposable {
  readonly charts: ChartSource;
  readonly packs: PackSource;
  readonly artifacts: ArtifactSource;
  readonly urls: UrlSource;
  readonly registries: RegistryCheck;
  readonly #pool: SourcePool;

  constructor(options: SourceOptions = {}) {
    const pool = new SourcePool(options);
    this.#pool = pool;
    this.charts = new ChartSource(pool);
    this.packs = new PackSource(pool);
    this.artifacts = new ArtifactSource(pool);
    this.urls = new UrlSource(pool);
    this.registries = new RegistryCheck(pool);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
