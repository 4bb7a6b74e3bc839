import { position } from "../health/cel-program.ts";
import { type Call, callOf, isNode, type Node } from "./expression-node.ts";

/** An output of a layer. */
export interface OutputName {
  layer: string;
  output: string;
}

/** A name that an expression reads. `isGuarded` where it asks first whether it is there (`has(…)`, `.?`). */
export type Reference =
  | { kind: "cluster" | "profile"; field: string; key: string | undefined; isGuarded: boolean }
  | { kind: "variable"; name: string; isGuarded: boolean }
  | ({ kind: "output"; isGuarded: boolean } & OutputName);

/** What the names of expressions lead to. */
export interface Uses {
  variables: ReadonlySet<string>;
  outputs: readonly OutputName[];
  /** Fields, such as `labels`. */
  cluster: ReadonlySet<string>;
  profile: ReadonlySet<string>;
}

/** Each name once. */
export function usesOf(references: readonly Reference[]): Uses {
  const outputs = new Map<string, OutputName>();
  const uses = { variables: new Set<string>(), cluster: new Set<string>(), profile: new Set<string>() };
  for (const reference of references) {
    if (reference.kind === "variable") uses.variables.add(reference.name);
    else if (reference.kind !== "output") uses[reference.kind].add(reference.field);
    else outputs.set(outputKey(reference), { layer: reference.layer, output: reference.output });
  }
  return { ...uses, outputs: [...outputs.values()] };
}

export function outputKey({ layer, output }: OutputName): string {
  return `${layer}/${output}`;
}

export interface Names {
  references: readonly Reference[];
  /** Clauses about names that no expression can have. */
  problems: readonly string[];
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  cluster: ["name", "namespace", "labels", "kubernetesVersion"],
  profile: ["name", "namespace", "kind", "version"],
};

/** What stands in an expression without being a name of ours: CEL's own names of types. */
const TYPE_NAMES = new Set(["bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "uint"]);

export const LOOPS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "filter", "map"]);

/** What an expression is over: a cluster and its profile, or one live object. */
export type Subject = "cluster" | "object";

interface Walk {
  source: string;
  subject: Subject;
  references: Reference[];
  problems: string[];
}

/**
 * The names that an expression reads. They are known before it runs: what stands behind `variables` and `layers` must
 * be written out, so that a change of what it reads, and nothing else, is a change of the layer.
 */
export function namesIn(ast: unknown, source: string, subject: Subject): Names {
  const walk: Walk = { source, subject, references: [], problems: [] };
  visit(ast, { bound: new Set(), isGuarded: false }, walk);
  return { references: walk.references, problems: walk.problems };
}

interface Place {
  /** Variables of loops around the node. */
  bound: ReadonlySet<string>;
  isGuarded: boolean;
}

function visit(value: unknown, place: Place, walk: Walk): void {
  if (Array.isArray(value)) for (const item of value) visit(item, place, walk);
  if (!isNode(value)) return;
  const call = callOf(value);
  const chain = chainOf(value);
  if (call !== undefined) visitCall(call, place, walk);
  else if (chain !== undefined) visitChain(chain, place, walk);
  else visit(value.args, place, walk);
}

function visitChain(chain: Chain, place: Place, walk: Walk): void {
  for (const { index } of chain.steps) visit(index, { ...place, isGuarded: false }, walk);
  if (!isNode(chain.base)) return;
  if (chain.base.op !== "id") visit(chain.base, place, walk);
  else if (!place.bound.has(String(chain.base.args))) visitName(chain, place, walk);
}

function visitCall({ name, receiver, args }: Call, place: Place, walk: Walk): void {
  const inside = { bound: place.bound, isGuarded: name === "has" && receiver === undefined };
  if (receiver !== undefined) visit(receiver, { ...inside, isGuarded: false }, walk);
  const [variable, ...rest] = args;
  if (receiver !== undefined && LOOPS.has(name) && variable?.op === "id") {
    visit(rest, { bound: new Set([...place.bound, String(variable.args)]), isGuarded: false }, walk);
  } else visit(args, inside, walk);
}

interface Step {
  /** Undefined where it is known only when the expression runs. */
  name: string | undefined;
  index: unknown;
  isOptional: boolean;
}

interface Chain {
  base: unknown;
  steps: Step[];
  node: Node;
}

/** `a.b["c"].?d` from the base to the last step; an identifier alone is a chain without steps. */
function chainOf(node: Node): Chain | undefined {
  const steps: Step[] = [];
  let base: unknown = node;
  while (isNode(base) && /^(\.|\[)/.test(base.op) && Array.isArray(base.args)) {
    steps.unshift(stepOf(base.op, base.args[1]));
    base = base.args[0];
  }
  const isName = isNode(base) && base.op === "id";
  return steps.length > 0 || isName ? { base, steps, node } : undefined;
}

function stepOf(op: string, index: unknown): Step {
  const literal = isNode(index) && index.op === "value" ? index.args : index;
  return { name: typeof literal === "string" ? literal : undefined, index, isOptional: op.includes("?") };
}

function visitName({ base, steps, node }: Chain, place: Place, walk: Walk): void {
  const root = isNode(base) ? String(base.args) : "";
  const at = position(node.start, walk.source);
  const isGuarded = (depth: number) =>
    (place.isGuarded && steps.length === depth) || steps.slice(0, depth).some((step) => step.isOptional);
  if (walk.subject === "object") {
    if (root !== "self" && !TYPE_NAMES.has(root))
      walk.problems.push(`${root}${at} is no name here: there is only self`);
  } else if (root === "variables") variable(steps, { at, isGuarded }, walk);
  else if (root === "layers") output(steps, { at, isGuarded }, walk);
  else if (root === "cluster" || root === "profile") field(root, steps, { at, isGuarded }, walk);
  else if (!TYPE_NAMES.has(root) && !endsDashedName(node, walk)) {
    walk.problems.push(`${root}${at} is no name here: there are cluster, profile, variables and layers`);
  }
}

interface At {
  at: string;
  isGuarded: (depth: number) => boolean;
}

function variable([step]: Step[], { at, isGuarded }: At, walk: Walk): void {
  if (step?.name === undefined) walk.problems.push(`variables${at} must be followed by a name: variables.<name>`);
  else walk.references.push({ kind: "variable", name: step.name, isGuarded: isGuarded(1) });
}

function output([layer, word, name]: Step[], { at, isGuarded }: At, walk: Walk): void {
  if (layer?.name === undefined || word?.name !== "outputs" || name?.name === undefined) {
    walk.problems.push(`layers${at} must be followed by names: layers.<layer>.outputs.<output>${dashHint(walk)}`);
    return;
  }
  walk.references.push({ kind: "output", layer: layer.name, output: name.name, isGuarded: isGuarded(3) });
}

function field(root: "cluster" | "profile", [step, key]: Step[], { at, isGuarded }: At, walk: Walk): void {
  const fields = FIELDS[root] ?? [];
  if (step?.name === undefined || !fields.includes(step.name)) {
    walk.problems.push(`${root}${at} must be followed by one of its fields: ${fields.join(", ")}`);
    return;
  }
  const isMap = step.name === "labels";
  const depth = isMap && key !== undefined ? 2 : 1;
  const keyName = isMap ? key?.name : undefined;
  walk.references.push({ kind: root, field: step.name, key: keyName, isGuarded: isGuarded(depth) });
}

/** `layers.cert-manager` is a subtraction to CEL. */
function dashHint({ source }: Walk): string {
  return DASHED_LAYER.test(source) ? `; a name with "-" is written layers["cert-manager"]` : "";
}

const DASHED_LAYER = /\blayers\.[a-z0-9]+-/;

/** The rest of a name with a dash, of which `layers` before it tells. */
function endsDashedName(node: Node, { source }: Walk): boolean {
  return source[node.start - 1] === "-" && DASHED_LAYER.test(source);
}
