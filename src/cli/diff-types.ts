import type { Profile } from "../api/types.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";

/** What Strata would do to one object. */
export type Change = "added" | "changed" | "deleted" | "released" | "unchanged" | "refused";

export interface ObjectDiff {
  ref: ObjectRef;
  change: Change;
  /** As it is in the cluster, and as it would be: what only the server writes, Strata's marks and secret values are taken out. */
  before?: KubeObject;
  after?: KubeObject;
  /** What is to be known besides: why it was refused or stays, that the server could not check it. */
  notes: readonly string[];
}

export interface LayerDiff {
  name: string;
  /** `removed`: it is not in the profile's list any more. `namespaces`: no layer, but the namespaces that none needs any more. */
  standing: "listed" | "removed" | "namespaces";
  notes: readonly string[];
  /** In the order in which they are written, then those that go. */
  objects: readonly ObjectDiff[];
  /** Why the layer, or a part of it, could not be compared. */
  failures: readonly string[];
}

export interface ProfileDiff {
  profile: Profile;
  notes: readonly string[];
  layers: readonly LayerDiff[];
  /** Which layers are not compared, because they are no business of this cluster; told even when nothing differs. */
  elsewhere?: string;
  /** What could not be told of the profile as a whole. */
  failures: readonly string[];
}
