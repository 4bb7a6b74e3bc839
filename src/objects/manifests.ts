import { isMap } from "./json.ts";
import type { KubeObject, Result } from "./types.ts";

type JsonMap = Record<string, unknown>;

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** A required field that should be text; a number or `yes` there is a common slip. */
function textProblem(holder: JsonMap, field: string, path: string): string[] {
  const value = holder[field];
  if (isText(value)) return [];
  if (value === undefined || value === null || value === "") return [`${path} is missing`];
  return [`${path} must be a string; quote it`];
}

/** Keys of labels, annotations and stringData are names; their values are never told. A null is an empty string there. */
function stringMapProblems(holder: JsonMap, field: string, path: string): string[] {
  const map = holder[field];
  if (map === undefined || map === null) return [];
  if (!isMap(map)) return [`${path} must be a map`];
  return Object.entries(map)
    .filter(([, value]) => value !== null && typeof value !== "string")
    .map(([key]) => `${path}: the value of "${key}" must be a string; quote it`);
}

function nameProblems(metadata: JsonMap): string[] {
  if (isText(metadata["generateName"]) && !isText(metadata["name"])) {
    return ["metadata.generateName would make a new object on every pass; set metadata.name instead"];
  }
  return textProblem(metadata, "name", "metadata.name");
}

function metadataProblems(metadata: unknown): string[] {
  if (metadata === undefined || metadata === null) return ["metadata.name is missing"];
  if (!isMap(metadata)) return ["metadata must be a map"];
  const { namespace } = metadata;
  return [
    ...nameProblems(metadata),
    ...(namespace === undefined || namespace === null || typeof namespace === "string"
      ? []
      : ["metadata.namespace must be a string; quote it"]),
    ...stringMapProblems(metadata, "labels", "metadata.labels"),
    ...stringMapProblems(metadata, "annotations", "metadata.annotations"),
  ];
}

function objectProblems(object: JsonMap): string[] {
  const isSecret = object["kind"] === "Secret" && object["apiVersion"] === "v1";
  return [
    ...textProblem(object, "apiVersion", "apiVersion"),
    ...textProblem(object, "kind", "kind"),
    ...metadataProblems(object["metadata"]),
    ...(isSecret ? stringMapProblems(object, "stringData", "stringData") : []),
  ];
}

/** The items of a `List` or `ConfigMapList`; the latter's items may leave out what the list already says. */
function listItems(value: JsonMap): unknown[] | undefined {
  const { kind, apiVersion, items } = value;
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) return undefined;
  const itemKind = kind.slice(0, -"List".length);
  if (itemKind === "") return items;
  return items.map((item) =>
    isMap(item) && !isText(item["kind"]) && !isText(item["apiVersion"])
      ? { apiVersion, kind: itemKind, ...item }
      : item,
  );
}

/**
 * The objects that one parsed manifest holds: itself, or the items of a List. Checks what every Kubernetes object
 * must have; the API server judges the rest.
 *
 * @param what names the manifest in problems
 */
export function manifestsOf(value: unknown, what: string): Result<KubeObject[]> {
  if (!isMap(value))
    return { ok: false, problems: [`${what}: a manifest must be a map with apiVersion, kind and metadata`] };
  const items = listItems(value);
  if (items === undefined) {
    const problems = objectProblems(value).map((problem) => `${what}: ${problem}`);
    return problems.length === 0 ? { ok: true, value: [value as KubeObject] } : { ok: false, problems };
  }
  const results = items.map((item, index) => manifestsOf(item, `${what}, items[${index}]`));
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: results.flatMap((result) => (result.ok ? result.value : [])) };
}
