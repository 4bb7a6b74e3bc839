import type { Layer } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { GroupVersionKind, KubeObject, ObjectRef } from "../objects/types.ts";
import type { Wave } from "../objects/waves.ts";
import type { LayerInputs } from "./inputs.ts";

/** What a layer brings, as its source gives it: before namespaces, labels and digests. */
export interface LayerContent {
  objects: readonly KubeObject[];
  /** CRDs of a chart's `crds/` folder: applied by the layer's `crds` policy, never deleted. */
  crds: readonly KubeObject[];
  /** What the source resolved to, for the status: a chart's version and digest. */
  version?: string;
  digest?: string;
}

/** One object as it will be applied, save the layer mark, which names the digest and so is not part of it. */
export interface Desired {
  ref: ObjectRef;
  key: string;
  object: KubeObject;
  digest: string;
  wave: Wave;
  /** From a chart's `crds/`: created or upgraded by policy, and released when the layer goes. */
  fromCrdsFolder: boolean;
  /** Written when it does not exist, and never after: `crds: Create`. */
  createOnly: boolean;
}

/** What is known of a layer's objects. */
export type ContentState =
  | { kind: "reading" }
  | { kind: "missing"; failure: Failure }
  | { kind: "unknown" }
  | ContentFailed
  | ContentKnown;

export interface ContentKnown {
  kind: "known";
  content: LayerContent;
  desired: readonly Desired[];
  digest: string;
  /** Objects that cannot be placed, and the kinds that nobody knows among them. */
  problems: readonly Failure[];
  unknownKinds: readonly GroupVersionKind[];
}

/** `retryAt` in milliseconds since the epoch. */
export interface ContentFailed {
  kind: "failed";
  failure: Failure;
  retryAt: number;
}

/** What a render of a layer left behind, good as long as the layer's inputs have this digest. */
export interface ContentMemory {
  inputs: string;
  specDigest: string;
  attempts: number;
  result: ContentFailed | { kind: "known"; content: LayerContent };
}

export interface PlannedLayer {
  spec: Layer;
  /** Undefined while something that the layer refers to is missing. */
  inputs: LayerInputs | undefined;
  state: ContentState;
  /** The namespace for objects without one, when the layer or the profile gives it. */
  namespace: string | undefined;
}

/** The ordered plan of one profile on one cluster. */
export interface Plan {
  layers: readonly PlannedLayer[];
}
