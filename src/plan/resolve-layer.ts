import { wrongArtifactVersion } from "../api/schema/manifests.ts";
import { wrongText } from "../api/schema/text.ts";
import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { OutputName } from "./expression-names.ts";
import type { Scope } from "./expression-scope.ts";
import { type Evaluated, evaluateText, evaluateTree } from "./expressions.ts";
import { patchTexts, withTexts } from "./patch-expressions.ts";
import { namesInValues, SEEN_BY_ALL } from "./seen-names.ts";
import { keysBelow } from "./sensitive-values.ts";

/** A layer on one cluster, with what its expressions give. */
export type ResolvedLayer =
  | {
      kind: "resolved";
      layer: Layer;
      uses: readonly OutputName[];
      /** Where its values have something sensitive, where they have; keys of `pathKey`. */
      sensitive?: readonly string[];
    }
  | { kind: "waiting"; on: readonly OutputName[] }
  | { kind: "failed"; failure: Failure };

/** The fields of a layer in which expressions may stand. All problems come at once. */
export function resolveLayer(layer: Layer, scope: Scope): ResolvedLayer {
  const { values, namespace, helm, pack } = layer;
  const version = (text: string) => wrongText("version", text);
  const read = {
    values: evaluateTree(values ?? {}, scope, "values"),
    namespace: textIn(namespace, { where: "namespace", wrong: (text) => wrongText("namespace", text) }, scope),
    helm: textIn(helm?.version, { where: "helm.version", wrong: version }, scope),
    pack: textIn(pack?.version, { where: "pack.version", wrong: version }, scope),
  };
  const artifacts = artifactVersions(layer, scope);
  const patches = patchTexts(layer, scope);
  const all = [...Object.values(read), ...artifacts.values(), ...patches.values()].filter((one) => one !== undefined);
  const secret = read.values.kind === "value" ? read.values.sensitivePaths : [];
  const names = pack ? namesInValues(secret, "values") : [];
  const problems = [...all.flatMap((one) => (one.kind === "failed" ? one.problems : [])), ...names];
  if (problems.length > 0) return { kind: "failed", failure: new Failure("InvalidValues", problems.join("; ")) };
  const on = all.flatMap((one) => (one.kind === "waiting" ? one.on : []));
  if (on.length > 0) return { kind: "waiting", on };
  const resolved = {
    ...layer,
    ...(values ? { values: givenBy(read.values) as Record<string, unknown> } : {}),
    ...(read.namespace ? { namespace: givenBy(read.namespace) } : {}),
    ...(helm && read.helm ? { helm: { ...helm, version: givenBy(read.helm) } } : {}),
    ...(pack && read.pack ? { pack: { ...pack, version: givenBy(read.pack) } } : {}),
    ...withVersions(layer, artifacts),
    ...withTexts(layer, patches),
  };
  const uses = all.flatMap((one) => (one.kind === "value" ? one.uses.outputs : []));
  const sensitive = keysBelow(secret, "values");
  return { kind: "resolved", layer: resolved, uses, ...(sensitive.length > 0 ? { sensitive } : {}) };
}

const EXPRESSION = "${{";
const MANIFESTS = ["manifests", "attachments"] as const;

/** The versions of OCI artifacts with expressions, by path. */
function artifactVersions(layer: Layer, scope: Scope): ReadonlyMap<string, Evaluated<string>> {
  const found = new Map<string, Evaluated<string>>();
  for (const field of MANIFESTS) {
    layer[field]?.forEach(({ oci }, index) => {
      const path = `${field}[${index}]`;
      const about = { where: `${path}.oci.version`, wrong: wrongArtifactVersion };
      const evaluated = textIn(oci?.version, about, scope);
      if (evaluated) found.set(path, evaluated);
    });
  }
  return found;
}

function withVersions(
  layer: Layer,
  versions: ReadonlyMap<string, Evaluated<string>>,
): Pick<Layer, "manifests" | "attachments"> {
  if (versions.size === 0) return {};
  const fields = MANIFESTS.flatMap((field) => {
    const sources = layer[field]?.map((source, index) => {
      const version = versions.get(`${field}[${index}]`);
      return source.oci && version ? { ...source, oci: { ...source.oci, version: givenBy(version) } } : source;
    });
    return sources ? [[field, sources] as const] : [];
  });
  return Object.fromEntries(fields);
}

interface TextField {
  where: string;
  /** What is wrong with what the expressions give; undefined when nothing is. */
  wrong(text: string): string | undefined;
}

function textIn(text: string | undefined, { where, wrong }: TextField, scope: Scope): Evaluated<string> | undefined {
  if (!text?.includes(EXPRESSION)) return undefined;
  const evaluated = evaluateText(text, scope, where);
  if (evaluated.kind !== "value") return evaluated;
  if (evaluated.sensitivePaths.length > 0) return { kind: "failed", problems: [`${where}: ${SEEN_BY_ALL}`] };
  const problem = wrong(evaluated.value);
  return problem ? { kind: "failed", problems: [`${where}: what its expressions give ${problem}`] } : evaluated;
}

function givenBy<T>(evaluated: Evaluated<T>): T {
  if (evaluated.kind !== "value") throw new Error("evaluated before");
  return evaluated.value;
}

/** Whether anything in a layer may be an expression: most layers have none, and stay the very same value. */
export function hasExpressions(layer: Layer): boolean {
  const { values, namespace, helm, pack, manifests = [], attachments = [], patches = [] } = layer;
  const artifacts = [...manifests, ...attachments].map(({ oci }) => oci?.version);
  const texts = patches.map(({ patch }) => patch);
  return JSON.stringify([values, namespace, helm?.version, pack?.version, artifacts, texts]).includes(EXPRESSION);
}
