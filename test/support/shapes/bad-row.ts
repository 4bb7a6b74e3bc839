import type { ControlPlane } from "../controlplane.ts";

/** Where the rows of bad input play: a hub with a tenant `acme`, and charts. */
export interface World {
  readonly hub: ControlPlane;
  /** URL of a Helm repository that serves the charts of test/support/charts. */
  readonly charts: string;
}

type Deed = (world: World) => Promise<unknown>;

/** A profile that the API server takes and that is wrong all the same, what people read about it, and the cure. */
export interface BadRow {
  readonly name: string;
  /** Done before the profile is applied. */
  readonly before?: Deed;
  /** Layers that are right, and Ready, before they become wrong. */
  readonly first?: (world: World) => object[];
  /** The wrong layers. */
  readonly layers: (world: World) => object[];
  /** More of the profile's spec; `namespace: acme` unless told otherwise. */
  readonly spec?: object;
  /** `Stalled` when only a person can mend it; `Retrying` when it may pass by itself. */
  readonly want: "Stalled" | "Retrying";
  readonly reason: string;
  /** The name of the layer that the status names. */
  readonly layer: string;
  /** The sentence, word for word; `REPO` in it stands for host and port of the chart repository. */
  readonly says: string;
  /** What a person does: right layers (and more of the spec), or a deed elsewhere; the profile is Ready then. */
  readonly cure: { readonly layers: object[]; readonly spec?: object } | { readonly deed: Deed };
}

/** One ConfigMap, as a layer's manifest has it. */
export function configMap(name: string, data: object = {}, metadata: object = {}): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

/** A layer of plain objects. */
export function objects(...list: object[]): object {
  return { name: "app", manifests: list.map((object) => ({ object })) };
}

/** A layer of one YAML text. */
export function inline(text: string): object {
  return { name: "app", manifests: [{ inline: text }] };
}

/** A good layer with one ConfigMap, for the cure. */
export function fine(name: string): object[] {
  return [objects(configMap(name))];
}
