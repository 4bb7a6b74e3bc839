/** The `helm` source of a layer, as far as it says where the chart is. */
export interface HelmSource {
  /** `https://host/path` of a chart repository, or `oci://host/path` of a registry's folder. */
  repo: string;
  chart: string;
  /** Exact (`1.18.2`, `v1.18.2`), `1.18.x`, or a range as Helm writes it. Empty means the newest release. */
  version: string;
}

/** One version of a chart, pinned. */
export interface ResolvedChart {
  version: string;
  /** `sha256:<hex>` of the packed chart, when the repository tells it. */
  digest?: string;
}

/** The verified bytes of one chart. */
export interface ChartPackage {
  name: string;
  version: string;
  /** `sha256:<hex>` of `bytes`; equals what the repository promised when it promised anything. */
  digest: string;
  bytes: Uint8Array;
}
