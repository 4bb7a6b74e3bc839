import { LOCAL_CLUSTER } from "../../api/names.ts";
import type { Profile, TargetCluster } from "../../api/types.ts";
import { Failure, type FailureReason } from "../../errors.ts";
import { plural } from "../../health/text.ts";
import { fetchedSources, isEvaluated } from "../../plan/manifests.ts";
import { readVariables } from "../../plan/read-variables.ts";
import { type Referents, variableUses } from "../../plan/references.ts";
import { hasExpressions } from "../../plan/resolve-layer.ts";
import { targetsOf } from "../../plan/targets.ts";
import type { PlannedLayer } from "../../plan/types.ts";
import { siteOffline } from "../offline.ts";
import { type PlanPlace, type ProfilePlan, planProfile } from "../plan-profile.ts";
import { goesToLocal, sidesOf } from "../sides.ts";
import type { Checked, Placed } from "./documents.ts";
import type { Findings } from "./findings.ts";
import type { ProfileProblems } from "./profile-checks.ts";

export interface PlanOptions {
  /** `v1.36.3`. */
  kubeVersion: string;
  /** Where charts and packs of the profile come from; undefined when nothing is to be fetched. */
  fetched: ((profile: Profile) => Pick<PlanPlace, "chart" | "packs">) | undefined;
}

const NOT_FETCHED = new Failure("SourceUnavailable", "was not fetched");
/** What says nothing about the documents, but that they could not be looked at. */
const UNREACHED: readonly FailureReason[] = ["SourceUnavailable", "SourceUnauthorized", "RenderTimeout"];

/** One cluster that a profile goes to. */
interface Place {
  name: string;
  target: TargetCluster | undefined;
  /** Whether everything that gives values to variables is known. */
  isComplete: boolean;
}

interface About {
  checked: Checked;
  known: ProfileProblems;
  options: PlanOptions;
}

/** Plans a profile for each of its clusters by the operator's own code, as far as the files go. */
export async function planOffline(
  { subject, value: profile }: Placed<Profile>,
  about: About,
  findings: Findings,
): Promise<void> {
  if (about.known.ofVariables.length > 0) return;
  const places = placesOf(profile, about.checked);
  for (const { severity, message, on } of await planAtAll(profile, places, about)) {
    if (severity === "unchecked" && about.options.fetched) findings.isIncomplete = true;
    const where = on.length < places.length ? ` (on ${on.join(", ")})` : "";
    findings.add(severity, subject, [`${message}${where}`]);
  }
  findings.add("unchecked", subject, unopened(profile, about.options));
}

/** What is said on each cluster, once, with where. */
async function planAtAll(
  profile: Profile,
  places: readonly Place[],
  about: About,
): Promise<(Said & { on: string[] })[]> {
  const heard = new Map<string, Said & { on: string[] }>();
  for (const place of places) {
    for (const said of await planAt(profile, place, about)) {
      const before = heard.get(said.message);
      if (before) before.on.push(place.name);
      else heard.set(said.message, { ...said, on: [place.name] });
    }
  }
  return [...heard.values()];
}

function unopened({ spec: { layers } }: Profile, { fetched }: PlanOptions): string[] {
  const charts = layers.filter(({ helm }) => helm !== undefined).length;
  const packs = layers.filter(({ pack }) => pack !== undefined).length;
  const others = layers.flatMap((layer) => fetchedSources(layer)).length;
  return [
    ...(charts > 0 && !fetched ? [`${plural(charts, "chart")} not rendered: say --fetch to fetch and render`] : []),
    ...(others > 0 && !fetched ? [`${plural(others, "source")} of manifests not fetched: say --fetch to fetch`] : []),
    ...(packs > 0 && !fetched ? [`${plural(packs, "pack")} not opened: say --fetch to fetch and open`] : []),
  ];
}

/** Without any cluster in the files, the profile is planned for one of which nothing is known. */
function placesOf(profile: Profile, { targets, referents }: Checked): Place[] {
  const { namespace } = profile.metadata;
  const reachable = targets
    .map(({ value }) => value)
    .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const places = targetsOf(profile, reachable).flatMap(({ name, namespace: where }): Place[] => {
    const target = reachable.find(({ metadata }) => metadata.name === name && metadata.namespace === where);
    if (target === undefined && name !== LOCAL_CLUSTER) return [];
    return [{ name, target, isComplete: areThere(profile, target, referents) }];
  });
  return places.length > 0 ? places : [{ name: LOCAL_CLUSTER, target: undefined, isComplete: false }];
}

function areThere(profile: Profile, target: TargetCluster | undefined, referents: Referents): boolean {
  const uses = [
    ...variableUses(profile.spec.variablesFrom, profile.metadata.namespace),
    ...variableUses(target?.spec.variablesFrom, target?.metadata.namespace),
  ];
  return uses.every(({ reference }) => referents(reference).kind === "found");
}

interface Said {
  severity: "problem" | "warning" | "unchecked";
  message: string;
}

async function planAt(profile: Profile, place: Place, about: About): Promise<Said[]> {
  const { referents, crds } = about.checked;
  const { kubeVersion, fetched } = about.options;
  const site = siteOffline({ kubeVersion, crds });
  const { name, isComplete } = place;
  const isLocal = name === LOCAL_CLUSTER && goesToLocal(profile);
  const target = isComplete ? place.target : place.target && withFound(place.target, referents);
  const asked = isComplete ? profile : relaxed(profile, referents);
  const { digestKey } = site.prepared;
  const variables = readVariables({ profile: asked, target, referents, digestKey, fixed: {} });
  if (variables.kind === "missing") return [{ severity: "problem", message: variables.failure.message }];
  const said: Said[] = [];
  for (const { profile: part, side } of sidesOf(asked, isLocal)) {
    const ports = fetched?.(part) ?? { chart: async () => NOT_FETCHED };
    said.push(
      ...saidOfPlan(
        await planProfile(part, { site, referents, side, cluster: { name, target }, ...ports }),
        place,
        about,
      ),
    );
  }
  return [...new Map(said.map((one) => [one.message, one])).values()];
}

function saidOfPlan(plan: ProfilePlan, { isComplete }: Place, about: About): Said[] {
  const failures = plan.layers.flatMap((layer) => {
    const isKnown = isComplete || !dependsOnCluster(layer.spec);
    return isKnown ? failuresOf(layer, plan.failures).flatMap((failure) => saidOf(layer, failure, about)) : [];
  });
  const warnings = [...plan.packs].flatMap(([layer, pack]) =>
    pack.warnings.map((warning): Said => ({ severity: "warning", message: `layer ${layer}: ${warning}` })),
  );
  return [...failures, ...warnings];
}

function dependsOnCluster(layer: PlannedLayer["spec"]): boolean {
  const isWritten = !hasExpressions(layer) && layer.when === undefined;
  return !isWritten || (layer.manifests ?? []).some((source) => isEvaluated(layer, source));
}

function failuresOf({ spec, state }: PlannedLayer, failures: ReadonlyMap<string, Failure>): Failure[] {
  if (state.kind === "reading" || state.kind === "waiting") return [];
  if (state.kind === "known") return [...state.problems];
  return [failures.get(spec.name) ?? []].flat();
}

function saidOf({ spec: { name } }: PlannedLayer, failure: Failure, { known }: About): Said[] {
  const message = `layer ${name}: ${failure.message}`;
  if (failure === NOT_FETCHED) return [];
  // Told already, each by itself.
  if (failure.reason === "InvalidValues" && known.ofLayers.has(name)) return [];
  if (["KindNotFound", "RequirementNotMet"].includes(failure.reason)) return [{ severity: "warning", message }];
  return [{ severity: UNREACHED.includes(failure.reason) ? "unchecked" : "problem", message }];
}

/** The profile without what cannot be known: sources that are not in the files, and so whether a value is missing. */
function relaxed(profile: Profile, referents: Referents): Profile {
  const { variables = [], variablesFrom = [] } = profile.spec;
  const spec = {
    ...profile.spec,
    variables: variables.map((variable) => ({ ...variable, required: false })),
    variablesFrom: foundOf(variablesFrom, profile.metadata.namespace, referents),
  };
  return { ...profile, spec } as Profile;
}

function withFound(target: TargetCluster, referents: Referents): TargetCluster {
  const { variablesFrom = [] } = target.spec;
  const found = foundOf(variablesFrom, target.metadata.namespace, referents);
  return { ...target, spec: { ...target.spec, variablesFrom: found } };
}

function foundOf<S extends NonNullable<Profile["spec"]["variablesFrom"]>[number]>(
  sources: readonly S[],
  namespace: string | undefined,
  referents: Referents,
): S[] {
  return sources.filter((source) =>
    variableUses([source], namespace).every(({ reference }) => referents(reference).kind === "found"),
  );
}

/** Variables of clusters that no profile in the files declares, though one comes there. */
export function checkUnused({ profiles, targets }: Checked, findings: Findings): void {
  for (const { subject, value: target } of targets) {
    const coming = profiles.filter(({ value }) =>
      targetsOf(value, [target]).some(
        ({ name, namespace }) => name === target.metadata.name && namespace === target.metadata.namespace,
      ),
    );
    if (coming.length === 0) continue;
    const declared = new Set(coming.flatMap(({ value }) => (value.spec.variables ?? []).map(({ name }) => name)));
    const unused = Object.keys(target.spec.variables ?? {}).filter((name) => !declared.has(name));
    findings.add(
      "warning",
      subject,
      unused.map((name) => `spec.variables.${name}: no profile in the files that comes here declares it`),
    );
  }
}
