/** The `helm` source of a layer, as far as it says where the chart is. */
export interface HelmSource {
  /** `https://host/path` of a chart repository, or `oci://host/path` of a folder in a registry. */
  repo: string;
  chart: string;
  /** Exact (`1.18.2`, `v1.18.2`), `1.18.x`, or a range as Helm writes it. Empty means the newest release. */
  version: string;
}

/** One version of a chart, pinned. */
export interface ResolvedChart {
  /** As the repository writes it. */
  version: string;
  /** `sha256:<hex>` of the packed chart; absent when the repository does not tell it. */
  digest?: string;
}

/** A source whose bytes are known already: other bytes under the same version are refused. */
export interface PinnedSource extends HelmSource {
  digest?: string;
}

/** The verified bytes of one chart. */
export interface ChartPackage {
  name: string;
  version: string;
  /** `sha256:<hex>` of `bytes`; equals what the repository and the caller promised, where they promised anything. */
  digest: string;
  bytes: Uint8Array;
}

/** Where the bytes of one version are. */
export interface ChartLocation extends ResolvedChart {
  download(signal: AbortSignal): Promise<Uint8Array>;
}
