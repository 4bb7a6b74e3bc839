import type { Layer } from "../api/types.ts";
import { SECRETS } from "../kube/resource.ts";
import { isExactNumber } from "../objects/json.ts";
import type { ObjectRef } from "../objects/types.ts";
import { parseManifests, parseYaml } from "../objects/yaml.ts";
import type { SourceText } from "../plan/references.ts";
import { RELEASE_TYPE } from "../plan/release.ts";
import type { Desired, PlannedLayer } from "../plan/types.ts";
import type { LookupRule } from "../render/types.ts";
import { type Secrecy, type SecretValues, secrecyOf, valuesOf } from "./diff-mask.ts";
import { type DiffTarget, undefinedIfRefused } from "./diff-target.ts";
import type { ProfilePlan } from "./plan-profile.ts";

/**
 * What a diff of a profile must not show: the values that its layers, variables and outputs take from Secrets, the values of the Secrets that they
 * bring or have brought, and whole objects that stand in Secrets.
 */
export async function secrecyOfPlan(plan: ProfilePlan, target: DiffTarget, signal: AbortSignal): Promise<Secrecy> {
  const { layers, seen } = plan;
  const desired = desiredSecrets(plan);
  const planned = plannedSecrets(plan);
  const members = [...seen.site.members()].map(({ observed }) => observed).filter(isSecret);
  const refs = new Map([...desired, ...members].map(({ key, ref }) => [key, ref]));
  const live = await Promise.all([
    ...[...refs.values()].map((ref) => liveValues(ref, target, signal)),
    ...layers.flatMap(({ spec }) => lookupRules(spec)).map((rule) => lookedUpValues(rule, target, signal)),
  ]);
  return secrecyOf({ ...planned, contained: [...planned.contained, ...live.flat()] });
}

/** The same without a cluster: what the sides of a profile must not show of the Secrets that it refers to and brings. */
export function secrecyOffline(plans: readonly ProfilePlan[]): Secrecy {
  const planned = plans.map(plannedSecrets);
  const all = (what: keyof SecretValues): string[] => planned.flatMap((values) => values[what]);
  return secrecyOf({ exact: all("exact"), contained: all("contained"), sealed: all("sealed") });
}

function plannedSecrets(plan: ProfilePlan): Record<keyof SecretValues, string[]> {
  const { layers, secretOutputs } = plan;
  return {
    exact: [...layers.flatMap(valuesFromSecrets), ...secretVariables(plan), ...secretOutputs.flatMap(leavesOf)],
    contained: desiredSecrets(plan).flatMap(({ object }) => valuesOf(object)),
    sealed: layers.flatMap(sealedObjects),
  };
}

function desiredSecrets({ layers }: ProfilePlan): Desired[] {
  return layers.flatMap(({ state }) => (state.kind === "known" ? state.desired : [])).filter(isSecret);
}

function isSecret({ ref }: { ref: ObjectRef }): boolean {
  return ref.group === "" && ref.kind === "Secret";
}

async function liveValues(ref: ObjectRef, { client }: DiffTarget, signal: AbortSignal): Promise<string[]> {
  return valuesOf(await client.find(SECRETS, ref, { signal }).catch(undefinedIfRefused));
}

function lookupRules({ helm }: Layer): LookupRule[] {
  return (helm?.lookup ?? []).filter(({ apiVersion, kind }) => apiVersion === "v1" && kind === "Secret");
}

/** What a chart has read of Secrets stands wherever it likes in its objects, also in those that were rendered long ago. */
async function lookedUpValues(
  { namespace, name }: LookupRule,
  { client }: DiffTarget,
  signal: AbortSignal,
): Promise<string[]> {
  if (namespace !== undefined && name !== undefined)
    return valuesOf(await client.find(SECRETS, { namespace, name }, { signal }).catch(undefinedIfRefused));
  const named = name === undefined ? [] : [`metadata.name=${name}`];
  // Helm's own records are large, and many.
  const fieldSelector = [`type!=${RELEASE_TYPE}`, ...named].join(",");
  const listed = await client.listAll(SECRETS, { namespace, fieldSelector, signal }).catch(undefinedIfRefused);
  return (listed?.items ?? []).flatMap(valuesOf);
}

function valuesFromSecrets({ spec, inputs }: PlannedLayer): string[] {
  return (spec.valuesFrom ?? []).flatMap((source, index) => {
    if (!source.secretKeyRef) return [];
    const texts = inputs?.texts.get(`valuesFrom[${index}]`) ?? [];
    return texts.flatMap(({ what, text }) => {
      if (source.targetPath !== undefined) return [text];
      const parsed = parseYaml(text, what);
      return parsed.ok ? leavesOf(parsed.value) : [text];
    });
  });
}

/** An expression may put them into any text. */
function secretVariables({ variables }: ProfilePlan): string[] {
  return [...(variables?.sensitive ?? [])].flatMap((name) => leavesOf(variables?.values.get(name)));
}

/** Keys of the objects whose manifests stand in Secrets. */
function sealedObjects(layer: PlannedLayer): string[] {
  const { spec, state } = layer;
  if (state.kind !== "known") return [];
  const names = new Set(
    secretTexts(layer, spec).flatMap(({ what, text }) => {
      const parsed = parseManifests(text, what);
      return parsed.ok ? parsed.value.map(({ kind, metadata }) => `${kind} ${metadata.name}`) : [];
    }),
  );
  return state.desired.filter(({ ref }) => names.has(`${ref.kind} ${ref.name}`)).map(({ key }) => key);
}

function secretTexts({ inputs }: PlannedLayer, spec: Layer): readonly SourceText[] {
  return (["manifests", "attachments"] as const).flatMap((field) =>
    (spec[field] ?? []).flatMap(({ secretRef, secretKeyRef }, index) =>
      (secretRef ?? secretKeyRef) ? (inputs?.texts.get(`${field}[${index}]`) ?? []) : [],
    ),
  );
}

/** Texts and numbers; whether something is on or off is said in every second line of any object. */
function leavesOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (isExactNumber(value)) return [value.rawJSON];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}
