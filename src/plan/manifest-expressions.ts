import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import { describeRef, isCrd, refOf } from "../objects/identity.ts";
import { manifestsOf } from "../objects/manifests.ts";
import type { KubeObject } from "../objects/types.ts";
import type { OutputName } from "./expression-names.ts";
import type { KnownNames, Scope } from "./expression-scope.ts";
import { evaluateTree, expressionsIn } from "./expressions.ts";
import { identitiesFromSecrets } from "./identity-fields.ts";
import { isEvaluated, manifestsContent } from "./manifests.ts";
import { awaiting, undecided } from "./outputs.ts";
import type { ContentState, LayerContent } from "./types.ts";

type NotYet = Extract<ContentState, { kind: "reading" | "waiting" | "missing" }>;

interface Memo {
  scope: string;
  result: LayerContent | NotYet;
}

/** The objects that are placed and digested stay the very same as long as what they are made from does. */
const memos = new WeakMap<LayerContent, Memo>();

/**
 * The content of a layer with what the expressions in its objects give, where these are to be evaluated. An object's
 * identity must not come from a Secret: everybody sees it.
 *
 * @returns else what is waited for, or an InvalidValues failure with all problems
 */
export function evaluateContent(
  content: LayerContent,
  { scope, digestKey }: { scope: Scope; digestKey: Uint8Array },
): LayerContent | NotYet {
  if (!content.evaluated) return content;
  const key = scopeDigest(scope, digestKey);
  const known = memos.get(content);
  if (known?.scope === key) return known.result;
  const result = evaluate(content, content.evaluated, scope);
  memos.set(content, { scope: key, result });
  return result;
}

/** What is wrong with the expressions in the objects that stand in a layer itself, as far as it is known without a cluster. */
export function manifestProblems(layer: Layer, known: KnownNames): string[] {
  const sources = layer.manifests?.map((source) => (isEvaluated(layer, source) ? source : {})) ?? [];
  const content = manifestsContent({ ...layer, manifests: sources }, new Map());
  if (content instanceof Failure) return [];
  return content.objects.flatMap((object, index) => {
    if (isCrd(object)) return [];
    const where = `${content.evaluated?.[index]}, ${describeRef(refOf(object))}`;
    return expressionsIn(object, known, "").problems.map((problem) => placed(where, problem));
  });
}

function evaluate(
  content: LayerContent,
  from: NonNullable<LayerContent["evaluated"]>,
  scope: Scope,
): LayerContent | NotYet {
  const problems: string[] = [];
  const on: OutputName[] = [];
  const objects = content.objects.flatMap((object, index) => {
    const path = from[index];
    if (path === undefined || path === null || isCrd(object)) return [object];
    const where = `${path}, ${describeRef(refOf(object))}`;
    const evaluated = evaluateTree(object, scope, "");
    if (evaluated.kind === "failed") problems.push(...evaluated.problems.map((problem) => placed(where, problem)));
    if (evaluated.kind === "waiting") on.push(...evaluated.on);
    if (evaluated.kind !== "value") return [];
    on.push(...undecided(evaluated.uses.outputs, scope.layers));
    problems.push(...identitiesFromSecrets({ tree: evaluated.value, sensitive: evaluated.sensitivePaths }, where));
    return objectsOf(evaluated.value, where, problems);
  });
  if (problems.length > 0) return { kind: "missing", failure: new Failure("InvalidValues", problems.join("; ")) };
  const late = awaiting(on, scope.layers);
  const { evaluated: _, ...rest } = content;
  return late ?? { ...rest, objects };
}

/** `.data.host: …` of an object as a sentence. */
function placed(where: string, problem: string): string {
  return `${where}, ${problem.replace(/^\./, "")}`;
}

function objectsOf(value: unknown, where: string, problems: string[]): KubeObject[] {
  const read = manifestsOf(value, where);
  if (read.ok) return read.value;
  problems.push(...read.problems);
  return [];
}

const digests = new WeakMap<Scope, { key: Uint8Array; digest: string }>();

/** Tells whether anything has changed that an expression may read. */
export function scopeDigest(scope: Scope, key: Uint8Array): string {
  const known = digests.get(scope);
  if (known?.key === key) return known.digest;
  const digest = hmacDigest(key, printed(scope));
  digests.set(scope, { key, digest });
  return digest;
}

/** All that an expression may read, as JSON. */
function printed({ cluster, profile, variables, layers }: Scope): unknown {
  const { types, values, sensitive } = variables;
  const outputs = [...layers].map(([layer, all]) => [
    layer,
    [...all].map(([name, { value, absence, sensitive: isHidden = false }]) => {
      return [name, value ?? null, absence ?? null, isHidden];
    }),
  ]);
  return [cluster, profile, [...types.keys()], [...values], [...sensitive], outputs];
}
