import type { KubeObject } from "../objects/types.ts";
import type { LookupField } from "../plan/refused-lookups.ts";
import type { Hook } from "../plan/types.ts";

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
  /** Whether templates see the kinds of the chart's own `crds/` as served: `helm install` writes them before it looks. */
  ownKinds?: boolean;
  /** Without it there is no cluster to look at: `lookup` finds nothing, as in `helm template`. */
  lookup?: LookupPort;
}

/** Everything that decides what the manifests of a pack render to. */
export interface ManifestsRequest {
  pack: { name: string; version: string };
  /** In the order in which they are applied; `path` in the pack's folder. */
  files: readonly PackFile[];
  /** The `manifests` of the pack's values, by the name of a file without folder and extension. */
  values: Record<string, unknown>;
  /** Templates see these as `.Release`, `.Capabilities`. */
  releaseName: string;
  namespace: string;
  revision: number;
  isUpgrade: boolean;
  kubeVersion: string;
  apiVersions: readonly string[];
  /** What the templates of old packs see as `.Spectro`; without it they fail, with it all that they ask for is there. */
  spectro?: { cluster: string; apiServer?: string };
}

/** A manifest of a pack: a template, or what it rendered to. */
export interface PackFile {
  path: string;
  content: string;
}

/** What a chart may look up in its cluster, and the field that says so, for messages. */
export interface LookupRules {
  field: LookupField;
  allowed: readonly LookupRule[];
}

/** The rules with the eyes that a chart looks with. The renderer itself has none. */
export interface LookupPort extends LookupRules {
  /** Called for what is allowed only, with all that is. What it throws is what the render throws. */
  read(key: WantedLookup, signal: AbortSignal, rules: LookupRules): Promise<LookupResult>;
}

/** Allows to look up one kind; a namespace or name that is left out means any. */
export interface LookupRule {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name?: string;
}

/** The arguments of a `lookup`: an object, or a list when the name is empty. */
export interface LookupKey {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

/** A lookup with the words in which people may be told of it: a chart can make a name of any value. */
export interface WantedLookup extends LookupKey {
  told: LookupKey;
}

/** `Unserved`: the cluster does not serve the group and version, which is an error in Helm, as absence is not. */
export type LookupResult =
  | { state: "Found"; object: Record<string, unknown> }
  | { state: "Absent" }
  | { state: "Unserved" };

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
  /** All hooks, tests among them, in the order of Helm's release: by kind, then by template. Not yet by weight. */
  hooks: readonly Hook[];
  /** The text that Helm stores in a release: each template's documents but hooks and `crds/`, in install order. */
  manifest: string;
  /** The chart as Helm stores it in a release, JSON; without templates and files when it is larger than 16 MiB. */
  chartJson: string;
  /** What the chart looked up and is not allowed to, so that it found nothing: `v1 Secret web/db`, 20 at most. */
  refusedLookups: readonly string[];
  /** The text of the main chart's NOTES.txt; empty when it has none. */
  notes: string;
  /** The template that an object of `objects`, `crds` or `hooks` comes from. */
  templateOf(object: KubeObject): string | undefined;
}
