import type { VariableDeclaration, VariableType } from "../api/schema/variables.ts";
import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import { alternatives, isNearlyThe } from "./alternatives.ts";
import { brokenLimits, checkDeclarations, type Effort, effort, hasDefault } from "./variable-limits.ts";
import { type Checked, checkValue, readValue } from "./variable-types.ts";

/** One key of a ConfigMap or Secret that `variablesFrom` names. */
export interface VariableText {
  /** Where the reference stands: `variablesFrom[0]`. */
  path: string;
  /** What it leads to, in words: `Secret acme/db key password`. */
  what: string;
  /** The variable that the text is for: the key, or what the reference says instead. */
  name: string;
  fromSecret: boolean;
  /** Whether the reference names this key (`secretKeyRef`), and not the whole object. */
  isNamed: boolean;
  text: string;
}

/** What is known of the variables of one profile on one cluster. */
export interface VariableInputs {
  declared: readonly VariableDeclaration[];
  /** The profile's `variablesFrom`, in order. */
  profileTexts: readonly VariableText[];
  /** Undefined for the virtual cluster `local`, which has no TargetCluster. */
  cluster?:
    | {
        /** In words: `TargetCluster edge-17`. */
        what: string;
        /** Its `variablesFrom`, in order. */
        texts: readonly VariableText[];
        /** Its `variables`. */
        values: Readonly<Record<string, unknown>>;
      }
    | undefined;
  /** The digests that the last `resolveVariables` of this profile on this cluster gave. */
  previousDigests?: Readonly<Record<string, string>> | undefined;
  digestKey: Uint8Array;
}

/** The variables of one profile on one cluster. */
export interface Variables {
  types: ReadonlyMap<string, VariableType>;
  /** Those that have a value; of an optional one without any, an expression finds none. */
  values: ReadonlyMap<string, unknown>;
  /** Where each value comes from, in words, for the status. Never the value, nor a default. */
  provenance: ReadonlyMap<string, string>;
  /** Those that must be seen nowhere: declared so, or come from a Secret. */
  sensitive: ReadonlySet<string>;
  /** Of the immutable variables that have a value, keyed digests: to be kept, and given to the next call. */
  digests: Readonly<Record<string, string>>;
  /** Given for names that the profile does not declare, in words, for `strata validate`. */
  unused: readonly string[];
}

/** A value that somebody gave, in the order in which they override each other. */
interface Offer {
  name: string;
  /** In words, as the provenance has it. */
  source: string;
  fromSecret: boolean;
  checked: (type: VariableType) => Checked;
}

/**
 * The value of each variable, or a Failure (`InvalidValues`) with everything that is wrong with them at once. A problem
 * names the variable, where its value comes from and what it must be, and holds no value.
 *
 * The last of these that gives a value counts: `default`, the profile's `variablesFrom` in order, the TargetCluster's
 * `variablesFrom` in order, the TargetCluster's `variables`. Only the value that counts must be right, save that a
 * sensitive variable must not be given anywhere but in Secrets.
 *
 * What a TargetCluster, or a whole ConfigMap or Secret, gives for names that the profile does not declare is left alone:
 * many profiles share them. A reference of the profile to one key must name a variable. A null counts as not given.
 */
export function resolveVariables(inputs: VariableInputs): Variables | Failure {
  const { declared } = inputs;
  const offers = offersIn(inputs);
  const names = new Set(declared.map(({ name }) => name));
  const unused = offers.filter(({ name }) => !names.has(name));
  const left = effort();
  const problems = [...checkDeclarations(declared, left), ...strayReferences(inputs.profileTexts, names)];
  const variables = {
    types: new Map(declared.map(({ name, type }) => [name, type])),
    values: new Map<string, unknown>(),
    provenance: new Map<string, string>(),
    sensitive: new Set(declared.filter(({ sensitive }) => sensitive).map(({ name }) => name)),
    digests: {} as Record<string, string>,
    unused: unused.map(({ name, source }) => `${name}, from ${source}`),
  };
  for (const declaration of declared) {
    const mine = offers.filter(({ name }) => name === declaration.name);
    problems.push(...sensitiveProblems(declaration, mine));
    const settled = settle(declaration, mine, { inputs, unused, left });
    if (settled.kind === "failed") problems.push(...settled.problems);
    if (settled.kind !== "value") continue;
    variables.values.set(declaration.name, settled.value);
    variables.provenance.set(declaration.name, settled.source);
    if (settled.fromSecret) variables.sensitive.add(declaration.name);
    if (declaration.immutable) variables.digests[declaration.name] = fixedDigest(settled.value, inputs.digestKey);
  }
  return problems.length > 0 ? new Failure("InvalidValues", problems.join("; ")) : variables;
}

function offersIn({ profileTexts, cluster }: VariableInputs): Offer[] {
  const { what = "", texts = [], values = {} } = cluster ?? {};
  return [
    ...profileTexts.map((text) => textOffer(text, "")),
    ...texts.map((text) => textOffer(text, `${what} `)),
    ...Object.entries(values)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(
        ([name, value]): Offer => ({
          name,
          source: what,
          fromSecret: false,
          checked: (type) => checkValue(type, value),
        }),
      ),
  ];
}

function textOffer({ name, path, what, fromSecret, text }: VariableText, before: string): Offer {
  return { name, source: `${before}${path} ${what}`, fromSecret, checked: (type) => readValue(type, text) };
}

function strayReferences(texts: readonly VariableText[], names: ReadonlySet<string>): string[] {
  return texts
    .filter(({ isNamed, name }) => isNamed && !names.has(name))
    .map(({ path, name }) => `${path}: no variable is named ${name}${alternatives(name, names)}`);
}

function sensitiveProblems({ name, sensitive }: VariableDeclaration, offers: readonly Offer[]): string[] {
  if (!sensitive) return [];
  return offers
    .filter(({ fromSecret }) => !fromSecret)
    .map(({ source }) => `variable ${name} is sensitive and may only come from a Secret, but ${source} gives it`);
}

type Settled =
  | { kind: "value"; value: unknown; source: string; fromSecret: boolean }
  | { kind: "none" }
  | { kind: "failed"; problems: string[] };

interface Circumstances {
  inputs: VariableInputs;
  unused: readonly Offer[];
  left: Effort;
}

function settle(declaration: VariableDeclaration, offers: readonly Offer[], around: Circumstances): Settled {
  const settled = settleValue(declaration, offers, around);
  if (settled.kind === "failed" || !declaration.immutable) return settled;
  const { previousDigests = {}, digestKey } = around.inputs;
  const before = Object.hasOwn(previousDigests, declaration.name) ? previousDigests[declaration.name] : undefined;
  const now = settled.kind === "value" ? fixedDigest(settled.value, digestKey) : undefined;
  if (before === undefined || before === now || !before.startsWith(keyMark(digestKey))) return settled;
  const change = settled.kind === "value" ? `${settled.source} changes it` : "nothing gives it any more";
  return failed(
    `variable ${declaration.name} is immutable and was set before, but ${change}: give it its first value again, or declare another variable`,
  );
}

/** The mark of a key: a cluster that was made anew has another one, and no value of the old cluster binds it. */
function keyMark(digestKey: Uint8Array): string {
  return `${hmacDigest(digestKey, "immutable variables").slice(0, 8)}-`;
}

function fixedDigest(value: unknown, digestKey: Uint8Array): string {
  return keyMark(digestKey) + hmacDigest(digestKey, value);
}

const failed = (...problems: string[]): Settled => ({ kind: "failed", problems });

function settleValue(declaration: VariableDeclaration, offers: readonly Offer[], around: Circumstances): Settled {
  const { name, type } = declaration;
  const offer = offers.at(-1);
  if (offer === undefined) return withoutOffer(declaration, around);
  const { source, fromSecret } = offer;
  const checked = offer.checked(type);
  const clauses = checked.ok ? brokenLimits(declaration, checked.value, around.left) : [checked.problem];
  if (!checked.ok || clauses.length > 0) {
    return failed(...clauses.map((clause) => `variable ${name}, from ${source}: ${clause}`));
  }
  return { kind: "value", value: checked.value, source, fromSecret };
}

/** A default that is wrong is a problem of the declaration, and is told there. */
function withoutOffer(declaration: VariableDeclaration, { inputs, unused }: Circumstances): Settled {
  if (hasDefault(declaration)) {
    return { kind: "value", value: declaration.default, source: "default", fromSecret: false };
  }
  if (!declaration.required) return { kind: "none" };
  const near = unused.find(({ name }) => isNearlyThe(name, declaration.name));
  const hint =
    near === undefined ? wayToSet(declaration, inputs) : `${near.source} gives ${near.name}, which is another name`;
  return failed(`variable ${declaration.name} is required and has no value: ${hint}`);
}

function wayToSet({ sensitive }: VariableDeclaration, { cluster }: VariableInputs): string {
  if (sensitive) return `set it by a Secret in variablesFrom of the profile${cluster ? ` or of ${cluster.what}` : ""}`;
  return cluster ? `set it in spec.variables of ${cluster.what}` : "set it in variablesFrom of the profile";
}
