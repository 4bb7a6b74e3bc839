import type { VariableType } from "../api/schema/variables.ts";
import { alternatives } from "./alternatives.ts";
import type { Budget } from "./expression-meter.ts";
import type { OutputName, Reference } from "./expression-names.ts";
import { toCel, toDouble } from "./expression-values.ts";

/** The variables of a profile on one cluster, as `resolveVariables` gives them. */
export interface ScopeVariables {
  /** Every declared variable. */
  types: ReadonlyMap<string, VariableType>;
  /** Those that have a value. */
  values: ReadonlyMap<string, unknown>;
  /** Those whose value must be seen nowhere. */
  sensitive: ReadonlySet<string>;
}

/** An output of a layer. Without `value` it is not there yet. */
export interface LayerOutput {
  value?: unknown;
  sensitive?: boolean;
  /** Why there is no value. */
  absence?: Absence;
}

export type Absence =
  /** A fresh process does not know yet what is there. */
  | { kind: "reading" }
  /** `isMeant`: its layer is skipped, and will not give it. */
  | { kind: "missing"; why: string; isMeant?: true }
  /** It cannot be told whether it is there, so that nothing may be concluded from its absence. */
  | { kind: "unknown"; why: string };

/** Everything that expressions of one layer on one cluster may read. */
export interface Scope {
  cluster: {
    name: string;
    /** The virtual cluster `local` has none. */
    namespace?: string | undefined;
    labels?: Readonly<Record<string, string>> | undefined;
    /** As the API server says it: `v1.36.3`. */
    kubernetesVersion: string;
    /** Of its kube-system, once it was seen. Only macros of packs may ask for it. */
    uid?: string | undefined;
  };
  profile: {
    name: string;
    kind: string;
    /** A SystemProfile has none. */
    namespace?: string | undefined;
    version?: string | undefined;
  };
  variables: ScopeVariables;
  /** The layers before this one, each with the outputs that it declares. */
  layers: ReadonlyMap<string, ReadonlyMap<string, LayerOutput>>;
  /** What all expressions that are given this one may still cost together; left out where they are few. */
  budget?: Budget;
}

/** The names that are known without a cluster. */
export interface KnownNames {
  variables: ReadonlySet<string>;
  /** The layers before this one, each with the names of its outputs. */
  layers: ReadonlyMap<string, ReadonlySet<string>>;
}

export function knownNames({ variables, layers }: Pick<Scope, "variables" | "layers">): KnownNames {
  return {
    variables: new Set(variables.types.keys()),
    layers: new Map([...layers].map(([layer, outputs]) => [layer, new Set(outputs.keys())])),
  };
}

/** A clause for each name that does not exist, whatever the cluster. */
export function unknownNames(references: readonly Reference[], known: KnownNames): string[] {
  const clauses = references.map((reference) => {
    switch (reference.kind) {
      case "variable":
        return unknownVariable(reference.name, known);
      case "output":
        return unknownOutput(reference, known);
      default:
        return undefined;
    }
  });
  return [...new Set(clauses.filter((clause) => clause !== undefined))];
}

function unknownVariable(name: string, { variables }: KnownNames): string | undefined {
  if (variables.has(name)) return undefined;
  return `variables.${name} is not declared in spec.variables${alternatives(name, variables)}`;
}

function unknownOutput({ layer, output }: OutputName, { layers }: KnownNames): string | undefined {
  const outputs = layers.get(layer);
  if (outputs === undefined) {
    return `no layer before this one is named ${layer}${alternatives(layer, new Set(layers.keys()))}`;
  }
  if (outputs.has(output)) return undefined;
  return `layer ${layer} has no output named ${output}${alternatives(output, outputs)}`;
}

/** What CEL sees of a scope. Values are converted when an expression first reads them, each once. */
export class CelScope {
  readonly #scope: Scope;
  readonly #known = new Map<string, unknown>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** Only what the references name. Throws BadValue for a value nested too deep. */
  seenBy(references: readonly Reference[]): Record<string, unknown> {
    const variables = new Map<string, unknown>();
    const layers = new Map<string, unknown>();
    for (const reference of references) {
      if (reference.kind === "variable" && this.#scope.variables.values.has(reference.name)) {
        variables.set(reference.name, this.#variable(reference.name));
      }
      if (reference.kind === "output") layers.set(reference.layer, this.#outputsOf(reference.layer));
    }
    const { labels = {}, uid: _, ...cluster } = this.#scope.cluster;
    return {
      cluster: this.#once("cluster", () => toCel({ ...cluster, labels })),
      profile: this.#once("profile", () => toCel(this.#scope.profile)),
      variables,
      layers,
    };
  }

  #variable(name: string): unknown {
    const { values, types } = this.#scope.variables;
    const convert = types.get(name) === "number" ? toDouble : toCel;
    return this.#once(`variables.${name}`, () => convert(values.get(name)));
  }

  #outputsOf(layer: string): unknown {
    return this.#once(`layers.${layer}`, () => {
      const there = [...(this.#scope.layers.get(layer) ?? [])].filter(([, output]) => output.value !== undefined);
      return new Map([["outputs", new Map(there.map(([name, { value }]) => [name, toCel(value)]))]]);
    });
  }

  #once(key: string, make: () => unknown): unknown {
    if (!this.#known.has(key)) this.#known.set(key, make());
    return this.#known.get(key);
  }
}

export interface Missing {
  /** Clauses about what a person must give. */
  problems: string[];
  /** Outputs that their layers have yet to give. */
  outputs: OutputName[];
}

/** What the references need, without asking first whether it is there, and what is not there. */
export function missingIn(references: readonly Reference[], scope: Scope): Missing {
  const problems = new Set<string>();
  const outputs: OutputName[] = [];
  for (const reference of references) {
    if (reference.isGuarded) continue;
    if (reference.kind === "output") {
      const { layer, output } = reference;
      if (scope.layers.get(layer)?.get(output)?.value === undefined) outputs.push({ layer, output });
    } else {
      const problem = missingValue(reference, scope);
      if (problem !== undefined) problems.add(problem);
    }
  }
  return { problems: [...problems], outputs };
}

function missingValue(reference: Exclude<Reference, { kind: "output" }>, scope: Scope): string | undefined {
  if (reference.kind === "variable") {
    const { types, values } = scope.variables;
    if (!types.has(reference.name) || values.has(reference.name)) return undefined;
    return `variables.${reference.name} has no value: give it one, or a default`;
  }
  const { kind, field, key } = reference;
  const fields: Readonly<Record<string, unknown>> = scope[kind];
  const value = fields[field];
  if (field !== "labels") return value === undefined ? `${kind}.${field} has no value here` : undefined;
  const isThere = key === undefined || (typeof value === "object" && value !== null && Object.hasOwn(value, key));
  return isThere ? undefined : `cluster ${scope.cluster.name} has no label ${key}`;
}
