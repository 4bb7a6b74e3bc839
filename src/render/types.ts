import type { KubeObject } from "../objects/types.ts";

/** Everything that decides what a chart renders to. Equal requests give equal objects, save for random functions. */
export interface RenderRequest {
  /** The packed chart (`.tgz`) as it was verified. */
  chartBytes: Uint8Array;
  /** `sha256:<hex>` of `chartBytes`. */
  chartDigest: string;
  /** What the user set; merged over the chart's own values by Helm's rules (maps deep, lists replaced, null deletes). */
  values: Record<string, unknown>;
  releaseName: string;
  namespace: string;
  /** The target's version, such as `v1.36.3`; charts see it as `.Capabilities.KubeVersion`. */
  kubeVersion: string;
  /** The target's `group/version` and `group/version/Kind` names; charts see them as `.Capabilities.APIVersions`. */
  apiVersions: readonly string[];
  isUpgrade: boolean;
  /** The release's revision, from 1. */
  revision: number;
}

export interface ChartMetadata {
  name: string;
  version: string;
  appVersion?: string;
}

export interface RenderedChart {
  chart: ChartMetadata;
  /** In Helm's install order, without hooks and without the chart's `crds/`. Frozen, because callers share them. */
  objects: readonly KubeObject[];
  /** The objects of `crds/` of the chart and of its enabled subcharts. */
  crds: readonly KubeObject[];
  /** The text of NOTES.txt; empty when the chart has none. */
  notes: string;
  /** The template that an object of `objects` or `crds` comes from. */
  templateOf(object: KubeObject): string | undefined;
}
