import type { Layer } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { GroupVersionKind, KubeObject, ObjectRef } from "../objects/types.ts";
import type { Wave } from "../objects/waves.ts";
import type { MacroDocument, MacroExpression, MacroScope } from "../pack/macro-types.ts";
import type { LayerInputs } from "./inputs.ts";
import type { NamespaceMetadata } from "./layer-namespace.ts";
import type { Conditions, NamedRef } from "./seen.ts";
import type { Variables } from "./variables.ts";

/** What a layer brings, as its source gives it: before namespaces, labels and digests. */
export interface LayerContent {
  objects: readonly KubeObject[];
  /** CRDs of a chart's `crds/` folder: applied by the layer's `crds` policy, never deleted. */
  crds: readonly KubeObject[];
  /** What the source resolved to, for the status: a chart's version and digest. */
  version?: string;
  digest?: string;
  /** What OCI artifacts among the sources resolved to, by path (`manifests[1]`). */
  pins?: Readonly<Record<string, { version: string; digest: string; manifest: string }>>;
  /** For each of the objects: the path of its source, if expressions in it are still to be evaluated. */
  evaluated?: readonly (string | null)[];
  /** The numbers of the layer's patches that were for an object of it. */
  patched?: readonly number[];
  /** Of a chart: written before its hooks and its objects. */
  attachments?: readonly KubeObject[];
  /** Of a chart: what its Helm release holds besides the objects. */
  release?: ChartRelease;
}

/** What a chart gives to its Helm release. */
export interface ChartRelease {
  /** Name of the chart. */
  chart: string;
  /** In the order in which Helm sorts them by kind. */
  hooks: readonly Hook[];
  /** The text of all objects, as `helm get manifest` prints it. */
  manifest: string;
  /** The text of NOTES.txt. */
  notes: string;
  /** What the chart looked up and the layer does not allow: it was rendered as if nothing were there. */
  refusedLookups?: readonly string[];
  /** Set when this is the content of an older revision, because the one that the layer asks for failed. */
  rolledBack?: RolledBack;
  /** The chart and the values that were set, in Helm's JSON; not stored: the chart's source has it. */
  source?: ReleaseSource;
}

export interface RolledBack {
  from: number;
  to: number;
  why: string;
  /** What the chart that the layer asks for, and the artifacts attached to it, resolved to. */
  pinned: Pick<LayerContent, "version" | "digest" | "pins">;
}

/** What only Helm's own commands need of a release: `chart` and `config` of the record, as JSON texts. */
export interface ReleaseSource {
  chart: string;
  config: string;
}

/** An object that a chart wants at moments of its release's life, as the chart gives it: without namespace and marks. */
export interface Hook {
  name: string;
  kind: string;
  /** The template that it comes from. */
  path: string;
  /** `pre-install`, `test`…; a hook with an event that Helm does not know is in no release. */
  events: readonly string[];
  weight: number;
  /** `before-hook-creation`, `hook-succeeded`, `hook-failed`; empty when the chart says nothing. */
  deletePolicies: readonly string[];
  outputLogPolicies: readonly string[];
  /** The text that Helm runs as one: of a List, it holds the objects of all its parts. */
  manifest: string;
  object: KubeObject;
  /** Which object of a List this is, from 1; left out for the first. */
  part?: number;
}

/** A hook with the object that is created for it. */
export interface PlacedHook {
  hook: Hook;
  object: KubeObject;
  ref: ObjectRef;
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
  /** Written before the hooks of the chart that it is attached to. */
  attached: boolean;
  /** JSON pointers of fields that are left to others once the object exists. */
  ignored?: readonly string[];
}

/** What is known of a layer's objects. */
export type ContentState =
  | { kind: "reading" }
  /** `isWrong`: by its own words or its cluster's, whatever the layers before it give. */
  | { kind: "missing"; failure: Failure; isWrong?: true }
  /** Outputs of layers before it are not there yet; in words. `until`: when time decides, in milliseconds since the epoch. */
  | { kind: "waiting"; on: string; until?: number }
  /** The layer's `when` is false here. `on`: why it would be true, and when that counts; in words. */
  | { kind: "skipped"; on?: string; until?: number }
  /** A pack that is to be fetched first. */
  | { kind: "unpacked"; key: string }
  /** Macros of packs that are to be evaluated first; none while other packs are awaited. */
  | { kind: "macros"; batch: readonly MacroExpression[] }
  | { kind: "unknown" }
  | ContentFailed
  | ContentKnown;

export interface ContentKnown {
  kind: "known";
  content: LayerContent;
  desired: readonly Desired[];
  hooks: readonly PlacedHook[];
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

/** The content of a layer, with the inputs that it was made from. */
export interface MadeContent {
  /** Digest of all inputs. */
  inputs: string;
  /** Digest of the layer's own words. */
  specDigest: string;
  content: LayerContent;
}

/** What a render of a layer left behind, good as long as the layer's inputs have this digest. */
export interface ContentMemory {
  inputs: string;
  specDigest: string;
  attempts: number;
  result: ContentFailed | { kind: "known"; content: LayerContent };
}

/** Which bytes of which pack: a part is rendered from these and no others. */
export interface PackPin {
  /** The layer with the pack. */
  layer: string;
  registry: string;
  name: string;
  version: string;
  /** `sha256:<hex>` of the packed pack. */
  digest: string;
}

/** Where a layer that stands for a part of a pack comes from; `of` is the layer with the pack, `name` the part's own. */
export type PackPart = {
  of: string;
  name: string;
  /** Of the first part: namespaces that the pack has besides the one of its layer. */
  namespaces?: Readonly<Record<string, NamespaceMetadata>>;
  /** Another part comes after it. What health checks name besides its own objects may be brought by that one. */
  isFollowed?: true;
} & (
  | { kind: "chart"; pin?: PackPin; path?: string }
  | {
      kind: "manifests";
      pin: PackPin;
      files: readonly { path: string; content: string }[];
      /** `manifests` of the pack's values. */
      values: Record<string, unknown>;
      /** What macros in the files may ask for, and the values of the profile's packs; where there are any. */
      macros?: {
        scope: MacroScope;
        packs: readonly MacroDocument[];
        /** Nobody else knows it: no value can look like a hidden macro. */
        seal: string;
      };
      /** What files of old packs ask for as `.Spectro`; where they do. */
      spectro?: { cluster: string };
    }
);

/** A layer as the engine brings it: one of the profile, or one part of a pack. */
export type EngineLayer = Layer & { part?: PackPart };

export interface PlannedLayer {
  spec: EngineLayer;
  /** Undefined while something that the layer refers to is missing. */
  inputs: LayerInputs | undefined;
  state: ContentState;
  /** The namespace for objects without one, when the layer or the profile gives it. */
  namespace: string | undefined;
  /** What the layer, or what the parts of its pack, were when they were last Ready, if that is not what it should be now. */
  installed?: readonly (PlannedLayer & { state: ContentKnown })[];
  /** Of these, those that a fresh process has yet to read from where they are stored; by name. */
  lost?: readonly string[];
  /** It waits for an output, and its own words are those by which it was last Ready: it wants what it has. */
  isUnchanged?: true;
}

/** The ordered plan of one profile on one cluster. */
export interface Plan {
  layers: readonly PlannedLayer[];
  /** The objects that outputs are read from, and the values among them that must be seen nowhere. */
  outputs: { named: readonly NamedRef[]; secrets: readonly unknown[] };
  /** Whether a pack says what it needs of the nodes: they are watched then. */
  readsNodes: boolean;
  /** Once everything that they come from is read. */
  variables?: Variables;
  /** To be remembered for the next plan. */
  conditions?: Conditions;
  /** What people should know of a layer's pack, by the name of the layer. */
  packs: ReadonlyMap<string, { version: string; warnings: readonly string[] }>;
}
