import type { Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { applySetOf } from "../membership/applyset.ts";
import { buildPlan } from "../plan/build-plan.ts";
import type { LayerInputs } from "../plan/inputs.ts";
import { manifestsContent } from "../plan/manifests.ts";
import type { Referents } from "../plan/references.ts";
import type { Seen, SiteView } from "../plan/seen.ts";
import type { ContentMemory, LayerContent, PlannedLayer } from "../plan/types.ts";

export interface PlanPlace {
  site: SiteView & { prepared: NonNullable<SiteView["prepared"]> };
  referents: Referents;
  /**
   * The content of a chart layer.
   *
   * @param above what the layers before it bring: their CRDs may make kinds known
   */
  chart(inputs: LayerInputs, above: readonly LayerContent[]): Promise<LayerContent | Failure>;
}

/** A profile as the operator would plan it, from one look at everything. */
export interface ProfilePlan {
  seen: Seen;
  layers: readonly PlannedLayer[];
  /** Why the content of a layer is not known, by its name. */
  failures: ReadonlyMap<string, Failure>;
}

/** Plans a profile by the operator's own code: once to know the inputs of its layers, and once with their content. */
export async function planProfile(profile: Profile, place: PlanPlace): Promise<ProfilePlan> {
  const { prepared } = place.site;
  const before = buildPlan(seenAt(profile, place, new Map()), prepared);
  const contents = new Map<string, ContentMemory>();
  const failures = new Map<string, Failure>();
  const above: LayerContent[] = [];
  for (const layer of before.layers) {
    const content = await contentOf(layer, place, above);
    if (content instanceof Failure) failures.set(layer.spec.name, content);
    else {
      above.push(content);
      if (layer.inputs) contents.set(layer.spec.name, known(layer.inputs, content));
    }
  }
  const seen = seenAt(profile, place, contents);
  return { seen, layers: buildPlan(seen, prepared).layers, failures };
}

/** The ApplySet of a profile in whatever cluster. */
export function applySetOfProfile({ kind, metadata: { namespace, name } }: Profile): ApplySet {
  return applySetOf({ kind, namespace, name });
}

async function contentOf(
  { spec, inputs, state }: PlannedLayer,
  { chart }: PlanPlace,
  above: readonly LayerContent[],
): Promise<LayerContent | Failure> {
  if (state.kind === "missing") return state.failure;
  if (!inputs) return new Failure("ReferenceNotFound", "something that the layer refers to is missing");
  return spec.helm ? await chart(inputs, above) : manifestsContent(spec, inputs.texts);
}

function known({ digest, specDigest }: LayerInputs, content: LayerContent): ContentMemory {
  return { inputs: digest, specDigest, attempts: 0, result: { kind: "known", content } };
}

function seenAt(profile: Profile, { site, referents }: PlanPlace, contents: Seen["contents"]): Seen {
  return {
    now: 0,
    profile,
    set: applySetOfProfile(profile),
    site,
    referents,
    contents,
    attempts: new Map(),
    namespaces: new Map(),
    leaving: new Map(),
    rows: new Map(),
  };
}
