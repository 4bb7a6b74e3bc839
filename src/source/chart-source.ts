import { accessOf } from "./access.ts";
import { fetchPacked, type PackedQuestion, resolvePacked } from "./packed.ts";
import type { SourcePool } from "./source-pool.ts";
import type { ChartPackage, HelmSource, PinnedSource, ResolvedChart } from "./types.ts";

/**
 * Finds charts in repositories and registries and fetches their verified bytes.
 *
 * Both methods throw a Failure: SourceUnavailable (tried again), SourceUnauthorized, ChartNotFound (with what there is
 * instead), InvalidSpec (an address or a version that cannot be), InvalidChart (other bytes than promised, too large, no
 * chart), VerificationFailed; or the reason of `signal`.
 */
export class ChartSource {
  readonly #pool: SourcePool;

  constructor(pool: SourcePool) {
    this.#pool = pool;
  }

  /** The version that a source means now, and the digest of its bytes where the repository tells it. */
  async resolve(source: HelmSource, signal: AbortSignal): Promise<ResolvedChart> {
    const { version, digest } = await resolvePacked(this.#pool, questionOf(source), signal);
    return { version, ...(digest === undefined ? {} : { digest }) };
  }

  /** The bytes of a source. With `digest`, bytes that are still in memory are given without a request. */
  async fetch(source: PinnedSource, signal: AbortSignal): Promise<ChartPackage> {
    const packed = await fetchPacked(this.#pool, { ...questionOf(source), digest: source.digest }, signal);
    return { name: source.chart, ...packed };
  }
}

function questionOf({ repo, chart, version }: HelmSource): PackedQuestion {
  return { access: accessOf(repo), subject: "chart", name: chart, version };
}
