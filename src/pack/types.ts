import type { Regex } from "../health/regex.ts";

/** The layers of the public pack format. */
export const PACK_LAYERS = ["kernel", "os", "k8s", "cni", "csi", "addon"] as const;
export type PackLayer = (typeof PACK_LAYERS)[number];

export const DEPENDENCY_TYPES = ["required", "optional", "notSupported", "upgrade"] as const;

/** What a pack asks of another pack of the profile. Bounds are inclusive; without any, no version is looked at. */
export interface Dependency {
  packName: string;
  layer: string | undefined;
  minVersion: string | undefined;
  maxVersion: string | undefined;
  type: (typeof DEPENDENCY_TYPES)[number];
}

export const SCHEDULE_TYPES = ["all", "worker", "master", "control-plane"] as const;

/** One workload of a pack: where its request and its replicas stand in the values. */
export interface ResourceComponent {
  scheduleType: (typeof SCHEDULE_TYPES)[number];
  requestPath: string | undefined;
  replicasPath: string | undefined;
}

export const RESOURCE_TYPES = ["cpu", "memory", "diskSize"] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** What a pack asks of the nodes: millicores, Mi or GB. With components, `minLimit` does not count. */
export interface ResourceLimit {
  type: ResourceType;
  minLimit: number | undefined;
  components: readonly ResourceComponent[];
}

/** What pack.json says. */
export interface PackMetadata {
  name: string;
  displayName: string;
  /** As written: mostly a semantic version, but `1.5` and `v1.8.7` exist. */
  version: string;
  layer: PackLayer;
  cloudTypes: readonly string[];
  annotations: Readonly<Record<string, string>>;
  /** Day (`2028-04-30`) from which the pack is no longer supported. */
  eol: string | undefined;
  dependencies: readonly Dependency[];
  resources: readonly ResourceLimit[];
}

/** A chart's archive. Its name is known once its Chart.yaml is read (`chartIdentity`). */
export interface PackChart {
  path: string;
  archive: Uint8Array;
}

/** A template of manifests; `.Values` in it is `manifests.<key>` of the pack's values. */
export interface PackManifest {
  path: string;
  /** The file's name without folder and extension. */
  key: string;
  text: string;
}

/** A named change of the values. */
export interface Preset {
  name: string;
  displayName: string;
  /** At most one preset of a group may be chosen; without a group, any. */
  group: string | undefined;
  /** Dotted paths to delete first. */
  remove: readonly string[];
  /** YAML to merge in then; may hold macros of Palette, which are replaced before it is parsed. */
  add: string;
}

/** One entry of schema.yaml. */
export interface SchemaRule {
  /** Dotted path; `$[]` stands for each item of a list. */
  path: string;
  required: boolean;
  readonly: boolean;
  format: Format | undefined;
  hint: string | undefined;
}

/** `${ipv4} - ${ipv4}` as its pieces, with the text that it was made of. */
export interface Format {
  text: string;
  pieces: readonly FormatPiece[];
}

export type FormatPiece = { kind: "literal"; text: string } | Placeholder;

export interface Placeholder {
  kind: "string" | "password" | "number" | "boolean" | "ipv4" | "version" | "list";
  /** Must be found in the piece of text. */
  pattern?: Pattern;
  /** Inclusive, of a number. */
  range?: readonly [min: number, max: number];
  /** Of a list: what may be chosen. */
  options?: readonly string[];
}

/** A pattern in RE2's syntax. */
export interface Pattern {
  source: string;
  regex: Regex;
}

/** A pack as its files say it. Everything in it may be used; what is odd but harmless stands in `warnings`. */
export interface Pack extends PackMetadata {
  /** values.yaml as it is: macros of Palette are replaced in the text, and only then it is YAML (`packValues`). */
  valuesText: string;
  /** In the order of installation. */
  charts: readonly PackChart[];
  /** In the order of installation. */
  manifests: readonly PackManifest[];
  presets: readonly Preset[];
  schema: readonly SchemaRule[];
  /** values.schema.json, a JSON Schema of the values. */
  valuesSchema: string | undefined;
  readme: string | undefined;
  warnings: readonly string[];
}

/** What stands in the way, and what a person should know; sentences both. */
export interface Judgement {
  problems: string[];
  warnings: string[];
}
