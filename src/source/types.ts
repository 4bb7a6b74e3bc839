import type { RegistryAccess } from "./access.ts";

/** The `helm` source of a layer, as far as it says where the chart is. */
export interface HelmSource {
  /**
   * `https://host/path` of a chart repository, or `oci://host/path` of a folder in a registry, both anonymous; or a
   * registry with how to speak to it.
   */
  repo: string | RegistryAccess;
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

/** A pack in a registry. */
export interface PackQuestion {
  registry: string | RegistryAccess;
  name: string;
  /** Any text that a registry has as a version (`1.5`, `v1.1.0`), `1.2.x`, or a range as Helm writes it. */
  version: string;
}

/** An artifact in an OCI registry, as `flux push artifact` makes it. */
export interface ArtifactQuestion {
  registry: string | RegistryAccess;
  /** Below the registry's address; empty when that is the repository itself. */
  repository: string;
  /** A tag, a range of versions, or the `sha256:…` of the manifest. Empty means the newest release. */
  version: string;
}

/** One version of a pack or an artifact, pinned. */
export interface ResolvedVersion {
  version: string;
  /** `sha256:<hex>` of the packed archive. */
  digest: string;
}

/** One artifact, pinned: by its manifest's digest it is found when its tag means another one. */
export interface ResolvedArtifact extends ResolvedVersion {
  /** `sha256:<hex>` of the manifest. */
  manifest: string;
}

/** The files of an archive whose bytes were verified, by path. */
export interface FileSet extends ResolvedVersion {
  files: ReadonlyMap<string, Uint8Array>;
}

/** One file on a web server. */
export interface UrlQuestion {
  url: string;
  /** 64 hex digits: the SHA-256 of its bytes. */
  sha256: string;
  /** How to speak to the server; without it nobody in particular asks. */
  registry?: RegistryAccess;
}
