import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { describeRef, parseApiVersion } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import type { Budget } from "./expression-meter.ts";
import { type OutputName, outputKey } from "./expression-names.ts";
import { compileExpression } from "./expression-program.ts";
import type { Absence, LayerOutput, Scope } from "./expression-scope.ts";
import { BadValue, fromCel, toCel } from "./expression-values.ts";
import type { Scopes } from "./place.ts";
import type { NamedRef, SiteView } from "./seen.ts";
import type { ContentState, PlannedLayer } from "./types.ts";

type Output = NonNullable<Layer["outputs"]>[number];

/** What a layer gives to later ones. */
export interface GivenOutputs {
  values: ReadonlyMap<string, LayerOutput>;
  /** The objects that they are read from, to be watched. */
  named: readonly NamedRef[];
}

export interface OutputsContext {
  site: Pick<SiteView, "named" | "servedIn">;
  scopes: Scopes;
  /** What all outputs of the profile may still cost. */
  budget: Budget;
}

/** Clauses about outputs whose expressions cannot work on any object. */
export function outputProblems({ outputs = [] }: Pick<Layer, "outputs">): string[] {
  return outputs.flatMap(({ name, value }) => {
    const compiled = compileExpression(value.trim(), "object");
    return compiled.ok ? [] : compiled.problems.map((clause) => `outputs[${name}].value: ${clause}`);
  });
}

/** The outputs of a layer, as its objects are now. What comes from a Secret is sensitive, whatever the layer says. */
export function outputsOf({ spec, namespace, state }: PlannedLayer, context: OutputsContext): GivenOutputs {
  const values = new Map<string, LayerOutput>();
  const named: NamedRef[] = [];
  for (const output of spec.outputs ?? []) {
    const ref =
      state.kind === "skipped"
        ? { ...missing("the layer is skipped"), isMeant: true as const }
        : refOf(output, namespace, context);
    const isRef = "name" in ref;
    const given = isRef ? read(output, ref, context) : { absence: ref };
    const sensitive = output.sensitive === true || isSecret(output.object);
    values.set(output.name, { ...given, ...(sensitive ? { sensitive } : {}) });
    if (isRef) named.push(ref);
  }
  return { values, named };
}

const missing = (why: string): Absence & { kind: "missing" } => ({ kind: "missing", why });
const unknown = (why: string): Absence => ({ kind: "unknown", why });

/** The layer's own namespace may be what an expression gives, which is not known then. */
function refOf({ object }: Output, ofLayer: string | undefined, { site, scopes }: OutputsContext): NamedRef | Absence {
  const gvk = { ...parseApiVersion(object.apiVersion), kind: object.kind };
  const scope = scopes(gvk);
  // A kind may be away for a moment, with the server of its API.
  if (!scope || !site.servedIn(gvk))
    return unknown(`the cluster does not serve ${object.kind} in ${object.apiVersion}`);
  if (scope === "Cluster") return { ...gvk, namespace: undefined, name: object.name };
  const namespace = object.namespace ?? ofLayer;
  if (namespace?.includes("${{")) return unknown("its namespace is not known yet");
  if (namespace === undefined) return unknown(`${object.kind} ${object.name} needs a namespace: name it in the output`);
  return { ...gvk, namespace, name: object.name };
}

function isSecret({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">): boolean {
  return apiVersion === "v1" && kind === "Secret";
}

function read({ value }: Output, ref: NamedRef, { site, budget }: OutputsContext): LayerOutput {
  const live = site.named(ref);
  const { namespace, ...rest } = ref;
  const name = describeRef(namespace === undefined ? rest : { ...rest, namespace });
  if (live === "unknown") return { absence: { kind: "reading" } };
  if (live === "absent") return { absence: missing(`${name} does not exist`) };
  if (live instanceof Failure) return { absence: unknown(`${name}: ${live.message}`) };
  return remembered(live, value, () =>
    evaluate(value, { object: isSecret(live) ? decoded(live) : live, name, budget }),
  );
}

/** By object, and then by expression: objects of the watches never change. */
const results = new WeakMap<KubeObject, Map<string, LayerOutput>>();

function remembered(object: KubeObject, source: string, make: () => LayerOutput): LayerOutput {
  const known = results.get(object) ?? new Map<string, LayerOutput>();
  results.set(object, known);
  const output = known.get(source) ?? make();
  known.set(source, output);
  return output;
}

const OUTPUT_BUDGET = 500_000;

function evaluate(
  source: string,
  { object, name, budget }: { object: KubeObject; name: string; budget: Budget },
): LayerOutput {
  const compiled = compileExpression(source.trim(), "object");
  if (!compiled.ok) return { absence: unknown(`${name}: ${compiled.problems.join("; ")}`) };
  const own = { left: Math.min(OUTPUT_BUDGET, budget.left) };
  const given = own.left;
  try {
    const { managedFields: _, ...metadata } = object.metadata;
    const outcome = compiled.value.run({ self: toCel({ ...object, metadata }) }, own);
    if (!outcome.ok && outcome.isMissing) return { absence: missing(`${name} has no ${fieldOf(outcome.what)} yet`) };
    if (!outcome.ok) return { absence: unknown(`${name}: ${outcome.problem}`) };
    const value = fromCel(outcome.value);
    return value === null ? { absence: missing(`${name} gives null`) } : { value };
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    return { absence: unknown(`${name}: the value ${error.message}`) };
  } finally {
    budget.left -= given - own.left;
  }
}

/** `self.status.phase` as people say it: `status.phase`. */
function fieldOf(what: string | undefined): string {
  return what?.replace(/^self\./, "") ?? "such value";
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A Secret with its data as text, as `valuesFrom` has it; what is no text stays base64. */
function decoded(secret: KubeObject): KubeObject {
  const data = Object.entries((secret["data"] ?? {}) as Record<string, string>);
  return { ...secret, data: Object.fromEntries(data.map(([key, value]) => [key, textOf(value)])) };
}

function textOf(base64: string): string {
  try {
    return UTF8.decode(Buffer.from(base64, "base64"));
  } catch {
    return base64;
  }
}

/** What to do about outputs that a layer asks for and that are not there; undefined when there is nothing to wait for. */
export function awaiting(
  on: readonly OutputName[],
  layers: Scope["layers"],
): Extract<ContentState, { kind: "reading" | "waiting" }> | undefined {
  const absences = new Map(on.map((name) => [outputKey(name), { name, absence: absenceOf(name, layers) }]));
  const all = [...absences.values()].flatMap(({ name, absence }) => (absence ? [{ name, absence }] : []));
  if (all.length === 0) return undefined;
  if (all.some(({ absence }) => absence.kind === "reading")) return { kind: "reading" };
  const clauses = all.map(({ name: { layer, output }, absence }) => {
    const why = absence.kind === "reading" ? "" : `: ${absence.why}`;
    return `output ${output} of layer ${layer}${why}`;
  });
  return { kind: "waiting", on: clauses.join("; ") };
}

/**
 * Outputs that an expression went without, because it asks first whether they are there. Nobody knows that of these: to take
 * them for absent would change, or remove, what runs.
 */
export function undecided(uses: readonly OutputName[], layers: Scope["layers"]): OutputName[] {
  return uses.filter((name) => ["reading", "unknown"].includes(absenceOf(name, layers)?.kind ?? ""));
}

/** Outputs that are not there, and may be in a moment: nobody wants them to be absent. */
export function passing(uses: readonly OutputName[], layers: Scope["layers"]): OutputName[] {
  return uses.filter((name) => {
    const absence = absenceOf(name, layers);
    return absence?.kind === "missing" && absence.isMeant !== true;
  });
}

function absenceOf({ layer, output }: OutputName, layers: Scope["layers"]): Absence | undefined {
  const found = layers.get(layer)?.get(output);
  return found?.value === undefined ? (found?.absence ?? missing("it is not there yet")) : undefined;
}
